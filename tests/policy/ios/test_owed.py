"""From when on the device permits a request, and what becomes of the time that it was meant to have before."""

from __future__ import annotations

from dataclasses import replace

from bgo.model.ios_state import IosState
from bgo.model.lane import Gate
from bgo.model.platform import DeviceSaid
from bgo.model.profile import Idle, Processing, Profile
from bgo.policy import ios
from bgo.policy.ios.draws import delay, draw_of, of_day
from tests.policy.ios.phone import (
    DAY,
    HOUR,
    IDLE_WORK,
    IOS,
    MINUTE,
    SECOND,
    T0,
    a_phone,
    after,
    held,
    spans,
)  # fmt: skip

SLOW = replace(IOS, idle=Idle(5 * HOUR))
DARK = "screen=off network=unmetered charging=yes"


def rules_of(profile: Profile) -> Processing:
    assert profile.processing is not None
    return profile.processing


def drawn(seed: int, day: int = 0) -> list[int]:
    """Return when iOS means to give processing time on a day, counted from `T0`."""
    return [at - T0 for at in of_day(draw_of(IOS, seed, rules_of(IOS)), T0 // DAY + day)]


def test_an_instant_before_the_device_is_idle_enough_is_owed_and_comes_after_that() -> None:
    """Over seeds: of those with such an instant some would run before, if anybody forgot the wait."""
    early = [seed for seed in range(1, 200) if any(at < 5 * HOUR for at in drawn(seed))]
    assert len(early) > 20
    for seed in early:
        state = after([(0, DARK)], SLOW, seed)
        assert state.processing[0].ready_from == state.idle_from == T0 + 5 * HOUR
        begins, _ = spans(state, DAY, IDLE_WORK, SLOW)[0]
        assert 5 * HOUR <= begins <= 6 * HOUR, "the spread is one hour"
        assert not ios.advance(SLOW, state, T0 + DAY).processing[0].owed


def test_what_is_owed_comes_with_the_next_instant_if_that_is_earlier_and_not_once_more() -> None:
    found = 0
    for seed in range(1, 400):
        today = drawn(seed)
        if not today or len(today) > 3:
            continue
        ready = T0 + today[-1] - 10 * MINUTE
        owed_at = ready + delay(draw_of(IOS, seed, rules_of(IOS)), ready, rules_of(IOS).spread_ms) - T0
        if len(today) > 1 and today[-2] < ready - T0 and owed_at > today[-1] + 5 * MINUTE:
            found += 1
            state = after([(0, "screen=on"), (ready - T0, "idle=yes network=unmetered charging=yes")], seed=seed)
            assert spans(state, DAY, IDLE_WORK) == [(today[-1], today[-1] + 5 * MINUTE)]
    assert found > 10


def test_the_wait_for_rest_begins_once() -> None:
    """A screen went dark, and later the device itself says that it is idle; and the other way round."""
    dark = after([(0, "screen=on"), (HOUR, "screen=off"), (3 * HOUR, "idle=yes")])
    assert dark.idle_from == T0 + HOUR + 5 * MINUTE
    said = after([(0, "screen=off idle=yes"), (3 * HOUR, "idle=unknown")])
    assert said.idle_from == T0
    soon = after([(0, "screen=on"), (HOUR, "screen=off"), (HOUR + MINUTE, "idle=yes")])
    assert soon.idle_from == T0 + HOUR + MINUTE


def test_what_makes_no_difference_to_a_request_does_not_begin_it_anew() -> None:
    state = after([(0, "idle=yes charging=yes network=unmetered"), (HOUR, "network=none"), (2 * HOUR, "battery=40")])
    assert [one.ready_from for one in state.processing] == [T0, None, T0, None]
    assert state.refresh.ready_from == T0


def test_a_request_is_not_permitted_while_background_refresh_is_off() -> None:
    state = after([(0, "idle=yes"), (HOUR, "refresh=off")])
    assert state.refresh.ready_from is None
    assert ios.advance(IOS, state, T0 + 2 * DAY).refresh.owed
    on = ios.step(IOS, state, DeviceSaid(T0 + 2 * DAY, a_phone("idle=yes refresh=on")))
    assert 2 * DAY <= spans(on, 3 * DAY)[0][0] <= 2 * DAY + 15 * MINUTE


def test_a_forgotten_app_is_given_nothing_and_owed_nothing() -> None:
    script = [(0, "app=foreground"), (HOUR, "app=background idle=yes")]
    for seed in range(1, 10):
        state = after(script, seed=seed)
        for at in drawn(seed, 9):
            then = ios.advance(IOS, state, T0 + 9 * DAY + at)
            assert (then.processing_until, then.processing[0].owed) == (0, False)
        forgotten = ios.advance(IOS, state, T0 + 8 * DAY)
        assert forgotten.edge_at is None
        opened = ios.step(IOS, forgotten, DeviceSaid(T0 + 20 * DAY, a_phone("app=foreground idle=yes")))
        assert opened.refresh.ready_from == opened.processing[0].ready_from == T0 + 20 * DAY


def test_a_device_that_starts_anew_has_ended_all_time() -> None:
    state = after([(0, "app=foreground"), (HOUR, "app=background")])
    assert held(state, HOUR + SECOND) == []
    off = ios.step(IOS, state, DeviceSaid(T0 + HOUR + SECOND, a_phone("app=background lock=before-first-unlock")))
    assert held(off, HOUR + SECOND) == [Gate.LOCKED, Gate.OPPORTUNITY]
    on = ios.step(IOS, off, DeviceSaid(T0 + HOUR + 2 * SECOND, a_phone("app=background lock=open")))
    assert held(on, HOUR + 3 * SECOND) == [Gate.OPPORTUNITY]


def test_two_weeks_without_an_instant_are_only_a_reason_to_look_again() -> None:
    rare = replace(IOS, refresh=None, app=replace(IOS.app, usage=0.001, unused_ms=None))  # type: ignore[type-var]
    state = ios.step(rare, IosState(T0), DeviceSaid(T0, a_phone("idle=yes")))
    looks = 0
    edge = ios.next_edge(rare, state, state.at)
    while edge is not None and looks < 100 and not state.processing_until:
        state, looks = ios.advance(rare, state, edge), looks + 1
        edge = ios.next_edge(rare, state, edge)
    assert state.processing_until
    assert looks > 3


def test_a_profile_that_has_changed_is_gone_by_within_a_day() -> None:
    """Nobody uses the app, says the profile; somebody edits it, and the state in the store is still the old one."""
    unused = replace(IOS, app=replace(IOS.app, usage=0.0))  # type: ignore[type-var]
    state = ios.advance(unused, after([(0, "idle=yes")], unused), T0 + HOUR)
    assert state.edge_at is None
    assert ios.next_edge(IOS, state, T0 + 2 * DAY) is not None
    assert spans(ios.advance(IOS, state, T0 + 2 * DAY), 4 * DAY)

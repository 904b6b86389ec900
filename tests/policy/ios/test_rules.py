"""iOS's rules one by one: what lets work run, what holds it, and what ends it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bgo.model.device import DeviceState, Tri
from bgo.model.ios_state import IosState
from bgo.model.lane import Gate, Traits, ViewKey
from bgo.model.platform import DeviceSaid, RunOver
from bgo.model.profile import Profile
from bgo.policy import ios
from bgo.policy.ios.draws import Draw, draw_of, of_day
from tests.policy.ios.phone import (
    DAY,
    HOUR,
    IDLE_WORK,
    IOS,
    KINDS_OF_WORK,
    MINUTE,
    PLAIN_WORK,
    POWER_WORK,
    SECOND,
    T0,
    a_phone,
    a_run,
    after,
    edges,
    held,
    of_traits,
    spans,
    with_app,
)  # fmt: skip

AWAKE = "app=background screen=on lock=open battery=80 network=unmetered"
ASLEEP = "app=background screen=off lock=locked idle=yes charging=yes network=unmetered"


@pytest.mark.parametrize("work", KINDS_OF_WORK)
def test_everything_runs_in_the_foreground_and_in_the_grace_after_it(work: ViewKey) -> None:
    state = after([(0, "app=foreground"), (HOUR, "app=background")])
    assert held(after([(0, "app=foreground")]), 30 * MINUTE, work) == []
    assert held(state, HOUR, work) == held(state, HOUR + 29_999, work) == []
    assert held(state, HOUR + 30 * SECOND, work) == [Gate.OPPORTUNITY]


def test_a_refresh_is_short_and_not_for_work_that_wants_the_device_at_rest() -> None:
    state = after([(0, AWAKE)])
    found = spans(state, DAY)
    drawn = [at - T0 for at in of_day(_draw("refresh"), T0 // DAY)]
    assert found == [(at, at + 30 * SECOND) for at in drawn]
    assert spans(state, DAY, POWER_WORK) == spans(state, DAY, IDLE_WORK) == []
    assert held(state, found[0][0], POWER_WORK) == [Gate.OPPORTUNITY]


def test_processing_comes_to_a_device_at_rest_and_is_for_all_work() -> None:
    state = after([(0, AWAKE), (2 * HOUR, ASLEEP)])
    found = spans(state, DAY, POWER_WORK)
    assert found
    assert all(5 * MINUTE <= to - begins <= 10 * MINUTE for begins, to in found)
    assert spans(state, DAY, IDLE_WORK) == found
    assert all(any(a <= begins and to <= b for a, b in spans(state, DAY)) for begins, to in found)


def test_what_was_drawn_while_the_device_was_used_is_owed_once_and_comes_soon_after() -> None:
    """All of a week's instants came in vain; with the first night there is one, within the spread."""
    state = after([(0, AWAKE + " app=foreground"), (6 * DAY, AWAKE), (6 * DAY + HOUR, ASLEEP)])
    first, *more = spans(state, 6 * DAY + 2 * HOUR, IDLE_WORK)
    assert 6 * DAY + HOUR <= first[0] <= 6 * DAY + 2 * HOUR
    assert len(more) <= len(of_day(_draw("processing"), T0 // DAY + 6))


def test_what_asks_for_power_or_a_network_is_owed_until_that_is_there() -> None:
    """Processing without power has come and gone at noon: that with power still comes at night."""
    state = after([(0, AWAKE), (3 * DAY, ASLEEP + " charging=no network=none")])
    assert [one.ready_from is not None for one in state.processing] == [True, False, False, False]
    spent = ios.advance(IOS, state, T0 + 3 * DAY + 2 * HOUR)
    assert [one.owed for one in spent.processing] == [False, True, True, True]
    plugged = ios.step(IOS, spent, DeviceSaid(T0 + 3 * DAY + 2 * HOUR, a_phone(ASLEEP)))
    begins, _ = spans(plugged, 4 * DAY, POWER_WORK)[0]
    assert 3 * DAY + 2 * HOUR <= begins <= 3 * DAY + 3 * HOUR


def test_processing_ends_when_somebody_takes_the_device_and_a_refresh_does_not() -> None:
    state = after([(0, AWAKE), (2 * HOUR, ASLEEP)])
    begins = spans(state, DAY, IDLE_WORK)[0][0]
    taken = ios.step(IOS, state, DeviceSaid(T0 + begins + MINUTE, a_phone(AWAKE)))
    assert ios.advance(IOS, state, T0 + begins + MINUTE).processing_until
    assert not taken.processing_until
    stays = replace(IOS, processing=replace(IOS.processing, stop_on_use=False))  # type: ignore[type-var]
    assert ios.step(stays, state, DeviceSaid(T0 + begins + MINUTE, a_phone(AWAKE))).processing_until
    refreshed = after([(0, AWAKE)])
    at = spans(refreshed, DAY)[0][0]
    touched = ios.step(IOS, refreshed, DeviceSaid(T0 + at + SECOND, a_phone(AWAKE + " screen=off")))
    assert touched.refresh_until == T0 + at + 30 * SECOND


@pytest.mark.parametrize(
    ("words", "gate"),
    [
        ("app=force-quit", Gate.APP),
        ("app=swiped", Gate.APP),
        ("refresh=off", Gate.APP),
        ("lock=before-first-unlock", Gate.LOCKED),
        ("low_power=on", Gate.LOW_POWER),
        ("battery=19 charging=no", Gate.LOW_POWER),
    ],
)
def test_what_keeps_an_app_from_getting_time_at_all(words: str, gate: Gate) -> None:
    state = after([(0, ASLEEP), (HOUR, words)])
    for work in KINDS_OF_WORK:
        assert held(state, HOUR, work)[0] is gate
        assert spans(state, 6 * DAY, work) == []


@pytest.mark.parametrize("words", ["battery=20 charging=no", "battery=5 charging=yes", "refresh=unknown"])
def test_what_does_not(words: str) -> None:
    assert spans(after([(0, ASLEEP), (HOUR, words)]), 6 * DAY)


def test_the_foreground_does_not_care_for_low_power_nor_for_the_refresh_switch() -> None:
    state = after([(0, "app=foreground low_power=on refresh=off battery=3")])
    assert held(state, 0, POWER_WORK) == []


def test_low_power_does_not_matter_where_the_profile_says_so() -> None:
    profile = with_app(low_power_stops=False)
    assert spans(after([(0, ASLEEP + " low_power=on")], profile), DAY, profile=profile)


def test_a_force_quit_lasts_until_the_app_is_opened_whatever_is_said_in_between() -> None:
    state = after([(0, ASLEEP), (HOUR, "app=force-quit"), (2 * HOUR, "app=background"), (3 * HOUR, "app=unknown")])
    assert held(state, 3 * HOUR)[0] is Gate.APP
    opened = ios.step(IOS, state, DeviceSaid(T0 + 4 * HOUR, a_phone("app=foreground")))
    assert held(opened, 4 * HOUR) == []


def test_an_app_that_nobody_opens_for_a_week_is_forgotten_until_it_is_opened() -> None:
    state = after([(0, AWAKE + " app=foreground"), (HOUR, AWAKE)])
    inside = [begins for begins, _ in spans(state, 30 * DAY)]
    assert 6 * DAY < max(inside) < HOUR + 7 * DAY
    assert held(state, HOUR + 7 * DAY) == [Gate.APP, Gate.OPPORTUNITY]
    again = ios.step(IOS, state, DeviceSaid(T0 + 20 * DAY, a_phone(AWAKE + " app=foreground")))
    closed = ios.step(IOS, again, DeviceSaid(T0 + 20 * DAY + HOUR, a_phone(AWAKE)))
    assert spans(closed, 22 * DAY)


def test_an_app_of_whose_use_nothing_is_said_is_not_forgotten() -> None:
    assert max(spans(after([(0, "screen=on")]), 30 * DAY))[0] > 29 * DAY


def test_an_app_that_is_never_used_gets_no_time() -> None:
    profile = with_app(usage=0.0)
    state = after([(0, "idle=yes charging=yes")], profile)
    assert spans(state, 60 * DAY, profile=profile) == []
    assert ios.next_edge(profile, state, state.at) is None


def test_a_screen_that_is_dark_for_long_enough_is_an_idle_device() -> None:
    state, device = after([(0, "screen=on"), (HOUR, "screen=off")]), a_phone("screen=off")

    def idle(at: int) -> Tri:
        return ios.as_judged(IOS, ios.advance(IOS, state, T0 + at), device, T0 + at).idle.value

    assert idle(HOUR + 5 * MINUTE - 1) is Tri.NO
    assert idle(HOUR + 5 * MINUTE) is Tri.YES
    assert T0 + HOUR + 5 * MINUTE in [T0 + at for at, _ in edges(state, 2 * HOUR)]
    assert ios.as_judged(IOS, state, DeviceState(), state.at).idle.value is Tri.UNKNOWN
    said = a_phone("screen=off idle=no")
    assert ios.as_judged(IOS, state, said, state.at + DAY) is said


def test_work_that_the_app_may_not_even_ask_for() -> None:
    profile = with_app(background_modes=("fetch",))
    state = after([(0, ASLEEP)], profile)
    assert spans(state, DAY, IDLE_WORK, profile) == []
    assert held(state, 0, IDLE_WORK, profile) == [Gate.APP, Gate.OPPORTUNITY]
    assert spans(state, DAY, PLAIN_WORK, profile)
    nothing = replace(IOS, refresh=None, processing=None)
    assert held(after([(0, ASLEEP)], nothing), 0, PLAIN_WORK, nothing)[0] is Gate.APP


def test_continued_work_starts_in_the_foreground_only_and_goes_on_after_it() -> None:
    continued = of_traits(foreground="continued")
    state = after([(0, AWAKE + " app=foreground")])
    assert held(state, 0, continued) == []
    left = ios.step(IOS, state, DeviceSaid(T0 + HOUR, a_phone(AWAKE)))
    assert held(left, HOUR + SECOND, continued) == [Gate.FOREGROUND]
    assert ios.stop(IOS, left, a_phone(AWAKE), a_run(0, Traits(foreground="continued")), T0 + 9 * HOUR) is None
    quit_ = a_phone("app=force-quit")
    killed = ios.step(IOS, left, DeviceSaid(T0 + 2 * HOUR, quit_))
    end = ios.stop(IOS, killed, quit_, a_run(0, Traits(foreground="continued")), T0 + 2 * HOUR)
    assert end is not None
    assert (end.at, end.hold.gate) == (T0 + 2 * HOUR, Gate.APP)


def test_a_run_goes_on_as_long_as_any_of_the_time_does() -> None:
    state = after([(0, "app=foreground")])
    assert ios.stop(IOS, state, DeviceState(), a_run(0), T0) is None
    left = ios.step(IOS, state, DeviceSaid(T0 + HOUR, a_phone(AWAKE)))
    end = ios.stop(IOS, left, DeviceState(), a_run(0), T0 + HOUR + SECOND)
    assert end is not None
    assert (end.at, end.hold.gate, end.hold.until_ms) == (T0 + HOUR + 30 * SECOND, Gate.RUN_TIME, end.at)
    over = ios.stop(IOS, left, DeviceState(), a_run(0), T0 + HOUR + 40 * SECOND)
    assert over is not None
    assert over.at == T0 + HOUR + 40 * SECOND


def test_a_run_in_processing_is_stopped_where_somebody_takes_the_device() -> None:
    state = after([(0, AWAKE), (2 * HOUR, ASLEEP)])
    at = T0 + spans(state, DAY, IDLE_WORK)[0][0] + MINUTE
    running = ios.stop(IOS, state, a_phone(ASLEEP), a_run(0), at)
    assert running is not None
    assert running.at > at
    taken = ios.step(IOS, state, DeviceSaid(at, a_phone(AWAKE)))
    end = ios.stop(IOS, taken, a_phone(AWAKE), a_run(0), at)
    assert end is not None
    assert end.at == at


def test_what_has_been_so_for_long_counts_from_then() -> None:
    """A flag that says the screen has been dark for an hour is told late: the device is idle already."""
    state = after([(0, "app=unknown"), (2 * HOUR, "app=unknown charging=yes")])
    late = ios.step(IOS, state, DeviceSaid(T0 + HOUR, a_phone("charging=yes screen=off")))
    assert late.at == state.at
    assert late.idle_from == T0 + HOUR + 5 * MINUTE
    assert ios.step(IOS, late, DeviceSaid(T0, a_phone("charging=yes screen=off"))) is late


def test_what_is_remembered_counts_until_somebody_says_since_when() -> None:
    dark = "app=background screen=off charging=yes network=unmetered"
    device, state, now = a_phone(dark), after([(0, dark), (6 * HOUR, "")]), T0 + 6 * HOUR
    assert ios.step(IOS, state, DeviceSaid(now - MINUTE, device)).idle_from == T0 + 5 * MINUTE
    said = DeviceSaid(now - MINUTE, device, frozenset({"screen", "app"}))
    firm = ios.step(IOS, state, said)
    assert (firm.idle_from, firm.used_at) == (now + 4 * MINUTE, now - MINUTE)
    assert {one.ready_from for one in firm.processing} == {now + 4 * MINUTE}
    assert firm.refresh == state.refresh, "that is no matter of the screen"
    assert ios.advance(IOS, ios.step(IOS, firm, said), now) == ios.advance(IOS, firm, now)
    switched = ios.step(IOS, state, said._replace(firm=frozenset({"refresh"})))
    assert (switched.refresh.ready_from, switched.idle_from) == (now - MINUTE, state.idle_from)
    front = a_phone(AWAKE + " app=foreground")
    opened = ios.step(IOS, ios.step(IOS, None, DeviceSaid(T0, front)), DeviceSaid(now, front, frozenset({"app"})))
    assert (opened.used_at, opened.grace_until) == (now, 0)


def test_nothing_new_changes_nothing() -> None:
    state = after([(0, ASLEEP)])
    assert ios.step(IOS, state, DeviceSaid(T0, a_phone(ASLEEP))) is state
    later = ios.step(IOS, state, DeviceSaid(T0 + 1, a_phone(ASLEEP)))
    assert later == replace(state, at=T0 + 1) == ios.step(IOS, state, RunOver(T0 + 1, "work.1"))


def test_holds_say_what_it_is_and_what_to_do() -> None:
    device = a_phone("app=background low_power=on refresh=off battery=7 lock=open")
    state = ios.step(IOS, None, DeviceSaid(T0, device))
    found = list(ios.holds(IOS, state, device, of_traits(periodic=True), T0))
    assert [hold.gate for hold in found] == [Gate.APP, Gate.LOW_POWER, Gate.OPPORTUNITY]
    assert all(hold.current and hold.needed and hold.holder and hold.lift for hold in found)
    assert all(hold.until_ms is None for hold in found), "nobody can say when"
    assert "bgo asks for the next one after each run" in found[-1].needed
    assert "Low Power Mode" in found[1].current
    flat = a_phone("battery=7")
    (hold, _) = ios.holds(IOS, ios.step(IOS, None, DeviceSaid(T0, flat)), flat, PLAIN_WORK, T0)
    assert "7 %" in hold.current


def test_a_state_that_nothing_was_said_to_is_judged_by_the_device_at_hand() -> None:
    state, device = IosState(T0, seed=3), a_phone("app=foreground")
    assert held(state, 0, device=device) == []
    assert held(state, 0, device=a_phone("app=force-quit"))[0] is Gate.APP


def _draw(kind: str) -> Draw:
    profile: Profile = IOS
    rules = profile.refresh if kind == "refresh" else profile.processing
    assert rules is not None
    return draw_of(profile, 1, rules)

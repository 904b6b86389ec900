"""What holds of iOS's rules whatever the device does: against an oracle, and against themselves."""

from __future__ import annotations

import json
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from bgo.model.device import DeviceState
from bgo.model.ios_state import IosState
from bgo.model.platform import DeviceSaid, PlatformState
from bgo.model.platform_json import dump, load
from bgo.policy import ios
from tests.policy.ios import oracle
from tests.policy.ios.phone import (
    DAY,
    HOUR,
    IDLE_WORK,
    IOS,
    KINDS_OF_WORK,
    MINUTE,
    PLAIN_WORK,
    T0,
    a_phone,
    a_run,
    held,
)  # fmt: skip

SIGNALS = {
    "app": st.sampled_from(["foreground", "background", "background", "swiped", "unknown"]),
    "lock": st.sampled_from(["open", "locked", "locked", "before-first-unlock"]),
    "idle": st.sampled_from(["yes", "no", "unknown"]),
    "screen": st.sampled_from(["on", "off"]),
    "charging": st.sampled_from(["yes", "no"]),
    "network": st.sampled_from(["none", "unmetered"]),
    "low_power": st.sampled_from(["on", "off"]),
    "refresh": st.sampled_from(["on", "off"]),
    "battery": st.sampled_from(["15", "80"]),
}
phones = st.fixed_dictionaries({}, optional=SIGNALS).map(lambda said: a_phone(_words(said)))
gaps = st.one_of(
    st.integers(1, 20).map(lambda n: n * MINUTE),
    st.integers(1, 30).map(lambda n: n * HOUR + 1),
    st.integers(1, 9).map(lambda n: n * DAY + 7),
)


def _words(said: dict[str, str]) -> str:
    return " ".join(f"{key}={word}" for key, word in said.items())


@st.composite
def scripts(draw: st.DrawFn) -> oracle.Script:
    """A phone at rest, of which a thing or two are another with each change."""
    said = {"idle": "yes", "network": "unmetered", "charging": "yes"}
    at, found = T0, []
    for _ in range(draw(st.integers(1, 7))):
        for key in draw(st.lists(st.sampled_from(sorted(SIGNALS)), max_size=2)):
            said[key] = draw(SIGNALS[key])
        found.append((at, a_phone(_words(said))))
        at += draw(gaps)
    return found


def folded(script: oracle.Script, seed: int, now: int) -> tuple[IosState, DeviceState]:
    state, said = IosState(script[0][0], seed), DeviceState()
    for at, device in script:
        if at <= now:
            state, said = ios.step(IOS, state, DeviceSaid(at, device)), device
    return ios.advance(IOS, state, now), said


seeds = st.integers(1, 40)


@given(scripts(), seeds, st.data())
@settings(max_examples=200)
def test_work_may_start_when_the_oracle_says_so(script: oracle.Script, seed: int, data: st.DataObject) -> None:
    """At the instants at which something begins or ends, where one of the two is most likely to be wrong."""
    until = script[-1][0] + data.draw(st.integers(0, 3 * DAY))
    near = oracle.interesting(IOS, seed, script, until)
    some = data.draw(st.lists(st.sampled_from(near or [until]), min_size=1, max_size=4, unique=True))
    for at in sorted({one + beside for one in some for beside in (-1, 0)} | {until}):
        state, device = folded(script, seed, max(at, T0))
        for work in (PLAIN_WORK, IDLE_WORK):
            right = oracle.is_open(IOS, seed, script, max(at, T0), rest=work is IDLE_WORK)
            assert (held(state, max(at, T0) - T0, work, device=device) == []) is right


@given(scripts(), seeds, st.lists(st.integers(0, 5 * DAY), max_size=5), st.integers(0, 20 * DAY))
def test_time_may_go_on_in_steps(script: oracle.Script, seed: int, stops: list[int], later: int) -> None:
    state, _ = folded(script, seed, script[-1][0])
    whole, parts = ios.advance(IOS, state, state.at + later), state
    for at in sorted(state.at + stop for stop in stops if stop < later):
        parts = ios.advance(IOS, parts, at)
    assert ios.advance(IOS, parts, state.at + later) == whole


@given(scripts(), seeds, st.integers(0, 3 * DAY), st.floats(0, 1, exclude_max=True))
def test_nothing_changes_before_the_next_edge(script: oracle.Script, seed: int, later: int, part: float) -> None:
    now = script[-1][0] + later
    state, device = folded(script, seed, now)
    edge = ios.next_edge(IOS, state, now)
    assert edge is None or edge > now
    then = now + int(part * ((edge or now + 30 * DAY) - now))
    for work in KINDS_OF_WORK:
        gates = [hold.gate for hold in ios.holds(IOS, state, device, work, now)]
        assert len(set(gates)) == len(gates), "a ledger has one line for each"
        assert list(ios.holds(IOS, state, device, work, now)) == list(ios.holds(IOS, state, device, work, then))
    first, second = (ios.stop(IOS, state, device, a_run(0), at) for at in (now, then))
    assert (first is None) is (second is None)
    if first is not None and second is not None:
        assert first.hold == second.hold
        assert second.at in (first.at, then)
    assert ios.as_judged(IOS, state, device, now) == ios.as_judged(IOS, state, device, then)


@given(scripts(), seeds, st.integers(0, 3 * DAY))
def test_what_may_start_may_go_on_and_what_may_go_on_may_start(script: oracle.Script, seed: int, later: int) -> None:
    """A run is stopped no earlier than its kind of work is held; only what saves power lets runs go on."""
    now = script[-1][0] + later
    state, device = folded(script, seed, now)
    end = ios.stop(IOS, state, device, a_run(0), now)
    if held(state, now - T0, device=device) == []:
        assert end is None or end.at > now
    elif end is None or end.at > now:
        kinds = {hold.gate for hold in ios.holds(IOS, state, device, PLAIN_WORK, now)}
        assert kinds <= {"app", "low_power"}


@given(scripts(), seeds, st.integers(0, 3 * DAY))
def test_saying_a_thing_twice_changes_nothing(script: oracle.Script, seed: int, later: int) -> None:
    now = script[-1][0] + later
    state, device = folded(script, seed, now)
    assert ios.step(IOS, state, DeviceSaid(now, device)) is state
    assert ios.step(IOS, state, DeviceSaid(script[-1][0], device)) is state


@given(scripts(), seeds, st.integers(0, 3 * DAY))
def test_what_is_remembered_comes_back_from_the_store(script: oracle.Script, seed: int, later: int) -> None:
    state, _ = folded(script, seed, script[-1][0] + later)
    again = load(json.loads(json.dumps(dump(PlatformState(ios=state))))).ios
    assert again == state
    assert again is not None
    assert (again.at, again.folds_at) == (state.at, state.folds_at)


@given(scripts(), st.data())
@settings(max_examples=50)
def test_a_fact_told_late_counts_as_if_it_had_been_told_in_time(script: oracle.Script, data: st.DataObject) -> None:
    """Of a device that had said nothing before: what it says has been so since then."""
    device = data.draw(phones)
    late = ios.step(IOS, IosState(T0), DeviceSaid(T0, DeviceState()))
    late = ios.step(IOS, ios.advance(IOS, late, T0 + DAY), DeviceSaid(T0 + HOUR, device))
    early = ios.step(IOS, ios.advance(IOS, ios.step(IOS, None, DeviceSaid(T0, DeviceState())), T0 + HOUR),
                     DeviceSaid(T0 + HOUR, device))  # fmt: skip
    early = ios.advance(IOS, early, T0 + DAY)
    assert [one.ready_from for one in late.processing] == [one.ready_from for one in early.processing]
    assert (late.quit, late.used_at, late.idle_from) == (early.quit, early.used_at, early.idle_from)


def test_no_refresh_lasts_longer_than_it_may_and_no_day_has_more_than_the_most() -> None:
    for seed in range(1, 30):
        state = ios.step(IOS, IosState(T0, seed), DeviceSaid(T0, a_phone("screen=on")))
        begins = []
        edge = ios.next_edge(IOS, state, state.at)
        while edge is not None and edge < T0 + 7 * DAY:
            state = ios.advance(IOS, state, edge)
            begins += [edge] if state.refresh_until == edge + 30_000 else []
            edge = ios.next_edge(IOS, state, edge)
        for day in range(7):
            inside = [at for at in begins if T0 + day * DAY <= at < T0 + (day + 1) * DAY]
            assert 4 <= len(inside) <= 12
        assert all(later - earlier >= 15 * MINUTE for earlier, later in pairwise(begins))

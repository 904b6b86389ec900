"""The simulator stops what loses a constraint, by the rule of the worker; nothing runs on behind a closed gate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgo.model.device import DeviceChange, DeviceState, Reading, Tri
from bgo.model.options import ConstraintLoss, RetryPolicy, TaskConstraints, TaskTimeout
from bgo.policy import loss
from bgo.policy.loss import SETTLE_MS
from bgo.run.simulator import SimOptions, simulate
from bgo.run.timeline import SimRun, Timeline
from tests.build import START, a_spec, a_wish
from tests.run.test_simulator import a_store

CHARGED = TaskConstraints(requires_charging=True)
MINUTE = 60_000


def script(*changes: tuple[int, Tri]) -> tuple[DeviceChange, ...]:
    return tuple(DeviceChange(START + at, DeviceState(charging=Reading(value, "test"))) for at, value in changes)


def play(device: tuple[DeviceChange, ...], *policies: str, ms: int = 10 * MINUTE, **options: Any) -> Timeline:
    """Return a play of one task for each policy, all of which need power and take so long."""
    wishes = [a_wish(timeout=TaskTimeout.NONE, constraints=replace(CHARGED, on_loss=p)) for p in policies]  # type: ignore[arg-type]
    store = a_store(*(a_spec(policy, wish=wish) for policy, wish in zip(policies, wishes, strict=True)))
    durations = dict.fromkeys(policies, ms)
    return simulate(store, None, 4, SimOptions(START, 24 * 60 * MINUTE, device=device, durations=durations, **options))


def runs(timeline: Timeline, name: str) -> list[tuple[int, int | None, str, str]]:
    (row,) = (row for row in timeline.rows if row.name == name)
    return [
        (r.started_at - START, None if r.ended_at is None else r.ended_at - START, r.state, r.reason) for r in row.runs
    ]


LOST = script((0, Tri.YES), (4 * MINUTE, Tri.NO), (60 * MINUTE, Tri.YES))


def test_each_policy_does_what_it_says() -> None:
    timeline = play(LOST, *ConstraintLoss)
    stopped_at = 4 * MINUTE + SETTLE_MS
    assert runs(timeline, "stop") == [
        (0, stopped_at, "queued", "device"),
        (60 * MINUTE, 70 * MINUTE, "succeeded", "done"),
    ]
    assert runs(timeline, "finish") == [(0, 10 * MINUTE, "succeeded", "done")]
    assert runs(timeline, "cancel") == [(0, stopped_at, "cancelled", "device")]


def test_the_attempt_is_not_charged_and_the_wait_is_the_gates() -> None:
    (row,) = play(LOST, "stop").rows
    assert [run.attempt for run in row.runs] == [1, 1]
    assert [run.run for run in row.runs] == [1, 2]
    assert dict(row.runs[1].held) == {"charging": 56 * MINUTE - SETTLE_MS}


def test_what_is_stopped_and_never_runs_again_is_told_with_its_hold() -> None:
    gone = script((0, Tri.YES), (4 * MINUTE, Tri.NO))
    timeline = play(gone, "stop")
    (row,) = timeline.rows
    waited = 24 * 60 * MINUTE - 4 * MINUTE - SETTLE_MS
    assert (row.stops, row.runs[0].stopped_by, row.started_at) == (1, "charging", START)
    assert row.waits is not None
    assert [hold.gate for hold in row.waits.holds] == ["charging"]
    assert (row.waits.planned_at, row.waits.waited_ms) == (START + 4 * MINUTE + SETTLE_MS, waited)
    assert (dict(row.held), row.delay_ms, row.is_late) == ({"charging": waited}, waited, True)
    told = timeline.to_json()["rows"][0]
    assert (told["stops"], told["waits"]["holds"][0]["gate"], told["runs"][0]["stopped_by"]) == (
        1,
        "charging",
        "charging",
    )
    assert timeline.never == ()


def test_what_comes_back_in_time_stops_nothing() -> None:
    short = script((0, Tri.YES), *((n * MINUTE + flap * (SETTLE_MS - 1), (Tri.NO, Tri.YES)[flap])
                                   for n in range(1, 9) for flap in (0, 1)))  # fmt: skip
    assert runs(play(short, "stop"), "stop") == [(0, 10 * MINUTE, "succeeded", "done")]


def test_a_slot_is_free_again_at_once() -> None:
    wish = a_wish(timeout=TaskTimeout.NONE, constraints=CHARGED)
    store = a_store(a_spec("needs", wish=wish), a_spec("other", wish=a_wish(timeout=TaskTimeout.NONE)))
    options = SimOptions(START, device=LOST, durations={"needs": 10 * MINUTE, "other": MINUTE})
    timeline = simulate(store, None, 1, options)
    assert [run[0] for run in runs(timeline, "other")] == [4 * MINUTE + SETTLE_MS]


CHANGES = st.lists(
    st.tuples(st.integers(0, 40_000), st.sampled_from(Tri)), min_size=1, max_size=25, unique_by=lambda one: one[0]
)


def closed(device: tuple[DeviceChange, ...], run: SimRun, until: int) -> Iterator[int]:
    """Yield how long, at a time, a run went on while the device did not charge."""
    began: int | None = None
    ended = until if run.ended_at is None else run.ended_at
    for change in device:
        if change.state.charging.value is Tri.YES:
            if began is not None and change.at_ms > run.started_at:
                yield min(change.at_ms, ended) - max(began, run.started_at)
            began = None
        elif began is None:
            began = change.at_ms
    if began is not None and began < ended:
        yield ended - max(began, run.started_at)


def check_no_run_outlasts_its_gate(changes: list[tuple[int, Tri]], lengths: list[int]) -> None:
    device = script(*sorted(changes))
    store = a_store(*(a_spec(f"w{n}", wish=a_wish(retry=RetryPolicy.linear(2, 1), timeout=TaskTimeout.NONE,
                                                 constraints=CHARGED)) for n, _ in enumerate(lengths)))  # fmt: skip
    durations = {f"w{n}": length for n, length in enumerate(lengths)}
    timeline = simulate(store, None, 2, SimOptions(START, 120_000, device=device, durations=durations))
    for row in timeline.rows:
        assert all(run.attempt == 1 for run in row.runs), "a stop is not charged"
        for run in row.runs:
            assert all(ms <= SETTLE_MS for ms in closed(device, run, timeline.until_at)), "it ran on"
            if run.state == "queued":
                assert run.ended_at is not None
                assert run.ended_at - run.started_at >= SETTLE_MS, "no hot loop: each start lasts that long"
            if run.ended_at is not None and run.state == "succeeded":
                assert run.ended_at - run.started_at == durations[row.name], "it begins anew"


@given(CHANGES, st.lists(st.integers(1, 60_000), min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_no_run_outlasts_its_gate(changes: list[tuple[int, Tri]], lengths: list[int]) -> None:
    check_no_run_outlasts_its_gate(changes, lengths)


def never_settles(wish: Any, view: Any, before: Any, now: int, **wall: Any) -> Any:
    found = OBSERVE(wish, view, before, now, **wall)
    return None if found is None else replace(found, since=now)


def stops_for_one_look(wish: Any, view: Any, before: Any, now: int, **wall: Any) -> Any:
    found = OBSERVE(wish, view, before, now, **wall)
    return None if found is None else replace(found, since=now - SETTLE_MS)


def takes_unknown_for_yes(wish: Any, view: Any, before: Any, now: int, **wall: Any) -> Any:
    return None if view.device.charging.value is Tri.UNKNOWN else OBSERVE(wish, view, before, now, **wall)


OBSERVE = loss.observe


@pytest.mark.parametrize("bug", [never_settles, stops_for_one_look, takes_unknown_for_yes])
def test_a_planted_bug_is_seen(bug: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loss, "observe", bug)
    stories = [
        [(0, Tri.YES), (1_000, Tri.NO), (20_000, Tri.YES)],
        [(0, Tri.YES), (1_000, Tri.UNKNOWN), (20_000, Tri.YES)],
    ]
    with pytest.raises(AssertionError):
        check_all(stories)


def check_all(stories: list[list[tuple[int, Tri]]]) -> None:
    for story in stories:
        check_no_run_outlasts_its_gate(story, [30_000])

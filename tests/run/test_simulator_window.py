"""The simulator stops work whose strict window closes, at that instant, and goes on with it at the next opening."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bgo.model.device import DeviceChange, DeviceState, Reading, Tri
from bgo.model.options import ConstraintLoss, TaskConstraints, TaskTimeout
from bgo.model.profile import Profile, Work
from bgo.run.simulator import SimOptions, simulate
from bgo.run.timeline import Timeline
from tests.build import START, a_spec, a_wish
from tests.hours import hours, is_open
from tests.run.test_simulator import a_store

MINUTE = 60_000
CLOSES = 20_000
"""15:07:00 UTC, of a Sunday."""
STRICT = replace(a_wish(timeout=TaskTimeout.NONE), window=hours("15:00-15:07"), window_strict=True)


def play(*wishes: Any, ms: int = 60_000, **options: Any) -> Timeline:
    store = a_store(*(a_spec(f"w{n}", wish=wish) for n, wish in enumerate(wishes)))
    durations = {f"w{n}": ms for n, _ in enumerate(wishes)}
    return simulate(store, None, 8, SimOptions(START, 3 * 86_400_000, durations=durations, **options))


def runs(timeline: Timeline, name: str = "w0") -> list[tuple[int, int | None, str, str, int]]:
    (row,) = (row for row in timeline.rows if row.name == name)
    return [
        (r.started_at - START, None if r.ended_at is None else r.ended_at - START, r.state, r.reason, r.attempt)
        for r in row.runs
    ]


OPENS = 86_400_000 - 6 * MINUTE - 40_000


def test_what_would_go_on_is_stopped_and_begins_anew_when_it_opens() -> None:
    usual = replace(STRICT, window_strict=False)
    timeline = play(STRICT, usual, replace(STRICT, window=hours("15:00-16:00")))
    assert runs(timeline) == [
        (0, CLOSES, "queued", "device", 1),
        (OPENS, OPENS + MINUTE, "succeeded", "done", 1),
    ]
    assert runs(timeline, "w1") == runs(timeline, "w2") == [(0, MINUTE, "succeeded", "done", 1)]


def test_what_is_too_long_for_its_window_never_ends() -> None:
    found = runs(play(STRICT, ms=8 * MINUTE))
    assert [state for _, _, state, *_ in found] == ["queued", "queued", "queued", "running"]
    assert [end - start for start, end, *_ in found if end is not None] == [CLOSES, 7 * MINUTE, 7 * MINUTE]


def test_it_ends_the_task_where_a_loss_would() -> None:
    cancel = replace(STRICT, constraints=TaskConstraints(on_loss=ConstraintLoss.CANCEL))
    finish = replace(STRICT, constraints=TaskConstraints(requires_charging=True, on_loss=ConstraintLoss.FINISH))
    power = DeviceState(charging=Reading(Tri.YES))
    timeline = play(cancel, finish, device=power)
    assert runs(timeline) == [(0, CLOSES, "cancelled", "device", 1)]
    assert runs(timeline, "w1")[0] == (0, CLOSES, "queued", "device", 1)


def test_no_platform_charges_an_attempt_for_it() -> None:
    strict = Profile("strict", work=Work(stop_consumes_attempt=True))
    assert [attempt for *_, attempt in runs(play(STRICT, profile=strict))] == [1, 1]


def test_what_comes_first_ends_it() -> None:
    asks = replace(STRICT, constraints=TaskConstraints(requires_charging=True))
    changes = [(0, Tri.YES), (10_000, Tri.NO), (86_400_000, Tri.YES)]
    device = tuple(DeviceChange(START + at, DeviceState(charging=Reading(value))) for at, value in changes)
    assert runs(play(asks, device=device))[0] == (0, 15_000, "queued", "device", 1)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.sampled_from(["14:00-15:07", "15:10-15:20", "15:20-15:10", "09:00-17:00@1", "23:00-01:00"]), min_size=1
    ),
    st.integers(1, 40 * MINUTE),
)
def test_no_run_is_ever_seen_outside(texts: list[str], ms: int) -> None:
    timeline = play(*(replace(STRICT, window=hours(text)) for text in texts), ms=ms)
    for row in timeline.rows:
        window = hours(texts[int(row.name[1:])])
        for run in row.runs:
            end = timeline.until_at if run.ended_at is None else run.ended_at
            assert all(is_open(window, at) for at in (*range(run.started_at, end, MINUTE), end - 1))

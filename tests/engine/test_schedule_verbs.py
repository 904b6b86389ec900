"""Schedules set, set again by key, changed, paused, resumed and removed; and at each start of the computer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bgo.engine import schedules as engine
from bgo.engine.schedules import Draft
from bgo.errors import RefusedError, UsageError
from bgo.model.schedule import Counters, Reboot, ScheduleState
from bgo.model.state import State
from bgo.model.window import TimeWindow
from tests.engine.graphs import a_template
from tests.engine.timed import BEGIN, ERROR, D, H, M, Timed, a_draft, cron, every


def put(timed: Timed, draft: Draft) -> str:
    """Set a schedule; return what became of it."""
    with timed.store.write() as session:
        return engine.put(session, draft, timed.moment).outcome


# By key.


def test_the_same_by_its_key_is_left_alone_counters_and_all() -> None:
    timed = Timed()
    made = timed.every(H, key="k")
    timed.go(90 * M)
    before = timed.schedule(made)
    assert put(timed, a_draft(every(H), key="k", id="9new")) == "unchanged"
    assert timed.schedule(made) == before
    timed.at(2 * H)
    assert timed.fired(made) == [H, 2 * H]


@pytest.mark.parametrize(
    "other",
    [
        {"missed": "skip"},
        {"overlap": "queue"},
        {"max_runs": 9},
        {"pause_after": 2},
        {"template": a_template("tick", priority=5)},
    ],
    ids=str,
)
def test_what_does_not_change_its_times_leaves_them_alone(other: dict[str, Any]) -> None:
    timed = Timed()
    made = timed.every(H, key="k")
    timed.go(0)
    timed.clock.advance_ms(30 * M + 3 * H)
    before = timed.schedule(made)
    assert put(timed, a_draft(every(H), key="k", **other)) == "changed"
    after = timed.schedule(made)
    assert (after.id, after.counters, after.next_at, after.fire_at) == (made, before.counters, BEGIN + H, BEGIN + H)
    timed.settle_down()
    assert sum(timed.counts(made)) == 4, "what was due stays due"
    timed.at(4 * H)
    assert timed.fired(made)[-1] == 4 * H
    assert timed.faults() == []


def test_a_slid_interval_keeps_its_grid_when_something_else_changes() -> None:
    timed, window = Timed(), TimeWindow(9, 17)
    made = timed.every(H, start=BEGIN - 30 * M, window=window, key="k")
    timed.at(17 * H)  # it slid to 9:00
    put(timed, a_draft(every(H), start=BEGIN - 30 * M, window=window, key="k", missed="all"))
    timed.at(18 * H + 45 * M)
    assert timed.fired(made)[-2:] == [17 * H + 30 * M, 18 * H + 30 * M]


def test_another_interval_counts_on_from_the_last_occurrence() -> None:
    timed = Timed()
    made = timed.every(H, key="k")
    timed.go(0)
    timed.go(H)
    timed.clock.advance_ms(10 * M)
    assert put(timed, a_draft(every(30 * M), key="k")) == "changed"
    timed.at(H + 29 * M)
    assert timed.fired(made) == [0, H]
    timed.at(H + 30 * M)
    assert timed.fired(made) == [0, H, H + 30 * M]
    assert timed.counts(made) == Counters(fired=3)


def test_other_times_count_from_now_and_what_was_due_is_missed() -> None:
    timed = Timed()
    made = timed.every(H, key="k")
    timed.go(0)
    timed.clock.advance_ms(3 * H + M)
    put(timed, a_draft(cron("30 * * * *"), key="k"))
    timed.settle_down()
    assert (timed.fired(made), timed.counts(made)) == ([0], Counters(fired=1, missed=3))
    timed.at(3 * H + 30 * M)
    assert timed.fired(made) == [0, 3 * H + 30 * M]


def test_a_finished_one_goes_on_with_more_runs_and_ends_with_fewer() -> None:
    timed = Timed()
    made = timed.every(H, key="k", max_runs=1)
    timed.go(0)
    assert timed.schedule(made).state is ScheduleState.FINISHED
    put(timed, a_draft(every(H), key="k", max_runs=3))
    timed.go(30 * M)
    timed.at(H)
    assert timed.fired(made) == [0, H]
    put(timed, a_draft(every(H), key="k", max_runs=2))
    assert timed.schedule(made).state is ScheduleState.FINISHED
    timed.at(9 * H)
    assert timed.fired(made) == [0, H]


def test_a_change_keeps_what_is_paused_paused_unless_it_says_so() -> None:
    timed = Timed()
    made = timed.every(H, key="k")
    timed.pause(made)
    put(timed, a_draft(every(2 * H), key="k"))
    assert timed.schedule(made).state is ScheduleState.PAUSED
    put(timed, a_draft(every(2 * H), key="k", paused=False))
    assert timed.schedule(made).state is ScheduleState.ACTIVE
    put(timed, a_draft(every(2 * H), key="k", paused=True))
    assert timed.schedule(made).state is ScheduleState.PAUSED
    assert timed.faults() == []


def test_what_it_made_before_is_dropped_when_it_makes_something_else() -> None:
    timed = Timed()
    timed.every(H, key="k", template=a_template("tick", input=b'{"n":1}'))
    put(timed, a_draft(every(H), key="k", template=a_template("tick", input=b'{"n":2}')))
    timed.go(0)
    (claim,) = timed.tick(1)
    assert claim.input == b'{"n":2}'
    assert timed.faults() == []


def test_a_wish_that_can_never_come_true_changes_nothing() -> None:
    timed = Timed()
    made = timed.every(H, key="k")
    before = timed.schedule(made)
    for said in ({"end": BEGIN - 1}, {"start": BEGIN + H, "end": BEGIN + H}):
        with pytest.raises(UsageError):
            put(timed, a_draft(every(H), key="k", **said))  # type: ignore[arg-type]
    assert timed.schedule(made) == before


# Paused, resumed, removed.


def test_nothing_fires_while_it_is_paused_and_nothing_is_made_up_for() -> None:
    timed = Timed()
    made = timed.every(H, missed="all")
    timed.go(0)
    assert timed.pause(made)
    assert not timed.pause(made)
    timed.go(5 * H + M)
    assert not timed.is_due()
    assert timed.fired(made) == [0]
    assert timed.resume(made)
    assert not timed.resume(made)
    timed.settle_down()
    timed.at(6 * H)
    assert (timed.fired(made), timed.counts(made)) == ([0, 6 * H], Counters(fired=2))


def test_what_is_due_when_it_is_paused_is_missed() -> None:
    timed = Timed()
    made = timed.every(H, missed="all")
    timed.go(0)
    timed.clock.advance_ms(3 * H + M)
    timed.pause(made)
    assert timed.counts(made) == Counters(fired=1, missed=3)
    assert timed.notes(made)[-1][:3] == (BEGIN + 3 * H, "missed", 3)
    timed.go(H)
    timed.resume(made)
    timed.at(5 * H)
    assert (timed.fired(made), timed.counts(made)) == ([0, 5 * H], Counters(fired=2, missed=3))
    assert timed.faults() == []


@pytest.mark.parametrize("missed", ["one", "all", "skip"])
def test_an_occurrence_whose_jitter_is_not_over_is_missed_when_it_is_paused(missed: str) -> None:
    timed = Timed()
    made = timed.every(H, jitter=30 * M, missed=missed)
    timed.clock.jump_to_ms(BEGIN + H)
    timed.settle_down()
    while (timed.schedule(made).fire_at or 0) <= timed.now:
        timed.go(H)
    began, before = timed.schedule(made).next_at, sum(timed.counts(made))
    assert began is not None
    timed.clock.jump_to_ms(began)
    assert (timed.schedule(made).fire_at or 0) > timed.now
    timed.pause(made)
    timed.resume(made)
    assert timed.notes(made)[-1][:3] == (began, "missed", 1)
    assert (sum(timed.counts(made)), timed.schedule(made).next_at) == (before + 1, began + H)
    assert timed.faults() == []


def test_a_resume_at_the_instant_of_an_occurrence_does_not_fire_it_again() -> None:
    timed = Timed()
    made = timed.every(H)
    timed.go(0)
    timed.pause(made)
    timed.resume(made)
    timed.settle_down()
    assert timed.fired(made) == [0]


def test_a_finished_one_can_be_neither_paused_nor_resumed() -> None:
    timed = Timed()
    made = timed.every(H, max_runs=1)
    timed.go(0)
    for verb in (timed.pause, timed.resume):
        with pytest.raises(RefusedError) as refused:
            verb(made)
        assert refused.value.why == "it has fired"


def test_what_it_has_made_outlives_it() -> None:
    timed = Timed()
    made = timed.every(H)
    timed.go(0)
    (claim,) = timed.tick(1)
    timed.go(H)
    timed.remove(made)
    timed.go(5 * H)
    timed.finish(claim.task, ERROR)
    timed.run_out()
    assert [task.state for task in timed.tasks(made)] == [State.FAILED, State.SUCCEEDED]
    assert timed.faults() == []
    assert timed.store.connection.execute("SELECT count(*) FROM occurrence").fetchone() == (0,)


# At the start of the computer.


def test_it_fires_once_each_time_the_computer_has_started() -> None:
    timed = Timed()
    made = timed.reboot_schedule()
    timed.go(0)
    timed.go(D)
    assert timed.tasks(made) == []
    for number in (1, 2):
        timed.reboot()
        assert timed.is_due()
        timed.go(0)
        timed.tick(worker="b")
        timed.go(H)
        assert len(timed.tasks(made)) == number
    assert timed.counts(made) == Counters(fired=2)
    assert timed.tasks(made)[-1].occurrence == timed.now - H


def test_starts_at_the_same_time_by_a_clock_without_a_battery_are_two() -> None:
    timed = Timed()
    made = timed.reboot_schedule()
    for _ in range(3):
        timed.reboot()
        timed.go(0)
    assert timed.fired(made) == [0, 1, 2]
    assert timed.counts(made) == Counters(fired=3)


def test_a_start_while_it_was_paused_is_not_made_up_for() -> None:
    timed = Timed()
    made = timed.reboot_schedule()
    timed.pause(made)
    timed.reboot()
    timed.go(0)
    timed.resume(made)
    timed.go(0)
    assert timed.tasks(made) == []
    timed.reboot()
    timed.go(0)
    assert len(timed.tasks(made)) == 1


def test_starts_before_it_may_fire_are_nothing_and_after_that_it_is_finished() -> None:
    timed = Timed()
    made = timed.reboot_schedule(start=BEGIN + H, end=BEGIN + 3 * H)
    counts = []
    for _ in range(4):
        timed.reboot()
        timed.go(0)
        counts.append(len(timed.tasks(made)))
        timed.go(H)
    assert counts == [0, 1, 2, 2]
    assert timed.schedule(made).state is ScheduleState.FINISHED
    assert timed.faults() == []


def test_starts_count_as_runs_and_overlap() -> None:
    timed = Timed()
    made = timed.reboot_schedule(max_runs=2, overlap="skip")
    for _ in range(3):
        timed.reboot()
        timed.go(M)
    assert timed.counts(made) == Counters(fired=1, skipped=2)
    timed.run_out()
    timed.reboot()
    timed.go(M)
    timed.reboot()
    timed.go(M)
    assert (len(timed.tasks(made)), timed.schedule(made).state) == (2, ScheduleState.FINISHED)


def test_a_schedule_by_time_becomes_one_by_starts_and_back() -> None:
    timed = Timed()
    made = timed.every(H, key="k")
    timed.go(0)
    put(timed, a_draft(Reboot(), key="k"))
    timed.go(3 * H)
    assert len(timed.tasks(made)) == 1
    timed.reboot()
    timed.go(0)
    assert len(timed.tasks(made)) == 2
    put(timed, replace(a_draft(every(H), key="k")))
    timed.reboot()
    timed.go(0)
    assert len(timed.tasks(made)) == 2
    timed.go(H)
    assert timed.fired(made)[-1] == 4 * H
    assert timed.faults() == []

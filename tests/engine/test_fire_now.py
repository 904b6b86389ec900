"""What a schedule makes, made at once because somebody asks for it: beside its occurrences, and never one of them."""

from __future__ import annotations

from typing import Any

import pytest

from bgo.engine.fire_now import fire_now
from bgo.engine.occasions import task_id
from bgo.model.limits import Unique, UniquePolicy
from bgo.model.schedule import ScheduleState
from bgo.model.state import State
from bgo.model.task import Enqueued, Wish
from tests.engine.graphs import a_template
from tests.engine.timed import BEGIN, H, M, Timed, a_batch_template, a_chain_template


def now(timed: Timed, made: str) -> Enqueued:
    with timed.store.write() as session:
        schedule = session.schedules.find(made)
        assert schedule is not None
        return fire_now(session, schedule, timed.now)


@pytest.mark.parametrize("overlap", ["skip", "queue", "replace", "allow"])
def test_it_is_made_beside_what_runs_and_counts_nothing(overlap: str) -> None:
    timed = Timed()
    made = timed.every(H, overlap=overlap)
    timed.go(0)
    timed.clock.advance_ms(10 * M)
    before = timed.schedule(made)
    done = now(timed, made)
    assert done.outcome == "new"
    assert timed.schedule(made) == before
    newest = timed.tasks(made)[-1]
    assert (newest.id, newest.schedule, newest.occurrence, newest.due_at) == (done.id, made, timed.now, timed.now)
    assert timed.faults() == []


@pytest.mark.parametrize(
    "template", [a_template("tick"), a_chain_template("a", "b"), a_batch_template(3)], ids=["t", "c", "b"]
)
def test_all_that_a_schedule_can_make_is_made(template: Any) -> None:
    timed = Timed()
    made = timed.every(H, template=template, start=BEGIN + H)
    done = now(timed, made)
    assert [task.id for task in timed.tasks(made) if task.parent is None] == [done.id]
    assert timed.faults() == []


def test_it_never_takes_the_place_of_an_occurrence_nor_of_another_one() -> None:
    timed = Timed()
    made = timed.every(H, jitter=30 * M)
    early = [now(timed, made).id for _ in range(3)]
    assert len({*early, task_id(made, BEGIN)}) == 4
    timed.at(30 * M)
    assert timed.counts(made).fired == 1, "that of this very instant still fires"
    assert all(task.due_at <= BEGIN for task in timed.tasks(made)[:3]), "no jitter holds what was asked for now"
    assert timed.faults() == []


def test_a_paused_one_and_a_finished_one_stay_so() -> None:
    timed = Timed()
    paused, finished = timed.every(H, key="p", paused=True), timed.every(H, key="f", max_runs=1)
    timed.go(0)
    assert (timed.schedule(paused).state, timed.schedule(finished).state) == (
        ScheduleState.PAUSED,
        ScheduleState.FINISHED,
    )
    before = [timed.schedule(paused), timed.schedule(finished)]
    for made in (paused, finished, timed.reboot_schedule(key="r")):
        assert now(timed, made).state is State.QUEUED
    assert [timed.schedule(paused), timed.schedule(finished)] == before


def test_what_stands_in_for_it_is_told() -> None:
    timed = Timed()
    unique = Unique("one", UniquePolicy.KEEP)
    made = timed.every(H, template=a_template("tick", wish=Wish(unique=unique)), start=BEGIN + H)
    first, second = now(timed, made), now(timed, made)
    assert (second.id, second.outcome) == (first.id, "kept")

"""Check finds each broken invariant of schedules, and what it mends fires again."""

from __future__ import annotations

import pytest

from bgo.clock import VirtualClock
from bgo.model.schedule import Counters, ScheduleState
from bgo.store.check import check, repair
from bgo.store.invariants_schedule import SCHEDULE_RULES
from tests.engine.timed import BEGIN, H, Timed

BREAKS = {
    "schedule_asleep": "UPDATE schedule SET next_at = NULL, fire_at = NULL WHERE boot IS NULL",
    "schedule_early": "UPDATE schedule SET fire_at = next_at - 1",
    "schedule_plan_missing": "DELETE FROM payload WHERE id IN (SELECT plan FROM schedule)",
    "schedule_counts": "UPDATE schedule SET fired = -1, missed = 0",
    "occurrence_of_nothing": "UPDATE occurrence SET schedule = schedule + 98",
    "occurrence_twice": f"UPDATE task SET occurrence = {BEGIN} WHERE schedule IS NOT NULL",
}


@pytest.fixture
def timed() -> Timed:
    """Return a sound store with schedules that have fired, missed, and fire at each start."""
    found = Timed()
    found.every(H, name="hourly", missed="all:1")
    found.reboot_schedule(name="boot")
    found.settle_down()
    found.reboot()
    found.go(3 * H)
    assert found.faults() == []
    return found


def test_every_rule_has_its_break() -> None:
    assert {rule.code for rule in SCHEDULE_RULES} == BREAKS.keys()


@pytest.mark.parametrize("code", sorted(BREAKS))
def test_a_broken_invariant_is_found_and_mended(timed: Timed, code: str) -> None:
    db = timed.store.connection
    db.execute("PRAGMA ignore_check_constraints=ON")
    db.execute("PRAGMA foreign_keys=OFF")
    db.execute(BREAKS[code])
    found = {finding.code: finding for finding in check(timed.store)}
    assert found[code].examples
    rule = next(r for r in SCHEDULE_RULES if r.code == code)
    if rule.can_repair:
        assert found[code].can_repair
        repair(timed.store, VirtualClock(timed.now))
        assert timed.faults() == []
        timed.go(H)
        assert timed.faults() == []


def test_a_repair_leaves_what_schedules_make(timed: Timed) -> None:
    timed.store.connection.execute("DELETE FROM task_tag")
    timed.store.connection.execute("INSERT INTO payload (id, bytes) VALUES (999, x'00')")
    repair(timed.store)
    made = len(timed.tasks())
    timed.go(H)
    assert len(timed.tasks()) == made + 1


def test_one_that_slept_is_paused_and_fires_again_when_it_is_resumed(timed: Timed) -> None:
    hourly = timed.tasks()[0].schedule
    assert hourly is not None
    timed.store.connection.execute(BREAKS["schedule_asleep"])
    repair(timed.store)
    schedule = timed.schedule(hourly)
    assert (schedule.state, schedule.reason) == (
        ScheduleState.PAUSED, f"its next occurrence was lost: bgo schedules resume {hourly} works it out anew",
    )  # fmt: skip
    timed.resume(hourly)
    timed.go(H)
    assert timed.fired(hourly)[-1] == 4 * H


def test_counters_are_mended_to_what_is_noted(timed: Timed) -> None:
    hourly = timed.tasks()[0].schedule
    assert hourly is not None
    right = timed.counts(hourly)
    assert right == Counters(fired=2, missed=2)
    timed.store.connection.execute("UPDATE schedule SET fired = 0, missed = 1")
    repair(timed.store)
    assert timed.counts(hourly) == right


def test_a_task_whose_schedule_is_gone_is_no_fault(timed: Timed) -> None:
    for schedule in {task.schedule for task in timed.tasks()}:
        assert schedule is not None
        timed.remove(schedule)
    assert timed.faults() == []

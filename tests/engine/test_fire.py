"""Firing: which occurrences become tasks, which are skipped, missed or coalesced, and that all of them are counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import perf_counter
from typing import Any

import pytest

from bgo.engine import fire
from bgo.engine.cancel import cancel
from bgo.engine.occasions import task_id
from bgo.errors import NotFoundError, StoreFullError
from bgo.model.flow import BatchPlan
from bgo.model.limits import DedupPolicy, Unique, UniquePolicy
from bgo.model.query import Selector
from bgo.model.schedule import Counters, ScheduleState
from bgo.model.state import Reason, State
from bgo.model.task import Wish
from bgo.model.window import TimeWindow, ZonedWindow
from bgo.policy import occurrences
from bgo.policy.dedup import key_of
from tests.engine.graphs import a_template
from tests.engine.timed import BEGIN, ERROR, D, H, M, S, Timed, a_batch_template, a_chain_template


def test_an_interval_fires_at_its_start_and_then_every_so_often() -> None:
    timed = Timed()
    made = timed.every(H)
    timed.go(0)
    assert timed.fired(made) == [0]
    timed.go(H - 1)
    assert timed.fired(made) == [0]
    timed.go(1)
    timed.go(H)
    assert timed.fired(made) == [0, H, 2 * H]
    assert timed.counts(made) == Counters(fired=3)
    assert timed.faults() == []


def test_an_interval_that_starts_later_sleeps_until_then() -> None:
    timed = Timed()
    made = timed.every(H, start=BEGIN + 30 * M, end=BEGIN + 3 * H)
    for _ in range(10):
        timed.go(30 * M)
    assert timed.fired(made) == [30 * M, 90 * M, 150 * M]
    assert (timed.schedule(made).state, timed.schedule(made).reason) == (
        ScheduleState.FINISHED,
        "no occurrence is left",
    )


def test_a_cron_expression_fires_at_its_times() -> None:
    timed = Timed()
    made = timed.cron("15,45 17-18 * * *")
    for _ in range(26):
        timed.go(30 * M)
    assert timed.fired(made) == [H + 15 * M, H + 45 * M, 2 * H + 15 * M, 2 * H + 45 * M]


def test_a_task_knows_its_schedule_and_its_occurrence() -> None:
    timed = Timed()
    made = timed.every(H)
    timed.go(0)
    timed.go(H + 7 * S)
    (first, second) = timed.tasks(made)
    assert (second.schedule, second.occurrence, second.id) == (made, BEGIN + H, task_id(made, BEGIN + H))
    assert (second.due_at, second.created_at) == (BEGIN + H, BEGIN + H + 7 * S)
    assert first.id != second.id


@pytest.mark.parametrize("count", [1, 2])
def test_two_workers_fire_an_occurrence_once(count: int) -> None:
    timed = Timed()
    made = timed.every(H)
    for _ in range(count):
        timed.clock.advance_ms(H)
        timed.tick(worker="a")
        timed.tick(worker="b")
    assert len(timed.fired(made)) == count
    assert timed.counts(made).fired == count


# What was missed.


def down(missed: str, occurrences: int, *, late: int = 0) -> tuple[Timed, str]:
    """Return a world after which `occurrences` of an hourly schedule came due at once, the last of them so late."""
    timed = Timed()
    made = timed.every(H, start=BEGIN + H, missed=missed)
    timed.go(0)
    timed.clock.advance_ms(occurrences * H + late)
    timed.tick()
    return timed, made


@pytest.mark.parametrize(
    ("missed", "late", "counts", "fired"),
    [
        ("one", 0, Counters(1, 0, 0, 4), [5]),
        ("one", 59 * M, Counters(1, 0, 0, 4), [5]),
        ("skip", 0, Counters(1, 0, 4, 0), [5]),
        ("skip", 2 * M, Counters(1, 0, 4, 0), [5]),
        ("skip", 2 * M + 1, Counters(0, 0, 5, 0), []),
        ("skip:30m", 30 * M, Counters(1, 0, 4, 0), [5]),
        ("all", 59 * M, Counters(5, 0, 0, 0), [1, 2, 3, 4, 5]),
        ("all:3", 59 * M, Counters(3, 0, 2, 0), [3, 4, 5]),
        ("all:1", 59 * M, Counters(1, 0, 4, 0), [5]),
    ],
)
def test_what_was_missed_is_dealt_with_by_its_policy(
    missed: str, late: int, counts: Counters, fired: list[int]
) -> None:
    timed, made = down(missed, 5, late=late)
    assert (timed.counts(made), timed.fired(made)) == (counts, [n * H for n in fired])
    assert sum(row.number for row in timed.notes(made)) == 5
    timed.settle_down()
    assert timed.counts(made) == counts
    timed.at(6 * H)
    assert sum(timed.counts(made)) == 6
    assert timed.fired(made)[-1] == 6 * H
    assert timed.faults() == []


def test_an_occurrence_in_time_is_no_missed_one() -> None:
    for missed in ("one", "skip", "all"):
        timed, made = down(missed, 1, late=S)
        assert timed.counts(made) == Counters(fired=1)


def test_one_tick_makes_up_for_a_step_of_them_and_the_next_goes_on() -> None:
    timed = Timed()
    made = timed.every(M, start=BEGIN + M, missed="all:120")
    timed.clock.advance_ms(200 * M)
    seen = []
    for _ in range(5):
        timed.tick()
        seen.append((len(timed.fired(made)), timed.again, timed.counts(made).missed))
    assert seen == [(50, True, 80), (100, True, 80), (120, False, 80), (120, False, 80), (120, False, 80)]
    assert timed.fired(made) == [n * M for n in range(81, 201)]
    assert timed.counts(made) == Counters(fired=120, missed=80)


def test_a_step_of_schedules_fires_in_one_tick_and_the_rest_in_the_next() -> None:
    timed = Timed()
    for number in range(fire.STEP + 3):
        timed.every(H, name=f"n{number}")
    timed.tick()
    assert (len(timed.tasks()), timed.again) == (fire.STEP, True)
    timed.tick()
    assert (len(timed.tasks()), timed.again) == (fire.STEP + 3, False)


@pytest.mark.parametrize(("missed", "fired"), [("one", 1), ("skip", 1), ("all", 100)])
def test_ten_years_down_are_counted_and_not_walked_through(
    missed: str, fired: int, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    asked = counted(monkeypatch)
    timed = Timed()
    made = timed.cron("* * * * *", start=BEGIN + M, missed=missed)
    timed.clock.advance_ms(10 * 365 * D)
    statements: list[str] = []
    timed.store.connection.set_trace_callback(statements.append)
    asked.clear()
    begun = perf_counter()
    timed.tick()
    took = perf_counter() - begun
    one_tick = min(fired, fire.STEP)
    assert len(timed.fired(made)) == one_tick
    assert len(statements) < 60 + 40 * one_tick
    assert len(asked) < 20 + 4 * fired
    record_property("figures", f"ten years down, minutely, missed={missed}: first tick {took * 1000:.0f} ms")
    timed.settle_down()
    assert (timed.counts(made).fired, sum(timed.counts(made))) == (fired, 10 * 365 * 1440)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows by the name of each reckoning that is asked for."""
    asked: list[str] = []

    def spy(name: str) -> None:
        real: Callable[..., Any] = getattr(occurrences, name)

        def said(*words: Any) -> Any:
            asked.append(name)
            return real(*words)

        monkeypatch.setattr(occurrences, name, said)

    for name in ("next_after", "last_until", "count"):
        spy(name)
    return asked


# Limits.


@pytest.mark.parametrize("most", [1, 2, 3])
def test_it_fires_so_often_and_is_finished(most: int) -> None:
    timed = Timed()
    made = timed.every(H, max_runs=most)
    for _ in range(6):
        timed.go(H)
    schedule = timed.schedule(made)
    assert (len(timed.fired(made)), schedule.counters.fired) == (most, most)
    assert (schedule.state, schedule.next_at, schedule.fire_at) == (ScheduleState.FINISHED, None, None)
    assert schedule.reason.startswith("it has fired")
    assert timed.faults() == []


def test_what_is_skipped_is_no_run() -> None:
    timed = Timed()
    made = timed.every(H, max_runs=2, overlap="skip")
    for hours in (0, 1, 1):
        timed.go(hours * H)
    assert timed.counts(made) == Counters(fired=1, skipped=2)
    timed.run_out()
    timed.go(H)
    assert (timed.counts(made), timed.schedule(made).state) == (Counters(2, 2), ScheduleState.FINISHED)


def test_catching_up_ends_with_the_last_run_that_it_may() -> None:
    timed = Timed()
    made = timed.every(H, start=BEGIN + H, max_runs=2, missed="all")
    timed.go(7 * H)
    assert timed.fired(made) == [H, 2 * H]
    assert timed.schedule(made).state is ScheduleState.FINISHED


def test_several_failures_in_a_row_pause_it_until_it_is_resumed() -> None:
    timed = Timed()
    made = timed.every(H, pause_after=2)
    for outcome in (ERROR, None, ERROR):
        timed.go(H)
        timed.run_out(outcome)
    timed.go(H)
    assert len(timed.fired(made)) == 4
    timed.run_out(ERROR)
    timed.go(H)
    timed.go(H)
    schedule = timed.schedule(made)
    assert (schedule.state, schedule.reason, len(timed.fired(made))) == (ScheduleState.PAUSED, "2 failures in a row", 4)
    assert timed.resume(made)
    timed.go(H)
    assert len(timed.fired(made)) == 5
    timed.run_out(ERROR)
    timed.go(H)
    assert len(timed.fired(made)) == 6, "failures from before the resume do not count"


def test_a_cancelled_run_is_neither_a_failure_nor_a_success() -> None:
    timed = Timed()
    made = timed.every(H, pause_after=2)
    for how in ("fail", "cancel", "fail"):
        timed.go(H)
        if how == "fail":
            timed.run_out(ERROR)
        else:
            cancel_all(timed)
    timed.go(H)
    assert timed.schedule(made).state is ScheduleState.PAUSED


def cancel_all(timed: Timed) -> None:
    going = timed.unfinished()
    with timed.store.write() as session:
        cancel(session, going, Reason.USER, timed.now)


# Windows and deadlines.


def test_an_interval_slides_to_the_opening_of_its_window_and_its_tasks_start_in_it_alone() -> None:
    window = TimeWindow(9, 17)
    timed = Timed(start=BEGIN)  # 16:00
    template = a_template("tick", wish=Wish(window=ZonedWindow(window, "UTC")))
    made = timed.every(30 * M, window=window, template=template)
    timed.go(0)
    timed.go(20 * M)
    timed.go(H)
    assert timed.fired(made) == [0, 30 * M]
    assert timed.run() == [], "the window has closed before anything was claimed"
    timed.at(17 * H)  # 9:00 the next day
    assert timed.fired(made)[2:] == [17 * H]
    assert [task.occurrence for task in timed.run(children=3)] == [BEGIN, BEGIN + 30 * M, BEGIN + 17 * H]


def test_deadlines_count_from_the_time_it_fires() -> None:
    timed = Timed()
    made = timed.every(H, start=BEGIN + H, start_before=10 * M, finish_before=20 * M)
    timed.go(5 * H + 5 * M)
    (task,) = timed.tasks(made)
    assert (task.wish.start_before, task.wish.finish_before) == (timed.now + 10 * M, timed.now + 20 * M)
    timed.go(11 * M)
    (task,) = timed.tasks(made)
    assert (task.state, task.reason) == (State.CANCELLED, "expired")


@pytest.mark.parametrize("kind", ["chain", "batch", "batch of chains"])
def test_deadlines_reach_what_is_in_chains_and_batches(kind: str) -> None:
    chain, batch = a_chain_template("a", "b"), a_batch_template()
    of_chains = replace(batch, plan=BatchPlan(chain=chain))
    timed = Timed()
    timed.every(
        H, start_before=10 * M, finish_before=20 * M, template={"chain": chain, "batch": batch}.get(kind, of_chains)
    )
    timed.go(5 * M)
    with timed.store.read() as session:
        found = session.tasks.select(Selector(match_all=True), limit=99)
    assert found
    for task in found:
        begins = task.step == 0 or kind == "batch"
        wanted = (timed.now + 10 * M if begins else None, timed.now + 20 * M)
        assert (task.wish.start_before, task.wish.finish_before) == wanted, (task.name, task.step)
    timed.go(20 * M)
    assert not timed.unfinished()


# What stands in for it.


@pytest.mark.parametrize("tie", ["dedup", "unique"])
def test_what_other_work_stands_in_for_is_skipped_and_named(tie: str) -> None:
    dedup, unique = DedupPolicy(), Unique("solo", UniquePolicy.KEEP)
    if tie == "dedup":
        key = key_of("tick", {}, dedup, None, "")
        template = a_template("tick", wish=Wish(dedup=dedup), dedup_key=key)
    else:
        template = a_template("tick", wish=Wish(unique=unique))
    timed = Timed()
    made = timed.every(H, template=template)
    timed.go(0)
    timed.go(H)
    assert timed.counts(made) == Counters(fired=1, skipped=1)
    (first,) = timed.tasks(made)
    assert [(row.outcome, row.task) for row in timed.notes(made)] == [("fired", first.id), ("skipped", first.id)]
    timed.run_out()
    timed.go(H)
    assert timed.counts(made) == Counters(fired=2, skipped=1)
    assert timed.faults() == []


def test_a_batch_that_another_stands_in_for_leaves_nothing_behind() -> None:
    batch = a_batch_template(3)
    spec = replace(batch.spec, wish=Wish(dedup=DedupPolicy()), dedup_key="the same")
    timed = Timed()
    made = timed.every(H, template=replace(batch, spec=spec))
    timed.go(0)
    timed.go(H)
    assert timed.counts(made) == Counters(fired=1, skipped=1)
    assert timed.store.connection.execute("SELECT count(*) FROM task").fetchone() == (4,)
    assert timed.faults() == []


# What cannot be made.


def test_what_cannot_be_made_stops_its_own_schedule_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    timed = Timed()
    bad, good = timed.every(H, name="bad"), timed.every(H, name="good")
    real = fire.make

    def make(session: Any, schedule: Any, *words: Any) -> str:
        made = real(session, schedule, *words)
        if schedule.name == "bad":
            raise NotFoundError("no queue 'gone'", why="it was removed")
        return made

    monkeypatch.setattr(fire, "make", make)
    timed.go(0)
    timed.go(H)
    assert (timed.fired(bad), timed.fired(good)) == ([], [0, H])
    schedule = timed.schedule(bad)
    assert (schedule.state, schedule.counters) == (ScheduleState.PAUSED, Counters(missed=1))
    assert schedule.reason == "could not fire: no queue 'gone' (it was removed)"
    assert [row.outcome for row in timed.notes(bad)] == ["missed"]
    assert timed.faults() == []
    monkeypatch.setattr(fire, "make", real)
    timed.resume(bad)
    timed.go(H)
    assert timed.fired(bad) == [2 * H]


def test_a_zone_that_is_gone_stops_its_own_schedule_alone() -> None:
    timed = Timed()
    bad, good = timed.cron("0 * * * *", name="bad"), timed.cron("0 * * * *", name="good")
    timed.store.connection.execute(
        """UPDATE schedule SET wish = replace(wish, '"UTC"', '"Mars/Base"') WHERE id = ?""", (bad,)
    )
    timed.go(0)
    assert (timed.fired(bad), timed.fired(good)) == ([], [0])
    assert "Mars/Base" in timed.schedule(bad).reason
    timed.clock.step_wall_ms(-4 * H)
    timed.settle_down()
    assert timed.schedule(good).state is ScheduleState.ACTIVE


@pytest.mark.parametrize("plan", ['{"task":{}}', "[]", "no JSON", '{"task":[]}'])
def test_a_plan_that_cannot_be_read_stops_its_own_schedule_alone(plan: str) -> None:
    timed = Timed()
    bad, good = timed.every(H, name="bad"), timed.every(H, name="good", template=a_template("good", priority=2))
    where = (plan.encode(), timed.schedule(bad).plan_ref)
    timed.store.connection.execute("UPDATE payload SET bytes = ? WHERE id = ?", where)
    timed.go(0)
    assert (timed.fired(bad), timed.fired(good)) == ([], [0])
    assert timed.schedule(bad).reason.startswith("could not fire: what it makes cannot be read")


def test_a_store_that_is_full_stops_nothing_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    timed = Timed()
    made = timed.every(H)

    def make(*_: object) -> str:
        raise StoreFullError("no room")

    with monkeypatch.context() as full:
        full.setattr(fire, "make", make)
        with pytest.raises(StoreFullError):
            timed.tick()
    timed.go(0)
    assert (timed.fired(made), timed.schedule(made).state) == ([0], ScheduleState.ACTIVE)


def test_what_it_was_to_come_after_and_is_gone_had_ended() -> None:
    timed = Timed()
    made = timed.every(H, template=a_template("tick", after=("0zzzzzzzzzzz",)))
    timed.go(0)
    (task,) = timed.tasks(made)
    assert task.state is State.QUEUED


def test_a_tick_tells_which_schedules_it_has_paused() -> None:
    timed = Timed()
    failing, broken = timed.every(H, pause_after=1, key="f"), timed.every(H, key="b")
    timed.every(H, key="fine")
    with timed.store.write() as session:
        assert fire.fire(session, timed.moment) == []
    timed.run_out(ERROR)
    plan = timed.schedule(broken).plan_ref
    timed.store.connection.execute("UPDATE payload SET bytes = x'7b7d' WHERE id = ?", (plan,))
    timed.clock.advance_ms(H)
    with timed.store.write() as session:
        told = fire.fire(session, timed.moment)
        again = fire.fire(session, timed.moment)
    assert [(each.id, each.state) for each in told] == [(each, ScheduleState.PAUSED) for each in (failing, broken)]
    assert told[0].reason == "its last run has failed"
    assert told[1].reason.startswith("could not fire: ")
    assert again == []

"""The contract of every store: schedules, what became of their occurrences, and what they made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bgo.model import schedule_json
from bgo.model.schedule import Counters, OccurrenceRow, Reboot, Schedule, ScheduleState
from bgo.model.state import State
from bgo.store.port import Session, Store
from bgo.store.rows import NewSchedule, Next
from tests.build import START, a_spec
from tests.engine.timed import ERROR, H, a_schedule_wish, cron, every
from tests.store import drive
from tests.store.backends import Backend


def row(number: int = 1, *, plan: int, key: str | None = None, rule: Any = None, **fields: Any) -> NewSchedule:
    """Return a schedule to write; its id begins with its number."""
    wish = schedule_json.dump(a_schedule_wish(rule or every(H)))
    to = (START, START) if not isinstance(rule, Reboot) else (None, None)
    made = NewSchedule(
        f"{number}schedule000", key, "", "name", "work", "task", wish, START, plan, START, START, *to, None
    )
    return made._replace(**fields)


def add(session: Session, number: int = 1, **fields: Any) -> Schedule:
    """Insert a schedule and return it."""
    new = row(number, plan=session.payloads.put(b'{"task":{}}'), **fields)
    session.schedules.insert(new)
    return found(session, new.id)


def found(session: Session, schedule_id: str) -> Schedule:
    schedule = session.schedules.find(schedule_id)
    assert schedule is not None
    return schedule


def test_a_schedule_is_found_by_id_key_and_prefix(store: Store) -> None:
    with store.write() as session:
        first, second = add(session, 1, key="k"), add(session, 2)
        assert session.schedules.find_key("k") == first
        assert session.schedules.find_key("other") is None
        assert session.schedules.find("3") is None
        assert session.schedules.find_prefix("1sch", 5) == [first.id]
        assert session.schedules.find_prefix("9", 5) == []
        assert session.schedules.all() == [first, second]
        assert (first.state, first.counters, first.next_at, first.fire_at) == ("active", Counters(), START, START)
        assert first.wish == a_schedule_wish(every(H)._replace(anchor_ms=START))


def test_an_id_and_a_key_belong_to_one(store: Store, backend: Backend) -> None:
    with store.write() as session:
        add(session, 1, key="k")
    for number, key in ((1, None), (2, "k")):
        with pytest.raises(backend.violation), store.write() as session:
            add(session, number, key=key)


def test_every_rule_comes_back_as_it_was(store: Store) -> None:
    with store.write() as session:
        for number, rule in enumerate((cron("*/5 9-17 * * 1-5"), Reboot()), start=1):
            boot = "b" if isinstance(rule, Reboot) else None
            assert add(session, number, rule=rule, boot=boot).timing.rule == rule


def test_what_is_due_comes_the_longest_due_first(store: Store) -> None:
    with store.write() as session:
        for number, at in ((1, START + 5), (2, START + 1), (3, START + 9)):
            add(session, number, next_at=at - 1, fire_at=at)
        assert [s.id[0] for s in session.schedules.due(START + 5, 9)] == ["2", "1"]
        assert [s.id[0] for s in session.schedules.due(START + 9, 2)] == ["2", "1"]
        assert session.schedules.due(START, 9) == []
        assert session.alarms.next(drive.a_moment()).fire == START + 1


def test_how_many_there_are_of_each_state(store: Store) -> None:
    with store.write() as session:
        assert session.schedules.counts() == {}
        for number in (1, 2, 3):
            last = add(session, number)
        session.schedules.set(last, ScheduleState.PAUSED, "why not", Next())
        assert session.schedules.counts() == {ScheduleState.ACTIVE: 2, ScheduleState.PAUSED: 1}


def test_one_of_two_moves_it_on(store: Store) -> None:
    with store.write() as session:
        read = add(session)
        state = (ScheduleState.ACTIVE, "")
        to, more = Next(START + H, START + H + 3), Counters(1, 2, 3, 4)
        assert session.schedules.advance(read, state, to, (START, None), more)
        assert not session.schedules.advance(read, state, to, (START, None), more), "it was read before that"
        moved = found(session, read.id)
        assert (moved.next_at, moved.fire_at, moved.last_at, moved.counters) == (*to, START, more)
        assert session.schedules.advance(moved, (ScheduleState.FINISHED, "over"), Next(), (START + H, None), more)
        done = found(session, read.id)
        assert (done.state, done.reason, done.next_at, done.counters) == ("finished", "over", None, (2, 4, 6, 8))
        assert not session.schedules.advance(done, state, to, (START, None), more), "only an active one moves"


def test_state_and_next_occurrence_are_set_by_whoever_read_it_last(store: Store) -> None:
    with store.write() as session:
        read = add(session)
        assert session.schedules.set(read, ScheduleState.PAUSED, "why", Next())
        paused = found(session, read.id)
        assert (paused.state, paused.reason, paused.next_at, paused.fire_at) == ("paused", "why", None, None)
        assert not session.schedules.set(read, ScheduleState.ACTIVE, "", Next(START, START))
        assert session.schedules.due(START + H, 9) == []
        assert session.schedules.set(paused, ScheduleState.ACTIVE, "", Next(START, START), 7)
        assert found(session, read.id).since_seq == 7


def test_what_does_not_fire_has_no_time_to_fire(store: Store, backend: Backend) -> None:
    for state, to in ((ScheduleState.PAUSED, Next(START, START)), (ScheduleState.ACTIVE, Next(START, None))):
        with pytest.raises(backend.violation), store.write() as session:
            session.schedules.set(add(session), state, "", to)


def test_a_change_keeps_id_key_state_and_counters(store: Store) -> None:
    with store.write() as session:
        there = add(session, key="k")
        session.schedules.advance(
            there, (ScheduleState.ACTIVE, ""), Next(START + 1, START + 1), (START, None), Counters(1)
        )
        there = found(session, there.id)
        new = row(9, plan=there.plan_ref, rule=cron("0 9 * * *"), name="other", source="/f", changed_at=START + 5)
        session.schedules.change(there, new)
        changed = found(session, there.id)
        assert (changed.id, changed.key, changed.state, changed.counters) == (there.id, "k", "active", Counters(1))
        assert (changed.next_at, changed.last_at, changed.created_at) == (there.next_at, START, START)
        assert (changed.name, changed.source, changed.changed_at, str(changed.timing.rule)[:4]) == (
            "other", "/f", START + 5, "Cron",
        )  # fmt: skip


def test_those_whose_last_occurrence_lies_ahead(store: Store) -> None:
    with store.write() as session:
        for number, last in ((1, START + 5), (2, START + 9), (3, START + 1)):
            made = add(session, number)
            to = Next(START + H, START + H)
            session.schedules.advance(made, (ScheduleState.ACTIVE, ""), to, (last, None), Counters())
        assert [s.id[0] for s in session.schedules.ahead(START + 1, 9)] == ["2", "1"]
        assert [s.id[0] for s in session.schedules.ahead(START + 1, 1)] == ["2"]
        assert session.alarms.next(drive.a_moment()).fired == START + 9
        newest = found(session, "2schedule000")
        session.schedules.set(newest, ScheduleState.PAUSED, "", Next())
        assert session.alarms.next(drive.a_moment()).fired == START + 5, "one that does not fire says nothing"


def test_those_that_fire_at_the_start_of_the_computer(store: Store) -> None:
    moment = drive.a_moment()
    with store.write() as session:
        first, second = (add(session, n, rule=Reboot(), boot=boot) for n, boot in ((1, moment.boot_id), (2, "a")))
        assert [s.id for s in session.schedules.reboots(moment.boot_id, 9)] == [second.id]
        assert session.alarms.next(moment).reboots
        session.schedules.advance(second, (ScheduleState.ACTIVE, ""), Next(), (START, moment.boot_id), Counters(1))
        assert session.schedules.reboots(moment.boot_id, 9) == []
        assert not session.alarms.next(moment).reboots
        assert len(session.schedules.reboots("z", 9)) == 2
        assert len(session.schedules.reboots("z", 1)) == 1
        session.schedules.set(first, ScheduleState.PAUSED, "", Next())
        assert [s.id for s in session.schedules.reboots("z", 9)] == [second.id]
        session.schedules.set_boot("z")
        assert session.schedules.reboots("z", 9) == []
        assert found(session, first.id).boot == "z"


def test_the_newest_occurrences_are_remembered(store: Store) -> None:
    with store.write() as session:
        made, other = add(session, 1), add(session, 2)
        session.schedules.note(other, OccurrenceRow(START, "fired", 1, "0t", START), 3)
        for n in range(5):
            session.schedules.note(made, OccurrenceRow(START + n, "coalesced", n + 1, None, START), 3)
        assert [(o.at - START, o.number) for o in session.schedules.occurrences(made, 9)] == [(4, 5), (3, 4), (2, 3)]
        assert len(session.schedules.occurrences(made, 2)) == 2
        assert len(session.schedules.occurrences(other, 9)) == 1
        undo = replace(made, counters=Counters(coalesced=99))
        session.schedules.advance(
            undo, (ScheduleState.ACTIVE, ""), Next(START, START), (START, None), Counters(0, 0, 0, 99)
        )
        session.schedules.advance(other, (ScheduleState.ACTIVE, ""), Next(START, START), (START, None), Counters(1))


def test_notes_ahead_of_a_clock_that_was_set_back_do_not_push_out_the_newest(store: Store) -> None:
    with drive.undone(store) as session:
        made = add(session)
        for at in (900, 901, 902, 1, 2, 3, 4):
            session.schedules.note(made, OccurrenceRow(at, "fired", 1, None, START), 3)
        assert [o.at for o in session.schedules.occurrences(made, 9)] == [902, 901, 900, 4, 3, 2]


def test_what_has_fired_is_known_by_its_note_or_by_its_task(store: Store) -> None:
    (task_id,) = drive.enqueue(store)
    with drive.undone(store) as session:
        made = add(session)
        for at, outcome in ((1, "fired"), (2, "missed"), (3, "skipped"), (4, "coalesced")):
            session.schedules.note(made, OccurrenceRow(at, outcome, 1, "0t", START), 9)  # type: ignore[arg-type]
        assert [session.schedules.has_fired(made, at, "0t") for at in range(6)] == [False, True] + [False] * 4
        assert session.schedules.has_fired(made, 5, task_id)
        session.schedules.note(made, OccurrenceRow(2, "fired", 1, "0u", START + 1), 9)
        session.schedules.note(made, OccurrenceRow(1, "missed", 7, None, START + 1), 9)
        told = {o.at: (o.outcome, o.number, o.task) for o in session.schedules.occurrences(made, 9)}
        assert told[2] == ("fired", 1, "0u"), "the later word counts"
        assert told[1] == ("fired", 1, "0t"), "but what has fired has fired"


def test_what_it_made_and_how_that_ended(store: Store) -> None:
    with store.write() as session:
        made = add(session, next_at=START + H, fire_at=START + H)
    specs = [a_spec(schedule=made.id, occurrence=n) for n in range(4)]
    ids = drive.enqueue(store, *specs, a_spec(schedule="0other"))
    with store.read() as session:
        assert [t.id for t in session.schedules.unfinished(made.id, 9)] == ids[3::-1]
        assert [t.id for t in session.schedules.unfinished(made.id, 2)] == ids[3:1:-1]
        assert session.schedules.last_ends(made, 9) == []
        assert session.schedules.newest_task() == 5
    drive.finish(store, drive.claim(store))
    drive.finish(store, drive.claim(store), ERROR)
    drive.cancel(store, [ids[2]])
    with store.read() as session:
        assert [t.id for t in session.schedules.unfinished(made.id, 9)] == [ids[3]]
        assert session.schedules.last_ends(made, 9) == [State.FAILED, State.SUCCEEDED]
        assert session.schedules.last_ends(made, 1) == [State.FAILED]
        seq = drive.get_seq(session, ids[0])
        assert session.schedules.last_ends(replace(made, since_seq=seq), 9) == [State.FAILED]
    assert drive.get(store, ids[1]).occurrence == 1


def test_what_is_removed_takes_its_notes_and_leaves_its_tasks(store: Store) -> None:
    with store.write() as session:
        made = add(session)
        session.schedules.note(made, OccurrenceRow(START, "fired", 1, "0t", START), 9)
    (task_id,) = drive.enqueue(store, a_spec(schedule=made.id))
    with store.write() as session:
        session.schedules.delete(made)
        session.payloads.drop((made.plan_ref,))
        assert session.schedules.find(made.id) is None
        assert session.schedules.occurrences(made, 9) == []
    assert drive.get(store, task_id).schedule == made.id


def test_no_tasks_have_no_newest(store: Store) -> None:
    with store.read() as session:
        assert session.schedules.newest_task() == 0

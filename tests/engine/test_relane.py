"""Pause by tag: tasks change lanes in steps, whatever state they are in, and what is new goes to the right one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bgo.engine import relane
from bgo.engine.revive import revive
from bgo.model.options import RetryPolicy
from bgo.model.outcome import Failed, TaskError
from bgo.model.query import Pause
from bgo.model.state import State
from bgo.store.port import Session
from bgo.store.sqlite import SqliteStore
from tests.build import START, a_spec, a_wish
from tests.store import drive

ERROR = Failed(TaskError("E", "no"))


@pytest.fixture
def store() -> SqliteStore:
    return SqliteStore(None)


def pause(store: SqliteStore, tag: str, *, paused: bool = True, now: int = START) -> int:
    """Pause or resume a tag with all its steps; return how many steps it took."""
    with store.write() as session:
        session.pauses.set("tag", tag, paused=paused, now=now)
    steps, more = 0, True
    while more:
        with store.write() as session:
            more = relane.step(session, now)
        steps += 1
    return steps


def marks_of(session: Session, task_id: str) -> tuple[str, ...]:
    return session.lanes.key(drive.found(session, task_id).lane).marks


def test_a_paused_tag_holds_what_is_there_and_what_comes(store: SqliteStore) -> None:
    old, other = a_spec(tags=("x", "y")), a_spec(tags=("y",))
    drive.enqueue(store, old, other)
    assert pause(store, "x") == 1
    new = a_spec(tags=("x",))
    drive.enqueue(store, new)
    with store.read() as session:
        assert session.pauses.list() == [Pause("tag", "x", START)]
        assert marks_of(session, old.id) == marks_of(session, new.id) == ("x",)
        assert session.lanes.closed() == {"paused": 2}
    assert [claim.task.id for claim in drive.tick(store, 4)] == [other.id]
    pause(store, "x", paused=False)
    assert {claim.task.id for claim in drive.tick(store, 4)} == {old.id, new.id}


def test_both_tags_must_be_resumed(store: SqliteStore) -> None:
    spec = a_spec(tags=("b", "a"))
    drive.enqueue(store, spec)
    pause(store, "a")
    pause(store, "b")
    with store.read() as session:
        assert marks_of(session, spec.id) == ("a", "b")
    pause(store, "a", paused=False)
    assert drive.tick(store) == ()
    pause(store, "b", paused=False)
    assert len(drive.tick(store)) == 1


def test_every_unfinished_state_is_moved(store: SqliteStore) -> None:
    """What runs goes on, and waits in the paused lane when it comes back."""
    again = a_wish(retry=RetryPolicy.linear(3, 60))
    running, retrying, delayed, ended = (
        a_spec(tags=("x",), wish=again),
        a_spec(tags=("x",), wish=again, priority=5),
        a_spec(tags=("x",), due_at=START + 1_000),
        a_spec(tags=("x",), priority=9),
    )
    drive.enqueue(store, running, retrying, delayed, ended)
    claims = {claim.task.id: claim for claim in drive.tick(store, 3)}
    drive.finish(store, claims[ended.id])
    drive.finish(store, claims[retrying.id], ERROR)
    pause(store, "x")
    with store.read() as session:
        assert [marks_of(session, s.id) for s in (running, retrying, delayed, ended)] == [("x",)] * 3 + [()]
    drive.finish(store, claims[running.id], ERROR)
    assert drive.tick(store, 4, now=START + 600_000) == ()
    pause(store, "x", paused=False, now=START + 600_000)
    assert len(drive.tick(store, 4, now=START + 600_000)) == 3


def test_a_revived_task_goes_where_its_tags_say(store: SqliteStore) -> None:
    spec = a_spec(tags=("x",))
    drive.enqueue(store, spec)
    drive.finish(store, drive.claim(store), ERROR)
    pause(store, "x")
    with store.write() as session:
        revive(session, drive.found(session, spec.id), START)
        assert marks_of(session, spec.id) == ("x",)
    assert drive.tick(store) == ()
    drive.cancel(store, [spec.id])
    pause(store, "x", paused=False)
    with store.write() as session:
        revive(session, drive.found(session, spec.id), START)
    assert drive.claim(store).task.id == spec.id


def test_a_command_that_died_is_continued(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """One transaction of the move was made, then nothing more: each further step goes on where it stopped."""
    monkeypatch.setattr(relane, "STEP", 2)
    specs = [a_spec(tags=("x",)) for _ in range(5)]
    drive.enqueue(store, *specs)
    with store.write() as session:
        session.pauses.set("tag", "x", paused=True, now=START)
        assert relane.step(session, START)
    with store.read() as session:
        assert [marks_of(session, s.id) for s in specs] == [("x",)] * 2 + [()] * 3
        assert session.moves.next() == ("x", drive.found(session, specs[1].id).seq)
    with store.write() as session:
        assert relane.step(session, START)
        assert not relane.step(session, START)
        assert not relane.step(session, START)
        assert session.moves.next() is None
        assert {marks_of(session, s.id) for s in specs} == {("x",)}


def test_a_tick_continues_it(store: SqliteStore) -> None:
    drive.enqueue(store, a_spec(tags=("x",)), a_spec())
    with store.write() as session:
        session.pauses.set("tag", "x", paused=True, now=START)
    assert [claim.task.tags for claim in drive.tick(store, 4)] == [()]
    with store.read() as session:
        assert session.moves.next() is None


def test_a_resume_in_the_middle_of_a_pause_moves_all_back(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relane, "STEP", 2)
    drive.enqueue(store, *(a_spec(tags=("x",)) for _ in range(5)))
    with store.write() as session:
        session.pauses.set("tag", "x", paused=True, now=START)
        relane.step(session, START)
    assert pause(store, "x", paused=False) == 3
    assert len(drive.tick(store, 9)) == 5


def test_the_wait_is_told_over_both_lanes(store: SqliteStore) -> None:
    spec = a_spec(tags=("x",))
    drive.enqueue(store, spec)
    pause(store, "x", now=START + 10_000)
    pause(store, "x", paused=False, now=START + 40_000)
    drive.tick(store, now=START + 45_000)
    with store.read() as session:
        lease = session.leases.find(drive.get_seq(session, spec.id))
        assert lease is not None
        assert json.loads(lease.waited) == {"slots": 15_000, "paused": 30_000}


def test_a_head_that_leaves_a_full_lane_gives_the_room_on(store: SqliteStore) -> None:
    """b's lane was parked behind a's run; when the tag takes its head away, c of the same key is not forgotten."""
    wish = a_wish(limit=drive.limit(1, "k"))
    first = a_spec(name="a", wish=wish)
    drive.enqueue(store, first)
    running = drive.claim(store)
    drive.enqueue(store, a_spec(name="b", tags=("x",), wish=wish), a_spec(name="c", wish=wish, priority=-5))
    assert drive.tick(store, 2) == ()
    pause(store, "x")
    drive.finish(store, running)
    assert drive.claim(store).task.name == "c"


def test_a_move_wants_the_task_as_it_was_read(store: SqliteStore) -> None:
    spec = a_spec()
    drive.enqueue(store, spec)
    with store.write() as session:
        task = drive.found(session, spec.id)
        other = session.lanes.ensure(replace(session.lanes.key(task.lane), name="other"), START)
        for wrong in (replace(task, run=7), replace(task, state=State.RUNNING), replace(task, lane=other)):
            assert not session.moves.relane(wrong, other, START, "{}")
        assert session.moves.relane(task, other, START, "{}")


def test_a_running_task_claimed_before_its_move_is_stopped_with_the_others(store: SqliteStore) -> None:
    drive.enqueue(store, a_spec(tags=("x",)))
    with store.write() as session:
        session.pauses.set("tag", "x", paused=True, running=True, now=START)
        session.moves.done("x")
    claim = drive.claim(store)
    with store.write() as session:
        session.pauses.set("name", "other", paused=True, now=START)
        session.pauses.set("name", "other", paused=False, now=START)
        lease = session.leases.find(claim.task.seq)
        assert lease is not None
        assert lease.paused

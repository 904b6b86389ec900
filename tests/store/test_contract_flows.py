"""The contract of every store: chains and batches, their members as they stand, and what is still coming in."""

from __future__ import annotations

import pytest

from bgo.engine import batch as batches
from bgo.engine import chain as chains
from bgo.model.flow import BatchPlan, ChainSpec, MemberSpec
from bgo.model.outcome import Failed, Succeeded, TaskError
from bgo.model.query import Selector
from bgo.model.state import State
from bgo.model.task import FOLLOW_UP, Task
from bgo.store.port import Session, Store
from bgo.store.rows import StageRow
from tests.build import START, a_spec
from tests.engine.graphs import a_chain, a_node, a_template, items
from tests.store import drive

ERROR = Failed(TaskError("E", "no"))
NESTED = a_chain("x", "y")


def put(store: Store, chain: ChainSpec) -> int:
    """Enqueue a chain and return its seq."""
    with store.write() as session:
        chains.enqueue(session, chain, START)
        return drive.get_seq(session, chain.spec.id)


def stage(store: Store, plan: BatchPlan | None = None, count: int = 2, *, is_open: bool = False) -> tuple[str, int]:
    """Bring a batch in, unseen; return its id and seq."""
    spec = a_node("batch")
    with store.write() as session:
        seq = batches.open_stage(session, spec, plan or BatchPlan(a_template("i")), "me", START, is_open=is_open)
        batches.add(session, seq, spec.id, items(*range(count)), 0, START)
    return spec.id, seq


def names(tasks: list[Task]) -> list[str]:
    return [task.name for task in tasks]


def walk(store: Store, *ends: bool) -> None:
    """Run one task after the other: True succeeds."""
    for end in ends:
        drive.finish(store, drive.claim(store), Succeeded({"n": 1}) if end else ERROR)


def test_the_facts_of_a_chain_are_kept_and_set(store: Store) -> None:
    (plain,) = drive.enqueue(store)
    with drive.undone(store) as session:
        seq = drive.get_seq(session, plain)
        assert session.flows.find(seq) is None
        session.flows.insert(seq, None, at=2, is_open=True)
        row = session.flows.find(seq)
        assert row is not None
        assert (row.plan, row.at, row.ending, row.open, row.cursor, row.told) == (None, 2, None, 1, None, "{}")
        assert (row.total, row.ended, row.staged, row.coming) == (0, 0, 0, 0)
        for field, value in (("at", 7), ("ending", "failed"), ("open", 0), ("cursor", 3), ("told", '{"a":1}')):
            session.flows.set(seq, field, value)
            assert getattr(session.flows.find(seq), field) == value
        for field in ("total", "total", State.SUCCEEDED, State.FAILED, State.CANCELLED):
            session.flows.count(seq, field, 2)
        session.flows.count(seq, State.FAILED, -1)
        row = session.flows.find(seq)
        assert row is not None
        assert (row.total, row.succeeded, row.failed, row.cancelled, row.ended) == (4, 2, 1, 2, 5)


def test_only_a_blocked_chain_begins_and_only_one_that_runs_ends(store: Store) -> None:
    (first,) = drive.enqueue(store)
    seq = put(store, a_chain("a", after=(first,)))
    with drive.undone(store) as session:
        assert not session.flows.end(seq, (State.FAILED, "member_failed"), START, output=None, error=None)
        assert session.flows.begin(seq, "begun")
        assert not session.flows.begin(seq, "begun")
        session.flows.hold_back(seq)
        assert stands(session, seq) == (State.BLOCKED, "new")
        session.flows.begin(seq, "begun")
        session.flows.started(seq, START + 9)
        session.flows.started(seq, START + 5)
        session.flows.started(seq, START + 7)
        node = session.tasks.find_seq(seq)
        assert node is not None
        assert node.started_at == START + 5
        session.tasks.request_cancel(node, "user")
        output = session.payloads.put(b"{}")
        assert session.flows.end(seq, (State.CANCELLED, "user"), START + 10, output=output, error=None)
        ended = session.tasks.find_seq(seq)
        assert ended is not None
        assert (ended.state, ended.reason, ended.finished_at) == (State.CANCELLED, "user", START + 10)
        assert (ended.output_ref, ended.cancel_reason) == (output, None)
        assert not session.flows.end(seq, (State.FAILED, "member_failed"), START, output=None, error=None)
        session.flows.hold_back(seq)
        assert stands(session, seq) == (State.CANCELLED, "user")


def stands(session: Session, seq: int) -> tuple[State, str]:
    task = session.tasks.find_seq(seq)
    assert task is not None
    return task.state, task.reason


def test_members_are_found_by_step_and_state(store: Store) -> None:
    seq = put(store, a_chain(("a", "b"), ("c", "d"), "e"))
    walk(store, True, False)
    with store.read() as session:
        flows = session.flows
        everybody = flows.members(seq, limit=99)
        assert names(everybody) == ["a", "b", "c", "d", "e"]
        assert names(flows.members(seq, after=(everybody[1].step, everybody[1].seq), limit=2)) == ["c", "d"]
        assert names(flows.of_step(seq, 1, limit=9)) == ["c", "d"]
        assert names(flows.of_step(seq, 1, after=everybody[2].seq, limit=9)) == ["d"]
        assert flows.tally(seq, 0) == {State.SUCCEEDED: 1, State.FAILED: 1}
        assert names(flows.undone(seq, (0, 0), 9)) == ["b"]
        assert names(flows.undone(seq, (0, 2), 2)) == ["b", "c"]
        assert names(flows.undone(seq, (1, 2), 9, everybody[2].seq)) == ["d", "e"]
        assert not flows.is_open(seq)


def test_blocked_and_unstopped_members_are_found(store: Store) -> None:
    seq = put(store, a_chain(("a", "b"), ("c", "d"), "e"))
    running = drive.claim(store).task
    with drive.undone(store) as session:
        flows = session.flows
        assert names(flows.held(seq, (0, 1), 9)) == ["c", "d"]
        assert names(flows.held(seq, (1, 9), 3)) == ["c", "d", "e"]
        assert names(flows.held(seq, (0, 9), 1)) == ["c"]
        assert names(flows.unstopped(seq, 99)) == ["a", "b", "c", "d", "e"]
        session.tasks.request_cancel(running, "user")
        assert names(flows.unstopped(seq, 99)) == ["b", "c", "d", "e"]
        assert flows.is_open_there(seq, 1)
        assert not flows.is_open_there(seq, 0)
        assert flows.is_open(seq)
        assert flows.is_open(seq, 0)
        assert not flows.is_open(seq, 3)


def test_outputs_of_a_batch_are_weighed(store: Store) -> None:
    batch_id, seq = stage(store)
    with store.write() as session:
        assert session.flows.output_bytes(seq) == 0
        batches.seal(session, batch_id, None, START)
    walk(store, True, True)
    with store.read() as session:
        assert session.flows.output_bytes(seq) == 2 * len(b'{"n":1}')


def test_what_is_deep_inside_is_found(store: Store) -> None:
    """A batch of chains with a batch of chains in them: ready, due later, running, selected."""
    inner = BatchPlan(chain=a_chain("x", "y"))
    outer = a_chain("a")
    outer = ChainSpec(outer.spec, outer.plan, (MemberSpec(a_template("a", handler=""), 0, inner, items(1)),))
    batch_id, seq = stage(store, BatchPlan(chain=outer), 1)
    with store.write() as session:
        batches.seal(session, batch_id, None, START)
    with store.read() as session:
        (ready,) = session.flows.ready_under(seq, 9)
        assert stands(session, ready) == (State.QUEUED, "upstream_done")
        assert session.flows.next_due_under(seq) is None
        assert not session.flows.runs_under(seq)
        found = session.tasks.select(Selector(under=(batch_id,)), limit=9)
        assert names(found) == ["y", "x"]
        kinds = session.tasks.select(Selector(under=(batch_id,), kinds=()), limit=9)
        assert sorted(task.kind for task in kinds) == ["batch", "chain", "chain", "task", "task"]
    drive.claim(store)
    with store.read() as session:
        assert session.flows.ready_under(seq, 9) == []
        assert session.flows.runs_under(seq)
        assert not session.flows.runs_under(seq + 99)


def test_the_next_due_time_inside_is_told(store: Store) -> None:
    template = a_template("i", due_at=START + 9)
    batch_id, seq = stage(store, BatchPlan(template))
    with store.write() as session:
        batches.seal(session, batch_id, None, START)
        assert session.flows.next_due_under(seq) == START + 9
        assert session.flows.ready_under(seq, 9) == []


def test_what_is_coming_in_is_not_there(store: Store) -> None:
    batch_id, seq = stage(store, is_open=True)
    (seen,) = drive.enqueue(store, a_spec("seen", due_at=START + 9))
    with store.read() as session:
        assert session.tasks.newest(9) == [seen]
        assert session.tasks.find_prefix(batch_id[:4], 9) == [seen][: batch_id[:4] == seen[:4]]
        assert names(session.tasks.select(Selector(match_all=True, kinds=()), limit=9)) == ["seen"]
        assert session.tasks.counts() == {State.QUEUED: 1}
        assert session.tasks.not_due() == (0, 1)
        assert [n for _, n in session.tasks.groups()] == [1]
        assert session.stages.list() == [StageRow(batch_id, seq, "me", 2, START)]
        row = session.flows.find(seq)
        assert row is not None
        assert (row.staged, row.coming) == (1, 1)
        assert session.flows.is_open(seq)
        assert not session.flows.is_open_there(seq, FOLLOW_UP)
        assert session.flows.unstopped(seq, 9) == []
        assert sum(row.waiting for row in session.queues.rows()) == 1
    assert drive.tick(store, 4) == ()


def test_a_stage_is_sealed_once(store: Store) -> None:
    batch_id, seq = stage(store)
    with store.write() as session:
        assert not session.stages.add("0" * 12, 1)
        assert session.stages.add(batch_id, 0)
        assert session.stages.seal(batch_id, START) == (seq, 2)
        assert session.stages.seal(batch_id, START) is None
        assert session.stages.list() == []
        session.flows.count(seq, "total", 2)
    assert len(drive.tick(store, 4)) == 2


def test_what_is_shown_waits_until_it_is_released(store: Store) -> None:
    batch_id, seq = stage(store)
    with store.write() as session:
        assert session.stages.show(batch_id) == (seq, 2)
        session.flows.count(seq, "total", 2)
        assert session.stages.list() == []
        row = session.flows.find(seq)
        assert row is not None
        assert (row.staged, row.coming) == (0, 0)
        assert names(session.tasks.select(Selector(match_all=True), limit=9)) == ["i", "i"]
    assert drive.tick(store, 4) == ()
    with store.write() as session:
        session.stages.release(seq, START)
    assert len(drive.tick(store, 4)) == 2


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_what_nobody_seals_is_removed_to_the_last_byte(store: Store, limit: int) -> None:
    deep = a_chain("a", "b")
    deep = ChainSpec(
        deep.spec,
        deep.plan,
        (*deep.members, MemberSpec(a_template("c"), 1, BatchPlan(NESTED.members[0].spec), items(1, 2))),
    )
    stage(store, BatchPlan(chain=deep), 3)
    with store.read() as session:
        (found,) = session.stages.list()
        before = session.tasks.next_seq()
    dropped = []
    for _ in range(99):
        with store.write() as session:
            if not (count := session.stages.drop(found, limit, START)):
                break
            dropped.append(count)
    assert max(dropped) <= limit
    assert sum(dropped) == before - 1
    with store.read() as session:
        assert session.stages.list() == []
        assert session.tasks.next_seq() == before, "a seq that was given is never given again"
        assert session.tasks.counts() == {}


def test_a_batch_that_came_in_unseen_is_announced(store: Store) -> None:
    _, seq = stage(store)
    with drive.undone(store) as session:
        session.flows.announce(seq, "key", "name")
        node = session.tasks.find_seq(seq)
        assert node is not None
        assert (node.dedup_key, node.unique_id) == ("key", "name")


def test_what_has_ended_goes_from_the_inside_out(store: Store) -> None:
    chain = a_chain("a", "b")
    seq = put(store, chain)
    walk(store, True)
    with store.read() as session:
        assert session.tasks.ended(list(State), START + 9, 9) == []
        assert session.tasks.inside(seq, 9) == [seq + 1], "what has not ended is not for removing"
    walk(store, True)
    (plain,) = drive.enqueue(store)
    drive.run_all(store)
    with store.write() as session:
        other = drive.get_seq(session, plain)
        assert session.tasks.ended(list(State), START + 9, 9) == [seq, other]
        assert session.tasks.ended_beyond(0, 9) == [seq, other]
        assert session.tasks.inside(other, 9) == [other]
        assert session.tasks.inside(seq, 9) == [seq + 1, seq + 2, seq]
        assert session.tasks.inside(seq, 2) == [seq + 1, seq + 2]
        assert sorted(session.tasks.ended_rows()) == sorted(
            [(START, seq, seq), (START, seq + 1, seq), (START, seq + 2, seq), (START, other, other)]
        )
        assert session.tasks.going(9) == []
        session.flows.set(seq, "ending", "going")
        assert session.tasks.going(9) == [seq]
        assert session.tasks.delete([seq]) == [], "not before what is in it"
        assert len(session.tasks.delete([seq + 1, seq + 2, seq])) == 3
        assert session.flows.find(seq) is None


def test_a_chain_with_a_callback_to_come_stays(store: Store) -> None:
    batch_id, seq = stage(store, BatchPlan(a_template("i"), callbacks={"then": a_template("t")}))
    with store.write() as session:
        batches.seal(session, batch_id, None, START)
    walk(store, True, True)
    with store.read() as session:
        assert stands(session, seq) == (State.SUCCEEDED, "done")
        (callback,) = session.flows.of_step(seq, FOLLOW_UP, limit=9)
        assert callback.state is State.QUEUED
        assert session.tasks.ended(list(State), START + 9, 9) == []
    walk(store, True)
    with store.read() as session:
        assert session.tasks.ended(list(State), START + 9, 9) == [seq]

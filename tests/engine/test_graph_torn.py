"""A deed of chains and batches happens whole or not at all: a process that dies before any of its statements leaves no
trace, and whoever comes next brings everything to the same end."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from bgo.engine import batch as batches
from bgo.engine import chain as chains
from bgo.engine.cancel import cancel
from bgo.engine.revive import revive
from bgo.engine.settle import RunKey, settle
from bgo.model.flow import CONTINUE, BatchPlan, ChainPlan, ChainSpec, MemberSpec, Over, Step
from bgo.model.outcome import CancelledRun, Failed, Outcome, Succeeded, TaskError
from bgo.model.state import Reason, State
from bgo.model.task import Task
from bgo.store.check import check
from bgo.store.session import Session
from bgo.store.sqlite import SqliteStore
from tests.build import START, a_moment, a_spec
from tests.engine.checks import dump
from tests.engine.graphs import a_chain, a_node, a_template, items
from tests.store import drive

ERROR = Failed(TaskError("E", "no"))
LIST = Succeeded({"list": [1, 2, 3]})
Deed = Callable[[Session], object]
Scene = Callable[[SqliteStore], Deed]
SCENES: dict[str, Scene] = {}


class Torn(Exception):
    """The process dies here."""


class Tearing:
    """A connection that dies before its n-th statement."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db, self.left, self.count = db, 1 << 30, 0

    def _next(self) -> None:
        self.count, self.left = self.count + 1, self.left - 1
        if self.left < 0:
            raise Torn

    def execute(self, *words: Any) -> sqlite3.Cursor:
        if not words[0].startswith(("SAVEPOINT", "ROLLBACK", "RELEASE")):
            self._next()
        return self.db.execute(*words)

    def executemany(self, *words: Any) -> sqlite3.Cursor:
        self._next()
        return self.db.executemany(*words)

    @property
    def in_transaction(self) -> bool:
        return self.db.in_transaction


def scene(set_up: Scene) -> Scene:
    SCENES[set_up.__name__] = set_up
    return set_up


def a_graph() -> ChainSpec:
    """Return a chain of a list, a fan-out over it with callbacks, and two tasks that come after it."""
    names = [("list",), ("map",), ("x", "y"), ("z",)]
    each = BatchPlan(
        a_template("each"),
        over=Over("list", ("list",)),
        callbacks={"finally": a_template("f"), "then": a_template("t")},
    )
    steps = tuple(Step(n[0], n, "undo" if n[0] == "x" else CONTINUE) for n in names)
    parts = [MemberSpec(a_template(n), i, each if n == "map" else None) for i, step in enumerate(names) for n in step]
    return ChainSpec(a_node("chain"), ChainPlan(steps, {"undo": a_template("undo")}), tuple(parts))


def put(store: SqliteStore, *specs: ChainSpec) -> None:
    with store.write() as session:
        for spec in specs:
            chains.enqueue(session, spec, START)


def run(store: SqliteStore, *outcomes: Outcome) -> None:
    """Run one task after another to these ends."""
    for outcome in outcomes:
        drive.finish(store, drive.claim(store), outcome)


def run_out(store: SqliteStore, *fail: str) -> None:
    """Run everything; these names fail."""
    while claims := drive.tick(store, 1):
        for claim in claims:
            drive.finish(store, claim, ERROR if claim.task.name in fail else LIST)


def the_end(store: SqliteStore, outcome: Outcome) -> Deed:
    """Claim the next task; return how it ends."""
    task = drive.claim(store).task
    return lambda session: settle(session, RunKey(task.seq, task.run, "w"), outcome, a_moment(), drive.RNG)


def the_node(session: Session, kind: str) -> Task:
    (seq,) = session.tasks._db.execute("SELECT seq FROM task WHERE kind = ? ORDER BY seq", (kind,)).fetchone()  # type: ignore[attr-defined]
    found = session.tasks.find_seq(seq)
    assert found is not None
    return found


@scene
def a_step_ends_and_a_fan_out_begins(store: SqliteStore) -> Deed:
    put(store, a_graph())
    return the_end(store, LIST)


@scene
def a_list_that_is_missing(store: SqliteStore) -> Deed:
    put(store, a_graph())
    return the_end(store, Succeeded({"other": 1}))


@scene
def a_batch_ends_with_callbacks_and_the_next_step_begins(store: SqliteStore) -> Deed:
    put(store, a_graph())
    run(store, LIST, Succeeded(), ERROR)
    return the_end(store, Succeeded())


@scene
def a_step_fails_and_is_compensated(store: SqliteStore) -> Deed:
    put(store, a_graph())
    run(store, Succeeded({"list": []}), Succeeded(), Succeeded(), ERROR)
    return the_end(store, Succeeded())


@scene
def a_chain_ends_and_others_waited_for_it(store: SqliteStore) -> Deed:
    first = a_chain("a")
    put(store, first, a_chain("b", "c", after=(first.spec.id,)), a_chain("d", after=(first.spec.id,)))
    drive.enqueue(store, a_spec("e", after=(first.spec.id,)))
    return the_end(store, Succeeded({"n": 1}))


@scene
def a_chain_fails_and_others_waited_for_it(store: SqliteStore) -> Deed:
    first = a_chain("a", "b")
    put(store, first, a_chain("c", "d", after=(first.spec.id,)))
    return the_end(store, ERROR)


@scene
def a_chain_is_cancelled(store: SqliteStore) -> Deed:
    put(store, a_chain(("a", "b"), "c", "d"))
    drive.claim(store)
    return lambda session: cancel(session, [the_node(session, "chain")], Reason.USER, START)


@scene
def a_chain_is_retried(store: SqliteStore) -> Deed:
    put(store, a_graph())
    run_out(store, "y")
    return lambda session: revive(session, the_node(session, "chain"), START)


@scene
def a_member_is_retried_with_all_that_it_is_in(store: SqliteStore) -> Deed:
    put(store, a_graph())
    run_out(store, "each", "x", "y")
    with store.read() as session:
        failed = session.flows.undone(the_node(session, "batch").seq, (0, 0), 1)[0]
    return lambda session: revive(session, failed, START)


@scene
def a_batch_is_sealed(store: SqliteStore) -> Deed:
    spec = a_node("batch")
    plan = BatchPlan(chain=a_graph(), callbacks={"finally": a_template("f")})
    with store.write() as session:
        seq = batches.open_stage(session, spec, plan, "me", START, is_open=False)
        batches.add(session, seq, spec.id, items(1, 2), 0, START)
    return lambda session: batches.seal(session, spec.id, spec, START)


@scene
def a_page_comes_in(store: SqliteStore) -> Deed:
    spec = a_node("batch")
    with store.write() as session:
        seq = batches.open_stage(session, spec, BatchPlan(chain=a_graph()), "me", START, is_open=False)
        batches.add(session, seq, spec.id, items(1), 0, START)

    def bring(session: Session) -> None:
        batches.add(session, seq, spec.id, items(2, 3), 1, START)

    return bring


def torn_at(store: SqliteStore, deed: Deed, number: int) -> bool:
    """Do the deed under a savepoint and die before its n-th statement; commit. Says whether it died."""
    tearing = Tearing(store.connection)
    session = Session(tearing)  # type: ignore[arg-type]
    store._session, kept = session, store._session
    try:
        with store.write() as opened:
            tearing.left = number
            try:
                with opened.savepoint():
                    deed(opened)
            except Torn:
                return True
            finally:
                tearing.left = 1 << 30
        return False
    finally:
        store._session = kept


def to_the_end(store: SqliteStore) -> list[tuple[Any, ...]]:
    """Seal what is coming in, run everything, and return how all ended."""
    with store.write() as session:
        for stage in session.stages.list():
            batches.seal(session, stage.id, None, START)
    for _ in range(60):
        for claim in drive.tick(store, 2):
            ends = CancelledRun() if claim.task.cancel_reason else Succeeded({"list": [claim.task.step]})
            drive.finish(store, claim, ends)
        for task in _cancelled_runs(store):
            drive.finish_key(store, RunKey(task.seq, task.run, "w"), CancelledRun())
    assert check(store) == []
    rows = store.connection.execute("SELECT seq, name, kind, state, reason FROM task ORDER BY seq").fetchall()
    assert all(state in ("succeeded", "failed", "cancelled") for *_, state, _ in rows), rows
    return rows


def _cancelled_runs(store: SqliteStore) -> Sequence[Task]:
    with store.read() as session:
        seqs = [seq for seq, _, _ in session.tasks.cancel_requests("w")]
        return [task for seq in seqs if (task := session.tasks.find_seq(seq)) is not None]


@pytest.mark.parametrize("name", sorted(SCENES))
def test_whoever_dies_in_it_leaves_no_trace(name: str) -> None:
    store = SqliteStore(None)
    deed = SCENES[name](store)
    before = dump(store.connection)
    number, torn = 0, True
    while torn:
        torn = torn_at(store, deed, number)
        assert not torn or dump(store.connection) == before, f"statement {number} of {name}"
        number += 1
    assert number > 10
    assert check(store) == []
    assert dump(store.connection) != before
    undisturbed = SqliteStore(None)
    again = SCENES[name](undisturbed)
    with undisturbed.write() as session:
        again(session)
    assert [row[1:] for row in to_the_end(store)] == [row[1:] for row in to_the_end(undisturbed)]


def test_a_step_and_what_follows_it_are_one_commit() -> None:
    """Another connection never sees one without the other: there is one commit, and it has both."""
    store = SqliteStore(None)
    put(store, a_chain("a", "b"))
    deed = the_end(store, Succeeded())
    states = "SELECT name, state FROM task WHERE kind = 'task' ORDER BY seq"
    commits = store.changed()[1]
    with store.write() as session:
        deed(session)
    assert store.changed()[1] == commits + 1
    assert store.connection.execute(states).fetchall() == [("a", State.SUCCEEDED), ("b", State.QUEUED)]

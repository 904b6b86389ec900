"""However many members there are, one transaction moves only about `wave.STEP` rows; ticks go on with the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bgo.engine import batch as batches
from bgo.engine import chain as chains
from bgo.engine.cancel import cancel
from bgo.engine.revive import revive
from bgo.engine.wave import STEP
from bgo.model.flow import BatchPlan, ChainPlan, ChainSpec, MemberSpec, Over, Step
from bgo.model.outcome import Failed, Outcome, Succeeded, TaskError
from bgo.model.state import Reason
from bgo.store.check import check
from bgo.store.port import Session
from bgo.store.sqlite import SqliteStore
from tests.build import START
from tests.engine.graphs import a_chain, a_node, a_template, items
from tests.store import drive

MANY = 10_000
SOME = 700
SLACK = 25
"""Rows beside the members: what they are in, what has just ended, claims."""
ERROR = Failed(TaskError("E", "no"))
Deed = Callable[[Session], object]


@pytest.fixture
def store() -> Iterator[SqliteStore]:
    opened = SqliteStore(None)
    opened.connection.execute("CREATE TEMP TABLE touched (seq)")
    for event in ("INSERT", "UPDATE OF state, cancel_reason, parent"):
        note = "BEGIN INSERT INTO touched VALUES (new.seq); END"
        opened.connection.execute(f"CREATE TEMP TRIGGER t{event[0]} AFTER {event} ON main.task {note}")
    yield opened
    assert check(opened) == []


def then_many(count: int = MANY, plan: BatchPlan | None = None) -> ChainSpec:
    """Return a chain of one task, and a batch of many."""
    each = MemberSpec(a_template("b", handler=""), 1, plan or BatchPlan(a_template("i")), items(*range(count)))
    return ChainSpec(
        a_node("chain"),
        ChainPlan((Step("a", ("a",)), Step("b", ("b",)))),
        (MemberSpec(a_template("a"), 0), each),
    )


def put(store: SqliteStore, chain: ChainSpec) -> str:
    with store.write() as session:
        chains.enqueue(session, chain, START)
    return chain.spec.id


def touched(store: SqliteStore) -> int:
    """Return how many rows were inserted or moved since the last look."""
    (count,) = store.connection.execute("SELECT count(DISTINCT seq) FROM touched").fetchone()
    store.connection.execute("DELETE FROM touched")
    return int(count)


def work_off(store: SqliteStore, deed: Deed) -> int:
    """Do it, and let ticks without hands go on until nothing is left; return how many rows that moved in all."""
    touched(store)
    with store.write() as session:
        deed(session)
    counts = [touched(store)]
    while store.connection.execute("SELECT 1 FROM release").fetchone():
        drive.tick(store, 0)
        counts.append(touched(store))
        assert counts[-1], "a tick goes on"
    assert max(counts) <= STEP + SLACK, f"{max(counts)} rows at once"
    return sum(counts)


def states(store: SqliteStore) -> set[str]:
    return {state for (state,) in store.connection.execute("SELECT DISTINCT state FROM task")}


def the_end(store: SqliteStore, outcome: Outcome) -> Deed:
    claim = drive.claim(store)
    key = drive.RunKey(claim.task.seq, claim.task.run, "w")
    return lambda session: drive.settling.settle(session, key, outcome, drive.a_moment(START), drive.RNG)


def stop(store: SqliteStore, node: str) -> Deed:
    return lambda session: cancel(session, [drive.found(session, node)], Reason.USER, START)


def put_back(node: str) -> Deed:
    return lambda session: revive(session, drive.found(session, node), START)


def test_a_step_of_many_is_released_in_steps(store: SqliteStore) -> None:
    put(store, then_many())
    assert work_off(store, the_end(store, Succeeded())) == MANY + 2


def test_a_step_of_many_is_skipped_in_steps_and_comes_back_in_steps(store: SqliteStore) -> None:
    node = put(store, then_many())
    assert work_off(store, the_end(store, ERROR)) == MANY + 3
    assert work_off(store, put_back(node)) == MANY + 3 - MANY, "those of the batch come back when it begins"
    assert work_off(store, the_end(store, Succeeded())) == 2 * MANY + 2, "brought back, and let go"


def test_a_batch_that_runs_is_cancelled_in_steps_and_comes_back_in_steps(store: SqliteStore) -> None:
    node = put(store, then_many())
    work_off(store, the_end(store, Succeeded()))
    assert work_off(store, stop(store, node)) >= MANY
    assert states(store) == {"succeeded", "cancelled"}
    assert work_off(store, put_back(node)) >= MANY
    assert len(drive.tick(store, 4)) == 4


def test_many_items_of_an_earlier_output_become_members_in_steps(store: SqliteStore) -> None:
    chain = then_many(0, BatchPlan(a_template("i"), over=Over("a", ("list",))))
    put(store, chain)
    assert work_off(store, the_end(store, Succeeded({"list": list(range(MANY))}))) >= MANY


def test_many_chains_are_made_cancelled_and_brought_back_in_steps(store: SqliteStore) -> None:
    inner = a_chain("p", ("q", "r"), "s")
    node = put(store, then_many(0, BatchPlan(chain=inner, over=Over("a", ("list",)))))
    work_off(store, the_end(store, Succeeded({"list": list(range(SOME))})))
    work_off(store, stop(store, node))
    assert states(store) == {"succeeded", "cancelled"}
    work_off(store, put_back(node))
    assert len(drive.tick(store, 4)) == 4


def test_a_batch_that_waits_begins_at_once_and_is_skipped_in_steps(store: SqliteStore) -> None:
    """What was staged is queued behind closed lanes: to begin opens a lane, however many are in it."""
    for outcome, count in ((Succeeded(), 2), (ERROR, MANY + 2)):
        first = put(store, a_chain("a"))
        spec = a_node("batch", after=(first,))
        with store.write() as session:
            seq = batches.open_stage(session, spec, BatchPlan(a_template("i")), "me", START, is_open=False)
            batches.add(session, seq, spec.id, items(*range(MANY)), 0, START)
            batches.seal(session, spec.id, spec, START)
        assert work_off(store, the_end(store, outcome)) == count + 1
        work_off(store, stop(store, spec.id))


def test_what_is_cancelled_does_not_start_while_the_rest_is_told(store: SqliteStore) -> None:
    node = put(store, then_many())
    work_off(store, the_end(store, Succeeded()))
    with store.write() as session:
        stop(store, node)(session)
    while store.connection.execute("SELECT 1 FROM release").fetchone():
        assert drive.tick(store, 4) == ()

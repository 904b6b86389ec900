"""Check finds each broken invariant of chains and batches, and what it mends goes on at the next tick."""

from __future__ import annotations

import pytest

from bgo.clock import VirtualClock
from bgo.engine import batch as batches
from bgo.engine import chain as chains
from bgo.model.flow import BatchPlan
from bgo.model.outcome import Failed, Succeeded, TaskError
from bgo.model.state import FINAL, State
from bgo.store.check import check, repair
from bgo.store.invariants_flow import FLOW_RULES
from bgo.store.sqlite import SqliteStore
from tests.build import START
from tests.engine.graphs import a_chain, a_node, a_template, items
from tests.store import drive

_CHAIN = "(SELECT seq FROM task WHERE kind = 'chain' AND state = 'running' ORDER BY seq LIMIT 1)"
_BATCH = "(SELECT seq FROM task WHERE kind = 'batch' AND state = 'running')"
BREAKS = {
    "flow_counts": "UPDATE flow SET total = total + 1 WHERE seq NOT IN (SELECT flow FROM stage WHERE hidden = 1)",
    "flow_missing": f"DELETE FROM flow WHERE seq = {_CHAIN}",
    "flow_of_no_task": "INSERT INTO flow (seq) VALUES (999)",
    "member_of_nothing": f"UPDATE task SET parent = 999 WHERE parent = {_CHAIN}",
    "member_outlives": f"UPDATE task SET state = 'failed', finished_at = 1 WHERE seq = {_CHAIN}",
    "flow_forgotten": f"UPDATE task SET state = 'cancelled', finished_at = 1, ready = 0 WHERE parent = {_BATCH}",
    "member_forgotten": f"UPDATE flow SET at = 1 WHERE seq = {_CHAIN}",
    "flow_half_made": f"UPDATE flow SET at = 1 WHERE seq = {_BATCH}",
    "flow_blocked_for_nothing": "DELETE FROM dependency",
    "stage_of_nothing": "INSERT INTO stage (id, flow, owner, at) VALUES ('0zzzzzzzzzzz', 999, 'me', 0)",
    "flow_ready": f"UPDATE task SET run = 1 WHERE seq = {_CHAIN}",
}


@pytest.fixture
def graphs(sqlite: SqliteStore) -> SqliteStore:
    """Return a sound store with a chain that has begun, one that failed, one that waits, and batches that run."""
    with sqlite.write() as session:
        failed = a_chain("a", "b")
        chains.enqueue(session, failed, START)
    drive.finish(sqlite, drive.claim(sqlite), Failed(TaskError("E", "e")))
    with sqlite.write() as session:
        first = a_chain("c", ("d", "e"))
        chains.enqueue(session, first, START)
        chains.enqueue(session, a_chain("f", after=(first.spec.id,)), START)
    a_batch(sqlite, 3)
    a_batch(sqlite, 2, after=(first.spec.id,))
    a_batch(sqlite, 1, is_sealed=False)
    assert check(sqlite) == []
    return sqlite


def a_batch(store: SqliteStore, count: int, *, is_sealed: bool = True, **fields: object) -> str:
    """Bring in a batch, or only begin to."""
    spec = a_node("batch", **fields)
    with store.write() as session:
        seq = batches.open_stage(session, spec, BatchPlan(a_template("i")), "me", START, is_open=False)
        batches.add(session, seq, spec.id, items(*range(count)), 0, START)
        if is_sealed:
            batches.seal(session, spec.id, spec, START)
    return spec.id


def test_every_rule_has_its_break() -> None:
    assert {rule.code for rule in FLOW_RULES} == BREAKS.keys()


@pytest.mark.parametrize("code", sorted(BREAKS))
def test_a_broken_invariant_is_found_and_mended(graphs: SqliteStore, code: str) -> None:
    db = graphs.connection
    db.execute("PRAGMA ignore_check_constraints=ON")
    db.execute(BREAKS[code])
    found = {finding.code: finding for finding in check(graphs)}
    assert found[code].examples
    rule = next(r for r in FLOW_RULES if r.code == code)
    assert found[code].can_repair is rule.can_repair
    if rule.can_repair:
        repair(graphs, VirtualClock(START))
        assert check(graphs) == []
        run_to_the_end(graphs)


def run_to_the_end(store: SqliteStore) -> None:
    """Let all that is there come to its end but what nobody has sealed."""
    for _ in range(50):
        for claim in drive.tick(store, 4):
            drive.finish(store, claim, Succeeded({"n": 1}))
    with store.read() as session:
        staged = {row.flow for row in session.stages.list()}
    rows = store.connection.execute("SELECT seq, coalesce(parent, seq), state FROM task").fetchall()
    assert all(State(state) in FINAL for _, root, state in rows if root not in staged)
    assert check(store) == []


def test_a_sound_store_comes_to_its_end(graphs: SqliteStore) -> None:
    run_to_the_end(graphs)


def test_a_batch_that_is_let_begin_by_a_repair_opens_its_lanes(graphs: SqliteStore) -> None:
    graphs.connection.execute("DELETE FROM dependency")
    repair(graphs, VirtualClock(START))
    assert len(drive.tick(graphs, 9)) == 1 + 3 + 1 + 2

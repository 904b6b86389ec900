"""Check finds each broken invariant, and repair mends what can be mended."""

from __future__ import annotations

import sqlite3

import pytest

from bgo.clock import VirtualClock
from bgo.store.check import check, repair
from bgo.store.invariants import RULES
from bgo.store.invariants_flow import FLOW_RULES
from bgo.store.invariants_schedule import SCHEDULE_RULES
from bgo.store.sqlite import SqliteStore
from tests.build import START, a_spec
from tests.hours import in_hours
from tests.store import drive

BREAKS = {
    "running_without_lease": "DELETE FROM lease",
    "lease_without_run": "UPDATE lease SET run = 99",
    "ready_but_not_waiting": "UPDATE task SET ready = 1 WHERE state = 'running'",
    "unknown_state": "UPDATE task SET state = 'lost' WHERE state = 'queued'",
    "lane_head": "UPDATE lane SET head = NULL, turn = NULL",
    "lane_turn": "UPDATE lane SET turn = NULL",
    "lane_pause": "UPDATE lane SET paused = 2, turn = NULL",
    "lane_parked": "UPDATE lane SET parked = 1, turn = NULL WHERE concurrency_key = 'roomy'",
    "lane_asleep": "UPDATE lane SET parked = 2, turn = NULL, rate_key = 'r' WHERE paused = 0 AND head IS NOT NULL",
    "lane_first": "UPDATE lane SET first = 7",
    "lane_limit": "UPDATE lane SET concurrency_max = 99 WHERE concurrency_key = 'roomy'",
    "task_in_wrong_lane": "UPDATE task SET queue = 'low' WHERE seq = 1",
    "task_marks": """UPDATE lane SET marks = '["x"]'""",
    "run_pause": "UPDATE lease SET paused = 1",
    "unknown_queue": "DELETE FROM queue WHERE name = 'default'",
    "two_outcomes": "INSERT INTO history (task, name, event, run, attempt, state, reason, at, outcome)"
    " SELECT task, name, event, run, attempt, state, reason, at, outcome FROM history WHERE outcome = 1",
    "run_without_outcome": "DELETE FROM history",
    "history_of_no_task": "UPDATE history SET task = '0zzzzzzzzzzz'",
    "outcome_of_no_run": "UPDATE history SET run = 7 WHERE outcome = 1",
    "tag_of_no_task": "INSERT INTO task_tag VALUES ('x', 999)",
    "tag_missing": "DELETE FROM task_tag",
    "blocked_for_nothing": "DELETE FROM dependency",
    "dependency_of_no_task": "INSERT INTO dependency VALUES (999, 1, 'end')",
    "release_of_no_end": "INSERT INTO release VALUES (999)",
    "dedup_of_no_task": "INSERT INTO dedup (key, task) VALUES ('other', '0zzzzzzzzzzz')",
    "dedup_key_free": "DELETE FROM dedup",
    "dedup_twice": "UPDATE task SET dedup_key = 'k', wish = '{}' WHERE state = 'queued'",
    "unique_twice": "UPDATE task SET unique_id = 'u', state = 'running'",
    "orphan_payload": "INSERT INTO payload (id, bytes) VALUES (999, x'00')",
}


def test_every_rule_has_its_break() -> None:
    assert {rule.code for rule in RULES} - {rule.code for rule in (*FLOW_RULES, *SCHEDULE_RULES)} == BREAKS.keys()


@pytest.mark.parametrize("code", sorted(BREAKS))
def test_a_broken_invariant_is_found_and_mended(busy: SqliteStore, code: str) -> None:
    db = busy.connection
    db.execute("PRAGMA ignore_check_constraints=ON")
    if code == "two_outcomes":
        db.execute("DROP INDEX history_outcome")
    db.execute(BREAKS[code])
    found = {finding.code: finding for finding in check(busy)}
    assert found[code].examples
    assert found[code].hint
    rule = next(r for r in RULES if r.code == code)
    if rule.can_repair:
        assert found[code].can_repair
        assert repair(busy, VirtualClock(START)) != []
        assert not any(finding.can_repair for finding in check(busy))
        assert code not in {finding.code for finding in check(busy)}


def test_a_task_in_a_lane_of_other_hours_is_found(busy: SqliteStore) -> None:
    (task_id,) = drive.enqueue(busy, a_spec(wish=in_hours("09:00-17:00")))
    assert check(busy) == []
    busy.connection.execute("UPDATE view SET window = '00:00-24:00 UTC' WHERE window <> ''")
    (finding,) = check(busy)
    assert finding.code == "task_in_wrong_lane"
    assert finding.examples[0].startswith(task_id)


def test_what_the_constraints_forbid_is_damage(busy: SqliteStore) -> None:
    busy.connection.execute("PRAGMA ignore_check_constraints=ON")
    busy.connection.execute(BREAKS["unknown_state"])
    busy.connection.execute("PRAGMA ignore_check_constraints=OFF")
    (finding,) = check(busy)
    assert (finding.code, finding.can_repair) == ("damaged", False)


def test_check_changes_nothing(busy: SqliteStore) -> None:
    before = busy.connection.total_changes
    check(busy)
    repair(busy)
    assert busy.connection.total_changes == before


def test_a_run_whose_lease_is_gone_is_queued_again_and_told_as_lost(busy: SqliteStore) -> None:
    (running,) = (t for t in (drive.get(busy, i) for i in drive.ids(busy)) if t.state == "running")
    busy.connection.execute("DELETE FROM lease")
    repair(busy, VirtualClock(START + 5))
    task = drive.get(busy, running.id)
    assert (task.state, task.reason, task.run, task.attempt, task.ready) == ("queued", "lost", 1, 0, True)
    with busy.read() as session:
        entry = session.records.of_task(running.id)[-1]
    assert (entry.event, entry.at, entry.detail) == ("lose", START + 5, {"by": "repair"})
    assert len(drive.tick(busy, 4)) >= 1


def test_a_mended_lane_serves_its_tasks_again(busy: SqliteStore) -> None:
    busy.connection.execute("UPDATE lane SET head = NULL, turn = NULL")
    assert drive.tick(busy, 4) == ()
    repair(busy)
    assert len(drive.tick(busy, 4)) >= 3


def test_a_reference_to_nothing_is_found(busy: SqliteStore) -> None:
    busy.connection.execute("DELETE FROM payload")
    assert "reference" in {finding.code for finding in check(busy)}


def test_a_changed_table_is_found(busy: SqliteStore) -> None:
    busy.connection.execute("ALTER TABLE task ADD COLUMN mine TEXT")
    (finding,) = check(busy)
    assert (finding.code, finding.examples, finding.can_repair) == ("schema", ("task: changed",), False)


def test_a_broken_index_is_rebuilt(busy: SqliteStore) -> None:
    db = busy.connection
    db.execute("PRAGMA writable_schema=ON")
    db.execute("UPDATE sqlite_master SET sql = 'CREATE INDEX task_name ON task (queue, seq)' WHERE name = 'task_name'")
    db.execute("PRAGMA writable_schema=RESET")
    db.execute("REINDEX task_name")
    db.execute("PRAGMA writable_schema=ON")
    db.execute("UPDATE sqlite_master SET sql = 'CREATE INDEX task_name ON task (name, seq)' WHERE name = 'task_name'")
    db.execute("PRAGMA writable_schema=RESET")
    (finding,) = check(busy)
    assert (finding.code, finding.can_repair) == ("damaged", True)
    repair(busy)
    assert check(busy) == []


def test_findings_have_a_documented_shape(busy: SqliteStore) -> None:
    busy.connection.execute("DELETE FROM task_tag")
    (finding,) = check(busy)
    assert finding.to_json() == {
        "schema": 1,
        "code": "tag_missing",
        "message": "a task that is not found under its own tag",
        "count": 3,
        "examples": list(finding.examples),
        "hint": "bgo store check --repair",
        "can_repair": True,
        "fault": True,
    }


def test_many_examples_are_cut(sqlite: SqliteStore) -> None:
    sqlite.connection.executemany("INSERT INTO payload (id, bytes) VALUES (?, x'00')", [(n,) for n in range(1, 99)])
    (finding,) = check(sqlite)
    assert (finding.count, len(finding.examples)) == (98, 5)


def test_the_rules_can_be_asked_of_any_snapshot(busy: SqliteStore) -> None:
    """Each statement prepares and runs alone: doctor and the crash tests use them as they are."""
    for rule in RULES:
        assert busy.connection.execute(rule.statement).fetchall() == [], rule.code
    with pytest.raises(sqlite3.OperationalError):
        busy.connection.execute(RULES[0].statement + " nonsense")

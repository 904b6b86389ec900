"""What must hold of chains and batches in every store; see `invariants`."""

from __future__ import annotations

from bgo.model.task import FOLLOW_UP
from bgo.store.rule import Rule

_COUNT = f"(SELECT count(*) FROM task AS m WHERE m.parent = flow.seq AND m.step < {FOLLOW_UP}"
_COUNTS = f"{_COUNT}), {_COUNT} AND m.state = 'succeeded'), {_COUNT} AND m.state = 'failed'), "
_COUNTS += f"{_COUNT} AND m.state = 'cancelled')"
_GOING = """EXISTS (WITH RECURSIVE above (seq) AS (SELECT node.seq UNION ALL SELECT task.parent FROM above
        JOIN task ON task.seq = above.seq WHERE task.parent IS NOT NULL)
    SELECT 1 FROM above JOIN flow AS f ON f.seq = above.seq WHERE f.ending = 'going')"""
"""A prune has begun to remove it: it is complete no more."""
_STAGED = "EXISTS (SELECT 1 FROM lane JOIN stage ON stage.id = lane.stage WHERE lane.id = node.lane)"
_HIDDEN = _STAGED.replace("WHERE", "WHERE hidden = 1 AND")
_COMING = "EXISTS (SELECT 1 FROM stage WHERE stage.flow = flow.seq AND hidden = 1)"
_MISCOUNTED = f"""flow JOIN task AS node ON node.seq = flow.seq
    WHERE NOT {_HIDDEN} AND NOT {_COMING} AND NOT {_GOING}
    AND (total, succeeded, failed, cancelled) IS NOT ({_COUNTS})"""
"""What is coming in is counted when it is sealed."""
_NO_FLOW = "kind <> 'task' AND NOT EXISTS (SELECT 1 FROM flow WHERE flow.seq = task.seq)"
_FLOW_OF_NONE = "NOT EXISTS (SELECT 1 FROM task WHERE task.seq = flow.seq AND kind <> 'task')"
_UNTOLD = """EXISTS (WITH RECURSIVE above (seq) AS (SELECT {0}.seq UNION ALL SELECT task.parent FROM above
        JOIN task ON task.seq = above.seq WHERE task.parent IS NOT NULL)
    SELECT 1 FROM above JOIN release ON release.upstream = above.seq)"""
"""A tick will go on with it, or with something that it is in."""
_OPEN = """EXISTS (SELECT 1 FROM task AS m INDEXED BY task_member_open
    WHERE m.parent = node.seq AND m.finished_at IS NULL"""
_LATE = f"""task AS m JOIN task AS node ON node.seq = m.parent WHERE m.finished_at IS NULL
    AND node.finished_at IS NOT NULL AND m.step < {FOLLOW_UP}
    AND NOT {_UNTOLD.format("m")} AND NOT {_COMING.replace("flow.seq", "node.seq")}"""
_IDLE = f"""flow JOIN task AS node ON node.seq = flow.seq WHERE node.state = 'running' AND flow.open = 0
    AND flow.cursor IS NULL AND NOT {_OPEN} AND (m.step < {FOLLOW_UP} OR node.kind = 'chain'))
    AND NOT {_STAGED} AND NOT {_COMING} AND NOT {_UNTOLD.format("node")}"""
_HELD = f"""task AS m JOIN task AS node ON node.seq = m.parent JOIN flow ON flow.seq = node.seq
    WHERE m.state = 'blocked' AND node.state = 'running' AND m.step < {FOLLOW_UP}
    AND m.step <= CASE node.kind WHEN 'chain' THEN flow.at ELSE 0 END
    AND NOT {_STAGED} AND NOT {_COMING} AND NOT {_UNTOLD.format("node")}"""
_HALF = f"""flow JOIN task AS node ON node.seq = flow.seq WHERE node.state = 'running' AND node.cancel_reason IS NULL
    AND (flow.cursor IS NOT NULL OR node.kind = 'batch' AND flow.at > 0)
    AND NOT {_STAGED} AND NOT {_COMING} AND NOT {_UNTOLD.format("node")}"""

_MET = "(other.state = 'succeeded' OR need.kind = 'end' AND other.finished_at IS NOT NULL)"
_WAITS_FOR_NOTHING = f"""kind <> 'task' AND parent IS NULL AND state = 'blocked' AND (
    NOT EXISTS (SELECT 1 FROM dependency WHERE dependency.task = task.seq)
    OR EXISTS (SELECT 1 FROM dependency AS need JOIN task AS other ON other.seq = need.upstream
        WHERE need.task = task.seq AND {_MET}
            AND NOT EXISTS (SELECT 1 FROM release WHERE release.upstream = other.seq)))"""

FLOW_RULES = (
    Rule(
        "flow_counts",
        "a chain or batch does not know how its members stand",
        f"SELECT node.id, total || ' counted' FROM {_MISCOUNTED}",
        can_repair=True,
    ),
    Rule(
        "flow_missing",
        "a chain or batch of which nothing says how far it is",
        f"SELECT id, kind FROM task WHERE {_NO_FLOW}",
    ),
    Rule(
        "flow_of_no_task",
        "the facts of a chain or batch that is gone",
        f"SELECT 'seq ' || seq, '' FROM flow WHERE {_FLOW_OF_NONE}",
        can_repair=True,
    ),
    Rule(
        "member_of_nothing",
        "a member of a chain or batch that is gone: it would never have its turn",
        """SELECT id, 'seq ' || parent FROM task AS m WHERE parent IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM task WHERE task.seq = m.parent AND kind <> 'task')""",
    ),
    Rule(
        "member_outlives",
        "unfinished, although what it is in has ended",
        f"SELECT m.id, node.id FROM {_LATE}",
        can_repair=True,
    ),
    Rule(
        "flow_forgotten",
        "nothing is left in a chain or batch, and nobody ends it: it would run for ever",
        f"SELECT node.id, node.kind FROM {_IDLE}",
        can_repair=True,
    ),
    Rule(
        "member_forgotten",
        "blocked, although its turn in its chain or batch has come",
        f"SELECT m.id, 'step ' || m.step FROM {_HELD}",
        can_repair=True,
    ),
    Rule(
        "flow_blocked_for_nothing",
        "a chain or batch that is blocked, although nothing that it waits for is still to come",
        f"SELECT id, reason FROM task WHERE {_WAITS_FOR_NOTHING}",
        can_repair=True,
    ),
    Rule(
        "flow_half_made",
        "a batch whose members are still to be made or brought back, and nobody goes on with it",
        f"SELECT node.id, coalesce(flow.cursor, flow.at) FROM {_HALF}",
        can_repair=True,
    ),
    Rule(
        "stage_of_nothing",
        "members were coming into a chain or batch that is gone",
        "SELECT id, owner FROM stage WHERE flow NOT IN (SELECT seq FROM task)",
        can_repair=True,
    ),
    Rule(
        "flow_ready",
        "a chain or batch that waits as a task does: it is never claimed",
        """SELECT id, state FROM task WHERE kind <> 'task'
        AND (ready <> 0 OR state IN ('queued', 'retrying') OR run > 0)""",
    ),
)

FLOW_REPAIRS = (
    f"DELETE FROM flow WHERE {_FLOW_OF_NONE}",
    "DELETE FROM stage WHERE flow NOT IN (SELECT seq FROM task)",
    f"""UPDATE flow SET (total, succeeded, failed, cancelled) = (SELECT {_COUNTS})
    WHERE seq IN (SELECT node.seq FROM {_MISCOUNTED})""",
    f"""DELETE FROM stage WHERE hidden = 0 AND flow IN (SELECT seq FROM task WHERE {_WAITS_FOR_NOTHING})""",
    f"""INSERT INTO history (task, name, event, run, attempt, state, reason, at, detail)
    SELECT id, name, 'begin', 0, 0, 'running', 'begun', ?1, '{{"by":"repair"}}' FROM task WHERE {_WAITS_FOR_NOTHING}""",
    f"INSERT OR IGNORE INTO release (upstream) SELECT seq FROM task WHERE {_WAITS_FOR_NOTHING}",
    f"UPDATE task SET state = 'running', reason = 'begun' WHERE {_WAITS_FOR_NOTHING}",
    f"INSERT OR IGNORE INTO release (upstream) SELECT node.seq FROM {_LATE}",
    f"INSERT OR IGNORE INTO release (upstream) SELECT node.seq FROM {_IDLE}",
    f"INSERT OR IGNORE INTO release (upstream) SELECT node.seq FROM {_HELD}",
    f"INSERT OR IGNORE INTO release (upstream) SELECT node.seq FROM {_HALF}",
)
"""What mends them; the next tick goes on with what is put into `release`."""

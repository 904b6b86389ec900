"""What must hold in every store, as statements that return the rows which break it.

Each rule yields (which row, detail). They read whole tables: for `bgo store check`, doctor and the end of tests, never
for a hot path.
"""

from __future__ import annotations

from bgo.model.task import FOLLOW_UP
from bgo.policy.order import BUMPED
from bgo.store.invariants_flow import FLOW_REPAIRS, FLOW_RULES
from bgo.store.invariants_schedule import SCHEDULE_REPAIRS, SCHEDULE_RULES
from bgo.store.rule import Rule
from bgo.store.sql.pauses import HELD_BY, SHALL_STAND, STOP_RUNNING

_HEAD = f"""(SELECT CASE WHEN lane.strategy IN ('lifo', 'random') AND task.rank >= {BUMPED // 2}
        THEN lane.since ELSE task.rank END
    FROM task WHERE task.lane = lane.id AND task.ready = 1 ORDER BY task.order_key, task.seq LIMIT 1)"""
_FIRST = "(SELECT order_key FROM task WHERE task.lane = lane.id AND ready = 1 ORDER BY order_key, seq LIMIT 1)"
_PAUSED = """(EXISTS (SELECT 1 FROM pause WHERE kind = 'name' AND value = lane.name)
    + 2 * EXISTS (SELECT 1 FROM pause WHERE kind = 'queue' AND value = view.queue) + 4 * (lane.marks <> '[]')
    + 8 * EXISTS (SELECT 1 FROM stage WHERE stage.id = lane.stage))"""
_USED_PAYLOADS = """SELECT input FROM task WHERE input IS NOT NULL UNION SELECT setup FROM task WHERE setup IS NOT NULL
    UNION SELECT output FROM task WHERE output IS NOT NULL UNION SELECT error FROM task WHERE error IS NOT NULL
    UNION SELECT checkpoint FROM task WHERE checkpoint IS NOT NULL
    UNION SELECT error FROM history WHERE error IS NOT NULL UNION SELECT plan FROM flow WHERE plan IS NOT NULL
    UNION SELECT plan FROM schedule"""
_STUCK = """state = 'running' AND kind = 'task'
    AND NOT EXISTS (SELECT 1 FROM lease WHERE lease.task = task.seq AND lease.run = task.run)"""
_RUNNING = "(SELECT count(*) FROM lease WHERE lease.concurrency_key = lane.concurrency_key)"

_MET = "(other.state = 'succeeded' OR need.kind = 'end' AND other.finished_at IS NOT NULL)"
_UNTOLD = "EXISTS (SELECT 1 FROM release WHERE release.upstream = other.seq)"
_OWN = f"kind = 'task' AND (parent IS NULL OR step >= {FOLLOW_UP})"
_FORGOTTEN = f"""state = 'blocked' AND {_OWN}
    AND (NOT EXISTS (SELECT 1 FROM dependency WHERE dependency.task = task.seq)
    OR EXISTS (SELECT 1 FROM dependency AS need JOIN task AS other ON other.seq = need.upstream
        WHERE need.task = task.seq AND {_MET} AND NOT {_UNTOLD}))"""
_NO_TASK = "NOT IN (SELECT seq FROM task)"
_OWNER_GONE = "until IS NULL AND task NOT IN (SELECT id FROM task)"
_HOLDS_KEY = "dedup_key IS NOT NULL AND finished_at IS NULL AND json_extract(wish, '$.dedup.ttl_ms') IS NULL"
_KEY_FREE = f"""{_HOLDS_KEY} AND NOT EXISTS (SELECT 1 FROM dedup JOIN task AS holder ON holder.id = dedup.task
    WHERE dedup.key = task.dedup_key AND holder.finished_at IS NULL)"""

_MISMARKED = """task JOIN lane ON lane.id = task.lane WHERE finished_at IS NULL AND (tags <> '[]' OR marks <> '[]')
    AND NOT EXISTS (SELECT 1 FROM tag_move) AND marks <> (SELECT json_group_array(value) FROM (
        SELECT value FROM pause WHERE kind = 'tag'
            AND value IN (SELECT tag FROM task_tag WHERE task_tag.task = task.seq) ORDER BY value))"""


RULES = (
    Rule(
        "running_without_lease",
        "running, but no worker holds it: it would run for ever",
        f"SELECT id, 'run ' || run FROM task WHERE {_STUCK}",
        can_repair=True,
    ),
    Rule(
        "lease_without_run",
        "a lease of a task that does not run",
        """SELECT coalesce(task.id, 'seq ' || lease.task), 'run ' || lease.run || ' of ' || lease.worker
        FROM lease LEFT JOIN task ON task.seq = lease.task
        WHERE task.seq IS NULL OR task.state <> 'running' OR task.run <> lease.run""",
        can_repair=True,
    ),
    Rule(
        "ready_but_not_waiting",
        "marked ready in a state that does not wait",
        "SELECT id, state FROM task WHERE ready <> 0 AND state NOT IN ('queued', 'retrying')",
    ),
    Rule(
        "unknown_state",
        "a state that the state table does not know",
        """SELECT id, state FROM task WHERE state NOT IN
        ('blocked', 'queued', 'running', 'retrying', 'succeeded', 'failed', 'cancelled')""",
    ),
    Rule(
        "lane_head",
        "a lane's head is not that of its first ready task: it could wait for ever",
        f"SELECT id, coalesce(head, 'none') FROM lane WHERE head IS NOT {_HEAD}",
        can_repair=True,
    ),
    Rule(
        "lane_turn",
        "a lane's turn does not follow from its head, pause and parking",
        """SELECT id, coalesce(turn, 'none') FROM lane
        WHERE turn IS NOT CASE WHEN paused = 0 AND parked = 0 THEN head END""",
        can_repair=True,
    ),
    Rule(
        "lane_pause",
        "a lane's pause is not what was asked for",
        f"SELECT lane.id, paused FROM lane JOIN view ON view.id = lane.view WHERE paused <> {_PAUSED}",
        can_repair=True,
    ),
    Rule(
        "lane_parked",
        "parked although its concurrency key has room and nothing else is open under it",
        f"""SELECT id, concurrency_key FROM lane WHERE parked = 1 AND paused = 0 AND head IS NOT NULL
        AND concurrency_max > {_RUNNING} AND NOT EXISTS (
            SELECT 1 FROM lane AS other
            WHERE other.concurrency_key = lane.concurrency_key AND other.view = lane.view AND other.turn IS NOT NULL
        )""",
        can_repair=True,
    ),
    Rule(
        "lane_asleep",
        "parked before a rate that nobody will look at again",
        """SELECT id, rate_key FROM lane WHERE parked = 2 AND paused = 0 AND head IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM rate WHERE rate.key = lane.rate_key AND wake_at IS NOT NULL)""",
        can_repair=True,
    ),
    Rule(
        "lane_first",
        "a lane's place under its key is not that of its first ready task",
        f"SELECT id, coalesce(first, 'none') FROM lane WHERE first IS NOT {_FIRST}",
        can_repair=True,
    ),
    Rule(
        "lane_limit",
        "a lane does not act by the limit that a configuration names, or by its own",
        """SELECT lane.id, lane.key FROM lane LEFT JOIN named_limit AS n ON n.key = concurrency_key
        LEFT JOIN named_limit AS m ON m.key = rate_key
        WHERE lane.concurrency_max IS NOT coalesce(n.concurrency_max, json_extract(lane.key, '$[5]'))
            AND concurrency_key IS NOT NULL
        OR rate_key IS NOT NULL AND (lane.rate_max, lane.rate_window) IS NOT (
            coalesce(m.rate_max, json_extract(lane.key, '$[7][1]')),
            coalesce(m.rate_window, json_extract(lane.key, '$[7][2]')))""",
        can_repair=True,
    ),
    Rule(
        "task_in_wrong_lane",
        "a task whose name, queue, handler, window or kind is not that of its lane",
        """SELECT task.id, task.lane FROM task JOIN lane ON lane.id = task.lane JOIN view ON view.id = lane.view
        WHERE task.name <> lane.name OR task.queue <> view.queue OR task.handler <> view.handler
        OR coalesce(json_extract(task.wish, '$.window'), '') <> view.window
        OR (json_extract(task.wish, '$.expedited') IS NULL AND instr(view.traits, 'expedited=') > 0)
        OR (json_extract(task.wish, '$.foreground') IS NOT NULL) <> (instr(view.traits, 'foreground=') > 0)""",
    ),
    Rule(
        "task_marks",
        "a task whose lane does not know which of its tags are paused",
        f"SELECT task.id, marks FROM {_MISMARKED}",
        can_repair=True,
    ),
    Rule(
        "run_pause",
        "a run that a pause should have stopped, or that stands still although none stops it",
        f"""SELECT task.id, 'run ' || lease.run FROM lease JOIN task ON task.seq = lease.task
        WHERE lease.paused <> {SHALL_STAND}""",
        can_repair=True,
    ),
    Rule(
        "unknown_queue",
        "a queue that has tasks but no weight: they would never be picked",
        "SELECT DISTINCT view.queue, 'view ' || id FROM view WHERE queue NOT IN (SELECT name FROM queue)",
        can_repair=True,
    ),
    Rule(
        "two_outcomes",
        "a run with more than one outcome",
        """SELECT task, 'run ' || run FROM history WHERE outcome = 1 GROUP BY task, run HAVING count(*) > 1""",
    ),
    Rule(
        "run_without_outcome",
        "an ended run without an outcome in the history",
        """SELECT id, run || ' runs' FROM task WHERE run > 0 AND run - (state = 'running') <>
        (SELECT count(DISTINCT run) FROM history WHERE history.task = task.id AND outcome = 1)""",
    ),
    Rule(
        "history_of_no_task",
        "history of a task that is gone",
        "SELECT task, event FROM history WHERE task NOT IN (SELECT id FROM task)",
        can_repair=True,
    ),
    Rule(
        "outcome_of_no_run",
        "an outcome of a run that the task never had",
        """SELECT task.id, 'run ' || history.run FROM history JOIN task ON task.id = history.task
        WHERE outcome = 1 AND (history.run > task.run OR history.run < 1)""",
    ),
    Rule(
        "tag_of_no_task",
        "a tag of a task that is gone",
        "SELECT tag, 'seq ' || task FROM task_tag WHERE task NOT IN (SELECT seq FROM task)",
        can_repair=True,
    ),
    Rule(
        "tag_missing",
        "a task that is not found under its own tag",
        """SELECT task.id, value FROM task, json_each(CASE WHEN json_valid(tags) THEN tags ELSE '[]' END)
        WHERE tags <> '[]' AND NOT EXISTS (SELECT 1 FROM task_tag WHERE task_tag.task = task.seq AND tag = value)""",
        can_repair=True,
    ),
    Rule(
        "blocked_for_nothing",
        "blocked, although nothing that it waits for is still to come: it would wait for ever",
        f"SELECT id, reason FROM task WHERE {_FORGOTTEN}",
        can_repair=True,
    ),
    Rule(
        "dependency_of_no_task",
        "a dependency between tasks one of which is gone",
        f"""SELECT 'seq ' || task, 'on seq ' || upstream FROM dependency
        WHERE task {_NO_TASK} OR upstream {_NO_TASK}""",
        can_repair=True,
    ),
    Rule(
        "release_of_no_end",
        "waiters are to be told of an end that there is not",
        "SELECT 'seq ' || upstream, '' FROM release WHERE upstream NOT IN (SELECT seq FROM task)",
        can_repair=True,
    ),
    Rule(
        "dedup_of_no_task",
        "a dedup key whose task is gone: the same work would be refused for ever",
        f"SELECT key, task FROM dedup WHERE {_OWNER_GONE}",
        can_repair=True,
    ),
    Rule(
        "dedup_key_free",
        "unfinished work whose dedup key is free: the same work could come in beside it",
        f"SELECT id, dedup_key FROM task WHERE {_KEY_FREE}",
        can_repair=True,
    ),
    Rule(
        "dedup_twice",
        "the same work twice, both unfinished",
        f"SELECT dedup_key, count(*) FROM task WHERE {_HOLDS_KEY} GROUP BY dedup_key HAVING count(*) > 1",
    ),
    Rule(
        "unique_twice",
        "two tasks of one unique id run at once",
        """SELECT unique_id, count(*) FROM task WHERE unique_id IS NOT NULL AND state = 'running'
        GROUP BY unique_id HAVING count(*) > 1""",
    ),
    Rule(
        "orphan_payload",
        "bytes that nothing refers to: they only cost room",
        f"SELECT id, length(bytes) || ' bytes' FROM payload WHERE id NOT IN ({_USED_PAYLOADS})",
        can_repair=True,
    ),
    *FLOW_RULES,
    *SCHEDULE_RULES,
)

REPAIRS = (
    "DELETE FROM lease WHERE NOT EXISTS (SELECT 1 FROM task WHERE seq = lease.task AND run = lease.run"
    " AND state = 'running')",
    f"""INSERT INTO history (task, name, event, run, attempt, state, reason, at, outcome, detail)
    SELECT id, name, 'lose', run, max(attempt - 1, 0), 'queued', 'lost', ?1, NOT EXISTS (
        SELECT 1 FROM history WHERE history.task = task.id AND history.run = task.run AND outcome = 1
    ), '{{"by":"repair"}}' FROM task WHERE {_STUCK}""",
    f"""UPDATE task SET state = 'queued', reason = 'lost', attempt = max(attempt - 1, 0), cancel_reason = NULL,
        ready = 1, ready_at = ?1 WHERE {_STUCK}""",
    "INSERT INTO queue (name, weight) SELECT DISTINCT queue, 1 FROM view WHERE queue NOT IN (SELECT name FROM queue)",
    "DELETE FROM history WHERE task NOT IN (SELECT id FROM task)",
    "DELETE FROM task_tag WHERE task NOT IN (SELECT seq FROM task)",
    """INSERT OR IGNORE INTO task_tag (tag, task) SELECT value, seq FROM task,
        json_each(CASE WHEN json_valid(tags) THEN tags ELSE '[]' END) WHERE tags <> '[]'""",
    f"""INSERT INTO tag_move (tag) SELECT value FROM (
        SELECT value FROM pause WHERE kind = 'tag' UNION SELECT value FROM lane, json_each(marks)
    ) WHERE EXISTS (SELECT 1 FROM {_MISMARKED})""",  # the next tick moves them
    STOP_RUNNING,
    f"DELETE FROM dependency WHERE task {_NO_TASK} OR upstream {_NO_TASK}",
    f"""DELETE FROM dependency WHERE EXISTS (
        SELECT 1 FROM dependency AS need JOIN task AS other ON other.seq = need.upstream
        WHERE need.task = dependency.task AND need.upstream = dependency.upstream AND {_MET} AND NOT {_UNTOLD})""",
    f"""INSERT INTO history (task, name, event, run, attempt, state, reason, at, detail)
    SELECT id, name, 'unblock', run, attempt, 'queued', 'upstream_done', ?1, '{{"by":"repair"}}'
    FROM task WHERE {_FORGOTTEN}""",
    f"""UPDATE task SET state = 'queued', reason = 'upstream_done', ready = due_at <= ?1,
        ready_at = CASE WHEN due_at <= ?1 THEN ?1 END WHERE {_FORGOTTEN}""",
    "DELETE FROM release WHERE upstream NOT IN (SELECT seq FROM task)",
    *FLOW_REPAIRS,
    *SCHEDULE_REPAIRS,
    f"DELETE FROM dedup WHERE {_OWNER_GONE}",
    f"INSERT OR REPLACE INTO dedup (key, task) SELECT dedup_key, id FROM task WHERE {_KEY_FREE} ORDER BY seq DESC",
    f"DELETE FROM payload WHERE id NOT IN ({_USED_PAYLOADS})",
    """UPDATE lane SET concurrency_max = coalesce((SELECT n.concurrency_max FROM named_limit AS n
        WHERE n.key = concurrency_key), json_extract(key, '$[5]')) WHERE concurrency_key IS NOT NULL""",
    """UPDATE lane SET (rate_max, rate_window) = (SELECT coalesce(n.rate_max, json_extract(lane.key, '$[7][1]')),
        coalesce(n.rate_window, json_extract(lane.key, '$[7][2]'))
        FROM (SELECT 1) LEFT JOIN named_limit AS n ON n.key = lane.rate_key) WHERE rate_key IS NOT NULL""",
    # Parked lanes are all opened: the next tick parks again what must wait.
    f"""UPDATE lane SET parked = 0, turn = NULL, paused = (SELECT {_PAUSED} FROM view WHERE view.id = lane.view)""",
    f"UPDATE lane SET since = coalesce(since, ?1), head = {_HEAD}, first = {_FIRST}",
    f"""UPDATE lane SET turn = CASE WHEN paused = 0 THEN head END, held_by = {HELD_BY}""",
)
"""What mends the rules that can be mended, in this order and in one transaction; ?1 is now."""

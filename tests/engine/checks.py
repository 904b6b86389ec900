"""What must hold in a store after every step, recounted from its rows and told by name."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from typing import Any

from bgo.model.state import OUTCOME_EVENTS, REASONS, TRANSITIONS, Event, State

BUMPED = -(1 << 60)
"""Ranks below this are those of bumped tasks."""
TABLES = (
    "meta",
    "payload",
    "queue",
    "pause",
    "view",
    "lane",
    "task",
    "task_tag",
    "lease",
    "history",
    "hold_log",
    "dedup",
    "dependency",
    "release",
    "flow",
    "stage",
    "schedule",
    "occurrence",
)


class BrokenError(AssertionError):
    """An invariant does not hold: which one, and what was found."""

    def __init__(self, check: str, found: object) -> None:
        super().__init__(f"{check}: {found}")
        self.check = check


def ensure(holds: bool, check: str, found: object = "") -> None:
    """Raise BrokenError unless it holds."""
    if not holds:
        raise BrokenError(check, found)


def dump(db: sqlite3.Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, to compare a store with itself."""
    return {table: db.execute(f"SELECT * FROM {table} ORDER BY rowid").fetchall() for table in TABLES}


def check_all(db: sqlite3.Connection) -> None:
    """Run every check of this page."""
    check_rows(db)
    limits(db)


def check_rows(db: sqlite3.Connection) -> None:
    """Run every check that holds even while somebody lowers limits."""
    running_and_leases(db)
    heads_and_turns(db)
    pauses(db)
    nobody_is_stuck(db)
    history(db)
    payloads(db)


def running_and_leases(db: sqlite3.Connection) -> None:
    """A task runs exactly when a lease of its present run exists, and its attempt is counted."""
    running = set(db.execute("SELECT seq, run FROM task WHERE state = 'running' AND kind = 'task'"))
    ensure(running == set(db.execute("SELECT task, run FROM lease")), "running has a lease", running)
    uncounted = db.execute(
        "SELECT id FROM task WHERE state = 'running' AND kind = 'task' AND (attempt < 1 OR run < attempt)"
    ).fetchall()
    ensure(not uncounted, "a run is counted before it starts", uncounted)
    flagged = db.execute("SELECT id FROM task WHERE state <> 'running' AND cancel_reason IS NOT NULL").fetchall()
    ensure(not flagged, "only running tasks carry a cancel flag", flagged)
    idle = db.execute(
        "SELECT id FROM task WHERE ready = 1"
        " AND (ready_at IS NULL OR state NOT IN ('queued', 'retrying') OR kind <> 'task')"
    )
    ensure(not idle.fetchall(), "ready tasks wait")


def heads_and_turns(db: sqlite3.Connection) -> None:
    """A lane's head and turn are those of its first ready task."""
    rows = db.execute(
        """SELECT id, head, turn, paused, parked, CASE WHEN strategy IN ('lifo', 'random') THEN since END, (
            SELECT rank FROM task WHERE task.lane = lane.id AND ready = 1 ORDER BY order_key, seq LIMIT 1) FROM lane"""
    )
    for lane, head, turn, paused, parked, since, rank in rows:
        wanted = None if rank is None else rank if since is None or rank < BUMPED else since
        ensure(head == wanted, "lane heads equal a recount", (lane, head, wanted))
        ensure(turn == (None if paused or parked else head), "lane turns equal a recount", (lane, turn, head))


def pauses(db: sqlite3.Connection) -> None:
    """A lane is paused exactly by the pauses of its name and its queue, and by the marks of its tasks."""
    paused = set(db.execute("SELECT kind, value FROM pause"))
    stages = {stage for (stage,) in db.execute("SELECT id FROM stage")}
    rows = db.execute("SELECT lane.id, name, queue, paused, marks, stage FROM lane JOIN view ON view.id = lane.view")
    for lane, name, queue, bits, marks, stage in rows:
        wanted = (("name", name) in paused) + 2 * (("queue", queue) in paused) + 4 * (marks != "[]")
        wanted += 8 * (stage in stages)
        ensure(bits == wanted, "pauses reach every lane", (lane, bits, wanted))
    if db.execute("SELECT 1 FROM tag_move").fetchone() is None:
        tagged = db.execute(
            "SELECT task.id, tags, marks FROM task JOIN lane ON lane.id = lane WHERE finished_at IS NULL"
        )
        for task, tags, marks in tagged:
            found = sorted(tag for tag in json.loads(tags) if ("tag", tag) in paused)
            ensure(json.loads(marks) == found, "a pause of a tag reaches its tasks", (task, marks, found))
    for task, stopped in db.execute("SELECT task, paused FROM lease"):
        ensure(
            bool(stopped) == _shall_stand_still(db, task), "running work stands still by its pauses", (task, stopped)
        )


def _shall_stand_still(db: sqlite3.Connection, seq: int) -> bool:
    ((name, queue, tags),) = db.execute("SELECT name, queue, tags FROM task WHERE seq = ?", (seq,))
    mine = {("name", name), ("queue", queue), *(("tag", tag) for tag in json.loads(tags))}
    return bool(mine & set(db.execute("SELECT kind, value FROM pause WHERE running = 1")))


def nobody_is_stuck(db: sqlite3.Connection) -> None:
    """A parked lane with room under its key has an open neighbour of its view that will pass the room on."""
    running = Counter(key for (key,) in db.execute("SELECT concurrency_key FROM lease"))
    rows = db.execute(
        """SELECT id, view, concurrency_key, concurrency_max, turn, parked = 1 AND NOT paused AND head IS NOT NULL
        FROM lane"""
    ).fetchall()
    offered = {(view, key) for _, view, key, top, turn, _ in rows if turn is not None and running[key] < (top or 0)}
    for lane, view, key, top, _, waits in rows:
        stuck = waits and running[key] < top and (view, key) not in offered
        ensure(not stuck, "no lane with room is stuck", (lane, key, running[key], top))


def limits(db: sqlite3.Connection) -> None:
    """Under a key runs no more than the most generous limit of those that run."""
    top: dict[str, int] = defaultdict(int)
    count: Counter[str] = Counter()
    for key, limit in db.execute(
        """SELECT lease.concurrency_key, lane.concurrency_max FROM lease JOIN task ON task.seq = lease.task
        JOIN lane ON lane.id = task.lane WHERE lease.concurrency_key IS NOT NULL"""
    ):
        top[key], count[key] = max(top[key], limit), count[key] + 1
    ensure(all(count[key] <= top[key] for key in count), "running under a key stays in its limit", (count, dict(top)))


def history(db: sqlite3.Connection) -> None:
    """Each run that ended has exactly one outcome, in order, along an edge of the table and with a reason of it."""
    ended: dict[str, list[int]] = defaultdict(list)
    for task, event, run, state, reason, outcome in db.execute(
        "SELECT task, event, run, state, reason, outcome FROM history ORDER BY id"
    ):
        if outcome:
            ended[task].append(run)
            ensure(event in OUTCOME_EVENTS, "an outcome is an event of the table", (task, event))
            legal = TRANSITIONS[State.RUNNING, Event(event)] == state and reason in REASONS[Event(event)]
            ensure(legal, "an outcome follows the table", (task, event, state, reason))
    for task, run, runs in db.execute("SELECT id, run, state = 'running' AND kind = 'task' FROM task"):
        wanted = list(range(1, run + (not runs)))
        ensure(ended.pop(task, []) == wanted, "each run has one outcome and none is missing", (task, wanted))
    ensure(not ended, "history goes with its task", dict(ended))


def payloads(db: sqlite3.Connection) -> None:
    """No reference leads nowhere, and no bytes are kept for nobody."""
    kept = {number for (number,) in db.execute("SELECT id FROM payload")}
    used = {
        ref
        for row in db.execute("SELECT input, setup, output, error, checkpoint FROM task")
        for ref in row
        if ref is not None
    } | {
        ref
        for (ref,) in db.execute(
            "SELECT error FROM history WHERE error IS NOT NULL UNION SELECT plan FROM flow WHERE plan IS NOT NULL"
            " UNION SELECT plan FROM schedule"
        )
    }
    ensure(used <= kept, "every payload that is referred to exists", used - kept)
    ensure(kept <= used, "no payload is left behind", kept - used)

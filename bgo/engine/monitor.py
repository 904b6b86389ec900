"""Monitor: the store at one instant, as a screen shows it, and what changed since the last look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bgo.clock import to_iso
from bgo.engine import cycle, query, resolve
from bgo.engine.explain import Ground
from bgo.engine.spec import LATEST_MS
from bgo.model.query import QueueRow, Selector
from bgo.model.schedule_view import Glance
from bgo.model.state import State
from bgo.model.task import HistoryEntry, Task
from bgo.model.views import SCHEMA, TaskView, history_json
from bgo.store.port import Session

STARTED, PROGRESS, QUEUED = "started", "progress", "queued"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a monitor shows: at most `rows` running tasks and recent entries, and chains and batches that go on."""

    at: int
    counts: Mapping[State, int]
    workers: int
    queues: tuple[QueueRow, ...]
    running: tuple[TaskView, ...]
    wholes: tuple[TaskView, ...]
    """Chains and batches of which something has begun, the newest first; those inside others are not among them."""
    recent: tuple[HistoryEntry, ...]
    held: Mapping[str, int]
    retrying: int
    delayed: int
    next_due: int | None
    schedules: Glance

    def to_json(self) -> dict[str, Any]:
        """Return the object of `monitor --once --json`."""
        return {
            "schema": SCHEMA,
            "type": "snapshot",
            "ts": to_iso(self.at),
            "counts": {str(state): n for state, n in self.counts.items()},
            "workers": self.workers,
            "queues": [
                {"name": q.name, "weight": q.weight, "paused": q.paused, "waiting": q.waiting, "running": q.running}
                for q in self.queues
            ],
            "running": [view.to_json() for view in self.running],
            "wholes": [view.to_json() for view in self.wholes],
            "recent": [history_json(entry) for entry in self.recent],
            "held": dict(self.held),
            "retrying": self.retrying,
            "delayed": self.delayed,
            "next_due": to_iso(self.next_due),
            "schedules": self.schedules.to_json(),
        }


def snapshot(session: Session, selector: Selector, ground: Ground, rows: int) -> Snapshot:
    """Return the store as it stands, narrowed to the selector where it lists tasks."""
    wanted = resolve.selector(session, selector)
    overview = query.overview(session, ground.now)
    retrying, delayed, next_due, held = cycle.waiting(session, ground.asker, ground.view, ground.now)
    running = session.tasks.select(_with_state(wanted, State.RUNNING), limit=rows)
    return Snapshot(
        at=ground.now,
        counts=overview.counts,
        workers=ground.workers,
        queues=tuple(session.queues.rows()),
        running=tuple(query.view_of(session, task) for task in running),
        wholes=_wholes(session, wanted, rows),
        recent=tuple(session.records.select(wanted, runs_only=False, limit=rows)),
        held=held,
        retrying=retrying,
        delayed=delayed,
        next_due=next_due,
        schedules=_glance(session),
    )


def _glance(session: Session) -> Glance:
    first = session.schedules.due(LATEST_MS, 1)
    return Glance(session.schedules.counts(), first[0] if first else None)


def _with_state(selector: Selector, state: State) -> Selector:
    return replace(selector, states=(state,))


def _wholes(session: Session, wanted: Selector, rows: int) -> tuple[TaskView, ...]:
    if wanted.ids:
        return ()
    only = replace(_with_state(wanted, State.RUNNING), kinds=("chain", "batch"), roots=True)
    found = session.tasks.select(only, limit=rows)
    views = [query.view_of(session, task) for task in found]
    return tuple(view for view in views if view.state is State.RUNNING)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened, for a stream: a task was queued, started or progressed, or its history grew."""

    type: str
    at: int
    task_id: str
    name: str
    state: str
    run: int
    fraction: float | None = None
    message: str = ""
    entry: HistoryEntry | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the NDJSON object of a streaming monitor."""
        found: dict[str, Any] = {
            "schema": SCHEMA,
            "type": self.type,
            "ts": to_iso(self.at),
            "id": self.task_id,
            "name": self.name,
            "state": self.state,
            "run": self.run,
            "progress": {"fraction": self.fraction, "message": self.message},
        }
        if self.entry is not None:
            found |= {k: v for k, v in history_json(self.entry).items() if k in ("reason", "duration_ms", "error")}
        return found


class Follower:
    """Tells what changed since the last look; its first look tells nothing but what runs."""

    def __init__(self, session: Session, selector: Selector) -> None:
        self._selector = resolve.selector(session, selector)
        self._entry = session.records.last()
        self._seq = session.tasks.next_seq() - 1
        self._running: dict[tuple[str, int], tuple[float | None, str]] = {}

    @property
    def watched(self) -> tuple[str, ...]:
        """Return what was named by id, or is the chain or batch whose members are watched."""
        return self._selector.ids or self._selector.under

    def changes(self, session: Session, now: int) -> list[Change]:
        """Return the changes in the order in which they can be told."""
        found = [self._change(QUEUED, t.created_at, t) for t in self._fresh(session)]
        running = session.tasks.select(_with_state(self._selector, State.RUNNING), limit=query.PAGE)
        seen: dict[tuple[str, int], tuple[float | None, str]] = {}
        for task in reversed(running):
            key, progress = (task.id, task.run), (task.progress, task.progress_message)
            seen[key] = progress
            if key not in self._running:
                found.append(self._change(STARTED, task.started_at or now, task))
            if progress != self._running.get(key, (None, "")):
                found.append(self._change(PROGRESS, now, task))
        self._running = seen
        while page := session.records.after(self._entry, query.PAGE):
            self._entry = page[-1].seq
            found += [change for entry in page if (change := self._told(session, entry)) is not None]
        return found

    def _told(self, session: Session, entry: HistoryEntry) -> Change | None:
        task = session.tasks.find(entry.task_id)
        if task is None or not self._wants(session, task):
            return None
        return Change(entry.event, entry.at, entry.task_id, entry.name, entry.state, entry.run, entry=entry)

    def _fresh(self, session: Session) -> list[Task]:
        """Return the tasks that were queued since the last look, oldest first."""
        fresh: list[Task] = []
        before: int | None = None
        while page := session.tasks.select(self._selector, limit=query.PAGE, before=before):
            fresh += [task for task in page if task.seq > self._seq]
            before = page[-1].seq
            if before <= self._seq:
                break
        if fresh:
            self._seq = fresh[0].seq
        return fresh[::-1]

    def _wants(self, session: Session, task: Task) -> bool:
        s = self._selector
        return (
            (not s.ids or task.id in s.ids)
            and (not s.names or task.name in s.names)
            and (not s.queues or task.queue in s.queues)
            and (not s.schedules or task.schedule in s.schedules)
            and all(tag in task.tags for tag in s.tags)
            and (not s.under or task.id in s.under or self._is_under(session, task))
        )

    def _is_under(self, session: Session, task: Task) -> bool:
        above = None if task.parent is None else session.tasks.find_seq(task.parent)
        while above is not None:
            if above.id in self._selector.under:
                return True
            above = None if above.parent is None else session.tasks.find_seq(above.parent)
        return False

    def _change(self, kind: str, at: int, task: Task) -> Change:
        state = State.QUEUED if kind == QUEUED else task.state
        return Change(kind, at, task.id, task.name, state, task.run, task.progress, task.progress_message)

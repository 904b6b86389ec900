"""The tail of the history: what has ended since somebody last told of it, whoever ended it.

The place reached stands in the store and moves in the worker's own commit, before anything is told: each ending is told
by exactly one worker, and at most once. Where nobody has listened for a week, listening begins with what comes next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, NamedTuple

from bgo.model.entry import Entry, entry_json
from bgo.model.state import FINAL, Event, Reason
from bgo.model.task import HistoryEntry, Task
from bgo.store.port import Session

KEY = "hooks"
STALE_MS = 7 * 86_400_000
TOUCH_MS = 3_600_000
HOOK_OF = {
    Event.SUCCEED: "task_succeeded",
    Event.EXHAUST: "task_failed",
    Event.SKIP_FAILED: "task_failed",
    Event.RETRY: "task_retrying",
    Event.RELEASE: "task_stopped",
    Event.CANCEL: "task_cancelled",
    Event.SKIP: "task_cancelled",
}
GROUPS = {"chain": ("chain_finished", "chain_id"), "batch": ("batch_finished", "batch_id")}
"""Kinds of rows that stand for many tasks: when such a row ends, the whole has."""
_FIELDS = tuple(f.name for f in fields(HistoryEntry))


class Told(NamedTuple):
    """One thing to tell: which hooks hear of it, what they are given, whom it is about."""

    hook: str
    given: dict[str, Any]
    about: str


class Tail(NamedTuple):
    """What a look at the tail brought; `more`: there is more than was asked for."""

    told: tuple[Told, ...] = ()
    more: bool = False


def begin(session: Session, now: int) -> None:
    """Start listening: at the newest entry, where nobody has for long; else where the last one stopped."""
    entry, at = _place(session)
    last = session.records.last()
    if entry is None or now - at > STALE_MS or entry > last:
        session.records.set_note(KEY, f"{last} {now}")
    elif now - at > TOUCH_MS:
        session.records.set_note(KEY, f"{entry} {now}")


def waits(session: Session) -> bool:
    """Say whether there is anything beyond the place reached."""
    entry, _ = _place(session)
    return entry is not None and session.records.last() > entry


def take(session: Session, now: int, limit: int, wants: Callable[[str], bool]) -> Tail:
    """Move on by up to `limit` entries and return what they tell."""
    entry, _ = _place(session)
    entries = [] if entry is None else session.records.after(entry, limit)
    if not entries:
        return Tail()
    session.records.set_note(KEY, f"{entries[-1].seq} {now}")
    found = [told for e in entries if (told := _told(session, e, wants)) is not None]
    return Tail(tuple(found), len(entries) == limit)


def _place(session: Session) -> tuple[int | None, int]:
    note = session.records.note(KEY)
    if note is None:
        return None, 0
    entry, at = note.split()
    return int(entry), int(at)


def _told(session: Session, entry: HistoryEntry, wants: Callable[[str], bool]) -> Told | None:
    hook = HOOK_OF.get(Event(entry.event)) if entry.event in HOOK_OF else None
    if entry.event == Event.RELEASE and entry.reason != Reason.DEVICE:
        return None  # a worker that ends or a handler that puts itself off is nobody's news
    if hook is None or not (wants(hook) or any(wants(group) for group, _ in GROUPS.values())):
        return None
    task = session.tasks.find(entry.task_id)
    kind = "task" if task is None else str(task.kind)
    if kind in GROUPS:
        hook, key = GROUPS[kind]
        given = {key: entry.task_id, "status": entry.state}
        return Told(hook, given, entry.task_id) if entry.state in FINAL and wants(hook) else None
    if not wants(hook):
        return None
    return Told(hook, {"entry": entry_json(_entry(entry, task))}, entry.task_id)


def _entry(entry: HistoryEntry, task: Task | None) -> Entry:
    known = {name: getattr(entry, name) for name in _FIELDS}
    return Entry(**known) if task is None else Entry(**known, handler=task.handler, queue=task.queue, tags=task.tags)


def entry_now(task: Task, event: str, state: str, at: int, worker: str) -> Entry:
    """Return the entry of something that happens now, and that no history keeps."""
    return Entry(
        task_id=task.id,
        name=task.name,
        seq=0,
        event=event,
        run=task.run,
        attempt=task.attempt,
        state=state,
        reason=str(task.reason),
        at=at,
        started_at=task.started_at,
        finished_at=None,
        duration_ms=None,
        error=None,
        worker=worker,
        waited={},
        handler=task.handler,
        queue=task.queue,
        tags=task.tags,
    )

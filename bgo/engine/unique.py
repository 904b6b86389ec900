"""Unique: what becomes of new work whose unique id is taken, and of the work that holds it."""

from __future__ import annotations

import json
from typing import Literal, NamedTuple

from bgo.engine.cancel import cancel
from bgo.engine.expire import note
from bgo.engine.upstream import END, SUCCESS
from bgo.model.limits import Unique, UniquePolicy
from bgo.model.state import Reason, State
from bgo.model.task import Task
from bgo.store.port import Session

KEPT: Literal["kept"] = "kept"
EVENTS = 1_000
"""Entries that one task's history gets for new work it was kept before."""


class Verdict(NamedTuple):
    """The task that stands in the way for good, or those that must end first, each with what is needed of it."""

    kept: Task | None = None
    needs: tuple[tuple[Task, str], ...] = ()


def judge(session: Session, wanted: Unique, now: int) -> Verdict:
    """Decide about new work under a unique id; with `replace`, the unfinished work under it is called off."""
    unfinished = session.tasks.unfinished_as(wanted.id)
    if note(session, unfinished, now):
        unfinished = session.tasks.unfinished_as(wanted.id)
    match wanted.policy:
        case UniquePolicy.KEEP:
            return _keep(session, unfinished, now)
        case UniquePolicy.REPLACE:
            cancel(session, unfinished, Reason.REPLACED, now)
            # Only what runs has not ended by that: two of them must never run at once.
            return Verdict(needs=tuple((task, END) for task in session.tasks.unfinished_as(wanted.id)))
        case UniquePolicy.APPEND:
            return _append(session, wanted.id, unfinished)
        case UniquePolicy.APPEND_OR_REPLACE:
            return Verdict(needs=tuple((task, SUCCESS) for task in unfinished[:1]))


def _keep(session: Session, unfinished: list[Task], now: int) -> Verdict:
    if not unfinished:
        return Verdict()
    task = unfinished[0]
    if session.records.number(task.id, KEPT) < EVENTS:
        detail = json.dumps({"kept": True})
        session.records.add(task, KEPT, (task.state, task.reason, task.attempt), now, detail=detail)
    return Verdict(kept=task)


def _append(session: Session, unique_id: str, unfinished: list[Task]) -> Verdict:
    """Come after the newest; when that has succeeded and an older one was revived, after that one."""
    newest = session.tasks.newest_as(unique_id)
    if newest is None:
        return Verdict()
    if newest.state is State.SUCCEEDED:
        return Verdict(needs=tuple((task, SUCCESS) for task in unfinished[:1]))
    return Verdict(needs=((newest, SUCCESS),))

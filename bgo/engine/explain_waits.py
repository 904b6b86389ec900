"""Explaining waits: what a task has waited for so far, and what held it when a worker looked last."""

from __future__ import annotations

import json

from bgo.engine import explain_ended
from bgo.engine.waiting import waited
from bgo.model.plan import Gate
from bgo.model.state import CLAIMABLE, FINAL, State
from bgo.model.task import Task
from bgo.model.views import GateLine
from bgo.store.port import Session


def last_look(session: Session, task: Task, lines: tuple[GateLine, ...], now: int) -> str:
    """Return the gate that held a ready task when a worker looked last, where it does not hold it here and now."""
    if not task.ready:
        return ""
    closed = {line.gate for line in lines if not line.is_open}
    held = session.lanes.held_at(task.lane, now)
    return "" if not held or closed & set(held) else held[0]


def waited_for(session: Session, task: Task, now: int) -> dict[str, int]:
    """Return waiting time by reason, over all runs so far and the present wait."""
    total: dict[str, int] = {}
    parts = [entry.waited for entry in session.records.of_task(task.id)]
    if task.ready and task.ready_at is not None:
        parts.append(waited(session, task, now))
    elif task.state is State.BLOCKED and task.ready_at is not None:
        parts += [json.loads(task.waited), {Gate.UPSTREAM: max(0, now - task.ready_at)}]
    elif task.state in CLAIMABLE:
        parts.append(json.loads(task.waited))
    elif task.state in FINAL and task.kind == "task":
        parts.append(explain_ended.last_wait(session, task))
    lease = session.leases.find(task.seq) if task.state is State.RUNNING else None
    if lease is not None:
        parts.append(json.loads(lease.waited))
    for part in parts:
        for reason, ms in part.items():
            total[reason] = total.get(reason, 0) + ms
    return total

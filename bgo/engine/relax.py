"""Relax: tasks that have grown old enough ask less of the device, and go to the lane of those who ask the same."""

from __future__ import annotations

from dataclasses import replace

from bgo.engine import relane
from bgo.model.task import Task
from bgo.policy import relax as policy
from bgo.store.port import Session


def step(session: Session, now: int, limit: int) -> int:
    """Move up to `limit` tasks whose time has come; return how many. Their order is what it was."""
    touched: set[int] = set()
    found = session.moves.relaxing(now, limit)
    for task in found:
        lane = _lane(session, task, now)
        session.moves.relaxed(task, policy.next_at(task.wish, task.created_at, now))
        if lane != task.lane:
            relane.move(session, task, lane, now)
            touched |= {task.lane, lane} if task.ready else set()
    session.lanes.refresh(touched, now)
    return len(found)


def _lane(session: Session, task: Task, now: int) -> int:
    key = session.lanes.key(task.lane)
    asked, kind = policy.asked(task.wish, task.created_at, now), key.view.traits
    view = replace(key.view, constraints=asked, traits=kind._replace(retries=kind.retries and asked.device_idle))
    return session.lanes.ensure(replace(key, view=view), now)

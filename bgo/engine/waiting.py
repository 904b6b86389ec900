"""Back to waiting: the place in line of a task that was running, revived or put off."""

from __future__ import annotations

from bgo.model.plan import LaneKey
from bgo.model.task import Task
from bgo.policy import order
from bgo.store.port import Place


def place_of(task: Task, key: LaneKey, due_at: int | None, now: int) -> Place:
    """Return where the task waits: with its old due time (None) it keeps its order, with a new one it lines up anew.

    fifo and lifo look at the order of enqueueing only, so there a task always keeps its place.
    """
    due = task.due_at if due_at is None else due_at
    ready = due <= now
    key_in_lane = order.order_key(
        key.strategy, due_ms=due, priority=task.priority, seq=task.seq, draw=task.draw
    )
    return Place(ready, now if ready else None, due, key_in_lane, order.rank(due, task.priority))

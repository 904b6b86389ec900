"""Rows on their way into the store, in the order of their statements, and small answers out of it."""

from __future__ import annotations

from typing import NamedTuple


class NewTask(NamedTuple):
    """One row to insert, in the order of the statement."""

    seq: int
    id: str
    name: str
    handler: str
    state: str
    reason: str
    lane: int
    queue: str
    priority: int
    tags: str
    wish: str
    ready: int
    ready_at: int | None
    due_at: int
    order_key: int
    rank: int
    draw: float
    cwd: str
    input: int | None
    setup: int | None
    created_at: int


class Place(NamedTuple):
    """Where a waiting task stands: whether it is ready, since when, and its keys in the order."""

    ready: bool
    ready_at: int | None
    due_at: int
    order_key: int
    rank: int


class LaneState(NamedTuple):
    """Whether a lane is paused or parked."""

    paused: bool
    parked: bool
    held_by: str | None


class NewLease(NamedTuple):
    """A lease to write, in the order of the statement."""

    task: int
    run: int
    worker: str
    host: str
    boot_id: str
    until: int
    child_pid: int
    child_start: int
    claimed_at: int
    queue: str
    concurrency_key: str | None
    waited: str

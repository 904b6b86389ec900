"""Rows on their way into the store, in the order of their statements, and small answers out of it."""

from __future__ import annotations

from typing import NamedTuple

from bgo.policy.clock_step import is_set_back


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
    expires_at: int | None = None
    unique_id: str | None = None
    dedup_key: str | None = None
    kind: str = "task"
    parent: int | None = None
    step: int = 0
    schedule: str | None = None
    occurrence: int | None = None
    relax_at: int | None = None


class Place(NamedTuple):
    """Where a waiting task stands: whether it is ready, since when, its keys in the order, and when it expires."""

    ready: bool
    ready_at: int | None
    due_at: int
    order_key: int
    rank: int
    bump: int = 0
    expires_at: int | None = None


class Seat(NamedTuple):
    """Where a waiting task is put: its lane, queue and priority, its place there, and what it waited before."""

    lane: int
    queue: str
    priority: int
    place: Place
    waited: str


class LaneState(NamedTuple):
    """Whether a lane is paused or parked (1 before a full concurrency key, 2 before a full rate)."""

    paused: bool
    parked: int
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
    rate_key: str | None = None
    profile: str = ""


class RateStart(NamedTuple):
    """A start under a rate key, by the wall and by the clock of its boot."""

    at: int
    boot: str
    at_boot: int


class Holder(NamedTuple):
    """A running task that takes room under a concurrency key."""

    id: str
    name: str
    claimed_at: int
    started_at: int | None


class FlowRow(NamedTuple):
    """A chain or a batch beyond its row as a task."""

    seq: int
    plan: int | None
    """What it is made of, as a payload; None: as the batch that it is a member of says."""
    at: int
    """Of a chain: the step that is being worked at."""
    ending: str | None
    """`failed` or `cancelled` once that is settled, while members may still run; `going` while a prune removes them."""
    open: int
    """1 while more members may come: it cannot end."""
    cursor: int | None
    """How many items of an earlier output have become members."""
    told: str
    """The follow-up tasks that its ends have made, by kind, as JSON."""
    total: int
    succeeded: int
    failed: int
    cancelled: int
    staged: int
    """1 while it comes in itself, unseen."""
    coming: int
    """1 while members are coming in unseen."""
    unfinished: int
    """1 while a member of the first step, of a batch any member, has not ended."""
    held: int
    """1 while one of them may not start yet."""

    @property
    def ended(self) -> int:
        """How many members have ended."""
        return self.succeeded + self.failed + self.cancelled


class StageRow(NamedTuple):
    """Members that are coming into a chain or a batch, who brings them, and how many there are so far."""

    id: str
    flow: int
    owner: str
    members: int
    at: int


class NewSchedule(NamedTuple):
    """A schedule to write, in the order of the statement."""

    id: str
    key: str | None
    source: str
    name: str
    handler: str
    kind: str
    wish: str
    anchor: int
    plan: int
    created_at: int
    changed_at: int
    next_at: int | None
    fire_at: int | None
    boot: str | None


class Next(NamedTuple):
    """A schedule's next occurrence and when it fires; both None when there is none."""

    at: int | None = None
    fire_at: int | None = None


class Alarms(NamedTuple):
    """What the store knows to come: instants, and whether something is due by another clock than the wall."""

    due: int | None
    """The earliest due time of a task that is not ready, UTC milliseconds."""
    expiry: int | None
    """The earliest instant at which a waiting task expires, UTC milliseconds."""
    rate_in: int | None
    """In how many milliseconds a parked lane of a rate key must be looked at; 0: now."""
    moves: bool
    """Tasks must change lanes because a tag was paused or resumed, or must be told that what they waited for ended."""
    fire: int | None = None
    """When the next schedule fires, UTC milliseconds."""
    fired: int | None = None
    """The latest occurrence that any schedule which is to fire again has dealt with, UTC milliseconds."""
    reboots: bool = False
    """A schedule fires at each start of the computer, and has not for this one."""
    relax: int | None = None
    """When the next task asks less of the device, UTC milliseconds."""

    def is_due(self, now_ms: int) -> bool:
        """Say whether any of them rings."""
        if self.moves or self.rate_in == 0 or (self.due is not None and self.due <= now_ms):
            return True
        soon = min((at for at in (self.expiry, self.relax) if at is not None), default=None)
        return (soon is not None and soon <= now_ms) or self.fires(now_ms)

    def fires(self, now_ms: int) -> bool:
        """Say whether a schedule must be looked at."""
        if self.reboots or (self.fire is not None and self.fire <= now_ms):
            return True
        return self.fired is not None and is_set_back(self.fired, now_ms)

    @property
    def next_wake(self) -> int | None:
        """The earliest alarm that the wall clock rings, UTC milliseconds."""
        return min((at for at in (self.due, self.expiry, self.fire, self.relax) if at is not None), default=None)

"""The task: `TaskSpec` is the wish as it was enqueued, `Task` the fact as the store knows it, `Lease` a live run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from bgo.model.options import NO_CONSTRAINTS, RetryPolicy, TaskConstraints, TaskQueue, TaskTimeout
from bgo.model.state import State

if TYPE_CHECKING:
    from bgo.model.limits import ConcurrencyControl, DedupPolicy, RateLimit, Unique
    from bgo.model.outcome import TaskError
    from bgo.model.window import RelaxStep, ZonedWindow

Quotaless = Literal["run", "drop"]
"""Of expedited work that finds no quota: it runs as plain work, or it is not to run at all (WorkManager's
OutOfQuotaPolicy)."""
Kind = Literal["task", "chain", "batch"]
"""A chain or a batch is a row of its own that stands for its members; it is never claimed."""

INPUT_LIMIT = 1 << 20
"""Largest input and output in bytes of canonical JSON, on a computer."""
ERROR_LIMIT = 16 << 10
LOG_LIMIT = 1 << 20
TAG_LIMIT = 32
FOLLOW_UP = 1 << 20
"""From this step number on a member is a follow-up (a compensation, a callback): it counts for nothing."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Everything a task asks for that no index needs: stored as one JSON text, never rewritten by a profile."""

    timeout: TaskTimeout = TaskTimeout.MODERATE
    retry: RetryPolicy = RetryPolicy.NONE
    constraints: TaskConstraints = NO_CONSTRAINTS
    concurrency: ConcurrencyControl | None = None
    at_most_once: bool = False
    rate: RateLimit | None = None
    dedup: DedupPolicy | None = None
    unique: Unique | None = None
    start_before: int | None = None
    """UTC milliseconds: what has not begun by then is cancelled, reason expired."""
    finish_before: int | None = None
    """UTC milliseconds: what does not run by then, begun or not, is cancelled, reason expired."""
    window: ZonedWindow | None = None
    """The hours in which it may start."""
    relax: tuple[RelaxStep, ...] = ()
    """What it asks of the device instead of `constraints` as it grows older, by age."""
    expedited: Quotaless | None = None
    """It goes before what a platform would put off, while its quota lasts; and what becomes of it without any."""
    foreground: str | None = None
    """The type of foreground service that it runs as, on a platform that has them."""
    window_strict: bool = False
    """It may not go on outside of its window either: it is stopped when that closes."""


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """One enqueue, complete: names resolved, defaults applied, the input already canonical JSON bytes."""

    id: str
    handler: str
    input: bytes
    """Canonical UTF-8 JSON of an object."""
    name: str = ""
    """Empty means the handler's name."""
    queue: str = TaskQueue.DEFAULT
    priority: int = 0
    tags: tuple[str, ...] = ()
    due_at: int | None = None
    """UTC milliseconds; None means at once."""
    wish: Wish = field(default_factory=Wish)
    setup: bytes | None = None
    """Canonical JSON `{"argv": […], "env": {…}}` for handlers that take a command line; else None."""
    cwd: str = ""
    random_order: float = 0.0
    """A draw in [0, 1), used by the strategy `random`."""
    after: tuple[str, ...] = ()
    """Ids (or unique beginnings of ids) of tasks that must have succeeded before this one may start."""
    dedup_key: str | None = None
    """What `wish.dedup` compares, as a hash; see `policy.dedup`."""
    schedule: str | None = None
    """The schedule that makes it, by id."""
    occurrence: int | None = None
    """The instant for which it does, UTC milliseconds: the logical time, however late it is."""

    @property
    def is_plain(self) -> bool:
        """Say whether nothing but the queue itself decides about it: no other task can stand in its way."""
        return self.dedup_key is None and not self.after and self.wish.unique is None


class Enqueued(NamedTuple):
    """What became of one enqueue."""

    id: str
    """Of the new task, or of the one that stood in its way."""
    state: State
    outcome: Literal["new", "deduplicated", "kept"] = "new"
    reason: str = "new"
    """Why it stands where it stands; a new task may have ended already, with those that it should come after."""


@dataclass(frozen=True, slots=True)
class Task:
    """What the store knows of a task, without its payloads."""

    seq: int
    id: str
    name: str
    handler: str
    kind: Kind
    state: State
    reason: str
    lane: int
    queue: str
    priority: int
    tags: tuple[str, ...]
    wish: Wish
    ready: bool
    due_at: int
    run: int
    attempt: int
    losses: int
    snoozes: int
    epoch: int
    draw: float
    ready_at: int | None
    """Since when it is ready; of a blocked task, since when it is blocked."""
    cwd: str
    input_ref: int | None
    setup_ref: int | None
    output_ref: int | None
    error_ref: int | None
    checkpoint_ref: int | None
    progress: float | None
    progress_message: str
    cancel_reason: str | None
    """Set while a cancel of the running task is asked for and not yet carried out."""
    created_at: int
    started_at: int | None
    finished_at: int | None
    expires_at: int | None = None
    """When it is cancelled if it does not run by then; UTC milliseconds."""
    unique_id: str | None = None
    dedup_key: str | None = None
    bump: int = 0
    """Above 0: it was bumped then, and goes before all that was not, or was bumped earlier."""
    waited: str = "{}"
    """Milliseconds by reason that it waited before `ready_at`, in other lanes or for other tasks, as JSON."""
    parent: int | None = None
    """The chain or batch that it is a member of, by seq."""
    step: int = 0
    """Of a chain's member: which step it belongs to, from 0."""
    schedule: str | None = None
    """The schedule that made it, by id."""
    occurrence: int | None = None
    """The instant for which it was made, UTC milliseconds: its logical time, however late it is."""
    relax_at: int | None = None
    """When it asks less of the device, the next time; UTC milliseconds."""

    @property
    def max_attempts(self) -> int:
        """Return the number of tries the retry policy allows in all."""
        return self.wish.retry.max_attempts


@dataclass(frozen=True, slots=True)
class Child:
    """A child process as others may find and signal it: pid (= process group) and kernel start time."""

    pid: int
    start_time: int


class Lease(NamedTuple):
    """A worker's right to a running task. `run` is the fencing token; `until_ms` is awake time of `boot_id`."""

    task_id: str
    seq: int
    run: int
    worker: str
    host: str
    boot_id: str
    until_ms: int
    child: Child
    claimed_at: int
    started_at: int | None
    queue: str
    concurrency_key: str | None
    waited: str = "{}"
    """Milliseconds waited before this run, by reason, as JSON."""
    rate_key: str | None = None
    stamped: int = 0
    """1 once its start is written under its rate key; before that it counts as starting now."""
    paused: int = 0
    """1 while its processes shall stand still."""
    profile: str = ""
    """The profile under which it was claimed, if that remembers runs; else empty."""


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """A worker as it registered itself."""

    id: str
    host: str
    boot_id: str
    pid: int
    pid_start: int
    started_at: int
    slots: int
    queues: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One entry of a task's history: an ended run, or another event worth keeping (a refused late finish …)."""

    task_id: str
    name: str
    seq: int
    """1…n per store, in the order of writing."""
    event: str
    run: int
    attempt: int
    state: str
    reason: str
    at: int
    started_at: int | None
    finished_at: int | None
    duration_ms: int | None
    error: TaskError | None
    worker: str | None
    waited: Mapping[str, int]
    """Milliseconds waited before this run, by reason."""
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def task_name(self) -> str:
        """Return the task's name."""
        return self.name

    @property
    def status(self) -> str:
        """Return the state that this led to."""
        return self.state

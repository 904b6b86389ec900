"""The schema of record: every table as a typed SQLModel row.

Migrations bring a store to it, hot statements are checked against it, and a program that reports on a store reads its
rows with `sqlmodel.select` (the state, the numbers and the texts as they are stored; payloads are canonical JSON
bytes). Rows never leave this floor otherwise, and writing through them would pass by every guard. They have metadata
of their own, so that they do not meet the tables of a program that uses SQLModel itself. Importing this module costs
about 300 ms: no command that must be quick does.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import REAL, CheckConstraint, ForeignKey, Index, LargeBinary, MetaData, Text, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class Row(SQLModel, registry=registry(metadata=MetaData())):
    """A row of the store."""


metadata = Row.metadata
Blob = bytes  # the column's name hides the type's


def _text(default: str | None = None, *, key: bool = False) -> Any:
    return Field(sa_type=Text, primary_key=key, sa_column_kwargs=_default(None if default is None else f"'{default}'"))


def _real(default: int | None = None) -> Any:
    return Field(sa_type=REAL, sa_column_kwargs=_default(default))


def _int(default: int | None = None, *, key: bool = False) -> Any:
    return Field(primary_key=key, sa_column_kwargs=_default(default))


def _ref(column: str, *, key: bool = False) -> Any:
    return Field(primary_key=key, sa_column_args=[ForeignKey(column)])


def _default(value: int | str | None) -> dict[str, Any]:
    return {} if value is None else {"server_default": text(str(value))}


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


class Meta(Row, table=True):
    """Facts about the store itself, such as its identity."""

    __tablename__ = "meta"
    key: str = _text(key=True)
    value: str = _text()


class Payload(Row, table=True):
    """Immutable bytes behind a codec: inputs, outputs, errors, checkpoints."""

    __tablename__ = "payload"
    id: int = _int(key=True)
    codec: int = _int(0)
    key_id: str | None = _text()
    bytes: Blob = Field(sa_type=LargeBinary)


class Queue(Row, table=True):
    """A queue's weight and its place in the stride."""

    __tablename__ = "queue"
    __table_args__ = (CheckConstraint("weight > 0"), CheckConstraint("reserve >= 0"), CheckConstraint("slots > 0"))
    name: str = _text(key=True)
    weight: float = _real()
    reserve: int = _int(0)
    pass_at: float = _real(0)
    start: float = _real(0)
    slots: int | None = _int()


class Pause(Row, table=True):
    """A paused name, queue or tag; `running` says that running work was stopped as well."""

    __tablename__ = "pause"
    __table_args__ = (CheckConstraint("kind IN ('name', 'queue', 'tag')"),)
    kind: str = _text(key=True)
    value: str = _text(key=True)
    at: int = _int()
    running: int = _int(0)


class TagMove(Row, table=True):
    """A tag whose tasks must change lanes, and up to which seq that is done."""

    __tablename__ = "tag_move"
    tag: str = _text(key=True)
    after: int = _int(0)


class View(Row, table=True):
    """What the asker judges once for all lanes that share it."""

    __tablename__ = "view"
    __table_args__ = (Index("view_key", "queue", "handler", "constraints", "window", "traits", unique=True),)
    id: int = _int(key=True)
    queue: str = _text()
    handler: str = _text()
    constraints: str = _text()
    held_by: str | None = _text()
    window: str = _text("")
    traits: str = _text("")


class Lane(Row, table=True):
    """The waiting tasks that share every gate; `turn` is set while it is open and has ready work."""

    __tablename__ = "lane"
    __table_args__ = (
        CheckConstraint("turn IS NULL OR (paused = 0 AND parked = 0 AND head IS NOT NULL)"),
        Index("lane_key", "key", unique=True),
        _partial("lane_turn", "view", "turn", where="turn IS NOT NULL"),
        Index("lane_name", "name"),
        _partial(
            "lane_parked",
            *("concurrency_key", "view", "concurrency_max", "strategy", "first"),
            where="parked = 1 AND paused = 0 AND head IS NOT NULL",
        ),
        _partial(
            "lane_group",
            *("concurrency_key", "strategy", "view", "first"),
            where="turn IS NOT NULL AND concurrency_key IS NOT NULL",
        ),
        _partial(
            "lane_rated",
            *("rate_key", "view", "rate_max", "rate_window", "head"),
            where="parked = 2 AND paused = 0 AND head IS NOT NULL",
        ),
        _partial("lane_limits", "concurrency_key", where="concurrency_key IS NOT NULL"),
        _partial("lane_rates", "rate_key", where="rate_key IS NOT NULL"),
        _partial("lane_stage", "stage", where="stage IS NOT NULL"),
    )
    id: int = _int(key=True)
    key: str = _text()
    name: str = _text()
    view: int = _ref("view.id")
    concurrency_key: str | None = _text()
    concurrency_max: int | None = _int()
    strategy: str | None = _text()
    paused: int = _int(0)
    parked: int = _int(0)
    head: int | None = _int()
    turn: int | None = _int()
    since: int = _int()
    held_by: str | None = _text()
    rate_key: str | None = _text()
    rate_max: int | None = _int()
    rate_window: int | None = _int()
    marks: str = _text("[]")
    first: int | None = _int()
    stage: str | None = _text()


class Task(Row, table=True):
    """A task, or a chain or batch of tasks (`kind`): where it stands, its counters, references to its payloads.

    `parent` is the chain or batch that it is a member of, by seq, `step` its place there; `schedule` what made it, by
    id, for the `occurrence` at that instant.
    """

    __tablename__ = "task"
    __table_args__ = (
        CheckConstraint("state IN ('blocked', 'queued', 'running', 'retrying', 'succeeded', 'failed', 'cancelled')"),
        CheckConstraint("ready = 0 OR state IN ('queued', 'retrying')"),
        CheckConstraint("(state IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL)"),
        CheckConstraint("cancel_reason IS NULL OR state = 'running'"),
        Index("task_id", "id", unique=True),
        _partial("task_ready", "lane", "order_key", "seq", where="ready = 1"),
        _partial("task_alarm", "due_at", where="ready = 0 AND state IN ('queued', 'retrying')"),
        Index("task_state", "state", "seq"),
        Index("task_name", "name", "seq"),
        _partial("task_finished", "finished_at", where="finished_at IS NOT NULL"),
        _partial(
            "task_expiry",
            "expires_at",
            where="expires_at IS NOT NULL AND state IN ('blocked', 'queued', 'retrying')",
        ),
        _partial("task_unique", "unique_id", "seq", where="unique_id IS NOT NULL"),
        _partial("task_unique_open", "unique_id", "seq", where="unique_id IS NOT NULL AND finished_at IS NULL"),
        _partial("task_root", "seq", where="parent IS NULL"),
        _partial("task_member", "parent", "step", "seq", where="parent IS NOT NULL"),
        _partial("task_member_flow", "parent", where="parent IS NOT NULL AND kind <> 'task'"),
        _partial("task_member_open", "parent", "step", where="parent IS NOT NULL AND finished_at IS NULL"),
        _partial("task_member_held", "parent", "step", "seq", where="parent IS NOT NULL AND state = 'blocked'"),
        _partial("task_relax", "relax_at", where="relax_at IS NOT NULL AND finished_at IS NULL"),
        _partial("task_schedule", "schedule", "seq", where="schedule IS NOT NULL"),
        _partial("task_schedule_open", "schedule", "seq", where="schedule IS NOT NULL AND finished_at IS NULL"),
    )
    seq: int = _int(key=True)
    id: str = _text()
    name: str = _text()
    handler: str = _text()
    kind: str = _text("task")
    state: str = _text()
    reason: str = _text()
    lane: int = _ref("lane.id")
    queue: str = _text()
    priority: int = _int()
    tags: str = _text("[]")
    wish: str = _text("{}")
    ready: int = _int()
    ready_at: int | None = _int()
    due_at: int = _int()
    order_key: int = _int()
    rank: int = _int()
    draw: float = _real(0)
    run: int = _int(0)
    attempt: int = _int(0)
    losses: int = _int(0)
    snoozes: int = _int(0)
    epoch: int = _int(1)
    cwd: str = _text("")
    input: int | None = _ref("payload.id")
    setup: int | None = _ref("payload.id")
    output: int | None = _ref("payload.id")
    error: int | None = _ref("payload.id")
    checkpoint: int | None = _ref("payload.id")
    progress: float | None = _real()
    progress_message: str = _text("")
    cancel_reason: str | None = _text()
    created_at: int = _int()
    started_at: int | None = _int()
    finished_at: int | None = _int()
    expires_at: int | None = _int()
    unique_id: str | None = _text()
    dedup_key: str | None = _text()
    bump: int = _int(0)
    waited: str = _text("{}")
    parent: int | None = _int()
    step: int = _int(0)
    schedule: str | None = _text()
    occurrence: int | None = _int()
    relax_at: int | None = _int()


class Flow(Row, table=True):
    """A chain or a batch: its plan, how far it is, and how its members have ended."""

    __tablename__ = "flow"
    __table_args__ = (
        CheckConstraint("ending IN ('failed', 'cancelled', 'going')"),
        _partial("flow_going", "seq", where="ending = 'going'"),
    )
    seq: int = _ref("task.seq", key=True)
    plan: int | None = _ref("payload.id")
    at: int = _int(0)
    ending: str | None = _text()
    open: int = _int(0)
    cursor: int | None = _int()
    told: str = _text("{}")
    total: int = _int(0)
    succeeded: int = _int(0)
    failed: int = _int(0)
    cancelled: int = _int(0)


class Stage(Row, table=True):
    """Members that are coming into a chain or a batch, nowhere to be seen until all are there (`hidden`), or that are
    there and wait, all of them, for what their chain or batch waits for."""

    __tablename__ = "stage"
    id: str = _text(key=True)
    flow: int = _int()
    owner: str = _text()
    hidden: int = _int(1)
    count: int = _int(0)
    at: int = _int()


class Schedule(Row, table=True):
    """What makes a task, a chain or a batch again and again; `fire_at` is set while it is active and more is to come.

    `anchor` is where an interval counts from, `boot` the boot for which `@reboot` has fired.
    """

    __tablename__ = "schedule"
    __table_args__ = (
        CheckConstraint("kind IN ('task', 'chain', 'batch')"),
        CheckConstraint("state IN ('active', 'paused', 'finished')"),
        CheckConstraint("(next_at IS NULL) = (fire_at IS NULL)"),
        CheckConstraint("state = 'active' OR fire_at IS NULL"),
        Index("schedule_id", "id", unique=True),
        _partial("schedule_key", "key", where="key IS NOT NULL", unique=True),
        _partial("schedule_fire", "fire_at", where="fire_at IS NOT NULL"),
        _partial("schedule_last", "last_at", where="fire_at IS NOT NULL AND last_at IS NOT NULL"),
        _partial("schedule_boot", "boot", where="boot IS NOT NULL AND state = 'active'"),
    )
    seq: int = _int(key=True)
    id: str = _text()
    key: str | None = _text()
    source: str = _text("")
    name: str = _text()
    handler: str = _text()
    kind: str = _text()
    wish: str = _text()
    anchor: int = _int()
    plan: int = _ref("payload.id")
    state: str = _text()
    reason: str = _text("")
    created_at: int = _int()
    changed_at: int = _int()
    next_at: int | None = _int()
    fire_at: int | None = _int()
    last_at: int | None = _int()
    boot: str | None = _text()
    since_seq: int = _int(0)
    fired: int = _int(0)
    skipped: int = _int(0)
    missed: int = _int(0)
    coalesced: int = _int(0)


class Occurrence(Row, table=True):
    """What became of an occurrence of a schedule, or of `number` that were dealt with as one, at the last of them."""

    __tablename__ = "occurrence"
    __table_args__ = (CheckConstraint("outcome IN ('fired', 'skipped', 'missed', 'coalesced')"),)
    schedule: int = _int(key=True)
    at: int = _int(key=True)
    outcome: str = _text()
    number: int = _int(1)
    task: str | None = _text()
    noted_at: int = _int()


class TaskTag(Row, table=True):
    """A tag of a task."""

    __tablename__ = "task_tag"
    __table_args__ = (Index("task_tag_task", "task"),)
    tag: str = _text(key=True)
    task: int = _int(key=True)


class Worker(Row, table=True):
    """A worker as it registered itself."""

    __tablename__ = "worker"
    id: str = _text(key=True)
    host: str = _text()
    boot_id: str = _text()
    pid: int = _int()
    pid_start: int = _int()
    started_at: int = _int()
    slots: int = _int()
    queues: str = _text("[]")


class Lease(Row, table=True):
    """A live run; `until` is awake time of its boot."""

    __tablename__ = "lease"
    __table_args__ = (
        Index("lease_worker", "worker"),
        _partial("lease_concurrency", "concurrency_key", where="concurrency_key IS NOT NULL"),
        _partial("lease_rate", "rate_key", where="rate_key IS NOT NULL AND stamped = 0"),
    )
    task: int = _ref("task.seq", key=True)
    run: int = _int()
    worker: str = _text()
    host: str = _text()
    boot_id: str = _text()
    until: int = _int()
    child_pid: int = _int()
    child_start: int = _int()
    claimed_at: int = _int()
    started_at: int | None = _int()
    queue: str = _text()
    concurrency_key: str | None = _text()
    waited: str = _text("{}")
    rate_key: str | None = _text()
    stamped: int = _int(0)
    paused: int = _int(0)
    profile: str = _text("")


class RunOver(Row, table=True):
    """A run under a profile that remembers, and is over: its rules have yet to take note of that."""

    __tablename__ = "run_over"
    __table_args__ = (Index("run_over_profile", "profile", "seq"),)
    seq: int = _int(key=True)
    profile: str = _text()
    run: str = _text()
    at: int = _int()


class Rate(Row, table=True):
    """A rate key: how long its starts are kept, and when a parked lane of it must be looked at."""

    __tablename__ = "rate"
    __table_args__ = (_partial("rate_wake", "wake_boot", "wake_at", where="wake_at IS NOT NULL"),)
    key: str = _text(key=True)
    keep_ms: int = _int(0)
    wake_boot: str | None = _text()
    wake_at: int | None = _int()


class RateStart(Row, table=True):
    """The n-th start under a rate key, by the wall and by the clock of its boot."""

    __tablename__ = "rate_start"
    key: str = _text(key=True)
    n: int = _int(key=True)
    at: int = _int()
    boot: str = _text()
    at_boot: int = _int()


class NamedLimit(Row, table=True):
    """A limit that a configuration names: it overrides what tasks ask for under that key."""

    __tablename__ = "named_limit"
    __table_args__ = (
        CheckConstraint("concurrency_max > 0"),
        CheckConstraint("rate_max > 0"),
        CheckConstraint("rate_window > 0"),
    )
    key: str = _text(key=True)
    source: str = _text()
    concurrency_max: int | None = _int()
    rate_max: int | None = _int()
    rate_window: int | None = _int()


class Dedup(Row, table=True):
    """A key that is taken, by which task and until when; how many equal enqueues it has suppressed."""

    __tablename__ = "dedup"
    __table_args__ = (Index("dedup_task", "task"),)
    key: str = _text(key=True)
    task: str = _text()
    until: int | None = _int()
    suppressed: int = _int(0)


class Dependency(Row, table=True):
    """A task that waits for another's success, or for its end whatever it is."""

    __tablename__ = "dependency"
    __table_args__ = (CheckConstraint("kind IN ('success', 'end')"), Index("dependency_upstream", "upstream", "task"))
    task: int = _int(key=True)
    upstream: int = _int(key=True)
    kind: str = _text()


class Release(Row, table=True):
    """An ended task some of whose waiters have not been told yet."""

    __tablename__ = "release"
    upstream: int = _int(key=True)


class History(Row, table=True):
    """An ended run, or another event worth keeping; append-only."""

    __tablename__ = "history"
    __table_args__ = (
        _partial("history_outcome", "task", "run", where="outcome = 1", unique=True),
        Index("history_task", "task", "id"),
        Index("history_name", "name", "id"),
        Index("history_at", "at"),
    )
    id: int = _int(key=True)
    task: str = _text()
    name: str = _text()
    event: str = _text()
    run: int = _int()
    attempt: int = _int()
    state: str = _text()
    reason: str = _text()
    at: int = _int()
    started_at: int | None = _int()
    finished_at: int | None = _int()
    duration_ms: int | None = _int()
    error: int | None = _ref("payload.id")
    worker: str | None = _text()
    waited: str = _text("{}")
    detail: str = _text("{}")
    outcome: int = _int(0)


class HoldLog(Row, table=True):
    """What held a lane or a view from an instant on, with cumulative milliseconds by reason until then."""

    __tablename__ = "hold_log"
    __table_args__ = (CheckConstraint("scope IN ('lane', 'view')"),)
    scope: str = _text(key=True)
    ref: int = _int(key=True)
    at: int = _int(key=True)
    held_by: str | None = _text()
    totals: str = _text("{}")

"""What a worker tells while it works, and what it did in all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from bgo.clock import to_iso
from bgo.model.outcome import TaskError
from bgo.model.state import Event, State
from bgo.model.task import Task
from bgo.model.views import SCHEMA, error_json

if TYPE_CHECKING:
    from bgo.model.schedule import Schedule


@dataclass(frozen=True, slots=True)
class WorkerEvent:
    """One thing that happened: started, progress, soft_timeout, an event of the state table, late_finish, rescued,
    suspended, continued, stopping (it was asked to stop: the device lost what it needs)."""

    type: str
    at: int
    task: Task
    state: State
    reason: str = ""
    fraction: float | None = None
    message: str = ""
    duration_ms: int | None = None
    due_at: int | None = None
    error: TaskError | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the NDJSON object of `run --json`."""
        return {
            "schema": SCHEMA,
            "type": self.type,
            "ts": to_iso(self.at),
            "id": self.task.id,
            "name": self.task.name,
            "run": self.task.run,
            "attempt": self.task.attempt,
            "state": str(self.state),
            "reason": self.reason,
            "progress": {"fraction": self.fraction, "message": self.message},
            "duration_ms": self.duration_ms,
            "due_at": to_iso(self.due_at),
            "error": error_json(self.error),
        }


@dataclass(frozen=True, slots=True)
class HookEvent:
    """Something went wrong with a hook: hook_failed, hook_off (it is called no more), hook_dropped (told once)."""

    type: str
    at: int
    hook: str
    observer: str
    """Who did not hear; '' for any."""
    about: str
    """Id of the task, chain or batch."""
    message: str

    def to_json(self) -> dict[str, Any]:
        """Return the NDJSON object of `run --json`."""
        return {
            "schema": SCHEMA,
            "type": self.type,
            "ts": to_iso(self.at),
            "hook": self.hook,
            "observer": self.observer,
            "id": self.about,
            "message": self.message,
        }


@dataclass(frozen=True, slots=True)
class ScheduleEvent:
    """A schedule was to fire and has paused instead: schedule_paused."""

    type: str
    at: int
    schedule: Schedule

    def to_json(self) -> dict[str, Any]:
        """Return the NDJSON object of `run --json`."""
        return {
            "schema": SCHEMA,
            "type": self.type,
            "ts": to_iso(self.at),
            "id": self.schedule.id,
            "key": self.schedule.key,
            "name": self.schedule.name,
            "reason": self.schedule.reason,
        }


Listener = Callable[[WorkerEvent], None]
HookListener = Callable[[HookEvent], None]
ScheduleListener = Callable[[ScheduleEvent], None]


@dataclass(slots=True)
class HookCounts:
    """What became of the calls of hooks."""

    told: int = 0
    failed: int = 0
    dropped: int = 0
    off: list[str] = field(default_factory=list)
    """Observers that are called no more."""


@dataclass(slots=True)
class RunReport:
    """What one `bgo run` did, and what it leaves waiting."""

    started: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    """Endings by event: succeed, retry, exhaust, cancel, release, lose."""
    failed: list[str] = field(default_factory=list)
    """Ids of tasks that finally failed in this run, at most a thousand."""
    rescued: int = 0
    retrying: int = 0
    delayed: int = 0
    next_due: int | None = None
    held: dict[str, int] = field(default_factory=dict)
    """Tasks that wait although they are due, by the gate that holds them."""
    hooks: HookCounts = field(default_factory=HookCounts)
    stopped_by: str = ""
    """The signal that ended it early, such as SIGTERM."""

    def note(self, event: Event, task_id: str) -> None:
        """Count an ending."""
        self.counts[event] = self.counts.get(event, 0) + 1
        if event is Event.EXHAUST and len(self.failed) < 1000:
            self.failed.append(task_id)

    def to_json(self) -> dict[str, Any]:
        """Return the closing object of `run --json`."""
        return {
            "schema": SCHEMA,
            "type": "report",
            "started": self.started,
            "succeeded": self.counts.get(Event.SUCCEED, 0),
            "failed": self.counts.get(Event.EXHAUST, 0),
            "cancelled": self.counts.get(Event.CANCEL, 0),
            "retried": self.counts.get(Event.RETRY, 0),
            "handed_back": self.counts.get(Event.RELEASE, 0),
            "rescued": self.rescued,
            "failed_ids": list(self.failed),
            "waiting": {
                "retrying": self.retrying,
                "delayed": self.delayed,
                "next_due": to_iso(self.next_due),
                "held": dict(self.held),
            },
            "hooks": asdict(self.hooks),
            "stopped_by": self.stopped_by,
        }

"""What a simulation tells: each task with its runs, what held it, what never ran, and the device beneath it all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bgo.clock import to_iso
from bgo.model.device import DeviceState, Reading, Word
from bgo.model.plan import Hold
from bgo.model.schedule import Counters
from bgo.model.state import State
from bgo.model.views import SCHEMA, hold_json

LATE_MS = 60_000
"""A start so long after its planned time counts as late; less is the bustle of any queue."""


@dataclass(frozen=True, slots=True)
class SimRun:
    """One simulated execution. `ended_at` is None when it still ran at the end of the simulation."""

    run: int
    attempt: int
    planned_at: int
    started_at: int
    held: Mapping[str, int]
    """Milliseconds from ready to start, by what held it; `slots` is waiting for its turn."""
    ended_at: int | None = None
    state: str = State.RUNNING
    """Where the task stood after it: succeeded, retrying, failed …"""
    reason: str = ""
    was_running: bool = False
    """It ran already when the simulation began, and counts as just started."""
    stopped_by: str = ""
    """The gate that ended it before it was done; empty: nothing did."""

    @property
    def delay_ms(self) -> int:
        """Return how long after its planned time it started."""
        return 0 if self.was_running else max(0, self.started_at - self.planned_at)

    @property
    def is_late(self) -> bool:
        return self.delay_ms >= LATE_MS

    def to_json(self, origin: int) -> dict[str, Any]:
        """Return the run as its documented object."""
        return {
            "run": self.run,
            "attempt": self.attempt,
            "planned_at": to_iso(self.planned_at),
            "started_at": to_iso(self.started_at),
            "started_after_ms": self.started_at - origin,
            "ended_at": to_iso(self.ended_at),
            "delay_ms": self.delay_ms,
            "held_ms": dict(sorted(self.held.items())),
            "state": self.state,
            "reason": self.reason,
            "was_running": self.was_running,
            "stopped_by": self.stopped_by or None,
        }


@dataclass(frozen=True, slots=True)
class NeverRan:
    """A task that waits and did not start once, with what held it so far and what holds it at the end."""

    task_id: str
    name: str
    queue: str
    planned_at: int
    held: Mapping[str, int]
    holds: tuple[Hold, ...]
    """Empty: nothing but its place in line; others went first until the time was over."""

    def to_json(self) -> dict[str, Any]:
        """Return the row as its documented object."""
        return {
            "task_id": self.task_id,
            "name": self.name,
            "queue": self.queue,
            "planned_at": to_iso(self.planned_at),
            "held_ms": dict(sorted(self.held.items())),
            "holds": [hold_json(hold) for hold in self.holds],
        }


@dataclass(frozen=True, slots=True)
class StillWaits(NeverRan):
    """A task that ran, was stopped, put off or failed, and waits again at the end. `planned_at` and `held` are those of
    this last wait."""

    waited_ms: int = 0
    """For so long it could have run again."""


@dataclass(frozen=True, slots=True)
class SimTask:
    """A task that ran, with all its runs in order, and what holds it where it waits again at the end."""

    task_id: str
    name: str
    queue: str
    runs: tuple[SimRun, ...]
    waits: StillWaits | None = None
    """None: it has ended, or still runs."""

    @property
    def planned_at(self) -> int:
        """Return when its first run was due."""
        return self.runs[0].planned_at

    @property
    def started_at(self) -> int:
        return self.runs[0].started_at

    @property
    def ended_at(self) -> int | None:
        """Return when its last run ended; None: it was still running."""
        return self.runs[-1].ended_at

    @property
    def delay_ms(self) -> int:
        """Return how long it could have run and did not: before each of its runs, and since the last one."""
        return sum(run.delay_ms for run in self.runs) + (0 if self.waits is None else self.waits.waited_ms)

    @property
    def held(self) -> Mapping[str, int]:
        """Return what held it, in milliseconds: before each of its runs, and since the last one."""
        if len(self.runs) == 1 and self.waits is None:
            return self.runs[0].held
        found = Counter[str]()
        for held in (*(run.held for run in self.runs), {} if self.waits is None else self.waits.held):
            found.update(held)
        return dict(found)

    @property
    def stops(self) -> int:
        """Return how many of its runs were stopped before they were done."""
        return sum(bool(run.stopped_by) for run in self.runs)

    @property
    def is_late(self) -> bool:
        return self.delay_ms >= LATE_MS

    def to_json(self, origin: int) -> dict[str, Any]:
        """Return the row as its documented object; offsets count from `origin`."""
        return {
            "task_id": self.task_id,
            "name": self.name,
            "queue": self.queue,
            "planned_at": to_iso(self.planned_at),
            "started_at": to_iso(self.started_at),
            "started_after_ms": self.started_at - origin,
            "ended_at": to_iso(self.ended_at),
            "delay_ms": self.delay_ms,
            "late": self.is_late,
            "held_ms": dict(sorted(self.held.items())),
            "attempts": self.runs[-1].attempt,
            "state": self.runs[-1].state,
            "reason": self.runs[-1].reason,
            "stops": self.stops,
            "waits": None if self.waits is None else self.waits.to_json(),
            "runs": [run.to_json(origin) for run in self.runs],
        }


@dataclass(frozen=True, slots=True)
class SimSchedule:
    """What became of a schedule's occurrences in the play."""

    schedule_id: str
    key: str | None
    name: str
    counts: Counters
    ended: str
    """Why it fires no more at the end of the play; empty while it does."""

    def to_json(self) -> dict[str, Any]:
        """Return the row as its documented object."""
        row = {"schedule_id": self.schedule_id, "key": self.key, "name": self.name}
        return {**row, "counts": self.counts._asdict(), "ended": self.ended}


OF_PHONES = ("app", "lock", "low_power", "motion", "refresh", "exempt", "bucket")


def state_json(state: DeviceState) -> dict[str, Any]:
    """Return what a device says as its documented object: each reading with its source."""

    def reading(found: Reading | Word) -> dict[str, Any]:
        return {"value": str(found.value), "source": found.source}

    battery, network = state.battery, state.network
    return {
        "charging": reading(state.charging),
        "battery": {"percent": battery.percent, "source": battery.source},
        "battery_low": reading(state.battery_low),
        "network": {"value": str(network.kind), "source": network.source, "name": network.name},
        "idle": reading(state.idle),
        "storage_low": reading(state.storage_low),
        "screen": reading(state.screen),
        "load": {"percent": state.load.percent, "source": state.load.source},
        "unused": {"ms": state.unused.ms, "source": state.unused.source, "at": to_iso(state.unused.at_ms)},
        **{name: reading(getattr(state, name)) for name in OF_PHONES},
    }


@dataclass(frozen=True, slots=True)
class Segment:
    """The device from one instant to another."""

    from_at: int
    until_at: int
    state: DeviceState

    def to_json(self) -> dict[str, Any]:
        """Return the segment as its documented object."""
        return {
            "from_at": to_iso(self.from_at),
            "until_at": to_iso(self.until_at),
            **state_json(self.state),
        }


@dataclass(frozen=True, slots=True)
class Timeline:
    """The result of a simulation. Rows are in the order of their first start, `never` in that of enqueueing."""

    start_at: int
    until_at: int
    seed: int
    slots: int
    rows: tuple[SimTask, ...]
    never: tuple[NeverRan, ...]
    device: tuple[Segment, ...]
    schedules: tuple[SimSchedule, ...] = ()

    @property
    def waiting(self) -> tuple[StillWaits, ...]:
        """Return what ran and waits again at the end, in the order of the rows."""
        return tuple(row.waits for row in self.rows if row.waits is not None)

    @property
    def last_change_at(self) -> int:
        """Return the instant after which nothing runs any more; the end when something still does, or waits to."""
        if any(task.waited_ms for task in self.waiting):
            return self.until_at
        runs = [run for row in self.rows for run in row.runs]
        ends = [self.until_at if run.ended_at is None else run.ended_at for run in runs]
        return max(ends, default=self.start_at)

    def summary(self) -> dict[str, Any]:
        """Return the counts: tasks by how they stand at the end, stopped runs, late tasks, and the longest delay."""
        states = [row.runs[-1].state for row in self.rows]
        return {
            "tasks": len(self.rows) + len(self.never),
            "started": len(self.rows),
            "runs": sum(len(row.runs) for row in self.rows),
            **{str(s): states.count(s) for s in (State.SUCCEEDED, State.FAILED, State.CANCELLED)},
            "waiting_again": sum(s in (State.QUEUED, State.RETRYING) for s in states),
            "running": states.count(State.RUNNING),
            "stops": sum(row.stops for row in self.rows),
            "late": sum(row.is_late for row in self.rows),
            "longest_delay_ms": max((row.delay_ms for row in self.rows), default=0),
            "never": len(self.never),
        }

    def to_json(self) -> dict[str, Any]:
        """Return the documented object: instants as ISO UTC, durations and offsets from the start in milliseconds.

        `start_at`, `until_at`, `seed`, `slots`, `summary` (counts), `device` (segments with `from_at`, `until_at`,
        `charging`, `battery_low`, `idle`, `storage_low`, `screen`, `app`, `lock`, `low_power`, `motion`, `refresh`,
        `exempt`, `bucket` {value, source}, `battery`, `load` {percent, source}, `unused` {ms, source, and `at`, the
        instant from which on it grows} and `network` {value, source, name}), `rows` (a task that ran: its planned and
        its real first start; `delay_ms` and `held_ms`, of all its runs and of its wait at the end together; state at
        the end; `stops`, how many runs were stopped; `waits`, where it waits again: as a row of `never`, else null; and
        its `runs`, `stopped_by` being the gate that stopped one), `never` (a task that did not start, with `holds` as
        `explain` tells them), `schedules` (what became of their occurrences in the play).
        """
        return {
            "schema": SCHEMA,
            "start_at": to_iso(self.start_at),
            "until_at": to_iso(self.until_at),
            "seed": self.seed,
            "slots": self.slots,
            "summary": self.summary(),
            "device": [segment.to_json() for segment in self.device],
            "rows": [row.to_json(self.start_at) for row in self.rows],
            "never": [row.to_json() for row in self.never],
            "schedules": [row.to_json() for row in self.schedules],
        }

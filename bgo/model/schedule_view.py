"""What bgo tells about a schedule: the stable JSON shape, as `model.views` has it for tasks.

| command | answer |
|---|---|
| `schedule` | `ScheduleView.to_json` with `outcome`: added, changed or unchanged |
| `reschedule` | `ScheduleView.to_json` |
| `schedules` | an array of `ScheduleView.to_json` |
| `schedules show` | `ScheduleView.to_json` with `occurrences` (newest first) and `coming` |
| `schedules preview` | an array of `{at, fires_at, local, note}` |
| `schedule --dry-run` | `{name, kind, rule, zone, coming, makes}` |
| `schedules apply` | an array of `{outcome, id, key, name}` |
| `schedules import` | an array of `{line, text, became, notes, schedule}`, one for each line |
| `status`, `monitor --once` | among others `schedules`: `Glance.to_json` |
| `explain` of a schedule | `ScheduleExplanation.to_json` |
| `schedules pause`, `schedules resume`, `unschedule` | an array of `{id, key, name, state}`, an object for one id |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bgo.clock import to_iso
from bgo.model.schedule import Cron, Every, OccurrenceRow, Reboot, Rule, Schedule, ScheduleState
from bgo.model.views import SCHEMA, GateLine


@dataclass(frozen=True, slots=True)
class Coming:
    """An occurrence that is to come. `note` says what is special about it: a change of the clocks."""

    at: int
    fires_at: int
    local: str
    """ISO-8601 in the schedule's zone."""
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the documented object."""
        return {"at": to_iso(self.at), "fires_at": to_iso(self.fires_at), "local": self.local, "note": self.note}


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """A schedule with what it makes opened, what of that is unfinished, and what became of its last occurrences."""

    schedule: Schedule
    makes: Mapping[str, Any]
    """What it enqueues, as `model.flow.template_json` tells it."""
    unfinished: tuple[str, ...] = ()
    """Ids, newest first."""
    occurrences: tuple[OccurrenceRow, ...] = field(default=())
    coming: tuple[Coming, ...] = field(default=())

    @property
    def id(self) -> str:
        return self.schedule.id

    @property
    def input(self) -> Any:
        """The input of what it makes."""
        return self._spec["input"]

    @property
    def argv(self) -> list[str] | None:
        """The command line of what it makes, if it has one."""
        setup = self._spec["setup"]
        return None if setup is None else setup["argv"]

    @property
    def _spec(self) -> Mapping[str, Any]:
        ((kind, made),) = self.makes.items()
        spec: Mapping[str, Any] = made if kind == "task" else made["spec"] if kind == "chain" else made[0]
        return spec

    def to_json(self) -> dict[str, Any]:
        """Return the documented object."""
        s, spec, wish = self.schedule, self._spec, self.schedule.wish
        return {
            "schema": SCHEMA,
            "id": s.id,
            "key": s.key,
            "name": s.name,
            "handler": s.handler or None,
            "kind": s.kind,
            "state": str(s.state),
            "reason": s.reason,
            "rule": rule_json(wish.timing.rule),
            "zone": wish.timing.zone,
            "window": None if wish.timing.window is None else str(wish.timing.window),
            "start": to_iso(wish.timing.start_ms),
            "end": to_iso(wish.timing.end_ms),
            "jitter_ms": wish.jitter_ms,
            "missed": str(wish.missed),
            "overlap": str(wish.overlap),
            "max_runs": wish.max_runs,
            "pause_after": wish.pause_after,
            "start_before_ms": wish.start_before_ms,
            "finish_before_ms": wish.finish_before_ms,
            "input": spec["input"],
            "argv": self.argv,
            "queue": spec["queue"],
            "priority": spec["priority"],
            "tags": spec["tags"],
            "source": s.source or None,
            "created_at": to_iso(s.created_at),
            "changed_at": to_iso(s.changed_at),
            "next_at": to_iso(s.next_at),
            "fires_at": to_iso(s.fire_at),
            "last_at": to_iso(s.last_at),
            "counts": s.counters._asdict(),
            "unfinished": list(self.unfinished),
        }


@dataclass(frozen=True, slots=True)
class Glance:
    """All schedules in one line: how many there are of each state, and which one fires next."""

    counts: Mapping[ScheduleState, int]
    next: Schedule | None

    def to_json(self) -> dict[str, Any]:
        """Return the documented object."""
        coming = self.next
        told = None
        if coming is not None:
            told = {"id": coming.id, "key": coming.key, "name": coming.name, "fires_at": to_iso(coming.fire_at)}
        return {**{str(state): self.counts.get(state, 0) for state in ScheduleState}, "next": told}


def rule_json(rule: Rule) -> dict[str, Any]:
    """Return a rule as it was asked for."""
    match rule:
        case Every():
            return {"every_ms": rule.every_ms}
        case Cron():
            return {"cron": rule.text}
        case Reboot():
            return {"cron": rule.text}


def occurrence_json(row: OccurrenceRow) -> dict[str, Any]:
    """Return the documented object of an occurrence that was dealt with."""
    return {
        "at": to_iso(row.at),
        "outcome": row.outcome,
        "number": row.number,
        "task": row.task,
        "noted_at": to_iso(row.noted_at),
    }


@dataclass(frozen=True, slots=True)
class ScheduleExplanation:
    """Whether a schedule fires, and makes something then: its gates in order."""

    view: ScheduleView
    verdict: str
    gates: tuple[GateLine, ...]
    workers: int

    def to_json(self) -> dict[str, Any]:
        """Return the documented object."""
        return {
            "schema": SCHEMA,
            "id": self.view.id,
            "key": self.view.schedule.key,
            "name": self.view.schedule.name,
            "state": str(self.view.schedule.state),
            "verdict": self.verdict,
            "gates": [line.to_json() for line in self.gates],
            "next_at": to_iso(self.view.schedule.next_at),
            "workers": self.workers,
        }

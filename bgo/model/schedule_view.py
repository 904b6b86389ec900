"""What bgo tells about a schedule: the stable JSON shape, as `model.views` has it for tasks.

| command | answer |
|---|---|
| `schedule` | `ScheduleView.to_json` with `outcome`: added, changed or unchanged |
| `reschedule` | `ScheduleView.to_json` |
| `schedules` | an array of `ScheduleView.to_json` |
| `schedules show` | `ScheduleView.to_json` with `occurrences` (newest first), `due` (a number) and `coming` |
| `schedules preview` | an array of `{at, fires_at, local, note}` |
| `schedule --dry-run` | of `ScheduleView.to_json` what is asked for, with `outcome`, `coming`, `makes`, `findings` … |
| `schedules apply` | an array of `{outcome, id, key, name}` |
| `schedules import` | an array of `{line, text, became, notes, schedule}`, one for each line |
| `status`, `monitor --once` | among others `schedules`: `Glance.to_json` |
| `explain` of a schedule | `ScheduleExplanation.to_json` |
| `schedules run` | `{id, state, outcome}`: new, deduplicated or kept |
| `schedules pause`, `schedules resume`, `unschedule` | an array of `{id, key, name, state}`, an object for one id |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bgo.clock import to_iso
from bgo.model.schedule import Cron, Every, OccurrenceRow, Reboot, Rule, Schedule, ScheduleState, ScheduleWish
from bgo.model.schedule_makes import Makes
from bgo.model.views import SCHEMA, GateLine

if TYPE_CHECKING:
    from bgo.model.change import Change


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
    failures_in_a_row: int = 0
    """Of what it made last, as far as `pause_after` counts; 0 without that."""
    occurrences: tuple[OccurrenceRow, ...] = field(default=())
    coming: tuple[Coming, ...] = field(default=())
    due: int = 0
    """So many occurrences are due, and wait for a worker; known where `coming` is."""

    @property
    def id(self) -> str:
        return self.schedule.id

    @property
    def key(self) -> str | None:
        """The key by which it can be set again, if it has one."""
        return self.schedule.key

    @property
    def name(self) -> str:
        """What its tasks, chains or batches are called."""
        return self.schedule.name

    @property
    def state(self) -> ScheduleState:
        """Whether it fires: active, paused or finished."""
        return self.schedule.state

    @property
    def next_at(self) -> int | None:
        """Its next occurrence, UTC milliseconds; None when there is none, or none in time (`@reboot`)."""
        return self.schedule.next_at

    @property
    def pauses_next(self) -> bool:
        """Say whether it pauses itself instead of firing when its time comes: too much has failed in a row."""
        limit = self.schedule.wish.pause_after
        return self.state is ScheduleState.ACTIVE and limit is not None and self.failures_in_a_row >= limit

    @property
    def input(self) -> Any:
        """The input of what it makes."""
        return self.made.spec["input"]

    @property
    def argv(self) -> list[str] | None:
        """The command line of what it makes, if it has one."""
        return self.made.argv

    @property
    def made(self) -> Makes:
        """What it makes, to be looked into."""
        return Makes.of(self.makes)

    def to_json(self) -> dict[str, Any]:
        """Return the documented object."""
        s = self.schedule
        return {
            "schema": SCHEMA,
            "id": s.id,
            "key": s.key,
            "name": s.name,
            "handler": s.handler or None,
            "kind": s.kind,
            "state": str(s.state),
            "reason": s.reason,
            **wish_json(s.wish),
            "failures_in_a_row": self.failures_in_a_row,
            **self.made.to_json(),
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


def wish_json(wish: ScheduleWish) -> dict[str, Any]:
    """Return all that a schedule was asked for beside what it makes."""
    timing = wish.timing
    return {
        "rule": rule_json(timing.rule),
        "zone": timing.zone,
        "window": None if timing.window is None else str(timing.window),
        "start": to_iso(timing.start_ms),
        "end": to_iso(timing.end_ms),
        "jitter_ms": wish.jitter_ms,
        "missed": str(wish.missed),
        "overlap": str(wish.overlap),
        "max_runs": wish.max_runs,
        "pause_after": wish.pause_after,
        "start_before_ms": wish.start_before_ms,
        "finish_before_ms": wish.finish_before_ms,
    }


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
    profile: str = "host"
    """By which it was judged."""
    changes: tuple[Change, ...] = ()
    """What that profile has in another way than the schedule asks for, and than what it makes does."""
    held: tuple[GateLine, ...] = ()
    """What would hold the tasks with which it begins, if it fired now."""

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
            "profile": self.profile,
            "changes": [change._asdict() for change in self.changes],
            "held": [line.to_json() for line in self.held],
        }

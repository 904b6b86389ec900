"""The desk of a linter: what it has found and counted so far, and what that comes to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bgo.engine.explain import Ground
from bgo.model.finding import Finding, Level, Subject, Told
from bgo.model.lane import LaneKey, Rate
from bgo.policy.lint import loads
from bgo.policy.lint.loads import Load
from bgo.store.port import Session

SAMPLE = 101
"""From so many of the last runs it is learnt how long they usually take."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a linter has found, and what it has looked at."""

    profile: str
    tasks: int
    schedules: int
    found: tuple[Told, ...]
    """Errors first."""
    is_cut: bool = False
    """There are more kinds of tasks than were looked at."""

    def count(self, level: Level) -> int:
        """Return how many findings are as bad as that."""
        return sum(told.finding.level is level for told in self.found)

    def to_json(self) -> list[dict[str, Any]]:
        """Return the documented array."""
        return [{**told.to_json(), "profile": self.profile} for told in self.found]


@dataclass(slots=True)
class Desk:
    """What one look has gathered so far."""

    session: Session
    ground: Ground
    found: list[Told] = field(default_factory=list)
    rates: dict[Rate, Load] = field(default_factory=lambda: defaultdict(Load))
    keys: dict[tuple[str, int], Load] = field(default_factory=lambda: defaultdict(Load))
    medians: dict[str, int | None] = field(default_factory=dict)

    def usual(self, name: str) -> int | None:
        """Return how long runs under a name usually take."""
        if name not in self.medians:
            self.medians[name] = self.session.records.median_ms(name, SAMPLE)
        return self.medians[name]

    def add(self, subject: Subject, findings: Iterable[Finding]) -> None:
        """Keep what was found."""
        self.found += [Told(subject, finding) for finding in findings]

    def loaded(self, key: LaneKey, load: Load) -> None:
        """Count what waits or comes under the limits of a lane."""
        if key.rate is not None:
            self.rates[key.rate] += load
        if key.concurrency_key is not None and key.concurrency_max is not None:
            self.keys[key.concurrency_key, key.concurrency_max] += load

    def limits(self) -> None:
        """Find what is wrong with all that was counted."""
        for limit, load in self.rates.items():
            self.add(Subject("rate", limit.key, limit.key, load.waiting), loads.rate(limit, load))
        for (key, most), load in self.keys.items():
            self.add(Subject("concurrency", key, key, load.waiting), loads.concurrency(key, most, load))

    def checked(self, tasks: int, schedules: int, *, is_cut: bool = False) -> Checked:
        """Return all of it."""
        return Checked(self.ground.view.profile.name, tasks, schedules, _ranked(self.found), is_cut)


def _ranked(found: Iterable[Told]) -> tuple[Told, ...]:
    """Return the findings, the worst first; those that are the same of tasks of one name, and notes on schedules, as
    one."""
    merged: dict[tuple[str, str, Finding], dict[str, Subject]] = {}
    for subject, finding in found:
        merged.setdefault((subject.kind, _alike(subject, finding), finding), {})[subject.id] = subject
    told = [
        Told(next(iter(subjects.values()))._replace(tasks=sum(one.tasks for one in subjects.values())), finding)
        for (_, _, finding), subjects in merged.items()
    ]
    levels = list(Level)
    return tuple(sorted(told, key=lambda one: levels.index(one.finding.level)))


def _alike(subject: Subject, finding: Finding) -> str:
    """Return by what it is told with others of its kind that say the same."""
    if subject.kind == "task":
        return f"named {subject.name}"
    return "any" if subject.kind == "schedule" and finding.level is Level.NOTE else subject.id

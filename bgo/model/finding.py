"""What a linter says: findings about work that waits in vain, or not as it was meant, told before that is noticed."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal, NamedTuple

SCHEMA = 1


class Level(StrEnum):
    """How bad it is."""

    ERROR = "error"
    """It never runs, or never gets done."""
    WARNING = "warning"
    """Something is not as it was asked for."""
    NOTE = "note"


E, W, N = Level.ERROR, Level.WARNING, Level.NOTE
CODES: dict[str, tuple[Level, str]] = {
    "refused": (E, "the profile does not take such work"),
    "request-refused": (E, "iOS takes no request for time for it"),
    "no-handler": (E, "no plugin brings its handler"),
    "zone-unknown": (E, "this computer does not know the time zone that its times are read in"),
    "window-never-opens": (E, "its window does not open within a year"),
    "deadline-impossible": (E, "it may begin only after its deadline"),
    "window-misses-schedule": (E, "no occurrence meets the window of its tasks before their deadline"),
    "runs-too-long": (E, "its runs usually take longer than the platform lets them"),
    "window-too-short": (E, "its strict window closes before its runs are usually done, and stops them each time"),
    "rate-never-drains": (E, "more comes in than its rate lets out"),
    "concurrency-never-drains": (E, "more comes in than its concurrency limit gets done"),
    "overlap-never-ends": (E, "each occurrence comes before the one before it is done"),
    "window-misses-some": (W, "some occurrences miss the window of their tasks"),
    "deadline-tight": (W, "it usually takes longer than is left until its deadline"),
    "timeout-tight": (W, "its runs usually take nearly as long as its timeout"),
    "timeout-above-cap": (W, "its timeout is longer than the platform lets it run"),
    "interval-below-floor": (W, "its interval is shorter than the platform's shortest"),
    "input-near-cap": (W, "its input is nearly as large as the platform takes"),
    "not-enforced": (W, "the platform knows no such constraint"),
    "not-expedited": (W, "the platform has no expedited work"),
    "not-sensed": (W, "a constraint of which nothing here knows whether it is met, and which holds it therefore"),
    "relax-too-late": (W, "it relaxes only after its deadline"),
    "rate-slow": (W, "what waits under its rate takes more than a week"),
    "occurrences-skipped": (W, "its runs take longer than its interval, so some occurrences are skipped"),
    "above-quota": (W, "it takes more than the platform's quota gives"),
    "beyond-horizon": (W, "it is due later than the platform recommends"),
    "backoff-bent": (N, "its retry delays are outside the platform's bounds"),
    "retries-past-deadline": (N, "not all of its attempts can come before its deadline"),
    "unknown-passes": (
        N,
        "a constraint of which nothing here knows whether it is met, and which the profile lets pass",
    ),
    "window-delays": (N, "its tasks wait for their window each time"),
    "cron-as-interval": (N, "the platform knows no times of day"),
    "processing-only": (N, "its runs are too long for an app refresh"),
    "no-promise": (N, "the platform chooses the time itself"),
    "above-slots": (N, "more waits than is handed to the platform at once"),
}
"""Every finding there is: how bad it is, and what it means."""

SubjectKind = Literal["task", "schedule", "rate", "concurrency", "store"]


class Finding(NamedTuple):
    """One thing that a linter has to say."""

    code: str
    said: str
    why: str
    fix: str

    @property
    def level(self) -> Level:
        """How bad it is."""
        return CODES[self.code][0]


class Subject(NamedTuple):
    """What a finding is about."""

    kind: SubjectKind
    id: str
    """Of a task or a schedule; the key of a limit."""
    name: str
    tasks: int = 1
    """For so many it speaks, itself included."""


class Told(NamedTuple):
    """A finding and what it is about."""

    subject: Subject
    finding: Finding

    def to_json(self) -> dict[str, Any]:
        """Return the documented object."""
        kind, id_, name, tasks = self.subject
        found = self.finding
        return {
            "schema": SCHEMA, "code": found.code, "level": str(found.level), "kind": kind, "id": id_, "name": name,
            "tasks": tasks, "said": found.said, "why": found.why, "fix": found.fix,
        }  # fmt: skip

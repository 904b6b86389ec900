"""Schedules as wishes: when they fire, and what becomes of an occurrence that was missed or meets an unfinished one."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, NamedTuple

from bgo.errors import UsageError

if TYPE_CHECKING:
    from bgo.model.cron import CronFields
    from bgo.model.window import TimeWindow

MISSED_FORMS = "skip, skip:15m, one, all or all:500"
GRACE_MS = 120_000
"""With `skip`, an occurrence so late is still on time: cron starts a run every minute, and that one may be slow."""
CATCH_UP = 100
"""With `all`, so many missed occurrences are made up for, the newest ones. Kubernetes' CronJob gives up beyond 100."""
CATCH_UP_MAX = 1_000


class Missed(StrEnum):
    """What becomes of occurrences for which no worker was there in time."""

    SKIP = "skip"
    ONE = "one"
    ALL = "all"


class Overlap(StrEnum):
    """What becomes of an occurrence while an earlier one of its schedule is unfinished."""

    SKIP = "skip"
    QUEUE = "queue"
    REPLACE = "replace"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class MissedPolicy:
    """`skip` drops what is later than `grace_ms`, `one` fires once for all that was missed, `all` the newest `most`."""

    kind: Missed = Missed.ONE
    grace_ms: int = GRACE_MS
    most: int = CATCH_UP

    def __str__(self) -> str:
        match self.kind:
            case Missed.SKIP if self.grace_ms != GRACE_MS:
                return f"skip:{self.grace_ms}ms"
            case Missed.ALL if self.most != CATCH_UP:
                return f"all:{self.most}"
            case _:
                return str(self.kind)

    @classmethod
    def of(cls, given: MissedPolicy | str) -> MissedPolicy:
        """Return a policy from its text. Raises UsageError with the accepted forms."""
        if isinstance(given, MissedPolicy):
            return given
        from bgo.model.words import did_you_mean, duration_ms

        kind, colon, rest = given.strip().lower().partition(":")
        if kind not in set(Missed) or (kind == Missed.ONE and colon):
            why = did_you_mean(kind, Missed) or "it says what becomes of occurrences for which no worker was there"
            raise UsageError(f"missed: not a policy: {given!r:.60}", why=why, hint=f"try {MISSED_FORMS}")
        if not colon:
            return cls(Missed(kind))
        if kind == Missed.SKIP:
            try:
                return cls(Missed.SKIP, grace_ms=duration_ms(rest))
            except UsageError as error:
                raise error.within("missed: skip") from None
        if not (rest.isascii() and rest.isdigit() and 1 <= int(rest[:9]) <= CATCH_UP_MAX):
            why = f"it is a number of occurrences from 1 to {CATCH_UP_MAX:,}"
            raise UsageError(
                f"missed: not a number to catch up with: {rest!r:.40}", why=why, hint=f"try {MISSED_FORMS}"
            )
        return cls(Missed.ALL, most=int(rest))


class Every(NamedTuple):
    """Every so many milliseconds from an instant on."""

    every_ms: int
    anchor_ms: int


class Cron(NamedTuple):
    """At the times that a cron expression names."""

    text: str
    fields: CronFields


class Reboot(NamedTuple):
    """Once each time the computer has started and a worker runs."""

    text: str = "@reboot"


Rule = Every | Cron | Reboot
"""What makes a schedule fire."""


ScheduleKind = Literal["task", "chain", "batch"]
Outcome = Literal["fired", "skipped", "missed", "coalesced"]
"""What became of an occurrence."""


class ScheduleState(StrEnum):
    """Whether a schedule fires."""

    ACTIVE = "active"
    PAUSED = "paused"
    FINISHED = "finished"
    """It has fired as often as it may, or no occurrence is left before its end."""


@dataclass(frozen=True, slots=True)
class Timing:
    """When a schedule fires: its rule read in a zone, in a window of the day, from one instant until another."""

    rule: Rule
    zone: str
    """A name that `zones.zone` knows; wall clock times of rule and window are read in it."""
    window: TimeWindow | None = None
    start_ms: int | None = None
    """Not before; UTC milliseconds."""
    end_ms: int | None = None
    """Not at or after; UTC milliseconds."""


@dataclass(frozen=True, slots=True)
class ScheduleWish:
    """All that a schedule was asked for beside what it enqueues."""

    timing: Timing
    jitter_ms: int = 0
    """Each occurrence fires later by a part of this that follows from the schedule and the occurrence."""
    missed: MissedPolicy = field(default_factory=MissedPolicy)
    overlap: Overlap = Overlap.SKIP
    max_runs: int | None = None
    """After firing so often it is finished."""
    pause_after: int | None = None
    """After so many failures in a row it pauses itself; None: never."""
    start_before_ms: int | None = None
    """What it enqueues expires when it has not begun so long after it fired."""
    finish_before_ms: int | None = None


class Counters(NamedTuple):
    """What became of the occurrences of a schedule."""

    fired: int = 0
    skipped: int = 0
    """An earlier one was unfinished, or other work stood in for it (dedup, unique)."""
    missed: int = 0
    """No worker was there in time, or they were due when it was stopped or got other times."""
    coalesced: int = 0
    """Several were missed, and the last of them fired for all."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """What the store knows of a schedule, without what it enqueues."""

    seq: int
    id: str
    key: str | None
    """By which it can be set again; one schedule has a key."""
    source: str
    """The file that brought it, if one did."""
    name: str
    """Of the tasks, the chains or the batches that it makes."""
    handler: str
    kind: ScheduleKind
    wish: ScheduleWish
    plan_ref: int
    """What it enqueues, as a payload."""
    state: ScheduleState
    reason: str
    """Why it is paused or finished, in a few words."""
    created_at: int
    changed_at: int
    next_at: int | None
    """The next occurrence; UTC milliseconds. None: none in time (`@reboot`), or none any more."""
    fire_at: int | None
    """When that fires, jitter added."""
    last_at: int | None
    """The last occurrence that was dealt with."""
    boot: str | None
    """Of `@reboot`: the boot for which it has fired, or in which it was made."""
    since_seq: int
    """Only tasks behind this one count as failures in a row."""
    counters: Counters

    @property
    def timing(self) -> Timing:
        """When it fires."""
        return self.wish.timing


class OccurrenceRow(NamedTuple):
    """What became of an occurrence, or of several that were dealt with as one."""

    at: int
    """The occurrence, of several the last; UTC milliseconds."""
    outcome: Outcome
    number: int
    task: str | None
    """What it made, or what stood in its way, by id."""
    noted_at: int

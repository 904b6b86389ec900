"""Marks: what a change of the clock does to an occurrence, for those who look ahead."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from typing import NamedTuple

from bgo.model.schedule import Cron, Timing
from bgo.policy.cron import rhythm, walls
from bgo.policy.days import day, number_of

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  what a wall shows has no zone


class Shift(StrEnum):
    """How an occurrence stands to a change of the clock."""

    MOVED = "moved"
    """The clock leaves out what the expression names; it fires at the first instant after."""
    FIRST = "first"
    """The wall shows this reading twice, and this is the first time."""
    SECOND = "second"
    NEAR = "near"
    """The clock is changed on that day, at another time."""


class Mark(NamedTuple):
    """A change of the clock, and how an occurrence stands to it."""

    shift: Shift
    change_ms: int
    """By how much the clock is set on; negative: back."""
    change_at_ms: int
    """When (UTC milliseconds)."""
    wall: datetime
    """What the wall shows at the occurrence, naive; where it was moved, the reading that is left out."""


def mark(timing: Timing, zone: tzinfo, at_ms: int) -> Mark | None:
    """Return what a change of the clock does to an occurrence; None when the clock is not changed on that day."""
    on = day(zone, number_of(zone, at_ms))
    if at_ms >= on.end_ms:
        on = day(zone, on.number + 1)
    if len(on.spans) == 1:
        return None
    before, after = on.spans
    change, at = after.offset_ms - before.offset_ms, after.start_ms
    rule, reading = timing.rule, at_ms + (before if at_ms < at else after).offset_ms
    old, new = at + before.offset_ms, at + after.offset_ms
    if at_ms == at and isinstance(rule, Cron) and rule.fields.is_fixed:
        for missing in walls(rule.fields, rhythm(rule.fields, None).steps, old, new):
            return Mark(Shift.MOVED, change, at, _shown(missing))
    if new <= reading < old:
        return Mark(Shift.FIRST if at_ms < at else Shift.SECOND, change, at, _shown(reading))
    return Mark(Shift.NEAR, change, at, _shown(reading)) if on.start_ms <= at < on.end_ms else None


def _shown(wall_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=wall_ms)

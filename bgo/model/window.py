"""When work may start, what it asks for as time goes by, and how it is kept at rest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from bgo.errors import UsageError
from bgo.model.options import TaskConstraints, is_whole, shown


@dataclass(frozen=True, slots=True, init=False)
class TimeWindow:
    """Hours in which work may start: half-open, may cross midnight, belongs to its first day (1 = Monday … 7)."""

    start_hour: int
    end_hour: int
    start_minute: int
    end_minute: int
    days_of_week: tuple[int, ...]

    OFF_PEAK: ClassVar[TimeWindow]
    BUSINESS_HOURS: ClassVar[TimeWindow]

    def __init__(
        self,
        start_hour: int,
        end_hour: int,
        days_of_week: Iterable[int] = (),
        *,
        start_minute: int = 0,
        end_minute: int = 0,
    ) -> None:
        given, days = (start_hour, start_minute, end_hour, end_minute), tuple(days_of_week)
        clock = zip(given, (23, 59, 24, 59), strict=True)
        start, end = (start_hour, start_minute), (end_hour, end_minute)
        is_day = all(is_whole(day, 1, 7) for day in days)
        if not (is_day and all(is_whole(n, 0, top) for n, top in clock) and end <= (24, 0) and start != end):
            raise UsageError(
                f"not a window: from {shown(start)} to {shown(end)} on {shown(days)}",
                why="hours run from 00:00 to 24:00, start and end differ, days are 1 (Monday) to 7",
                hint="TimeWindow(start_hour=9, end_hour=17, days_of_week=[1, 2, 3, 4, 5])",
            )
        values = (start_hour, end_hour, start_minute, end_minute, tuple(sorted(set(days))))
        for field, value in zip(self.__slots__, values, strict=True):
            object.__setattr__(self, field, value)


TimeWindow.OFF_PEAK = TimeWindow(2, 5)
TimeWindow.BUSINESS_HOURS = TimeWindow(9, 17, (1, 2, 3, 4, 5))


class TaskEncryption(StrEnum):
    """How input, output, errors and logs are kept at rest."""

    NONE = "none"
    AES256 = "aes256"


@dataclass(frozen=True, slots=True)
class RelaxStep:
    """From `after_ms` of age on, the task asks only for `constraints`."""

    after_ms: int
    constraints: TaskConstraints

"""When work may start, what it asks for as time goes by, and how it is kept at rest."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from bgo.errors import UsageError
from bgo.model.options import Duration, TaskConstraints, is_whole, shown, to_ms

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_KEPT = r"(\d\d):(\d\d)-(\d\d):(\d\d)(?:@([1-7](?:,[1-7])*))? (\S{1,100})"


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

    def __str__(self) -> str:
        days = ",".join(map(str, self.days_of_week))
        return f"{self.hours}@{days}" if days else self.hours

    @property
    def hours(self) -> str:
        """From when to when, as `09:00-17:00`."""
        return f"{self.start_hour:02}:{self.start_minute:02}-{self.end_hour:02}:{self.end_minute:02}"

    @property
    def told(self) -> str:
        """In words for people: `09:00-17:00 mon-fri`."""
        return self.written.replace("@", " ")

    @property
    def written(self) -> str:
        """As people write it: `09:00-17:00@mon-fri`."""
        return f"{self.hours}@{days_told(self.days_of_week)}" if 0 < len(self.days_of_week) < 7 else self.hours


TimeWindow.OFF_PEAK = TimeWindow(2, 5)
TimeWindow.BUSINESS_HOURS = TimeWindow(9, 17, (1, 2, 3, 4, 5))


def days_told(days: Iterable[int]) -> str:
    """Return days (1 = Monday … 7) as people write them: `mon-fri`, `sat,sun`, `mon,wed,fri`."""
    runs: list[list[int]] = []
    for day in days:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    names = [[DAYS[day - 1] for day in run] for run in runs]
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(run) for run in names)


@dataclass(frozen=True, slots=True)
class ZonedWindow:
    """A window and the zone whose wall clocks it is read by. As text: `09:00-17:00@1,2,3,4,5 Europe/Berlin`."""

    window: TimeWindow
    zone: str
    """A name that `zones.zone` knows, or knew where this was made."""

    def __str__(self) -> str:
        return f"{self.window} {self.zone}"

    @property
    def told(self) -> str:
        """In words for people: `09:00-17:00 mon-fri (Europe/Berlin)`."""
        return f"{self.window.told} ({self.zone})"

    @classmethod
    def of(cls, text: str) -> ZonedWindow:
        """Return what was kept as this text. Raises ValueError for anything else."""
        found = re.fullmatch(_KEPT, text, re.ASCII)
        if found is None:
            raise ValueError(f"not a window: {text[:100]!r}")
        start, start_minute, end, end_minute = (int(part) for part in found.groups()[:4])
        days = [int(day) for day in found[5].split(",")] if found[5] else ()
        return cls(TimeWindow(start, end, days, start_minute=start_minute, end_minute=end_minute), found[6])


class TaskEncryption(StrEnum):
    """How input, output, errors and logs are kept at rest."""

    NONE = "none"
    AES256 = "aes256"


@dataclass(frozen=True, slots=True)
class RelaxStep:
    """From `after_ms` of age on, the task asks only for `constraints`. What a loss means stays as the task has it."""

    after_ms: int
    constraints: TaskConstraints

    @classmethod
    def after(cls, age: Duration, constraints: TaskConstraints) -> RelaxStep:
        """Return the step of this age: a timedelta, or seconds."""
        return cls(to_ms(age, "relax", minimum=1), constraints)

"""What a crontab said, line by line, and what became of each line."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from bgo.flow.schedule_written import WrittenSchedule

ABOUT = (
    "a run starts even while the last one still runs, and one that was missed is not made up for, as under cron;"
    " bgo's own ways: bgo reschedule ID --overlap skip --missed one",
    "no mail is sent: 'bgo logs ID' has the output of a run, 'bgo history' how it ended, and [hooks] can send mail",
    "systemd timers and anacron's table are not read",
)
"""What holds for every line that is carried over."""


class Became(StrEnum):
    """What became of one line."""

    NOTHING = "nothing"
    """It is blank or a comment."""
    SETTING = "setting"
    """It holds for the lines below it."""
    CARRIED = "carried"
    """It is a schedule now, and runs as cron would run it."""
    DIFFERS = "differs"
    """It is a schedule now, and does not do all that cron does, as its notes say."""
    SKIPPED = "skipped"
    """It is bgo's own, and stays in the crontab."""
    LEFT = "left out"
    """It could not be carried over; its notes say why."""


@dataclass(frozen=True, slots=True)
class Line:
    number: int
    text: str
    became: Became
    notes: tuple[str, ...] = ()
    schedule: WrittenSchedule | None = None


@dataclass(frozen=True, slots=True)
class Crontab:
    """A crontab as it was read: each of its lines once, in order."""

    lines: tuple[Line, ...]

    @property
    def schedules(self) -> tuple[WrittenSchedule, ...]:
        return tuple(line.schedule for line in self.lines if line.schedule is not None)

    @property
    def left_out(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.became == Became.LEFT)


class Owner(NamedTuple):
    """Whose crontab it is; cron takes both from the passwd file."""

    name: str
    home: str

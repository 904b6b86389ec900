"""Cron expressions as values."""

from __future__ import annotations

from typing import NamedTuple


class CronFields(NamedTuple):
    """What the five fields of an expression name, in order and each once."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    """Of the month, 1 to 31."""
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    """0 (Sunday) to 6."""
    any_day: bool
    """The day of the month begins with `*`: then a day must fit both day fields, else either."""
    any_weekday: bool
    """The day of the week begins with `*`."""
    is_fixed: bool
    """Neither minute nor hour begins with `*`: it names times of the wall clock, and does not follow real time."""

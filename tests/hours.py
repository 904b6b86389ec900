"""Windows by another reading than ours: what a wall clock of the zone shows, compared as text."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from bgo.model.task import Wish
from bgo.model.window import TimeWindow, ZonedWindow
from bgo.zones import zone


def reads_open(window: TimeWindow, zone: tzinfo, at_ms: int) -> bool:
    """Say whether a window is open at an instant."""
    wall = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone)
    shown, days = wall.strftime("%H:%M"), window.days_of_week or tuple(range(1, 8))
    start = f"{window.start_hour:02}:{window.start_minute:02}"
    end = f"{window.end_hour:02}:{window.end_minute:02}"
    today = wall.isoweekday()
    if start < end:
        return today in days and start <= shown < end
    return (today in days and shown >= start) or ((today - 2) % 7 + 1 in days and shown < end)


def is_open(asked: ZonedWindow | None, at_ms: int) -> bool:
    """Say whether work that asks for this may start at an instant."""
    return asked is None or reads_open(asked.window, zone(asked.zone), at_ms)


def hours(text: str) -> ZonedWindow:
    """Return a window from its canonical text; without a zone it is UTC's."""
    return ZonedWindow.of(text if " " in text else f"{text} UTC")


def in_hours(text: str) -> Wish:
    """Return a wish for nothing but these hours."""
    return Wish(window=hours(text))

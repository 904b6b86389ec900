"""Failures in a row: what a schedule that pauses itself after so many counts."""

from __future__ import annotations

from itertools import takewhile

from bgo.model.schedule import Schedule
from bgo.store.port import Session

FAILED = "failed"


def failures_in_a_row(session: Session, schedule: Schedule) -> int:
    """Return how many of what the schedule made last have failed without a success between, as far as it counts; 0 for
    one that does not."""
    limit = schedule.wish.pause_after
    ends = [] if limit is None else session.schedules.last_ends(schedule, limit)
    return sum(1 for _ in takewhile(FAILED.__eq__, ends))


def keeps_failing(session: Session, schedule: Schedule) -> bool:
    """Say whether it is to pause instead of firing: as many have failed as it was told to bear."""
    return failures_in_a_row(session, schedule) == schedule.wish.pause_after


def told_failures(times: int) -> str:
    """Return in words why it pauses."""
    return f"{times} failures in a row" if times != 1 else "its last run has failed"

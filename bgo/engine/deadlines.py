"""Deadlines at enqueue: one that has passed, or that comes before the work may begin, could only expire."""

from __future__ import annotations

from bgo.errors import UsageError


def check(start_before: int | None, finish_before: int | None, due_at: int | None, now: int) -> None:
    """Raise UsageError for a deadline that cannot be kept whatever happens. All are UTC milliseconds."""
    for option, at in (("start-before", start_before), ("finish-before", finish_before)):
        if at is None:
            continue
        if at <= now:
            raise UsageError(
                f"{option}: that time is past",
                why="the task would expire at once",
                hint=f"--{option} 2h, or a time to come",
            )
        if due_at is not None and at <= due_at:
            raise UsageError(
                f"{option} comes before the task may begin",
                why="--at or --delay makes it wait longer than that",
                hint=f"give a later --{option}, or an earlier --at",
            )

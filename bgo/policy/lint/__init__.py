"""Lint: what is wrong with work that waits or comes again, told before anybody waits for it in vain.

All of it is pure: `tasks` judges one kind of work, `schedules` when it comes, `loads` how much of it comes together.
"""

from __future__ import annotations

from bgo.model.words import span

_UNITS_MS = (86_400_000, 3_600_000, 60_000, 1_000)


def about(ms: int) -> str:
    """Return a length of time as people would say it: rounded to a unit of which there are ten or more."""
    unit = next((unit for unit in _UNITS_MS if ms >= 10 * unit), 1)
    return span(round(ms / unit) * unit)

"""When is storage low? Where less than 5 % of the volume is free, or less than 500 MiB, whichever is the smaller."""

from __future__ import annotations

PERCENT, CAP = 5, 500 << 20
"""Android's defaults (StorageManager: low at 5 %, but at most 500 MiB)."""


def threshold(total: int) -> int:
    """Return the free bytes below which a volume of `total` bytes is low."""
    return min(total * PERCENT // 100, CAP)


def low(free: int, total: int) -> bool:
    """Return whether `free` bytes of a volume of `total` are too few to begin work that asks for room."""
    return free < threshold(total)

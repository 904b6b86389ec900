"""When is storage low? Where less than a part of the volume is free, or less than some bytes, whichever is the smaller.

Usually 5 % and 500 MiB, Android's defaults (StorageManager); a profile may set other marks.
"""

from __future__ import annotations

from bgo.model.profile import Storage

USUAL = Storage()
"""Where low begins, when no profile says otherwise."""


def threshold(total: int, marks: Storage = USUAL) -> int:
    """Return the free bytes below which a volume of `total` bytes is low."""
    return min(total * marks.low_percent // 100, marks.low_cap_bytes)


def low(free: int, total: int, marks: Storage = USUAL) -> bool:
    """Return whether `free` bytes of a volume of `total` are too few to begin work that asks for room."""
    return free < threshold(total, marks)

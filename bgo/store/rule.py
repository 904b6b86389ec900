"""Rule: one thing that must hold in every store."""

from __future__ import annotations

from typing import NamedTuple


class Rule(NamedTuple):
    """One invariant: its name, what breaking it means, the statement that returns (row, detail) of what breaks it, and
    whether `admin.repair` can mend it."""

    code: str
    means: str
    statement: str
    can_repair: bool = False

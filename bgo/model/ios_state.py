"""What iOS's rules remember: what its app has asked for, and when it was given time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IosState:
    """The state of all of iOS's rules at `at`."""

    at: int
    seed: int = 1
    """Draws when iOS gives time: no more than a guess."""

"""What Android's rules remember: how its app was used, what it has run, and how deep the device sleeps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AndroidState:
    """The state of all of Android's rules at `at`."""

    at: int

"""Schedules as files have them written, before anything is looked up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class WrittenSchedule:
    """One schedule as a file has it written: what `flow.schedule` is to be called with."""

    key: str
    name: str
    """The first argument: a handler, or what a chain or batch is called."""
    keywords: Mapping[str, Any]
    """The others, without key and chain."""
    line: int
    chain_file: str | None = None
    """Where the chain is described that each run is."""
    steps: tuple[str, ...] = ()
    """The step words of the chain that each run is."""
    folder: str | None = None
    """Where its work runs when nothing else says so."""
    is_paused: bool | None = None
    """None: as it is, and a new one is not."""

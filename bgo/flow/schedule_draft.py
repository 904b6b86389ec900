"""Schedules as files describe them, before anything is looked up or written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ScheduleDraft:
    """One schedule as a file describes it: what `flow.schedule` is to be called with."""

    key: str
    name: str
    """The first argument: a handler, or what a chain or batch is called."""
    keywords: Mapping[str, Any]
    """The others, without the key and the chain."""
    line: int
    chain_file: str | None = None
    """Where the chain is described that each run is."""
    steps: tuple[str, ...] = ()
    """The step words of the chain that each run is."""
    is_paused: bool = False

"""Lanes: the gates there are, and the keys of those that tasks share: all the words of judgement an enqueue needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import tzinfo
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from bgo.model.options import TaskConstraints

if TYPE_CHECKING:
    from bgo.model.limits import ConcurrencyStrategy
    from bgo.model.window import ZonedWindow


class Gate(StrEnum):
    """One condition a lane or a task must pass to start."""

    STATE = "state"
    DUE = "due"
    UPSTREAM = "upstream"
    PAUSED = "paused"
    STAGING = "staging"
    CONCURRENCY = "concurrency"
    RATE = "rate"
    HANDLER = "handler"
    QUEUE = "queue"
    WINDOW = "window"
    NETWORK = "network"
    BATTERY = "battery"
    CHARGING = "charging"
    IDLE = "idle"
    STORAGE = "storage"
    QUEUE_SLOTS = "queue_slots"
    SLOTS = "slots"
    OVERLAP = "overlap"
    """Of a schedule: what it made before is unfinished."""


@dataclass(frozen=True, slots=True)
class ViewKey:
    """The part of a lane that the asker judges: who may run it, when, and what the device must offer."""

    queue: str
    handler: str
    constraints: TaskConstraints
    window: ZonedWindow | None = None
    zone: tzinfo | None = field(default=None, compare=False)
    """The window's zone as this computer has it; None where it does not know the name."""


class Rate(NamedTuple):
    """At most `max` starts under `key` in any `window_ms`."""

    key: str
    max: int
    window_ms: int


@dataclass(frozen=True, slots=True)
class LaneKey:
    """The gates that all tasks of a lane share."""

    name: str
    view: ViewKey
    concurrency_key: str | None = None
    concurrency_max: int | None = None
    strategy: ConcurrencyStrategy | None = None
    """None: the default order (due time, with one minute of head start per point of priority)."""
    rate: Rate | None = None
    marks: tuple[str, ...] = ()
    """The paused tags of its tasks, in order: a lane with marks is paused."""
    stage: str | None = None
    """With whom its tasks came into a batch: the lane is closed, and unseen, until all of them are there."""

"""Lanes: the gates there are, and the keys of those that tasks share: all the words of judgement an enqueue needs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bgo.model.limits import ConcurrencyStrategy
from bgo.model.options import TaskConstraints


class Gate(StrEnum):
    """One condition a lane or a task must pass to start."""

    STATE = "state"
    DUE = "due"
    UPSTREAM = "upstream"
    PAUSED = "paused"
    CONCURRENCY = "concurrency"
    HANDLER = "handler"
    QUEUE = "queue"
    CHARGING = "charging"
    CONSTRAINT = "constraint"
    SLOTS = "slots"


@dataclass(frozen=True, slots=True)
class ViewKey:
    """The part of a lane that the asker judges: who may run it and what the device must offer."""

    queue: str
    handler: str
    constraints: TaskConstraints


@dataclass(frozen=True, slots=True)
class LaneKey:
    """The gates that all tasks of a lane share."""

    name: str
    view: ViewKey
    concurrency_key: str | None = None
    concurrency_max: int | None = None
    strategy: ConcurrencyStrategy | None = None
    """None: the default order (due time, with one minute of head start per point of priority)."""

"""What judgement hands to the engine: holds, lane heads, plans and transitions. Plain values, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bgo.model.lane import Gate, LaneKey, Rate, ViewKey
from bgo.model.state import Event, Reason, State

if TYPE_CHECKING:
    from bgo.model.limits import ConcurrencyStrategy

__all__ = [
    "Budget",
    "Gate",
    "Head",
    "Hold",
    "LaneHeads",
    "LaneKey",
    "Pick",
    "Plan",
    "QueueShare",
    "Transition",
    "ViewKey",
]


@dataclass(frozen=True, slots=True)
class Hold:
    """A gate's refusal as data."""

    gate: Gate
    current: str
    needed: str
    holder: str = ""
    until_ms: int | None = None
    """When it may lift, UTC milliseconds; None when nobody can say."""
    lift: str = ""
    """The command or deed that would lift it."""

    @property
    def told(self) -> str:
        """Return which gate it is, what stands there, and what it needs."""
        return f"{self.gate}: {self.current}, needs {self.needed}"


@dataclass(frozen=True, slots=True)
class Head:
    """A ready task at the head of its lane. `rank` orders it against other lanes of its queue, `order` inside its lane
    and, where the lane has a strategy, against all lanes of its concurrency key."""

    seq: int
    rank: int
    order: int = 0


@dataclass(frozen=True, slots=True)
class LaneHeads:
    """A lane that offers work, with its first ready tasks in lane order."""

    lane: int
    queue: str
    concurrency_key: str | None
    concurrency_max: int | None
    heads: tuple[Head, ...]
    strategy: ConcurrencyStrategy | None = None
    rate: Rate | None = None


@dataclass(frozen=True, slots=True)
class QueueShare:
    """A queue's weight and its place in the stride: `pass_at` of the next pick, `start` of the last one."""

    name: str
    weight: float
    reserve: int = 0
    pass_at: float = 0.0
    start: float = 0.0
    room: int | None = None
    """How many more of its tasks may run, over the whole store; None: as many as there are slots."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Slots: how many may still be filled, how many there are, how many each queue uses now."""

    free: int
    total: int
    running: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pick:
    """This task of this lane goes next."""

    lane: int
    seq: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What admit decided: picks in order, lanes to park with their hold, queues whose pass moved."""

    picks: tuple[Pick, ...] = ()
    parked: Mapping[int, Hold] = field(default_factory=dict)
    shares: tuple[QueueShare, ...] = ()


@dataclass(frozen=True, slots=True)
class Transition:
    """The verdict on an ended run: where the task goes and which counters it leaves with."""

    event: Event
    state: State
    reason: Reason
    attempt: int
    losses: int
    snoozes: int
    due_at: int | None = None
    """For a task that goes back to waiting; None keeps the old due time (and so the order)."""

"""What is asked of the store: selectors, and the answers to verbs that touch many tasks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bgo.model.state import State


@dataclass(frozen=True, slots=True)
class Selector:
    """Which tasks: every field narrows; several ids, names, queues or states mean any of them, several tags all.

    `match_all` must be set for a selector that narrows nothing, so that an empty one never hits everything.
    """

    ids: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    states: tuple[State, ...] = ()
    since: int | None = None
    """Created at or after, UTC milliseconds."""
    until: int | None = None
    match_all: bool = False
    kinds: tuple[str, ...] = ("task",)
    """Tasks alone unless others are asked for; ids select whatever they are ids of. Empty: all kinds."""
    under: tuple[str, ...] = ()
    """Ids of chains and batches: only their members, of batches in chains and chains in batches too."""
    roots: bool = False
    """Only what stands by itself, in no chain and no batch."""
    schedules: tuple[str, ...] = ()
    """Ids of schedules: only what they have made."""

    @property
    def is_empty(self) -> bool:
        """Say whether nothing narrows it."""
        said = self.ids or self.names or self.tags or self.queues or self.states or self.under or self.schedules
        return not said and self.since is None and self.until is None


class CancelEffect(StrEnum):
    """What a cancel did."""

    PREVENTED = "prevented"
    """It had not started, and never will."""
    STOPPING = "stopping"
    """It runs; its worker stops it. If it ends first, that outcome stands."""
    TOO_LATE = "too late"
    """It had already ended."""


@dataclass(frozen=True, slots=True)
class CancelReply:
    """What became of one task that a cancel named."""

    id: str
    effect: CancelEffect
    state: State


@dataclass(frozen=True, slots=True)
class Pause:
    """A paused name, queue or tag."""

    kind: str
    value: str
    at: int
    running: bool = False
    """Running work was stopped as well."""


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A queue with its weight and what stands in it."""

    name: str
    weight: float
    reserve: int
    paused: bool
    waiting: int
    running: int
    slots: int | None = None
    """How many of its tasks may run at once, over all workers; None: no limit of its own."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long ended tasks are kept; unfinished ones always are."""

    finished_ms: int = 30 * 86_400_000
    failed_ms: int = 90 * 86_400_000
    rows: int = 100_000
    bytes: int = 512 << 20

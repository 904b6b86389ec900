"""Wave: one end and everything it brings about in the same transaction, ends that follow from it among them.

What is due then may be much (a million members of a batch); a wave touches only some hundred rows, and notes in the
table of releases where a tick must go on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from bgo.model.state import State
from bgo.model.task import Task
from bgo.store.port import Session

STEP = 500
"""Rows that one wave moves, more or less."""


class End(NamedTuple):
    """A task, chain or batch that has ended, as it was before that."""

    task: Task
    state: State
    is_counted: bool = False
    """What it means for the chain or batch it is in has been seen to; only some of its waiters have not been told."""


@dataclass(slots=True)
class Wave:
    """What is still to be told, and how much may still be moved."""

    session: Session
    now: int
    left: deque[End] = field(default_factory=deque)
    flows: dict[int, int | None] = field(default_factory=dict)
    """Chains and batches (seqs) that may be able to go on, with the earliest start of a member that has ended."""
    woken: set[int] = field(default_factory=set)
    """Lanes whose ready tasks have changed."""
    room: int = field(default_factory=lambda: STEP)

    def ended(self, task: Task, state: State) -> None:
        """Note an end; a lane that lost a ready task by it gets its new head."""
        self.left.append(End(task, state))
        if task.ready:
            self.woken.add(task.lane)

    def concern(self, flow: int, started_at: int | None = None) -> None:
        """Note a chain or batch that may be able to go on."""
        known = self.flows.get(flow)
        self.flows[flow] = started_at if known is None else known if started_at is None else min(known, started_at)

    def take(self, count: int) -> None:
        """Note that so many rows were moved."""
        self.room -= count

    def put_off(self, seq: int) -> None:
        """Leave the rest of what this end, or this chain or batch, means to a later tick."""
        self.session.links.put_off(seq)

    @classmethod
    def of(cls, session: Session, ends: Iterable[tuple[Task, State]], now: int) -> Wave:
        """Return a wave that begins with these ends."""
        return cls(session, now, deque(End(task, state) for task, state in ends))

"""Order: inside a lane by strategy, between lanes by rank, between queues by stride.

All keys sort ascending. One point of priority is a minute of head start, so that waiting ages a task past any burst.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bgo.model.limits import ConcurrencyStrategy

if TYPE_CHECKING:
    from bgo.model.plan import QueueShare

PRIORITY_HEAD_START_MS = 60_000
STRIDE = 1000.0
_BEYOND_ANY_DUE = 1 << 44
"""More milliseconds than any due time has (the year 2527), so that by-priority compares priorities first."""


def rank(due_ms: int, priority: int) -> int:
    """Return a task's place against tasks of other lanes, and by default inside its own."""
    return due_ms - priority * PRIORITY_HEAD_START_MS


def order_key(strategy: ConcurrencyStrategy | None, *, due_ms: int, priority: int, seq: int, draw: float) -> int:
    """Return a task's place inside its lane; ties go to the smaller `seq`.

    fifo and lifo look at the order of enqueueing alone, by-priority at priority and then age, random at `draw`
    (in [0, 1), drawn once at enqueue), the default at `rank`.
    """
    match strategy:
        case None:
            return rank(due_ms, priority)
        case ConcurrencyStrategy.FIFO:
            return seq
        case ConcurrencyStrategy.LIFO:
            return -seq
        case ConcurrencyStrategy.RANDOM:
            return int(draw * (1 << 52))
        case ConcurrencyStrategy.BY_PRIORITY:
            return -priority * _BEYOND_ANY_DUE + due_ms


def virtual_time(shares: dict[str, QueueShare]) -> float:
    """Return the stride's present: the largest start of any pick so far."""
    return max((s.start for s in shares.values()), default=0.0)


def charge(share: QueueShare, now: float) -> QueueShare:
    """Return the queue after one pick at virtual time `now`.

    A queue that was away starts at the present and not at its old pass, so it cannot cash in its absence.
    """
    from bgo.model.plan import QueueShare  # enqueue orders tasks and charges nobody

    start = max(share.pass_at, now)
    return QueueShare(share.name, share.weight, share.reserve, start + STRIDE / share.weight, start)

"""Order: inside a lane by strategy, between lanes by rank, between queues by stride.

All keys sort ascending. One point of priority is a minute of head start, so that waiting ages a task past any burst.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bgo.model.limits import ConcurrencyStrategy
    from bgo.model.plan import QueueShare
    from bgo.model.task import Wish

PRIORITY_HEAD_START_MS = 60_000
STRIDE = 1000.0
BUMPED = -(1 << 61)
"""Below every order key and rank of what was not bumped; SQLite's integers reach to 1 << 63."""
_BEYOND_ANY_DUE = 1 << 44
"""More milliseconds than any due time has (the year 2527), so that by-priority compares priorities first."""


def bumped(bump: int) -> int:
    """Return the place of a task that was bumped at that number: before all that were not, or were earlier."""
    return BUMPED - bump


def is_bumped(rank: int) -> bool:
    """Say whether a rank or order key is that of a bumped task."""
    return rank < BUMPED // 2


def rank(due_ms: int, priority: int, bump: int = 0) -> int:
    """Return a task's place against tasks of other lanes, and by default inside its own."""
    if bump:
        return bumped(bump)
    return due_ms - priority * PRIORITY_HEAD_START_MS


def order_key(
    strategy: ConcurrencyStrategy | None, *, due_ms: int, priority: int, seq: int, draw: float, bump: int = 0
) -> int:
    """Return a task's place inside its lane, and among the lanes of its concurrency key; ties go to the smaller `seq`.

    fifo and lifo look at the order of enqueueing alone, by-priority at priority and then age, random at `draw`
    (in [0, 1), drawn once at enqueue), the default at `rank`. What was bumped goes first under every strategy.
    """
    if bump:
        return bumped(bump)
    if strategy is None:
        return rank(due_ms, priority)
    from bgo.model.limits import ConcurrencyStrategy  # most tasks have none

    match strategy:
        case ConcurrencyStrategy.FIFO:
            return seq
        case ConcurrencyStrategy.LIFO:
            return -seq
        case ConcurrencyStrategy.RANDOM:
            return int(draw * (1 << 52))
        case ConcurrencyStrategy.BY_PRIORITY:
            return -priority * _BEYOND_ANY_DUE + due_ms


def expires_at(wish: Wish, *, begun: bool) -> int | None:
    """Return when a task that waits is called off: by its start-before until user code began, by its finish-before
    always."""
    limits = (None if begun else wish.start_before, wish.finish_before)
    return min((at for at in limits if at is not None), default=None)


def virtual_time(shares: dict[str, QueueShare]) -> float:
    """Return the stride's present: the largest start of any pick so far."""
    return max((s.start for s in shares.values()), default=0.0)


def charge(share: QueueShare, now: float) -> QueueShare:
    """Return the queue after one pick at virtual time `now`.

    A queue that was away starts at the present and not at its old pass, so it cannot cash in its absence.
    """
    from bgo.model.plan import QueueShare  # enqueue orders tasks and charges nobody

    start = max(share.pass_at, now)
    left = None if share.room is None else share.room - 1
    return QueueShare(share.name, share.weight, share.reserve, start + STRIDE / share.weight, start, left)

"""Admit: which ready tasks start now, given who offers work, what runs already and how many slots are free.

Queues share the slots by stride, lanes of a queue by the rank of their heads, tasks of a lane by the lane's order.
Where a concurrency key has a strategy, the turn belongs to the key: whichever lane of it, in whatever queue, has the
first task by that strategy goes.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from bgo.model.lane import Rate
from bgo.model.plan import Budget, Head, Hold, LaneHeads, Pick, Plan, QueueShare
from bgo.policy.gates import concurrency_hold
from bgo.policy.order import charge, is_bumped, virtual_time
from bgo.policy.rate import rate_hold

Entry = tuple[int, int, int, LaneHeads]
"""(rank of the next head, lane id, its seq, lane); no two are equal, so lanes are never compared."""


@dataclass(slots=True)
class _Desk:
    """The state of one admission: what has been given out so far."""

    shares: dict[str, QueueShare]
    usage: dict[str, int]
    running: dict[str, int]
    free: int
    total: int
    rates: Mapping[Rate, Sequence[int]]
    now_ms: int
    groups: dict[tuple[str, str], list[LaneHeads]] = field(default_factory=dict)
    """The lanes that share a concurrency key and its strategy."""
    picks: list[Pick] = field(default_factory=list)
    parked: dict[int, Hold] = field(default_factory=dict)
    moved: set[str] = field(default_factory=set)
    served: dict[int, int] = field(default_factory=dict)
    """Lane → how many of its heads have been picked."""
    starts: dict[str, int] = field(default_factory=dict)
    """Rate key → how many picks there are under it."""
    time: float = 0.0
    """The stride's present."""
    reserves: bool = False
    """Some queue keeps slots for itself."""

    def head(self, lane: LaneHeads) -> Head | None:
        """Return the lane's next head, or None when it offers no more."""
        at = self.served.get(lane.lane, 0)
        return lane.heads[at] if at < len(lane.heads) and lane.lane not in self.parked else None


def admit(
    shares: Iterable[QueueShare],
    lanes: Iterable[LaneHeads],
    usage: Mapping[str, int],
    budget: Budget,
    rates: Mapping[Rate, Sequence[int]] = MappingProxyType({}),
    now_ms: int = 0,
) -> Plan:
    """Return the picks, in order, for at most `budget.free` slots.

    `usage` counts live leases by concurrency key; `rates` tells for each rate of these lanes in how many milliseconds
    the next start, the one after it and so on may come. A lane whose key or rate is full is parked with its hold: the
    engine opens it again when a lease under the key ends, or when the window has slid.
    """
    desk = _Desk(
        {s.name: s for s in shares}, dict(usage), dict(budget.running), budget.free, budget.total, rates, now_ms
    )
    desk.time = virtual_time(desk.shares)
    desk.reserves = any(s.reserve for s in desk.shares.values())
    waiting: dict[str, list[Entry]] = {}
    for lane in lanes:
        if lane.heads:
            waiting.setdefault(lane.queue, []).append(_entry(lane, lane.heads[0]))
            if lane.concurrency_key is not None and lane.strategy is not None:
                desk.groups.setdefault((lane.concurrency_key, lane.strategy), []).append(lane)
    for entries in waiting.values():
        heapq.heapify(entries)
    while desk.free > 0 and (queue := _next_queue(desk, waiting)) is not None:
        _serve(desk, waiting[queue])
        if not waiting[queue]:
            del waiting[queue]
    return Plan(tuple(desk.picks), desk.parked, tuple(desk.shares[q] for q in sorted(desk.moved)))


def _entry(lane: LaneHeads, head: Head) -> Entry:
    return head.rank, lane.lane, head.seq, lane


def _next_queue(desk: _Desk, waiting: Mapping[str, list[Entry]]) -> str | None:
    open_queues = [desk.shares[q] for q in waiting if q in desk.shares and _has_room(desk, q)]
    if len(open_queues) < 2:
        return open_queues[0].name if open_queues else None
    bumped = [s for s in open_queues if is_bumped(waiting[s.name][0][0])]
    return min(bumped or open_queues, key=lambda s: (max(s.pass_at, desk.time), -s.weight, s.name)).name


def reserved(shares: Iterable[QueueShare], running: Mapping[str, int], queue: str, total: int) -> int:
    """Return how many of `total` slots are kept free for queues other than this one; never all of them."""
    kept = sum(max(0, s.reserve - running.get(s.name, 0)) for s in shares if s.name != queue)
    return min(kept, total - 1)


def _has_room(desk: _Desk, queue: str) -> bool:
    """A queue's own limit counts its runs everywhere; slots reserved for others and not in use there are not for it.

    What counts is free slots, not idle children: a worker that offers one child of four may still have three more.
    """
    room = desk.shares[queue].room
    if room is not None and room <= 0:
        return False
    kept = reserved(desk.shares.values(), desk.running, queue, desk.total) if desk.reserves else 0
    return desk.total - sum(desk.running.values()) > kept


def _serve(desk: _Desk, entries: list[Entry]) -> None:
    """Give one slot to the queue's best lane, or to the lane that goes first under its key; park full ones on the way.

    An entry may be out of date: its lane was parked, or its head was picked when it was another lane's turn.
    """
    while entries:
        _, _, seq, lane = entries[0]
        head = desk.head(lane)
        if head is None or head.seq != seq:
            heapq.heappop(entries)
            if head is not None:
                heapq.heappush(entries, _entry(lane, head))
            continue
        chosen = _first_under_key(desk, lane)
        hold = _hold(desk, chosen)
        if hold is not None:
            desk.parked[chosen.lane] = hold
            continue
        _pick(desk, chosen)
        return


def _first_under_key(desk: _Desk, lane: LaneHeads) -> LaneHeads:
    """Return the lane whose head goes first among those that share this one's concurrency key and strategy."""
    group = desk.groups.get((lane.concurrency_key or "", lane.strategy or ""), ())
    if len(group) < 2:
        return lane
    heads = (
        (head.order, head.seq, other)
        for other in group
        if (head := desk.head(other)) is not None and other.queue in desk.shares and _has_room(desk, other.queue)
    )
    return min(heads, key=lambda found: found[:2])[2]


def _hold(desk: _Desk, lane: LaneHeads) -> Hold | None:
    key, limit = lane.concurrency_key, lane.concurrency_max
    if key is not None and limit is not None and (hold := concurrency_hold(key, limit, desk.usage.get(key, 0))):
        return hold
    if lane.rate is None:
        return None
    waits, taken = desk.rates[lane.rate], desk.starts.get(lane.rate.key, 0)
    return rate_hold(lane.rate, waits[taken] if taken < len(waits) else lane.rate.window_ms, desk.now_ms)


def _pick(desk: _Desk, lane: LaneHeads) -> None:
    at, queue = desk.served.get(lane.lane, 0), lane.queue
    desk.picks.append(Pick(lane.lane, lane.heads[at].seq))
    desk.served[lane.lane] = at + 1
    if lane.concurrency_key is not None:
        desk.usage[lane.concurrency_key] = desk.usage.get(lane.concurrency_key, 0) + 1
    if lane.rate is not None:
        desk.starts[lane.rate.key] = desk.starts.get(lane.rate.key, 0) + 1
    desk.free -= 1
    desk.running[queue] = desk.running.get(queue, 0) + 1
    desk.shares[queue] = charged = charge(desk.shares[queue], desk.time)
    desk.time = max(desk.time, charged.start)
    desk.moved.add(queue)

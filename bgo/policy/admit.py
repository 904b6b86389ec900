"""Admit: which ready tasks start now, given who offers work, what runs already and how many slots are free.

Queues share the slots by stride, lanes of a queue by the rank of their heads, tasks of a lane by the lane's order.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bgo.model.plan import Budget, Hold, LaneHeads, Pick, Plan, QueueShare
from bgo.policy.gates import concurrency_hold
from bgo.policy.order import charge, virtual_time

Entry = tuple[int, int, int, int, LaneHeads]
"""(rank of the next head, lane id, its seq, its index, lane); no two are equal, so lanes are never compared."""


@dataclass(slots=True)
class _Desk:
    """The state of one admission: what has been given out so far."""

    shares: dict[str, QueueShare]
    usage: dict[str, int]
    running: dict[str, int]
    free: int
    total: int
    picks: list[Pick] = field(default_factory=list)
    parked: dict[int, Hold] = field(default_factory=dict)
    moved: set[str] = field(default_factory=set)
    time: float = 0.0
    """The stride's present."""
    reserves: bool = False
    """Some queue keeps slots for itself."""


def admit(shares: Iterable[QueueShare], lanes: Iterable[LaneHeads], usage: Mapping[str, int], budget: Budget) -> Plan:
    """Return the picks, in order, for at most `budget.free` slots.

    `usage` counts live leases by concurrency key. A lane whose key is full is parked with its hold: the engine
    opens it again when a lease under that key ends.
    """
    desk = _Desk({s.name: s for s in shares}, dict(usage), dict(budget.running), budget.free, budget.total)
    desk.time = virtual_time(desk.shares)
    desk.reserves = any(s.reserve for s in desk.shares.values())
    waiting: dict[str, list[Entry]] = {}
    for lane in lanes:
        if lane.heads:
            waiting.setdefault(lane.queue, []).append(_entry(lane, 0))
    for entries in waiting.values():
        heapq.heapify(entries)
    while desk.free > 0 and (queue := _next_queue(desk, waiting)) is not None:
        _serve(desk, queue, waiting[queue])
        if not waiting[queue]:
            del waiting[queue]
    return Plan(tuple(desk.picks), desk.parked, tuple(desk.shares[q] for q in sorted(desk.moved)))


def _entry(lane: LaneHeads, index: int) -> Entry:
    head = lane.heads[index]
    return head.rank, lane.lane, head.seq, index, lane


def _next_queue(desk: _Desk, waiting: Mapping[str, list[Entry]]) -> str | None:
    open_queues = [desk.shares[q] for q in waiting if q in desk.shares and _has_room(desk, q)]
    if len(open_queues) < 2:
        return open_queues[0].name if open_queues else None
    return min(open_queues, key=lambda s: (max(s.pass_at, desk.time), -s.weight, s.name)).name


def reserved(shares: Iterable[QueueShare], running: Mapping[str, int], queue: str, total: int) -> int:
    """Return how many of `total` slots are kept free for queues other than this one; never all of them."""
    kept = sum(max(0, s.reserve - running.get(s.name, 0)) for s in shares if s.name != queue)
    return min(kept, total - 1)


def _has_room(desk: _Desk, queue: str) -> bool:
    """Slots reserved for other queues and not in use there are not for this one.

    What counts is free slots, not idle children: a worker that offers one child of four may still have three more.
    """
    kept = reserved(desk.shares.values(), desk.running, queue, desk.total) if desk.reserves else 0
    return desk.total - sum(desk.running.values()) > kept


def _serve(desk: _Desk, queue: str, entries: list[Entry]) -> None:
    """Give one slot to the queue's best lane, parking full ones on the way."""
    while entries:
        _, lane_id, _, index, lane = heapq.heappop(entries)
        key, limit = lane.concurrency_key, lane.concurrency_max
        if key is not None and limit is not None:
            hold = concurrency_hold(key, limit, desk.usage.get(key, 0))
            if hold is not None:
                desk.parked[lane_id] = hold
                continue
            desk.usage[key] = desk.usage.get(key, 0) + 1
        desk.picks.append(Pick(lane_id, lane.heads[index].seq))
        desk.free -= 1
        desk.running[queue] = desk.running.get(queue, 0) + 1
        desk.shares[queue] = charged = charge(desk.shares[queue], desk.time)
        desk.time = max(desk.time, charged.start)
        desk.moved.add(queue)
        if index + 1 < len(lane.heads):
            heapq.heappush(entries, _entry(lane, index + 1))
        return

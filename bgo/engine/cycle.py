"""The cycle: one look and one tick. Alarms first, then gates once per view, then claims for the free slots.

The live worker and the simulator drive the same two functions; what differs is the clock and the children.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from bgo.clock import Moment
from bgo.engine import alarms, platform
from bgo.engine.platform import Keeper
from bgo.engine.waiting import waited
from bgo.model.device import View
from bgo.model.options import NetworkConstraint
from bgo.model.plan import Budget, Gate, Hold, LaneHeads, ViewKey
from bgo.model.platform import Gathered, RunBegan
from bgo.model.profile import Profile
from bgo.model.task import Child, Task
from bgo.policy.admit import admit
from bgo.policy.gates import Judge, Offer, queue_hold
from bgo.store.port import Session
from bgo.store.rows import NewLease

if TYPE_CHECKING:
    from bgo.model.schedule import Schedule

PARK_STEP = 200
"""Lanes that one tick parks, more or less: any number of them may stand before a full key."""
Held = tuple[int, ViewKey, Hold]
"""A view that may not start now, by its number."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks for work: the identity written into leases, the view, and what it can run."""

    worker: str
    host: str
    boot_id: str
    offer: Offer
    slots: int
    own_slots: bool = False
    """Count only this worker's leases (the user gave --slots), instead of all live ones of the host."""


@dataclass(slots=True)
class Memory:
    """What this asker saw last: which gate holds each view. Only its own changes are logged, so that two workers
    with different views do not write against each other."""

    held: dict[int, str | None] = field(default_factory=dict)
    keeper: Keeper = field(default_factory=platform.InStore)
    """Where what the platform's rules remember is between two looks."""
    peers: int = 0
    """How many workers there were."""
    judge: Judge | None = None
    """What was judged last; most looks find nothing changed."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A task that is ours to run, on this child, with all that it needs."""

    task: Task
    child: Child
    input: bytes
    setup: bytes | None
    checkpoint: bytes | None
    chain: Mapping[str, Any] = field(default_factory=dict)
    """Outputs of earlier steps of its chain, by name."""
    made_by: tuple[str | None, int | None] = (None, None)
    """The schedule that made it, or what it is in, by id, and the occurrence."""
    began: RunBegan | None = None
    """Its start as its platform was told of it, where that may stop it; None: the profile remembers nothing."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a read found: whether a tick would write, when the next alarm is, and what this asker cannot run now."""

    has_work: bool
    ready: int
    """How many of the asked-for slots there is ready work for, at least; 0 when only alarms or holds need a tick."""
    next_wake: int | None
    holds: tuple[Held, ...] = ()
    wake_in: int | None = None
    """In how many milliseconds, whatever the wall clock does, a rate has room again; 0: now."""
    must_ask: bool = False
    """Something holds work of which nobody knows when it lifts, or that may lift before: it must be asked again."""


@dataclass(frozen=True, slots=True)
class Tick:
    """What a tick did. `again`: more is due than one tick may touch."""

    claims: tuple[Claim, ...]
    next_wake: int | None
    again: bool
    promoted: int = 0
    wake_in: int | None = None
    opens_at: int | None = None
    """When the next window opens that holds work now; `next_wake` is never later."""
    paused: tuple[Schedule, ...] = ()
    """Schedules that were to fire and have paused instead: too much has failed, or what they make cannot be made."""


def look(
    session: Session,
    asker: Asker,
    view: View,
    memory: Memory,
    free: int,
    moment: Moment,
    *,
    only: frozenset[int] | None = None,
) -> Look:
    """Judge without writing: would a tick find alarms, work for a free slot, or a changed hold?"""
    coming = session.alarms.next(moment)
    _count_peers(session, memory)
    view, open_views, holds = _judge(session, asker, view, moment.now_ms, memory)
    slots = _budget(session, asker, free).free if open_views else 0
    changed = any(memory.held.get(v) != h.gate for v, _, h in holds)
    lifted = any(memory.held.get(v, Gate.STATE) for v in open_views)  # a view never seen may be held in the log
    alarm = coming.is_due(moment.now_ms)
    ready = min(slots, sum(len(lane.heads) for lane in _heads(session, open_views, slots, only)))
    has_work = alarm or ready > 0 or changed or lifted or platform.is_news(session, view, memory.keeper)
    wake = _first(_first(coming.next_wake, _opens_at(holds)), platform.edge_at(view, moment.now_ms))
    # Hours alone are sure: whatever else says when it lifts may lift before, when the device changes.
    must_ask = any(hold.until_ms is None or hold.gate is not Gate.WINDOW for _, _, hold in holds)
    return Look(has_work, ready, wake, tuple(holds), coming.rate_in, must_ask)


def tick(
    session: Session,
    asker: Asker,
    view: View,
    memory: Memory,
    children: Sequence[Child],
    *,
    lease_until: int,
    moment: Moment,
    only: frozenset[int] | None = None,
) -> Tick:
    """Bring about what is due, judge the views, and claim at most one task for each idle child.

    `only` names the seqs that may be claimed: they pass every gate, but go ahead of others in their lanes.
    """
    now = moment.now_ms
    promoted, coming, paused = alarms.ring(session, moment, view.profile)
    _count_peers(session, memory)
    view, open_views, holds = _judge(session, asker, view, now, memory)
    _remember(session, memory, open_views, holds, now)
    claims: list[Claim] = []
    parked, woke = 0, False
    idle = list(children)
    while idle and open_views:
        # Where a start may close the gate behind it, one task starts at a time.
        budget = _budget(session, asker, 1 if view.profile.remembers else len(idle))
        heads = _heads(session, open_views, budget.free, only)
        if not heads:
            break
        limited = any(lane.concurrency_key or lane.rate for lane in heads)
        usage = session.leases.usage() if limited else {}
        rates = {lane.rate: session.rates.waits(lane.rate, moment, budget.free) for lane in heads if lane.rate}
        plan = admit(session.queues.shares(), heads, usage, budget, rates, now)
        touched, refused = set(), set()
        for pick in plan.picks:
            claim = _claim(session, asker, view.profile, (pick.seq, idle[0], lease_until), now)
            touched.add(pick.lane)
            if claim is None:  # it has expired, or what it is in is over: the next tick calls it off
                refused.add(pick.lane)
                continue
            if view.profile.remembers:
                began = _began(session, claim.task, now)
                claim, view = replace(claim, began=began), platform.after(view, [began], now)
            claims.append(claim)
            idle.pop(0)
        woke = session.lanes.refresh(touched, now, served=True) or woke
        session.queues.move(plan.shares)
        for lane, hold in plan.parked.items():  # after the claims: room under a key is counted in leases
            session.lanes.park(lane, hold, moment)
        for key in {lane.concurrency_key for lane in heads if lane.lane in refused and lane.concurrency_key}:
            session.lanes.open_key(key, now)
        parked += len(plan.parked)
        goes_on = limited or view.profile.remembers
        if refused or not idle or parked >= PARK_STEP or not goes_on or not (plan.picks or plan.parked):
            break
        # A lane that was parked or emptied may have let in another of its key, perhaps of another view.
        view, open_views, holds = _judge(session, asker, view, now, memory)
    platform.remember(session, view, memory.keeper)
    if coming is None or parked or woke:
        coming = session.alarms.next(moment)
    again = parked >= PARK_STEP or coming.is_due(now)
    opens_at = _opens_at(holds)
    wake = _first(_first(coming.next_wake, opens_at), platform.edge_at(view, now))
    return Tick(tuple(claims), wake, again, promoted, coming.rate_in, opens_at, paused)


def _heads(session: Session, open_views: Sequence[int], width: int, only: frozenset[int] | None) -> Sequence[LaneHeads]:
    if width <= 0:
        return ()
    if only is not None:
        return session.lanes.heads_of(open_views, sorted(only))
    return session.lanes.heads(open_views, width)


def _began(session: Session, task: Task, now: int) -> RunBegan:
    """Return the start of a task as its platform is told of it."""
    key = session.lanes.key(task.lane).view
    return RunBegan(now, f"{task.id}.{task.run}", key.traits, key.constraints.network != NetworkConstraint.NONE)


def _judge(session: Session, asker: Asker, view: View, now: int, memory: Memory) -> tuple[View, list[int], list[Held]]:
    """Return the views that may start, and those that may not; what waits for company alone is counted first."""
    open_views, holds = _judged(session, asker, view, now, memory)
    alone = [number for number, _, hold in holds if hold.gate is Gate.BATCHING]
    if not alone:
        return view, open_views, holds
    ready = sum(session.lanes.ready_under(number) for number in alone)
    gathered = platform.after(view, [Gathered(now, ready)], now)
    if gathered.platform == view.platform:
        return view, open_views, holds
    return gathered, *_judged(session, asker, gathered, now, memory)


def _judged(session: Session, asker: Asker, view: View, now: int, memory: Memory) -> tuple[list[int], list[Held]]:
    open_views, holds = [], []
    judge = Judge(view, asker.offer, now) if memory.judge is None else memory.judge.at(view, asker.offer, now)
    full, memory.judge = session.queues.full(), judge
    for number, key in session.lanes.views():
        hold = queue_hold(key.queue, full[key.queue]) if key.queue in full else judge.hold(key)
        if hold is None:
            open_views.append(number)
        else:
            holds.append((number, key, hold))
    return open_views, holds


def _opens_at(holds: Sequence[Held]) -> int | None:
    """Return when the next of these views may be open: what a window holds lifts by itself."""
    return min((hold.until_ms for _, _, hold in holds if hold.until_ms is not None), default=None)


def _first(one: int | None, other: int | None) -> int | None:
    return one if other is None else other if one is None else min(one, other)


def waiting(session: Session, asker: Asker, view: View, now: int) -> tuple[int, int, int | None, dict[str, int]]:
    """Return how many tasks wait for a retry, how many for their delay, the next due time, and held ones by gate."""
    _, _, holds = _judge(session, asker, view, now, Memory())
    held: dict[str, int] = {}
    for number, _, hold in holds:
        held[hold.gate] = held.get(hold.gate, 0) + session.lanes.ready_under(number)
    for gate, count in session.lanes.closed().items():
        held[gate] = held.get(gate, 0) + count
    retrying, delayed = session.tasks.not_due()
    return retrying, delayed, session.tasks.next_due(), held


def _remember(session: Session, memory: Memory, open_views: list[int], holds: list[Held], now: int) -> None:
    seen: dict[int, str | None] = dict.fromkeys(open_views)
    seen.update((number, hold.gate) for number, _, hold in holds)
    for number, gate in seen.items():
        if number not in memory.held or memory.held[number] != gate:
            session.lanes.log_view(number, gate, now)
    memory.held.update(seen)


def _count_peers(session: Session, memory: Memory) -> None:
    """Let what holds be written down anew once others have gone: they may have seen it otherwise, and wrote last."""
    peers = session.leases.count_workers()
    if peers < memory.peers:
        memory.held.clear()
    memory.peers = peers


def _budget(session: Session, asker: Asker, children: int) -> Budget:
    running = session.leases.running_by_queue(asker.host, asker.worker if asker.own_slots else None)
    free = min(children, asker.slots - sum(running.values()))
    return Budget(max(0, free), asker.slots, running)


def _claim(session: Session, asker: Asker, profile: Profile, what: tuple[int, Child, int], now: int) -> Claim | None:
    """Claim a task by seq, for a child, until a lease ends; None when it may not run any more."""
    seq, child, lease_until = what
    task = session.tasks.claim(seq, now)
    if task is None:
        return None
    limit, rate = task.wish.concurrency, task.wish.rate
    spent = waited(session, task, now)
    lease = NewLease(
        task=seq,
        run=task.run,
        worker=asker.worker,
        host=asker.host,
        boot_id=asker.boot_id,
        until=lease_until,
        child_pid=child.pid,
        child_start=child.start_time,
        claimed_at=now,
        queue=task.queue,
        concurrency_key=None if limit is None else limit.key or task.name,
        waited=json.dumps(spent) if spent else "{}",
        rate_key=None if rate is None else rate.key or task.name,
        profile=profile.name if profile.remembers else "",
    )
    session.leases.insert(lease)
    refs = (task.input_ref, task.setup_ref, task.checkpoint_ref)
    data = [None if ref is None else session.payloads.get(ref) for ref in refs]
    if task.parent is None:
        return Claim(task, child, data[0] or b"{}", data[1], data[2], made_by=(task.schedule, task.occurrence))
    from bgo.engine import inputs  # most work belongs to no chain or batch

    whole, outputs = inputs.given(session, task, data[0] or b"{}")
    return Claim(task, child, whole, data[1], data[2], outputs, inputs.made_by(session, task))

"""Limits as an explanation tells them: what is full, who fills it, and when there may be room."""

from __future__ import annotations

from bgo.clock import Moment
from bgo.model.lane import Gate, Rate
from bgo.model.plan import Hold
from bgo.model.views import GateLine
from bgo.policy.gates import concurrency_hold, queue_hold
from bgo.policy.rate import rate_hold, spell
from bgo.store.port import Session
from bgo.store.rows import Holder

NAMED = 3
"""Running tasks that a hold names."""
SAMPLE = 101
"""Of so many last successes the median says how long a running task may still take."""


def lines(session: Session, lane: int, queue: str, moment: Moment) -> list[GateLine]:
    """Return the lines of a lane's concurrency key, its rate, and its queue's own slots, as far as it has them."""
    limit, rate = session.lanes.limits(lane)
    key = session.lanes.key(lane).concurrency_key
    found = []
    if key is not None and limit is not None:
        found.append(_concurrency(session, key, limit, moment))
    if rate is not None:
        found.append(_rate(session, rate, moment))
    if (slots := session.queues.full().get(queue)) is not None:
        found.append(_held(queue_hold(queue, slots)))
    return found


def _held(hold: Hold) -> GateLine:
    return GateLine(hold.gate, False, hold.current, hold.needed, hold)


def _concurrency(session: Session, key: str, limit: int, moment: Moment) -> GateLine:
    holders = session.leases.under(key)
    hold = concurrency_hold(key, limit, len(holders))
    if hold is None:
        return GateLine(Gate.CONCURRENCY, True, f"{len(holders)} running", f"fewer than {limit} under {key}")
    ends = sorted((_expected_end(session, holder, moment.now_ms), holder.id) for holder in holders)
    at, first = ends[len(holders) - limit]
    lift = _raise_it(key) if session.limits.names(key) else f"bgo wait {first}, or bgo cancel {first}"
    known = at > moment.now_ms and at < _NEVER
    return _held(Hold(hold.gate, hold.current, hold.needed, _names(key, holders), at if known else None, lift))


_NEVER = 1 << 62


def _expected_end(session: Session, holder: Holder, now: int) -> int:
    """Return when a running task will have taken as long as others of its name did; far off when none is known."""
    usual = session.records.median_ms(holder.name, SAMPLE)
    return _NEVER if usual is None else max(now, (holder.started_at or holder.claimed_at) + usual)


def _names(key: str, holders: list[Holder]) -> str:
    named = ", ".join(f"{holder.id} ({holder.name})" for holder in holders[:NAMED])
    more = f" and {len(holders) - NAMED} more" if len(holders) > NAMED else ""
    return f"{named}{more} under concurrency key {key}"


def _rate(session: Session, rate: Rate, moment: Moment) -> GateLine:
    (wait,) = session.rates.waits(rate, moment, 1)
    hold = rate_hold(rate, wait, moment.now_ms)
    if hold is None:
        need = f"fewer than {rate.max} starts in {spell(rate.window_ms)} under {rate.key}"
        return GateLine(Gate.RATE, True, "there is room", need)
    lift = _raise_it(rate.key) if session.limits.names(rate.key) else hold.lift
    return _held(Hold(hold.gate, hold.current, hold.needed, hold.holder, hold.until_ms, lift))


def _raise_it(key: str) -> str:
    return f"raise [limits.{key}] in the config; bgo config path says where it is"

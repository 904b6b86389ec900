"""Alarms: what has come due since the last tick is brought about at the head of the next, in steps that stay short."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bgo.clock import Moment
from bgo.engine import expire, relane, upstream
from bgo.model.profile import HOST, Profile
from bgo.store.port import Session
from bgo.store.rows import Alarms

if TYPE_CHECKING:
    from bgo.model.schedule import Schedule

STEP = 500
"""Tasks that one tick makes ready, or expires, at most: a write transaction stays short whatever has come due."""
RATE_STEP = 50
"""Rate keys whose lanes one tick looks at."""


class Rung(NamedTuple):
    """What alarms have brought about."""

    promoted: int = 0
    """Tasks that became ready."""
    coming: Alarms | None = None
    """What is to come, if nothing rang."""
    paused: tuple[Schedule, ...] = ()
    """Schedules that were to fire and have paused instead."""


def ring(session: Session, moment: Moment, profile: Profile = HOST) -> Rung:
    """Bring about what is due: tasks become ready, expire, change lanes, ask for less, learn that what they waited for
    has ended, and lanes are let in under their rates."""
    alarms, now = session.alarms.next(moment), moment.now_ms
    if not alarms.is_due(now):
        return Rung(coming=alarms)
    paused: list[Schedule] = []
    if alarms.moves:
        relane.step(session, now)
        upstream.work_off(session, now)
    if alarms.fires(now):
        from bgo.engine.fire import fire  # most stores have no schedules

        paused = fire(session, moment, profile)
    if alarms.expiry is not None and alarms.expiry <= now:
        expire.expire(session, now, STEP)
    if alarms.relax is not None and alarms.relax <= now:
        from bgo.engine import relax  # most tasks ask the same for ever

        relax.step(session, now, STEP)
    promoted = session.tasks.promote(now, STEP)
    session.lanes.refresh(promoted, now)
    for key in session.rates.due(moment, RATE_STEP) if alarms.rate_in == 0 else ():
        session.lanes.open_rate(key, moment)
    return Rung(len(promoted), None, tuple(paused))

"""Overlap: what becomes of an occurrence while what earlier ones made is unfinished."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from bgo.engine.cancel import cancel
from bgo.engine.upstream import END
from bgo.model.schedule import Overlap, Schedule
from bgo.model.state import Reason
from bgo.store.port import Session

LINE = 100
"""With `queue`, so many may be unfinished; with `replace`, so many are called off at once."""


class Way(NamedTuple):
    """Whether it may be made, what it then must wait for (seq to kind), or what stands in its way, by id."""

    is_free: bool
    needs: Mapping[int, str]
    blocker: str | None = None


FREE = Way(True, {})


def make_way(session: Session, schedule: Schedule, now: int) -> Way:
    """Judge by the overlap policy; with `replace`, call off what is unfinished."""
    if schedule.wish.overlap is Overlap.ALLOW:
        return FREE
    unfinished = session.schedules.unfinished(schedule.id, LINE)
    if not unfinished:
        return FREE
    if schedule.wish.overlap is Overlap.SKIP or len(unfinished) >= LINE:
        return Way(False, {}, unfinished[0].id)
    if schedule.wish.overlap is Overlap.REPLACE:
        cancel(session, unfinished, Reason.REPLACED, now)
        unfinished = session.schedules.unfinished(schedule.id, LINE)  # what runs has not ended by that
    return Way(True, {task.seq: END for task in unfinished})

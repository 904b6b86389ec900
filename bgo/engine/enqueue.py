"""Enqueue: specs become rows, in one transaction, with their lanes ready for the next tick."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from bgo.model import payload as payloads
from bgo.model import wish as wishes
from bgo.model.lane import LaneKey, ViewKey
from bgo.model.state import Reason, State
from bgo.model.task import TaskSpec
from bgo.policy import order
from bgo.store.port import Session
from bgo.store.rows import NewTask


def lane_key(spec: TaskSpec, marks: tuple[str, ...] = ()) -> LaneKey:
    """Return the gates a task shares with its lane; `marks` are the paused ones of its tags."""
    name = spec.name or spec.handler
    view = ViewKey(spec.queue, spec.handler, spec.wish.constraints)
    limit = spec.wish.concurrency
    if limit is None:
        return LaneKey(name, view, marks=marks)
    return LaneKey(name, view, limit.key or name, limit.max_concurrent, limit.strategy, marks=marks)


class _Shared(NamedTuple):
    """What the rows of one request have in common: worked out once for a thousand of them."""

    spec: TaskSpec
    key: LaneKey
    lane: int
    wish: str
    tags: str

    def fits(self, spec: TaskSpec) -> bool:
        mine = self.spec
        return (
            spec.wish is mine.wish
            and spec.tags is mine.tags
            and (spec.name, spec.handler, spec.queue) == (mine.name, mine.handler, mine.queue)
        )


def _share(session: Session, spec: TaskSpec, now: int) -> _Shared:
    key = lane_key(spec, session.pauses.marks(spec.tags))
    tags = json.dumps(spec.tags) if spec.tags else "[]"
    return _Shared(spec, key, session.lanes.ensure(key, now), wishes.dump(spec.wish), tags)


def enqueue(session: Session, specs: Sequence[TaskSpec], now: int) -> None:
    """Insert the tasks; those that are due are ready at once, the others wait for their alarm."""
    seq = session.tasks.next_seq()
    inputs = _store(session, [s.input for s in specs])
    setups = _store(session, [s.setup for s in specs])
    shared: _Shared | None = None
    rows, touched = [], set()
    for number, (spec, input_ref, setup_ref) in enumerate(zip(specs, inputs, setups, strict=True), start=seq):
        if shared is None or not shared.fits(spec):
            shared = _share(session, spec, now)
        row = _row(spec, shared, (number, input_ref, setup_ref), now)
        rows.append(row)
        if row.ready:
            touched.add(row.lane)
    session.tasks.insert(rows)
    session.lanes.refresh(touched, now)


def _store(session: Session, items: Sequence[bytes | None]) -> list[int | None]:
    """Keep payloads; an empty object needs none."""
    kept = [item for item in items if item is not None and item != payloads.EMPTY]
    numbers = iter(session.payloads.put_many(kept) if kept else ())
    return [None if item is None or item == payloads.EMPTY else next(numbers) for item in items]


def _row(spec: TaskSpec, shared: _Shared, refs: tuple[int, int | None, int | None], now: int) -> NewTask:
    seq, input_ref, setup_ref = refs
    key = shared.key
    due = now if spec.due_at is None else spec.due_at
    ready = due <= now
    place = order.order_key(key.strategy, due_ms=due, priority=spec.priority, seq=seq, draw=spec.random_order)
    return NewTask(
        seq=seq,
        id=spec.id,
        name=key.name,
        handler=spec.handler,
        state=State.QUEUED,
        reason=Reason.NEW,
        lane=shared.lane,
        queue=spec.queue,
        priority=spec.priority,
        tags=shared.tags,
        wish=shared.wish,
        ready=int(ready),
        ready_at=max(due, now) if ready else None,
        due_at=due,
        order_key=place,
        rank=order.rank(due, spec.priority),
        draw=spec.random_order,
        cwd=spec.cwd,
        input=input_ref,
        setup=setup_ref,
        created_at=now,
    )

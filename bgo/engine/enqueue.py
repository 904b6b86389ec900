"""Enqueue: specs become rows, in one transaction, with their lanes ready for the next tick.

What other tasks can stand in the way of is let in one by one; everything else by the thousand.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from bgo.model import payload as payloads
from bgo.model import wish as wishes
from bgo.model.lane import PAYLOAD_CLASS, LaneKey, Rate, Traits, ViewKey, payload_class
from bgo.model.lane import PLAIN as PLAIN_WORK
from bgo.model.state import Reason, State
from bgo.model.task import Enqueued, Kind, TaskSpec, Wish
from bgo.policy import order
from bgo.store.rows import NewTask

if TYPE_CHECKING:
    from bgo.store.port import Session


class Under(NamedTuple):
    """What rows are besides plain tasks: of a kind, in a state, members of others, coming in unseen."""

    kind: Kind = "task"
    state: State = State.QUEUED
    parents: Sequence[int] | None = None
    """The chain or batch of each row, by seq."""
    step: int = 0
    stage: str | None = None

    def parent_of(self, number: int) -> int | None:
        """Return the parent of the row with this number, from 0."""
        return None if self.parents is None else self.parents[number]


PLAIN = Under()


def lane_key(spec: TaskSpec, marks: tuple[str, ...] = (), stage: str | None = None) -> LaneKey:
    """Return the gates a task shares with its lane; `marks` are the paused ones of its tags."""
    name = spec.name or spec.handler
    kind = traits(spec.wish, len(spec.input), periodic=spec.schedule is not None)
    view = ViewKey(spec.queue, spec.handler, spec.wish.constraints, spec.wish.window, traits=kind)
    limit, rate = spec.wish.concurrency, spec.wish.rate
    return LaneKey(
        name,
        view,
        concurrency_key=None if limit is None else limit.key or name,
        concurrency_max=None if limit is None else limit.max_concurrent,
        strategy=None if limit is None else limit.strategy,
        rate=None if rate is None else Rate(rate.key or name, rate.max_executions, rate.window_ms),
        marks=marks,
        stage=stage,
    )


def traits(wish: Wish, size: int, *, periodic: bool) -> Traits:
    """Return what kind of work it is; `size` is that of its own input, in bytes."""
    retries = wish.constraints.device_idle and wish.retry.kind != "none"
    if not (periodic or retries or wish.expedited or wish.foreground or size > PAYLOAD_CLASS):
        return PLAIN_WORK
    return Traits(wish.expedited or "", wish.foreground or "", periodic, retries, payload_class(size))


class _Shared(NamedTuple):
    """What the rows of one request have in common: worked out once for a thousand of them."""

    spec: TaskSpec
    key: LaneKey
    lane: int
    wish: str
    tags: str
    expires_at: int | None

    def fits(self, spec: TaskSpec) -> bool:
        mine = self.spec
        return (
            spec.wish is mine.wish
            and spec.tags is mine.tags
            and (spec.name, spec.handler, spec.queue) == (mine.name, mine.handler, mine.queue)
            and spec.schedule is mine.schedule
            and payload_class(len(spec.input)) == self.key.view.traits.payload
        )


def _share(session: Session, spec: TaskSpec, now: int, stage: str | None) -> _Shared:
    key = lane_key(spec, session.pauses.marks(spec.tags), stage)
    tags = json.dumps(spec.tags) if spec.tags else "[]"
    expires_at = order.expires_at(spec.wish, begun=False)
    return _Shared(spec, key, session.lanes.ensure(key, now), wishes.dump(spec.wish), tags, expires_at)


def enqueue(session: Session, specs: Sequence[TaskSpec], now: int) -> list[Enqueued]:
    """Insert the tasks and return what became of each, in order.

    Those that are due are ready at once, the others wait for their alarm. What is deduplicated, unique or comes after
    others sees everything before it, of the same call as well. Raises NotFoundError for an unknown upstream.
    """
    found: list[Enqueued] = []
    for is_plain, run in groupby(specs, key=_is_plain):
        if is_plain:
            plain = list(run)
            insert(session, plain, now)
            found += [Enqueued(spec.id, State.QUEUED) for spec in plain]
        else:
            found += [_admit(session, spec, now) for spec in run]
    return found


def _is_plain(spec: TaskSpec) -> bool:
    return spec.is_plain


def _admit(session: Session, spec: TaskSpec, now: int) -> Enqueued:
    from bgo.engine.ties import admit  # most work is plain, and need not know of this

    return admit(session, spec, now, lambda state: insert(session, (spec,), now, Under(state=state)))


def insert(session: Session, specs: Sequence[TaskSpec], now: int, under: Under = PLAIN) -> int:
    """Insert rows as they are, whatever else there is; return the seq of the first. Seqs go up by one."""
    seq = session.tasks.next_seq()
    inputs = _store(session, [s.input for s in specs])
    setups = _store(session, [s.setup for s in specs])
    shared: _Shared | None = None
    rows, touched = [], set()
    for number, (spec, input_ref, setup_ref) in enumerate(zip(specs, inputs, setups, strict=True)):
        if shared is None or not shared.fits(spec):
            shared = _share(session, spec, now, under.stage)
        row = _row(spec, shared, (seq + number, input_ref, setup_ref, under.parent_of(number)), under, now)
        rows.append(row)
        if row.ready:
            touched.add(row.lane)
    session.tasks.insert(rows)
    session.lanes.refresh(touched, now)
    return seq


def _store(session: Session, items: Sequence[bytes | None]) -> list[int | None]:
    """Keep payloads; an empty object needs none."""
    kept = [item for item in items if item is not None and item != payloads.EMPTY]
    numbers = iter(session.payloads.put_many(kept) if kept else ())
    return [None if item is None or item == payloads.EMPTY else next(numbers) for item in items]


def _row(
    spec: TaskSpec, shared: _Shared, refs: tuple[int, int | None, int | None, int | None], under: Under, now: int
) -> NewTask:
    seq, input_ref, setup_ref, parent = refs
    key = shared.key
    due = now if spec.due_at is None else spec.due_at
    blocked = under.state is State.BLOCKED
    ready = due <= now and under.state is State.QUEUED
    unique = spec.wish.unique
    place = order.order_key(key.strategy, due_ms=due, priority=spec.priority, seq=seq, draw=spec.random_order)
    return NewTask(
        seq=seq,
        id=spec.id,
        name=key.name,
        handler=spec.handler,
        state=under.state,
        reason=Reason.NEW,
        lane=shared.lane,
        queue=spec.queue,
        priority=spec.priority,
        tags=shared.tags,
        wish=shared.wish,
        ready=int(ready),
        ready_at=max(due, now) if ready else now if blocked else None,
        due_at=due,
        order_key=place,
        rank=order.rank(due, spec.priority),
        draw=spec.random_order,
        cwd=spec.cwd,
        input=input_ref,
        setup=setup_ref,
        created_at=now,
        expires_at=shared.expires_at,
        unique_id=None if unique is None or under.stage is not None else unique.id,
        dedup_key=spec.dedup_key if under.stage is None else None,  # what nobody sees stands in nobody's way
        kind=under.kind,
        parent=parent,
        step=under.step,
        schedule=spec.schedule,
        occurrence=spec.occurrence,
        relax_at=now + spec.wish.relax[0].after_ms if spec.wish.relax else None,
    )

"""Templates: what a schedule makes for an occurrence, a task, a chain or a batch, all of it in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from bgo.engine import batch as batches
from bgo.engine import chain as chains
from bgo.engine import occasions
from bgo.engine.enqueue import Under, insert
from bgo.engine.members import draw_of
from bgo.engine.ties import admit
from bgo.errors import NotFoundError, RefusedError
from bgo.model.flow import Batch, ChainSpec, MemberSpec, Template, template_from
from bgo.model.schedule import Reboot, Schedule
from bgo.model.state import State
from bgo.model.task import Enqueued, TaskSpec
from bgo.store.port import Session

PAGE = 250
_read = lru_cache(maxsize=16)(template_from)
"""What fires often is read once."""


def make(session: Session, schedule: Schedule, at: int, needs: Mapping[int, str], now: int) -> str:
    """Do as `enqueue`, and return the id."""
    return enqueue(session, schedule, at, needs, now).id


def enqueue(session: Session, schedule: Schedule, at: int, needs: Mapping[int, str], now: int) -> Enqueued:
    """Make what the schedule asks for at an occurrence, after what it needs (seq to kind); return it, or what stands in
    for it."""
    due = now if isinstance(schedule.timing.rule, Reboot) else occasions.fires_at(schedule.id, schedule.wish, at)
    deadlines = (_after(now, schedule.wish.start_before_ms), _after(now, schedule.wish.finish_before_ms))
    match _template(session, schedule):
        case TaskSpec() as spec:
            spec = _timed(_own(session, spec, schedule, at), due, *deadlines)
            spec = replace(spec, random_order=draw_of(spec.id))
            return _task(session, spec, needs, now)
        case ChainSpec() as chain:
            return _chain(session, _chain_of(session, chain, schedule, at, due, deadlines), needs, now)
        case Batch() as batch:
            own = replace(batch, spec=_own(session, batch.spec, schedule, at))
            return _batch(session, own, (due, *deadlines), needs, now)
    raise AssertionError("a template is a task, a chain or a batch")


def _template(session: Session, schedule: Schedule) -> Template:
    try:
        return _read(session.payloads.get(schedule.plan_ref))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RefusedError(
            "what it makes cannot be read",
            why=f"{type(error).__name__}: {error}",
            hint=f"bgo unschedule {schedule.id}, and schedule it anew",
        ) from error


def _after(now: int, ms: int | None) -> int | None:
    return None if ms is None else now + ms


def _own(session: Session, spec: TaskSpec, schedule: Schedule, at: int) -> TaskSpec:
    """Return it as the one of this occurrence; what it was to come after and is gone by now had ended."""
    after = tuple(word for word in spec.after if session.tasks.find(word) is not None)
    return replace(spec, id=occasions.task_id(schedule.id, at), schedule=schedule.id, occurrence=at, after=after)


def _timed(spec: TaskSpec, due: int | None, start_before: int | None, finish_before: int | None) -> TaskSpec:
    wish = spec.wish
    if (start_before, finish_before) != (None, None):
        wish = replace(wish, start_before=start_before, finish_before=finish_before)
    return replace(spec, due_at=due, wish=wish)


def _waiting(session: Session, seq: int, needs: Mapping[int, str]) -> int:
    if needs:
        session.links.add(seq, needs)
    return seq


def _task(session: Session, spec: TaskSpec, needs: Mapping[int, str], now: int) -> Enqueued:
    def come_in(state: State) -> int:
        state = State.BLOCKED if needs else state
        return _waiting(session, insert(session, (spec,), now, Under(state=state)), needs)

    return admit(session, spec, now, come_in)


def _chain_of(
    session: Session, chain: ChainSpec, schedule: Schedule, at: int, due: int,
    deadlines: tuple[int | None, int | None],
) -> ChainSpec:  # fmt: skip
    spec = _timed(_own(session, chain.spec, schedule, at), due, deadlines[0], None)
    return replace(chain, spec=spec, members=_timed_members(chain, due, deadlines))


def _timed_members(chain: ChainSpec, due: int, deadlines: tuple[int | None, int | None]) -> tuple[MemberSpec, ...]:
    """Its start time, and the deadline for that, are those of its first step; to finish in time is for each member."""
    start_before, finish_before = deadlines
    return tuple(
        _member(member, (due, start_before) if member.step == 0 else (None, None), finish_before)
        for member in chain.members
    )


def _member(member: MemberSpec, start: tuple[int | None, int | None], finish_before: int | None) -> MemberSpec:
    due, start_before = start
    if member.batch is None or member.batch.template is None:
        return replace(member, spec=_timed(member.spec, due, start_before, finish_before))
    template = _timed(member.batch.template, None, None, finish_before)
    spec = _timed(member.spec, due, start_before, None)
    return replace(member, spec=spec, batch=replace(member.batch, template=template))


def _chain(session: Session, chain: ChainSpec, needs: Mapping[int, str], now: int) -> Enqueued:
    seqs: list[int] = []

    def come_in(state: State) -> int:
        begins = state is State.QUEUED and not needs
        seqs.append(chains.insert_chain(session, chain, now, begins=begins))
        return _waiting(session, seqs[0], needs)

    made = admit(session, chain.spec, now, come_in)
    chains.set_going(session, seqs, now)
    return made


def _batch(
    session: Session, batch: Batch, times: tuple[int, int | None, int | None], needs: Mapping[int, str], now: int
) -> Enqueued:
    """It comes in unseen and is sealed in the same transaction: it has no more items than that may have."""
    spec, plan = batch.spec, batch.plan
    if plan.template is not None:
        plan = replace(plan, template=_timed(plan.template, *times))
    if plan.chain is not None:
        plan = replace(plan, chain=replace(plan.chain, members=_timed_members(plan.chain, times[0], times[1:])))
    spec = replace(spec, due_at=times[0])
    seq = batches.open_stage(session, replace(spec, dedup_key=None), plan, spec.id, now, is_open=False)
    for first in range(0, len(batch.items), PAGE):
        batches.add(session, seq, spec.id, batch.items[first : first + PAGE], first, now)
    made = batches.seal(session, spec.id, spec, now, needs)
    if made is None:
        raise NotFoundError(f"batch {spec.id} is gone", why="it was made in this transaction")
    if made.outcome != "new":
        while stage := next((row for row in session.stages.list() if row.id == spec.id), None):
            batches.discard(session, stage, PAGE, now)
    return made

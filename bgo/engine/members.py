"""Members: the rows of chains and batches, inserted whole by the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bgo.engine.enqueue import Under, insert
from bgo.ids import derived_id, derived_ids
from bgo.model import payload as payloads
from bgo.model.flow import BatchPlan, ChainSpec, MemberSpec, batch_plan_json, chain_plan_json
from bgo.model.state import State
from bgo.model.task import Task, TaskSpec
from bgo.store.port import Session

_DRAWS = float(1 << 53)
_GOLDEN = 0x9E3779B97F4A7C15
"""2^64 over the golden ratio: numbers that follow each other land far apart (Knuth, TAOCP 3, 6.4)."""


def keep_plan(session: Session, plan: object) -> int:
    """Keep a plan as a payload; return its id."""
    return session.payloads.put(payloads.dump(plan, "the plan"))


def add_items(
    session: Session,
    node: Task,
    plan: BatchPlan,
    items: Sequence[bytes],
    now: int,
    *,
    first: int,
    stage: str | None = None,
    state: State = State.QUEUED,
) -> None:
    """Insert members of a batch for these items (canonical JSON of objects); `first` is the number of the first.

    Their ids follow from the stage they come in with, so that several may add to one batch at once.
    """
    ids = list(derived_ids(stage or node.id, node.seq, first=first, count=len(items)))
    if plan.chain is not None:
        return add_chains(
            session, plan.chain, (ids, items), now, Under("chain", state, (node.seq,) * len(ids), 0, stage)
        )
    if plan.template is None:
        raise AssertionError(f"batch {node.id} does not say what an item becomes")
    specs = [_made_of(plan.template, task_id, item) for task_id, item in zip(ids, items, strict=True)]
    insert(session, specs, now, Under("task", state, (node.seq,) * len(ids), 0, stage))
    return None


def _made_of(like: TaskSpec, task_id: str, item: bytes) -> TaskSpec:
    """Return a template as a spec; spelt out, because a million items are made so."""
    return TaskSpec(
        task_id,
        like.handler,
        item,
        like.name,
        like.queue,
        like.priority,
        like.tags,
        like.due_at,
        like.wish,
        like.setup,
        like.cwd,
        draw_of(task_id),
    )


def rows_of(plan: BatchPlan) -> int:
    """Return how many rows one item of a batch becomes."""
    inner = () if plan.chain is None else plan.chain.members
    return 1 + sum(1 + (len(m.items) * rows_of(m.batch) if m.batch else 0) for m in inner)


def draw_of(task_id: str) -> float:
    """Return a number in [0, 1) that follows from an id."""
    return (int.from_bytes(task_id.encode()[-7:], "big") * _GOLDEN >> 11 & (1 << 53) - 1) / _DRAWS


def add_chains(
    session: Session, chain: ChainSpec, made: tuple[Sequence[str], Sequence[bytes]], now: int, under: Under
) -> None:
    """Insert equal chains with these ids and inputs, each with all its members; they keep no plan of their own.

    Those that start with a batch are blocked until the one they are in lets them begin: a wave makes their members.
    """
    ids, items = made
    starts_with_batch = any(member.step == 0 and member.batch is not None for member in chain.members)
    begins = under.state is State.QUEUED and not starts_with_batch
    specs = [replace(chain.spec, id=task_id, input=item) for task_id, item in zip(ids, items, strict=True)]
    seq = insert(session, specs, now, under._replace(state=State.RUNNING if begins else State.BLOCKED))
    seqs = range(seq, seq + len(ids))
    for each in seqs:
        session.flows.insert(each, None, at=0, is_open=False)
        session.flows.count(each, "total", len(chain.members))
    add_members(session, chain.members, (seqs, ids), now, (begins, under.stage))


def add_members(
    session: Session,
    members: Sequence[MemberSpec],
    parents: tuple[Sequence[int], Sequence[str]],
    now: int,
    how: tuple[bool, str | None],
) -> None:
    """Insert the members of equal chains; `how`: whether the first step may start at once, and the stage."""
    begins, stage = how
    seqs, ids = parents
    for number, member in enumerate(members):
        own = [derived_id(parent, number) for parent in ids]
        specs = [replace(member.spec, id=task_id, random_order=draw_of(task_id)) for task_id in own]
        starts = begins and member.step == 0
        if member.batch is not None:
            _add_batches(session, member, (specs, seqs), now, (starts, stage))
            continue
        specs = specs if member.step == 0 else [_later(spec) for spec in specs]
        state = State.QUEUED if starts else State.BLOCKED
        insert(session, specs, now, Under("task", state, seqs, member.step, stage))


def _later(spec: TaskSpec) -> TaskSpec:
    """A start time is the chain's: later steps come when their turn comes."""
    return spec if spec.due_at is None else replace(spec, due_at=None)


def _add_batches(
    session: Session,
    member: MemberSpec,
    made: tuple[Sequence[TaskSpec], Sequence[int]],
    now: int,
    how: tuple[bool, str | None],
) -> None:
    """Insert batches that are steps of chains. They begin when their turn comes, those of a first step by a wave."""
    specs, parents = made
    plan = member.batch or BatchPlan()
    fans_out = plan.over is not None
    seq = insert(session, specs, now, Under("batch", State.BLOCKED, parents, member.step, how[1]))
    for each in range(seq, seq + len(specs)):
        kept = keep_plan(session, batch_plan_json(plan))  # its own: a callback may be added to it
        session.flows.insert(each, kept, at=0, is_open=fans_out)
        if fans_out:
            session.flows.set(each, "cursor", 0)
        node = session.tasks.find_seq(each)
        if node is not None and member.items:
            add_items(session, node, plan, member.items, now, first=0, stage=how[1], state=State.BLOCKED)
            session.flows.count(each, "total", len(member.items))


def chain_plan_of(session: Session, chain: ChainSpec) -> int:
    """Keep the plan of a chain that stands alone."""
    return keep_plan(session, chain_plan_json(chain.plan))

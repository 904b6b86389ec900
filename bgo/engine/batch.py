"""Batch: any number of items come in by the page, unseen; then one commit lets all of them be seen and start.

The page of a moment is all that is in memory. What a dead enqueuer has left unsealed is removed, nobody ever saw it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from bgo.engine import chain as chains
from bgo.engine import inputs, members
from bgo.engine.enqueue import Under, insert
from bgo.engine.followups import call_back, has_begun
from bgo.engine.ties import admit
from bgo.errors import RefusedError
from bgo.model.flow import BatchPlan, ChainSpec, batch_plan_json, with_callback
from bgo.model.state import FINAL, State
from bgo.model.task import Enqueued, Task, TaskSpec
from bgo.store.port import Session
from bgo.store.rows import FlowRow, StageRow

NOTHING: Mapping[int, str] = MappingProxyType({})


def open_stage(session: Session, spec: TaskSpec, plan: BatchPlan, owner: str, now: int, *, is_open: bool) -> int:
    """Begin a new batch, unseen; return its seq. Its stage has its id. `is_open`: more may come after the sealing."""
    session.stages.open(spec.id, session.tasks.next_seq(), owner, now)
    seq = insert(session, (spec,), now, Under("batch", State.RUNNING, stage=spec.id))
    kept = members.keep_plan(session, batch_plan_json(plan))
    session.flows.insert(seq, kept, at=0, is_open=is_open)
    return seq


def open_chain_stage(session: Session, chain: ChainSpec, owner: str, now: int) -> int:
    """Begin a chain, unseen, that has large batches among its steps; return its seq. Its stage has its id."""
    session.stages.open(chain.spec.id, session.tasks.next_seq(), owner, now)
    return chains.insert_chain(session, chain, now, begins=True, stage=chain.spec.id)


def more(session: Session, node: Task, stage: str, owner: str, now: int) -> None:
    """Begin to bring more items into a batch. Raises RefusedError when it is closed."""
    flow = session.flows.find(node.seq)
    if node.kind != "batch" or flow is None:
        raise _full(node, f"it is a {node.kind}")
    _check_goes_on(node)
    if not flow.open or flow.cursor is not None:
        raise _full(node, "it was not made with --open, or was closed since")
    session.stages.open(stage, node.seq, owner, now)


def _check_goes_on(node: Task) -> None:
    if node.state in FINAL:
        raise _full(node, f"it is {node.state}")
    if node.cancel_reason is not None:
        raise _full(node, "it is being cancelled")


def _full(node: Task, why: str) -> RefusedError:
    return RefusedError(f"{node.id} takes no more items", why=why, hint="bgo batch NAME --open makes one that does")


def add(session: Session, seq: int, stage: str, items: Sequence[bytes], first: int, now: int) -> None:
    """Bring a page of items (canonical JSON of objects) into a batch; `first` is the number of its first one.

    Raises RefusedError when the stage is gone (its owner was taken for dead), or the batch has ended meanwhile.
    """
    node, flow = _known(session, seq, stage)
    _check_goes_on(node)
    is_root = _stage(session, stage).flow == seq
    state = State.QUEUED if is_root else State.BLOCKED
    session.stages.add(stage, len(items) if is_root else 0)
    if not is_root:
        session.flows.count(seq, "total", len(items))
    plan = inputs.batch_plan(session, flow)
    members.add_items(session, node, plan, items, now, first=first, stage=stage, state=state)


def seal(
    session: Session, stage: str, spec: TaskSpec | None, now: int, needs: Mapping[int, str] = NOTHING
) -> Enqueued | None:
    """Let all that came in be seen, and start; return what became of it, None for more items of an open batch.

    One that is not plain (dedup, unique, after) is judged now: where another stands in for it, its rows stay unseen
    for `discard`; where it must wait for others, of `needs` (seq to kind) too, all of it waits. More items of a batch
    that waits wait with it.
    Raises RefusedError when the stage is gone, or the batch has ended meanwhile.
    """
    seq = _stage(session, stage).flow
    node, _ = _known(session, seq, stage)
    if node.id != stage:
        _check_goes_on(node)
    made = None if spec is None else Enqueued(spec.id, State.QUEUED)
    if spec is not None and (needs or not spec.is_plain):
        made = admit(session, spec, now, lambda state: _judged(session, seq, spec, State.BLOCKED if needs else state))
        if needs and made.outcome == "new":
            session.links.add(seq, needs)
        if made.outcome != "new":
            return made
        node, _ = _known(session, seq, stage)
    begins = node.state is State.RUNNING
    sealed = session.stages.seal(stage, now) if begins else session.stages.show(stage)
    if sealed is not None and node.kind == "batch":
        session.flows.count(seq, "total", sealed[1])
    chains.set_going(session, (seq,), now)
    return made


def _judged(session: Session, seq: int, spec: TaskSpec, state: State) -> int:
    """It is here already: only what others see of it from now on is news, and whether it must wait for others."""
    if state is State.BLOCKED:
        session.flows.hold_back(seq)
    session.flows.announce(seq, spec.dedup_key, None if spec.wish.unique is None else spec.wish.unique.id)
    return seq


def _stage(session: Session, stage: str) -> StageRow:
    found = next((row for row in session.stages.list() if row.id == stage), None)
    if found is None:
        raise RefusedError(
            "what was coming in is gone",
            why="its enqueuer was taken for dead, and what nobody seals is removed",
            hint="enqueue it again",
        )
    return found


def discard(session: Session, stage: StageRow, limit: int, now: int) -> bool:
    """Remove some of what came in unseen and will never be sealed; say whether more is left."""
    if session.stages.drop(stage, limit, now):
        return True
    chains.set_going(session, (stage.flow,), now)  # an open batch may have waited for nothing else
    return False


def close(session: Session, node: Task, now: int) -> bool:
    """Let no more items come in; the batch ends with its last member. Says whether that was news."""
    flow = session.flows.find(node.seq)
    if node.kind != "batch" or flow is None:
        raise RefusedError(f"{node.id} is no batch", why=f"it is a {node.kind}", hint="bgo batches lists them")
    if not flow.open or flow.cursor is not None:
        return False
    session.flows.set(node.seq, "open", 0)
    if node.state not in FINAL:  # else it ends by itself when it is retried
        chains.set_going(session, (node.seq,), now)
    return True


def set_callback(session: Session, node: Task, kind: str, template: TaskSpec, now: int) -> None:
    """Name the task that follows the batch's end; if it has ended already and calls for it, that is queued now."""
    node, flow = _known(session, node.seq, node.id)
    if node.kind != "batch":
        raise RefusedError(f"{node.id} is no batch", why=f"it is a {node.kind}", hint="bgo batches lists them")
    if kind in json.loads(flow.told):
        why, hint = "each is called once in a batch's life", f"bgo batches show {node.id}"
        raise RefusedError(f"the {kind} of batch {node.id} was called already", why=why, hint=hint)
    plan = with_callback(inputs.batch_plan(session, flow), kind, template)
    session.flows.set(node.seq, "plan", members.keep_plan(session, batch_plan_json(plan)))
    if flow.plan is not None:
        session.payloads.drop((flow.plan,))
    if node.state in FINAL and has_begun(session, node):
        call_back(session, node, node.state, now)


def _known(session: Session, seq: int, what: str) -> tuple[Task, FlowRow]:
    node, flow = session.tasks.find_seq(seq), session.flows.find(seq)
    if node is None or flow is None:
        raise RefusedError(f"{what} is gone", why="it was removed meanwhile", hint="bgo batches lists what there is")
    return node, flow

"""Inputs: what a member of a chain or a batch gets to work on, put together when it is claimed from what is kept once.

A chain's member: the chain's input, the outputs of the step before over it, its own over that. A batch's: the batch's
input beneath its item.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bgo.model import payload as payloads
from bgo.model.flow import BatchPlan, ChainPlan, batch_plan_from, chain_plan_from
from bgo.model.state import State
from bgo.model.task import FOLLOW_UP, INPUT_LIMIT
from bgo.policy import chain as policy

if TYPE_CHECKING:
    from bgo.model.task import Task
    from bgo.store.port import Session
    from bgo.store.rows import FlowRow

WIDEST = 10_000
"""Members of one step of a chain that are looked at for their outputs; a step that is a batch has one."""
LISTED = 10_000
"""Members of a batch whose outputs together may become its own."""


def chain_plan(session: Session, node: Task, flow: FlowRow | None = None) -> ChainPlan:
    """Return the plan of a chain; one of many in a batch is kept with the batch."""
    flow = flow or session.flows.find(node.seq)
    if flow is not None and flow.plan is not None:
        return chain_plan_from(session.payloads.get(flow.plan))
    above = None if node.parent is None else session.flows.find(node.parent)
    plan = None if above is None else batch_plan(session, above)
    if plan is None or plan.chain is None:
        raise AssertionError(f"chain {node.id} has no plan")
    return plan.chain.plan


def batch_plan(session: Session, flow: FlowRow) -> BatchPlan:
    """Return the plan of a batch."""
    return BatchPlan() if flow.plan is None else batch_plan_from(session.payloads.get(flow.plan))


def input_of(session: Session, task: Task) -> dict[str, Any]:
    """Return the whole input of a task, a chain or a batch, as far as it is known now."""
    own = _opened(session, task.input_ref) or {}
    parent = None if task.parent is None else session.tasks.find_seq(task.parent)
    if parent is None or (parent.kind == "batch" and task.step >= FOLLOW_UP):
        return own
    base = input_of(session, parent)
    if parent.kind == "chain" and 0 < task.step < FOLLOW_UP and task.kind == "task":
        merge = chain_plan(session, parent).steps[task.step].merge
        base = policy.merged(base, _outputs(session, parent, task.step - 1), merge)
    return {**base, **own}


def given(session: Session, task: Task, own: bytes) -> tuple[bytes, dict[str, Any]]:
    """Return the whole input of a member that is claimed, as canonical JSON, and the outputs of its chain so far."""
    parent = None if task.parent is None else session.tasks.find_seq(task.parent)
    is_item = parent is not None and parent.kind == "batch" and parent.parent is None
    if parent is not None and is_item and (parent.input_ref is None or task.step >= FOLLOW_UP):
        return own, {}  # most members: an item, and nothing beneath it
    return payloads.dump(input_of(session, task), "the input"), earlier_outputs(session, task)


def earlier_outputs(session: Session, task: Task) -> dict[str, Any]:
    """Return the outputs of all earlier steps of a task's chain, by name; none for what is in no chain.

    What is made of an item of an output gets the others, and of that one its item: 10,000 items need no copy each.
    """
    parent = None if task.parent is None else session.tasks.find_seq(task.parent)
    without = ""
    if parent is not None and parent.kind == "batch" and parent.parent is not None and task.step < FOLLOW_UP:
        flow = session.flows.find(parent.seq)
        over = None if flow is None else batch_plan(session, flow).over
        without = "" if over is None else over.member
        task, parent = parent, session.tasks.find_seq(parent.parent)
    if parent is None or parent.kind != "chain":
        return {}
    last = len(chain_plan(session, parent).steps) if task.step >= FOLLOW_UP else task.step
    return {name: value for step in range(last) for name, value in _outputs(session, parent, step, without)}


def made_by(session: Session, task: Task) -> tuple[str | None, int | None]:
    """Return the schedule that made a member, or what it is in, by id, and the occurrence."""
    above: Task | None = task
    while above is not None and above.schedule is None and above.parent is not None:
        above = session.tasks.find_seq(above.parent)
    return (None, None) if above is None else (above.schedule, above.occurrence)


def output_named(session: Session, node: Task, name: str) -> Any:
    """Return the output of a chain's member by its name."""
    for step, each in enumerate(chain_plan(session, node).steps):
        if name in each.members:
            return dict(_outputs(session, node, step)).get(name)
    return None


def _outputs(session: Session, node: Task, step: int, without: str = "") -> list[tuple[str, Any]]:
    members = session.flows.of_step(node.seq, step, limit=WIDEST)
    return [
        (member.name, _opened(session, member.output_ref if member.state is State.SUCCEEDED else None))
        for member in members
        if member.name != without
    ]


def output_of(session: Session, node: Task) -> Any:
    """Return what a chain or batch that has just ended leaves: of a chain the outputs of its last step, of a batch in a
    chain the list of its members' outputs if that fits, else how many ended how."""
    if node.kind == "chain":
        last = len(chain_plan(session, node).steps) - 1
        return policy.merged({}, _outputs(session, node, last), "overwrite") or None
    flow = session.flows.find(node.seq)
    if flow is None:
        raise AssertionError("it was read in this transaction")
    in_chain = node.parent is not None
    if in_chain and flow.total <= LISTED and session.flows.output_bytes(node.seq) + 5 * flow.total <= INPUT_LIMIT:
        return [value for _, value in _outputs(session, node, 0)]
    return {"batch_id": node.id, **counts(flow)}


def counts(flow: FlowRow) -> dict[str, int]:
    """Return how many members there are, and how they have ended."""
    return {
        "total": flow.total,
        "succeeded": flow.succeeded,
        "failed": flow.failed,
        "cancelled": flow.cancelled,
    }


def failure_of(session: Session, node: Task, culprit: Task | None) -> tuple[str, str]:
    """Return the error of a chain or batch that has failed: its type and its message."""
    if node.kind == "batch":
        flow = session.flows.find(node.seq)
        failed, total = (0, 0) if flow is None else (flow.failed, flow.total)
        return "MembersFailed", f"{failed:,} of {total:,} failed: bgo tasks --batch {node.id} --state failed"
    if culprit is None:
        return "StepFailed", "a step failed"
    error = session.payloads.error(culprit.error_ref)
    why = "" if error is None else f": {error.type}: {error.message}"
    return "StepFailed", f"step {culprit.name} ({culprit.kind} {culprit.id}) failed{why}"


def _opened(session: Session, ref: int | None) -> Any:
    return None if ref is None else payloads.load(session.payloads.get(ref))

"""Explaining chains and batches: what a member waits for, and how far the whole is."""

from __future__ import annotations

from collections.abc import Callable

from bgo.engine import graph, inputs
from bgo.model.plan import Gate, Hold
from bgo.model.state import CLAIMABLE, State
from bgo.model.task import FOLLOW_UP, Task
from bgo.model.views import GateLine
from bgo.store.port import Session

NAMED = 5
"""Members of which an explanation tells so many, the first ones: more of the same tell no more."""
LOOKED_AT = 1000
"""Members of a chain that are looked through for those that come before another."""


def turn(session: Session, task: Task) -> list[GateLine]:
    """Return the lines of a blocked member: what of its chain or batch must end, or begin, first."""
    parent = None if task.parent is None else session.tasks.find_seq(task.parent)
    if parent is None or task.step >= FOLLOW_UP:
        return []
    if parent.state is State.BLOCKED or parent.kind == "batch":
        return [_waits_for(parent, f"{parent.id} is {parent.state}", f"{parent.kind} {parent.id} ({parent.name})")]
    plan = inputs.chain_plan(session, parent)
    before = [m for m in session.flows.members(parent.seq, limit=LOOKED_AT) if m.step < task.step and not m.finished_at]
    return [
        _waits_for(other, f"{other.id} is {word(session, other)}", f"step {plan.steps[other.step].name} of the chain")
        for other in before[:NAMED]
    ]


def staged(session: Session, task: Task) -> list[GateLine]:
    """Return the line of a member whose batch waits, with all that is in it, for something else."""
    state = session.lanes.state(task.lane)
    parent = None if task.parent is None else session.tasks.find_seq(task.parent)
    while parent is not None and parent.parent is not None:
        parent = session.tasks.find_seq(parent.parent)
    if parent is None or state.held_by != Gate.STAGING:
        return []
    holder = f"{parent.kind} {parent.id} ({parent.name})"
    hold = Hold(Gate.STAGING, f"{parent.id} is {parent.state}", "begun", holder, None, f"bgo explain {parent.id}")
    return [GateLine(Gate.STAGING, False, hold.current, hold.needed, hold)]


def word(session: Session, task: Task) -> str:
    """Return how something stands, as people are told it: a chain of which nothing has begun is queued."""
    flow = session.flows.find(task.seq) if task.kind != "task" else None
    return str(task.state if flow is None else graph.as_going(session, task, flow).state)


def _waits_for(other: Task, current: str, holder: str) -> GateLine:
    hold = Hold(Gate.UPSTREAM, current, "done", holder, None, f"bgo explain {other.id}")
    return GateLine(Gate.UPSTREAM, False, hold.current, hold.needed, hold)


def going_on(session: Session, node: Task, why: Callable[[Task], str]) -> tuple[GateLine, ...]:
    """Return a line for each member of a chain or batch that could go on now; `why` tells of a member what holds it."""
    flow = session.flows.find(node.seq)
    if flow is None:
        return ()
    step = flow.at if node.kind == "chain" and not flow.ending else None
    found = [
        m for m in session.flows.unstopped(node.seq, NAMED) if step is None or m.step <= step or m.step >= FOLLOW_UP
    ]
    lines = []
    for member in found:
        stands, held = word(session, member), why(member) if member.kind == "task" else ""
        current = f"{member.id} is {stands}{': ' + held if held else ''}"
        goes_on = member.due_at if member.state in CLAIMABLE and not member.ready else None
        hold = Hold(Gate.UPSTREAM, current, "done", f"{member.kind} {member.name}", goes_on, f"bgo explain {member.id}")
        lines.append(GateLine(Gate.UPSTREAM, False, current, "done", hold))
    return tuple(lines)


def verdict(session: Session, node: Task) -> str:
    """Return how far a chain or batch that has begun is, in words."""
    flow = session.flows.find(node.seq)
    if flow is None:
        return str(node.state)
    bad = [f"{n:,} {what}" for n, what in ((flow.failed, "failed"), (flow.cancelled, "cancelled")) if n]
    said = ", ".join([f"{flow.ended:,} of {flow.total:,} {'ended' if bad else 'done'}", *bad])
    if node.cancel_reason is not None:
        return f"being cancelled; {said}"
    if node.kind == "chain":
        plan = inputs.chain_plan(session, node, flow)
        if flow.ending:
            return f"about to end as {flow.ending}; {said}"
        return f"at step {plan.steps[flow.at].name} ({flow.at + 1} of {len(plan.steps)}); {said}"
    if flow.open and flow.cursor is None and flow.ended == flow.total:
        return f"open: waits for more items, or bgo batches close {node.id}; {said}"
    rest = flow.total - flow.ended
    return f"{said}; of the other {rest:,} the first {NAMED} are told" if rest > NAMED else said

"""Graph: a chain or a batch as people look at it: its steps, the members of each, and how far it all is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bgo.clock import to_iso
from bgo.engine import inputs
from bgo.engine.expire import as_shown
from bgo.model.flow import CALLBACKS
from bgo.model.state import FINAL, State
from bgo.model.task import FOLLOW_UP, Task
from bgo.model.views import SCHEMA, error_json

if TYPE_CHECKING:
    from bgo.model.outcome import TaskError
    from bgo.store.port import Session
    from bgo.store.rows import FlowRow

SHOWN = 100
"""Members of a batch that a graph shows; the counts tell of all of them."""
WIDEST = 2_000


@dataclass(frozen=True, slots=True)
class Node:
    """One task, chain or batch of a graph, with its own members if it has any."""

    task: Task
    error: TaskError | None = None
    counts: Mapping[str, int] | None = None
    """Of a chain or batch: total, succeeded, failed, cancelled."""
    steps: tuple[StepNode, ...] = ()
    follow_ups: tuple[Node, ...] = ()
    """Compensations and callbacks that came about."""
    callbacks: Mapping[str, str] | None = None
    """Of a batch: the handlers that are called at its end, by kind."""
    is_open: bool = False
    """Of a batch: more items may be added."""

    def to_json(self) -> dict[str, Any]:
        """Return the documented object: a task in short, a chain with its steps, a batch with its first members."""
        t = self.task
        found: dict[str, Any] = {
            "id": t.id, "kind": t.kind, "name": t.name, "handler": t.handler or None, "state": str(t.state),
            "reason": str(t.reason), "run": t.run, "attempt": t.attempt,
            "progress": {"fraction": t.progress, "message": t.progress_message},
            "error": error_json(self.error), "created_at": to_iso(t.created_at), "started_at": to_iso(t.started_at),
            "finished_at": to_iso(t.finished_at), "duration_ms": duration_ms(t),
        }  # fmt: skip
        if self.counts is not None:
            found |= {"counts": dict(self.counts), "steps": [step.to_json() for step in self.steps]}
            found["follow_ups"] = [node.to_json() for node in self.follow_ups]
        if self.callbacks is not None:
            found |= {"callbacks": dict(self.callbacks), "open": self.is_open}
        return found


@dataclass(frozen=True, slots=True)
class StepNode:
    """A step of a chain, or the members of a batch, as far as they are shown."""

    name: str
    on_failure: str
    merge: str
    members: tuple[Node, ...]

    @property
    def state(self) -> State:
        """Return how the step stands: as its members do, the one that matters most first."""
        states = {node.task.state for node in self.members}
        order = (State.RUNNING, State.RETRYING, State.QUEUED, State.BLOCKED, State.FAILED, State.CANCELLED)
        return next((state for state in order if state in states), State.SUCCEEDED)

    def to_json(self) -> dict[str, Any]:
        """Return the documented object."""
        return {
            "name": self.name,
            "on_failure": self.on_failure,
            "merge": self.merge,
            "state": str(self.state),
            "members": [node.to_json() for node in self.members],
        }


def duration_ms(task: Task) -> int | None:
    """Return how long it took, None before its end."""
    if task.finished_at is None or task.started_at is None:
        return None
    return max(0, task.finished_at - task.started_at)


def document(node: Node) -> dict[str, Any]:
    """Return a whole graph as its documented object."""
    return {"schema": SCHEMA, **node.to_json()}


def graph(session: Session, task: Task, now: int) -> Node:
    """Return a chain or batch with its members, as it stands now; a task is a graph of one."""
    flow = session.flows.find(task.seq) if task.kind != "task" else None
    error = session.payloads.error(task.error_ref) if task.state in FINAL else None
    if flow is None:
        return Node(as_shown(task, now), error)
    steps = _chain_steps(session, task, flow, now) if task.kind == "chain" else _batch_steps(session, task, now)
    shown, counts = as_going(session, task, flow), inputs.counts(flow)
    follow_ups = tuple(
        graph(session, each, now)
        for each in session.flows.members(task.seq, after=(FOLLOW_UP - 1, 1 << 62), limit=SHOWN)
    )
    callbacks = None
    if task.kind == "batch":
        plan = inputs.batch_plan(session, flow)
        callbacks = {kind: plan.callbacks[kind].handler for kind in CALLBACKS if kind in plan.callbacks}
    return Node(shown, error, counts, steps, follow_ups, callbacks, bool(flow.open and flow.cursor is None))


def _chain_steps(session: Session, task: Task, flow: FlowRow, now: int) -> tuple[StepNode, ...]:
    plan = inputs.chain_plan(session, task, flow)
    return tuple(
        StepNode(
            step.name,
            step.on_failure,
            step.merge,
            tuple(graph(session, each, now) for each in session.flows.of_step(task.seq, number, limit=WIDEST)),
        )
        for number, step in enumerate(plan.steps)
    )


def _batch_steps(session: Session, task: Task, now: int) -> tuple[StepNode, ...]:
    members = tuple(graph(session, each, now) for each in session.flows.of_step(task.seq, 0, limit=SHOWN))
    return (StepNode("items", "continue", "overwrite", members),) if members else ()


def as_going(session: Session, task: Task, flow: FlowRow) -> Task:
    """Return a chain or batch as people are told it stands: queued until something in it has begun, with the share of
    its members that have ended as its progress."""
    if task.state is not State.RUNNING:
        return task
    done = flow.ended
    state = State.RUNNING
    if not done and task.started_at is None and not session.flows.runs_under(task.seq):
        state = State.QUEUED
    said = f"{done:,} of {flow.total:,}" + (f", {flow.failed:,} failed" if flow.failed else "")
    return replace(task, state=state, progress=done / flow.total if flow.total else 0.0, progress_message=said)


def told(flow: FlowRow) -> dict[str, str]:
    """Return the callbacks of a batch that came about: kind → id."""
    found: dict[str, str] = json.loads(flow.told)
    return found

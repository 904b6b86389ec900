"""Follow-ups: tasks that the end of a step or of a batch brings with it, in the transaction of that end.

They belong to the chain or batch and count for nothing in it, but that a chain ends after its compensation. Their ids
follow from what they follow, so that a play of the same store makes the same.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bgo.engine import inputs
from bgo.engine.enqueue import Under, insert
from bgo.ids import derived_id
from bgo.model import payload as payloads
from bgo.model.flow import CALLBACKS
from bgo.model.state import FINAL, Reason, State
from bgo.model.task import FOLLOW_UP, Task, TaskSpec
from bgo.store.port import Session


def compensate(session: Session, node: Task, template: TaskSpec, failed: tuple[str, Task | None], now: int) -> None:
    """Queue the compensation of a failed step: its input is the chain's, its own, and what failed and why."""
    step, culprit = failed
    error = None if culprit is None else session.payloads.error(culprit.error_ref)
    told = None if error is None else {"type": error.type, "message": error.message}
    own = {**payloads.load(template.input), "failed_step": step, "error": told}
    _follow(session, node, template, own, now, (template.name, node.epoch, 0 if culprit is None else culprit.run))


def has_begun(session: Session, node: Task) -> bool:
    """Say whether a batch that has ended had begun: one that was called off or skipped before that calls nobody."""
    ends = [entry for entry in session.records.of_task(node.id) if entry.state in FINAL]
    return bool(ends) and node.kind in ends[-1].detail


def call_back(session: Session, node: Task, state: State, now: int) -> None:
    """Queue the callbacks of a batch that has ended, each once in its life: then or catch, and finally after it."""
    flow, fresh = session.flows.find(node.seq), session.tasks.find_seq(node.seq)
    if flow is None or fresh is None:
        raise AssertionError("it was read in this transaction")
    plan, told = inputs.batch_plan(session, flow), json.loads(flow.told)
    counts = {"batch_id": node.id, **inputs.counts(flow)}
    due = {"then": state is State.SUCCEEDED, "catch": state is not State.SUCCEEDED, "finally": True}
    before = [task.seq for task_id in told.values() if (task := _unfinished(session, task_id)) is not None]
    for kind in CALLBACKS:
        template = plan.callbacks.get(kind)
        if template is None or kind in told or not due[kind]:
            continue
        own = {**payloads.load(template.input), **counts}
        others = before if kind == "finally" else []
        seq, told[kind] = _follow(session, node, template, own, now, (kind, fresh.epoch), CALLBACKS.index(kind), others)
        before.append(seq)
    session.flows.set(node.seq, "told", json.dumps(told))


def withdraw(session: Session, node: Task, now: int) -> None:
    """Call off the callbacks of a batch that goes on after all, as far as they have not begun: its next end calls."""
    from bgo.engine.cancel import cancel

    flow = session.flows.find(node.seq)
    if flow is None:
        raise AssertionError("it was read in this transaction")
    told: dict[str, str] = json.loads(flow.told)
    found = {kind: _unfinished(session, task_id) for kind, task_id in told.items()}
    idle = {kind: task for kind, task in found.items() if task is not None and task.run == 0}
    if not idle:
        return
    session.flows.set(node.seq, "told", json.dumps({kind: told[kind] for kind in told if kind not in idle}))
    cancel(session, list(idle.values()), Reason.REPLACED, now)


def _unfinished(session: Session, task_id: str) -> Task | None:
    task = session.tasks.find(task_id)
    return None if task is None or task.state in FINAL else task


def _follow(
    session: Session,
    node: Task,
    template: TaskSpec,
    own: dict[str, Any],
    now: int,
    parts: tuple[object, ...],
    place: int = 0,
    before: Sequence[int] = (),
) -> tuple[int, str]:
    """Insert one, after the ends of `before`; return its seq and id."""
    task_id = derived_id(node.id, *parts)
    spec = replace(template, id=task_id, input=payloads.dump(own, "the input"), due_at=None)
    state = State.BLOCKED if before else State.QUEUED
    seq = insert(session, (spec,), now, Under(state=state, parents=(node.seq,), step=FOLLOW_UP + place))
    if before:
        session.links.add(seq, dict.fromkeys(before, "end"))
    return seq, task_id

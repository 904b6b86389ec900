"""Flows: chains and batches as they go on. Whatever happened, `advance` looks at the rows and does the next thing that
is due: release a step, make members of an earlier output, skip what will not run, end.

It runs in the transaction of whatever happened, so a step's outcome and the release of the next are one commit.
"""

from __future__ import annotations

import json
from dataclasses import replace

from bgo.engine import fanout, followups, inputs, restart, upstream
from bgo.engine.waiting import call_off
from bgo.engine.wave import End, Wave
from bgo.model import payload as payloads
from bgo.model.flow import ChainPlan
from bgo.model.state import FINAL, Event, Reason, State
from bgo.model.state import advance as next_state
from bgo.model.task import FOLLOW_UP, Task
from bgo.policy import chain as policy
from bgo.store.rows import FlowRow

LAST_STEP = FOLLOW_UP - 1
WIDEST = 2_000
"""Members of one step that are looked at for the one to blame."""
REQUESTED = "cancel_requested"


def follow(wave: Wave, end: End) -> None:
    """Note what an end means for its chain or batch; they go on when all ends that came at once are noted."""
    task = end.task
    if task.kind != "task":
        wave.concern(task.seq)  # what it held will never start
    parent = task.parent
    if parent is None or end.is_counted:
        return
    if task.step < FOLLOW_UP:
        wave.session.flows.count(parent, end.state, 1)
        if task.kind != "task":
            task = wave.session.tasks.find_seq(task.seq) or task
        wave.concern(parent, task.started_at)
    else:
        wave.concern(parent)


def begin(wave: Wave, node: Task) -> State:
    """Let a chain or batch that was blocked begin; return its state."""
    state = next_state(node.state, Event.BEGIN)
    if not wave.session.flows.begin(node.seq, Reason.BEGUN):
        raise AssertionError("it was read in this transaction")
    wave.session.records.add(node, Event.BEGIN, (state, Reason.BEGUN, 0), wave.now)
    wave.session.stages.release(node.seq, wave.now)
    wave.concern(node.seq)
    return state


def advance(wave: Wave, seq: int, started_at: int | None = None) -> None:
    """Do for a chain or batch what is due now; what there is no room for is left to the next tick.

    `started_at` is when a member started that has ended.
    """
    node, flow = wave.session.tasks.find_seq(seq), wave.session.flows.find(seq)
    if node is not None and started_at is not None and (node.started_at is None or started_at < node.started_at):
        wave.session.flows.started(seq, started_at)
        node = replace(node, started_at=started_at)
    if node is None or flow is None or flow.staged or node.state is State.BLOCKED:
        return
    if wave.room <= 0:
        wave.put_off(seq)
    elif node.state in FINAL:
        _abandon(wave, node)
    elif node.cancel_reason is not None:
        _stop(wave, node, flow)
    elif node.kind == "chain":
        _go_on(wave, node, flow)
    else:
        _gather(wave, node, flow)


# Chains.


def _go_on(wave: Wave, node: Task, flow: FlowRow) -> None:
    session, plan, at = wave.session, inputs.chain_plan(wave.session, node, flow), flow.at
    if flow.ending is not None:
        return _wind_up(wave, node, flow)
    while _release(wave, node, at) and not session.flows.is_open(node.seq, at):
        verdict = policy.after(plan.steps[at], session.flows.tally(node.seq, at))
        if verdict is not policy.After.NEXT:
            return _break_off(wave, node, plan, verdict)
        if at + 1 == len(plan.steps):
            if not session.flows.is_open(node.seq):  # an earlier step may have been revived by hand
                _end(wave, node, State.SUCCEEDED, Reason.DONE)
            return None
        at += 1
        session.flows.set(node.seq, "at", at)
    return None


def _release(wave: Wave, node: Task, step: int) -> bool:
    """Let the members of a step, and revived ones of earlier steps, start; False when there are more than there is room
    for."""
    if wave.room <= 0:
        wave.put_off(node.seq)
        return False
    held = wave.session.flows.held(node.seq, (0, step), wave.room)
    wave.take(len(held))
    for member in held:
        if member.kind != "task":
            begin(wave, member)
        elif node.kind == "batch":
            _let_go(wave, member)
        elif upstream.unblock(wave.session, member, node.id, wave.now) is State.QUEUED and member.due_at <= wave.now:
            wave.woken.add(member.lane)
    if held and wave.room <= 0:
        wave.put_off(node.seq)
        return False
    return True


def _let_go(wave: Wave, member: Task) -> None:
    """Let one of a batch start. It has waited with all the others: its history would only repeat theirs."""
    if not wave.session.tasks.unblock(member, Reason.UPSTREAM_DONE, wave.now, member.waited):
        raise AssertionError("it was read in this transaction")
    if member.due_at <= wave.now:
        wave.woken.add(member.lane)


def _break_off(wave: Wave, node: Task, plan: ChainPlan, verdict: policy.After) -> None:
    """A step came to no good end: the rest will not run, a compensation may."""
    session, flow = wave.session, wave.session.flows.find(node.seq)
    if flow is None:
        raise AssertionError("it was read in this transaction")
    failed = verdict is policy.After.FAIL
    session.flows.set(node.seq, "ending", State.FAILED if failed else State.CANCELLED)
    step = plan.steps[flow.at]
    name = policy.compensation(step) if failed else None
    if name is not None:
        culprit = _culprit(wave, node, flow)
        followups.compensate(session, node, plan.asides[name], (step.name, culprit), wave.now)
    _wind_up(wave, node, flow._replace(ending=State.FAILED if failed else State.CANCELLED))


def _culprit(wave: Wave, node: Task, flow: FlowRow) -> Task | None:
    found = wave.session.flows.undone(node.seq, (flow.at, flow.at), WIDEST)
    failed = [task for task in found if task.state is State.FAILED]
    return next(iter(failed or found), None)


def _wind_up(wave: Wave, node: Task, flow: FlowRow) -> None:
    """Skip the steps that will not run; end when nothing of the chain runs any more."""
    session = wave.session
    culprit = _culprit(wave, node, flow)
    state = State.FAILED if flow.ending == State.FAILED else State.CANCELLED
    held = session.flows.held(node.seq, (0, LAST_STEP), wave.room)
    wave.take(len(held))
    for member in held:
        wave.ended(member, upstream.skip(session, member, (culprit.id if culprit else node.id, state), wave.now))
    if held:
        wave.concern(node.seq)  # again, when these ends have been noted
    elif not session.flows.is_open(node.seq):
        _end(wave, node, state, Reason.MEMBER_FAILED if state is State.FAILED else Reason.MEMBER_CANCELLED, culprit)


# Batches.


def _gather(wave: Wave, node: Task, flow: FlowRow) -> None:
    """Let members of a batch come and start; end it when all have ended and no more can come."""
    if flow.cursor is not None:
        problem = fanout.expand(wave, node, flow)
        if problem:
            return _end(wave, node, State.FAILED, Reason.REJECTED, error=("FanOutFailed", problem))
        flow = wave.session.flows.find(node.seq) or flow
        if flow.cursor is not None:
            return wave.put_off(node.seq)
    if flow.at and not _bring_back(wave, node, flow.at):
        return None
    if flow.unfinished and not (flow.held or flow.at):
        return None  # as after most ends: others of it have not ended
    if not _release(wave, node, 0) or flow.open or flow.coming or wave.session.flows.is_open(node.seq, 0):
        return None
    state = policy.batch_state(flow.succeeded, flow.failed, flow.cancelled)
    reasons = {State.FAILED: Reason.MEMBER_FAILED, State.CANCELLED: Reason.MEMBER_CANCELLED}
    return _end(wave, node, state, reasons.get(state, Reason.DONE))


def _bring_back(wave: Wave, node: Task, after: int) -> bool:
    """Revive the members behind this one that came to no good end; False when there are more than there is room for.

    In order, each once: one that fails again meanwhile stays so.
    """
    found = wave.session.flows.undone(node.seq, (0, 0), wave.room, after)
    for member in found:
        wave.take(restart.put_back(wave.session, member, wave.now))
        after = member.seq
        if wave.room <= 0:
            break
    is_done = wave.room > 0
    wave.session.flows.set(node.seq, "at", 0 if is_done else after)
    if not is_done:
        wave.put_off(node.seq)
    return is_done


# Ends.


def _stop(wave: Wave, node: Task, flow: FlowRow) -> None:
    """A cancel was asked for: call off what waits, ask what runs to end, and end with the last of it.

    A compensation is called off as well; callbacks of an end before this one are not a batch's to call off.
    """
    session, reason = wave.session, Reason(node.cancel_reason or Reason.USER)
    below = FOLLOW_UP if node.kind == "batch" else 2 * FOLLOW_UP
    found = [member for member in session.flows.unstopped(node.seq, wave.room) if member.step < below]
    wave.take(len(found))
    for member in found:
        if member.state is not State.RUNNING:
            wave.ended(member, call_off(session, member, reason, wave.now))
        else:
            request_cancel(wave, member, reason)
    if found:
        wave.concern(node.seq)
    elif not session.flows.is_open_there(node.seq, below):
        state = _stopped_state(wave, node, flow)
        _end(wave, node, state, Reason.DONE if state is State.SUCCEEDED else reason)


def _stopped_state(wave: Wave, node: Task, flow: FlowRow) -> State:
    """Return how it ended after all: what had succeeded before the cancel could reach it has succeeded."""
    if flow.failed + flow.cancelled or flow.open or flow.coming or flow.cursor is not None:
        return State.CANCELLED
    if node.kind == "chain" and flow.at + 1 < len(inputs.chain_plan(wave.session, node, flow).steps):
        return State.CANCELLED
    return State.SUCCEEDED


def request_cancel(wave: Wave, task: Task, reason: Reason) -> None:
    """Ask what runs to end: a task by its worker, a chain or batch by its members."""
    wave.session.tasks.request_cancel(task, reason)
    to = (task.state, task.reason, task.attempt)
    wave.session.records.add(task, REQUESTED, to, wave.now, detail=json.dumps({"by": reason}))
    if task.kind != "task":
        wave.concern(task.seq)


def _abandon(wave: Wave, node: Task) -> None:
    """It ended before its members could start: they end as it did, and their lanes stay closed until then."""
    session = wave.session
    found = [m for m in session.flows.unstopped(node.seq, wave.room) if m.step < FOLLOW_UP]
    wave.take(len(found))
    for member in found:
        if node.state is State.FAILED and member.state is State.BLOCKED:
            state = upstream.skip(session, member, (node.id, State.FAILED), wave.now)
        else:
            state = call_off(session, member, Reason.CHAIN if node.kind == "chain" else Reason.BATCH, wave.now)
        wave.ended(member, state)
    if found:
        wave.concern(node.seq)
    else:
        session.stages.release(node.seq, wave.now)


def _end(
    wave: Wave,
    node: Task,
    state: State,
    reason: Reason,
    culprit: Task | None = None,
    *,
    error: tuple[str, str] | None = None,
) -> None:
    """End a chain or a batch, once: its output or error, its history, its callbacks, and all whom it concerns."""
    session, now = wave.session, wave.now
    wave.take(1)
    event = {State.SUCCEEDED: Event.SUCCEED, State.FAILED: Event.EXHAUST}.get(state, Event.CANCEL)
    next_state(node.state, event)
    output = inputs.output_of(session, node) if state is State.SUCCEEDED or node.kind == "batch" else None
    said = error or (None if state is not State.FAILED else inputs.failure_of(session, node, culprit))
    error_ref = None if said is None else session.payloads.put(_error(*said))
    output_ref = None if output is None else session.payloads.put(payloads.dump(output, "the output"))
    if not session.flows.end(node.seq, (state, reason), now, output=output_ref, error=error_ref):
        raise AssertionError("it was read in this transaction")
    if node.output_ref is not None:  # of an end before it was revived
        session.payloads.drop((node.output_ref,))
    detail = json.dumps({node.kind: node.name})
    session.records.add(node, event, (state, reason, 0), now, error=error_ref, detail=detail)
    if node.kind == "batch":
        followups.call_back(session, node, state, now)
    wave.ended(replace(node, ready=False), state)


def _error(kind: str, message: str) -> bytes:
    return payloads.dump({"type": kind, "message": message[:4000], "trace": "", "kinds": [kind]}, "the error")

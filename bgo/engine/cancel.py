"""Cancel: waiting tasks end at once, running ones are flagged for their worker; the answer says which."""

from __future__ import annotations

from collections.abc import Sequence

from bgo.engine import flows, upstream
from bgo.engine.flows import REQUESTED
from bgo.engine.waiting import call_off, is_over
from bgo.engine.wave import Wave
from bgo.model.query import CancelEffect, CancelReply
from bgo.model.state import FINAL, Reason, State
from bgo.model.task import Task
from bgo.store.port import Session

__all__ = ["REQUESTED", "cancel"]


def cancel(session: Session, tasks: Sequence[Task], reason: Reason, now: int) -> list[CancelReply]:
    """Call these off, in one transaction with their reading, and tell those that wait for them.

    What has waited past its time is too late to call off: it has expired. A chain or batch that runs is asked to end,
    as far as there is room in one transaction; a tick goes on with the rest.
    """
    wave, replies = Wave(session, now), []
    for task in tasks:
        if task.state in FINAL:
            replies.append(CancelReply(task.id, CancelEffect.TOO_LATE, task.state))
        elif task.state is State.RUNNING:
            flows.request_cancel(wave, task, reason)
            replies.append(CancelReply(task.id, CancelEffect.STOPPING, task.state))
        else:
            over = is_over(task, now)
            state = call_off(session, task, Reason.EXPIRED if over else reason, now)
            wave.ended(task, state)
            replies.append(CancelReply(task.id, CancelEffect.TOO_LATE if over else CancelEffect.PREVENTED, state))
    upstream.run(wave)
    nodes = {task.id: task for task in tasks if task.kind != "task"}
    return [_settled(session, nodes[reply.id], reply) if reply.id in nodes else reply for reply in replies]


def _settled(session: Session, node: Task, reply: CancelReply) -> CancelReply:
    """A chain or batch of which nothing ran has ended by now: what is left of it never starts."""
    found = session.tasks.find_seq(node.seq)
    if reply.effect is not CancelEffect.STOPPING or found is None or found.state is State.RUNNING:
        return reply
    return CancelReply(node.id, CancelEffect.PREVENTED, found.state)

"""Cancel: waiting tasks end at once, running ones are flagged for their worker; the answer says which."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bgo.engine import upstream
from bgo.engine.waiting import call_off, is_over
from bgo.model.query import CancelEffect, CancelReply
from bgo.model.state import FINAL, Reason, State
from bgo.model.task import Task
from bgo.store.port import Session

REQUESTED = "cancel_requested"


def cancel(session: Session, tasks: Sequence[Task], reason: Reason, now: int) -> list[CancelReply]:
    """Call these tasks off, in one transaction with their reading, and tell those that wait for them.

    What has waited past its time is too late to call off: it has expired.
    """
    replies = []
    ends: list[tuple[Task, State]] = []
    emptied: set[int] = set()
    for task in tasks:
        if task.state in FINAL:
            replies.append(CancelReply(task.id, CancelEffect.TOO_LATE, task.state))
        elif task.state is State.RUNNING:
            session.tasks.request_cancel(task, reason)
            detail = json.dumps({"by": reason})
            session.records.add(task, REQUESTED, (task.state, task.reason, task.attempt), now, detail=detail)
            replies.append(CancelReply(task.id, CancelEffect.STOPPING, task.state))
        else:
            over = is_over(task, now)
            state = call_off(session, task, Reason.EXPIRED if over else reason, now)
            ends.append((task, state))
            replies.append(CancelReply(task.id, CancelEffect.TOO_LATE if over else CancelEffect.PREVENTED, state))
            if task.ready:
                emptied.add(task.lane)
    session.lanes.refresh(emptied, now)
    upstream.all_ended(session, ends, now)
    return replies

"""Cancel: waiting tasks end at once, running ones are flagged for their worker; the answer says which."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bgo.model.query import CancelEffect, CancelReply
from bgo.model.state import FINAL, Event, Reason, State, advance
from bgo.model.task import Task
from bgo.store.port import Session

REQUESTED = "cancel_requested"


def cancel(session: Session, tasks: Sequence[Task], reason: Reason, now: int) -> list[CancelReply]:
    """Call these tasks off, in one transaction with their reading."""
    replies = []
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
            state = advance(task.state, Event.CANCEL)
            if not session.tasks.move(task, state, reason, now, None):
                raise AssertionError("the task was read in this transaction")
            session.records.add(task, Event.CANCEL, (state, reason, task.attempt), now)
            replies.append(CancelReply(task.id, CancelEffect.PREVENTED, state))
            if task.ready:
                emptied.add(task.lane)
    session.lanes.refresh(emptied, now)
    return replies

"""A task's row as a Task: the columns that are read, in one order for all who read them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from bgo.model import wish as wishes
from bgo.model.state import State
from bgo.model.task import Task
from bgo.store.faults import reads

COLUMNS = """seq, id, name, handler, kind, state, reason, lane, queue, priority, tags, wish, ready, due_at, run,
    attempt, losses, snoozes, epoch, draw, ready_at, cwd, input, setup, output, error, checkpoint, progress,
    progress_message, cancel_reason, created_at, started_at, finished_at, expires_at, unique_id, dedup_key, bump,
    waited, parent, step, schedule, occurrence, relax_at"""


@reads("a task")
def to_task(row: Sequence[Any]) -> Task:
    """Return a row of COLUMNS as a Task."""
    values = list(row)
    values[5] = State(row[5])
    values[10] = () if row[10] == "[]" else tuple(json.loads(row[10]))
    values[11] = wishes.load(row[11])
    values[12] = bool(row[12])
    return Task(*values)

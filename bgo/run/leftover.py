"""What is left at the end of a play: what never ran, and what ran and waits again, each with what holds it then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bgo.engine import explain, query
from bgo.engine.waiting import waited
from bgo.model.plan import Gate, Hold
from bgo.model.query import Selector
from bgo.model.state import State
from bgo.model.task import Task
from bgo.run.timeline import NeverRan, SimRun, StillWaits
from bgo.store.port import Session

BLOCKED = (Hold(Gate.UPSTREAM, "other tasks have not ended", "their success"),)
WAITING = (State.BLOCKED, State.QUEUED, State.RETRYING)


def leftover(
    session: Session, ground: explain.Ground, until: int, runs: Mapping[int, Sequence[SimRun]]
) -> tuple[tuple[NeverRan, ...], dict[int, StillWaits]]:
    """Return what did not start once, in the order of enqueueing, and what waits again, by its number."""
    known: dict[tuple[int, State, int], tuple[Hold, ...]] = {}
    never: list[NeverRan] = []
    again: dict[int, StillWaits] = {}
    for task in query.all_tasks(session, Selector(states=WAITING)):
        # The lane law: tasks of a lane differ in nothing but their due time.
        key = (task.lane, task.state, 0 if task.ready else task.due_at)
        if key not in known:
            known[key] = BLOCKED if task.state is State.BLOCKED else explain.holds(session, task, ground)
        held = waited(session, task, until) if task.ready else {}
        if task.seq not in runs:
            never.append(NeverRan(task.id, task.name, task.queue, task.due_at, held, known[key]))
            continue
        since = waits_since(task, runs[task.seq])
        again[task.seq] = StillWaits(task.id, task.name, task.queue, since, held, known[key], max(0, until - since))
    return tuple(reversed(never)), again


def waits_since(task: Task, runs: Sequence[SimRun]) -> int:
    """Return from when on a task that ran could run again: what was handed back keeps its due time, and waits anew."""
    return max(task.due_at, runs[-1].ended_at or 0)

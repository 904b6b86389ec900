"""Query: tasks with their payloads opened, history, counts. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from bgo.engine import resolve
from bgo.engine.expire import as_shown
from bgo.model import payload as payloads
from bgo.model.plan import Hold
from bgo.model.query import Selector
from bgo.model.state import State
from bgo.model.task import HistoryEntry, Task
from bgo.model.views import TaskView
from bgo.store.port import Session

PAGE = 500


def view_of(session: Session, task: Task, holds: tuple[Hold, ...] = (), *, now: int | None = None) -> TaskView:
    """Return a task with its payloads opened; with `now`, as it stands then: what has expired is cancelled."""
    task = task if now is None else as_shown(task, now)
    if task.kind != "task" or task.parent is not None:
        return _part_of(session, task, holds)
    return _view(session, task, holds)


def _part_of(session: Session, task: Task, holds: tuple[Hold, ...]) -> TaskView:
    """Return a chain, a batch or a member of one, with what it is in and how far it is."""
    from bgo.engine import graph, inputs

    above: dict[str, str] = {}
    parent = None if task.parent is None else session.tasks.find_seq(task.parent)
    while parent is not None:
        above.setdefault(parent.kind, parent.id)
        parent = None if parent.parent is None else session.tasks.find_seq(parent.parent)
    flow = None if task.kind == "task" else session.flows.find(task.seq)
    shown = task if flow is None else graph.as_going(session, task, flow)
    return replace(
        _view(session, shown, holds),
        input=inputs.input_of(session, task),
        chain_id=above.get("chain"),
        batch_id=above.get("batch"),
        counts=None if flow is None else inputs.counts(flow),
    )


def _view(session: Session, task: Task, holds: tuple[Hold, ...]) -> TaskView:
    setup = _open(session, task.setup_ref)
    argv = None if setup is None or setup.get("argv") is None else tuple(setup["argv"])
    lease = session.leases.find(task.seq) if task.state is State.RUNNING else None
    return TaskView(
        task=task,
        input={} if task.input_ref is None else _open(session, task.input_ref),
        argv=argv,
        output=_open(session, task.output_ref),
        error=session.payloads.error(task.error_ref),
        holds=holds,
        paused=lease is not None and bool(lease.paused),
    )


def _open(session: Session, ref: int | None) -> Any:
    return None if ref is None else payloads.load(session.payloads.get(ref))


def tasks(session: Session, selector: Selector, limit: int, now: int) -> list[Task]:
    """Return matching tasks as they stand now, newest first."""
    found = session.tasks.select(resolve.selector(session, selector), limit=limit)
    shown = [as_shown(task, now) for task in found]
    return [task for task in shown if not selector.states or task.state in selector.states]


def all_tasks(session: Session, selector: Selector) -> Iterable[Task]:
    """Yield every matching task, newest first, page by page."""
    wanted, before = resolve.selector(session, selector), None
    while page := session.tasks.select(wanted, limit=PAGE, before=before):
        yield from page
        before = page[-1].seq


def history(session: Session, selector: Selector, *, limit: int, runs_only: bool = True) -> list[HistoryEntry]:
    """Return history entries of matching tasks, newest first."""
    return session.records.select(resolve.selector(session, selector), runs_only=runs_only, limit=limit)


@dataclass(frozen=True, slots=True)
class Overview:
    """The store at a glance."""

    counts: dict[State, int]
    next_due: int | None
    workers: int


def overview(session: Session, now: int) -> Overview:
    """Return counts by state, the next due time and the number of registered workers."""
    counts = dict.fromkeys(State, 0)
    counts.update(session.tasks.counts())
    for state, number in session.tasks.expired_counts(now).items():
        counts[state] -= number
        counts[State.CANCELLED] += number
    return Overview(counts, session.tasks.next_due(), len(session.leases.workers()))

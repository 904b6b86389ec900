"""The verbs that steer what is queued: pause and resume, edit and bump."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bgo.clock import Clock, from_datetime
from bgo.engine import edit as editing
from bgo.engine import relane, resolve
from bgo.engine.spec import instant
from bgo.errors import NotFoundError, RefusedError, UsageError
from bgo.ids import MIN_PREFIX, looks_like_id
from bgo.model import payload as payloads
from bgo.model import specs
from bgo.model.options import Duration, check_name, to_ms
from bgo.model.task import INPUT_LIMIT
from bgo.policy.schema import check_input
from bgo.run.wake import ring

if TYPE_CHECKING:
    from bgo.flow.opened import Opened
    from bgo.model.handler import HandlerInfo
    from bgo.model.schedule import Schedule
    from bgo.model.task import Task
    from bgo.store.port import Session


def pause(flow: Opened, what: Mapping[str, str | None], *, running: bool) -> int:
    """Start no more tasks of a name, a queue or a tag; `running` stops those that run as well."""
    _refuse_schedules(flow, what.get("name"), "pause")
    with flow.store.write() as session:
        kind, value = _target(session, what, "pause")
        touched = session.pauses.set(kind, value, paused=True, running=running, now=flow.clock.now_ms())
    return _moved(flow, kind, touched)


def resume(flow: Opened, what: Mapping[str, str | None], *, running: bool) -> int:
    """Undo a pause; with `running` only what was stopped goes on, and nothing more is started."""
    _refuse_schedules(flow, what.get("name"), "resume")
    with flow.store.write() as session:
        kind, value = _target(session, what, "resume")
        if running:
            session.pauses.let_run(kind, value)
            touched = 0
        else:
            touched = session.pauses.set(kind, value, paused=False, now=flow.clock.now_ms())
    return _moved(flow, kind, touched)


def _refuse_schedules(flow: Opened, name: str | None, verb: str) -> None:
    """Refuse the id of a schedule, and a key of one that is the name of nothing else."""
    if name is None:
        return
    with flow.store.read() as session:
        if looks_like_id(name):
            found = session.schedules.find_prefix(name, 1) if len(name) >= MIN_PREFIX else []
        else:
            keyed = session.schedules.find_key(name)
            found = [] if keyed is None or _names_tasks(flow, session, name, keyed) else [keyed.id]
    if found:
        raise RefusedError(
            f"{name} is a schedule",
            why=f"bgo {verb} is about tasks: of a name, a queue or a tag",
            hint=f"bgo schedules {verb} {name}",
        )


def _names_tasks(flow: Opened, session: Session, name: str, keyed: Schedule) -> bool:
    """Say whether a schedule's key is the name of tasks, too: of some that are there, may come, or are paused."""
    if name in (keyed.name, keyed.handler) or name in flow.catalogue():
        return True
    if any((p.kind, p.value) == ("name", name) for p in session.pauses.list()):
        return True
    from bgo.model.query import Selector

    return bool(session.tasks.select(Selector(names=(name,), kinds=()), limit=1))


def _target(session: Session, what: Mapping[str, str | None], verb: str) -> tuple[str, str]:
    """Return the one kind and value that were named."""
    said = [(kind, value) for kind, value in what.items() if value is not None]
    if len(said) != 1:
        raise UsageError(
            f"{verb} what?",
            why="name exactly one thing",
            hint=f"bgo {verb} NAME, or --queue QUEUE, or --tag TAG",
        )
    ((kind, value),) = said
    if kind == "queue":
        return kind, resolve.known_queue(session, value)
    return kind, check_name(value, "tag" if kind == "tag" else "task")


def _moved(flow: Opened, kind: str, touched: int) -> int:
    """Move the tasks of a tag, some hundred a transaction; a worker goes on with it if this process dies."""
    more = kind == "tag"
    while more:
        with flow.store.write() as session:
            more = relane.step(session, flow.clock.now_ms())
    ring(flow.settings.run_dir)
    return touched


def edit(
    flow: Opened,
    task_id: str,
    *,
    priority: int | str | None,
    queue: str | None,
    at: datetime | int | None,
    delay: Duration | None,
    input: Mapping[str, Any] | None,
) -> tuple[str, ...]:
    """Change a waiting task; return the names of what is different now."""
    if (priority, queue, at, delay, input) == (None, None, None, None, None):
        raise UsageError(
            "edit: nothing to change",
            why="no priority, queue, time or input was given",
            hint="bgo edit ID --priority 10, --queue low, --at 'tomorrow 9:00' or -i key=value",
        )
    changes = editing.Changes(
        priority=None if priority is None else specs.priority(str(priority)),
        queue=queue,
        due_at=_due(at, delay, flow.clock),
        input=None if input is None else _checked(flow, task_id, input),
    )
    with flow.store.write() as session:
        if queue is not None:
            resolve.known_queue(session, queue)
        changed = editing.edit(session, _single(resolve.task(session, task_id), "edit"), changes, flow.clock.now_ms())
    ring(flow.settings.run_dir)
    return changed


def _single(task: Task, verb: str) -> Task:
    """Return a task; refuse a chain or batch, which stands in no queue itself: its members do."""
    if task.kind == "task":
        return task
    done = "edited" if verb == "edit" else "bumped"
    raise RefusedError(
        f"{task.kind} {task.id} cannot be {done}",
        why="it stands in no queue itself: its members do",
        hint=f"bgo tasks --{task.kind} {task.id} lists them; then bgo {verb} ID",
    )


def _due(at: datetime | int | None, delay: Duration | None, clock: Clock) -> int | None:
    if at is not None and delay is not None:
        raise UsageError("delay and at contradict each other", why="both say when", hint="give one of them")
    if delay is not None:
        at = clock.now_ms() + to_ms(delay, "delay")
    return instant(from_datetime(at) if isinstance(at, datetime) else at)


def _checked(flow: Opened, task_id: str, input: Mapping[str, Any]) -> bytes:
    """Return an input that fits the task's handler. Outside the write, which must be short."""
    with flow.store.read() as session:
        handler = resolve.task(session, task_id).handler
    info = known(flow, handler)
    if info is not None:
        check_input(info, input)
    return payloads.dump_object(dict(input), "the input", INPUT_LIMIT)


def known(flow: Opened, handler: str) -> HandlerInfo | None:
    """Return what is known of a handler; None when nobody brings it, as after --allow-unknown."""
    try:
        return flow.handler(handler)
    except NotFoundError:
        return None


def bump(flow: Opened, task_ids: Sequence[str]) -> list[str]:
    """Put waiting tasks before all others, in one transaction; return their ids."""
    if not task_ids:
        raise UsageError("bump: which tasks?", why="no id was given", hint="bgo bump ID")
    with flow.store.write() as session:
        found = {task.id: task for task in (_single(resolve.task(session, word), "bump") for word in task_ids)}
        for task in found.values():
            editing.bump(session, task, flow.clock.now_ms())
    ring(flow.settings.run_dir)
    return list(found)

"""Assertions on what is queued. A message that fails tells the tasks that come nearest, and what is different."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypedDict, Unpack

from bgo.api import TaskFlow
from bgo.clock import from_datetime, to_iso
from bgo.errors import UsageError
from bgo.hooks.task import TaskHandler
from bgo.model.query import Selector
from bgo.model.state import State
from bgo.model.views import TaskView
from bgo.testing.motor import WAITING

TOLERANCE_MS = 1_000
"""How far `at` may be off: a computer's own clock goes on between the enqueue and the assertion."""
SHOWN = 5
Name = str | TaskHandler[Any, Any] | None


class Wanted(TypedDict, total=False):
    """What an assertion may ask of a task; what it leaves out may be anything."""

    input: Mapping[str, Any]
    """These fields with these values, nested ones too; others may be there. `unittest.mock.ANY` fits everything."""
    queue: str
    tags: str | Iterable[str]
    """All of these."""
    priority: int
    at: datetime | timedelta | int
    """When it is due, within a second: an instant, UTC milliseconds, or how long from now."""
    states: str | Iterable[str]
    """In place of the waiting ones: blocked, queued, retrying."""


_KNOWN = frozenset(Wanted.__annotations__)


class _Judged(NamedTuple):
    """A task with what is different about it."""

    task: TaskView
    wrong: list[str]
    distance: int


def enqueued(flow: TaskFlow, name: Name = None, **wanted: Unpack[Wanted]) -> list[TaskView]:
    """Return the waiting tasks that fit, in the order of enqueueing. `name` is a task's, or its handler's."""
    return [judged.task for judged in _judge(flow, name, wanted) if not judged.wrong]


def assert_enqueued(
    flow: TaskFlow, name: Name = None, *, count: int | None = None, **wanted: Unpack[Wanted]
) -> list[TaskView]:
    """Return the waiting tasks that fit, in the order of enqueueing; fail unless there is one (or exactly `count`)."""
    __tracebackhide__ = True  # pytest shows the test, not this line
    judged = _judge(flow, name, wanted)
    found = [row.task for row in judged if not row.wrong]
    if found if count is None else len(found) == count:
        return found
    what = _described(name, wanted)
    head = f"no task waits as {what}" if count is None else f"{len(found)} instead of {count} tasks wait as {what}"
    raise AssertionError("\n".join([head, *_nearest(judged), *_ended(flow, name, wanted)]))


def refute_enqueued(flow: TaskFlow, name: Name = None, **wanted: Unpack[Wanted]) -> None:
    """Fail when a waiting task fits."""
    __tracebackhide__ = True
    found = enqueued(flow, name, **wanted)
    if found:
        lines = [f"  {_line(task)}" for task in found[:SHOWN]]
        raise AssertionError("\n".join([f"{len(found)} tasks wait as {_described(name, wanted)}", *lines]))


def _judge(flow: TaskFlow, name: Name, wanted: Wanted) -> list[_Judged]:
    for word in wanted:
        if word not in _KNOWN:
            raise UsageError(f"no such question: {word}", why=f"it asks for {', '.join(sorted(_KNOWN))}")
    states = tuple(State(word) for word in _words(wanted.get("states", WAITING)))
    views = flow.tasks(Selector(states=states), limit=sys.maxsize)[::-1]
    at = _instant(flow, wanted.get("at"))
    return [_compare(view, _name(name), wanted, at) for view in views]


def _words(said: str | Iterable[str]) -> Iterable[str]:
    return (said,) if isinstance(said, str) else said


def _name(name: Name) -> str | None:
    return name.info.name if isinstance(name, TaskHandler) else name


def _instant(flow: TaskFlow, at: datetime | timedelta | int | None) -> int | None:
    if isinstance(at, timedelta):
        return flow.clock.now_ms() + at // timedelta(milliseconds=1)
    return from_datetime(at) if isinstance(at, datetime) else at


def _compare(view: TaskView, name: str | None, wanted: Wanted, at: int | None) -> _Judged:
    task = view.task
    wrong, distance = [], 0
    if name is not None and name not in (task.name, task.handler):
        wrong.append(f"its name is {task.name}")
        distance += 10
    if "input" in wanted:
        wrong += _differences(wanted["input"], view.input, "")
    if "queue" in wanted and wanted["queue"] != task.queue:
        wrong.append(f"its queue is {task.queue}")
    if "priority" in wanted and wanted["priority"] != task.priority:
        wrong.append(f"its priority is {task.priority}")
    if missing := [tag for tag in _words(wanted.get("tags", ())) if tag not in task.tags]:
        wrong.append(f"it lacks the tag {', '.join(missing)}")
    if at is not None and abs(task.due_at - at) > TOLERANCE_MS:
        wrong.append(f"it is due {to_iso(task.due_at)}, not {to_iso(at)}")
    return _Judged(view, wrong, distance + len(wrong))


def _differences(wanted: Any, actual: Any, path: str) -> list[str]:
    """Return what of `wanted` is missing or different in `actual`; mappings are looked into, all else must be equal."""
    if isinstance(wanted, Mapping) and isinstance(actual, Mapping):
        found = []
        for key, value in wanted.items():
            place = f"{path}.{key}" if path else str(key)
            if key not in actual:
                found.append(f"input {place} is missing")
            else:
                found += _differences(value, actual[key], place)
        return found
    if isinstance(wanted, tuple):
        wanted = list(wanted)
    return [] if wanted == actual else [f"input {path} is {actual!r}, not {wanted!r}"]


def _described(name: Name, wanted: Wanted) -> str:
    parts = [f"{key}={value!r}" for key, value in wanted.items()]
    return " with ".join(filter(None, [_name(name) or "any task", ", ".join(parts)]))


def _nearest(judged: list[_Judged]) -> list[str]:
    if not judged:
        return ["no task waits at all"]
    rows = sorted(judged, key=lambda row: row.distance)[:SHOWN]
    head = f"{len(judged)} wait" if len(rows) == len(judged) else f"{len(judged)} wait; the nearest"
    return [f"{head}:", *(f"  {_line(row.task)}  <- {'; '.join(row.wrong) or 'this one fits'}" for row in rows)]


def _ended(flow: TaskFlow, name: Name, wanted: Wanted) -> list[str]:
    """Tell of tasks that would have fitted and do not wait any more."""
    if "states" in wanted:
        return []
    others: Wanted = {**wanted, "states": tuple(state for state in State if state not in WAITING)}
    found = enqueued(flow, name, **others)
    return [f"{len(found)} that would fit wait no more; the last one is {found[-1].state}"] if found else []


def _line(view: TaskView) -> str:
    task = view.task
    tags = f" tags={','.join(task.tags)}" if task.tags else ""
    text = repr(view.input)
    text = text if len(text) <= 120 else text[:119] + "…"
    return f"{task.name} {task.id} {text} queue={task.queue}{tags} {task.state}, due {to_iso(task.due_at)}"

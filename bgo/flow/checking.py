"""Checking: the linter over the store, over some of what is in it, and over what is not in it yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from bgo.engine import lint, resolve
from bgo.engine.lint_parts import parts
from bgo.errors import NotFoundError
from bgo.ids import looks_like_id
from bgo.model.query import Selector
from bgo.model.state import CLAIMABLE, State

if TYPE_CHECKING:
    from bgo.engine.explain import Ground
    from bgo.engine.lint_desk import Checked
    from bgo.engine.schedules import Draft
    from bgo.flow.enqueueing import Enqueueing
    from bgo.model.device import DeviceState, Facts
    from bgo.model.flow import Template
    from bgo.model.schedule import Schedule
    from bgo.model.task import Task
    from bgo.store.port import Session

LIMIT = 500
"""Kinds of waiting tasks that are looked at, and tasks of a name, or members of a chain or batch that is named."""
WAITING = (*CLAIMABLE, State.BLOCKED)
What = TypeVar("What")


def check(flow: Enqueueing, words: Sequence[str], device: Facts | DeviceState | None, limit: int = LIMIT) -> Checked:
    """Return what is wrong with what these ids and names stand for, or with all that waits and all schedules."""
    ground = flow._ground(device)
    with flow.store.read() as session:
        if not words:
            return lint.check(session, ground, limit)
        tasks: dict[str, Task] = {}
        schedules: dict[str, Schedule] = {}
        for word in words:
            these, those = _named(session, word, limit)
            tasks |= {task.id: task for task in these}
            schedules |= {each.id: each for each in those}
        return lint.check_these(session, ground, list(tasks.values()), list(schedules.values()))


def check_template(flow: Enqueueing, template: Template, number: int = 1) -> Checked:
    """Return what would be wrong with what a template makes, of a batch without items with so many; nothing is
    written."""
    found = [part if part.number else part._replace(number=number) for part in parts(template)]
    return _aside(flow, found, lint.check_parts)


def check_draft(flow: Enqueueing, draft: Draft) -> Checked:
    """Return what would be wrong with a schedule; nothing is written."""
    return _aside(flow, draft, lint.check_draft)


def _aside(flow: Enqueueing, what: What, judge: Callable[[Session, Ground, What], Checked]) -> Checked:
    from bgo.store.sqlite import SqliteStore

    ground = flow._ground()
    store = flow.store if flow.settings.store_path.exists() else SqliteStore(None)
    with store.read() as session:
        return judge(session, ground, what)


def _named(session: Session, word: str, limit: int) -> tuple[list[Task], list[Schedule]]:
    """Return the waiting tasks and the schedules that a word means. Raises NotFoundError where nothing is called so."""
    if looks_like_id(word) or word.startswith("@"):
        try:
            return waiting(session, resolve.task(session, word), limit), []
        except NotFoundError:
            return [], [resolve.schedule(session, word)]
    found = session.tasks.select(Selector(names=(word,), states=WAITING), limit=limit)
    tasks = [each for task in found for each in waiting(session, task, limit)]
    try:
        return tasks, resolve.schedules(session, word)
    except NotFoundError:
        if not found and not session.tasks.select(Selector(names=(word,)), limit=1):
            why, hint = "no task, chain, batch or schedule is", "bgo tasks and bgo schedules list what there is"
            raise NotFoundError(f"nothing is called {word!r:.60}", why=why, hint=hint) from None
        return tasks, []


def waiting(session: Session, task: Task, limit: int) -> list[Task]:
    """Return the task if it waits; of a chain or a batch, its members that do."""
    if task.kind == "task":
        return [task] if task.state in WAITING else []
    members = session.flows.members(task.seq, limit=limit)
    return [each for member in members for each in waiting(session, member, limit)]

"""Wholes: of what a selection matches, what stands for itself. A chain or batch brings its members, which need not be
named, counted or answered for beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from bgo.engine import query, resolve

if TYPE_CHECKING:
    from bgo.flow.opened import Opened
    from bgo.model.query import Selector
    from bgo.model.state import State
    from bgo.model.task import Task
    from bgo.model.views import TaskView
    from bgo.store.port import Session

PAGE = 500
LOOKED_AT = 5_000
"""Members that are looked at, at most, to find out what they belong to."""


class Wholes:
    """Says of a matching task whether nothing above it matches as well."""

    def __init__(self, session: Session, selector: Selector) -> None:
        self._session, self._selector = session, selector
        self._known: dict[int, bool] = {}

    def stands(self, task: Task) -> bool:
        """Say whether this task is not brought by a chain or batch that is selected, too."""
        return task.parent is None or bool(self._selector.ids) or not self._is_brought(task.parent)

    def _is_brought(self, seq: int) -> bool:
        if seq not in self._known:
            above = self._session.tasks.find_seq(seq)
            fits = above is not None and matches(self._selector, above)
            upper = None if above is None else above.parent
            self._known[seq] = fits or (upper is not None and self._is_brought(upper))
        return self._known[seq]


def matches(selector: Selector, task: Task) -> bool:
    """Say whether a chain or batch is what a selector without ids selects."""
    return (
        (not selector.kinds or task.kind in selector.kinds)
        and (not selector.names or task.name in selector.names)
        and (not selector.queues or task.queue in selector.queues)
        and (not selector.states or task.state in selector.states)
        and all(tag in task.tags for tag in selector.tags)
        and (selector.since is None or task.created_at >= selector.since)
        and (selector.until is None or task.created_at < selector.until)
        and not selector.under
    )


def count(flow: Opened, selector: Selector, most: int) -> int:
    """Return how many things match, not counting what others bring; beyond `most`, or where too much would have to be
    looked at, something above `most`."""
    found = 0
    with flow.store.read() as session:
        wanted = resolve.selector(session, selector)
        wholes = Wholes(session, wanted)
        for looked_at, task in enumerate(query.all_tasks(session, wanted)):
            found += wholes.stands(task)
            if found > most or looked_at >= LOOKED_AT:
                return most + 1
    return found


def members(flow: Opened, word: str) -> Iterator[Task]:
    """Yield the tasks of a chain or batch, a page at a time; what comes or goes meanwhile may be missed."""
    with flow.store.read() as session:
        node = resolve.task(session, word)
    yield from _below(flow, node.seq)


def _below(flow: Opened, seq: int) -> Iterator[Task]:
    after = (-1, 0)
    while True:
        with flow.store.read() as session:
            page = session.flows.members(seq, after=after, limit=PAGE)
        for task in page:
            if task.kind == "task":
                yield task
            else:
                yield from _below(flow, task.seq)
        if len(page) < PAGE:
            return
        after = (page[-1].step, page[-1].seq)


def results(flow: Opened, batch_id: str, after: str | None, limit: int, states: Collection[State]) -> list[TaskView]:
    """Return members of a batch in the order of their items, at most `limit`; each transaction reads one page."""
    found: list[TaskView] = []
    with flow.store.read() as session:
        node = resolve.task(session, batch_id)
        last = 0 if after is None else resolve.task(session, after).seq
    while len(found) < limit:
        size = PAGE if states else min(PAGE, limit - len(found))
        with flow.store.read() as session:
            page = session.flows.of_step(node.seq, 0, after=last, limit=size)
            fits = [task for task in page if not states or task.state in states]
            found += [query.view_of(session, task, now=flow.clock.now_ms()) for task in fits]
        if len(page) < size:
            break
        last = page[-1].seq
    return found[:limit]

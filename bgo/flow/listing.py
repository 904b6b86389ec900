"""The verbs that list: tasks, chains and batches, and what is in them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from bgo.flow.opened import Opened

if TYPE_CHECKING:
    from bgo.engine.graph import Node
    from bgo.model.query import Selector
    from bgo.model.state import State
    from bgo.model.task import Task
    from bgo.model.views import TaskView


def select(**fields: Any) -> Selector:
    """Return a selector; its class is loaded only by those who select: enqueue does not."""
    from bgo.model.query import Selector

    return Selector(**fields)


def _of_kind(selector: Selector | None, kind: str) -> Selector:
    from dataclasses import replace

    selector = selector or select(match_all=True)
    return replace(selector, kinds=(kind,), roots=not (selector.under or selector.ids))


class Listing(Opened):
    """The verbs that list."""

    def tasks(self, selector: Selector | None = None, limit: int = 50) -> list[TaskView]:
        """Return matching tasks, newest first."""
        from bgo.engine import query

        with self.store.read() as session:
            found = query.tasks(session, selector or select(match_all=True), limit, self.clock.now_ms())
            return [query.view_of(session, task) for task in found]

    def get_all_tasks(self) -> list[TaskView]:
        """Return every task, newest first."""
        return self.tasks(limit=sys.maxsize)

    def get_tasks_by_tag(self, tag: str) -> list[TaskView]:
        """Return every task with this tag, newest first."""
        return self.tasks(select(tags=(tag,)), limit=sys.maxsize)

    def graph(self, node_id: str) -> Node:
        """Return a chain or batch with its steps and members as they stand now."""
        from bgo.engine import resolve
        from bgo.engine.graph import graph

        with self.store.read() as session:
            return graph(session, resolve.task(session, node_id), self.clock.now_ms())

    def members(self, node_id: str) -> Iterator[Task]:
        """Yield the tasks of a chain or batch in the order of their steps and items, with those of what is in it."""
        from bgo.flow.wholes import members

        return members(self, node_id)

    def mermaid(self, node_id: str) -> str:
        """Return a chain or batch as a flowchart for Mermaid."""
        from bgo.flow.drawing import mermaid

        return mermaid(self.graph(node_id))

    def dot(self, node_id: str) -> str:
        """Return a chain or batch as a digraph for Graphviz."""
        from bgo.flow.drawing import dot

        return dot(self.graph(node_id))

    def chains(self, selector: Selector | None = None, limit: int = 50) -> list[TaskView]:
        """Return chains that stand alone, or those in what the selector names, newest first."""
        return self.tasks(_of_kind(selector, "chain"), limit)

    def batches(self, selector: Selector | None = None, limit: int = 50) -> list[TaskView]:
        """Return batches that stand alone, or those in what the selector names, newest first."""
        return self.tasks(_of_kind(selector, "batch"), limit)

    def batch_results(
        self, batch_id: str, *, after: str | None = None, limit: int = 500, states: Sequence[State] = ()
    ) -> list[TaskView]:
        """Return a page of a batch's members in the order of their items: those behind the one with the id `after`;
        with `states`, only those that stand so."""
        from bgo.flow.wholes import results

        return results(self, batch_id, after, limit, frozenset(states))

    def count(self, selector: Selector, *, limit: int = sys.maxsize) -> int:
        """Return how many tasks match, counting no further than `limit`."""
        from itertools import islice

        from bgo.engine import query

        with self.store.read() as session:
            return sum(1 for _ in islice(query.all_tasks(session, selector), limit))

    def count_wholes(self, selector: Selector, most: int) -> int:
        """Return how many things match, not counting members beside the chain or batch that brings them; counting
        ends just beyond `most`."""
        from bgo.flow.wholes import count

        return count(self, selector, most)

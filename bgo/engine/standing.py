"""Standing: everything unfinished at a glance, tasks with the very same gates as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bgo.engine.explain import Ground, explain
from bgo.model.views import Explanation
from bgo.store.port import Session


@dataclass(frozen=True, slots=True)
class Group:
    """Tasks of one lane in one state: what holds the first of them holds them all."""

    tasks: int
    first: Explanation
    """Of the one that was due first."""

    def to_json(self) -> dict[str, Any]:
        """Return the explanation of the first task with `tasks`, how many it speaks for."""
        return {**self.first.to_json(), "tasks": self.tasks}


@dataclass(frozen=True, slots=True)
class Standing:
    """At most as many groups as were asked for, in the order of enqueueing, and how many there are in all."""

    groups: tuple[Group, ...]
    total: int


def standing(session: Session, ground: Ground, limit: int) -> Standing:
    """Return what waits for what. By the lane law one explanation serves a whole lane, whatever waits in it."""
    found = session.tasks.groups()
    groups = []
    for seq, number in found[:limit]:
        task = session.tasks.find_seq(seq)
        if task is not None:
            groups.append(Group(number, explain(session, task, ground)))
    return Standing(tuple(groups), len(found))

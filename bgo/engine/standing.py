"""Standing: everything unfinished at a glance, tasks with the very same gates as one; and the schedules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bgo.engine import explain_schedule
from bgo.engine.explain import Ground, explain
from bgo.model.schedule import ScheduleState
from bgo.model.schedule_view import ScheduleExplanation
from bgo.model.views import Explanation
from bgo.store.port import Session


@dataclass(frozen=True, slots=True)
class Group:
    """Tasks of one lane in one state: what holds the first of them holds them all."""

    tasks: int
    first: Explanation
    """Of the one that was due first."""

    def to_json(self) -> dict[str, Any]:
        """Return the explanation of the first task with its kind and `tasks`, how many it speaks for."""
        return {**self.first.to_json(), "tasks": self.tasks, "kind": self.first.task.kind}


@dataclass(frozen=True, slots=True)
class Standing:
    """At most as many groups as were asked for, in the order of enqueueing, and how many there are in all."""

    groups: tuple[Group, ...]
    total: int
    schedules: tuple[ScheduleExplanation, ...]
    """At most as many, those that fire first before others; none that is finished."""
    schedules_total: int
    profile: str = "host"
    """By which it was judged."""

    def to_json(self) -> list[dict[str, Any]]:
        """Return the documented array: groups of tasks, then schedules, which have `kind` schedule."""
        return [
            *(group.to_json() for group in self.groups),
            *({**each.to_json(), "kind": "schedule"} for each in self.schedules),
        ]


def standing(session: Session, ground: Ground, limit: int) -> Standing:
    """Return what waits for what. By the lane law one explanation serves a whole lane, whatever waits in it."""
    found = session.tasks.groups()
    groups = []
    for seq, number in found[:limit]:
        task = session.tasks.find_seq(seq)
        if task is not None:
            groups.append(Group(number, explain(session, task, ground)))
    schedules = [each for each in session.schedules.all() if each.state is not ScheduleState.FINISHED]
    schedules.sort(key=lambda each: (each.fire_at is None, each.fire_at))
    told = tuple(explain_schedule.explain(session, each, ground) for each in schedules[:limit])
    return Standing(tuple(groups), len(found), told, len(schedules), ground.view.profile.name)

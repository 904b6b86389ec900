"""Several plays of the same work: under two profiles side by side, and over several seeds where a platform promises
nothing. What differs from seed to seed is chance: it is told as a range, never as one instant.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bgo.clock import to_iso
from bgo.model.views import SCHEMA
from bgo.run.figures import Figures, Range, by_name, figures_of, instants, missed, range_of
from bgo.run.timeline import NeverRan, SimTask, Timeline

__all__ = ["PLAYS", "Figures", "Part", "Play", "Range", "TaskRange", "range_of"]

PLAYS = 20
"""So many seeds are played under a profile that promises no times."""


@dataclass(frozen=True, slots=True)
class TaskRange:
    """When one task starts for the first time, over all plays."""

    task_id: str
    name: str
    planned_at: int
    """When it is due, in the first play that has it."""
    starts_at: Range | None
    """None: it starts in no play."""
    never: int
    """In how many plays it does not start; in some it may not even be made."""

    def to_json(self, origin: int) -> dict[str, Any]:
        """Return the task as its documented object."""
        return {
            "task_id": self.task_id,
            "name": self.name,
            "planned_at": to_iso(self.planned_at),
            "start": instants(self.starts_at, origin),
            "plays_without_start": self.never,
        }


@dataclass(frozen=True, slots=True)
class Part:
    """The plays under one profile; the first one is that of the seed that was asked for."""

    profile: str
    plays: tuple[Timeline, ...]

    @property
    def timeline(self) -> Timeline:
        return self.plays[0]

    @property
    def is_range(self) -> bool:
        """Say whether chance is told by several plays."""
        return len(self.plays) > 1

    def names(self) -> list[str]:
        """Return the names of all tasks, those first that start first."""
        started = [row.name for play in self.plays for row in play.rows]
        return list(dict.fromkeys([*started, *(row.name for play in self.plays for row in missed(play))]))

    def figures(self) -> list[Figures]:
        """Return what becomes of each name's tasks, in the order of `names`."""
        plays = [by_name(play) for play in self.plays]
        return [figures_of(name, [play.get(name, ([], [])) for play in plays]) for name in self.names()]

    def tasks(self) -> list[TaskRange]:
        """Return the range of each task's start: those that start first come first, those that never do last."""
        starts: dict[str, list[int]] = {}
        first: dict[str, SimTask | NeverRan] = {}
        for play in self.plays:
            for ran in play.rows:
                first.setdefault(ran.task_id, ran)
                starts.setdefault(ran.task_id, []).append(ran.started_at)
            for never in missed(play):
                first.setdefault(never.task_id, never)
                starts.setdefault(never.task_id, [])
        rows = [_task_range(task, starts[key], len(self.plays)) for key, task in first.items()]
        return sorted(rows, key=lambda row: (row.starts_at is None, row.starts_at or (row.planned_at,)))

    def to_json(self) -> dict[str, Any]:
        """Return the first play's object, with the profile, and what all plays together tell (`ranges`; null of one).

        `ranges` has `plays`, `names` (of each name: how many of its tasks start in a play, never do, are `done`, have
        `failed`; how many runs are `stopped`, after how long, by which gates; how many tasks that were stopped are
        `unended`; how many attempts failed, and why; its first start and its delays as ranges, and in how many plays
        none starts) and `tasks` (the range of each one's start).
        """
        start = self.timeline.start_at
        ranges = None
        if self.is_range:
            ranges = {
                "plays": len(self.plays),
                "names": [row.to_json(start) for row in self.figures()],
                "tasks": [row.to_json(start) for row in self.tasks()],
            }
        return {**self.timeline.to_json(), "profile": self.profile, "ranges": ranges}


def _task_range(task: SimTask | NeverRan, starts: Sequence[int], plays: int) -> TaskRange:
    return TaskRange(task.task_id, task.name, task.planned_at, range_of(starts), plays - len(starts))


@dataclass(frozen=True, slots=True)
class Play:
    """What was asked for: one part, or two to compare."""

    parts: tuple[Part, ...]

    def compared(self) -> Iterator[tuple[str, tuple[Figures | None, ...]]]:
        """Yield each name with its figures under each profile; None where it has no task there."""
        tables = [{row.name: row for row in part.figures()} for part in self.parts]
        for name in dict.fromkeys(name for table in tables for name in table):
            yield name, tuple(table.get(name) for table in tables)

    def to_json(self) -> dict[str, Any]:
        """Return the documented object: that of the only part; of two, `profiles`, `names` and both `parts`.

        Each of `names` is {name, figures}, the figures in the order of `profiles`; null where a profile has none.
        """
        if len(self.parts) == 1:
            return self.parts[0].to_json()
        start = self.parts[0].timeline.start_at
        return {
            "schema": SCHEMA,
            "profiles": [part.profile for part in self.parts],
            "names": [
                {"name": name, "figures": [None if row is None else row.to_json(start) for row in rows]}
                for name, rows in self.compared()
            ],
            "parts": [part.to_json() for part in self.parts],
        }

    def to_svg(self) -> str:
        """Return the picture: a self-contained SVG, the same bytes for the same plays."""
        from bgo.run.picture import picture

        return picture(self)

"""What becomes of the tasks of one name, over several plays: how many start, end, fail, are stopped, and how late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from bgo.clock import to_iso
from bgo.model.state import State
from bgo.run.timeline import NeverRan, SimTask, Timeline

ENDED = (State.SUCCEEDED, State.FAILED, State.CANCELLED)
FAILING = (State.RETRYING, State.FAILED)


class Range(NamedTuple):
    """The least, the middle and the most of some numbers; of an even count the lower of the two in the middle."""

    least: int
    median: int
    most: int


NONE = Range(0, 0, 0)


def range_of(values: Sequence[int]) -> Range | None:
    """Return the range of some numbers; None of none."""
    if not values:
        return None
    ordered = sorted(values)
    return Range(ordered[0], ordered[(len(ordered) - 1) // 2], ordered[-1])


@dataclass(frozen=True, slots=True)
class Figures:
    """What becomes of the tasks of one name, over all plays."""

    name: str
    starts: Range
    """How many of them start, in a play."""
    never: Range
    """How many of them never start, in a play."""
    first_at: Range | None
    """When the first of them starts; None: in no play any of them does."""
    delay: Range | None
    """How late they start, in milliseconds."""
    without: int
    """In how many plays none of them starts."""
    done: Range = NONE
    """How many of them succeed, in a play."""
    failed: Range = NONE
    """How many of them fail for good, in a play."""
    attempts_failed: Range = NONE
    """How many of their attempts fail, in a play."""
    failed_by: tuple[str, ...] = ()
    """For which reasons."""
    stopped: Range = NONE
    """How many of their runs are stopped, in a play."""
    stopped_by: tuple[str, ...] = ()
    """By which gates."""
    stopped_after: Range | None = None
    """For how long they had run then, in milliseconds."""
    unended: Range = NONE
    """How many of those that were stopped have not ended when a play does."""

    def to_json(self, origin: int) -> dict[str, Any]:
        """Return the figures as their documented object; offsets count from `origin`."""
        return {
            "name": self.name,
            "starts": self.starts._asdict(),
            "never": self.never._asdict(),
            "first_start": instants(self.first_at, origin),
            "delay_ms": None if self.delay is None else self.delay._asdict(),
            "plays_without_start": self.without,
            "done": self.done._asdict(),
            "failed": self.failed._asdict(),
            "attempts_failed": self.attempts_failed._asdict(),
            "failed_by": list(self.failed_by),
            "stopped": self.stopped._asdict(),
            "stopped_by": list(self.stopped_by),
            "stopped_after_ms": None if self.stopped_after is None else self.stopped_after._asdict(),
            "unended": self.unended._asdict(),
        }


def instants(found: Range | None, origin: int) -> dict[str, Any] | None:
    """Return a range of instants as its documented object; offsets count from `origin`."""
    if found is None:
        return None
    keys = ("first", "median", "last")
    told: dict[str, Any] = {f"{key}_at": to_iso(at) for key, at in zip(keys, found, strict=True)}
    return told | {f"{key}_after_ms": at - origin for key, at in zip(keys, found, strict=True)}


Found = tuple[list[SimTask], list[NeverRan]]


def by_name(play: Timeline) -> dict[str, Found]:
    """Return what ran and what never did, of each name."""
    found: dict[str, Found] = {}
    for row in play.rows:
        found.setdefault(row.name, ([], []))[0].append(row)
    for never in missed(play):
        found.setdefault(never.name, ([], []))[1].append(never)
    return found


def missed(play: Timeline) -> list[NeverRan]:
    """Return what was due in the play, and never started; what is due later is not missed."""
    return [never for never in play.never if never.planned_at < play.until_at]


def figures_of(name: str, plays: Sequence[Found]) -> Figures:
    """Return what becomes of the tasks of a name, over all plays."""
    played = [ran for ran, _ in plays]
    starts = [len(ran) for ran in played]
    runs = [[run for row in ran for run in row.runs] for ran in played]
    failed = [[run for run in each if run.ended_at is not None and run.state in FAILING] for each in runs]
    stopped = [[run for run in each if run.stopped_by] for each in runs]
    return Figures(
        name,
        _each(starts),
        _each([len(never) for _, never in plays]),
        range_of([min(row.started_at for row in ran) for ran in played if ran]),
        range_of([row.delay_ms for ran in played for row in ran]),
        starts.count(0),
        _each([_count(ran, State.SUCCEEDED) for ran in played]),
        _each([_count(ran, State.FAILED) for ran in played]),
        _each([len(each) for each in failed]),
        tuple(sorted({run.reason for each in failed for run in each})),
        _each([len(each) for each in stopped]),
        tuple(sorted({run.stopped_by for each in stopped for run in each})),
        range_of([(run.ended_at or run.started_at) - run.started_at for each in stopped for run in each]),
        _each([sum(bool(row.stops) and row.runs[-1].state not in ENDED for row in ran) for ran in played]),
    )


def _each(counts: Sequence[int]) -> Range:
    return range_of(counts) or NONE


def _count(ran: Sequence[SimTask], state: State) -> int:
    return sum(row.runs[-1].state == state for row in ran)

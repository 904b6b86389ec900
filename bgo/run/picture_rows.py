"""The rows of a picture: what runs, what is held, what is late and what fails of each name; of several plays, how often
something runs at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bgo.model.state import State
from bgo.run.picture_words import counted
from bgo.run.svg import Bar, boxes, merged, number, row, words

if TYPE_CHECKING:
    from bgo.run.plays import Figures, Part
    from bgo.run.timeline import SimRun, Timeline

HEIGHT, GAP, NAME = 12, 6, 22
MOST_ROWS = 60
"""More names than this are summed up."""
COLUMN = 3
"""Of several plays, so many pixels are judged at once."""


@dataclass(slots=True)
class Plot:
    """Instants onto pixels, and how far down the picture has come."""

    start: int
    until: int
    left: int
    right: int
    top: float = 0.0

    def x(self, at: int) -> float:
        """Return the place of an instant, within the plot."""
        share = (min(self.until, max(self.start, at)) - self.start) / max(1, self.until - self.start)
        return round(self.left + share * (self.right - self.left), 2)

    def bar(self, since: int, until: int) -> Bar:
        return self.x(since), self.x(until)


@dataclass(slots=True)
class _Row:
    """What is drawn of one name in one play."""

    held: list[Bar]
    runs: list[Bar]
    late: list[float]
    fails: list[float]


def rows(part: Part, plot: Plot) -> Iterator[str]:
    """Yield a row for each name, from the top of the plot on, and move that below them."""
    figures = part.figures()
    for found in figures[:MOST_ROWS]:
        middle = plot.top + HEIGHT / 2
        label = words(plot.left - 8, middle + 4, _cut(found.name), "", "end")
        base = f'<path class="base" d="M{plot.left} {number(middle)}H{plot.right}"/>'
        summed = counted(found, len(part.plays))
        inner = _shares(part, found, plot) if part.is_range else _once(_row(part.timeline, found.name, plot), plot.top)
        numbers = words(plot.right + 8, middle + 4, _short(found), "small")
        yield row(f"{found.name}: {summed}", [label, base, *inner, numbers])
        plot.top += HEIGHT + GAP
    if len(figures) > MOST_ROWS:
        yield words(plot.left, plot.top + HEIGHT, f"… and {len(figures) - MOST_ROWS:,} more names", "dim")
        plot.top += HEIGHT + GAP


def _cut(name: str) -> str:
    return name if len(name) <= NAME else name[: NAME - 1] + "…"


def _short(found: Figures) -> str:
    """Return the numbers that stand at the end of a row."""
    from bgo.run.picture_words import told

    never = f", {told(found.never)} never" if found.never.most else ""
    return f"{told(found.starts)} start{never}"


def _runs(timeline: Timeline, name: str) -> Iterator[SimRun]:
    for task in timeline.rows:
        if task.name == name:
            yield from task.runs


def _row(timeline: Timeline, name: str, plot: Plot) -> _Row:
    found = _Row([], [], [], [])
    for run in _runs(timeline, name):
        if run.delay_ms:
            found.held.append(plot.bar(run.planned_at, run.started_at))
        end = timeline.until_at if run.ended_at is None else run.ended_at
        found.runs.append(plot.bar(run.started_at, end))
        if run.is_late:
            found.late.append(plot.x(run.started_at))
        if run.ended_at is not None and run.state in (State.RETRYING, State.FAILED):
            found.fails.append(plot.x(end))
    for never in (*timeline.never, *timeline.waiting):
        if never.name == name and never.planned_at < plot.until:
            found.held.append(plot.bar(never.planned_at, plot.until))
    return found


def _once(found: _Row, top: float) -> Iterator[str]:
    """Yield the marks of one play: what is late has a triangle above it, what fails a cross."""
    yield boxes(merged(found.held), top + HEIGHT / 2 - 2, 4, "yellow")
    yield boxes(merged(found.runs), top, HEIGHT, "blue")
    for kind, places, down, shape in (
        ("red", found.late, -4, "h6l-3 5z"),
        ("cross", found.fails, 3, "l6 6m0 -6l-6 6"),
    ):
        if places:
            path = "".join(f"M{number(x - 3)} {number(top + down)}{shape}" for x in _apart(places))
            yield f'<path class="{kind}" d="{path}"/>'


def _apart(places: Iterable[float]) -> list[float]:
    """Return places from left to right, none so near to the one before that both would be one blot."""
    found: list[float] = []
    for x in sorted(places):
        if not found or x - found[-1] >= 2:
            found.append(x)
    return found


def _shares(part: Part, found: Figures, plot: Plot) -> Iterator[str]:
    """Yield how often something of a name runs at a time, over all plays, and the range of its first start."""
    columns = (plot.right - plot.left) // COLUMN
    counts = [0] * columns
    for timeline in part.plays:
        for column in _covered(_row(timeline, found.name, plot).runs, plot, columns):
            counts[column] += 1
    levels = [-(-count * 8 // len(part.plays)) for count in counts]
    for level in sorted(set(levels) - {0}):
        bars = [(_left(plot, i), _left(plot, i + 1)) for i, one in enumerate(levels) if one == level]
        yield boxes(merged(bars), plot.top, HEIGHT, f"p{level}")
    if found.first_at is not None and found.first_at.least < found.first_at.most:
        first, median, last = (number(plot.x(at)) for at in found.first_at)
        yield f'<path class="spread" d="M{first} {number(plot.top + HEIGHT + 2)}H{last}"/>'
        yield f'<path class="median" d="M{median} {number(plot.top - 1)}v{HEIGHT + 4}"/>'


def _left(plot: Plot, column: int) -> float:
    return float(plot.left + column * COLUMN)


def _covered(bars: Sequence[Bar], plot: Plot, columns: int) -> set[int]:
    found: set[int] = set()
    for left, right in bars:
        first, last = (min(columns - 1, int((x - plot.left) // COLUMN)) for x in (left, right))
        found.update(range(first, last + 1))
    return found

"""The timeline of a simulation as lines of characters: the device above, one row per task name below.

A cell says the most telling thing that happens in it, by its character and not only by its colour.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from bgo.cli import render
from bgo.cli.strips import Mark, changing, legend, strips
from bgo.clock import to_local
from bgo.model.state import State

if TYPE_CHECKING:
    from rich.text import Text

    from bgo.run.timeline import NeverRan, SimTask, Timeline

BLANK, HELD, RUN, LATE, FAIL = range(5)
"""Marks, each stronger than the ones before it: the strongest one of a cell is shown."""
ROWS = 30
"""More names than this are summed up."""
LABEL = 8
"""The least width of the names."""
_MINUTE, _DAY = 60_000, 86_400_000


MARKS = (
    Mark("·", ".", "", "dim"),
    Mark("░", "-", "due, but held", "yellow"),
    Mark("█", "#", "runs", "blue"),
    Mark("!", "!", "starts a minute or more late", "red"),
    Mark("✗", "x", "an attempt fails", "red"),
)


class Scale(NamedTuple):
    """Instants onto cells."""

    start: int
    end: int
    cells: int

    def cell(self, at: int) -> int:
        """Return the cell that an instant falls into, clamped to the chart."""
        return max(0, min(self.cells - 1, (at - self.start) * self.cells // max(1, self.end - self.start)))


def chart(timeline: Timeline, width: int) -> list[Text]:
    """Return the chart as lines of at most `width` characters, its legend included."""
    names = _by_name(timeline)
    shown = names[:ROWS]
    label = _label_width([*(name for name, _, _ in shown), *changing(timeline.device)], width)
    scale = Scale(timeline.start_at, _end(timeline), max(10, width - label - 1))
    device, used = strips(timeline.device, scale.cell, scale.cells, scale.end), {0}
    lines = [_line("", _axis(scale), "dim", label)]
    lines += [_cells(strip.name, strip.cells, strip.marks, label) for strip in device]
    for name, ran, never in shown:
        cells = _row(ran, never, scale)
        used.update(cells)
        lines.append(_cells(name, cells, dict(enumerate(MARKS)), label))
    if len(names) > ROWS:
        lines.append(render.safe(f"… and {len(names) - ROWS:,} more names: --table lists every task", "dim"))
    lines += _legend("tasks", [MARKS[mark] for mark in sorted(used) if mark], width)
    for strip in device:
        lines += _legend(strip.name, legend(strip), width)
    if scale.end < timeline.until_at:
        lines.append(
            render.safe(f"The chart ends at {instant(scale.end, timeline.start_at)}: then all is quiet.", "dim")
        )
    for line in lines:
        line.rstrip()
    return lines


def instant(at: int, start: int) -> str:
    """Return an instant of a simulation in local time, with its day when it is not that of the start."""
    here = to_local(at)
    return f"{here:%H:%M:%S}" if here.date() == to_local(start).date() else f"{here:%a %d %b %H:%M:%S}"


def _end(timeline: Timeline) -> int:
    """Return where the chart ends: a little after the last thing that happens."""
    last = timeline.last_change_at
    if timeline.never:
        last = max([last, *(s.from_at for s in timeline.device)])
    if last == timeline.start_at:
        return timeline.until_at
    return min(timeline.until_at, last + max(1000, (last - timeline.start_at) // 50))


Named = tuple[str, list["SimTask"], list["NeverRan"]]


def _by_name(timeline: Timeline) -> list[Named]:
    found: dict[str, Named] = {}
    for row in timeline.rows:
        found.setdefault(row.name, (row.name, [], []))[1].append(row)
    for never in timeline.never:
        found.setdefault(never.name, (never.name, [], []))[2].append(never)
    return list(found.values())


def _label_width(names: Iterable[str], width: int) -> int:
    longest = max((len(render.line(name)) for name in names), default=0)
    return max(LABEL, min(longest, width // 4))


def _row(ran: Iterable[SimTask], never: Iterable[NeverRan], scale: Scale) -> list[int]:
    cells = [BLANK] * scale.cells

    def mark(first: int, last: int, kind: int) -> None:
        for i in range(scale.cell(first), scale.cell(last) + 1):
            cells[i] = max(cells[i], kind)

    for run in (run for task in ran for run in task.runs):
        if run.delay_ms:
            mark(run.planned_at, run.started_at, HELD)
        end = scale.end if run.ended_at is None else run.ended_at
        mark(run.started_at, max(run.started_at, end - 1), RUN)
        if run.is_late:
            mark(run.started_at, run.started_at, LATE)
        if run.ended_at is not None and run.state in (State.RETRYING, State.FAILED):
            mark(end, end, FAIL)
    for task in never:
        if task.planned_at < scale.end:
            mark(task.planned_at, scale.end, HELD)
    return cells


def _axis(scale: Scale) -> str:
    """Return the times under which the chart begins and ends, and its middle where there is room."""
    span = scale.end - scale.start
    form = "%H:%M:%S" if span < 10 * _MINUTE else "%H:%M" if span < _DAY else "%a %d %H:%M"
    first, middle, last = (f"{to_local(at):{form}}" for at in (scale.start, scale.start + span // 2, scale.end))
    room = scale.cells - len(first) - len(last)
    if room <= len(middle) + 2:
        return first + last.rjust(scale.cells - len(first)) if room > 0 else first
    left = (scale.cells - len(middle)) // 2 - len(first)
    return first + " " * left + middle + last.rjust(scale.cells - len(first) - left - len(middle))


def _look(mark: Mark) -> tuple[str, str]:
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    return (mark.glyph if utf8 else mark.plain), mark.style


def _line(label: str, text: str, style: str, width: int) -> Text:
    found = render.safe(render.line(label, width).ljust(width + 1), "bold")
    found.append(text, style=style)
    return found


def _cells(label: str, cells: Sequence[Any], marks: Mapping[Any, Mark], width: int) -> Text:
    found = _line(label, "", "", width)
    for kind in cells:
        found.append(*_look(marks[kind]))
    return found


def _legend(title: str, entries: Sequence[Mark], width: int) -> list[Text]:
    """Return the entries on as few lines as they need."""
    lines = [render.safe(f"{title}: ", "dim")]
    for entry in entries:
        (glyph, style), means = _look(entry), render.line(entry.means)
        if len(lines[-1]) + len(glyph) + len(means) + 1 > width:
            lines.append(render.safe("  "))
        lines[-1].append(glyph, style=style)
        lines[-1].append(f" {means}   ", style="dim")
    return lines if entries else []

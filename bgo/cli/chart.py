"""The timeline of a simulation as lines of characters: the device above, one row per task name below.

A cell says the most telling thing that happens in it, by its character and not only by its colour.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from bgo.cli import render
from bgo.cli.strips import legend, strips
from bgo.clock import to_local
from bgo.model.state import State
from bgo.run.strips import Mark, changing

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


MARKS: tuple[Mark, ...] = (
    Mark("·", ".", "", "dim"),
    Mark("░", "-", "due, but held", "yellow"),
    Mark("█", "#", "runs", "blue"),
    Mark("!", "!", "starts a minute or more late", "red"),
    Mark("✗", "x", "an attempt fails", "red"),
)
SHARES: tuple[Mark, ...] = (
    MARKS[BLANK],
    *(Mark(glyph, str(n), "", "blue") for n, glyph in enumerate("▁▂▃▄▅▆▇", 1)),
    Mark("█", "8", "", "blue"),
)
"""Of several plays: in how many eighths of them something of that name runs."""
SHARES_LEGEND = (
    Mark("▁", "1", "runs in few of the plays", "blue"),
    Mark("▅", "5", "in half", "blue"),
    Mark("█", "8", "in all", "blue"),
)


class Scale(NamedTuple):
    """Instants onto cells."""

    start: int
    end: int
    cells: int

    def cell(self, at: int) -> int:
        """Return the cell that an instant falls into, clamped to the chart."""
        return max(0, min(self.cells - 1, (at - self.start) * self.cells // max(1, self.end - self.start)))


def chart(timeline: Timeline, width: int, plays: Sequence[Timeline] = (), *, with_device: bool = True) -> list[Text]:
    """Return the chart as lines of at most `width` characters, its legend included.

    Of several `plays` (of which `timeline` is the first) a row says in how many of them something runs.
    """
    played = plays if len(plays) > 1 else (timeline,)
    names = _by_name(played)
    label = _label_width([*list(names)[:ROWS], *changing(timeline.device)], width)
    scale = Scale(timeline.start_at, max(map(_end, played)), max(10, width - label - 1))
    device = strips(timeline.device, scale.cell, scale.cells, scale.end) if with_device else []
    lines = [_line("", _axis(scale), "dim", label)]
    lines += [_cells(strip.name, strip.cells, strip.marks, label) for strip in device]
    rows, explained = _rows(names, scale, len(played))
    lines += [_cells(name, cells, dict(enumerate(SHARES if len(played) > 1 else MARKS)), label) for name, cells in rows]
    if len(names) > ROWS:
        lines.append(render.safe(f"… and {len(names) - ROWS:,} more names: --table lists every task", "dim"))
    lines += _legend("tasks", explained, width)
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


Found = tuple[list["SimTask"], list["NeverRan"]]


def _by_name(plays: Iterable[Timeline]) -> dict[str, list[Found]]:
    """Return what ran and what never did of each name, play by play."""
    found: dict[str, list[Found]] = {}
    for number, play in enumerate(plays):
        for row in play.rows:
            _place(found, row.name, number)[0].append(row)
        for never in play.never:
            _place(found, never.name, number)[1].append(never)
    return found


def _place(found: dict[str, list[Found]], name: str, number: int) -> Found:
    plays = found.setdefault(name, [])
    plays += [([], []) for _ in range(number + 1 - len(plays))]
    return plays[number]


def _rows(
    names: Mapping[str, Sequence[Found]], scale: Scale, plays: int
) -> tuple[list[tuple[str, list[int]]], list[Mark]]:
    """Return a row of cells for each name, and what is to be explained of them."""
    shown = list(names.items())[:ROWS]
    if plays > 1:
        return [(name, _shares(found, scale, plays)) for name, found in shown], list(SHARES_LEGEND)
    rows = [(name, _row(*found[0], scale)) for name, found in shown]
    used = {cell for _, cells in rows for cell in cells}
    return rows, [MARKS[mark] for mark in sorted(used) if mark]


def _shares(found: Sequence[Found], scale: Scale, plays: int) -> list[int]:
    """Return for each cell in how many eighths of all plays something runs in it; a single one shows, too."""
    counts = [0] * scale.cells
    for ran, _ in found:
        cells = _row(ran, (), scale)
        counts = [count + (cell in (RUN, LATE, FAIL)) for count, cell in zip(counts, cells, strict=True)]
    return [-(-count * 8 // plays) for count in counts]


def _label_width(names: Iterable[str], width: int) -> int:
    longest = max((len(render.line(name)) for name in names), default=0)
    return max(LABEL, min(longest, width // 4))


def _row(ran: Sequence[SimTask], never: Iterable[NeverRan], scale: Scale) -> list[int]:
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
    for task in (*never, *(row.waits for row in ran if row.waits is not None)):
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

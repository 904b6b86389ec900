"""Several plays in tables: what chance leaves open as ranges, and two profiles beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bgo.cli import render
from bgo.cli.render import Column
from bgo.clock import to_local

if TYPE_CHECKING:
    from bgo.run.plays import Figures, Part, Play, Range

TASKS = 20


def ranges(part: Part, width: int, start: int, *, whole: bool) -> list[Any]:
    """Return the table of names, that of tasks where all are asked for, and what these numbers are worth."""
    plays = len(part.plays)
    columns = [
        Column("NAME", least=8),
        Column("START", right=True),
        Column("FIRST, EARLIEST"),
        Column("MEDIAN"),
        Column("LATEST", drop=2),
        Column("DELAY", right=True, drop=3),
        Column("NONE IN", right=True),
    ]
    rows = [
        (row.name, told(row.starts), *_instants(row.first_at, start), _delay(row.delay), _of(row.without, plays))
        for row in part.figures()
    ]
    found = [render.table(columns, rows, width)]
    if whole:
        found += [render.safe(""), _tasks(part, width, start)]
    closing = f"Ranges over {plays} plays: nobody promises these times, and a task may never run."
    return [*found, render.safe(""), render.safe(closing)]


def _tasks(part: Part, width: int, start: int) -> Any:
    columns = [
        Column("TASK", drop=2),
        Column("NAME", least=8),
        Column("PLANNED", drop=3),
        Column("EARLIEST START"),
        Column("MEDIAN"),
        Column("LATEST", drop=1),
        Column("NEVER IN", right=True),
    ]
    rows = [
        (
            row.task_id,
            row.name,
            instant(row.planned_at, start),
            *_instants(row.starts_at, start),
            _of(row.never, len(part.plays)),
        )
        for row in part.tasks()
    ]
    return render.table(columns, rows, width)


def compared(play: Play, width: int) -> Any:
    """Return the table of names with a row for each profile: how many start, how late, how many never."""
    columns = [
        Column("NAME", least=8),
        Column("PROFILE"),
        Column("START", right=True),
        Column("FIRST START", drop=2),
        Column("DELAY, MEDIAN", right=True),
        Column("LONGEST", right=True),
        Column("NEVER", right=True),
    ]
    if any(part.is_range for part in play.parts):
        columns.append(Column("NONE IN", right=True, drop=1))
    start = play.parts[0].timeline.start_at
    rows: list[Sequence[Any]] = []
    for name, figures in play.compared():
        for number, (part, row) in enumerate(zip(play.parts, figures, strict=True)):
            cells = ("" if number else name, part.profile, *_compared(row, start, len(part.plays)))
            rows.append(cells[: len(columns)])
    return render.table(columns, rows, width)


def _compared(row: Figures | None, start: int, plays: int) -> tuple[str, ...]:
    if row is None:
        return ("-",) * 6
    delays = ("-", "-") if row.delay is None else (render.duration(row.delay.median), render.duration(row.delay.most))
    first = "-" if row.first_at is None else instant(row.first_at.median, start)
    return told(row.starts), first, *delays, told(row.never), _of(row.without, plays) if plays > 1 else ""


def told(found: Range) -> str:
    """Return a range of numbers: `4`, `2–6`."""
    return f"{found.least:,}" if found.least == found.most else f"{found.least:,}–{found.most:,}"


def _instants(found: Range | None, start: int) -> tuple[str, str, str]:
    if found is None:
        return "-", "-", "-"
    return instant(found.least, start), instant(found.median, start), instant(found.most, start)


def instant(at: int, start: int) -> str:
    """Return an instant to the minute, with its day when it is not that of the start: ranges are no finer."""
    here = to_local(at)
    return f"{here:%H:%M}" if here.date() == to_local(start).date() else f"{here:%a %d %H:%M}"


def _delay(found: Range | None) -> str:
    return "-" if found is None else render.duration(found.median)


def _of(count: int, plays: int) -> str:
    return f"{count} of {plays}" if count else "-"

"""Several plays in tables: what chance leaves open as ranges, and two profiles beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bgo.cli import render
from bgo.cli.render import Column
from bgo.clock import to_local

if TYPE_CHECKING:
    from rich.text import Text

    from bgo.run.plays import Figures, Part, Play, Range

TASKS = 20
FATES = (
    Column("DONE", right=True),
    Column("FAILED", right=True, drop=1),
    Column("STOPPED", right=True, drop=2),
)
"""How tasks end; what fails and is stopped is told in words, too."""
IDLE = ("FAILED", "STOPPED")
"""Columns that are left out where they have nothing to tell."""


def ranges(part: Part, width: int, start: int, *, whole: bool) -> list[Any]:
    """Return the table of names, that of tasks where all are asked for, and what these numbers are worth."""
    plays, figures = len(part.plays), part.figures()
    columns = [
        Column("NAME", least=8),
        Column("START", right=True),
        *FATES,
        Column("FIRST, EARLIEST"),
        Column("MEDIAN"),
        Column("LATEST", drop=2),
        Column("DELAY", right=True, drop=3),
        Column("NONE IN", right=True),
    ]
    rows = [
        (
            *(row.name, told(row.starts), *_fates(row), *_instants(row.first_at, start)),
            *(_delay(row.delay), _of(row.without, plays)),
        )
        for row in figures
    ]
    found = [_table(columns, rows, width), *_apart(troubles(figures, plays))]
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


def compared(play: Play, width: int) -> list[Any]:
    """Return the table of names with a row for each profile: how many start, how they end, how late they are, how many
    never start; and what does not end or fails."""
    columns = [
        Column("NAME", least=8),
        Column("PROFILE"),
        Column("START", right=True),
        *FATES,
        Column("FIRST START", drop=4),
        Column("DELAY", right=True, drop=3),
        Column("LONGEST", right=True),
        Column("NEVER", right=True),
    ]
    if any(part.is_range for part in play.parts):
        columns.append(Column("NONE IN", right=True, drop=5))
    start = play.parts[0].timeline.start_at
    rows: list[Sequence[Any]] = []
    for name, figures in play.compared():
        for number, (part, row) in enumerate(zip(play.parts, figures, strict=True)):
            cells = ("" if number else name, part.profile, *_compared(row, start, len(part.plays)))
            rows.append(cells[: len(columns)])
    notes = [line for part in play.parts for line in troubles(part.figures(), len(part.plays), part.profile)]
    return [_table(columns, rows, width), *_apart(notes)]


def _apart(lines: list[Text]) -> list[Text]:
    """Return lines with an empty one before them; none of none."""
    return [render.safe(""), *lines] if lines else []


def _compared(row: Figures | None, start: int, plays: int) -> tuple[str, ...]:
    if row is None:
        return ("-",) * 9
    delays = ("-", "-") if row.delay is None else (render.duration(row.delay.median), render.duration(row.delay.most))
    first = "-" if row.first_at is None else instant(row.first_at.median, start)
    return told(row.starts), *_fates(row), first, *delays, told(row.never), _of(row.without, plays) if plays > 1 else ""


def troubles(figures: Sequence[Figures], plays: int, profile: str = "") -> list[Text]:
    """Return a line for each name of which tasks are stopped and never end, or fail."""
    found = []
    for row in figures:
        for line in (_stuck(row, plays), _failing(row, plays)):
            if line:
                under = f"under {profile}: " if profile else ""
                found.append(render.safe(f"✗ {under}{line}"))
    return found


def _stuck(row: Figures, plays: int) -> str:
    """Return that what is stopped time and again never ends; empty: it does."""
    if not row.unended.most or row.stopped_after is None:
        return ""
    times = "once" if row.stopped == (1, 1, 1) else f"{told(row.stopped)} times"
    after = render.duration(row.stopped_after.median)
    which = "never ends" if row.unended.most == 1 else f"{told(row.unended)} never end"
    return f"{render.line(row.name)} {which}: stopped {times} after {after} ({', '.join(row.stopped_by)}){_over(plays)}"


def _failing(row: Figures, plays: int) -> str:
    """Return how many attempts fail, and why; empty: none."""
    if not row.attempts_failed.most:
        return ""
    tries = f"{told(row.attempts_failed)} attempt{'s' if row.attempts_failed.most > 1 else ''}"
    reasons = ", ".join(row.failed_by)
    if not row.failed.most:
        return f"{render.line(row.name)} needs more than one attempt: {tries} failed ({reasons}){_over(plays)}"
    which = "fails" if row.failed.most == 1 else f"{told(row.failed)} fail"
    return f"{render.line(row.name)} {which}: {tries} ({reasons}){_over(plays)}"


def _over(plays: int) -> str:
    return f", over {plays} plays" if plays > 1 else ""


def _fates(row: Figures) -> tuple[str, str, str]:
    return told(row.done), told(row.failed), told(row.stopped)


def _table(columns: Sequence[Column], rows: Sequence[Sequence[Any]], width: int) -> Any:
    """Return a table without the columns that say of nothing that it fails or is stopped."""
    kept = [i for i, c in enumerate(columns) if c.heading not in IDLE or any(row[i] not in ("0", "-") for row in rows)]
    return render.table([columns[i] for i in kept], [[row[i] for i in kept] for row in rows], width)


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

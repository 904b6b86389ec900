"""A device's script as lines, or as CSV: which signals it says at which times, and where in the file."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bgo.devices.signals import pairs
from bgo.errors import UsageError

DAILY = "every day"
FORM = "a line reads: at +2h charging=yes"
Line = tuple[int, str, dict[str, str]]
"""A line of a script: its number, its time as written, and its signals."""


def lines(text: str, name: str) -> tuple[bool, list[Line]]:
    """Return whether the script comes again each day, and its lines. Raises UsageError with FILE:LINE and the reason.

    Times and signals are not looked at here.
    """
    rows = [(n, row.partition("#")[0].strip()) for n, row in enumerate(text.splitlines(), 1)]
    rows = [(n, row) for n, row in rows if row]
    is_daily = bool(rows) and rows[0][1].lower() == DAILY
    return is_daily, list(_read(rows[1:] if is_daily else rows, name))


def _read(rows: list[tuple[int, str]], name: str) -> Iterator[Line]:
    if rows and re.match(r"at\s*,", rows[0][1]):
        yield from _csv(rows, name)
        return
    for number, row in rows:
        place = f"{name}:{number}"
        head, *words = re.split(r"\s+(?=\S*=)", row)
        when = head.removeprefix("at").strip()
        if not head.startswith("at ") or not when or not words:
            raise UsageError(f"{place}: not a change: {row!r:.80}", why=FORM, hint="give 'at', a time and a signal")
        yield number, when, _signals(place, words)


def _signals(place: str, words: list[str]) -> dict[str, str]:
    try:
        return pairs(words)
    except UsageError as error:
        raise UsageError(f"{place}: {error.message}", why=FORM, hint=error.hint) from None


def _csv(rows: list[tuple[int, str]], name: str) -> Iterator[Line]:
    heading = [cell.strip() for cell in rows[0][1].split(",")]
    if twice := next((key for at, key in enumerate(heading) if key in heading[:at]), None):
        raise UsageError(
            f"{name}:{rows[0][0]}: the column {twice!r:.60} is there twice",
            why="one of them would be lost",
            hint="keep one of them",
        )
    for number, row in rows[1:]:
        cells = [cell.strip() for cell in row.split(",")]
        if len(cells) != len(heading):
            raise UsageError(
                f"{name}:{number}: {len(cells)} cells where the heading has {len(heading)}",
                why=f"the heading is {', '.join(heading)}",
                hint="leave a cell empty where nothing changes",
            )
        yield number, cells[0], {key: cell for key, cell in zip(heading[1:], cells[1:], strict=True) if cell}

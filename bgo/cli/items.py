"""Items as they come in: from a file or a pipe, with a line on the terminal that says how many there were."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bgo.errors import UsageError

if TYPE_CHECKING:
    from bgo.api import TaskFlow

ITEMS = "Items"
EVERY = 500
"""After so many items the clock is looked at."""
REDRAW_MS = 200

Items = Annotated[
    str | None,
    typer.Option("--items", metavar="FILE", help="One a line; - reads a pipe.", rich_help_panel=ITEMS),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="lines, ndjson, or null for find -print0; default: as the file's name and first line say.",
        rich_help_panel=ITEMS,
    ),
]


def items_of(source: str, format: str | None) -> Iterator[Any]:
    """Yield the items of a file, or of standard input for `-`; a terminal is refused rather than waited for."""
    from bgo.flow import item_files

    if format is not None and format not in item_files.FORMATS:
        from bgo.cli.parse import did_you_mean

        raise UsageError(
            f"--format: no such format: {format!r:.40}",
            why=f"there are {', '.join(item_files.FORMATS)}",
            hint=did_you_mean(format, item_files.FORMATS) or "--format lines",
        )
    if source != "-":
        return item_files.read_file(source, format)
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(
            "--items -: standard input is a terminal",
            why="'-' reads the items from a pipe",
            hint="find . -type f | bgo batch files.hash --items -",
        )
    return item_files.read(open(0, "rb", closefd=False), "-", format)


class Counted:
    """Passes items on, counts them, and tells people how many there are."""

    def __init__(self, flow: TaskFlow, items: Iterator[Any], *, is_told: bool) -> None:
        self._items, self._clock = items, flow.clock
        self._is_told = is_told and sys.stderr.isatty() and os.environ.get("TERM") not in {"dumb", "", None}
        self._drawn: int | None = None
        self.count = 0

    def __iter__(self) -> Iterator[Any]:
        before = signal.signal(signal.SIGINT, self._give_up) if self._is_told else None
        try:
            for item in self._items:
                self.count += 1
                yield item
                if self._is_told and self.count % EVERY == 0:
                    self._tell()
        finally:
            if before is not None:
                signal.signal(signal.SIGINT, before)
            if self._drawn is not None:
                self._say("")

    def _give_up(self, *_: object) -> None:
        """Ctrl-C: all that came in is taken back, which for very many takes a moment."""
        if self._drawn is not None:
            self._say(f"taking {self.count:,} items back\n")
            self._drawn = None
        raise KeyboardInterrupt

    def _say(self, text: str) -> None:
        print(f"\r\x1b[2K{text}", end="", file=sys.stderr, flush=True)

    def _tell(self) -> None:
        now = self._clock.awake_ms()
        if self._drawn is None or now - self._drawn >= REDRAW_MS:
            self._drawn = now
            self._say(f"{self.count:,} items have come in")

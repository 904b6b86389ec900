"""A live area at the bottom of a terminal: one row per running task; what is finished scrolls above it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

from bgo.cli import render
from bgo.cli.screen import bar
from bgo.clock import Clock, SystemClock

if TYPE_CHECKING:
    from rich.text import Text

COLUMNS = (
    render.Column("ID"),
    render.Column("NAME", least=6),
    render.Column("PROGRESS", drop=2),
    render.Column("TIME", right=True),
    render.Column("MESSAGE", least=6, drop=1),
)
PER_SECOND = 4


def is_terminal() -> bool:
    """Say whether a live area makes sense: somebody looks at stderr, on something that can move its cursor."""
    return sys.stderr.isatty() and os.environ.get("TERM") not in {"dumb", "", None}


@dataclass(frozen=True, slots=True)
class Row:
    """One running (or waiting) task."""

    id: str
    name: str
    since: int
    """UTC milliseconds from which its time is counted."""
    fraction: float | None = None
    message: str = ""


class Area:
    """The live area, on stderr. `rows` may be replaced at any time; it is drawn a few times a second."""

    def __init__(self, *, color: bool, clock: Clock | None = None) -> None:
        from rich.live import Live

        self.rows: Mapping[str, Row] = {}
        self.idle = ""
        """What to say while there are no rows."""
        self._clock = clock or SystemClock()
        self._out = render.console(color=color, stderr=True)
        self._live = Live(
            get_renderable=self._draw,
            console=self._out,
            refresh_per_second=PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Area:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def put(self, row: Row) -> None:
        """Add a row, or renew the one of this id."""
        self.rows = {**self.rows, row.id: row}

    def drop(self, task_id: str) -> None:
        """Remove a row."""
        self.rows = {key: row for key, row in self.rows.items() if key != task_id}

    def say(self, text: Text) -> None:
        """Print a line above the area."""
        with self._live._lock:  # else the thread that redraws may come between the erasing and the drawing
            self._out.print(text, soft_wrap=True)

    def _draw(self) -> Any:
        now = self._clock.now_ms()
        rows = list(self.rows.values())
        if not rows:
            return render.safe(self.idle, "dim")
        room = max(1, self._out.height - 4)
        body = [(r.id, r.name, bar(r.fraction), render.so_far(now - r.since), r.message) for r in rows[:room]]
        if len(rows) > room:
            body.append((f"… {len(rows) - room} more", "", "", "", ""))
        return render.table(COLUMNS, body, self._out.width)

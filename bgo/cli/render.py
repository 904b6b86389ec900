"""What goes to the terminal: harmless text, tables that fit, times people read, and JSON.

Foreign text (task output, names, messages, errors) passes `clean` and is then always a Rich `Text`, never markup. Rich
is imported by the functions that need it; `-q` and `--json` never do. Data goes to stdout, messages to stderr.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from bgo.clock import to_local

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_HARMFUL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    r"\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_SPACE = re.compile(r"[\n\t]+")


def clean(text: str) -> str:
    """Return foreign text without anything a terminal would obey or hide: control, bidi and zero-width characters.

    Line feeds and tabs stay. ESC shows as ␛, the others as �.
    """
    return _HARMFUL.sub(lambda m: "␛" if m[0] == "\x1b" else "\ufffd", text)


def line(text: str, width: int = 0) -> str:
    """Return foreign text as one clean line, cut to `width` characters when that is not 0."""
    flat = _SPACE.sub(" ", clean(text)).strip()
    return flat if not width or len(flat) <= width else flat[: max(1, width) - 1] + "…"


def safe(text: str, style: str = "") -> Text:
    """Return foreign text as a Rich Text: cleaned, and never read as markup."""
    from rich.text import Text

    return Text(clean(text), style=style)


def wants_color(stream: TextIO) -> bool:
    """Say whether messages on `stream` may be coloured: a terminal, and nobody said no."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


PIPED_WIDTH = 2000
"""Width where nobody's window limits it: what goes into a pipe or a file is not cut to 80 columns."""


def console(*, color: bool = True, stderr: bool = False) -> Console:
    """Return a Rich console that reads no markup, no emoji codes and highlights nothing; COLUMNS sets its width."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    plain = not color or not wants_color(stream)
    width = None if stream.isatty() or os.environ.get("COLUMNS") else PIPED_WIDTH
    return Console(
        file=stream,
        markup=False,
        emoji=False,
        highlight=False,
        no_color=plain,
        width=width,
        force_terminal=None if stream.isatty() else False,  # whatever FORCE_COLOR says: a pipe wants plain text
    )


GLYPHS: Mapping[str, tuple[str, str]] = {
    "blocked": ("◌", "dim"),
    "queued": ("○", "cyan"),
    "running": ("▶", "blue"),
    "retrying": ("↻", "yellow"),
    "succeeded": ("✓", "green"),
    "failed": ("✗", "red"),
    "cancelled": ("⊘", "dim"),
}
"""State → glyph and style. The word always stands beside the glyph: colour alone says nothing."""


def state_word(state: str) -> str:
    """Return a state as `✓ succeeded`."""
    return f"{GLYPHS.get(state, ('·', ''))[0]} {state}"


def state_text(state: str, *, paused: bool = False) -> Text:
    """Return a state as a coloured Rich Text; `paused`: it runs, and stands still."""
    return safe(state_word(state) + (" (paused)" if paused else ""), GLYPHS.get(state, ("·", ""))[1])


_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s"))


def duration(ms: int | None) -> str:
    """Return a length of time in at most two units: `340 ms`, `2.5 s`, `4 min 10 s`, `3 h 5 min`, `12 d`."""
    if ms is None:
        return ""
    if ms < 0:
        return "-" + duration(-ms)
    if ms < 1000:
        return f"{ms} ms"
    if ms < 60_000:
        return f"{ms // 100 / 10:g} s"
    at = next(i for i, (unit_ms, _) in enumerate(_UNITS) if ms >= unit_ms)
    unit_ms, unit = _UNITS[at]
    lower_ms, lower = _UNITS[at + 1]
    whole, rest = divmod(ms, unit_ms)
    return f"{whole} {unit}" + (f" {rest // lower_ms} {lower}" if rest >= lower_ms else "")


def ended(state: str, took_ms: int | None) -> str:
    """Return how something ended and how long it took: `✓ succeeded in 2.5 s`; None when nothing of it ever began."""
    return state_word(state) + ("" if took_ms is None else f" in {duration(took_ms)}")


def so_far(ms: int) -> str:
    """Return how long something has lasted that goes on, in whole seconds: `0 s`, `12 s`."""
    return duration(ms // 1000 * 1000) if ms >= 1000 else "0 s"


def ago(at_ms: int | None, now_ms: int) -> str:
    """Return an instant as people say it: `now`, `in 4 min`, `3 min ago`, `5 d ago`; None is empty."""
    if at_ms is None:
        return ""
    distance = abs(at_ms - now_ms)
    if distance < 1000:
        return "now"
    if at_ms > now_ms:
        distance += -distance % 1000  # what was to be in five minutes a moment ago is not yet in four
    words = next(f"{distance // unit_ms} {unit}" for unit_ms, unit in _UNITS if distance >= unit_ms)
    return f"in {words}" if at_ms > now_ms else f"{words} ago"


def local_time(ms: int) -> str:
    """Return an instant in local time, with its zone: `Tue 24 Nov 2026 09:00:00 CET`."""
    return to_local(ms).strftime("%a %d %b %Y %H:%M:%S %Z")


def size(count: int) -> str:
    """Return a number of bytes: `812 B`, `4.0 kB`, `1.2 GB` (powers of 1000)."""
    value, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    while value >= 999.95 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{count} B" if units[0] == "B" else f"{value:.1f} {units[0]}"


Cell = Any
"""A table cell: a str or number (foreign, cleaned), a Rich renderable, or None (empty)."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. When the terminal is narrow it gives way down to `least` characters, then is left out."""

    heading: str
    least: int = 0
    """0: it is never cut (ids, states)."""
    drop: int = 0
    """0: it is never left out; of the others, the highest goes first."""
    right: bool = False
    folds: bool = False
    """A text that is too long goes on in the next line, and is not cut."""


def fit(columns: Sequence[Column], natural: Sequence[int], width: int, gap: int = 2) -> list[int | None]:
    """Return each column's width so that a row fits into `width`; None: the column is left out."""
    widths: list[int | None] = list(natural)

    def excess() -> int:
        shown = [w for w in widths if w is not None]
        return sum(shown) + gap * (len(shown) - 1) - width

    def floor(i: int) -> int:
        return min(natural[i], max(columns[i].least, len(columns[i].heading))) if columns[i].least else natural[i]

    def slack() -> int:
        return sum(w - floor(i) for i, w in enumerate(widths) if w is not None)

    while excess() > slack() and (droppable := [i for i, w in enumerate(widths) if w is not None and columns[i].drop]):
        widths[max(droppable, key=lambda i: columns[i].drop)] = None
    while excess() > 0 and slack() > 0:
        giving = [(w, i) for i, w in enumerate(widths) if w is not None and w > floor(i)]
        most, at = max(giving)
        widths[at] = most - 1
    return widths


def table(columns: Sequence[Column], rows: Iterable[Sequence[Cell]], width: int) -> Any:
    """Return a Rich table of one-line cells that fits into `width` characters; too long ones end in `…`, or fold."""
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    body = [[_cell(cell) for cell in row] for row in rows]
    lengths = [[cell_len(c.plain) if isinstance(c, Text) else 0 for c in row] for row in body]
    natural = [max([len(c.heading), *(row[i] or c.least for row in lengths)]) for i, c in enumerate(columns)]
    widths = fit(columns, natural, width)
    found = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column, w in zip(columns, widths, strict=True):
        if w is not None:
            found.add_column(
                column.heading,
                header_style="bold",
                width=w,
                no_wrap=not column.folds,
                overflow="fold" if column.folds else "ellipsis",
                justify="right" if column.right else "left",
            )
    for row in body:
        found.add_row(*(cell for cell, w in zip(row, widths, strict=True) if w is not None))
    return found


def _cell(cell: Cell) -> Any:
    if cell is None:
        return safe("")
    return safe(line(str(cell))) if isinstance(cell, (str, int, float)) else cell


def dumps(value: Any, stream: TextIO | None = None) -> str:
    """Return JSON text; on a terminal everything beyond ASCII is escaped, so that no data can steer it."""
    import json

    stream = stream or sys.stdout
    return json.dumps(value, ensure_ascii=stream.isatty() or not _is_utf8(stream), allow_nan=False)


def _is_utf8(stream: TextIO) -> bool:
    return (getattr(stream, "encoding", None) or "").lower().replace("-", "") == "utf8"


def write_json(value: Any) -> None:
    """Print one JSON value on stdout: an object, or a bare array for lists."""
    print(dumps(value))


def write_event(event: Mapping[str, Any]) -> None:
    """Print one NDJSON object on stdout and flush, so that a reader sees it at once."""
    print(dumps(event), flush=True)


def say(text: str) -> None:
    """Print a message for people on stderr, cleaned."""
    print(clean(text), file=sys.stderr)

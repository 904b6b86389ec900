"""A device's script: what it says, from when on.

    # overnight on the charger
    at +0h charging=no
    at 22:30 charging=yes
    at 2026-11-24T07:30Z charging=no

One line per change, in time order: an offset from the start, the next such local time after the line before, or a full
instant. The same as CSV, with a heading: `at,charging` and rows such as `+0h,no`; an empty cell changes nothing.
What a line does not mention stays as it was; before the first mention it is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path

from bgo.errors import UsageError
from bgo.model.device import DeviceChange, DeviceState, Reading, Tri
from bgo.model.words import did_you_mean, duration_ms, instant_ms

SIGNALS = ("charging",)
MAX_BYTES = 16 << 20
_VALUES = {"yes": Tri.YES, "true": Tri.YES, "no": Tri.NO, "false": Tri.NO, "unknown": Tri.UNKNOWN}
_FORM = "a line reads: at +2h charging=yes"


def read_trace(path: str, start_ms: int, zone: tzinfo | None = None) -> tuple[DeviceChange, ...]:
    """Return the changes that the script at `path` tells, seen from `start_ms`."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise UsageError(f"{path} is larger than {MAX_BYTES:,} bytes", hint="shorten the script")
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot read {path}", why=error.strerror or str(error), hint="name a script file") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not text", why=str(error), hint=_FORM) from None
    return parse_trace(text, path, start_ms, zone)


def parse_trace(text: str, name: str, start_ms: int, zone: tzinfo | None = None) -> tuple[DeviceChange, ...]:
    """Return a script's changes, strictly in time order. `name` stands in errors, with the line.

    Offsets and the first clock time count from `start_ms`; times without an offset are in `zone` (default: local).
    """
    found: list[DeviceChange] = []
    state = DeviceState()
    for number, when, words in _lines(text, name):
        place = f"{name}:{number}"
        last = found[-1].at_ms if found else None
        at_ms = _instant(place, when, start_ms, last, zone)
        if last is not None and at_ms <= last:
            raise UsageError(
                f"{place}: time goes backwards at {when!r:.60}",
                why="each line must be later than the one before it",
                hint="sort the lines, or merge the two that are at the same time",
            )
        state = _changed(state, place, words)
        found.append(DeviceChange(at_ms, state))
    return tuple(found)


Line = tuple[int, str, dict[str, str]]


def _lines(text: str, name: str) -> Iterator[Line]:
    rows = [(n, row.partition("#")[0].strip()) for n, row in enumerate(text.splitlines(), 1)]
    rows = [(n, row) for n, row in rows if row]
    if rows and re.match(r"at\s*,", rows[0][1]):
        yield from _csv(rows, name)
        return
    for number, row in rows:
        place = f"{name}:{number}"
        head, *words = re.split(r"\s+(?=\S*=)", row)
        when = head.removeprefix("at").strip()
        if not head.startswith("at ") or not when or not words:
            raise UsageError(f"{place}: not a change: {row!r:.80}", why=_FORM, hint="give 'at', a time and a signal")
        yield number, when, _signals(place, words)


def _signals(place: str, words: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in words:
        key, _, value = word.partition("=")
        if key in found:
            raise UsageError(f"{place}: {key!r:.60} is said twice", why=_FORM, hint="keep one of them")
        found[key] = value
    return found


def _csv(rows: list[tuple[int, str]], name: str) -> Iterator[Line]:
    heading = [cell.strip() for cell in rows[0][1].split(",")]
    for number, row in rows[1:]:
        cells = [cell.strip() for cell in row.split(",")]
        if len(cells) != len(heading):
            raise UsageError(
                f"{name}:{number}: {len(cells)} cells where the heading has {len(heading)}",
                why=f"the heading is {', '.join(heading)}",
                hint="leave a cell empty where nothing changes",
            )
        yield number, cells[0], {key: cell for key, cell in zip(heading[1:], cells[1:], strict=True) if cell}


def _instant(place: str, when: str, start_ms: int, last: int | None, zone: tzinfo | None) -> int:
    why, hint = "", "write +2h, 07:30 or an ISO instant"
    try:
        if re.fullmatch(r"\+\s*[0-9.]+", when) and when.strip("+ 0."):
            why, hint = "an offset needs a unit", f"write {when}s, {when}m or {when}h"
        elif when.startswith("+"):
            return start_ms + duration_ms(when[1:])
        elif when[:1].isdigit():
            # the first clock time may be the start itself: it is the next one after a moment before
            return instant_ms(when, start_ms - 1 if last is None else last, zone)
    except UsageError as error:
        why = error.why or error.message
    raise UsageError(f"{place}: not a time: {when!r:.60}", why=why, hint=hint)


def _changed(state: DeviceState, place: str, words: dict[str, str]) -> DeviceState:
    for key, word in words.items():
        if key not in SIGNALS:
            raise UsageError(
                f"{place}: unknown signal {key!r:.60}",
                why=did_you_mean(key, SIGNALS) or f"a script may say {', '.join(SIGNALS)}",
                hint="write charging=yes",
            )
        if word.lower() not in _VALUES:
            raise UsageError(
                f"{place}: {key}={word!r:.40} is not a reading",
                why="a reading is yes, no or unknown",
                hint=f"write {key}=yes",
            )
        state = replace(state, charging=Reading(_VALUES[word.lower()], f"trace {place}"))
    return state

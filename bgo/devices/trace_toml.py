"""A device's script as TOML: the same lines, for those who would rather not write their own.

every = "day"
summary = "A phone that is charged at night."

[[change]]
at = "07:30"
charging = false
network = "metered"
battery = 80
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, time
from typing import Any

from bgo.devices.readings import EXAMPLES, SIGNALS
from bgo.devices.trace_lines import Line
from bgo.errors import UsageError
from bgo.model.words import did_you_mean
from bgo.toml_text import TomlText, at

KEYS = ("every", "summary", "change")
EXAMPLE = '[[change]] at = "+2h" charging = true, each on a line of its own'


def lines(text: str, name: str) -> tuple[bool, list[Line]]:
    """Return whether the script comes again each day, and its lines. Raises UsageError with FILE:LINE and the reason.

    Of times only the kind is looked at here.
    """
    found = TomlText(text, name, EXAMPLE)
    for key in found.data:
        if key not in KEYS:
            why = did_you_mean(key, KEYS) or f"a script has {', '.join(KEYS)}"
            raise UsageError(f"{found.place_of([key])}: unknown key {key!r:.60}", why=why, hint=EXAMPLE)
    every, summary = found.data.get("every"), found.data.get("summary", "")
    if every not in (None, "day"):
        raise UsageError(f"{found.place_of(['every'])}: every = {every!r:.40}", why='a script comes again every "day"',
                         hint='every = "day", or leave it out for a script that is played once')  # fmt: skip
    if not isinstance(summary, str):
        raise UsageError(
            f"{found.place_of(['summary'])}: the summary is a text", why="it is shown in lists", hint='summary = "…"'
        )
    return every == "day", list(_changes(found))


def _changes(found: TomlText) -> Iterator[Line]:
    tables = found.data.get("change", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        place, why = found.place_of(["change"]), "it has a time and its signals"
        raise UsageError(f"{place}: each change is a table of its own", why=why, hint=EXAMPLE)
    for number, table in enumerate(tables):
        place = found.place("change", number)
        if "at" not in table:
            raise UsageError(f"{place}: a change without its time", why="nobody knows from when on it is so",
                             hint='at = "+2h", or a clock time: at = "07:30"')  # fmt: skip
        words: dict[str, str] = {}
        for key, value in table.items():
            if key != "at":
                words[key] = _word(found, number, key, value)
        if not words:
            raise UsageError(f"{place}: a change that changes nothing", why="it has a time alone",
                             hint="charging = true, or leave the change out")  # fmt: skip
        line = int(found.place("change", number, "at").rpartition(":")[2])
        yield line, _time(found, number, table), words


def _word(found: TomlText, number: int, key: str, value: Any) -> str:
    """Return a value as a line would say it, once it is known to be one."""
    place = found.place("change", number, key)
    if key not in SIGNALS:
        why = did_you_mean(key, SIGNALS) or f"the signals are {', '.join(SIGNALS)}"
        raise UsageError(f"{place}: unknown signal {key!r:.60}", why=why, hint="charging = true")
    if isinstance(value, bool):
        word = "yes" if value else "no"
    elif isinstance(value, (int, str)):
        word = str(value)
    else:
        raise UsageError(f"{place}: {key} is a word, a whole number, true or false", why=f"{value!s:.40} is none",
                         hint=f"{key}: {EXAMPLES[key]}, or unknown")  # fmt: skip
    with at(place):
        SIGNALS[key](key, word, "")
    return word


def _time(found: TomlText, number: int, table: Mapping[str, Any]) -> str:
    """Return a time as a line would say it; TOML has clock times and instants of its own."""
    value = table["at"]
    if isinstance(value, time) and not (value.second or value.microsecond):
        return f"{value.hour:02}:{value.minute:02}"
    if isinstance(value, datetime):
        return value.isoformat()
    if not isinstance(value, str):
        place = found.place("change", number, "at")
        raise UsageError(f"{place}: not a time: {value!s:.60}", why="a time is an offset, a clock time or an instant",
                         hint='at = "+2h", "07:30" or an ISO instant')  # fmt: skip
    return value

"""A device's day as it goes by: what its sensors say, as lines of a script that plays it again.

A line says what has changed since the line before. The times are offsets from the first one, so that a record can be
played at any time: `bgo simulate --device FILE`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import NamedTuple

from bgo.clock import to_iso
from bgo.devices.readings import SIGNALS, UNKNOWN, word_of
from bgo.model.device import DeviceState, Span
from bgo.model.words import span

STEP = 10
"""Percent to which load is rounded: it never stands still, and a script should."""
Words = dict[str, str]


class Recorder:
    """Turns readings into what a script says of them."""

    def __init__(self, every_ms: int) -> None:
        self._every_ms = every_ms
        self._told: Words = {}
        self._unused: Span = Span()
        self._start_ms: int | None = None
        self._after_ms = -1000

    def line(self, state: DeviceState, now_ms: int) -> tuple[int, Words] | None:
        """Return what is to be written of a reading, and how long after the first one: whole seconds, always later
        than the one before. None: nothing has changed.
        """
        if self._start_ms is None:
            self._start_ms = now_ms
        words = self._words(state, now_ms)
        changed = {key: word for key, word in words.items() if self._told.get(key, UNKNOWN) != word}
        if self._told.get("network") != words["network"] and words["wifi"] != UNKNOWN:
            changed["wifi"] = words["wifi"]  # another network has no name until one is said
        if not changed:
            return None
        self._told = words
        self._unused = state.unused
        self._after_ms = max((now_ms - self._start_ms) // 1000 * 1000, self._after_ms + 1000)
        return self._after_ms, {key: changed[key] for key in SIGNALS if key in changed}

    def _words(self, state: DeviceState, now_ms: int) -> Words:
        words = {key: word_of(key, getattr(state, key)) for key in SIGNALS if key != "wifi"}
        words["wifi"] = state.network.name or UNKNOWN
        if state.load.percent is not None:
            words["load"] = str(min(100, round(state.load.percent / STEP) * STEP))
        if state.unused.ms is not None:
            words["unused"] = self._untouched(state.unused, now_ms)
        return words

    def _untouched(self, unused: Span, now_ms: int) -> str:
        """Return how long nobody has touched it, as before where that only went on; `no` while somebody is at it."""
        ms = unused.ms or 0
        if ms < 2 * self._every_ms:
            return "no"
        before = self._unused
        if before.ms is not None and before.at_ms is not None and self._told.get("unused", "no") != "no":
            went_on = before.ms + now_ms - before.at_ms
            if ms >= went_on - self._every_ms:
                return self._told["unused"]
        return span(ms // 1000 * 1000)


class Form(NamedTuple):
    """How a script is written: its beginning, and each of its lines."""

    head: Callable[[str], str]
    """By a remark on where it comes from."""
    line: Callable[[int, Mapping[str, str]], str]
    """By the offset in milliseconds, and what is said."""


def form(path: str) -> Form:
    """Return the form that a file of this name has: TOML, CSV, else lines."""
    if path.endswith(".toml"):
        return Form(lambda remark: f"# {remark}\n", _toml)
    if path.endswith(".csv"):
        return Form(lambda remark: f"# {remark}\nat,{','.join(SIGNALS)}\n", _csv)
    return Form(lambda remark: f"# {remark}\n", _line)


def remark(device: str, start_ms: int, every_ms: int) -> str:
    """Return where a record comes from, as its first line tells it."""
    return f"Recorded from {to_iso(start_ms)} on, every {span(every_ms)}: {device}."


def _offset(after_ms: int) -> str:
    return f"+{span(after_ms)}"


def _line(after_ms: int, words: Mapping[str, str]) -> str:
    said = " ".join(f"{key}={_name(word) if key == 'wifi' else word}" for key, word in words.items())
    return f"at {_offset(after_ms)} {said}\n"


def _csv(after_ms: int, words: Mapping[str, str]) -> str:
    row = io.StringIO()
    cells = [_name(words[key]) if key == "wifi" and key in words else words.get(key, "") for key in SIGNALS]
    csv.writer(row, lineterminator="\n").writerow([_offset(after_ms), *cells])
    return row.getvalue()


def _name(word: str) -> str:
    """Return a network's name as a line can hold it: with `?` for what would mean something there."""
    return "".join("?" if char in '#=,"' else char for char in word).strip() or UNKNOWN


def _toml(after_ms: int, words: Mapping[str, str]) -> str:
    rows = [
        f"{key} = {json.dumps(word, ensure_ascii=False)}" for key, word in {"at": _offset(after_ms), **words}.items()
    ]
    return "\n[[change]]\n" + "".join(f"{row}\n" for row in rows)

"""Scenario files: work that is only to be played, and under what, as TOML. Every refusal names FILE:LINE.

profile = "android"            # as --profile, --compare, --device, --start, --for, --seed, --slots, --plays say it
device = "commuter"
for = "7d"

[takes]                        # how long runs of a name take, where nothing beside it says so
fetch = "20s"

[[task]]
name = "photos.upload"
count = 20                     # so many of them …
spread = "6d"                  # … evenly over so long
charging = true                # every option that a task may have
takes = "2m"
fails = 1                      # so many first attempts of each fail

[[schedule]]
name = "sync"                  # the keys of a schedule file
every = "15m"

[[chain]]
name = "nightly"
steps = ["fetch", "resize+scan", "report"]
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from bgo.clock import Clock, VirtualClock, from_datetime
from bgo.errors import UsageError
from bgo.flow import chain_words as words
from bgo.flow.scenario_tables import ScenarioTables, Work, attempts_of, ms_of, whole
from bgo.flow.schedule_file import ScheduleReader, Spot
from bgo.flow.schedule_written import WrittenSchedule
from bgo.flow.toml_tables import TableReader
from bgo.model.options import check_name
from bgo.model.window import TimeWindow
from bgo.model.words import instant_ms
from bgo.toml_text import TomlText, at, read_text

EXAMPLE = 'a task is [[task]], and below it name = "photos.upload"'
HEAD = ("profile", "compare", "device", "start", "for", "seed", "slots", "plays", "takes", "fails")
KINDS = ("task", "schedule", "chain")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario as its file has it: what is to be played, and what is said of the play; None: nothing."""

    name: str
    """The file, as it was called."""
    folder: str
    start_ms: int
    tasks: tuple[Work, ...] = ()
    chains: tuple[Work, ...] = ()
    schedules: tuple[WrittenSchedule, ...] = ()
    profile: str | None = None
    compare: str | None = None
    device: str | tuple[str, ...] | None = None
    """The name of a day, a file, or the lines of a script."""
    for_ms: int | None = None
    seed: int | None = None
    slots: int | None = None
    plays: int | None = None
    takes: Mapping[str, int] = field(default_factory=dict)
    """Name → milliseconds."""
    fails: Mapping[str, int] = field(default_factory=dict)
    """Name → how many first attempts of each task fail."""


def load(
    path: str | os.PathLike[str], clock: Clock, windows: Mapping[str, TimeWindow], start_ms: int | None = None
) -> Scenario:
    """Return the scenario that a file describes; `start_ms` wins over its own start, and without both it begins in this
    minute. Raises UsageError for what does not fit, with FILE:LINE."""
    text = TomlText(read_text(path, "scenario"), os.fspath(path), EXAMPLE)
    return _Reader(text, str(Path(path).absolute().parent), clock, windows).read(start_ms)


def _profile(key: str, said: object) -> str:
    if not isinstance(said, str) or not said:
        why = "a profile is a name, or a file, in quotes"
        raise UsageError(f"{key} = {said!s:.40} is no profile", why=why, hint=f'{key} = "android"')
    return said


class _Reader:
    """Reads one file. What counts from now counts from the start of the play."""

    def __init__(self, text: TomlText, folder: str, clock: Clock, windows: Mapping[str, TimeWindow]) -> None:
        self._text, self._folder, self._clock, self._windows = text, folder, clock, windows

    def read(self, start_ms: int | None) -> Scenario:
        text, said = self._text, self._text.data
        here = TableReader(text, self._folder, self._clock, self._windows)
        here.check_keys(said, (*HEAD, *KINDS), "a scenario", "", 0)
        start = self._start() if start_ms is None else start_ms
        reader = TableReader(text, self._folder, VirtualClock(start), self._windows)
        tables = ScenarioTables(text, reader)
        tasks = tuple(tables.task(table, n) for n, table in enumerate(self._tables("task")))
        chains = tuple(tables.chain(table, n) for n, table in enumerate(self._tables("chain")))
        schedules = tuple(self._schedule(reader, table, n) for n, table in enumerate(self._tables("schedule")))
        if not (tasks or chains or schedules):
            raise UsageError(f"{text.place()}: nothing to play", why=f"it has no {', '.join(KINDS)}", hint=EXAMPLE)
        takes, fails = self._by_name("takes", ms_of), self._by_name("fails", attempts_of)
        for kind in ("task", "schedule"):
            for number, table in enumerate(self._tables(kind)):
                self._add(takes, kind, number, ("takes", tables.takes(table, kind, number)))
                self._add(fails, kind, number, ("fails", tables.fails(table, kind, number)))
        return Scenario(
            text.name, self._folder, start, tasks, chains, schedules, takes=takes, fails=fails, **self._head()
        )

    def _add(self, found: dict[str, int], kind: str, number: int, said: tuple[str, int | None]) -> None:
        """Take note of what a table says of all runs of its name."""
        key, value = said
        name = self._text.data[kind][number]["name"]
        if value is not None and found.setdefault(name, value) != value:
            raise UsageError(
                f"{self._text.place(kind, number, key)}: {name} has two values of {key}",
                why="they are for all runs of a name", hint=f"say it once, under [{key}]",
            )  # fmt: skip

    def _place(self, key: str) -> str:
        return self._text.place(key=key)

    def _start(self) -> int:
        said, now = self._text.data.get("start"), self._clock.now_ms()
        with at(self._place("start")):
            if isinstance(said, datetime):
                return from_datetime(said)
            if said is not None:
                return instant_ms(words.text(said, "a time"), now)
        return now - now % 60_000

    def _head(self) -> dict[str, Any]:
        """Return what the file says of the play."""
        found: dict[str, Any] = {}
        for key in ("profile", "compare"):
            with at(self._place(key)):
                if key in self._text.data:
                    found[key] = _profile(key, self._text.data[key])
        for key, most in (("seed", 1 << 62), ("slots", 1000), ("plays", 1000)):
            with at(self._place(key)):
                if key in self._text.data:
                    found[key] = whole(self._text.data[key], key, least=0 if key == "seed" else 1, most=most)
        with at(self._place("for")):
            if "for" in self._text.data:
                found["for_ms"] = ms_of(self._text.data["for"])
        with at(self._place("device")):
            said = self._text.data.get("device")
            if said is not None:
                found["device"] = tuple(words.texts(said)) if isinstance(said, list) else words.text(said, "a day")
        return found

    def _by_name(self, key: str, read: Any) -> dict[str, int]:
        """Return the values of a table whose keys are names of tasks."""
        table, found = self._text.data.get(key, {}), dict[str, int]()
        with at(self._text.place(key)):
            if not isinstance(table, dict):
                raise words.wrong(table, f"a table [{key}]")
        for name, value in table.items():
            with at(self._text.place(key, 0, name)):
                found[check_name(name, "task")] = read(value)
        return found

    def _tables(self, kind: str) -> Sequence[Mapping[str, Any]]:
        """Return the tables of a kind, each of which has a name."""
        found = self._text.data.get(kind, [])
        with at(self._text.place(kind)):
            if not isinstance(found, list) or not all(isinstance(table, dict) for table in found):
                raise UsageError(f"a {kind} is written [[{kind}]]", why="there is one table, or a value",
                                 hint=f"two brackets: [[{kind}]]")  # fmt: skip
        for number, table in enumerate(found):
            with at(self._text.place(kind, number, "name" if "name" in table else "")):
                if "name" not in table:
                    raise UsageError(f"a {kind} without a name", why="its rows are found by it", hint='name = "sync"')
                check_name(table["name"], kind)
        return found

    def _schedule(self, reader: TableReader, table: Mapping[str, Any], number: int) -> WrittenSchedule:
        own = {key: value for key, value in table.items() if key not in ("name", "takes", "fails")}
        spot = Spot(own, "schedule", number)
        return ScheduleReader(self._text, table["name"], reader, self._folder, spot).read()

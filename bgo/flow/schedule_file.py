"""Schedule files: schedules as TOML, each a table under its key, read line by line. Nothing is written, and every
refusal names FILE:LINE."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bgo.clock import Clock
from bgo.errors import UsageError
from bgo.flow import chain_words as words
from bgo.flow import schedule_words, wording
from bgo.flow.options import NO_WINDOWS
from bgo.flow.rules import AT, RULES, rule_of
from bgo.flow.schedule_written import WrittenSchedule
from bgo.flow.toml_tables import TableReader, items_of, object_of, spelled
from bgo.model import steps as grammar
from bgo.model.flow import INPUT
from bgo.model.options import check_name
from bgo.model.window import TimeWindow
from bgo.toml_text import TomlText, at, read_text

EXAMPLE = 'a schedule is [nightly], and below it handler = "files.hash" and daily-at = "03:00"'
SHELL = "shell"
WHAT = ("handler", "command", "chain", "steps")
ITEMS = "items"
CALLBACKS = ("then", "catch", "finally")
RULE_WORDS = (*(key for key in RULES if key != "word"), AT)
KEYS = (*WHAT, "argv", INPUT, ITEMS, "field", *CALLBACKS, *RULE_WORDS, *schedule_words.TIMING, "paused", "as",
        *schedule_words.OPTIONS)  # fmt: skip


def load(
    path: str | os.PathLike[str], clock: Clock, windows: Mapping[str, TimeWindow] = NO_WINDOWS
) -> tuple[WrittenSchedule, ...]:
    """Return the schedules that a file describes. Raises UsageError for what does not fit, with FILE:LINE."""
    text = read_text(path, "schedule")
    return parse(text, os.fspath(path), clock, folder=str(Path(path).absolute().parent), windows=windows)


def parse(
    text: str, shown: str, clock: Clock, *, folder: str = ".", windows: Mapping[str, TimeWindow] = NO_WINDOWS
) -> tuple[WrittenSchedule, ...]:
    """Return the schedules that this text describes; its relative paths begin at `folder`, and so does their work."""
    read = TomlText(text, shown, EXAMPLE)
    if not read.data:
        why, hint = "an empty file would take all of its schedules away", "bgo unschedule KEY does that"
        raise UsageError(f"{read.place()}: no schedules", why=why, hint=hint)
    reader = TableReader(read, folder, clock, windows)
    return tuple(ScheduleReader(read, key, reader, folder, Spot(read.data[key], key)).read() for key in read.data)


class Spot(NamedTuple):
    """Where a schedule stands in its file: a table, the name of it, and which one it is of those with that name."""

    table: Any
    name: str
    number: int = 0


class ScheduleReader:
    """Reads one table: the schedule that is to have this key."""

    def __init__(self, text: TomlText, key: str, reader: TableReader, folder: str, spot: Spot) -> None:
        self._text, self._key, self._folder, self._spot = text, key, folder, spot
        self._reader = reader
        self._own = text.place(spot.name, spot.number)
        with at(self._own):
            check_name(key, "schedule")
            if not isinstance(spot.table, dict):
                raise UsageError(f"{key!r} is no schedule", why="a schedule is a table", hint=EXAMPLE)
        self._reader.check_keys(spot.table, KEYS, "a schedule", spot.name, spot.number)
        self._table = spelled(spot.table)

    def read(self) -> WrittenSchedule:
        table, what = self._table, self._what()
        keywords: dict[str, Any] = dict(self._rule())
        keywords |= self._reader.keywords(*self._spot, {**schedule_words.TIMING, **schedule_words.OPTIONS})
        keywords |= self._argv(what) | self._batch(what)
        with at(self._place(INPUT)):
            if INPUT in table:
                keywords[INPUT] = object_of(table[INPUT])
        with at(self._place("paused")):
            is_paused = words.flag(table["paused"]) if "paused" in table else None
        name = self._name(what, keywords)
        line = int(self._own.rpartition(":")[2])
        return WrittenSchedule(self._key, name, keywords, line, *self._chain(what), self._folder, is_paused)

    def _place(self, *keys: str) -> str:
        """Return where the last of these keys stands that the table has."""
        said = [key for key in self._spot.table if key.replace("-", "_") in keys]
        return self._text.place(self._spot.name, self._spot.number, said[-1]) if said else self._own

    def _rule(self) -> dict[str, Any]:
        with at(self._place(*RULE_WORDS)):
            for key in ("every_minutes", "every_hours"):
                if key in self._table and isinstance(self._table[key], bool):
                    raise words.wrong(self._table[key], "a number")
            return dict(rule_of(self._table, lambda key: key.replace("_", "-")))

    def _what(self) -> str:
        """Return the key that says what is run."""
        said = [key for key in WHAT if key in self._table]
        if len(said) < 2:
            return said[0] if said else "handler"
        raise UsageError(f"{self._place(*WHAT)}: {said[0]} and {said[1]} contradict each other",
                         why="both say what it runs", hint="give one of them")  # fmt: skip

    def _name(self, what: str, keywords: dict[str, Any]) -> str:
        """Return the handler, or what each chain or batch is called: by its own name, else by the schedule's key."""
        is_whole = what in ("chain", "steps") or ITEMS in self._table
        with at(self._place("as")):
            own = check_name(self._table["as"], "task") if "as" in self._table else None
        if is_whole:
            return own or self._key
        if own is not None:
            keywords["as_"] = own
        with at(self._place(what)):
            return SHELL if what == "command" else check_name(self._table.get(what, self._key), what)

    def _chain(self, what: str) -> tuple[str | None, tuple[str, ...]]:
        """Return the chain's file, or its step words."""
        if what not in ("chain", "steps"):
            return None, ()
        value = self._table[what]
        with at(self._place(what)):
            if what == "chain":
                return os.path.join(self._folder, os.path.expanduser(words.text(value, "a chain file"))), ()
            steps = tuple(value.split() if isinstance(value, str) else words.texts(value))
            if not steps:
                raise UsageError("no steps", why="a chain needs one", hint='steps = ["fetch", "sync+scan"]')
            for step in steps:
                grammar.step(step)
        return None, steps

    def _argv(self, what: str) -> dict[str, Any]:
        """Return the command line, of a command or for a handler that takes one."""
        with at(self._place("argv", "command")):
            if what == "command":
                command = self._table[what]
                argv = wording.argv_of(command) if isinstance(command, str) else words.texts(command)
                if not argv or not argv[0]:
                    raise UsageError("an empty command", why="there is nothing to run", hint='command = "make test"')
                if "argv" in self._table:
                    raise UsageError("command and argv contradict each other", why="both are its command line",
                                     hint="give one of them")  # fmt: skip
                return {"argv": tuple(argv)}
            if "argv" not in self._table:
                return {}
            if "handler" not in self._table:
                why, hint = (
                    "a command line is for a handler that takes one",
                    'command = ["rsync", "-a", "from/", "to/"]',
                )
                raise UsageError("argv without a handler", why=why, hint=hint)
            return {"argv": tuple(words.texts(self._table["argv"]))}

    def _batch(self, what: str) -> dict[str, Any]:
        """Return what makes each run a batch, and what follows its end."""
        table, extra = self._table, next((key for key in (*CALLBACKS, "field") if key in self._table), None)
        if ITEMS not in table and extra is None:
            return {}
        with at(self._place(ITEMS if ITEMS in table else extra or "")):
            if ITEMS not in table:
                raise UsageError(f"{extra} without items", why="it belongs to a batch", hint='items = ["a", "b"]')
            if what == "command":
                raise UsageError("a command for many items", why="nothing would tell it which one it is for",
                                 hint='a handler takes items: handler = "files.hash"')  # fmt: skip
            found: dict[str, Any] = {ITEMS: items_of(table[ITEMS], self._folder)}
        if "handler" in table:
            with at(self._place("handler")):
                found["handler"] = check_name(table["handler"], "handler")
        for key in (*CALLBACKS, "field"):
            if key in table:
                with at(self._place(key)):
                    found["finally_" if key == "finally" else key] = words.text(table[key])
        return found

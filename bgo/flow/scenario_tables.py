"""Tasks and chains of a scenario file: how many, how far apart, how long they take, and how they fail."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bgo.errors import UsageError
from bgo.flow import chain_words as words
from bgo.flow.toml_tables import TableReader, object_of
from bgo.model import steps as grammar
from bgo.model.flow import INPUT
from bgo.model.options import check_name, is_whole, shown
from bgo.model.words import duration_ms
from bgo.toml_text import TomlText, at

MOST = 100_000
OPTIONS = {key: reader for key, reader in words.OPTIONS.items() if key != "after"}
"""What a task of a scenario may have: nobody knows the ids of others yet."""
FATE = ("takes", "fails")
COMMON = ("name", INPUT, "count", "spread", *OPTIONS)
OF_TASK = (*COMMON, "handler", *FATE)
OF_CHAIN = (*COMMON, "steps", "file")


@dataclass(frozen=True, slots=True)
class Work:
    """Tasks, or chains, of one kind."""

    name: str
    handler: str
    """Of a task."""
    input: Mapping[str, Any]
    keywords: Mapping[str, Any]
    place: str
    """FILE:LINE."""
    count: int = 1
    spread_ms: int = 0
    """They come evenly over so long."""
    steps: tuple[str, ...] = ()
    file: str = ""
    """Where a chain is described."""

    def later_ms(self, number: int) -> int:
        """Return how much later than the first one the `number`-th comes, from 0."""
        return self.spread_ms * number // self.count


class ScenarioTables:
    """Reads the tables of one file; `reader` knows its folder and the instant from which it counts."""

    def __init__(self, text: TomlText, reader: TableReader) -> None:
        self._text, self._reader = text, reader

    def task(self, table: Mapping[str, Any], number: int) -> Work:
        """Return what a [[task]] says."""
        self._reader.check_keys(table, OF_TASK, "a task", "task", number)
        with at(self._text.place("task", number, "handler")):
            handler = check_name(table.get("handler", table["name"]), "handler")
        return self._work(table, "task", number, handler=handler)

    def chain(self, table: Mapping[str, Any], number: int) -> Work:
        """Return what a [[chain]] says."""
        self._reader.check_keys(table, OF_CHAIN, "a chain", "chain", number)
        said = [key for key in ("steps", "file") if key in table]
        with at(self._text.place("chain", number, said[-1] if said else "name")):
            if len(said) != 1:
                why = "both say what it does" if said else "neither steps nor file is there"
                raise UsageError("a chain of which steps?", why=why, hint='steps = ["fetch", "resize+scan"]')
            if said == ["file"]:
                return self._work(table, "chain", number, file=words.text(table["file"], "a chain file"))
            steps = table["steps"].split() if isinstance(table["steps"], str) else words.texts(table["steps"])
            if not steps:
                raise UsageError("no steps", why="a chain needs one", hint='steps = ["fetch", "resize+scan"]')
            for step in steps:
                grammar.step(step)
        return self._work(table, "chain", number, steps=tuple(steps))

    def takes(self, table: Mapping[str, Any], kind: str, number: int) -> int | None:
        """Return how long runs of this name take, in milliseconds; None: the table does not say."""
        with at(self._text.place(kind, number, "takes")):
            return ms_of(table["takes"]) if "takes" in table else None

    def fails(self, table: Mapping[str, Any], kind: str, number: int) -> int | None:
        """Return how many first attempts of each task of this name fail; None: the table does not say."""
        with at(self._text.place(kind, number, "fails")):
            return attempts_of(table["fails"]) if "fails" in table else None

    def _work(self, table: Mapping[str, Any], kind: str, number: int, **more: Any) -> Work:
        place, text = self._text.place(kind, number), self._text
        keywords = self._reader.keywords(table, kind, number, OPTIONS)
        with at(text.place(kind, number, INPUT)):
            given = object_of(table.get(INPUT, {}))
        with at(text.place(kind, number, "count")):
            count = whole(table.get("count", 1), "a number of tasks", least=1, most=MOST)
        with at(text.place(kind, number, "spread")):
            spread = ms_of(table["spread"]) if "spread" in table else 0
            if spread and count == 1:
                raise UsageError("spread without count", why="one alone comes at once", hint="count = 20")
        handler = more.pop("handler", "")
        return Work(table["name"], handler, given, keywords, place, count, spread, **more)


def ms_of(value: Any) -> int:
    """Return a duration in milliseconds. Raises UsageError for a number, which has no unit."""
    if is_whole(value, 0, sys.maxsize):
        raise UsageError(
            f"{value}: of which unit?", why="a duration has a number and a unit", hint=f'"{max(1, value)}s"'
        )
    return duration_ms(words.text(value, "a duration"), minimum=1)


def attempts_of(value: Any) -> int:
    """Return how many attempts fail."""
    return whole(value, "a number of attempts", most=MOST)


def whole(value: Any, what: str, *, least: int = 0, most: int) -> int:
    """Return a whole number. Raises UsageError for anything else."""
    if not is_whole(value, least, most):
        why = f"it is a whole number from {least} to {most:,}"
        raise UsageError(f"{what}: {shown(value)} is out of range", why=why, hint=f"try {max(least, 2)}")
    return int(value)

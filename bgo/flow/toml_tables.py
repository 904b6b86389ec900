"""Tables of a TOML file: their keys, and the options among them as keywords of the library."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from bgo.clock import Clock
from bgo.errors import UsageError
from bgo.flow import chain_words as words
from bgo.model import payload
from bgo.model.words import did_you_mean
from bgo.toml_text import TomlText, at

if TYPE_CHECKING:
    from bgo.model.window import TimeWindow


class TableReader:
    """Reads the tables of one file."""

    def __init__(self, text: TomlText, folder: str, clock: Clock, windows: Mapping[str, TimeWindow]) -> None:
        self._text, self._folder, self._clock, self._windows = text, folder, clock, windows

    def check_keys(self, table: Mapping[str, Any], known: Iterable[str], what: str, name: str, number: int) -> None:
        """Raise UsageError for a key that is not among the known ones, with its line."""
        for key in table:
            if key.replace("-", "_") not in known:
                spellings = [each.replace("_", "-") if "-" in key else each for each in known]
                near = did_you_mean(key, spellings)
                place = self._text.place(name, number, key)
                why = f"{what} has {', '.join(spellings)}"
                raise UsageError(f"{place}: unknown key {key!r:.60}", why=why, hint=near or "leave it out")

    def keywords(
        self, table: Mapping[str, Any], name: str, number: int, known: Mapping[str, words.Reader] = words.OPTIONS
    ) -> dict[str, Any]:
        """Return the keywords that the options in a table mean; its other keys are passed over."""
        said, found = spelled(table), dict[str, Any]()
        for typed in table:
            if (key := typed.replace("-", "_")) in known:
                with at(self._text.place(name, number, typed)):
                    context = words.Context(said, self._folder, self._clock.now_ms(), self._windows)
                    try:
                        found |= words.keyword(key, context, known)
                    except UsageError as error:
                        raise error.within(typed) from None
        return found


def spelled(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table with its keys as Python would write them: start-before is start_before."""
    return {key.replace("-", "_"): value for key, value in table.items()}


def object_of(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise words.wrong(value, "a table")
    payload.dump(value, "the input")
    return value


def items_of(value: Any, folder: str) -> tuple[Any, ...]:
    """Return the items of a batch: a list, or a file of them, its path relative to `folder`."""
    if isinstance(value, list):
        found = tuple(value)
    else:
        from bgo.flow.item_files import read_file

        path = os.path.expanduser(words.text(value, "a list, or a file"))
        found = tuple(read_file(os.path.join(folder, path)))
    if not found:
        raise UsageError("no items", why="a batch of nothing does nothing", hint="give at least one")
    payload.dump(list(found), "the items")
    return found

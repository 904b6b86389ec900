"""The text of a chain file: where in it something stands, so that a refusal can name FILE:LINE."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bgo.errors import BgoError, UsageError

STEP = "step"


class ChainText:
    """A chain file as text and as what it says. Raises UsageError for what is no TOML."""

    def __init__(self, text: str, name: str) -> None:
        import tomllib

        self.name = name
        self._lines = text.splitlines()
        try:
            self.data: Mapping[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise self._no_toml(str(error)) from None
        self._tables = self._find_tables()

    def _no_toml(self, said: str) -> UsageError:
        found = re.fullmatch(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", said, re.DOTALL)
        line = found[2] if found is not None and found[2] else str(max(1, len(self._lines)))
        return UsageError(
            f"{self.name}:{line}: not TOML",
            why=(found[1] if found is not None else said).lower(),
            hint='a step is [[step]], and below it run = "files.scan"',
        )

    def _find_tables(self) -> list[tuple[str, int, int]]:
        """Return (name, first line, last line) of each top-level table; `[step.input]` belongs to its step."""
        found: list[tuple[str, int, int]] = []
        for number, line in enumerate(self._lines, start=1):
            header = re.match(r"\s*\[{1,2}\s*([A-Za-z0-9_-]+)\s*(\.)?", line)
            if header is None or (header[2] and found and found[-1][0] == header[1]):
                continue
            if found:
                found[-1] = (*found[-1][:2], number - 1)
            found.append((header[1], number, len(self._lines)))
        return found

    def place(self, table: str = "", number: int = 0, key: str = "", after: str = "") -> str:
        """Return FILE:LINE of a key in a table, of the `number`-th such table, or of the file's beginning.

        `after` is a text behind which the key is looked for: the member of a parallel step that it belongs to.
        """
        first, last = self._span(table, number)
        lines = list(enumerate(self._lines[first - 1 : last], start=first))
        if after:
            at = next((n for n, line in lines if after in line), first)
            lines = [(n, line) for n, line in lines if n >= at]
        pattern = rf"(?:^|[{{,\[.])\s*[\"']?{re.escape(key)}[\"']?\s*[=.\]]"
        line = next((n for n, line in lines if key and re.search(pattern, line)), lines[0][0] if lines else 1)
        return f"{self.name}:{line}"

    def _span(self, table: str, number: int) -> tuple[int, int]:
        found = [(first, last) for name, first, last in self._tables if name == table]
        if number < len(found):
            return found[number]
        return 1, self._tables[0][1] - 1 if self._tables and not table else len(self._lines)


@contextmanager
def at(place: str) -> Iterator[None]:
    """Let every refusal inside say where in the file its cause stands."""
    try:
        yield
    except BgoError as error:
        if error.message.startswith(place.rpartition(":")[0] + ":"):
            raise
        raise type(error)(f"{place}: {error.message}", why=error.why, hint=error.hint) from None

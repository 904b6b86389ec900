"""The text of a TOML file: where in it something stands, so that a refusal can name FILE:LINE."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from bgo.errors import BgoError, UsageError

SIZE_LIMIT = 16 << 20
_HEADER = r"\s*\[{1,2}\s*(?:\"([^\"]*)\"|'([^']*)'|([A-Za-z0-9_-]+))\s*(\.)?"
_SIGNS = r"\"(?:[^\"\\]|\\.)*\"|'[^']*'|#.*|[\[\]{}]"
"""What opens and closes, and what may only seem to: texts and remarks."""
_NAME = r"\"[^\"]*\"|'[^']*'|[A-Za-z0-9_-]+"
_DOTTED = rf"\s*(?:{_NAME})\s*(?:\.\s*(?:{_NAME})\s*)*"


def _names(dotted: str) -> tuple[str, ...]:
    return tuple(word.strip("\"'") for word in re.findall(_NAME, dotted))


def read_text(path: str | os.PathLike[str], kind: str) -> str:
    """Return what is in a file. Raises UsageError where it cannot be read, is no UTF-8, or larger than 16 MiB."""
    shown = os.fspath(path)
    try:
        with open(path, "rb") as file:
            data = file.read(SIZE_LIMIT + 1)
        text = data.decode("utf-8")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot read {shown!r:.200}", why=why, hint=f"a {kind} file is TOML, in UTF-8") from None
    if len(data) > SIZE_LIMIT:
        raise UsageError(f"{shown!r:.200} is larger than {SIZE_LIMIT:,} bytes", why=f"no {kind} is that long",
                         hint="long lists go into files of their own: items = \"list.txt\"")  # fmt: skip
    return text


class TomlText:
    """A file as text and as what it says. Raises UsageError for what is no TOML; `example` is its hint then."""

    def __init__(self, text: str, name: str, example: str) -> None:
        import tomllib

        self.name = name
        self._lines = text.removesuffix("\n").split("\n")
        try:
            self.data: Mapping[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise self._no_toml(str(error), example) from None
        except (ValueError, RecursionError) as error:
            is_deep = isinstance(error, RecursionError)
            raise self._no_toml("nested too deeply" if is_deep else str(error).partition(";")[0], example) from None
        self._tables = self._find_tables()
        self._index: dict[tuple[str, ...], int] = {}

    def _no_toml(self, said: str, example: str) -> UsageError:
        found = re.fullmatch(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", said, re.DOTALL)
        line = found[2] if found is not None and found[2] else str(len(self._lines))
        why = (found[1] if found is not None else said).lower()
        return UsageError(f"{self.name}:{line}: not TOML", why=why, hint=example)

    def _find_tables(self) -> list[tuple[str, int, int]]:
        """Return (name, first line, last line) of each top-level table; `[step.input]` belongs to its step."""
        found: list[tuple[str, int, int]] = []
        for number, line in enumerate(self._lines, start=1):
            header = re.match(_HEADER, line)
            name = "" if header is None else header[1] or header[2] or header[3] or ""
            if header is None or name not in self.data:
                continue
            if header[4] and found and found[-1][0] == name:
                continue
            if found:
                found[-1] = (*found[-1][:2], number - 1)
            found.append((name, number, len(self._lines)))
        return found

    def starts(self, table: str) -> tuple[int, ...]:
        """Return the line of each `[[table]]`; of one that is written as a list in one place, none."""
        return tuple(first for name, first, _ in self._tables if name == table)

    def place(self, table: str = "", number: int = 0, key: str = "", after: str = "") -> str:
        """Return FILE:LINE of a key in a table, of the `number`-th such table, or of the file's beginning.

        `after` is a text behind which the key is looked for: the member of a parallel step that it belongs to.
        """
        first, last = self._span(table, number)
        lines = list(enumerate(self._lines[first - 1 : last], start=first))
        if after:
            at = next((n for n, line in lines if after in line), first)
            lines = [(n, line) for n, line in lines if n >= at]
        spelled = re.sub(r"[-_]", "[-_]", re.escape(key).replace("\\-", "-"))
        pattern = rf"(?:^|[{{,\[.])\s*[\"']?{spelled}[\"']?\s*[=.\]]"
        line = next((n for n, line in lines if key and re.search(pattern, line)), lines[0][0] if lines else 1)
        return f"{self.name}:{line}"

    def place_of(self, path: Sequence[str]) -> str:
        """Return FILE:LINE of a key by the names that lead to it, or of the nearest thing around it."""
        self._index = self._index or self._find_keys()
        names = tuple(path)
        while names and names not in self._index:
            names = names[:-1]
        return f"{self.name}:{self._index.get(names, 1)}"

    def _find_keys(self) -> dict[tuple[str, ...], int]:
        """Return the line where each table and each key begins; what stands within a value has the line of its key."""
        found: dict[tuple[str, ...], int] = {}
        table: tuple[str, ...] = ()
        for number, line in enumerate(self._lines, start=1):
            if header := re.match(rf"\s*\[{{1,2}}({_DOTTED})\]", line):
                path = table = _names(header[1])
            elif key := re.match(rf"({_DOTTED})=", line):
                path = (*table, *_names(key[1]))
            else:
                continue
            for size in range(1, len(path) + 1):
                found.setdefault(path[:size], number)
        return found

    def _member(self, line: int, number: int) -> tuple[int, int]:
        """Return the first and last line of the `number`-th `{ … }` of a list that begins in this line, else of it."""
        depth, begins = 0, []
        for at, text in enumerate(self._lines[line - 1 :], start=line):
            for sign in re.findall(_SIGNS, text):
                depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(sign, 0)
                if sign == "{" and depth == 2:
                    begins.append(at)
                elif sign == "}" and depth == 1 and len(begins) > number:
                    return begins[number], at
            if depth == 0:
                break
        return line, line

    def _span(self, table: str, number: int) -> tuple[int, int]:
        found = [(first, last) for name, first, last in self._tables if name == table]
        if number < len(found):
            return found[number]
        top = self._tables[0][1] - 1 if self._tables else len(self._lines)
        pattern = rf"\s*[\"']?{re.escape(table)}[\"']?\s*([.=])"
        inline = ((n, re.match(pattern, line)) for n, line in enumerate(self._lines[:top], start=1) if table)
        for line, match in inline:  # as in `step = { … }`, or `step.key = …`
            if match is not None:
                return self._member(line, number) if match[1] == "=" else (line, top)
        return 1, len(self._lines) if table else top


@contextmanager
def at(place: str) -> Iterator[None]:
    """Let every refusal inside say where in the file its cause stands."""
    try:
        yield
    except BgoError as error:
        if error.message.startswith(place.rpartition(":")[0] + ":"):
            raise
        raise error.within(place) from None

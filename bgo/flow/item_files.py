"""Items of a batch as a stream brings them: one a line, one JSON value a line, or one before each NUL.

Read as xargs reads its arguments, in constant memory: a blank line is no item, blanks inside a line belong to it, the
last line needs no line feed, and `null` (for `find -print0`) keeps whatever stands between two NULs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import IO, Any

from bgo.errors import UsageError
from bgo.flow.items import Word
from bgo.model.payload import parse as parse_json
from bgo.model.task import INPUT_LIMIT

FORMATS = ("lines", "ndjson", "null")
ENDINGS = (".jsonl", ".ndjson")
CHUNK = 1 << 16


def read_file(path: str | os.PathLike[str], format: str | None = None) -> Iterator[Any]:
    """Yield the items of a file, one at a time."""
    shown = os.fspath(path)
    try:
        file = open(os.path.expanduser(path), "rb")  # noqa: SIM115 - closed below, when the last item is read
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot read {shown!r:.200}", why=why, hint="give a file of items, or - for a pipe") from None
    with file:
        yield from read(file, shown, format)


def read(stream: IO[bytes], name: str, format: str | None = None) -> Iterator[Any]:
    """Yield the items of a stream, one at a time. Raises UsageError for one that cannot be read, with its line.

    `format` is one of `lines`, `ndjson` and `null`. Without it, a stream whose name ends in .jsonl or .ndjson, or whose
    first line begins with {, is ndjson, and every other one lines.
    """
    if format is not None and format not in FORMATS:
        raise UsageError(f"no format {format!r:.40}", why=f"there are {', '.join(FORMATS)}", hint="--format lines")
    if format == "null":
        yield from (_text(piece, f"{name}: item {n}") for n, piece in enumerate(_pieces(stream, name), start=1))
        return
    is_json = format == "ndjson" or (format is None and name.endswith(ENDINGS))
    is_open = format is None and not is_json
    for number, line in _lines(stream, name):
        if not line.strip():
            continue
        if is_open:
            is_open, is_json = False, line.lstrip()[:1] == b"{"
        where = f"{name}:{number}"
        yield _value(line, where) if is_json else _text(line, where)


def _lines(stream: IO[bytes], name: str) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := stream.readline(INPUT_LIMIT + 2):
        number += 1
        if len(line) > INPUT_LIMIT + 1:
            raise _too_long(f"{name}:{number}")
        yield number, line.removesuffix(b"\n")


def _pieces(stream: IO[bytes], name: str) -> Iterator[bytes]:
    rest = b""
    number = 1
    while data := stream.read(CHUNK):
        *whole, rest = (rest + data).split(b"\0")
        number += len(whole)
        yield from whole
        if len(rest) > INPUT_LIMIT:
            raise _too_long(f"{name}: item {number}")
    if rest:
        yield rest


def _too_long(where: str) -> UsageError:
    return UsageError(
        f"{where}: the item is too long", why=f"the limit is {INPUT_LIMIT:,} bytes", hint="pass the path of a file"
    )


def _value(line: bytes, where: str) -> Any:
    try:
        return parse_json(line, where)
    except UsageError as error:
        hint = "one JSON value a line; --format lines takes every line as text"
        raise UsageError(f"{where}: not JSON", why=error.why or error.message, hint=hint) from None


def _text(line: bytes, where: str) -> Word:
    try:
        return Word(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{where}: not UTF-8 text", why=str(error), hint="JSON holds text only; rename it, or leave it out"
        ) from None

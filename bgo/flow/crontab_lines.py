"""The lines of a crontab as cron reads them: settings, entries, commands with `%`, random ranges.

What is read is what Debian's cron and cronie read, and the options that cronie and OpenBSD allow before a command.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import NamedTuple

RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
"""What `~` draws from in each of the five fields."""
_SPACE = " \t\r\v\f"
_QUOTED = r"(['\"])(?P<text>.*?)\1"
_RANDOM = r"(?<![^,])(\d{0,2})~(\d{0,2})(?![^,])"


class Entry(NamedTuple):
    """One line that runs a command."""

    when: str
    """Its five fields, one blank between them, or its @word."""
    user: str | None
    is_unlogged: bool
    """It begins with `-`."""
    options: str
    """The letters of the options before the command."""
    command: str
    """As it stands there, with its `%`."""


def setting(line: str) -> tuple[str, str] | None:
    """Return name and value of a line that sets a variable, None for any other line; cron expands nothing in it."""
    quoted = re.match(_QUOTED, line)
    named = quoted or (None if line[:1] in ("'", '"') else re.match(r"(?P<text>[^=\s]*)", line))
    if named is None or "=" in named["text"]:
        return None
    rest = line[named.end() :].lstrip(_SPACE)
    if not rest.startswith("="):
        return None
    value = rest[1:].lstrip(_SPACE)
    if value[:1] not in ("'", '"'):
        return named["text"], value.rstrip(_SPACE)
    quoted = re.match(_QUOTED, value)
    return None if quoted is None or value[quoted.end() :].strip(_SPACE) else (named["text"], quoted["text"])


def entry(line: str, *, is_system: bool) -> Entry | str:
    """Return an entry, or why the line is none. `is_system`: a user's name stands before the command."""
    rest = line.removeprefix("-")
    count, user = 1 if rest.startswith("@") else len(RANGES), None
    found = re.match(rf"((?:[^ \t]+[ \t]+){{{count}}})(.+)", rest)
    if found is None:
        return "there is no command" if count == 1 else "five time fields and a command are wanted"
    when, rest = re.sub(r"[ \t]+", " ", found[1]).strip(" "), found[2]
    if is_system:
        found = re.match(r"([^ \t]+)[ \t]+(.+)", rest)
        if found is None:
            return "a user's name and a command are wanted behind the time"
        user, rest = found[1], found[2]
    if rest.startswith("*") or (user or "").startswith("*"):
        return "there is a sixth time field where the command should be"
    marked = re.match(r"-([nqs]+)[ \t]+(.+)", rest)
    options, command = (marked[1], marked[2]) if marked else ("", rest)
    if command.startswith("-"):
        return f"{command.split()[0]!r:.20} is no option of cron's"
    return Entry(when, user, line.startswith("-"), options, command)


def command_of(text: str) -> tuple[str, str | None]:
    r"""Return the command of an entry, and what it gets on stdin, None for nothing.

    The first `%` ends the command, each later one is a line feed, and `\%` is a percent sign. In the command two
    backslashes are one, as in the crons of Debian and the BSDs; cronie leaves both.
    """
    found = re.match(r"((?:\\.|[^\\%])*\\?)(?:%(.*))?", text)
    head, fed = (found[1], found[2]) if found else (text, None)
    command = re.sub(r"\\([\\%])", r"\1", head)
    if not fed:
        return command, None
    data = re.sub(r"\\?%", lambda sign: "\n" if sign[0] == "%" else "%", fed)
    return command, data if data.endswith("\n") else data + "\n"


def drawn(when: str, seed: str) -> str:
    """Return the time fields with a number for each random range `a~b`: always the same one for one seed."""
    fields = when.split(" ")
    if len(fields) != len(RANGES) or "~" not in when:
        return when
    numbers = sha256(seed.encode()).digest()

    def draw(field: str, at: int) -> str:
        lowest, highest = RANGES[at]

        def number(found: re.Match[str]) -> str:
            low, high = int(found[1] or lowest), int(found[2] or highest)
            wide = high - low + 1
            return found[0] if wide < 1 else str(low + int.from_bytes(numbers[at * 4 : at * 4 + 4]) % wide)

        return re.sub(_RANDOM, number, field)

    return " ".join(draw(field, at) for at, field in enumerate(fields))

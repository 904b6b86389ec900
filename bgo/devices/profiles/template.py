"""A file to start a profile of one's own from: what it extends, and every rule of that as a comment to change."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, fields

from bgo.devices.profiles import values
from bgo.devices.profiles.about import about
from bgo.devices.profiles.schema import table_of
from bgo.devices.profiles.telling import DEFAULT, Line

WIDTH = 100
_HEAD = """\
# The device profile {name}: what stands here counts before what it extends. Take the # away from a rule to change it.
# Durations and sizes have units ("15m", "10 KiB"); "none" takes a rule away.
#
#   bgo profiles check {name}            is all of it as it must be?
#   bgo profiles show {name}             every rule, and where it comes from
#   bgo simulate --profile {name}        what it comes to

extends = {parent}
summary = {summary}
"""


def template(name: str, parent: str, told: Iterable[Line]) -> str:
    """Return the text of a profile called `name` that extends `parent`, whose rules are `told`."""
    head = _HEAD.format(name=name, parent=values.quoted(parent), summary=values.quoted(f"{parent}, as I have it."))
    return head + "".join(f"{row}\n" for line in told for row in _rows(line))


def _rows(line: Line) -> Iterator[str]:
    if line.path in (("os",), ("summary",)):
        return
    if line.key is None:
        yield ""
        yield from _comment(line.about)
        if line.value is not None:
            yield f"[{line.name}]"
        else:
            yield from _absent(line)
        return
    yield from _comment(line.about)
    place = "" if line.place == DEFAULT else f"  # {line.place}"
    yield f"# {line.path[-1]} = {values.write(line.key, line.value)}{place}"


def _absent(line: Line) -> Iterator[str]:
    """Yield a table that the parent lacks, with what it may hold."""
    yield f"# [{line.name}]"
    table = table_of(line.owner)
    for word, key in table.keys.items():
        yield from _comment(about(line.owner, key.attr))
        default = next(each.default for each in fields(line.owner) if each.name == key.attr)
        yield f"# {word} = {values.EXAMPLES[key.kind] if default is MISSING else values.write(key, default)}"
    if table.members is not None or table.tables:
        yield "# …"


def _comment(text: str) -> Iterator[str]:
    yield from textwrap.wrap(text, WIDTH, initial_indent="# ", subsequent_indent="# ")

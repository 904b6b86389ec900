"""A profile told in full: each key with its value and the place that says it, and the same as one file by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from typing import Any, NamedTuple

from bgo.devices.profiles import values
from bgo.devices.profiles.about import about
from bgo.devices.profiles.merging import OF_OS
from bgo.devices.profiles.reading import Path, Said
from bgo.devices.profiles.schema import NONE, Key, Members, Table, profile_table
from bgo.model.profile import Profile

DEFAULT = "default"


class Line(NamedTuple):
    """A key with its value; of a table that the profile lacks, its name without a value."""

    path: Path
    key: Key | None
    """None: a table."""
    value: Any
    place: str
    """FILE:LINE, or `default` where no file says it."""
    owner: type
    """The model's type that has the field; of a table, the table's own."""

    @property
    def name(self) -> str:
        return ".".join(self.path)

    @property
    def about(self) -> str:
        """Return what it is about, in the words of the model."""
        return about(self.owner, "" if self.key is None else self.key.attr)

    @property
    def is_table(self) -> bool:
        return self.key is None

    @property
    def written(self) -> str:
        """Return the value as people read it."""
        return NONE if self.key is None else values.told(self.key, self.value)


def lines(profile: Profile, said: Mapping[Path, Said]) -> list[Line]:
    """Return every rule, in the order of the model; where a table is, its keys follow it."""
    foreign = {name for os, names in OF_OS.items() if os != profile.os for name in names}
    return [line for line in _lines(profile, said, (), profile_table()) if line.path[0] not in foreign]


def _lines(value: Any, said: Mapping[Path, Said], path: Path, table: Table) -> Iterator[Line]:
    for name, key in table.keys.items():
        yield _line((*path, name), key, getattr(value, key.attr), said, table.type)
    for name, (attr, inner, _) in table.tables.items():
        yield from _inner(getattr(value, attr), said, (*path, name), inner)
    if table.members is not None and table.members.table is not None:
        for name, member in getattr(value, table.members.attr).items():
            yield from _inner(member, said, (*path, name), table.members.table)


def _inner(value: Any, said: Mapping[Path, Said], path: Path, inner: Table | Members) -> Iterator[Line]:
    owner = inner.type if isinstance(inner, Table) else Mapping
    yield _line(path, None, value, said, owner)
    if isinstance(inner, Table):
        if value is not None:
            yield from _lines(value, said, path, inner)
    elif inner.key is not None:
        for name, each in value.items():
            yield _line((*path, name), inner.key, each, said, owner)


def _line(path: Path, key: Key | None, value: Any, said: Mapping[Path, Said], owner: type) -> Line:
    return Line(path, key, value, said[path].place if path in said else DEFAULT, owner)


def as_toml(profile: Profile, said: Mapping[Path, Said]) -> str:
    """Return a profile as a file that extends nothing; each value with the place that said it."""
    head, body = list[str](), list[str]()
    for line in lines(profile, said):
        if line.key is None:
            if line.value is not None and not _is_empty(line):
                body += ["", f"[{line.name}]"]
        elif not _goes_without_saying(line, line.key):
            text = f"{line.path[-1]} = {values.write(line.key, line.value)}"
            (head if len(line.path) == 1 else body).append(f"{text}  # {line.place}")
    return "\n".join([*head, *body]) + "\n"


def _is_empty(line: Line) -> bool:
    """Say whether it is a table that holds nothing and means nothing by that."""
    return isinstance(line.value, Mapping) and not line.value


def _goes_without_saying(line: Line, key: Key) -> bool:
    if line.value is not None:
        return False
    return next((f.default in (None, MISSING) for f in fields(line.owner) if f.name == key.attr), False)

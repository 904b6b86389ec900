"""From what a profile says to the model's values; what it does not say has the model's defaults."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from bgo.devices.profiles.merging import Resolved
from bgo.devices.profiles.reading import PRESENT, Path, Said
from bgo.devices.profiles.schema import Members, Table, profile_table
from bgo.errors import UsageError
from bgo.model.profile import Profile


def missing(resolved: Resolved) -> list[UsageError]:
    """Return an error for each key that a table of the profile must have and has not."""
    return list(_missing(resolved.said, (), profile_table()))


def _missing(said: Mapping[Path, Said], path: Path, table: Table) -> Iterator[UsageError]:
    for name, key in table.keys.items():
        if key.is_required and (*path, name) not in said:
            where = ".".join(path)
            yield UsageError(
                f"{said[path].place}: [{where}] lacks {name}",
                why="without it the rule says nothing",
                hint=f"add {name}, or extend a profile that has it",
            )
    for inner, deeper in _tables(said, path, table):
        yield from _missing(said, deeper, inner)


def _tables(said: Mapping[Path, Said], path: Path, table: Table) -> Iterator[tuple[Table, Path]]:
    """Yield the tables that stand in a table, with their paths."""
    for name, (_, inner, _) in table.tables.items():
        if isinstance(inner, Table) and _is_there(said, (*path, name)):
            yield inner, (*path, name)
    if table.members is not None and table.members.table is not None:
        for name in _members(said, path, table):
            yield table.members.table, (*path, name)


def _is_there(said: Mapping[Path, Said], path: Path) -> bool:
    return path in said and said[path].value == PRESENT


def _members(said: Mapping[Path, Said], path: Path, table: Table) -> list[str]:
    return [
        name
        for name in below(said, path)
        if name not in (*table.keys, *table.tables) and _is_there(said, (*path, name))
    ]


def below(paths: Collection[Path], path: Path) -> list[str]:
    """Return the names of what stands right in a table, in the order in which it was first said."""
    size = len(path)
    return list(dict.fromkeys(each[size] for each in paths if len(each) > size and each[:size] == path))


def build(resolved: Resolved) -> Profile:
    """Return the profile. Nothing in it may be wrong, nor missing."""
    lineage = tuple(each.name for each in resolved.lineage)
    found = _build(resolved.said, (), profile_table())
    return Profile(name=resolved.document.name, lineage=lineage, **found)


def _build(said: Mapping[Path, Said], path: Path, table: Table) -> dict[str, Any]:
    found: dict[str, Any] = {
        key.attr: said[(*path, name)].value for name, key in table.keys.items() if (*path, name) in said
    }
    for name, (attr, inner, _) in table.tables.items():
        if (deeper := (*path, name)) not in said:
            if isinstance(inner, Members):
                found[attr] = MappingProxyType({})
            continue
        if said[deeper].value is None:
            found[attr] = None
        elif isinstance(inner, Members):
            found[attr] = MappingProxyType({each: said[(*deeper, each)].value for each in below(said, deeper)})
        else:
            found[attr] = inner.type(**_build(said, deeper, inner))
    if table.members is not None and (inner_table := table.members.table) is not None:
        made = {
            name: inner_table.type(**_build(said, (*path, name), inner_table)) for name in _members(said, path, table)
        }
        found[table.members.attr] = MappingProxyType(made)
    return found

"""What a profile's file may hold, read off `bgo.model.profile`: a field that is added there is a key from then on.

A field whose name ends in `_ms` is a key without that ending, and holds a duration; `_bytes` a size. A table within a
table is one of its own (`[doze.deep]`); a mapping of tables has its members right in its table (`[quota.active]`).
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from typing import Any, Literal, NamedTuple, get_args, get_origin

from bgo.model.profile import Profile

Kind = Literal["duration", "size", "whole", "number", "flag", "text", "words", "set", "durations", "range", "signal"]
NONE = "none"
"""What a key is set to whose rule the platform shall not have: TOML has no null."""
_ENDINGS: dict[str, Kind] = {"_ms": "duration", "_bytes": "size"}
_PLAIN: dict[object, Kind] = {int: "whole", float: "number", bool: "flag", str: "text"}
_NOT_WRITTEN = frozenset({"name", "lineage"})
"""Fields that say where a profile comes from; its file is called so, and `extends` says the rest."""


class Key(NamedTuple):
    """One key of a table."""

    attr: str
    """The field it becomes."""
    kind: Kind
    is_optional: bool
    """It may be `none`."""
    is_required: bool
    choices: tuple[str, ...] = ()


class Members(NamedTuple):
    """What a table holds for each name of some list: a table of its own, or one value."""

    attr: str
    table: Table | None
    key: Key | None


@dataclass(frozen=True, slots=True)
class Table:
    """What a table may hold."""

    type: type
    keys: Mapping[str, Key]
    tables: Mapping[str, tuple[str, Table | Members, bool]]
    """By key: the field, what is in it, and whether it may be `none`."""
    members: Members | None = None

    def known(self) -> list[str]:
        """Return its keys and tables, as they are written."""
        return [*self.keys, *self.tables]


def profile_table() -> Table:
    """Return what the top of a profile may hold, but for `extends`."""
    return table_of(Profile)


@cache
def table_of(type_: type) -> Table:
    """Return what the table of one of the model's types may hold."""
    hints = typing.get_type_hints(type_)
    keys: dict[str, Key] = {}
    tables: dict[str, tuple[str, Table | Members, bool]] = {}
    members: Members | None = None
    for field in fields(type_):
        if type_ is Profile and field.name in _NOT_WRITTEN:
            continue
        hint, is_optional = _without_none(hints[field.name])
        name, ending = _written(field.name)
        if is_dataclass(hint) and isinstance(hint, type):
            tables[field.name] = (field.name, table_of(hint), is_optional)
        elif get_origin(hint) is Mapping:
            made = _members(field.name, get_args(hint)[1], ending)
            if made.table is not None:
                members = made
            else:
                tables[name] = (field.name, made, is_optional)
        else:
            keys[name] = _key(field, hint, ending, is_optional=is_optional)
    return Table(type_, keys, tables, members)


def _members(attr: str, hint: Any, ending: str) -> Members:
    if is_dataclass(hint) and isinstance(hint, type):
        return Members(attr, table_of(hint), None)
    kind: Kind = "signal" if hint is str else _ENDINGS.get(ending) or _PLAIN[hint]
    return Members(attr, None, Key(attr, kind, is_optional=False, is_required=True))


def _without_none(hint: Any) -> tuple[Any, bool]:
    if get_origin(hint) not in (typing.Union, types.UnionType):
        return hint, False
    rest = [each for each in get_args(hint) if each is not types.NoneType]
    return rest[0], True


def _written(name: str) -> tuple[str, str]:
    """Return a field's name as a key, and the ending that it has lost."""
    for ending in _ENDINGS:
        if name.endswith(ending):
            return name.removesuffix(ending), ending
    return name, ""


def _key(field: Field[Any], hint: Any, ending: str, *, is_optional: bool) -> Key:
    is_required = field.default is MISSING and field.default_factory is MISSING
    choices: tuple[str, ...] = ()
    kind: Kind
    if get_origin(hint) is Literal:
        kind, choices = "text", get_args(hint)
    elif get_origin(hint) is frozenset:
        kind = "set"
    elif hint == tuple[str, ...]:
        kind = "words"
    elif hint == tuple[int, ...]:
        kind = "durations"
    elif hint == tuple[int, int]:
        kind = "range"
    else:
        kind = _ENDINGS.get(ending) or _PLAIN[hint]
    return Key(field.name, kind, is_optional, is_required, choices)

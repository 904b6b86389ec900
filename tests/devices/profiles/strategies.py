"""Profiles of any kind, drawn from the model itself: a field that is added there is drawn from then on."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from hypothesis import strategies as st

from bgo.devices.profiles import words
from bgo.devices.profiles.merging import OF_OS
from bgo.devices.profiles.schema import Key, Kind, Members, Table, profile_table
from bgo.model.profile import Profile

SPAN = st.integers(0, 10 * 365 * 86_400_000)
TEXT = st.text(st.characters(exclude_categories=("C", "Z")) | st.just(" "), max_size=20)
_SET = st.frozensets(st.sampled_from(words.CONSTRAINTS))
VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    "duration": SPAN,
    "size": st.integers(0, 1 << 50),
    "whole": st.integers(0, 100),
    "number": st.floats(1, 1_000, allow_nan=False),
    "flag": st.booleans(),
    "text": TEXT,
    "words": st.lists(TEXT.filter(bool), unique=True, max_size=3).map(tuple),
    "set": _SET,
    "durations": st.lists(SPAN, max_size=6).map(tuple),
    "range": st.tuples(st.integers(0, 9), st.integers(10, 99)),
}
SIGNALS = {"charging": st.sampled_from(["yes", "no"]), "battery": st.integers(0, 100).map(str)}


def _value(path: tuple[str, ...], key: Key) -> st.SearchStrategy[Any]:
    if path == ("standby", "pinned"):
        found: st.SearchStrategy[Any] = st.sampled_from(words.BUCKETS)
    else:
        found = st.sampled_from(key.choices) if key.choices else VALUES[key.kind]
    return st.none() | found if key.is_optional else found


def _members(path: tuple[str, ...], members: Members) -> st.SearchStrategy[Any]:
    names = words.members(path)
    if path == ("device",):
        return st.fixed_dictionaries({}, optional=SIGNALS).map(MappingProxyType)
    of = VALUES[members.key.kind] if members.key is not None else _table(path, members.table)
    return st.dictionaries(st.sampled_from(names), of, max_size=3).map(MappingProxyType)


def _table(path: tuple[str, ...], table: Table | None) -> st.SearchStrategy[Any]:
    assert table is not None
    found = {key.attr: _value((*path, name), key) for name, key in table.keys.items()}
    for name, (attr, inner, is_optional) in table.tables.items():
        of = _table((*path, name), inner) if isinstance(inner, Table) else _members((*path, name), inner)
        found[attr] = st.none() | of if is_optional else of
    if table.members is not None:
        found[table.members.attr] = _members(path, table.members)
    return st.builds(table.type, **found)


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    """Return any profile that can be written down, sensible or not: of one system, in its tables alone."""
    table = profile_table()
    os = draw(st.sampled_from(sorted(OF_OS)))
    found: dict[str, Any] = {key.attr: draw(_value((name,), key)) for name, key in table.keys.items()}
    foreign = {name for each, names in OF_OS.items() if each != os for name in names}
    for name, (attr, inner, is_optional) in table.tables.items():
        if name in foreign:
            continue
        of = _table((name,), inner) if isinstance(inner, Table) else _members((name,), inner)
        found[attr] = draw(st.none() | of if is_optional else of)
    return Profile(name="drawn", **{**found, "os": os})

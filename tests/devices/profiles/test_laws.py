"""Whatever stands in a file, it is a profile or refused; whatever extends what, the nearest says, in any order."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bgo.devices.profiles.checking import examined
from bgo.devices.profiles.merging import Resolved, resolve
from bgo.devices.profiles.reading import read
from bgo.devices.profiles.schema import Table, profile_table, table_of
from bgo.errors import UsageError
from bgo.model.profile import Battery, Profile
from tests.devices.profiles.kit import write


def _known(table: Table) -> Iterable[str]:
    yield from table.known()
    for _, inner, _ in table.tables.values():
        if isinstance(inner, Table):
            yield from _known(inner)
    if table.members is not None and table.members.table is not None:
        yield from _known(table.members.table)


KEYS = st.sampled_from(sorted({*_known(profile_table()), "extends", "rare", "dataSync", "camera", "charging"}))
LEAVES = st.one_of(
    st.booleans(),
    st.integers(-1 << 62, 1 << 62),
    st.floats(),
    st.sampled_from(["none", "15m", "10 KiB", "host", "android", "ios", "yes", "rare", "anchor", "5 parsecs", "1e9d"]),
    st.text(max_size=5),
    st.just(["0s", "12h"]),
    st.just([1, 4]),
    st.just([]),
)
TREES = st.dictionaries(
    KEYS | st.text(max_size=4),
    st.recursive(LEAVES, lambda inner: st.dictionaries(KEYS, inner, max_size=4) | st.lists(inner, max_size=2)),
    max_size=6,
)


def _toml(value: Any) -> str:
    """Return a value on one line of TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(key)} = {_toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, float):
        return str(value)
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(text: str) -> str:
    return json.dumps(text).replace("\\ud8", "?").replace("\x7f", "?")


@given(TREES)
def test_whatever_stands_in_a_file_it_is_a_profile_or_refused(tree: Mapping[str, Any]) -> None:
    text = "".join(f"{_text(key)} = {_toml(each)}\n" for key, each in tree.items())
    try:
        document = read(text, "any.toml", "any", "any")
    except UsageError as error:
        assert "not TOML" in error.message
        return
    found = Resolved(document, (), document.said, list(document.faults))
    profile, findings = examined(found) if ("os",) in document.said else (None, [])
    assert isinstance(profile, Profile) or findings or ("os",) not in document.said
    for fault in [*document.faults, *(each.as_error() for each in findings)]:
        assert fault.message.startswith("any.toml:"), fault.message
        assert len(fault.message) < 400


WORDS = st.dictionaries(st.sampled_from(["low", "okay", "stable_charge_level"]), st.integers(0, 3), max_size=3)
GRAPHS = st.lists(st.tuples(WORDS, st.frozensets(st.integers(0, 5), max_size=3)), min_size=1, max_size=6)


def _files(graph: list[tuple[dict[str, int], frozenset[int]]], *, swapped: bool) -> dict[str, str]:
    """Return the files of profiles of which each may extend earlier ones."""
    found = {}
    for number, (said, parents) in enumerate(graph):
        names = [f"p{parent}" for parent in sorted(parents, reverse=swapped) if parent < number]
        rows = [f"extends = {json.dumps(names)}" if names else "os = 'host'", "[battery]"]
        found[f"p{number}"] = "\n".join([*rows, *(f"{key} = {value}" for key, value in said.items())])
    return found


def _ancestors(graph: list[tuple[dict[str, int], frozenset[int]]], number: int) -> set[int]:
    found: set[int] = set()
    for parent in graph[number][1]:
        if parent < number:
            found |= {parent, *_ancestors(graph, parent)}
    return found


def _expected(graph: list[tuple[dict[str, int], frozenset[int]]], number: int, key: str) -> set[int | None]:
    """Return what the nearest of a profile and its ancestors say: several values where they contradict each other.

    By the definition: what is said counts unless somebody who extends its speaker says otherwise.
    """
    line = {number, *_ancestors(graph, number)}
    speakers = {each for each in line if key in graph[each][0]}
    nearest = {each for each in speakers if not any(each in _ancestors(graph, other) for other in speakers)}
    return {graph[each][0][key] for each in nearest} or {None}


@given(GRAPHS)
def test_the_nearest_says_in_any_order_of_the_parents(graph: list[tuple[dict[str, int], frozenset[int]]]) -> None:
    top = len(graph) - 1
    results = []
    for swapped in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            found = resolve(f"p{top}", write(Path(folder), **_files(graph, swapped=swapped)))
        results.append((found.faults, {path[-1]: said.value for path, said in found.said.items() if len(path) == 2}))
    (faults, said), (others, again) = results
    assert bool(faults) == bool(others)
    if faults:
        return
    assert said == again
    for key in ("low", "okay", "stable_charge_level"):
        assert {said.get(key)} == _expected(graph, top, key)


@given(GRAPHS)
def test_what_contradicts_is_told_and_nothing_else(graph: list[tuple[dict[str, int], frozenset[int]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = resolve(f"p{len(graph) - 1}", write(Path(folder), **_files(graph, swapped=False)))
    reached = {len(graph) - 1, *_ancestors(graph, len(graph) - 1)}
    torn = any(
        len(_expected(graph, each, key)) > 1 for each in reached for key in ("low", "okay", "stable_charge_level")
    )
    assert bool(found.faults) == torn


def test_the_keys_of_the_battery_are_those_of_the_model() -> None:
    assert set(table_of(Battery).keys) >= {"low", "okay", "stable_charge_level"}
    assert len(fields(Battery)) == len(table_of(Battery).keys)

"""A profile written down and read again is the same one; a file to start from says nothing of its own."""

from __future__ import annotations

import tempfile
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from bgo.devices.profiles import about, library, telling, values
from bgo.devices.profiles.building import build, missing
from bgo.devices.profiles.checking import examined, sound
from bgo.devices.profiles.merging import Resolved, resolve
from bgo.devices.profiles.reading import read
from bgo.devices.profiles.schema import Key, Kind, Table, profile_table, table_of
from bgo.devices.profiles.template import template
from bgo.model import profile as model
from bgo.model.profile import Profile
from tests.devices.profiles.kit import ANDROID, write
from tests.devices.profiles.strategies import VALUES, profiles

QUICK = settings(phases=(Phase.explicit, Phase.reuse, Phase.generate))
"""Half a profile is no easier to read than a whole one: to look for it takes minutes."""


def again(text: str) -> Profile:
    document = read(text, "drawn.toml", "drawn", "drawn")
    assert document.faults == []
    found = Resolved(document, (), document.said)
    assert missing(found) == []
    return build(found)


@given(profiles())
@QUICK
def test_a_profile_written_down_is_read_as_the_same(drawn: Profile) -> None:
    assert again(telling.as_toml(drawn, {})) == drawn


@given(profiles())
@QUICK
def test_of_any_profile_it_can_be_said_what_is_odd(drawn: Profile) -> None:
    """Each finding has a place, and none of the judges stumbles."""
    document = read(telling.as_toml(drawn, {}), "drawn.toml", "drawn", "drawn")
    found, findings = examined(Resolved(document, (), document.said))
    assert (found is None) == any(each.is_error for each in findings)
    for each in findings:
        assert each.place.startswith("drawn.toml:")
        assert each.what
        assert each.fix


@pytest.mark.parametrize("kind", VALUES)
def test_every_kind_of_value_comes_back(kind: Kind) -> None:
    @given(VALUES[kind])
    def comes_back(value: object) -> None:
        import tomllib

        key = Key("x", kind, is_optional=True, is_required=False)
        for each in (value, None):
            text = values.write(key, each)
            assert values.read("x", key, tomllib.loads(f"x = {text}")["x"]) == each
            assert values.told(key, each)

    if kind != "text":  # an empty text is told as nothing at all
        comes_back()


@given(st.integers(0, 1 << 53))
def test_sizes_lose_nothing(count: int) -> None:
    from bgo.model.words import size_bytes

    assert size_bytes(values.size(count)) == count


def test_a_resolved_profile_is_told_with_the_place_of_each_value(tmp_path: Path) -> None:
    write(tmp_path, base=ANDROID, mine="extends = 'base'\n[battery]\nlow = 10\n[foreground.camera]")
    resolved = resolve("mine", tmp_path)
    found = sound(resolved, "mine")
    told = {
        line.name: (line.written, line.place.removeprefix(f"{tmp_path}/"))
        for line in telling.lines(found, resolved.said)
    }
    assert told["battery.low"] == ("10", "mine.toml:3")
    assert told["battery.okay"] == ("20", "default")
    assert told["quota.rare.window"] == ("1d", "base.toml:19")
    assert told["device.battery"] == ("80", "base.toml:29")
    assert told["doze"] == ("none", "default")
    assert told["os"] == ("android", "base.toml:2")
    assert "refresh" not in told, "a rule of another system is not even missing"
    text = telling.as_toml(found, resolved.said)
    assert f"low = 10  # {tmp_path}/mine.toml:3" in text.splitlines()
    assert replace(again(text), name="mine", lineage=("base",)) == found


@pytest.mark.parametrize("parent", library.built_in())
def test_a_file_to_start_from_changes_nothing_as_it_is_and_nothing_when_all_its_comments_are_taken_away(
    parent: str, tmp_path: Path
) -> None:
    resolved = resolve(parent, None)
    found = sound(resolved, parent)
    text = template("mine", parent, telling.lines(found, resolved.said))
    for each in (text, _uncommented(text)):
        (tmp_path / "mine.toml").write_text(each, encoding="utf-8")
        mine = sound(resolve("mine", tmp_path), "mine")
        assert mine.lineage[0] == parent
        assert replace(mine, name=parent, lineage=found.lineage, summary=found.summary) == found


def _uncommented(text: str) -> str:
    """Return a template with the rules it shows in force; tables that its parent lacks stay away."""
    rows, is_absent = [], False
    for row in text.splitlines():
        if row.startswith(("# [", "[")) and row.rstrip().endswith("]"):
            is_absent = row.startswith("#")
        is_rule = row.startswith("# ") and " = " in row and row[2:].split(" = ")[0].replace("_", "").isalnum()
        rows.append(row[2:] if is_rule and not is_absent else row)
    return "\n".join(rows) + "\n"


def test_every_table_of_the_model_says_what_it_is_about() -> None:
    for name, type_ in vars(model).items():
        if isinstance(type_, type) and is_dataclass(type_):
            assert about.about(type_), name
            assert "None" not in about.about(type_)
    assert about.about(model.Work, "run_max_ms") == "How long plain background work may run."
    assert about.about(dict) == ""


def test_every_field_of_the_model_is_a_key() -> None:
    """Nothing that the rules know can be left out of a file."""

    def count(table: Table) -> int:
        inner = [it for _, it, _ in table.tables.values() if isinstance(it, Table)]
        if table.members is not None and table.members.table is not None:
            inner.append(table.members.table)
        own = len(table.keys) + len(table.tables) + (table.members is not None)
        assert own == len(fields(table.type)) - (2 if table.type is Profile else 0)
        return own + sum(map(count, inner))

    assert count(profile_table()) > 80
    assert table_of(model.Work).keys["run_max"].kind == "duration"


def test_a_link_to_a_file_of_ones_own_is_read_where_it_points(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as elsewhere:
        write(Path(elsewhere), real=ANDROID)
        (tmp_path / "linked.toml").symlink_to(Path(elsewhere) / "real.toml")
        assert sound(resolve("linked", tmp_path), "linked").os == "android"

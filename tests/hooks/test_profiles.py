"""Profiles that plugins bring: by name, from the catalogue, below bgo's and the user's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from bgo import compose
from bgo.config import Flags, Settings, load
from bgo.devices.profiles import names, profile
from bgo.errors import NotFoundError, UsageError
from bgo.flow.profiles import listing
from bgo.hooks import catalogue
from bgo.hooks.profiles import brought_by, by_name
from bgo.hooks.settings import LoadReport

PLUGIN = """
from pathlib import Path
from bgo.hooks.specs import hookimpl

@hookimpl
def bgo_profiles():
    return [Path(__file__).with_name(name) for name in {names}]
"""


def settings(tmp_path: Path, **plugins: list[str]) -> Settings:
    """Return settings that load a plugin for each word, which brings the files of these names."""
    files = []
    for name, brings in plugins.items():
        path = tmp_path / name / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PLUGIN.format(names=brings))
        files.append(str(path))
    return load(Flags(plugins=tuple(files)))


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_plugin_brings_a_profile(tmp_path: Path) -> None:
    write(tmp_path / "one" / "tv.toml", "extends = 'unrestricted'\n[battery]\nlow = 3")
    given = settings(tmp_path, one=["tv.toml"])
    where = compose.shelf(given)
    assert "tv" in names(where)
    found = profile("tv", where)
    assert (found.name, found.lineage, found.battery.low) == ("tv", ("unrestricted",), 3)
    (report,) = (
        each for each in catalogue.look(compose.plugin_settings(given), given.cache_dir).reports if each.profiles
    )
    assert report.brings == ("profile tv",)
    row = next(row for row in listing(where) if row.name == "tv")
    assert (row.path, row.state) == (str(tmp_path / "one" / "tv.toml"), "")
    with pytest.raises(NotFoundError, match="no profile 'tvv'") as caught:
        profile("tvv", where)
    assert caught.value.why == "did you mean 'tv'?"


def test_what_bgo_and_the_user_call_so_comes_first_and_two_plugins_bring_none(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        for name in ("tv", "host", "mine"):
            write(tmp_path / folder / f"{name}.toml", f"os = 'host'\nsummary = '{folder}'")
    given = settings(tmp_path, one=["tv.toml", "host.toml", "mine.toml"], two=["tv.toml"])
    write(given.profile_dir / "mine.toml", "os = 'host'\nsummary = 'mine'")
    where = compose.shelf(given)
    assert profile("mine", where).summary == "mine"
    with pytest.raises(UsageError, match="two plugins bring a profile 'tv'") as caught:
        profile("tv", where)
    assert str(tmp_path / "one" / "tv.toml") in caught.value.why
    assert profile(str(tmp_path / "two" / "tv.toml"), where).summary == "two"
    states = {row.path: row.state for row in listing(where)}
    assert "your folder has" in states[str(tmp_path / "one" / "mine.toml")]
    assert "bgo has" in states[str(tmp_path / "one" / "host.toml")]
    assert "two plugins bring" in states[str(tmp_path / "one" / "tv.toml")]


@pytest.mark.parametrize(
    ("brings", "why"), [(["missing.toml"], "there is no such .toml file"), (["bad name.toml"], "a name starts with")]
)
def test_a_file_that_is_none_costs_the_profiles_and_nothing_else(tmp_path: Path, brings: list[str], why: str) -> None:
    write(tmp_path / "one" / "bad name.toml", "os = 'host'")
    given = settings(tmp_path, one=brings)
    report = catalogue.look(compose.plugin_settings(given), given.cache_dir).reports[-1]
    assert (report.error, dict(report.profiles)) == ("", {})
    assert why in report.warnings[0]
    assert report.warnings[0].startswith("no profiles: ")


def test_other_things_bring_none() -> None:
    assert brought_by(object()) == {}
    assert by_name([]) == {}
    reports = [LoadReport("a", "file", profiles={"x": "/1"}), LoadReport("b", "file", profiles={"x": "/1", "y": "/2"})]
    assert by_name(reports) == {"x": ("/1",), "y": ("/2",)}


def test_plugins_are_not_asked_for_a_profile_that_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("the catalogue was read")

    monkeypatch.setattr(catalogue, "look", never)
    given = load()
    write(given.profile_dir / "mine.toml", "extends = 'android'")
    assert profile("mine", compose.shelf(given)).os == "android"

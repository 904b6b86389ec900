"""Finding distributions by hand, and who wins a name."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bgo.hooks import names, scan
from bgo.hooks.settings import PluginSettings
from bgo.model.handler import HandlerInfo, Source


def test_both_groups_are_read_and_others_are_not(site: Path, install: Callable[..., None]) -> None:
    install(
        "My_Dist", {}, bgo={"hooks": "my_hooks"}, bgo__handlers={"a.b": "m:f [extra]"}, console_scripts={"x": "y:z"}
    )
    install("other", {}, console_scripts={"bgo": "x:y"})
    assert scan.scan([str(site)]) == [
        scan.EntryPoint("bgo", "hooks", "my_hooks", "My_Dist", "1.0"),
        scan.EntryPoint("bgo.handlers", "a.b", "m:f", "My_Dist", "1.0"),
    ]


def test_a_distribution_found_twice_counts_once_and_the_first_wins(tmp_path: Path) -> None:
    for number, folder in enumerate(("one", "two")):
        info = tmp_path / folder / f"a_b-{number}.dist-info"
        info.mkdir(parents=True)
        (info / "entry_points.txt").write_text(f"[bgo.handlers]\nx = m{number}:f\n")
    found = scan.scan([str(tmp_path / "one"), str(tmp_path / "two"), str(tmp_path / "gone")])
    assert [point.value for point in found] == ["m0:f"]


def test_comments_blank_lines_and_nonsense_are_passed_over() -> None:
    text = "# c\n[bgo.handlers]\n\n; c\n a = m:f \nnonsense\n[bgo]\nb=n\n[else]\nc=o\n"
    assert list(scan.parse(text)) == [("bgo.handlers", "a", "m:f"), ("bgo", "b", "n")]


@pytest.mark.parametrize("first", ["", "{cwd}", "{script}"])
def test_the_program_s_own_directory_is_not_on_a_child_s_path(
    first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "bin" / "app")])
    entry = first.format(cwd=tmp_path, script=tmp_path / "bin")
    monkeypatch.setattr(sys, "path", [entry, "/lib"])
    assert scan.import_path() == ["/lib"]


def test_other_first_entries_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["/elsewhere", "/lib"])
    assert scan.import_path() == ["/elsewhere", "/lib"]


def info(name: str, source: Source, origin: str = "") -> HandlerInfo:
    return HandlerInfo(name, source, origin=origin)


ONE = info("sync", Source("entry", "one:f"), "dist-one 1.0")
TWO = info("sync", Source("file", "/p/two.py"), "/p/two.py")


def test_two_plugins_with_one_name_neither_counts_and_both_are_named() -> None:
    chosen, refused = names.settle([ONE, TWO], {})
    assert chosen == {}
    assert (
        refused["sync"]
        == "brought by /p/two.py and dist-one 1.0; none of them counts until plugins.overrides picks one"
    )


@pytest.mark.parametrize(
    ("override", "winner"),
    [("dist-one", ONE), ("dist-one 1.0", ONE), ("one", ONE), ("/p/two.py", TWO), ("nobody", None)],
)
def test_an_override_picks_by_origin(override: str, winner: HandlerInfo | None) -> None:
    chosen, refused = names.settle([ONE, TWO], {"sync": override})
    assert chosen.get("sync") is winner
    assert ("sync" in refused) == (winner is None)


def test_one_program_named_twice_is_one_program() -> None:
    by_file = info("sync", Source("file", "/p/app.py"))
    as_module = info("sync", Source("flow", "app:flow", "/p"))
    as_script = info("sync", Source("flow", "__main__:flow", "/p/app.py"))
    assert names.settle([by_file, as_module, as_script, by_file], {}) == ({"sync": by_file}, {})


def test_settings_survive_json_and_make_paths_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = PluginSettings(("a.py", "./b", "a.py", "pkg.mod"), ("My_Dist",), overrides={"x": "y"})
    assert settings.files == (str(tmp_path / "a.py"), str(tmp_path / "b"), "pkg.mod")
    assert PluginSettings.from_json(settings.to_json()) == settings
    assert PluginSettings.from_json({}) == PluginSettings()
    assert settings.allows("my.dist")
    assert not settings.allows("other")
    assert not PluginSettings(enabled=False).allows("my-dist")

"""Loading plugins: each costs its own handlers at most, and each is reported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bgo.hooks.manager import Loaded, LoadReport, PluginSettings, build_manager, load_plugins
from bgo.model.options import TaskTimeout

HANDLER = "def run(ctx, path: str):\n    'Do it.'\n"
HOOKED = """
from bgo.hooks.specs import hookimpl
def run(ctx): ...
@hookimpl
def bgo_register_handlers(register):
    register("{name}", run, timeout="quick")
"""


def report(loaded: Loaded, name: str) -> LoadReport:
    (found,) = [r for r in loaded.reports if r.name == name]
    return found


def test_built_ins_come_through_the_same_door() -> None:
    loaded = load_plugins(PluginSettings(enabled=False))
    assert set(loaded.handlers) == {"echo", "shell", "sleep"}
    assert loaded.handlers["shell"].info.takes_argv
    assert loaded.handlers["shell"].info.defaults.timeout == TaskTimeout.NONE
    assert {r.source for r in loaded.reports} == {"builtin"}
    assert all(r.error == "" and r.warnings == () for r in loaded.reports)


def test_entry_points_of_both_groups(install: Callable[..., None]) -> None:
    install("acme", {"acme_one": HANDLER}, bgo__handlers={"acme.run": "acme_one:run"})
    install("hooked", {"hooked_one": HOOKED.format(name="hooked.run")}, bgo={"plugin": "hooked_one"})
    loaded = load_plugins(PluginSettings())
    assert loaded.handlers["acme.run"].info.summary == "Do it."
    assert loaded.handlers["acme.run"].info.origin == "acme 1.0"
    assert loaded.handlers["hooked.run"].info.defaults.timeout == TaskTimeout.QUICK
    assert report(loaded, "acme").handlers == ("acme.run",)
    assert report(loaded, "hooked").version == "1.0"


def test_switches(install: Callable[..., None]) -> None:
    install("acme", {"acme_two": HANDLER}, bgo__handlers={"acme.run": "acme_two:run"})
    assert "acme.run" in load_plugins(PluginSettings(allow=("Acme",))).handlers
    assert "acme.run" not in load_plugins(PluginSettings(allow=())).handlers
    assert "acme.run" not in load_plugins(PluginSettings(enabled=False)).handlers


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import sys; sys.exit(3)", "sys.exit(3)"),
        ("raise SystemExit", "sys.exit(None)"),
        ("raise RuntimeError('no\\nluck')", "RuntimeError: no luck"),
        ("import no_such_module_at_all", "No module named 'no_such_module_at_all'"),
        ("def broken(:\n", "SyntaxError"),
        ("raise BaseException", "BaseException"),
        ("x = 1", "has no attribute 'run'"),
        ("def run(): ...", "the first parameter must be the context"),
    ],
)
def test_a_plugin_that_fails_costs_only_its_own_handlers(
    source: str, reason: str, install: Callable[..., None]
) -> None:
    install(
        "acme",
        {"acme_bad": source, "acme_good": HANDLER},
        bgo__handlers={"acme.bad": "acme_bad:run", "acme.good": "acme_good:run"},
    )
    loaded = load_plugins(PluginSettings())
    assert "acme.good" in loaded.handlers
    assert "echo" in loaded.handlers
    assert reason in report(loaded, "acme").error
    assert reason in loaded.missing["acme.bad"]
    assert "acme 1.0" in loaded.missing["acme.bad"]


def test_ctrl_c_while_loading_is_obeyed(install: Callable[..., None]) -> None:
    install("acme", {"acme_int": "raise KeyboardInterrupt"}, bgo={"x": "acme_int"})
    with pytest.raises(KeyboardInterrupt):
        load_plugins(PluginSettings())


def test_a_raising_hook_stops_nobody_else(install: Callable[..., None]) -> None:
    bad = HOOKED.format(name="a.run") + "    register('b.run', lambda ctx: None)\n"
    install("aaa", {"aaa_bad": bad}, bgo={"x": "aaa_bad"})
    install("zzz", {"zzz_good": HOOKED.format(name="z.run")}, bgo={"x": "zzz_good"})
    loaded = load_plugins(PluginSettings())
    assert "z.run" in loaded.handlers
    assert "a.run" not in loaded.handlers, "a plugin is loaded whole or not at all"
    assert "a lambda has no name" in report(loaded, "aaa").error


def test_a_misspelt_hook_is_answered_with_the_right_name(install: Callable[..., None]) -> None:
    source = HOOKED.format(name="a.run").replace("bgo_register_handlers", "bgo_register_handler")
    install("acme", {"acme_typo": source}, bgo={"x": "acme_typo"})
    install("zzz", {"zzz_fine": HOOKED.format(name="z.run")}, bgo={"x": "zzz_fine"})
    loaded = load_plugins(PluginSettings())
    (warning,) = report(loaded, "acme").warnings
    assert "'bgo_register_handler' is never called; did you mean 'bgo_register_handlers'?" in warning
    assert report(loaded, "zzz").warnings == ()


def test_a_hook_with_a_wrong_argument_is_reported(install: Callable[..., None]) -> None:
    source = HOOKED.format(name="a.run").replace("(register)", "(registry)")
    install("acme", {"acme_arg": source}, bgo={"x": "acme_arg"})
    assert "registry" in report(load_plugins(PluginSettings()), "acme").error


def test_one_name_from_two_plugins(tmp_path: Path, install: Callable[..., None]) -> None:
    install("acme", {"acme_dup": HANDLER}, bgo__handlers={"sync": "acme_dup:run"})
    local = tmp_path / "mine.py"
    local.write_text("from bgo.hooks.task import task\n@task\ndef sync(ctx): ...\n@task\ndef other(ctx): ...\n")
    loaded = load_plugins(PluginSettings(files=(str(local),)))
    assert "sync" not in loaded.handlers
    assert "other" in loaded.handlers
    assert "acme 1.0" in loaded.missing["sync"]
    assert all("sync: brought by" in report(loaded, name).warnings[0] for name in ("acme", str(local)))

    loaded = load_plugins(PluginSettings(files=(str(local),), overrides={"sync": "acme"}))
    assert loaded.handlers["sync"].info.origin == "acme 1.0"
    assert loaded.missing == {}
    assert report(loaded, str(local)).warnings == ("sync: overridden by acme 1.0",)


def test_local_files_and_modules(tmp_path: Path, site: Path) -> None:
    local = tmp_path / "local tasks.py"
    local.write_text(
        "import json\nfrom bgo.hooks.task import task\nfrom named import imported\n@task\ndef here(ctx): ...\n"
    )
    (site / "named.py").write_text("from bgo.hooks.task import task\n@task\ndef imported(ctx): ...\n")
    loaded = load_plugins(PluginSettings(files=(str(local), "named", str(tmp_path / "gone.py"))))
    assert loaded.handlers["here"].info.source.kind == "file"
    assert loaded.handlers["imported"].info.source.target == "named", "an imported task belongs to its own module"
    assert "it is not there" in report(loaded, str(tmp_path / "gone.py")).error
    assert str(local) in loaded.files
    assert str(site / "named.py") not in loaded.files, "what is installed changes with its distribution"
    assert not list(tmp_path.rglob("__pycache__/local*"))


def test_a_plugin_given_twice_is_loaded_once(site: Path, install: Callable[..., None]) -> None:
    install("acme", {"acme_twice": HOOKED.format(name="a.run")}, bgo={"x": "acme_twice"})
    loaded = load_plugins(PluginSettings(files=("acme_twice",)))
    assert "a.run" in loaded.handlers
    assert loaded.missing == {}


def test_what_must_be_skipped_is_reported_and_not_touched(install: Callable[..., None]) -> None:
    install("acme", {"acme_skip": "raise RuntimeError"}, bgo__handlers={"acme.run": "acme_skip:run"})
    heard: list[str] = []
    load_plugins(PluginSettings(), announce=heard.append)
    (label,) = [text for text in heard if "acme" in text]
    loaded = load_plugins(PluginSettings(), skip={label: "loading it killed the process"})
    assert report(loaded, "acme").error == "loading it killed the process"
    assert loaded.missing == {"acme.run": "loading it killed the process"}


def test_reports_survive_json() -> None:
    full = LoadReport("a", "file", "1", ("x",), "e", 3, ("w",))
    assert LoadReport.from_json(full.to_json()) == full


def test_a_manager_takes_plugins_by_hand() -> None:
    class Plugin:
        pass

    manager = build_manager([("mine", Plugin())])
    assert manager.has_plugin("mine")
    manager.check_pending()

"""The catalogue file: fast when it holds, never trusted when it may not, built in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bgo.errors import ConfigError
from bgo.hooks import builder, catalogue, flows
from bgo.hooks.builder import child_environment, run_builder
from bgo.hooks.settings import PluginSettings
from bgo.model.handler import HandlerInfo, Source

NONE = PluginSettings()
TASK = "from bgo.hooks.task import task\n@task\ndef {name}(ctx, n: int = 1): 'Say {name}.'\n"


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[PluginSettings]:
    """Count the builds."""
    made: list[PluginSettings] = []

    def counting(settings: PluginSettings, timeout_s: float) -> dict[str, object]:
        made.append(settings)
        return run_builder(settings, timeout_s)

    monkeypatch.setattr(builder, "run_builder", counting)
    return made


def test_built_once_then_read(tmp_path: Path, site: Path, builds: list[PluginSettings]) -> None:
    first = catalogue.load(NONE, tmp_path / "cache")
    assert set(first) >= {"echo", "shell", "sleep"}
    second = catalogue.load(NONE, tmp_path / "cache")
    assert dict(second) == dict(first)
    assert second["sleep"].params is not None
    assert len(builds) == 1


def test_the_file_is_private_and_whole(tmp_path: Path, site: Path) -> None:
    old = os.umask(0)
    try:
        catalogue.load(NONE, tmp_path / "cache")
    finally:
        os.umask(old)
    (file,) = (tmp_path / "cache").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"made_for": 1}', "\x00" * 100])
def test_a_damaged_file_is_built_anew(text: str, tmp_path: Path, site: Path, builds: list[PluginSettings]) -> None:
    catalogue.load(NONE, tmp_path)
    (file,) = tmp_path.glob("catalogue-*.json")
    file.write_text(text)
    assert "echo" in catalogue.load(NONE, tmp_path)
    assert len(builds) == 2
    assert "echo" in json.loads(file.read_text())["handlers"]


def test_installing_a_distribution_is_noticed(
    tmp_path: Path, install: Callable[..., None], builds: list[PluginSettings]
) -> None:
    assert "acme.run" not in catalogue.load(NONE, tmp_path)
    install("acme", {"acme_cat": "def run(ctx): ..."}, bgo__handlers={"acme.run": "acme_cat:run"})
    assert catalogue.load(NONE, tmp_path)["acme.run"].origin == "acme 1.0"
    assert len(builds) == 2


def test_a_file_that_announces_nothing_costs_no_build(tmp_path: Path, site: Path, builds: list[PluginSettings]) -> None:
    """A program's own directory may be on the path, and it writes there all day."""
    catalogue.load(NONE, tmp_path / "cache")
    for name in ("one", "two"):
        (site / name).write_text("")
        os.utime(site, ns=(1, len(name) + ord(name[0])))
        assert "echo" in catalogue.load(NONE, tmp_path / "cache")
    assert len(builds) == 1


def test_installing_the_same_version_anew_is_noticed(
    tmp_path: Path, site: Path, install: Callable[..., None], builds: list[PluginSettings]
) -> None:
    install("acme", {"acme_anew": "def run(ctx): 'Old.'"}, bgo__handlers={"acme.run": "acme_anew:run"})
    assert catalogue.load(NONE, tmp_path)["acme.run"].summary == "Old."
    (site / "acme_anew.py").write_text("def run(ctx): 'Newer.'")
    for folder in (site / "acme-1.0.dist-info", site):
        os.utime(folder, ns=(7, 7))
    assert catalogue.load(NONE, tmp_path)["acme.run"].summary == "Newer."
    assert len(builds) == 2


def test_a_changed_plugin_file_is_noticed(tmp_path: Path, site: Path) -> None:
    local = tmp_path / "tasks.py"
    local.write_text(TASK.format(name="one"))
    settings = PluginSettings(files=(str(local),))
    assert catalogue.load(settings, tmp_path / "cache")["one"].summary == "Say one."
    local.write_text(TASK.format(name="two"))
    os.utime(local, ns=(1, 1))
    assert "two" in catalogue.load(settings, tmp_path / "cache")
    assert "one" not in catalogue.load(settings, tmp_path / "cache")
    assert "two" not in catalogue.load(NONE, tmp_path / "cache"), "other settings have a catalogue of their own"


def test_a_miss_is_never_judged_from_the_file(
    tmp_path: Path, install: Callable[..., None], site: Path, builds: list[PluginSettings]
) -> None:
    catalogue.load(NONE, tmp_path)
    before = site.stat()
    install("acme", {"acme_miss": "def run(ctx): ..."}, bgo__handlers={"acme.run": "acme_miss:run"})
    os.utime(site, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "acme.run" not in catalogue.load(NONE, tmp_path), "the fingerprint was fooled, as it had to be"
    found = catalogue.find("acme.run", NONE, tmp_path)
    assert found is not None
    assert found.source == Source("entry", "acme_miss:run")
    assert len(builds) == 2


def test_a_name_that_nobody_brings_costs_one_build(tmp_path: Path, site: Path, builds: list[PluginSettings]) -> None:
    assert catalogue.find("nobody", NONE, tmp_path) is None
    assert len(builds) == 1, "it was fresh already"
    assert catalogue.find("nobody", NONE, tmp_path) is None
    assert len(builds) == 2


def test_handlers_of_this_process_come_first(tmp_path: Path, builds: list[PluginSettings]) -> None:
    mine = HandlerInfo("echo", Source("flow", "app:flow"))
    assert catalogue.find("echo", NONE, tmp_path, {"echo": mine}) is mine
    assert builds == []


def test_a_directory_that_cannot_be_written_costs_nothing_else(tmp_path: Path, site: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "echo" in catalogue.load(NONE, tmp_path / "file" / "cache")


def test_reasons_and_suggestions(tmp_path: Path, install: Callable[..., None]) -> None:
    install("acme", {"acme_why": "raise RuntimeError('no')"}, bgo__handlers={"acme.run": "acme_why:run"})
    assert "RuntimeError: no" in catalogue.not_found("acme.run", NONE, tmp_path).why
    assert catalogue.not_found("ehco", NONE, tmp_path).hint == "did you mean echo?"
    assert "handlers list" in catalogue.not_found("zzzzzz", NONE, tmp_path).hint
    known = {name: HandlerInfo(name, Source("entry", "m:f")) for name in ("files.hash", "files.copy", "syncData")}
    assert catalogue.suggest("hash", known) == ["files.hash"]
    assert catalogue.suggest("syncdata", known) == ["syncData"]
    assert catalogue.suggest("files.hsah", known) == ["files.hash"]
    assert catalogue.suggest("qqq", known) == []
    failed = [r for r in catalogue.look(NONE, tmp_path).reports if r.error]
    assert [r.name for r in failed] == ["acme"]


@pytest.mark.parametrize(
    ("code", "why", "timeout_s"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "killed the process (SIGSEGV)", 30),
        ("import os; os._exit(0)", "ended the process (exit code 0)", 30),
        ("import threading; threading.Event().wait()", "took longer than 3 s", 3),
    ],
)
def test_a_plugin_that_takes_the_process_down_is_left_out(
    code: str, why: str, timeout_s: int, install: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "TIMEOUT_S", timeout_s)
    install("acme", {"acme_dies": code}, bgo__handlers={"acme.run": "acme_dies:run"})
    known = catalogue.look(NONE, tmp_path)
    assert "echo" in known.handlers
    assert why in known.missing["acme.run"]
    assert [why in r.error for r in known.reports if r.name == "acme"] == [True]


def test_plugins_may_print_and_read_and_start_threads(install: Callable[..., None], tmp_path: Path) -> None:
    noisy = "import sys, threading\nprint('x' * 100000)\nassert sys.stdin.read() == ''\n"
    noisy += "threading.Thread(target=threading.Event().wait).start()\ndef run(ctx): ...\n"
    install("acme", {"acme_noisy": noisy}, bgo__handlers={"acme.run": "acme_noisy:run"})
    assert "acme.run" in catalogue.load(NONE, tmp_path)


def test_no_build_at_all_is_a_config_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ConfigError) as caught:
        catalogue.load(NONE, tmp_path)
    assert "exit code 1" in caught.value.why
    assert "--no-plugins" in caught.value.hint


def test_nothing_is_imported_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "json.py").write_text("raise RuntimeError('hijacked')\n")
    info = tmp_path / "evil-1.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("[bgo.handlers]\nevil = evil:run\n")
    monkeypatch.chdir(tmp_path)
    assert "evil" not in catalogue.load(NONE, tmp_path / "cache")


def test_the_hot_path_loads_nothing_heavy(tmp_path: Path, site: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from bgo.hooks import catalogue\n"
        "from bgo.hooks.settings import PluginSettings\n"
        f"assert catalogue.find('shell', PluginSettings(), Path({str(tmp_path)!r})).takes_argv\n"
        "heavy = 'pluggy importlib.metadata importlib.util subprocess difflib asyncio hashlib bgo.hooks.manager'\n"
        "heavy += ' bgo.hooks.signature bgo.hooks.builtin.shell bgo.hooks.builder'\n"
        "sys.exit(' '.join(set(heavy.split()) & set(sys.modules)) or 0)"
    )
    command = [sys.executable, "-P", "-c", code]
    subprocess.run(command, env=child_environment(), check=False, capture_output=True)  # builds it
    done = subprocess.run(command, env=child_environment(), check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def flow_info(name: str, file: Path) -> HandlerInfo:
    return HandlerInfo(name, Source("flow", "__main__:flow", str(file)), summary="s", origin=str(file))


def test_flows_are_remembered_while_their_program_exists(tmp_path: Path, site: Path) -> None:
    cache, app = tmp_path / "cache", tmp_path / "app.py"
    app.write_text("")
    catalogue.remember_flow([flow_info("sync", app), flow_info("push", app)], cache)
    assert catalogue.load(NONE, cache)["sync"] == flow_info("sync", app)
    catalogue.remember_flow([flow_info("sync", app)], cache)
    assert "push" not in catalogue.load(NONE, cache), "the program's newest word counts"
    assert "sync" not in catalogue.load(PluginSettings(enabled=False), cache)
    app.unlink()
    assert "sync" not in catalogue.load(NONE, cache)


def test_remembering_the_same_again_writes_nothing(tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    catalogue.remember_flow([flow_info("sync", app)], tmp_path)
    (file,) = (tmp_path / flows.FOLDER).iterdir()
    os.utime(file, ns=(1, 1))
    catalogue.remember_flow([flow_info("sync", app)], tmp_path)
    assert file.stat().st_mtime_ns == 1
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_flow_with_a_taken_name_counts_no_more_than_a_plugin_would(tmp_path: Path, site: Path) -> None:
    one, two = tmp_path / "one.py", tmp_path / "two.py"
    for app in (one, two):
        app.write_text("")
        catalogue.remember_flow([flow_info("echo", app), flow_info("sync", app)], tmp_path)
    known = catalogue.look(NONE, tmp_path)
    assert "echo" not in known.handlers
    assert "sync" not in known.handlers
    assert "bgo 0." in known.missing["echo"]
    assert str(one) in known.missing["sync"]
    picked = catalogue.look(PluginSettings(overrides={"echo": "bgo", "sync": str(two)}), tmp_path)
    assert picked.handlers["echo"].source.kind == "plugin"
    assert picked.handlers["sync"].origin == str(two)
    assert picked.missing == {}


def test_a_damaged_memory_of_flows_is_passed_over(tmp_path: Path, site: Path) -> None:
    folder = tmp_path / flows.FOLDER
    folder.mkdir()
    (folder / "a.json").write_text("{")
    (folder / "b.json").write_text('[{"name": "x"}]')
    (folder / "c.json").write_text('{"x": 1}')
    assert "echo" in catalogue.load(NONE, tmp_path)

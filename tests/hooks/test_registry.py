"""From a name and a place to code, in the process that runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bgo.errors import ConfigError, NotFoundError
from bgo.hooks.builder import child_environment
from bgo.hooks.manager import PluginSettings
from bgo.hooks.registry import Registry, realm
from bgo.model.handler import Source

FLOW = """
from bgo.hooks.handler import build
from bgo.model.handler import Source
from {helper} import answer
def sync(ctx, n: int): return {{"n": n, "answer": answer}}
class TaskFlow:
    handlers = {{"sync": build("sync", sync, {{}}, Source("flow", "x:flow"))}}
class Holder:
    flow = TaskFlow()
flow = TaskFlow()
if __name__ == "__main__":
    raise SystemExit("run as a script")
"""


@pytest.fixture
def registry(fresh_modules: None) -> Registry:
    return Registry.for_child(PluginSettings().to_json())


def test_built_ins(registry: Registry) -> None:
    assert registry.resolve("echo", Source("plugin", "bgo.hooks.builtin.echo")).info.name == "echo"


def test_an_entry_point_imports_one_module_and_keeps_declared_options(registry: Registry, site: Path) -> None:
    (site / "entry_one.py").write_text(
        "from bgo.hooks.task import task\n@task('mine', takes_argv=True)\ndef run(ctx, n: int): return n\n"
        "class Box:\n    @staticmethod\n    def run(ctx): ...\n"
    )
    handler = registry.resolve("as.announced", Source("entry", "entry_one:run"))
    assert handler.info.name == "as.announced"
    assert handler.info.takes_argv
    assert handler.fn(None, **handler.bind({"n": 3})) == 3
    assert registry.resolve("as.announced", Source("entry", "entry_one:run")) is handler
    assert registry.resolve("boxed", Source("entry", "entry_one:Box.run")).info.params is None


def test_a_local_file_never_puts_its_directory_on_the_path(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "sibling_of_local.py").write_text("x = 1\n")
    local = tmp_path / "tasks.py"
    local.write_text("from bgo.hooks.task import task\n@task\ndef one(ctx): return __name__\n")
    handler = registry.resolve("one", Source("file", str(local)))
    assert handler.fn(None) == "bgo_local.tasks"
    assert str(tmp_path) not in sys.path
    local.with_name("bad.py").write_text("import sibling_of_local\n")
    with pytest.raises(ConfigError) as caught:
        registry.resolve("x", Source("file", str(tmp_path / "bad.py")))
    assert "No module named 'sibling_of_local'" in caught.value.why
    assert "bgo_local.bad" not in sys.modules


def test_two_files_of_one_name_are_two_modules(registry: Registry, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "tasks.py").write_text(
            f"from bgo.hooks.task import task\n@task\ndef one(ctx): return {folder!r}\n"
        )
    found = [registry.resolve("one", Source("file", str(tmp_path / f / "tasks.py"))).fn(None) for f in ("a", "b")]
    assert found == ["a", "b"]


def test_a_flow_in_a_module_finds_its_neighbours(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "helper_mod.py").write_text("answer = 42\n")
    (tmp_path / "app_mod.py").write_text(FLOW.format(helper="helper_mod"))
    for target in ("app_mod:flow", "app_mod:Holder.flow"):
        handler = registry.resolve("sync", Source("flow", target, str(tmp_path)))
        assert handler.fn(None, **handler.bind({"n": 1})) == {"n": 1, "answer": 42}


def test_a_script_is_imported_under_another_name(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "helper_script.py").write_text("answer = 43\n")
    (tmp_path / "script.py").write_text(FLOW.format(helper="helper_script"))
    handler = registry.resolve("sync", Source("flow", "__main__:flow", str(tmp_path / "script.py")))
    assert handler.fn(None, n=1)["answer"] == 43
    assert sys.modules["__bgo_main__"].__name__ == "__bgo_main__"
    (tmp_path / "second.py").write_text(FLOW.format(helper="helper_script"))
    with pytest.raises(ConfigError) as caught:
        registry.resolve("sync", Source("flow", "__main__:flow", str(tmp_path / "second.py")))
    assert "already holds one of that name" in caught.value.why


def test_a_module_of_another_program_is_not_mistaken_for_ours(registry: Registry, tmp_path: Path) -> None:
    for folder in ("p", "q"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same_app.py").write_text(FLOW.format(helper="os").replace("answer\n", "name as answer\n"))
    one, two = (Source("flow", "same_app:flow", str(tmp_path / f)) for f in ("p", "q"))
    registry.resolve("sync", one)
    with pytest.raises(ConfigError, match="did not load"):
        registry.resolve("sync", two)
    assert realm(one) != realm(two)
    assert realm(Source("plugin", "m")) == realm(Source("file", "/f.py")) == ""


@pytest.mark.parametrize("target", ["not_a_flow:flow", "not_a_flow:gone", "not_a_flow:nothing"])
def test_what_is_no_flow_is_said(target: str, registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "not_a_flow.py").write_text("flow = 3\nnothing = None\n")
    with pytest.raises(ConfigError):
        registry.resolve("sync", Source("flow", target, str(tmp_path)))


def test_a_name_that_the_place_no_longer_brings(registry: Registry, tmp_path: Path) -> None:
    local = tmp_path / "fewer.py"
    local.write_text("from bgo.hooks.task import task\n@task\ndef one(ctx): ...\n")
    with pytest.raises(NotFoundError) as caught:
        registry.resolve("two", Source("file", str(local)))
    assert caught.value.why == "it brings one"


def test_whatever_an_import_raises_is_one_error(registry: Registry, site: Path) -> None:
    (site / "exits.py").write_text("import sys; sys.exit(3)\n")
    with pytest.raises(ConfigError) as caught:
        registry.resolve("x", Source("entry", "exits:run"))
    assert "sys.exit(3)" in caught.value.why
    assert isinstance(caught.value.__cause__, SystemExit)


def test_a_changed_local_file_makes_the_process_stale(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "helper_stale.py").write_text("answer = 1\n")
    (tmp_path / "app_stale.py").write_text(FLOW.format(helper="helper_stale"))
    registry.resolve("sync", Source("flow", "app_stale:flow", str(tmp_path)))
    assert not registry.is_stale()
    helper = tmp_path / "helper_stale.py"
    os.utime(helper, ns=(1, helper.stat().st_mtime_ns + 1))
    assert registry.is_stale()


def test_a_child_loads_no_manager_and_no_other_plugin() -> None:
    code = (
        "import sys; from bgo.hooks.registry import Registry; from bgo.model.handler import Source\n"
        "Registry.for_child({}).resolve('echo', Source('plugin', 'bgo.hooks.builtin.echo'))\n"
        "heavy = {'bgo.hooks.manager', 'bgo.hooks.builtin.shell', 'importlib.metadata', 'asyncio'}\n"
        "assert not heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-P", "-c", code], env=child_environment(), check=True)

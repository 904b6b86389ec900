"""Where there is no hook, a worker pays nothing: no module, no process, no note in the store."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.run.hook_kit import WORK, Home

OURS = {
    "bgo.run.observers",
    "bgo.run.ear",
    "bgo.run.tail",
    "bgo.run.observing",
    "bgo.run.middleware",
    "bgo.run.hooklog",
}


@pytest.mark.parametrize("count", [0, 3])
def test_a_worker_without_hooks_loads_none_of_it(tmp_path: Path, count: int) -> None:
    home = Home(tmp_path)
    home.plugin("tasks", WORK)
    home.run()
    with home.flow() as flow:
        flow.enqueue_many("work", [{}] * count)
    code = "import sys; from bgo.cli.app import main; main(['run', '--quiet']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env=home.env, capture_output=True, text=True, check=True)
    assert not OURS & set(done.stdout.split())
    assert list(home.states().values()) == ["succeeded"] * count
    with home.flow() as flow, flow.store.read() as session:
        assert session.records.note("hooks") is None
    assert not (home.place / "home" / "bgo.db.run" / "hooks.json").exists()


def test_a_child_without_middleware_loads_no_onion(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.plugin("tasks", "@bgo.task\ndef look(ctx): say(*sys.modules)\n")
    home.bgo("enqueue", "look", "-q")
    home.run()
    (modules,) = home.heard
    assert not (OURS | {"asyncio", "pluggy"}) & set(modules)

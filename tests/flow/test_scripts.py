"""Programs that are run as they are: what their handlers enqueue, and two that bring the same name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bgo import TaskFlow
from bgo.config import Flags, load

PROGRAM = """
import bgo
flow = bgo.TaskFlow()

@flow.task
def inner(ctx):
    return {"made": flow.enqueue("outer", {"deep": True})}

@flow.task
def outer(ctx, deep: bool = False):
    return {"made": None if deep else flow.enqueue("inner")}

if __name__ == "__main__":
    flow.enqueue("outer")
    print(flow.run(bgo.RunOptions(until_empty=True)).started)
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("BGO_")}
    return {**kept, "BGO_HOME": str(tmp_path / "home"), "HOME": str(tmp_path)}


def run(path: Path, env: dict[str, str]) -> str:
    return subprocess.run([sys.executable, path], env=env, capture_output=True, text=True, check=True).stdout.strip()


def test_a_handler_may_enqueue_on_its_own_flow(tmp_path: Path, env: dict[str, str]) -> None:
    """The child imports the script under another name; that is no second program that brings the same handlers."""
    (path := tmp_path / "program.py").write_text(PROGRAM)
    assert [run(path, env), run(path, env)] == ["3", "3"]


def test_two_programs_of_one_handler_are_told_of(tmp_path: Path, env: dict[str, str]) -> None:
    for name in ("one.py", "two.py"):
        (tmp_path / name).write_text(PROGRAM)
    assert [run(tmp_path / name, env) for name in ("one.py", "two.py")] == ["3", "0"]
    with TaskFlow(settings=load(Flags(), env)) as flow:
        (hold,) = [hold for hold in flow.explain("@last").holds if hold.gate == "handler"]
        assert hold.current.startswith(f"brought by {tmp_path}/one.py and {tmp_path}/two.py")
        assert set(flow.missing()) == {"inner", "outer"}

"""The two doors to one store: a bash that finds `bgo`, and a flow of the library."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bgo import Selector, TaskFlow, TaskView
from bgo.config import Flags, load
from bgo.model.task import HistoryEntry

ROOT = Path(__file__).parents[2]
HANDLERS = Path(__file__).with_name("handlers.py")

Sh = Callable[[str], list[str]]


@pytest.fixture
def sh(home: Path, tmp_path: Path) -> Sh:
    """Run a script that must succeed in a bash that knows `bgo`; return the lines of its standard output."""
    program = tmp_path / "bin" / "bgo"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bgo "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "BGO_PLUGINS": str(HANDLERS), "TZ": "UTC"}

    def run(script: str) -> list[str]:
        done = subprocess.run(
            ["bash", "-e", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run


@pytest.fixture
def flow(home: Path) -> Iterator[TaskFlow]:
    """The library, on the same store as `sh`."""
    with TaskFlow(settings=load(Flags(plugins=(str(HANDLERS),)), {"BGO_HOME": str(home)})) as found:
        yield found


def objects(lines: list[str]) -> list[Any]:
    """Return one JSON value a line."""
    return [json.loads(line) for line in lines]


def runs(flow: TaskFlow) -> list[HistoryEntry]:
    """Return all ended runs in the order of their starts."""
    found = flow.history(Selector(match_all=True), limit=1000)
    return sorted(found, key=lambda entry: (entry.started_at or 0, -entry.seq))


def most_at_once(flow: TaskFlow) -> int:
    """Return how many runs overlapped at most."""
    changes = sorted(
        change
        for entry in runs(flow)
        if entry.started_at is not None and entry.finished_at is not None
        for change in ((entry.started_at, 1), (entry.finished_at, -1))
    )
    most = now = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


def states(flow: TaskFlow) -> dict[str, str]:
    """Return the state of every task by id."""
    return {view.id: str(view.state) for view in flow.get_all_tasks()}


def named(views: list[TaskView]) -> set[str]:
    """Return the names of tasks."""
    return {view.task.name for view in views}

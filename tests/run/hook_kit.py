"""A home with programs and plugins written by a test, real `bgo` processes on it, and a file where hooks write."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from bgo import TaskFlow
from bgo.config import Flags, load
from tests.run.kit import ROOT

SAY = """
import json, os, signal, sys, time
import bgo

def say(*words):
    with open(os.environ["HEARD"], "a", encoding="utf-8") as file:
        file.write(json.dumps(words) + "\\n")
"""
WORK = """
@bgo.task
def work(ctx, fail: bool = False):
    if fail:
        raise ValueError("it was to fail")
    return {"done": True}
"""


class Home:
    """Where one user's bgo lives."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.heard_file = place / "heard"
        self.heard_file.touch()
        self.plugins: list[str] = []
        (place / "home").mkdir()

    @property
    def env(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BGO_")}
        return {
            **kept,
            "BGO_HOME": str(self.place / "home"),
            "BGO_PLUGINS": os.pathsep.join(self.plugins),
            "BGO_POLL_MS": "50",
            "PYTHONPATH": str(ROOT),
            "HEARD": str(self.heard_file),
        }

    def plugin(self, name: str, text: str) -> Path:
        """Write a plugin file that counts from now on."""
        file = self.place / f"{name}.py"
        file.write_text(SAY + text, encoding="utf-8")
        if str(file) not in self.plugins:
            self.plugins.append(str(file))
        return file

    def program(self, name: str, text: str) -> Path:
        """Write a program of the user's own."""
        file = self.place / f"{name}.py"
        file.write_text(SAY + text, encoding="utf-8")
        return file

    def config(self, text: str) -> None:
        (self.place / "home" / "config.toml").write_text(text, encoding="utf-8")

    def flow(self) -> TaskFlow:
        """Return the library on the same home."""
        return TaskFlow(settings=load(Flags(), self.env))

    def bgo(self, *words: str, code: int | None = 0) -> str:
        """Run a command to its end and return what it printed."""
        done = subprocess.run(
            self.argv(*words), cwd=self.place, env=self.env, capture_output=True, text=True, timeout=120
        )
        assert code is None or done.returncode == code, done.stderr + done.stdout
        return done.stdout

    def argv(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "bgo", *words]

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command that goes on."""
        return subprocess.Popen(self.argv(*words), cwd=self.place, env=self.env, stdout=subprocess.PIPE, text=True)

    def python(self, file: Path, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, str(file), *words],
            cwd=self.place,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(self, *words: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Execute what is due; return the report and the events before it."""
        *events, report = [json.loads(line) for line in self.bgo("run", "--json", *words).splitlines()]
        return report, events

    @property
    def heard(self) -> list[list[Any]]:
        return [json.loads(line) for line in self.heard_file.read_text(encoding="utf-8").splitlines()]

    def states(self) -> dict[str, str]:
        """Return every task's state by id."""
        return {task["id"]: task["state"] for task in json.loads(self.bgo("tasks", "--json", "--limit", "10000"))}

"""Calling the command line in this process, and stores that have seen something, built once and copied."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import pytest

from bgo.api import TaskFlow
from bgo.cli import app
from bgo.clock import SystemClock, from_datetime
from bgo.config import Flags, load
from bgo.model.device import DeviceState, Reading, Tri
from bgo.model.options import TaskConstraints

ROOT = Path(__file__).parents[2]
FAIL = ["sh", "-c", "echo before; exit 3"]


@dataclass(frozen=True)
class Done:
    """What a call left behind."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def text(self) -> str:
        """What was printed, without the blanks that end the lines of tables."""
        return "".join(f"{line.rstrip()}\n" for line in self.lines)

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def events(self) -> list[Any]:
        return [json.loads(text) for text in self.lines]

    @property
    def error(self) -> list[str]:
        """The three lines of a refusal."""
        assert self.out == "", self.out
        return self.err.splitlines()


Bgo = Callable[..., Done]


@pytest.fixture
def bgo(capsys: pytest.CaptureFixture[str], known: None) -> Bgo:
    """Call the command line in this process."""

    def call(*words: str) -> Done:
        capsys.readouterr()
        code = app.main(words)
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return call


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a child that runs this very bgo, wherever it is started."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


@pytest.fixture
def shell(known: None) -> Bgo:
    """Call the command line in a process of its own."""

    def call(*words: str, **more: Any) -> Done:
        env = environment(**more.pop("env", {}))
        done = subprocess.run(
            [sys.executable, "-m", "bgo", *words], capture_output=True, text=True, timeout=60, env=env, **more
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose catalogue is built, for this process and for children."""
    folder = tmp_path_factory.mktemp("template")
    env = {**os.environ, "BGO_HOME": str(folder), "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-m", "bgo", "handlers", "-q"], env=env, check=True, stdout=subprocess.DEVNULL)
    TaskFlow(settings=load(Flags(), {"BGO_HOME": str(folder)})).catalogue()
    return folder


@pytest.fixture
def known(template: Path, home: Path) -> None:
    """Spare this test the building of its catalogue."""
    shutil.copytree(template / "cache", home / "cache", dirs_exist_ok=True)


@dataclass(frozen=True)
class Lived:
    """The ids in a store that has seen something."""

    done: str
    failed: str
    cancelled: str
    delayed: str
    charging: str
    ready: str


@pytest.fixture(scope="session")
def past(template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Lived]:
    folder = tmp_path_factory.mktemp("lived")
    shutil.copytree(template, folder, dirs_exist_ok=True)
    env = {"PATH": os.environ["PATH"]}
    with TaskFlow(settings=load(Flags(), {"BGO_HOME": str(folder)})) as flow:
        done = flow.enqueue("echo", {"message": "hello"}, tags=["nightly"])
        failed = flow.enqueue("shell", argv=FAIL, env=env, as_="backup", queue="high")
        cancelled = flow.enqueue("echo", {"message": "never"})
        flow.cancel_execution(cancelled)
        flow.run()
        delayed = flow.enqueue("echo", {"message": "later"}, delay=3600)
        charging = flow.enqueue("echo", {}, constraints=TaskConstraints(requires_charging=True))
        flow.run(device=DeviceState(charging=Reading(Tri.NO, "test")))
        ready = flow.enqueue("sleep", {"seconds": 0.0}, tags=["nightly", "big"], priority=5)
    return folder, Lived(done, failed, cancelled, delayed, charging, ready)


@pytest.fixture
def lived(past: tuple[Path, Lived], home: Path) -> Lived:
    """Give this test a copy of the store that has seen something."""
    shutil.copytree(past[0], home, dirs_exist_ok=True)
    return past[1]


class When(Protocol):
    """Sets this process's clock and zone."""

    def __call__(self, instant: str, zone: str = "Europe/Berlin") -> None: ...


@pytest.fixture
def when(monkeypatch: pytest.MonkeyPatch) -> Iterator[When]:
    """Let the clock stand still at an instant (ISO), in a zone; tables are 80 columns wide."""

    def at(instant: str, zone: str = "Europe/Berlin") -> None:
        now = from_datetime(datetime.fromisoformat(instant))
        monkeypatch.setattr(SystemClock, "now_ms", lambda _: now)
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    monkeypatch.setenv("COLUMNS", "80")
    yield at
    monkeypatch.undo()
    time.tzset()

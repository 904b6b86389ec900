"""What the tests of children share: a plugin file, a driver that talks to one child, and waiting with a deadline."""

from __future__ import annotations

import contextlib
import json
import os
import select
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bgo.clock import SystemClock
from bgo.ids import new_id, quick_rng
from bgo.model.handler import Source
from bgo.model.outcome import Outcome
from bgo.run.process import ChildProcess, kill_run, marked_processes, spawn_child
from bgo.run.wire import ChannelClosed, Frame, StartFrame, outcome_from, start_json

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 30.0
"""Seconds after which a wait has failed; nothing here takes a tenth of it."""
CLOCK = SystemClock()
RNG = quick_rng()


def wait_until(holds: Callable[[], object], what: str, limit: float | None = None) -> None:
    """Look again and again until `holds`."""
    until = time.monotonic() + (LIMIT if limit is None else limit)
    while not holds():
        assert time.monotonic() < until, f"waited in vain until {what}"
        time.sleep(0.002)


def state_of(pid: int) -> str:
    """Return the kernel's letter for a process, X when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def is_alive(pid: int) -> bool:
    """Say whether a process runs (an ended one that nobody has reaped does not)."""
    return state_of(pid) not in "ZX"


def wait_gone(*pids: int) -> None:
    wait_until(lambda: not any(map(is_alive, pids)), f"{pids} are gone")


class Driver:
    """One child and a supervisor's side of the conversation with it."""

    def __init__(self, plugin: Path, child: ChildProcess | None = None) -> None:
        self.plugin = plugin
        self.child = child or spawn_child(json.dumps({"files": [str(plugin)]}), plain_env())
        self.pending: list[Frame] = []
        self.seen: list[Frame] = []
        self.output = b""
        self.task_id = ""
        self.runs = 0

    @property
    def mark(self) -> str:
        return f"{self.task_id}.{self.runs}"

    def frame(self, handler: str, data: dict[str, Any] | None = None, **changes: Any) -> StartFrame:
        """Return a start frame of a new task."""
        self.task_id, self.runs = new_id(RNG), 1
        fields: dict[str, Any] = {
            "task_id": self.task_id,
            "run": 1,
            "attempt": 1,
            "name": handler,
            "handler": handler,
            "source": Source("file", str(self.plugin)),
            "input": data or {},
            "argv": None,
            "env": None,
            "cwd": str(self.plugin.parent),
            "tags": [],
            "soft_ms": None,
            "hard_ms": None,
            "restored": None,
            "chain": {},
            "workdir": str(self.plugin.parent / "work"),
        }
        return StartFrame(**{**fields, **changes})

    def start(self, handler: str, data: dict[str, Any] | None = None, **changes: Any) -> None:
        self.send(start_json(self.frame(handler, data, **changes)))

    def send(self, frame: Frame) -> None:
        self.child.channel.send(frame)
        while self.child.channel.wants_write:
            select.select([], [self.child.channel], [], LIMIT)
            self.child.channel.flush()

    def next_frame(self) -> Frame:
        """Return the next frame; raises ChannelClosed when the child is gone."""
        until = time.monotonic() + LIMIT
        while not self.pending:
            left = until - time.monotonic()
            assert left > 0, f"the child said nothing more after {self.seen[-5:]}; it printed {self.output[-2000:]!r}"
            ready = select.select([self.child.channel, self.child.output_fd], [], [], left)[0]
            if self.child.output_fd in ready:
                self.output += self.child.read_output()
            if self.child.channel in ready:
                self.pending += self.child.channel.receive()
        self.seen.append(self.pending.pop(0))
        return self.seen[-1]

    def until(self, kind: str) -> Frame:
        """Return the next frame of that kind."""
        while (frame := self.next_frame())["t"] != kind:
            pass
        return frame

    def outcome(self) -> Outcome:
        """Return how the running task ends."""
        done = self.until("done")
        assert (done["task"], done["run"]) == (self.task_id, self.runs)
        self.output += self.child.read_output(1 << 30)
        return outcome_from(done["outcome"])

    def run(self, handler: str, data: dict[str, Any] | None = None, **changes: Any) -> Outcome:
        self.start(handler, data, **changes)
        return self.outcome()

    def end(self) -> int:
        """Wait until the child has gone by itself; return its exit code."""
        with contextlib.suppress(ChannelClosed):
            while True:
                self.next_frame()
        wait_until(lambda: self.child.poll() is not None, "the child is gone")
        return self.child.wait()

    def close(self) -> None:
        if self.task_id:
            kill_run(self.child.identity, self.mark, 0, CLOCK)
        self.child.kill()
        self.child.wait()
        self.child.close()


@contextlib.contextmanager
def driving(plugin: Path) -> Iterator[Driver]:
    """Drive a child that is ready, and leave nothing of it behind."""
    driver = Driver(plugin)
    try:
        driver.until("hello")
        yield driver
    finally:
        driver.close()


def carriers(mark: str) -> list[int]:
    return marked_processes({mark})


def plain_env() -> dict[str, str]:
    """Return the environment without what would make Python write its output differently."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


def python_env() -> dict[str, str]:
    return {**plain_env(), "PYTHONPATH": str(ROOT)}


PYTHON = sys.executable

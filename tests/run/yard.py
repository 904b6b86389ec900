"""A yard for real workers: a store of its own, worker processes, and the ledger of what their handlers did.

Everything here waits for facts with a deadline; nothing sleeps for synchronisation.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bgo
from bgo.config import load
from bgo.model.query import Selector
from bgo.model.state import FINAL, State
from bgo.model.task import HistoryEntry, Task
from bgo.model.views import TaskView
from bgo.run.proctable import mark_of, snapshot
from tests.run import kit
from tests.run.kit import ROOT, wait_until

PLUGIN = Path(__file__).with_name("ledger_handlers.py")
MEMORY = Path("/dev/shm")
"""A file system without a disk where there is one: these tests kill processes, not machines."""


@dataclass(frozen=True)
class Line:
    """One line of the ledger."""

    kind: str
    id: str
    run: int
    words: tuple[str, ...]

    @property
    def pid(self) -> int:
        return int(self.words[0])

    @property
    def worker_pid(self) -> int:
        return int(self.words[1])

    @property
    def at(self) -> float:
        return int(self.words[2]) / 1e9

    @property
    def mark(self) -> str:
        return f"{self.id}.{self.run}"


class WorkerProcess:
    """One `python -m tests.run.people worker`."""

    def __init__(self, yard: Yard, options: dict[str, Any], plant: str | None, env: dict[str, str]) -> None:
        self._yard = yard
        self._out = tempfile.TemporaryFile(dir=yard.place)  # noqa: SIM115 - closed by `close`
        self.events_path = yard.place / f"events-{yard.count}"
        yard.count += 1
        argv = [sys.executable, "-m", "tests.run.people", "worker", json.dumps(options), *([plant] if plant else [])]
        self.process = subprocess.Popen(
            argv,
            env={**yard.env, "BGO_TEST_EVENTS": str(self.events_path), **env},
            cwd=yard.place,
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.pid = self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """SIGSTOP it where it does not hold the store's write lock, and wait until it has stopped."""
        with self._yard.flow.store.write():
            self.send(signal.SIGSTOP)
            os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def go_on(self) -> None:
        self.send(signal.SIGCONT)

    def end(self, number: int | None = None) -> int:
        """Wait for its end, after a signal if one is given; return its exit code."""
        if number is not None:
            self.send(number)
        wait_until(lambda: not self.is_running, f"worker {self.pid} has ended")
        return int(self.process.returncode)

    @property
    def said(self) -> str:
        self._out.seek(0)
        return self._out.read().decode("utf-8", "replace")

    @property
    def report(self) -> dict[str, Any]:
        """Return its last line of JSON."""
        lines = self.said.strip().splitlines()
        assert lines, "the worker said nothing"
        found: dict[str, Any] = json.loads(lines[-1])
        return found

    def close(self) -> None:
        self._out.close()

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        lines = self.events_path.read_text().splitlines() if self.events_path.exists() else []
        return [event for event in map(json.loads, lines) if not kinds or event["type"] in kinds]


class Yard:
    """A store, its workers and the ledger of its handlers."""

    def __init__(self, place: Path, **settings: object) -> None:
        self.place = place
        self.count = 0
        self.workers: list[WorkerProcess] = []
        self.helpers: list[subprocess.Popen[bytes]] = []
        self.bug: str | None = None
        """A plant that every worker gets which is started without one."""
        for name in ("ledger", "acks"):
            (place / name).touch()
        settings = {"lease_s": 30, "poll_ms": 50, "kill_grace_s": 5, **settings}
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("BGO_")},
            **{f"BGO_{name.upper()}": str(value) for name, value in settings.items()},
            "BGO_HOME": str(place / "home"),
            "BGO_PLUGINS": str(PLUGIN),
            "BGO_TEST_PLACE": str(place),
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "",
        }
        self.flow = bgo.TaskFlow(settings=load(env=self.env))
        _reuse_catalogue(self.flow)

    # Workers.

    def worker(self, *, plant: str | None = None, env: dict[str, str] | None = None, **options: Any) -> WorkerProcess:
        """Start a worker."""
        self.workers.append(WorkerProcess(self, options, self.bug or plant, env or {}))
        return self.workers[-1]

    def drain(self, **options: Any) -> dict[str, Any]:
        """Run a worker to its end and return its report."""
        worker = self.worker(**options)
        assert worker.end() == 0, worker.said
        return worker.report

    def close(self) -> None:
        """End everything that was started here."""
        for worker in self.workers:
            if worker.is_running:
                worker.go_on()
                worker.kill()
            worker.close()
        for helper in self.helpers:
            helper.kill()
            helper.wait()
        for pid in self.marked():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.flow.close()

    # The ledger.

    def lines(self, *kinds: str) -> list[Line]:
        found = []
        for text in (self.place / "ledger").read_text().splitlines():
            kind, task, run, *words = text.split()
            if not kinds or kind in kinds:
                found.append(Line(kind, task, int(run), tuple(words)))
        return found

    def started(self, task_id: str, run: int = 1) -> Line:
        """Wait until user code of this run has begun."""
        self._wait(lambda: self._find("S", task_id, run), f"run {run} of {task_id} has begun")
        return self._find("S", task_id, run)[0]

    def _wait(self, holds: Callable[[], object], what: str) -> None:
        try:
            wait_until(holds, what)
        except AssertionError as error:
            said = [worker.said for worker in self.workers if not worker.is_running]
            raise AssertionError(f"{error}; workers that ended said {said}") from None

    def _find(self, kind: str, task_id: str, run: int) -> list[Line]:
        return [line for line in self.lines(kind) if (line.id, line.run) == (task_id, run)]

    def ended(self, *task_ids: str) -> list[TaskView]:
        """Wait until these tasks have ended."""
        return self.flow.wait_for(task_ids, timeout=kit.LIMIT)

    def task(self, task_id: str) -> Task:
        """Return the task's row."""
        with self.flow.store.read() as session:
            found = session.tasks.find(task_id)
        assert found is not None
        return found

    def state(self, task_id: str) -> tuple[State, str]:
        task = self.task(task_id)
        return task.state, task.reason

    def until(self, task_id: str, state: State, reason: str | None = None) -> Task:
        """Wait until the task stands there."""
        self._wait(lambda: self._stands(task_id, state, reason), f"{task_id} is {state} {reason or ''}")
        return self.task(task_id)

    def _stands(self, task_id: str, state: State, reason: str | None) -> bool:
        now, why = self.state(task_id)
        return now is state and reason in (None, why)

    def history(self, task_id: str) -> list[HistoryEntry]:
        """Return everything that is recorded of a task, oldest first."""
        return self.flow.history(Selector(ids=(task_id,)), limit=10_000, runs_only=False)[::-1]

    def events_of(self, task_id: str) -> list[tuple[str, int]]:
        """Return (event, run) of a task's history, oldest first."""
        return [(entry.event, entry.run) for entry in self.history(task_id)]

    def is_quiet(self) -> bool:
        """Say whether every task has ended."""
        with self.flow.store.read() as session:
            return all(state in FINAL for state, count in session.tasks.counts().items() if count)

    # The host.

    def marked(self) -> list[int]:
        """Return living processes that carry the mark of a run of this store."""
        with self.flow.store.read() as session:
            ids = {task.id for task in session.tasks.select(Selector(match_all=True), limit=1 << 30)}
        found = []
        for process in snapshot().values():
            mark = None if process.is_gone else mark_of(process.pid)
            if mark and mark.rpartition(".")[0] in ids:
                found.append(process.pid)
        return found

    def left_over(self) -> list[str]:
        """Return what should be gone once every worker has ended: leases, workers, lock files, processes."""
        with self.flow.store.read() as session:
            found = [f"lease of {lease.task_id} by {lease.worker}" for lease in session.leases.list_all()]
            found += [f"worker {worker.id}" for worker in session.leases.workers()]
        names = os.listdir(self.flow.settings.run_dir)
        found += [f"file {name}" for name in names if name.endswith((".lock", ".fifo"))]
        return found + [f"process {pid}" for pid in self.marked()]

    def fifo(self, name: str) -> str:
        path = self.place / name
        os.mkfifo(path, 0o600)
        return str(path)


def open_gate(path: str) -> None:
    """Let everybody through who waits to read this FIFO; waits until somebody does."""
    with open(path, "wb"):
        pass


def knock(path: str) -> None:
    """Let through who waits at this gate now, and wait for nobody."""
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))


def _removed(place: Path) -> bool:
    shutil.rmtree(place, ignore_errors=True)
    return not place.exists()


@contextlib.contextmanager
def a_yard(**settings: object) -> Iterator[Yard]:
    """Return a yard, in memory where there is a file system for it, and leave nothing of it behind."""
    place = Path(tempfile.mkdtemp(prefix="bgo-yard-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
    yard = Yard(place, **settings)
    try:
        yield yard
    finally:
        yard.close()
        wait_until(lambda: _removed(place), "the yard is gone")  # a killed worker's children may still be at it


def _reuse_catalogue(flow: bgo.TaskFlow) -> None:
    """Building the catalogue loads all plugins in a process of its own; all yards have the same ones."""
    if not _CATALOGUE:
        flow.catalogue()
        files = flow.settings.cache_dir.glob("catalogue-*.json")
        _CATALOGUE.update({file.name: file.read_bytes() for file in files})
    flow.settings.cache_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, data in _CATALOGUE.items():
        (flow.settings.cache_dir / name).write_bytes(data)


_CATALOGUE: dict[str, bytes] = {}


def ids_of(lines: Sequence[Line]) -> set[str]:
    return {line.id for line in lines}

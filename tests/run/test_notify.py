"""What a worker tells its service manager: over a real socket, by real processes, and nothing when its loop hangs."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bgo.api import TaskFlow
from bgo.run import notify
from bgo.run.notify import AGAIN_MS, EXTEND_MS, STATUS_MS, Beat, Notifier
from tests.run.kit import LIMIT, ROOT, wait_until

PERIOD_MS = 400


class Manager:
    """systemd's end of the socket."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.heard: list[str] = []

    def listen(self, seconds: float) -> list[str]:
        """Return what is said within so long."""
        until, found = time.monotonic() + seconds, []
        while (left := until - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                found += self.socket.recv(4096).decode().split("\n")
            except TimeoutError:
                break
        self.heard += found
        return found

    def until(self, word: str) -> str:
        """Wait for a word that matches, from the beginning or from now on, and return it."""
        end = time.monotonic() + LIMIT
        while True:
            for said in self.heard:
                if re.fullmatch(word, said):
                    return said
            assert time.monotonic() < end, (word, self.heard)
            self.listen(0.05)

    def forget(self) -> None:
        self.listen(0.05)
        self.heard.clear()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(str(tmp_path / "notify"))
    yield manager
    manager.socket.close()


Worker = subprocess.Popen[bytes]


@pytest.fixture
def start(manager: Manager) -> Iterator[Callable[..., Worker]]:
    workers: list[Worker] = []

    def call(*words: str, plant: str = "", **env: str) -> Worker:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "NOTIFY_SOCKET": manager.address}
        environment |= {"WATCHDOG_USEC": str(PERIOD_MS * 1000), **env}
        code = ["-c", f"{plant}\nfrom bgo.__main__ import main\nmain()"] if plant else ["-m", "bgo"]
        workers.append(subprocess.Popen([sys.executable, *code, *words], env=environment))
        return workers[-1]

    yield call
    for worker in workers:
        worker.kill()
        worker.wait()


def test_a_worker_tells_that_it_is_ready_beats_and_stops(manager: Manager, start: Callable[..., Worker]) -> None:
    worker = start("run", "--watch", "--quiet")
    manager.until("READY=1")
    manager.until("STATUS=0 running, 0 queued")
    for _ in range(3):
        manager.forget()
        manager.until("WATCHDOG=1")
    worker.terminate()
    manager.until("STOPPING=1")
    assert worker.wait(LIMIT) == 143


def test_a_plain_run_is_ready_too_and_a_socket_may_be_abstract(start: Callable[..., Worker]) -> None:
    manager = Manager(f"@bgo-test-{os.getpid()}")
    worker = start("run", "--quiet", NOTIFY_SOCKET=manager.address)
    assert worker.wait(LIMIT) == 0
    assert "READY=1" in manager.listen(0.1)
    manager.socket.close()


@pytest.mark.slow
def test_the_status_says_what_runs_waits_and_comes(manager: Manager, start: Callable[..., Worker]) -> None:
    with TaskFlow() as flow:
        flow.enqueue("sleep", {"seconds": 600.0})
        flow.enqueue("echo", delay=86_400 * 9)
        worker = start("run", "--watch", "--quiet", "--grace", "0s")
        manager.until(r"STATUS=[01] running, [12] queued, next at \d{4}-\d\d-\d\d \d\d:\d\d")
        manager.until(r"STATUS=1 running, 1 queued, next at .*")
        flow.enqueue("echo", delay=86_400 * 10)
        manager.until(r"STATUS=1 running, 2 queued, next at .*")
    worker.terminate()
    manager.until("STOPPING=1")


def test_time_is_asked_for_while_running_work_ends(manager: Manager, start: Callable[..., Worker]) -> None:
    with TaskFlow() as flow:
        task_id = flow.enqueue("sleep", {"seconds": 600.0})
        worker = start("run", "--watch", "--quiet", "--grace", "10m")
        wait_until(lambda: flow.get(task_id).state == "running", "it runs")
    manager.until("READY=1")
    worker.terminate()
    manager.until(f"EXTEND_TIMEOUT_USEC={EXTEND_MS * 1000}")
    worker.terminate()
    assert worker.wait(LIMIT) == 143
    assert manager.heard.count("STOPPING=1") == 1


def test_a_stopped_process_does_not_beat(manager: Manager, start: Callable[..., Worker]) -> None:
    worker = start("run", "--watch", "--quiet")
    manager.until("WATCHDOG=1")
    worker.send_signal(signal.SIGSTOP)
    manager.forget()
    assert manager.listen(PERIOD_MS * 3 / 1000) == []
    worker.send_signal(signal.SIGCONT)
    manager.until("WATCHDOG=1")


HANGS = """
import threading
from bgo.run.worker import Worker
def work(self, awake):
    threading.Event().wait()
Worker._work = work
"""
BEATS_BY_THREAD = """
import threading, time
from bgo.run import notify
turn, begun = notify.Beat.turn, []
def beat(self):
    while True:
        self._notifier.send("WATCHDOG=1")
        time.sleep(0.05)
def planted(self, awake):
    if not begun:
        begun.append(threading.Thread(target=beat, args=(self,), daemon=True).start())
    turn(self, awake)
notify.Beat.turn = planted
"""
HANGS_LATER = """
import os, time
from bgo.run.worker import Worker
keep_up = Worker._keep_up
def kept(self, awake):
    keep_up(self, awake)
    while os.path.exists(os.environ["HANG"]):
        open(os.environ["HANG"] + "s", "w").close()
        time.sleep(0.01)
Worker._keep_up = kept
"""


def test_a_loop_that_hangs_at_once_is_never_ready(manager: Manager, start: Callable[..., Worker]) -> None:
    start("run", "--watch", "--quiet", plant=HANGS)
    with TaskFlow() as flow:
        wait_until(lambda: _workers(flow) == 1, "the worker is there")
    assert manager.listen(PERIOD_MS * 3 / 1000) == []


@pytest.mark.parametrize(("plant", "beats"), [(HANGS_LATER, False), (HANGS_LATER + BEATS_BY_THREAD, True)])
def test_a_loop_that_hangs_later_beats_no_more(
    manager: Manager, start: Callable[..., Worker], tmp_path: Path, plant: str, beats: bool
) -> None:
    """The second is the bug that this test must see: a beat from an idle thread goes on whatever the loop does."""
    hang = tmp_path / "hang"
    start("run", "--watch", "--quiet", plant=plant, HANG=str(hang))
    manager.until("READY=1")
    hang.touch()
    wait_until((tmp_path / "hangs").exists, "it hangs")
    manager.forget()
    assert ("WATCHDOG=1" in manager.listen(PERIOD_MS * 3 / 1000)) is beats
    hang.unlink()
    manager.heard.clear()
    manager.until("WATCHDOG=1")


def _workers(flow: TaskFlow) -> int:
    with flow.store.read() as session:
        return len(session.leases.workers())


def test_handlers_do_not_see_the_socket(manager: Manager, start: Callable[..., Worker], home: Path) -> None:
    plugin = home / "look.py"
    plugin.write_text(
        "import os, bgo\n"
        "def look(ctx):\n"
        "    return {'names': sorted(os.environ)}\n"
        "@bgo.hookimpl\n"
        "def bgo_register_handlers(register):\n"
        '    register("look", look)\n'
    )
    (home / "config.toml").write_text(f'[plugins]\npaths = ["{plugin}"]\n')
    with TaskFlow() as flow:
        task_id = flow.enqueue("look")
        start("run", "--watch", "--quiet", WATCHDOG_PID="1")
        names = flow.wait(task_id, timeout=LIMIT)["names"]
    assert "BGO_HOME" in names
    assert not set(names) & {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}


@pytest.mark.parametrize(
    ("env", "address", "period"),
    [
        ({}, None, None),
        ({"WATCHDOG_USEC": "1000000"}, None, None),
        ({"NOTIFY_SOCKET": "vsock:2:1234"}, None, None),
        ({"NOTIFY_SOCKET": "/run/n"}, "/run/n", None),
        ({"NOTIFY_SOCKET": "@n", "WATCHDOG_USEC": "1000000"}, "\0n", 1000),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": str(os.getpid())}, "/run/n", 1000),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}, "/run/n", None),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "soon"}, "/run/n", None),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "0"}, "/run/n", None),
    ],
)
def test_what_the_environment_says(env: dict[str, str], address: str | None, period: int | None) -> None:
    env = {**env, "PATH": "/bin"}
    found = Notifier.take(env)
    assert env == {"PATH": "/bin"}
    assert (found and found._address, found and found.watchdog_ms) == (address, period)


class Stub:
    """A desk, a report, an ending and runs in one."""

    has_begun = over = False
    count = 0
    version = 1
    queued, due = 0, None
    started = 0
    counts: dict[str, int] = {}  # noqa: RUF012
    asked = 0

    def __len__(self) -> int:
        return self.count

    def is_over(self, awake: int) -> bool:
        return self.over

    def data_version(self) -> int:
        return self.version

    def standing(self) -> tuple[int, int | None]:
        self.asked += 1
        return self.queued, self.due


class Recorder(Notifier):
    """A manager that can be deaf."""

    def __init__(self, watchdog_ms: int | None) -> None:
        super().__init__("/", watchdog_ms)
        self.said: list[str] = []
        self.is_deaf = False

    def send(self, *words: str) -> bool:
        self.said += [] if self.is_deaf else words
        return not self.is_deaf

    def take_words(self) -> list[str]:
        said, self.said = self.said, []
        return said


def beat_of(recorder: Recorder | None) -> tuple[Beat, Stub]:
    stub = Stub()
    return Beat(recorder, stub, stub, stub, stub), stub  # type: ignore[arg-type]


def test_nothing_is_asked_without_a_manager() -> None:
    beat, stub = beat_of(None)
    beat.turn(1)
    assert (beat.next_timer(1), stub.asked) == (None, 0)


def test_the_times_of_a_beat() -> None:
    recorder = Recorder(10_000)
    beat, stub = beat_of(recorder)
    assert beat.next_timer(5) == 0
    beat.turn(5)
    assert recorder.take_words() == ["READY=1", "WATCHDOG=1", "STATUS=0 running, 0 queued"]
    assert beat.next_timer(5) == 5_005
    beat.turn(5_004)
    assert (recorder.take_words(), stub.asked) == ([], 1)
    stub.count = stub.queued = 1
    beat.turn(5_005)
    assert recorder.take_words() == ["WATCHDOG=1", "STATUS=1 running, 1 queued"]
    stub.version = 2
    beat.turn(5_006)
    assert stub.asked == 2, "at most once in five seconds"
    beat.turn(5_005 + STATUS_MS)
    assert (stub.asked, recorder.take_words()) == (3, ["WATCHDOG=1"])


def test_a_deaf_manager_is_told_again_and_the_loop_does_not_spin() -> None:
    recorder = Recorder(10_000)
    recorder.is_deaf = True
    beat, _ = beat_of(recorder)
    beat.turn(0)
    assert beat.next_timer(0) == AGAIN_MS
    beat.turn(AGAIN_MS)
    assert beat.next_timer(AGAIN_MS) == 2 * AGAIN_MS
    recorder.is_deaf = False
    beat.turn(2 * AGAIN_MS)
    assert recorder.take_words() == ["READY=1", "WATCHDOG=1", "STATUS=0 running, 0 queued"]
    assert beat.next_timer(2 * AGAIN_MS) == 5_000


def test_time_is_asked_for_only_while_work_may_go_on() -> None:
    recorder = Recorder(None)
    beat, stub = beat_of(recorder)
    stub.count = 1
    beat.turn(0)
    assert beat.next_timer(0) is None
    stub.has_begun = True
    recorder.take_words()
    beat.turn(100)
    assert recorder.take_words() == ["STOPPING=1", f"EXTEND_TIMEOUT_USEC={EXTEND_MS * 1000}"]
    assert beat.next_timer(100) == 100 + EXTEND_MS // 2
    stub.over = True
    beat.turn(100 + EXTEND_MS)
    assert recorder.take_words() == []
    assert beat.next_timer(100 + EXTEND_MS) is None


def test_what_is_said_of_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import UTC, datetime

    monkeypatch.setattr(notify, "to_local", lambda ms: datetime(2026, 5, 4, 14 if ms else 9, 30, tzinfo=UTC))
    recorder = Recorder(None)
    beat, stub = beat_of(recorder)
    stub.due, stub.count, stub.queued = 7, 3, 12  # type: ignore[assignment]
    stub.moment = type("Now", (), {"now_ms": 0})()  # type: ignore[attr-defined]
    beat.turn(0)
    assert recorder.said[-1] == "STATUS=3 running, 12 queued, next at 14:30"


def test_a_run_of_the_library_speaks_for_nobody() -> None:
    """The socket belongs to the program around it."""
    os.environ["NOTIFY_SOCKET"] = "/nonexistent"
    try:
        with TaskFlow() as flow:
            flow.run()
        assert os.environ["NOTIFY_SOCKET"] == "/nonexistent"
    finally:
        del os.environ["NOTIFY_SOCKET"]

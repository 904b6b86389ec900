"""Processes: a run is ended with everything it has started, and with nothing else; nothing outlives its supervisor."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bgo.clock import VirtualClock
from bgo.model.outcome import Succeeded
from bgo.model.task import Child
from bgo.run import process, proctable, stop
from bgo.run.process import is_running, kill_run, marked_processes, process_start_time, terminate_run
from bgo.run.proctable import Process, find_process, signal_process
from tests.run.kit import (
    CLOCK,
    LIMIT,
    PYTHON,
    Driver,
    carriers,
    driving,
    is_alive,
    python_env,
    wait_gone,
    wait_until,
)

PLUGIN = Path(__file__).with_name("handlers_for_tests.py")


@pytest.fixture
def fresh() -> Iterator[Driver]:
    with driving(PLUGIN) as driver:
        yield driver


def begin(driver: Driver, handler: str, data: dict[str, str] | None = None) -> list[int]:
    """Start a task and return the pids it says it has started."""
    driver.start(handler, data)
    message: str = driver.until("log")["message"]
    return [int(word) for word in message.split() if word.isdigit()]


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own that nobody may touch."""
    found = subprocess.Popen(["sleep", "987"], start_new_session=True)
    yield found
    assert found.poll() is None
    found.kill()
    found.wait()


# --- ending a run ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("handler", ["lingers", "deaf", "forks.waits", "holds"])
@pytest.mark.parametrize("grace_ms", [0, 50])
def test_nothing_of_a_killed_run_lives(fresh: Driver, handler: str, grace_ms: int) -> None:
    pids = begin(fresh, handler)
    assert carriers(fresh.mark)
    assert kill_run(fresh.child.identity, fresh.mark, grace_ms, CLOCK)
    assert carriers(fresh.mark) == []
    assert not any(map(is_alive, [*pids, fresh.child.pid]))
    assert fresh.child.wait() in (-signal.SIGKILL, -signal.SIGTERM)


def test_a_stopped_child_is_ended_too(fresh: Driver) -> None:
    pids = begin(fresh, "lingers")
    for pid in [*pids, fresh.child.pid]:
        os.kill(pid, signal.SIGSTOP)
    assert kill_run(fresh.child.identity, fresh.mark, 0, CLOCK)
    assert not any(map(is_alive, [*pids, fresh.child.pid]))


def test_a_stopped_child_gets_its_grace(fresh: Driver, tmp_path: Path) -> None:
    begin(fresh, "tidies", {"file": str(tmp_path / "note")})
    os.kill(fresh.child.pid, signal.SIGSTOP)
    assert kill_run(fresh.child.identity, fresh.mark, 20_000, CLOCK)
    assert (tmp_path / "note").read_text() == "tidy"


def test_without_grace_nobody_cleans_up(fresh: Driver, tmp_path: Path) -> None:
    begin(fresh, "tidies", {"file": str(tmp_path / "note")})
    assert kill_run(fresh.child.identity, fresh.mark, 0, CLOCK)
    assert not (tmp_path / "note").exists()


def test_terminate_asks_and_does_not_wait(fresh: Driver) -> None:
    begin(fresh, "deaf")
    assert terminate_run(fresh.child.identity, fresh.mark)
    assert is_running(fresh.child.identity, fresh.mark)
    assert kill_run(fresh.child.identity, fresh.mark, 0, CLOCK)
    assert not is_running(fresh.child.identity, fresh.mark)
    assert not terminate_run(fresh.child.identity, fresh.mark)


def test_the_mark_alone_finds_what_a_dead_child_left(fresh: Driver) -> None:
    """As a rescuer on another day would: the child is gone, its supervisor too, and only the mark is known."""
    pids = begin(fresh, "lingers")
    os.kill(fresh.child.pid, signal.SIGKILL)
    fresh.child.wait()
    left = carriers(fresh.mark)
    assert left
    assert kill_run(None, fresh.mark, 0, CLOCK)
    assert not any(map(is_alive, left))
    for pid in pids:  # the one without a mark, which only the child's tree would have shown
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_a_forked_process_is_found_by_its_mark(fresh: Driver) -> None:
    (pid,) = begin(fresh, "forks.waits")
    os.kill(fresh.child.pid, signal.SIGKILL)
    fresh.child.wait()
    assert carriers(fresh.mark) == [pid]
    assert kill_run(fresh.child.identity, fresh.mark, 0, CLOCK)
    assert not is_alive(pid)


def test_an_idle_child_carries_no_mark_and_outlives_the_end_of_its_last_run(fresh: Driver) -> None:
    fresh.run("noop")
    assert kill_run(None, fresh.mark, 0, CLOCK)
    assert fresh.run("evaluate", {"code": "{}"}) == Succeeded({})


def test_other_runs_are_spared(fresh: Driver) -> None:
    with driving(PLUGIN) as other:
        begin(other, "lingers")
        begin(fresh, "lingers")
        held = carriers(other.mark)
        assert kill_run(fresh.child.identity, fresh.mark, 0, CLOCK)
        assert carriers(other.mark) == held


# --- a pid is not an identity ----------------------------------------------------------------------------------------


def test_a_pid_that_was_used_again_is_never_signalled(stranger: subprocess.Popen[bytes]) -> None:
    start_time = process_start_time(stranger.pid)
    assert start_time is not None
    old = Child(stranger.pid, start_time - 1)
    assert not is_running(old, "0none.1")
    assert not terminate_run(old, "0none.1")
    assert kill_run(old, "0none.1", 50, CLOCK)


def test_a_signal_goes_to_the_process_that_was_meant(stranger: subprocess.Popen[bytes]) -> None:
    found = find_process(stranger.pid)
    assert found is not None
    assert not signal_process(found._replace(start_time=found.start_time + 1), signal.SIGKILL)
    assert signal_process(found, 0)


def test_the_comparison_also_guards_where_pidfds_are_missing(
    stranger: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    found = find_process(stranger.pid)
    assert found is not None
    assert not signal_process(found._replace(start_time=found.start_time + 1), signal.SIGKILL)
    assert signal_process(found, 0)


def table(*rows: tuple[int, int, int, int]) -> dict[int, Process]:
    """Build a process table from (pid, parent, session, start time)."""
    return {pid: Process(pid, parent, session, session, start, "S") for pid, parent, session, start in rows}


@pytest.mark.parametrize(
    ("rows", "marked", "expected"),
    [
        # The child lives: its session and everything below it.
        ([(70, 1, 70, 5), (71, 1, 70, 6), (72, 70, 72, 6), (73, 72, 73, 7)], set(), {70, 71, 72, 73}),
        # Its pid belongs to somebody else now, with a session of that number.
        ([(70, 1, 70, 9), (71, 70, 70, 9)], set(), set()),
        # It is gone, and nothing in that session proves to be the run's.
        ([(71, 1, 70, 9), (72, 71, 70, 9)], set(), set()),
        # It is gone, and one of the session carries the mark: then the others are the run's, too.
        ([(71, 1, 70, 6), (72, 1, 70, 6), (73, 72, 73, 7), (74, 1, 74, 7)], {71}, {71, 72, 73}),
        # A marked process elsewhere says nothing about the session.
        ([(71, 1, 70, 6), (72, 1, 72, 6), (73, 72, 73, 6)], {72}, {72, 73}),
        # A marked process and a stranger under the child's old pid.
        ([(70, 1, 70, 9), (71, 1, 70, 9), (72, 1, 72, 6)], {72}, {72}),
    ],
)
def test_what_belongs_to_a_run(
    monkeypatch: pytest.MonkeyPatch, rows: list[tuple[int, int, int, int]], marked: set[int], expected: set[int]
) -> None:
    monkeypatch.setattr(stop, "snapshot", lambda: table(*rows))
    monkeypatch.setattr(stop, "carriers", lambda _table, _marks, _spare: marked)
    assert {p.pid for p in stop.members(Child(70, 5), "0m.1")} == expected


def test_the_asker_and_its_ancestors_are_spared() -> None:
    code = """
import sys
from bgo.clock import SystemClock
from bgo.run.process import kill_run, marked_processes
print(marked_processes({"0outer.1"}), kill_run(None, "0outer.1", 50, SystemClock()))
"""
    shell = ["sh", "-c", '"$@"; echo alive', "sh", PYTHON, "-c", code]
    env = {**python_env(), "BGO_RUN": "0outer.1"}
    found = subprocess.run(shell, env=env, cwd="/", capture_output=True, text=True)
    assert found.stdout == "[] True\nalive\n"


def test_the_child_goes_last_and_is_stopped_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the subreaper of its tree it keeps what its dying descendants leave; stopped, it starts nothing more."""
    alive = table((70, 1, 70, 5), (71, 70, 71, 6), (72, 71, 70, 6))
    sent: list[tuple[int, int]] = []

    def deliver(target: Process, number: int) -> bool:
        sent.append((target.pid, number))
        if number == signal.SIGKILL:
            del alive[target.pid]
        return True

    monkeypatch.setattr(stop, "snapshot", lambda: dict(alive))
    monkeypatch.setattr(stop, "find_process", alive.get)
    monkeypatch.setattr(stop, "carriers", lambda *_: set())
    monkeypatch.setattr(stop, "signal_process", deliver)
    assert kill_run(Child(70, 5), "0m.1", 0, VirtualClock(0))
    assert sent[0] == (70, signal.SIGSTOP)
    assert sent[-1] == (70, signal.SIGKILL)
    assert {pid for pid, number in sent if number == signal.SIGKILL} == {70, 71, 72}


def test_a_run_is_over_when_the_dying_have_died(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dying process has lost its environment, and so its mark, while it still holds its files and locks."""
    (dying,) = table((71, 1, 71, 6)).values()
    looks = [{71}, set(), set(), set(), set(), set()]
    states = ["R", "R", "Z"]
    monkeypatch.setattr(stop, "snapshot", lambda: {71: dying})
    monkeypatch.setattr(stop, "carriers", lambda *_: looks.pop(0))
    monkeypatch.setattr(stop, "find_process", lambda _pid: dying._replace(state=states.pop(0) if states[1:] else "Z"))
    monkeypatch.setattr(stop, "signal_process", lambda *_: True)
    assert kill_run(None, "0m.1", 0, VirtualClock(0))
    assert states == ["Z"]


def test_one_empty_look_is_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was forked while the table was read is found by the next look."""
    looks = [[], [Process(71, 1, 71, 71, 6, "S")], [], []]
    killed = []
    monkeypatch.setattr(stop, "members", lambda *_: looks.pop(0))
    monkeypatch.setattr(stop, "find_process", lambda _pid: None)
    monkeypatch.setattr(stop, "signal_process", lambda target, _number: killed.append(target.pid))
    assert kill_run(None, "0m.1", 0, VirtualClock(0))
    assert 71 in killed


def test_a_process_that_is_becoming_another_program_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of exec a process has no environment to see."""
    (changing,) = table((71, 1, 71, 6)).values()
    after_exec = [b"", b"", b"A=1\0BGO_RUN=0m.1\0B=2\0"]
    stat = b"71 (a) b) S " + b" ".join([b"0"] * 60)
    monkeypatch.setattr(proctable, "_slurp", lambda path: after_exec.pop(0) if path == "/proc/71/environ" else stat)
    assert proctable.carriers({71: changing}, {"0m.1"}, ()) == {71}
    assert not after_exec


def test_marks_are_found_through_a_storm_of_execs() -> None:
    """Each look must see the process, whatever program it is just turning into."""
    env = {**os.environ, "BGO_RUN": "0storm.1", "N": "300"}
    loop = 'N=$((N - 1)); export N; [ $N -gt 0 ] && exec sh -c "$SELF"; exec sleep 987'
    with subprocess.Popen(["sh", "-c", loop], env={**env, "SELF": loop}) as storm:
        found = [carriers("0storm.1") for _ in range(50)]
        storm.kill()
    assert found == [[storm.pid]] * 50


def test_what_will_not_die_is_told(stranger: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stop, "signal_process", lambda _process, _number: False)
    start_time = process_start_time(stranger.pid)
    assert start_time is not None
    assert not kill_run(Child(stranger.pid, start_time), "0none.1", 1_000, VirtualClock(0))


def test_there_is_no_process_under_a_free_pid() -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    assert process_start_time(ended.pid) is None
    assert process_start_time(os.getpid()) == process_start_time(os.getpid()) is not None
    assert marked_processes(set()) == []


# --- a supervisor that is killed -------------------------------------------------------------------------------------

SUPERVISOR = """
import json, os, sys, time
from bgo.run.process import become_subreaper, spawn_child
from bgo.run.wire import start_from, start_json
become_subreaper()
child = spawn_child(json.dumps({"files": [sys.argv[1]]}), dict(os.environ))
child.channel.send(json.loads(sys.stdin.readline()))
frames = []
while not any(frame["t"] == "log" for frame in frames):
    frames += child.channel.receive()
    time.sleep(0.002)
print(child.pid, [frame["message"] for frame in frames if frame["t"] == "log"][0], flush=True)
sys.stdin.readline()
"""


def supervise(driver: Driver, handler: str) -> tuple[subprocess.Popen[str], list[int]]:
    """Let a supervisor of its own run a task; return it with the pids of its child and of what that has started."""
    import json

    from bgo.run.wire import start_json

    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    argv = [PYTHON, "-c", SUPERVISOR, str(PLUGIN)]
    found = subprocess.Popen(argv, text=True, env=python_env(), cwd="/", **pipes)
    assert found.stdin is not None
    assert found.stdout is not None
    found.stdin.write(json.dumps(start_json(driver.frame(handler))) + "\n")
    found.stdin.flush()
    return found, [int(word) for word in found.stdout.readline().split() if word.isdigit()]


@pytest.fixture
def clean() -> Iterator[Driver]:
    """Names for a task that another process supervises."""
    driver = Driver(PLUGIN, child=object())  # type: ignore[arg-type]
    yield driver
    assert kill_run(None, driver.mark, 0, CLOCK)


@pytest.mark.parametrize("handler", ["lingers", "deaf", "forks.waits", "obeys"])
def test_kill_minus_9_of_a_supervisor_takes_its_children_and_all_below_them(clean: Driver, handler: str) -> None:
    supervisor, pids = supervise(clean, handler)
    with supervisor:
        assert all(map(is_alive, pids))
        supervisor.kill()
        wait_gone(*pids)
        wait_until(lambda: not carriers(clean.mark), "no mark is left")


def test_a_child_that_never_lets_go_of_the_interpreter_dies_with_its_supervisor(clean: Driver) -> None:
    supervisor, pids = supervise(clean, "holds")
    with supervisor:
        supervisor.kill()
        wait_gone(*pids)


# --- what a supervisor inherits --------------------------------------------------------------------------------------


def run_apart(code: str) -> str:
    """Run code in a process of its own, because it changes what the process is; return what it prints."""
    head = "import os, signal, sys, time, json, subprocess\nfrom bgo.run.process import *\n"
    found = subprocess.run(
        [PYTHON, "-c", head + code, str(PLUGIN)],
        env=python_env(),
        cwd="/",
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


def test_a_supervisor_adopts_and_reaps_what_its_children_leave() -> None:
    code = """
assert become_subreaper()
known = subprocess.Popen(["sleep", "987"])
subprocess.run(["sh", "-c", "setsid sleep 987 & setsid sleep 987 & env -i setsid sleep 987 &"], check=True)
found, until = set(), time.monotonic() + 30
while len(found) < 3 or reap_strangers({known.pid}):
    assert time.monotonic() < until
    found |= set(reap_strangers({known.pid}))
print(len(found), known.poll(), reap_strangers({known.pid}), [p for p in found if os.path.exists(f"/proc/{p}")])
known.kill()
known.wait()
"""
    assert run_apart(code) == "3 None [] []\n"


def test_a_child_can_be_started_whatever_the_supervisor_was_started_with() -> None:
    """Without stdin and stdout, with signals ignored as under nohup or in a script's background, and blocked."""
    code = """
report = os.dup(1)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD):
    signal.signal(number, signal.SIG_IGN)
signal.signal(signal.SIGCHLD, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
os.close(0); os.close(1)
child = spawn_child(json.dumps({"files": []}), dict(os.environ))
while not child.channel.receive():
    time.sleep(0.002)
status = dict(line.split(":\\t") for line in open(f"/proc/{child.pid}/status").read().splitlines() if ":\\t" in line)
wrong = [n for n in (1, 2, 3, 15) if int(status["SigIgn"], 16) & 1 << (n - 1)]
os.write(report, f"{wrong} {int(status['SigBlk'], 16)}".encode())
os.kill(child.pid, signal.SIGTERM)
os.write(report, f" {child.wait()}\\n".encode())
"""
    assert run_apart(code) == "[] 0 -15\n"


def test_a_child_is_reaped_and_its_end_is_told(fresh: Driver) -> None:
    assert fresh.child.poll() is None
    os.kill(fresh.child.pid, signal.SIGKILL)
    assert fresh.child.wait() == fresh.child.poll() == -signal.SIGKILL
    assert process_start_time(fresh.child.pid) is None
    fresh.child.kill()  # whatever has that pid now is left alone


def test_the_end_of_a_child_is_seen_although_a_descendant_holds_its_pipes(fresh: Driver) -> None:
    fresh.start("execute", {"code": "subprocess.run(['sh', '-c', 'setsid sleep 987 & true']); os._exit(3)"})
    assert fresh.child.pidfd is not None
    wait_until(lambda: fresh.child.poll() is not None, "the child is gone")
    assert fresh.child.poll() == 3
    assert carriers(fresh.mark)


def test_output_is_read_up_to_a_limit(fresh: Driver) -> None:
    fresh.start("floods", {"bytes": "40000"})
    wait_until(lambda: fresh.child.channel.receive() or True, "it speaks")
    found = b""
    while len(found) < 40_000:
        part = fresh.child.read_output(1000)
        assert len(part) <= 1000
        found += part
    assert found == b"x" * 40_000


def test_a_child_ended_by_closing_takes_everything_along(fresh: Driver) -> None:
    pids = begin(fresh, "lingers")
    fresh.child.close()
    wait_gone(*pids, fresh.child.pid)


def test_host_and_boot_have_names_that_stay() -> None:
    assert process.host_id() == process.host_id() != ""
    assert process.boot_id() == process.boot_id() != ""
    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        if Path(path).exists():
            assert Path(path).read_text().strip() not in process.host_id()

"""The process table: who runs, who started whom, who carries which mark, and a signal that never hits a stranger.

Linux reads /proc; elsewhere `ps` is asked, which knows parents, groups and start times and no environments. A process
is known by its pid together with its start time, because pids are used again.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

MARK = "BGO_RUN"
"""The environment variable that every process of a run carries: `<task>.<run>`."""

LINUX = sys.platform.startswith("linux")
_PREFIX = MARK.encode() + b"="
_FLAGS, _CODE_START, _ENV_START, _ENV_END = 6, 23, 47, 48
"""Places in /proc/PID/stat, counted from the state. In an exec the kernel fills in the environment, then the code."""
_PF_KTHREAD = 0x0020_0000
_LOOKS = 2_000
"""How often a process without an environment is looked at again: some 20 ms in all, and an exec takes 1."""


class Process(NamedTuple):
    """One line of the process table. `start_time` counts in the kernel's own units since boot (macOS: seconds)."""

    pid: int
    parent: int
    group: int
    session: int
    start_time: int
    state: str

    @property
    def is_gone(self) -> bool:
        """Say whether it has ended and only waits for its parent to notice."""
        return self.state in ("Z", "X")


def process_start_time(pid: int) -> int | None:
    """Return the start time of a process, ended but unreaped ones included, or None when there is none."""
    found = find_process(pid)
    return None if found is None else found.start_time


def find_process(pid: int) -> Process | None:
    """Return one line of the process table, or None."""
    if LINUX:
        return _read_stat(pid)
    return _ask_ps(["-p", str(pid)]).get(pid)


def snapshot() -> dict[int, Process]:
    """Return the whole process table by pid."""
    if not LINUX:
        return _ask_ps(["-ax"])
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (process := _read_stat(int(name))) is not None:
            found[process.pid] = process
    return found


def _slurp(path: str) -> bytes | None:
    """Return a /proc file, or None when the process is gone or not ours to read."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        parts = []
        while part := os.read(fd, 1 << 17):
            parts.append(part)
        return b"".join(parts)
    except OSError:
        return None
    finally:
        os.close(fd)


def _read_stat(pid: int) -> Process | None:
    data = _slurp(f"/proc/{pid}/stat")
    if not data:
        return None
    # The command's name stands in brackets and may hold anything, brackets and spaces too.
    fields = data[data.rfind(b")") + 2 :].split()
    return Process(pid, int(fields[1]), int(fields[2]), int(fields[3]), int(fields[19]), fields[0].decode())


def _ask_ps(selection: list[str]) -> dict[int, Process]:
    import subprocess
    from datetime import datetime

    command = ["ps", *selection, "-o", "pid=,ppid=,pgid=,stat=,lstart="]
    text = subprocess.run(command, capture_output=True, text=True, check=False, env={"LC_ALL": "C"}).stdout
    found = {}
    for line in text.splitlines():
        pid, parent, group, state, started = line.split(None, 4)
        since = int(datetime.strptime(started.strip(), "%a %b %d %H:%M:%S %Y").timestamp())  # noqa: DTZ007 - ps is local
        # ps knows no session ids on macOS; a child leads its session, so the group stands in for it.
        found[int(pid)] = Process(int(pid), int(parent), int(group), int(group), since, state[:1])
    return found


def mark_of(pid: int) -> str | None:
    """Return the mark a process carries, or None: it has none, is gone, or is not ours to look into."""
    return _mark_in(_slurp(f"/proc/{pid}/environ") or b"") if LINUX else None


def _mark_in(block: bytes) -> str | None:
    start = 0 if block.startswith(_PREFIX) else block.find(b"\0" + _PREFIX) + 1
    if start == 0 and not block.startswith(_PREFIX):
        return None
    value = block[start + len(_PREFIX) :].split(b"\0", 1)[0]
    return value.decode("utf-8", "replace") or None


def _may_yet_show(pid: int) -> bool:
    """Say whether a process that showed no environment may have one: it is, or was a moment ago, in an exec."""
    fields = (_slurp(f"/proc/{pid}/stat") or b"").rpartition(b")")[2].split()
    if len(fields) <= _ENV_END or fields[0] in (b"Z", b"X") or int(fields[_FLAGS]) & _PF_KTHREAD:
        return False
    return fields[_CODE_START] == b"0" or fields[_ENV_START] != fields[_ENV_END]


def marked_processes(marks: Collection[str]) -> list[int]:
    """Return the pids of living processes that carry one of these marks; the asker and its ancestors never count.

    Linux only: elsewhere environments are not to be read, and the answer is empty.
    """
    table = snapshot()
    return sorted(carriers(table, marks, spared(table)))


def carriers(table: Mapping[int, Process], marks: Collection[str], spare: Collection[int]) -> set[int]:
    """Return who in `table` is alive and carries one of these marks."""
    if not LINUX:
        return set()
    found: set[int] = set()
    unsure = [p.pid for p in table.values() if not p.is_gone and p.pid not in spare]
    for _ in range(_LOOKS):
        unsure = [pid for pid in unsure if _carries(pid, marks, found)]
        if not unsure:
            break
        os.sched_yield()
    return found


def _carries(pid: int, marks: Collection[str], found: set[int]) -> bool:
    """Add a carrier to `found`; return True when it has to be looked at again."""
    block = _slurp(f"/proc/{pid}/environ")
    if block:
        if _mark_in(block) in marks:
            found.add(pid)
        return False
    return block == b"" and _may_yet_show(pid)


def spared(table: Mapping[int, Process]) -> set[int]:
    """Return this process and its ancestors: whoever started us is not ours to kill, whatever it carries."""
    found, pid = set(), os.getpid()
    while pid and pid not in found:
        found.add(pid)
        parent = table.get(pid)
        pid = 0 if parent is None else parent.parent
    return found


def descendants(table: Mapping[int, Process], roots: Iterable[int]) -> set[int]:
    """Return everything that was started, at any depth, by `roots`; the roots themselves are not part of it."""
    children: dict[int, list[int]] = {}
    for process in table.values():
        children.setdefault(process.parent, []).append(process.pid)
    found: set[int] = set()
    todo = list(roots)
    while todo:
        for pid in children.get(todo.pop(), ()):
            if pid not in found:
                found.add(pid)
                todo.append(pid)
    return found


def signal_process(process: Process, number: int) -> bool:
    """Send a signal to exactly this process; return False when it is gone or may not be signalled.

    The pid is pinned by a pidfd before the start time is compared, so that a pid used again is never hit. Without
    pidfds the comparison comes right before the signal.
    """
    if not hasattr(os, "pidfd_open"):
        return _is_same(process) and _send(process.pid, number)
    try:
        fd = os.pidfd_open(process.pid)
    except OSError:  # gone, or a kernel before 5.3
        return _is_same(process) and _send(process.pid, number)
    try:
        if not _is_same(process):
            return False
        signal.pidfd_send_signal(fd, number)
    except OSError:
        return False
    finally:
        os.close(fd)
    return True


def _is_same(process: Process) -> bool:
    return process_start_time(process.pid) == process.start_time


def _send(pid: int, number: int) -> bool:
    try:
        os.kill(pid, number)
    except OSError:
        return False
    return True

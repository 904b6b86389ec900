"""A plugin file for tests with real workers: every handler writes what it does into a ledger that no kill can tear.

A line is `S id run pid ppid ns` when user code begins, `F id run pid ppid ns` when it ends, `X id run …` when another
copy of the task is alive on this host. `ns` is CLOCK_MONOTONIC, which all processes share.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from bgo.hooks.task import task
from bgo.model.result import TaskResult
from bgo.run.proctable import LINUX, mark_of, snapshot

PLACE = Path(os.environ.get("BGO_TEST_PLACE", "/nonexistent"))


def note(kind: str, ctx: Any, *words: object) -> None:
    """Append one line; a single write with O_APPEND is whole or not there."""
    line = " ".join(map(str, (kind, ctx.task_id, ctx.run, *words)))
    fd = os.open(PLACE / "ledger", os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    os.write(fd, (line + "\n").encode())
    os.close(fd)


class Alone:
    """Writes S and F, and X when another copy of the task lives: a lock per task, and the marks of all processes."""

    def __init__(self, ctx: Any) -> None:
        self._ctx = ctx

    def __enter__(self) -> None:
        ctx = self._ctx
        note("S", ctx, os.getpid(), os.getppid(), time.monotonic_ns())
        self._fd = os.open(PLACE / f"lock-{ctx.task_id}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note("X", ctx, "lock")
        for process in snapshot().values() if LINUX else ():
            mark = None if process.is_gone else mark_of(process.pid)
            if mark and mark.startswith(ctx.task_id + ".") and mark != f"{ctx.task_id}.{ctx.run}":
                note("X", ctx, "mark", mark, process.pid)

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            ctx = self._ctx
            note("F", ctx, os.getpid(), os.getppid(), time.monotonic_ns())
        os.close(self._fd)


def doze(ctx: Any, ms: int) -> None:
    until = time.monotonic() + ms / 1000
    while (left := until - time.monotonic()) > 0:
        ctx.check_cancelled()
        time.sleep(min(left, 0.01))


@task("work")
def work(ctx: Any, ms: int = 0, how: str = "plain") -> dict[str, Any]:
    """Work a while, in one of the ways real work does."""
    with Alone(ctx):
        match how:
            case "tree":
                subprocess.run(["sh", "-c", "sleep 97 & setsid sleep 97 & (nohup sleep 97 >/dev/null 2>&1 &)"])
                doze(ctx, ms)
            case "steps":
                for step in range(ctx.restored or 0, 4):
                    doze(ctx, ms // 4)
                    ctx.checkpoint(step + 1)
                    ctx.report_progress((step + 1) / 4)
            case "loud":
                print("x" * 20_000)
                doze(ctx, ms)
            case _:
                doze(ctx, ms)
    return {"run": ctx.run, "pid": os.getpid()}


@task("limited")
def limited(ctx: Any, ms: int, slots: int) -> dict[str, Any]:
    """Work while holding one of so many places; write V when all are taken. The kernel frees a dead one's place."""
    with Alone(ctx):
        fds = [os.open(PLACE / f"place-{n}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600) for n in range(slots)]
        if not any(_is_ours(fd) for fd in fds):
            note("V", ctx, os.getpid(), os.getppid(), time.monotonic_ns())
        doze(ctx, ms)
        for fd in fds:
            os.close(fd)
    return {"run": ctx.run}


def _is_ours(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@task("gated")
def gated(ctx: Any, gate: str) -> dict[str, Any]:
    """Begin, then wait until somebody opens the FIFO for writing."""
    with Alone(ctx):
        Path(gate).read_bytes()
    return {"run": ctx.run}


@task("stays")
def stays(ctx: Any, how: str = "polite") -> None:
    """Run until somebody ends it: politely, deaf to cancel, deaf to SIGTERM too, or without letting Python breathe."""
    if how == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note("S", ctx, os.getpid(), os.getppid(), time.monotonic_ns())
    while True:
        if how == "polite":
            ctx.check_cancelled()
        time.sleep(0.01)


@task("family")
def family(ctx: Any, leave: bool = False) -> dict[str, Any]:
    """Start what would like to stay; tell the ledger who that is."""
    script = "sleep 98 & setsid sleep 98 & (nohup sleep 98 >/dev/null 2>&1 &) ; env -i setsid sleep 98 &"
    subprocess.run(["sh", "-c", script])
    note("S", ctx, os.getpid(), os.getppid(), time.monotonic_ns())
    while not leave:
        time.sleep(0.01)
    return {}


@task("execute")
def execute(ctx: Any, code: str) -> Any:
    """Run a few lines of a test's own."""
    space: dict[str, Any] = {"ctx": ctx, "note": note, "result": None, "TaskResult": TaskResult, "PLACE": PLACE}
    exec(code, globals(), space)
    return space["result"]

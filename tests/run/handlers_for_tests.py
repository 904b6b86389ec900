"""A plugin file of the tests of children: handlers that behave well, and handlers that do not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import bgo.run.context
from bgo.hooks.task import task
from bgo.model.result import TaskResult

HIDERS = """
sleep 987 &
setsid sleep 987 &
(nohup sleep 987 >/dev/null 2>&1 &)
env -i setsid sleep 987 &
(setsid sh -c 'trap "" TERM HUP INT; while :; do sleep 987; done' &)
"""
"""Grandchildren in the group, in a session of their own, without a terminal, without a mark, deaf to SIGTERM."""


@task("noop")
def noop(ctx: Any) -> None: ...


@task("evaluate")
def evaluate(ctx: Any) -> Any:
    """Return, or raise, what the expression in the input says."""
    return eval(ctx.input["code"])


@task("execute")
def execute(ctx: Any) -> Any:
    space = {"ctx": ctx, "result": None, "CancelRequested": bgo.run.context.CancelRequested}
    exec(ctx.input["code"], globals(), space)
    return space["result"]


@task("typed")
def typed(ctx: Any, user_id: str, force: bool = False) -> dict[str, Any]:
    return {"user_id": user_id, "force": force}


@task("open")
def open_ended(ctx: Any, user_id: str, **rest: Any) -> dict[str, Any]:
    return {"user_id": user_id, "rest": rest}


@task("later")
async def later(ctx: Any, value: int) -> dict[str, Any]:
    import asyncio

    await asyncio.sleep(0)
    return {"value": value, "loop": id(asyncio.get_running_loop())}


@task("later.fails")
async def later_fails(ctx: Any) -> None:
    raise LookupError("nothing there")


@task("later.forgets")
async def later_forgets(ctx: Any) -> None:
    import asyncio

    async def forgotten() -> None:
        try:
            await asyncio.sleep(987)
        finally:
            ctx.log("tidied")

    ctx.kept = asyncio.create_task(forgotten())
    await asyncio.sleep(0)


@task("later.waits")
async def later_waits(ctx: Any) -> None:
    import asyncio

    ctx.log("ready")
    await asyncio.sleep(987)


@task("obeys")
def obeys(ctx: Any) -> None:
    ctx.log("ready")
    while True:
        ctx.check_cancelled()
        time.sleep(0.005)


@task("watches")
def watches(ctx: Any) -> dict[str, Any]:
    """Run until told, by cancel or soft timeout, and say by which."""
    ctx.log("ready")
    while not (ctx.cancelled or ctx.soft_timed_out):
        time.sleep(0.005)
    return {"cancelled": ctx.cancelled, "soft": ctx.soft_timed_out}


@task("reports")
def reports(ctx: Any) -> None:
    ctx.report_progress(0.1, "first")
    ctx.report_progress(0.2, "second")
    while not ctx.cancelled:
        time.sleep(0.005)


@task("hides")
def hides(ctx: Any) -> dict[str, Any]:
    """Start what would like to stay, and end."""
    subprocess.run(["sh", "-c", HIDERS], check=True)
    return {"pids": started_below(os.getpid())}


@task("lingers")
def lingers(ctx: Any) -> None:
    """Start what would like to stay, and stay."""
    subprocess.run(["sh", "-c", HIDERS], check=True)
    ctx.log(" ".join(map(str, started_below(os.getpid()))))
    while True:
        time.sleep(0.01)


@task("deaf")
def deaf(ctx: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ctx.log("ready")
    while True:
        time.sleep(0.01)


@task("holds")
def holds(ctx: Any) -> None:
    """Stay in C code without ever letting go of the interpreter, as a bad regular expression would."""
    import ctypes

    ctx.log("ready")
    ctypes.PyDLL(None).sleep(987)


@task("tidies")
def tidies(ctx: Any) -> None:
    """Clean up when the process is asked to end, taking its time."""
    try:
        ctx.log("ready")
        while True:
            time.sleep(0.01)
    finally:
        time.sleep(0.05)
        Path(ctx.input["file"]).write_text("tidy")


@task("finishes")
def finishes(ctx: Any) -> dict[str, Any]:
    """Take SIGTERM as a hint and come to an end."""
    try:
        ctx.log("ready")
        while True:
            time.sleep(0.01)
    except BaseException as error:
        return {"told": type(error).__name__}


@task("forks")
def forks(ctx: Any) -> dict[str, Any]:
    """Come back twice."""
    pid = os.fork()
    status = os.waitpid(pid, 0)[1] if pid else None
    return {"pid": os.getpid(), "status": status}


@task("forks.waits")
def forks_waits(ctx: Any) -> None:
    """A process that was forked and never exec'd, in a session of its own."""
    pid = os.fork()
    if pid == 0:
        os.setsid()
        while True:
            time.sleep(0.01)
    ctx.log(str(pid))
    while True:
        time.sleep(0.01)


@task("prints")
def prints(ctx: Any) -> None:
    print("from python")
    print("on stderr", file=sys.stderr)
    subprocess.run(["sh", "-c", "echo from a shell; echo its stderr >&2"], check=True)
    sys.stdout.write("no newline")


@task("floods")
def floods(ctx: Any) -> None:
    subprocess.run(["sh", "-c", f"head -c {ctx.input['bytes']} /dev/zero | tr '\\0' x"], check=True)


@task("threads")
def threads(ctx: Any) -> None:
    def speak(n: int) -> None:
        for _ in range(200):
            ctx.log(f"{n}" * 2000)

    crowd = [threading.Thread(target=speak, args=(n,)) for n in range(4)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()


@task("answers")
def answers(ctx: Any) -> TaskResult:
    kind, *args = ctx.input["answer"]
    return getattr(TaskResult, kind)(*args)


class Unshowable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


def started_below(root: int) -> list[int]:
    """Return what runs below a process, itself excluded, by /proc alone."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] not in "ZX":
            parents[int(path.parent.name)] = int(fields[1])
    found: set[int] = set()
    while more := {pid for pid, parent in parents.items() if parent in found | {root}} - found:
        found |= more
    return sorted(found)

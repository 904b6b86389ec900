"""`bgo logs`: what a task printed."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from bgo.cli.flow import flow_of
from bgo.errors import UsageError

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.model.views import TaskView


def logs(
    ctx: typer.Context,
    task_id: Annotated[str, typer.Argument(metavar="ID", help="An id, its unique beginning, or @last.")],
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on printing as it comes, until the task ends.", metavar="")
    ] = False,
    run: Annotated[
        int | None, typer.Option("--run", min=1, metavar="N", help="Of this run; default: the last that printed.")
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="Keep colours and control codes, on a terminal too.", metavar="")
    ] = False,
) -> None:
    """Print what a task printed. A pipe gets it byte for byte; a terminal gets nothing that could steer it.

    Of a chain or batch it prints what each member printed, below its name.
    """
    flow = flow_of(ctx)
    view = flow.get(task_id)
    if view.task.kind != "task":
        return _of_members(flow, view, follow=follow, run=run, raw=raw)
    if follow:
        pour(flow.follow_logs(task_id, run), raw=raw)
    elif data := flow.logs(task_id, run):
        pour([data], raw=raw)
    else:
        from bgo.cli import render

        which = f"run {run}" if run else f"task {view.id}"
        render.say(f"{which} has printed nothing" + ("" if view.is_final else f"; it is {view.state}"))
    return None


def _of_members(flow: TaskFlow, view: TaskView, *, follow: bool, run: int | None, raw: bool) -> None:
    if follow or run is not None:
        option = "--follow" if follow else "--run"
        raise UsageError(
            f"{option} is for one task, and {view.id} is a {view.task.kind}", why="its members run by themselves",
            hint=f"bgo tasks --{view.task.kind} {view.id} lists them",
        )  # fmt: skip
    if not pour_of(flow, view, raw=raw):
        from bgo.cli import render

        render.say(f"nothing in {view.task.kind} {view.id} has printed anything")


def pour_of(flow: TaskFlow, view: TaskView, *, raw: bool) -> bool:
    """Write what a task printed, or the members of a chain or batch, each below its name; say whether that was any."""
    if view.task.kind == "task":
        data = flow.logs(view.id)
        pour([data] if data else [], raw=raw)
        return bool(data)
    from bgo.cli import render

    found = False
    for member in flow.members(view.id):
        if data := flow.logs(member.id):
            print(("\n" if found else "") + f"==> {render.line(member.name)} {member.id} <==", flush=True)
            pour([data], raw=raw)
            if not data.endswith(b"\n"):
                print()
            found = True
    return found


def pour(chunks: Iterable[bytes], *, raw: bool) -> None:
    """Write output of tasks to stdout: as it is, or harmless where it reaches a terminal."""
    is_safe = raw or not sys.stdout.isatty()
    sys.stdout.flush()
    if is_safe:
        for data in chunks:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        return
    from codecs import getincrementaldecoder

    from bgo.cli.render import clean

    decoder = getincrementaldecoder("utf-8")("replace")
    last = ""
    for data in chunks:
        last = clean(decoder.decode(data).replace("\r\n", "\n")) or last
        print(last, end="", flush=True)
    if last and not last.endswith("\n"):
        print()

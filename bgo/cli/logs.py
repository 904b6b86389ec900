"""`bgo logs`: what a task printed."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Annotated

import typer

from bgo.cli.flow import flow_of


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
    """Print what a task printed. A pipe gets it byte for byte; a terminal gets nothing that could steer it."""
    flow = flow_of(ctx)
    if follow:
        pour(flow.follow_logs(task_id, run), raw=raw)
    elif data := flow.logs(task_id, run):
        pour([data], raw=raw)
    else:
        from bgo.cli import render

        view = flow.get(task_id)
        which = f"run {run}" if run else f"task {view.id}"
        render.say(f"{which} has printed nothing" + ("" if view.is_final else f"; it is {view.state}"))


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

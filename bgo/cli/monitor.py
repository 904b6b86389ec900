"""`bgo monitor`: the store live on a terminal; elsewhere a line, or a JSON object, per change."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from bgo.cli.flow import flow_of
from bgo.cli.params import Ids, Json, Queues, Tags, selector, settings_of
from bgo.model.query import Selector

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.engine.monitor import Change

POLL_MS = 125
"""Eight looks a second; the screen is drawn anew only when the store, its size or the second has changed."""


def monitor(
    ctx: typer.Context,
    ids: Ids = None,
    tags: Tags = None,
    queues: Queues = None,
    once: Annotated[bool, typer.Option("--once", help="Show the present state once, and end.", metavar="")] = False,
    as_json: Json = False,
) -> None:
    """Watch queues, running tasks, holds and endings; ends by itself when the one task watched ends.

    ID or NAME narrows it. Not on a terminal: one line per change, or NDJSON with --json. Ctrl-C ends it; the work
    goes on.
    """
    with flow_of(ctx) as flow:
        wanted = selector(flow.clock.now_ms(), ids=ids, tags=tags, queues=queues)
        for task_id in wanted.ids:
            flow.get(task_id)
        if once:
            _once(flow, wanted, as_json=as_json, color=settings_of(ctx).color)
        elif as_json or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
            _stream(flow, wanted, as_json=as_json)
        else:
            from bgo.cli.screen import watch

            watch(flow, wanted, POLL_MS)


def _once(flow: TaskFlow, wanted: Selector, *, as_json: bool, color: bool) -> None:
    from bgo.cli import render

    if as_json:
        render.write_json(flow.snapshot(wanted, rows=50).to_json())
        return
    from bgo.cli.screen import draw

    out = render.console(color=color)
    out.print(draw(flow.snapshot(wanted, rows=20), out.width, 0))


def _stream(flow: TaskFlow, wanted: Selector, *, as_json: bool) -> None:
    from bgo.cli import render

    for change in flow.changes(wanted, POLL_MS):
        if as_json:
            render.write_event(change.to_json())
        else:
            print(_line(change), flush=True)


def _line(change: Change) -> str:
    from bgo.cli import render
    from bgo.clock import to_local

    words = [f"{to_local(change.at):%H:%M:%S}", change.task_id, render.line(change.name), change.type]
    if change.fraction is not None and change.type == "progress":
        words.append(f"{change.fraction:4.0%} {render.line(change.message, 60)}")
    if change.entry is not None:
        words.append(change.entry.state if change.entry.state != change.type else "")
        if change.entry.duration_ms is not None:
            words.append(render.duration(change.entry.duration_ms))
        if change.entry.error is not None:
            words.append(render.line(f"{change.entry.error.type}: {change.entry.error.message}", 100))
    return " ".join(word for word in words if word).rstrip()

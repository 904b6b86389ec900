"""`bgo monitor`: the store live on a terminal; elsewhere a line, or a JSON object, per change."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from bgo.cli.flow import flow_of, made_by, one_kind, wholes
from bgo.cli.params import Ids, Json, OfBatches, OfChains, Queues, Tags, selector, settings_of
from bgo.errors import UsageError
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
    chains: OfChains = None,
    batches: OfBatches = None,
    once: Annotated[bool, typer.Option("--once", help="Show the present state once, and end.", metavar="")] = False,
    as_json: Json = False,
) -> None:
    """Watch queues, running tasks, holds and endings; ends by itself when the one thing watched ends.

    ID or NAME narrows it; of a chain or batch its members are shown, of a schedule what it makes. Not on a terminal: a
    line per change, or NDJSON with --json. Ctrl-C ends it; the work goes on.
    """
    with flow_of(ctx) as flow:
        under = wholes(flow, chains, batches)
        said = selector(flow.clock.now_ms(), ids=ids, tags=tags, queues=queues, under=under)
        wanted = _members(flow, made_by(flow, one_kind(said)))
        if once:
            _once(flow, wanted, as_json=as_json, color=settings_of(ctx).color)
        elif as_json or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
            _stream(flow, wanted, as_json=as_json)
        else:
            from bgo.cli.screen import watch

            watch(flow, wanted, POLL_MS)


def _members(flow: TaskFlow, wanted: Selector) -> Selector:
    """Return the selection with a chain or batch that it names replaced by its members."""
    views = [flow.get(word) for word in wanted.ids]
    inside = [view.id for view in views if view.task.kind != "task"]
    if not inside and not wanted.under:
        return wanted
    if len(views) > 1 or len(inside) + len(wanted.under) > 1:
        one = (inside or list(wanted.under))[0]
        raise UsageError("one chain or batch at a time", why="its members fill the screen", hint=f"bgo monitor {one}")
    return replace(wanted, ids=() if inside else wanted.ids, under=(*inside, *wanted.under))


def _once(flow: TaskFlow, wanted: Selector, *, as_json: bool, color: bool) -> None:
    from bgo.cli import render

    if as_json:
        render.write_json(flow.snapshot(wanted, rows=50).to_json())
        return
    from bgo.cli.screen import draw

    out = render.console(color=color)
    whole = flow.get(wanted.under[0]) if wanted.under else None
    out.print(draw(flow.snapshot(wanted, rows=20), out.width, 0, whole))


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

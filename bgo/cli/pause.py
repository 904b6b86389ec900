"""`bgo pause` and `bgo resume`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bgo.cli.flow import flow_of
from bgo.cli.params import Json

if TYPE_CHECKING:
    from bgo.api import TaskFlow

Name = Annotated[str | None, typer.Argument(metavar="NAME", help="Tasks of this name.", show_default=False)]
Queue = Annotated[str | None, typer.Option("--queue", metavar="QUEUE", help="Everything in this queue.")]


def pause(ctx: typer.Context, name: Name = None, queue: Queue = None, as_json: Json = False) -> None:
    """Start no more tasks of a name or a queue, present and future ones; what runs goes on."""
    from bgo.cli import render

    flow = flow_of(ctx)
    flow.pause(name=name, queue=queue)
    _tell(name, queue, paused=True, as_json=as_json)
    if name is not None and not as_json and not _is_known(flow, name):
        render.say(f"no task and no handler is called {name} yet")


def resume(ctx: typer.Context, name: Name = None, queue: Queue = None, as_json: Json = False) -> None:
    """Let tasks of a name or a queue start again."""
    from bgo.cli import render

    flow = flow_of(ctx)
    kind, value = ("name", name) if queue is None else ("queue", queue)
    was_paused = any((p.kind, p.value) == (kind, value) for p in flow.pauses())
    flow.resume(name=name, queue=queue)
    _tell(name, queue, paused=False, as_json=as_json)
    if not was_paused and not as_json:
        render.say(f"the {kind} {value} was not paused")


def _tell(name: str | None, queue: str | None, *, paused: bool, as_json: bool) -> None:
    from bgo.cli import render

    kind, value = ("name", name) if queue is None else ("queue", queue)
    if as_json:
        render.write_json({"schema": 1, "kind": kind, "value": value, "paused": paused})
    elif paused:
        print(f"paused {kind} {value}; undo: bgo resume {'--queue ' if kind == 'queue' else ''}{value}")
    else:
        print(f"resumed {kind} {value}")


def _is_known(flow: TaskFlow, name: str) -> bool:
    from bgo.model.query import Selector

    return name in flow.catalogue() or bool(flow.tasks(Selector(names=(name,)), limit=1))

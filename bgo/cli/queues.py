"""`bgo queues`: how work is shared out."""

from __future__ import annotations

from typing import Annotated

import typer

from bgo.cli.flow import flow_of
from bgo.cli.lazy import group
from bgo.cli.params import Json, Quiet, settings_of

app = group("List the queues: weights, pauses, what stands in them.", default_verb="list")


@app.command("list")
def list_(ctx: typer.Context, as_json: Json = False, quiet: Quiet = False) -> None:
    """List the queues. The weight is a queue's share of the starts; the reserve are slots kept free for it."""
    from dataclasses import asdict

    from bgo.cli import render

    rows = sorted(flow_of(ctx).queues(), key=lambda row: (-row.weight, row.name))
    if as_json:
        render.write_json([{"schema": 1, **asdict(row)} for row in rows])
    elif quiet:
        print(*(row.name for row in rows), sep="\n")
    else:
        columns = [
            render.Column("QUEUE", least=8),
            render.Column("WEIGHT", right=True),
            render.Column("RESERVE", right=True, drop=1),
            render.Column("WAITING", right=True),
            render.Column("RUNNING", right=True),
            render.Column("PAUSED"),
        ]
        body = [
            (r.name, f"{r.weight:g}", r.reserve, f"{r.waiting:,}", f"{r.running:,}", "paused" if r.paused else "")
            for r in rows
        ]
        out = render.console(color=settings_of(ctx).color)
        out.print(render.table(columns, body, out.width))


@app.command("add")
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A new name.")],
    weight: Annotated[
        float, typer.Option(metavar="W", help="Its share of the starts; critical has 100, high 10, default 1, low 0.1.")
    ] = 1.0,
    reserve: Annotated[int, typer.Option(min=0, metavar="N", help="Slots kept free for it.")] = 0,
    as_json: Json = False,
) -> None:
    """Make a queue of your own. It stays until the configuration says otherwise."""
    from bgo.cli import render

    flow_of(ctx).add_queue(name, weight=weight, reserve=reserve)
    if as_json:
        render.write_json({"schema": 1, "name": name, "weight": weight, "reserve": reserve})
    else:
        print(f"added queue {name}: bgo enqueue --queue {name} …")

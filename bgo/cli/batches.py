"""`bgo batches`: list batches, show one, read its results, add items to it, close it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bgo.cli import wholes
from bgo.cli.chains import Dot, Mermaid, how
from bgo.cli.flow import flow_of
from bgo.cli.flow import wholes as inside
from bgo.cli.items import Counted, Format, items_of
from bgo.cli.lazy import group
from bgo.cli.params import OUTPUT, Json, Limit, Names, OfBatches, OfChains, Quiet, Since, States, Tags, Until, selector

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.model.views import TaskView

app = group("List batches, show one, read its results, add items to it, close it.", default_verb="list")

BatchId = Annotated[
    str, typer.Argument(metavar="ID", help="An id, its unique beginning, or @last.", show_default=False)
]


@app.command("list")
def list_(
    ctx: typer.Context,
    names: Names = None,
    tags: Tags = None,
    states: States = None,
    chains: OfChains = None,
    batches: OfBatches = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """List batches, newest first: how each stands and how far it is.

    Those inside a chain or batch are listed when it is named.
    """
    flow = flow_of(ctx)
    under = inside(flow, chains, batches)
    wanted = selector(flow.clock.now_ms(), names=names, tags=tags, states=states, since=since, until=until, under=under)
    wholes.listed(flow, wanted, "batch", limit, as_json=as_json, quiet=quiet)


@app.command("show")
def show(
    ctx: typer.Context, batch_id: BatchId, mermaid: Mermaid = False, dot: Dot = False, as_json: Json = False
) -> None:
    """Show a batch: how far it is, which of its members run or have failed, what follows it."""
    wholes.draw(flow_of(ctx), batch_id, "batch", how(mermaid=mermaid, dot=dot, as_json=as_json))


@app.command("add")
def add(
    ctx: typer.Context,
    batch_id: BatchId,
    items: Annotated[
        str, typer.Option("--items", metavar="FILE", help="One a line; - reads a pipe.", show_default=False)
    ],
    format: Format = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Bring more items into a batch that was made with --open: all of them, or none."""
    from bgo.cli import render

    flow = flow_of(ctx)
    batch = flow.get_batch(batch_id)
    count = batch.add(Counted(flow, items_of(items, format), is_told=not (as_json or quiet)))
    if as_json:
        render.write_json({"schema": 1, "id": batch.id, "added": count})
    else:
        print(batch.id if quiet else f"{batch.id} has {count:,} more item{'' if count == 1 else 's'}")


@app.command("close")
def close(ctx: typer.Context, batch_id: BatchId, as_json: Json = False, quiet: Quiet = False) -> None:
    """Let no more items come into a batch: it ends when all that are in it have."""
    from bgo.cli import render

    batch = flow_of(ctx).get_batch(batch_id)
    is_news = batch.close()
    if as_json:
        render.write_json({"schema": 1, "id": batch.id, "open": False, "closed_now": is_news})
    else:
        print(batch.id if quiet else f"{batch.id} {'is closed' if is_news else 'was closed before'}")


@app.command("results")
def results(
    ctx: typer.Context,
    batch_id: BatchId,
    states: States = None,
    after: Annotated[
        str | None, typer.Option("--after", metavar="ID", help="Those behind this member.", rich_help_panel=OUTPUT)
    ] = None,
    limit: Limit = 50,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print an object a line (NDJSON).", metavar="", rich_help_panel=OUTPUT)
    ] = False,
    quiet: Quiet = False,
) -> None:
    """List the members of a batch in the order of their items, with what came of each."""
    from bgo.cli import render

    flow = flow_of(ctx)
    batch = flow.get_batch(batch_id)
    found = flow.batch_results(batch.id, states=states or (), after=after, limit=limit + 1)
    is_cut, found = len(found) > limit, found[:limit]
    if as_json:
        for view in found:
            render.write_event(view.to_json())
    elif quiet:
        for view in found:
            print(view.id)
    elif found:
        _table(flow, found)
    else:
        render.say("no member fits" if states or after else "no item has come in yet")
    if is_cut and not quiet and sys.stderr.isatty():
        render.say(f"more with --limit N, or --after {found[-1].id}")


def _table(flow: TaskFlow, views: list[TaskView]) -> None:
    from bgo.cli import render
    from bgo.cli.tasks import what

    columns = [
        render.Column("ID"),
        render.Column("STATE"),
        render.Column("ITEM", least=12, drop=2),
        render.Column("TOOK", right=True, drop=1),
        render.Column("OUTPUT", least=12, drop=3),
    ]
    rows: list[tuple[Any, ...]] = []
    for view in views:
        came = "" if view.output is None else render.dumps(view.output)
        if view.error is not None:
            came = f"{view.error.type}: {view.error.message}"
        item = what(view) if view.error is None else render.line(render.dumps(view.input), 200)
        rows.append((view.id, render.state_text(view.state), item, render.duration(view.duration_ms()), came))
    out = render.console(color=flow.settings.color)
    out.print(render.table(columns, rows, out.width))

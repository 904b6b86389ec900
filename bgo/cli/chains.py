"""`bgo chains`: list chains, or show one."""

from __future__ import annotations

from typing import Annotated

import typer

from bgo.cli import wholes
from bgo.cli.flow import flow_of
from bgo.cli.flow import wholes as inside
from bgo.cli.lazy import group
from bgo.cli.params import OUTPUT, Json, Limit, Names, OfBatches, OfChains, Quiet, Since, States, Tags, Until, selector
from bgo.errors import UsageError

app = group("List chains, or show one as a tree.", default_verb="list")

Mermaid = Annotated[
    bool, typer.Option("--mermaid", help="Print a flowchart for Mermaid.", metavar="", rich_help_panel=OUTPUT)
]
Dot = Annotated[bool, typer.Option("--dot", help="Print a digraph for Graphviz.", metavar="", rich_help_panel=OUTPUT)]


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
    """List chains, newest first: how each stands and how far it is.

    Those inside a chain or batch are listed when it is named.
    """
    flow = flow_of(ctx)
    under = inside(flow, chains, batches)
    wanted = selector(flow.clock.now_ms(), names=names, tags=tags, states=states, since=since, until=until, under=under)
    wholes.listed(flow, wanted, "chain", limit, as_json=as_json, quiet=quiet)


@app.command("show")
def show(
    ctx: typer.Context,
    chain_id: Annotated[
        str, typer.Argument(metavar="ID", help="An id, its unique beginning, or @last.", show_default=False)
    ],
    mermaid: Mermaid = False,
    dot: Dot = False,
    as_json: Json = False,
) -> None:
    """Show a chain as a tree: its steps, how each member stands, how long it took, what went wrong.

    bgo chains show ID --dot | dot -Tsvg > chain.svg
    """
    wholes.draw(flow_of(ctx), chain_id, "chain", how(mermaid=mermaid, dot=dot, as_json=as_json))


def how(*, mermaid: bool, dot: bool, as_json: bool) -> str:
    """Return the one form that was asked for."""
    said = [name for name, is_said in (("mermaid", mermaid), ("dot", dot), ("json", as_json)) if is_said]
    if len(said) > 1:
        raise UsageError(f"--{said[0]} and --{said[1]} contradict each other", why="one answer is printed",
                         hint="call twice for both")  # fmt: skip
    return said[0] if said else ""

"""Commands that exist for the tests of the skeleton."""

from __future__ import annotations

import errno
from typing import Annotated

import typer

from bgo.cli import parse
from bgo.cli.lazy import argv_of, group
from bgo.cli.params import (
    All,
    Ids,
    Json,
    Names,
    Quiet,
    States,
    Tags,
    Yes,
    confirm,
    need_selection,
    selector,
    settings_of,
)
from bgo.cli.render import write_json
from bgo.errors import NotFoundError
from bgo.model.options import NetworkConstraint, TaskTimeout

NOW = 1_795_424_400_000


def probe(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    words: Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE", help="The words of an input.")] = None,
    timeout: Annotated[TaskTimeout | None, typer.Option(parser=parse.timeout, metavar="DURATION")] = None,
    network: Annotated[NetworkConstraint | None, typer.Option(metavar="KIND")] = None,
    count: Annotated[int, typer.Option(min=1, max=9, metavar="N")] = 3,
    share: Annotated[float | None, typer.Option(metavar="X")] = None,
    tags: Tags = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show what arrived."""
    hard = timeout.hard_ms if timeout else None
    seen = {"name": name, "words": words, "hard_ms": hard, "network": network, "count": count, "share": share}
    settings = settings_of(ctx)
    seen |= {"tags": tags, "quiet": quiet, "argv": argv_of(ctx), "verbose": ctx.obj.verbose}
    seen |= {"store": str(settings.store_path), "profile": settings.profile, "plugins": settings.plugins.files}
    write_json(seen)


def fail(kind: Annotated[str, typer.Argument()], as_json: Json = False) -> None:
    """Fail in a chosen way."""
    if kind == "expected":
        raise NotFoundError("no such task: \x1b[31m4abc", why="nothing answers to that id", hint="bgo tasks")
    if kind == "full":
        raise OSError(errno.ENOSPC, "No space left on device", "/var/x")
    if kind == "interrupt":
        raise KeyboardInterrupt
    secret = "hunter2"
    raise KeyError(f"the key is {secret}")


def pick(
    ids: Ids = None, names: Names = None, tags: Tags = None, states: States = None, every: All = False, yes: Yes = False
) -> None:
    """Select, and ask before more than one."""
    chosen = selector(NOW, ids=ids, names=names, tags=tags, states=states, since="1h", match_all=every)
    need_selection(selector(NOW, ids=ids, names=names, match_all=every), "pick")
    confirm("Stop these tasks?", len(ids or ()), yes=yes)
    write_json([*chosen.ids, *chosen.names, *chosen.tags, *chosen.states, NOW - (chosen.since or 0)])


app = group("A noun with verbs.", default_verb="look")


@app.command("look")
def look(as_json: Json = False) -> None:
    """Look."""
    print("looked", as_json)


@app.command("at")
def at(what: Annotated[str, typer.Argument()]) -> None:
    """Look at one."""
    print("at", what)

"""`bgo store`: where the store is, whether it is sound, and copies of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bgo.cli import render
from bgo.cli.flow import flow_of
from bgo.cli.lazy import group
from bgo.cli.params import Json, settings_of

if TYPE_CHECKING:
    from bgo.store.check import Finding

app = group("Look after the store: path, check, backup, vacuum.", default_verb="path")


@app.command("path")
def path(ctx: typer.Context, as_json: Json = False) -> None:
    """Print where the store is; with --json also its size, schema and how durable it is."""
    if not as_json:
        print(settings_of(ctx).store_path)
        return
    from bgo.store.admin import info

    render.write_json({"schema": 1, **info(flow_of(ctx).store)._asdict()})


@app.command("check")
def check(
    ctx: typer.Context,
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended.", metavar="")] = False,
    as_json: Json = False,
) -> None:
    """Check the file and every rule that must hold in it. Exit code 74 when something is wrong with it.

    With --repair, indexes and lanes are rebuilt from the tasks; what cannot be mended is said.
    """
    from bgo.store import admin

    store = flow_of(ctx).store
    mended = admin.repair(store) if repair else []
    found = admin.check(store)
    if as_json:
        render.write_json([f.to_json() for f in found])
    else:
        for fixed in mended:
            print(f"mended: {render.clean(fixed.message)} ({fixed.count})")
        tell(found)
        if not found:
            print("The store is sound.")
    if any(f.is_fault for f in found):
        raise typer.Exit(74)


def tell(found: list[Finding]) -> None:
    """Print findings as lines: what, how often, for example, and what to do."""
    for f in found:
        times = f" ({f.count:,} times)" if f.count > 1 else ""
        print(f"{'fault' if f.is_fault else 'note'}: {render.clean(f.message)}{times}")
        for example in f.examples:
            print(f"    {render.line(example, 100)}")
        if f.hint:
            print(f"    hint: {render.clean(f.hint)}")


@app.command("backup")
def backup(
    ctx: typer.Context,
    target: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy goes.", show_default=False)],
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite an older copy.", metavar="")] = False,
) -> None:
    """Write a consistent, checked copy of the store while others work. Never copy the file by hand."""
    from bgo.store.admin import backup as write

    size = write(flow_of(ctx).store, target, replace=replace)
    print(f"{target}: {render.size(size)}")


@app.command("vacuum")
def vacuum(ctx: typer.Context) -> None:
    """Give the room of removed tasks back to the disk. Writers wait meanwhile."""
    from bgo.store.admin import vacuum as shrink

    before, after = shrink(flow_of(ctx).store)
    print(f"{render.size(before)} before, {render.size(after)} after")

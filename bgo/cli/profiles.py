"""`bgo profiles`: the rules of phones and of this computer, as data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from bgo.cli.lazy import group
from bgo.cli.params import Json, Quiet, settings_of

if TYPE_CHECKING:
    from bgo.config import Settings
    from bgo.devices.profiles.telling import Line
    from bgo.flow.profiles import ProfileRow, Shown

app = group("List, show, check and write device profiles.", default_verb="list")

Profile = Annotated[str, typer.Argument(metavar="PROFILE", help="A name, or a file: a path, or NAME.toml.")]


@app.command("list")
def list_(ctx: typer.Context, as_json: Json = False, quiet: Quiet = False) -> None:
    """List the profiles that can be had by name: of bgo, your own, of plugins."""
    from bgo import compose
    from bgo.cli import render
    from bgo.flow.profiles import listing

    settings = settings_of(ctx)
    rows = listing(compose.shelf(settings))
    if as_json:
        render.write_json([row.to_json() for row in rows])
    elif quiet:
        print(*dict.fromkeys(row.name for row in rows), sep="\n")
    else:
        _tell_list(rows, settings)


def _tell_list(rows: list[ProfileRow], settings: Settings) -> None:
    from bgo.cli import render

    columns = [
        render.Column("PROFILE", least=12),
        render.Column("OS", least=7),
        render.Column("EXTENDS", least=10, drop=2),
        render.Column("SUMMARY", least=20, drop=1, folds=True),
    ]
    out = render.console(color=settings.color)
    cells = [(row.name, row.os, ", ".join(row.extends), row.state or row.summary) for row in rows]
    out.print(render.table(columns, cells, out.width))
    for row in rows:  # in full: a narrow table cuts the reason short
        if row.state:
            where = "" if row.path in row.state else f"{row.path}: "
            out.print(render.safe(where + render.line(row.state)), soft_wrap=True)


@app.command("show")
def show(
    ctx: typer.Context,
    name: Profile,
    as_toml: Annotated[
        bool, typer.Option("--toml", help="As a file that extends nothing.", metavar="", rich_help_panel="Output")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show every rule of a profile with its value, and the line of the file that says so.

    bgo profiles show android --toml
    """
    from bgo import compose
    from bgo.cli import render
    from bgo.flow.profiles import shown

    settings = settings_of(ctx)
    found = shown(name, compose.shelf(settings))
    if as_json:
        render.write_json(found.to_json())
    elif as_toml:
        print(render.clean(found.toml), end="")
    else:
        _tell_profile(found, settings)


def _tell_profile(found: Shown, settings: Settings) -> None:
    from bgo.cli import render

    columns = [render.Column("RULE"), render.Column("VALUE", least=12), render.Column("FROM", least=10, drop=1)]
    out = render.console(color=settings.color)
    out.print(render.table(columns, list(_rows(found.lines)), out.width))


def _rows(lines: list[Line]) -> Iterator[tuple[str, str, str]]:
    """Yield what there is to read: of a table that limits nothing, that it is there."""
    limited = {line.path[:-1] for line in lines if line.key is not None and line.value is not None}
    for line in lines:
        is_free = line.path[:-1] not in limited and len(line.path) > 2
        is_absent = line.key is None and line.value is None
        if is_absent or (line.key is not None and not is_free):
            yield line.name, line.written, line.place
        elif line.key is None and len(line.path) > 1 and line.path not in limited:
            yield line.name, "without limits", line.place


@app.command("check")
def check(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[PROFILE]", help="A name, or a file; default: the profile in force.", show_default=False
        ),
    ] = None,
    plist: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="An app's Info.plist, checked against a profile of iOS.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what is wrong with a profile, and what is odd about it; exit code 1 when something is wrong.

    Of host: also what each sensor of this computer says. With --plist: whether an app declares what iOS asks for.

    bgo profiles check ios --plist Info.plist
    """
    from bgo.cli.profile_check import report

    settings = settings_of(ctx)
    if not report(settings, name or settings.profile, plist, as_json=as_json):
        raise typer.Exit(1)


@app.command("new")
def new(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is to be called.")],
    extends: Annotated[
        str, typer.Option("--extends", metavar="PROFILE", help="What it starts from and differs from.")
    ] = "android",
    as_json: Json = False,
) -> None:
    """Write a profile of your own, beside your config file: every rule of another one, as comments to change.

    bgo profiles new my-phone --extends samsung
    """
    from bgo import compose
    from bgo.cli import render
    from bgo.flow import profiles

    path = profiles.new(name, compose.shelf(settings_of(ctx)), extends)
    if as_json:
        render.write_json({"schema": 1, "name": name, "extends": extends, "path": str(path)})
    else:
        print(path)

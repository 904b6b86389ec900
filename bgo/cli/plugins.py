"""`bgo plugins`: where handlers come from."""

from __future__ import annotations

from typing import Annotated

import typer

from bgo.cli.flow import flow_of
from bgo.cli.lazy import group
from bgo.cli.params import Json, Quiet, settings_of

app = group("List where handlers come from, and what failed to load.", default_verb="list")


@app.command("list")
def list_(ctx: typer.Context, as_json: Json = False, quiet: Quiet = False) -> None:
    """List every plugin: what it brings, or why it did not load. A broken one harms no other."""
    from bgo.cli import render

    reports = flow_of(ctx).plugins()
    if as_json:
        render.write_json([{"schema": 1, **report.to_json()} for report in reports])
    elif quiet:
        print(*dict.fromkeys(report.name for report in reports), sep="\n")
    else:
        columns = [
            render.Column("PLUGIN", least=12),
            render.Column("VERSION", drop=2),
            render.Column("FOUND AS", drop=3),
            render.Column("BRINGS", least=8, drop=1),
            render.Column("STATE", least=14),
        ]
        rows = [(r.name, r.version, r.source, ", ".join(r.brings), _state(r.error, r.warnings)) for r in reports]
        out = render.console(color=settings_of(ctx).color)
        out.print(render.table(columns, rows, out.width))
        for r in reports:  # in full: a narrow table cuts the reason short
            for text in (r.error, *r.warnings):
                if text:
                    out.print(render.safe(f"{render.line(r.name)}: {render.line(text)}"), soft_wrap=True)


@app.command("show")
def show(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A distribution, a file or a module.")],
    as_json: Json = False,
) -> None:
    """Show one plugin in full: its handlers, middleware and hooks, its errors and its warnings."""
    from bgo.cli import parse, render
    from bgo.cli.facts import facts
    from bgo.errors import NotFoundError

    reports = flow_of(ctx).plugins()
    found = [r for r in reports if name in (r.name, r.name.rpartition("/")[2])]
    if not found:
        why = parse.did_you_mean(name, {r.name for r in reports}) or "no distribution, file or module is called so"
        raise NotFoundError(f"no plugin {name!r:.100}", why=why, hint="bgo plugins lists them")
    if as_json:
        render.write_json([{"schema": 1, **r.to_json()} for r in found])
        return
    for r in found:
        rows = [
            ("version", r.version),
            ("found as", r.source),
            ("brings", ", ".join(r.handlers) or ("no handlers" if r.hooks or r.profiles else "nothing")),
            *((("middleware", "around every task"),) if "middleware" in r.hooks else ()),
            ("profiles", ", ".join(r.profiles)),
            *((("listens to", listens),) if (listens := ", ".join(h for h in r.hooks if h != "middleware")) else ()),
            ("loaded in", render.duration(r.ms)),
            ("state", _state(r.error, ())),
            *(("warning", text) for text in r.warnings),
        ]
        facts(rows, color=settings_of(ctx).color, title=render.safe(r.name, "bold"))


def _state(error: str, warnings: tuple[str, ...]) -> str:
    if error:
        return f"failed: {error}"
    return f"loaded, {len(warnings)} warning{'s' if len(warnings) > 1 else ''}" if warnings else "loaded"

"""`bgo handlers`: what can be queued."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bgo.cli.flow import flow_of
from bgo.cli.lazy import group
from bgo.cli.params import Json, Quiet, settings_of

if TYPE_CHECKING:
    from bgo.model.handler import HandlerInfo, Param

app = group("List what can be queued, and what it takes.", default_verb="list")


def handler_json(info: HandlerInfo) -> dict[str, Any]:
    """Return a handler as its documented object."""
    from bgo.hooks.codec import defaults_json

    def param(p: Param) -> dict[str, Any]:
        found: dict[str, Any] = {"name": p.name, "type": p.type, "required": p.required, "nullable": p.nullable}
        return found | {"default": p.default, "choices": list(p.choices) or None}

    return {
        "schema": 1,
        "name": info.name,
        "summary": info.summary,
        "params": None if info.params is None else [param(p) for p in info.params],
        "accepts_extra": info.accepts_extra or info.params is None,
        "takes_argv": info.takes_argv,
        "defaults": defaults_json(info.defaults),
        "origin": info.origin,
        "source": {"kind": info.source.kind, "target": info.source.target, "path": info.source.path},
        "example": example(info),
    }


@app.command("list")
def list_(ctx: typer.Context, as_json: Json = False, quiet: Quiet = False) -> None:
    """List every handler that 'bgo enqueue' knows."""
    from bgo.cli import render

    infos = [info for _, info in sorted(flow_of(ctx).catalogue().items())]
    if as_json:
        render.write_json([handler_json(info) for info in infos])
    elif quiet:
        print(*(info.name for info in infos), sep="\n")
    else:
        columns = [
            render.Column("HANDLER", least=12),
            render.Column("TAKES", least=10, drop=1),
            render.Column("SUMMARY", least=16),
            render.Column("FROM", least=8, drop=2),
        ]
        out = render.console(color=settings_of(ctx).color)
        rows = [(info.name, takes(info), info.summary, info.origin) for info in infos]
        out.print(render.table(columns, rows, out.width))


@app.command("show")
def show(
    ctx: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME", help="A handler.")], as_json: Json = False
) -> None:
    """Show one handler: its input, its defaults, who brings it, and a line to start from."""
    from bgo.cli import render
    from bgo.cli.facts import STRICT, Fact, facts, told_needs, told_rate, told_retry, told_timeout
    from bgo.policy.schema import accepted

    info = flow_of(ctx).handler(name)
    if as_json:
        render.write_json(handler_json(info))
        return
    d = info.defaults
    limit, zone = d.concurrency, "" if d.tz is None else f" ({d.tz})"
    rows: list[Fact] = [("", info.summary)]
    for p in info.params or ():
        default = "" if p.required else f", default {json.dumps(p.default, ensure_ascii=False)}"
        rows.append((p.name, f"{accepted(p)}{default}" + (" (required)" if p.required else "")))
    rows += [
        ("input", "any" if info.params is None else "other keys too" if info.accepts_extra else None),
        ("command", "takes one after --" if info.takes_argv else None),
        ("timeout", None if d.timeout is None else told_timeout(d.timeout)),
        ("retry", None if d.retry is None else told_retry(d.retry)),
        ("queue", d.queue),
        ("priority", None if d.priority is None else str(d.priority)),
        ("tags", ", ".join(d.tags)),
        ("window", None if d.window is None else f"{d.window}{zone}{STRICT if d.window_strict else ''}"),
        ("needs", told_needs(d.constraints)),
        ("at once", None if limit is None else f"at most {limit.max_concurrent}, {limit.strategy}"),
        ("rate", None if d.rate is None else told_rate(d.rate)),
        ("promise", "at most once: never again once started" if d.at_most_once else None),
        ("from", f"{info.origin} ({info.source.target})" if info.origin else info.source.target),
        ("example", example(info)),
    ]
    facts(rows, color=settings_of(ctx).color, title=render.safe(info.name, "bold"))


def takes(info: HandlerInfo) -> str:
    """Return what a handler takes, in a few words: `path, [level], -- COMMAND`."""
    words = ["any input"] if info.params is None else []
    words += [p.name if p.required else f"[{p.name}]" for p in info.params or ()]
    if info.accepts_extra:
        words.append("…")
    if info.takes_argv:
        words.append("-- COMMAND")
    return ", ".join(words) or "nothing"


def example(info: HandlerInfo) -> str:
    """Return a command line that queues such a task."""
    if info.takes_argv and info.params is None and info.name != "echo":
        return f"bgo enqueue {info.name} -- ls -l"
    if info.params is None:
        return f"bgo enqueue {info.name} message=hello"
    chosen = [p for p in info.params if p.required] or list(info.params[:1])
    return " ".join([f"bgo enqueue {info.name}", *(_assignment(p) for p in chosen)])


def _assignment(param: Param) -> str:
    import shlex

    value = param.choices[0] if param.choices else param.default
    if value is not None and not isinstance(value, str):
        return shlex.quote(f"{param.name}:={json.dumps(value)}")
    forms = {"int": "=1", "float": "=1.5", "bool": "=yes", "list": ":=[1]", "dict": ':={"key":1}'}
    text = f"={value}" if value is not None else forms.get(param.type, _plausible(param.name))
    return shlex.quote(param.name + text)


def _plausible(name: str) -> str:
    return "=file.txt" if name in {"path", "file", "source", "src"} else "=text"

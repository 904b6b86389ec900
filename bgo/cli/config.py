"""`bgo config`: what is set, and by whom."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from bgo.cli.lazy import group
from bgo.cli.params import Json, settings_of
from bgo.config import Queue
from bgo.model.limits import NamedLimit
from bgo.model.window import TimeWindow

app = group("Show the settings and where each comes from.", default_verb="show")


def _plain(value: Any) -> Any:
    """Return a setting as JSON knows it."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Queue):
        return {key: item for key, item in value._asdict().items() if item is not None}
    if isinstance(value, NamedLimit):
        return _plain_limit(value)
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, TimeWindow):
        return value.written
    return str(value) if isinstance(value, Path) else value


def _plain_limit(limit: NamedLimit) -> dict[str, Any]:
    """Return a named limit as config.toml spells it."""
    from bgo.policy.rate import spell

    found: dict[str, Any] = {}
    if limit.max_concurrent is not None:
        found["concurrency"] = limit.max_concurrent
    if limit.rate is not None:
        found["rate"] = f"{limit.rate.max_executions}/{spell(limit.rate.window_ms)}"
    return found


@app.command("show")
def show(ctx: typer.Context, as_json: Json = False) -> None:
    """Show every setting, its value and its origin (a flag, a variable, a line of the file, or the default)."""
    from bgo.cli import render

    rows = [(key, _plain(value), origin) for key, value, origin in settings_of(ctx).rows()]
    if as_json:
        render.write_json([{"schema": 1, "key": key, "value": value, "origin": origin} for key, value, origin in rows])
        return
    out = render.console(color=settings_of(ctx).color)
    columns = [render.Column("KEY"), render.Column("VALUE", least=12), render.Column("ORIGIN", least=10, drop=1)]
    out.print(render.table(columns, [(key, _words(value), origin) for key, value, origin in rows], out.width))


def _words(value: Any) -> str:
    """Return a setting as one line for people."""
    if isinstance(value, dict):
        between = "; " if any(isinstance(item, dict) for item in value.values()) else ", "
        return between.join(f"{key} {_words(item)}" for key, item in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if value is None:
        return "any"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


@app.command("path")
def path(ctx: typer.Context) -> None:
    """Print where the configuration file is, or would be."""
    print(settings_of(ctx).config_path)

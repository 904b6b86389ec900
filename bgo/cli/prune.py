"""`bgo prune`: removes old ended tasks."""

from __future__ import annotations

from typing import Annotated

import typer

from bgo.cli import parse
from bgo.cli.flow import flow_of
from bgo.cli.params import DryRun, Json, Yes, confirm

FOREVER = 1 << 52


def prune(
    ctx: typer.Context,
    older_ms: Annotated[
        int | None,
        typer.Option("--older-than", parser=parse.duration_ms, metavar="TIME", help="Those that ended so long ago."),
    ] = None,
    keep: Annotated[int | None, typer.Option(min=0, metavar="N", help="All but the newest N.")] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Remove ended tasks with their history and logs; unfinished work is never touched.

    Without --older-than and --keep the retention of the configuration counts: 30 days, failed ones 90, 100,000 rows.
    """
    from bgo.cli import render
    from bgo.model.query import Retention

    flow = flow_of(ctx)
    retention = flow.settings.retention
    if older_ms is not None or keep is not None:
        age = FOREVER if older_ms is None else older_ms
        retention = Retention(age, age, FOREVER if keep is None else keep)
    count = flow.prune(retention, dry_run=True)
    if not dry_run and count:
        confirm("Remove ended tasks with their history and logs?", count, yes=yes)
        count = flow.prune(retention)
    if as_json:
        render.write_json({"schema": 1, "removed": 0 if dry_run else count, "would_remove": count, "dry_run": dry_run})
    else:
        verb = "would remove" if dry_run else "removed"
        print(f"{verb} {count:,} ended task{'' if count == 1 else 's'}")

"""`bgo wait`: until tasks have ended."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from bgo.cli import parse
from bgo.cli.flow import answer, flow_of
from bgo.cli.params import Json, Quiet
from bgo.errors import TaskFailedError
from bgo.model.state import State

if TYPE_CHECKING:
    from bgo.model.views import TaskView


def wait(
    ctx: typer.Context,
    ids: Annotated[
        list[str], typer.Argument(metavar="ID", help="Ids, unique beginnings of ids, or @last.", show_default=False)
    ],
    timeout: Annotated[
        timedelta | None, typer.Option(parser=parse.duration, metavar="TIME", help="Wait no longer (exit code 124).")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Wait until all these have ended, tasks, chains or batches: exit code 0 if all succeeded, 1 if not.

    Ctrl-C detaches.

    Waiting executes nothing: 'bgo run' does.
    """
    from bgo.cli import follow, render
    from bgo.cli.endings import failure

    flow = flow_of(ctx)
    limit = None if timeout is None else timeout.total_seconds()
    style = follow.Style(as_json=as_json, quiet=quiet, timeout=limit)
    views = follow.watch(flow, list(dict.fromkeys(ids)), style)
    bad = [view for view in views if view.state is not State.SUCCEEDED]
    if as_json:
        answer([view.to_json() for view in views], words=ids)
    elif quiet:
        print(*(view.id for view in views), sep="\n")
    else:
        for view in views:
            print(f"{view.id} {render.ended(view.state, view.duration_ms())} {view.task.name}{_counts(view)}")
    if bad and style.is_chatty:
        raise (
            failure(bad[0])
            if len(views) == 1
            else TaskFailedError(
                f"{len(bad)} of {len(views)} did not succeed",
                why=", ".join(f"{view.id} {view.state}" for view in bad[:5]) + (" …" if len(bad) > 5 else ""),
                hint=f"bgo status {bad[0].id}; bgo logs {bad[0].id}",
            )
        )
    raise typer.Exit(1 if bad else 0)


def _counts(view: TaskView) -> str:
    if view.counts is None:
        return ""
    from bgo.cli.tree import told_counts

    return f" ({told_counts(view.counts)})"

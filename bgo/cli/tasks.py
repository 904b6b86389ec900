"""`bgo tasks`: the list of tasks."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from bgo.cli.flow import flow_of, made_by, one_kind, wholes
from bgo.cli.params import (
    BySchedules,
    Ids,
    Json,
    Limit,
    Names,
    OfBatches,
    OfChains,
    Queues,
    Quiet,
    Since,
    States,
    Tags,
    Until,
    selector,
    settings_of,
)
from bgo.model.state import State

if TYPE_CHECKING:
    from bgo.model.views import TaskView


def tasks(
    ctx: typer.Context,
    ids: Ids = None,
    names: Names = None,
    tags: Tags = None,
    queues: Queues = None,
    states: States = None,
    since: Since = None,
    until: Until = None,
    chains: OfChains = None,
    batches: OfBatches = None,
    schedules: BySchedules = None,
    limit: Limit = 50,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """List tasks of all states, newest first. ID may also be a NAME, or a schedule: all that it has made.

    Chains and batches have their own lists: bgo chains, bgo batches. Their members are tasks, and stand here.
    """
    from bgo.cli import render

    flow = flow_of(ctx)
    now = flow.clock.now_ms()
    wanted = selector(
        now,
        ids=ids,
        names=names,
        tags=tags,
        queues=queues,
        states=states,
        since=since,
        until=until,
        under=wholes(flow, chains, batches),
        schedules=schedules,
    )
    wanted = made_by(flow, one_kind(wanted))
    if wanted.schedules:
        wanted = replace(wanted, kinds=())
    found = flow.tasks(wanted, limit=limit + 1)
    is_cut, found = len(found) > limit, found[:limit]
    if as_json:
        render.write_json([view.to_json() for view in found])
    elif quiet:
        for view in found:
            print(view.id)
    elif found:
        put_table(found, now, color=settings_of(ctx).color)
        if is_cut and sys.stdout.isatty():
            render.say(f"the newest {limit:,}; more with --limit N")
    else:
        render.say("no task fits" if not wanted.is_empty else "no task yet: bgo enqueue echo message=hello")


def put_table(views: Sequence[TaskView], now: int, *, color: bool) -> None:
    """Print tasks as a table."""
    from bgo.cli import render

    columns = [
        render.Column("ID"),
        render.Column("STATE"),
        render.Column("NAME", least=10),
        render.Column("QUEUE", least=7, drop=3),
        render.Column("WHEN", drop=1),
        render.Column("TOOK", right=True, drop=2),
        render.Column("WHAT", least=12, drop=4),
    ]
    rows = [
        (
            view.id,
            render.state_text(view.state, paused=view.paused),
            view.task.name,
            view.task.queue,
            when(view, now),
            render.duration(view.duration_ms()),
            what(view),
        )
        for view in views
    ]
    out = render.console(color=color)
    out.print(render.table(columns, rows, out.width))


def when(view: TaskView, now: int) -> str:
    """Return the instant that matters in its state: its end, its start, or when it may start."""
    from bgo.cli import render

    task = view.task
    if view.is_final:
        return render.ago(task.finished_at, now)
    if task.state is State.RUNNING:
        return render.ago(task.started_at, now)
    return render.ago(task.due_at, now) if task.due_at > now else f"made {render.ago(task.created_at, now)}"


def what(view: TaskView) -> str:
    """Return the most telling thing about a task, in one short line."""
    from bgo.cli import render

    task = view.task
    if task.state is State.RUNNING and (task.progress is not None or task.progress_message or task.cancel_reason):
        share = "" if task.progress is None else f"{task.progress:.0%} "
        stopping = " (a cancel was asked for)" if task.cancel_reason else ""
        return (render.line(share + task.progress_message, 200) + stopping).strip()
    if view.error is not None and task.state is not State.SUCCEEDED:
        return render.line(f"{view.error.type}: {view.error.message}", 200)
    if view.argv is not None:
        import shlex

        return render.line(shlex.join(view.argv), 200)
    if isinstance(view.input, dict) and view.input:
        return render.line(" ".join(f"{key}={_short(value)}" for key, value in view.input.items()), 200)
    return ""


def _short(value: object) -> str:
    from bgo.cli import render

    return value[:100] if isinstance(value, str) else render.dumps(value)[:100]

"""`bgo history`: what ran."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bgo.cli.flow import flow_of, one_kind
from bgo.cli.params import Ids, Json, Limit, Names, Queues, Quiet, Since, States, Tags, Until, selector, settings_of

if TYPE_CHECKING:
    from bgo.model.task import HistoryEntry


def history(
    ctx: typer.Context,
    ids: Ids = None,
    names: Names = None,
    tags: Tags = None,
    queues: Queues = None,
    states: States = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 20,
    all_events: Annotated[
        bool, typer.Option("--all-events", help="Also what happened between runs: cancels, rescues.", metavar="")
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """List ended runs, newest first: one line per attempt. ID may also be a NAME."""
    from bgo.cli import render

    flow = flow_of(ctx)
    now = flow.clock.now_ms()
    wanted = one_kind(
        selector(now, ids=ids, names=names, tags=tags, queues=queues, states=states, since=since, until=until)
    )
    found = flow.history(wanted, limit=limit + 1, runs_only=not all_events)
    is_cut, found = len(found) > limit, found[:limit]
    if as_json:
        from bgo.model.views import history_json

        render.write_json([history_json(entry) for entry in found])
    elif quiet:
        for task_id in dict.fromkeys(entry.task_id for entry in found):
            print(task_id)
    elif found:
        out = render.console(color=settings_of(ctx).color)
        out.print(render.table(_columns(), [_row(entry, now) for entry in found], out.width))
        if is_cut and sys.stdout.isatty():
            render.say(f"the newest {limit:,}; more with --limit N")
    else:
        render.say("nothing has run yet" if wanted.is_empty else "no run fits")


WORDS = {
    ("retry", "asked"): "asked for another try",
    ("exhaust", "asked"): "asked for more tries than it has",
    ("release", "snooze"): "snoozed",
    ("release", "shutdown"): "handed back: its worker stopped",
    ("unblock", "upstream_done"): "what it came after is done",
    ("skip", "upstream_cancelled"): "what it was to come after was cancelled",
}
"""Events without an error, in words: what happened and why."""


def _columns() -> list[Any]:
    from bgo.cli.render import Column

    return [
        Column("TASK"),
        Column("NAME", least=8),
        Column("RUN", right=True, drop=3),
        Column("STATE"),
        Column("WHEN", drop=1),
        Column("TOOK", right=True, drop=2),
        Column("WAITED", least=12, drop=5),
        Column("WHY", least=16, drop=4),
    ]


def _row(entry: HistoryEntry, now: int) -> tuple[Any, ...]:
    from bgo.cli import render

    return (
        entry.task_id,
        entry.name,
        entry.run or "",
        render.state_text(entry.state),
        render.ago(entry.at, now),
        render.duration(entry.duration_ms),
        ", ".join(f"{reason} {render.duration(ms)}" for reason, ms in entry.waited.items() if ms >= 1000),
        _why(entry),
    )


def _why(entry: HistoryEntry) -> str:
    from bgo.cli import render

    if entry.error is not None:
        return render.line(f"{entry.error.type}: {entry.error.message}", 200)
    if (told := WORDS.get((entry.event, entry.reason))) is not None:
        return told
    event = entry.event.replace("_", " ")
    if entry.reason in {"done", "claimed", "new", entry.state}:
        return "" if event == "succeed" else event
    return f"{event} ({entry.reason})"

"""`bgo history`: what ran."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bgo.cli.flow import flow_of, made_by, one_kind, schedules_called, wholes
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
from bgo.errors import UsageError
from bgo.model.state import Event, Reason

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.model.query import Selector
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
    chains: OfChains = None,
    batches: OfBatches = None,
    schedules: BySchedules = None,
    limit: Limit = 20,
    all_events: Annotated[
        bool, typer.Option("--all-events", help="Also what happened between runs: cancels, rescues.", metavar="")
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """List ended runs, newest first: one line per attempt.

    ID may also be a NAME, a schedule, or a chain or batch: then it is about the runs of its members.
    """
    from bgo.cli import render

    flow = flow_of(ctx)
    now = flow.clock.now_ms()
    wanted = one_kind(
        selector(
            now,
            ids=ids,
            names=names,
            tags=tags,
            queues=queues,
            states=states,
            since=since,
            until=until,
            schedules=schedules,
        )
    )
    wanted = _of_members(flow, made_by(flow, wanted), wholes(flow, chains, batches))
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
        render.say(_nothing(flow, wanted))


def _nothing(flow: TaskFlow, wanted: Selector) -> str:
    """Return why the list is empty."""
    makers = [view for word in wanted.schedules for view in schedules_called(flow, word)]
    if any(view.schedule.kind != "task" for view in makers):
        return (
            f"{makers[0].id} makes what itself runs nothing: bgo tasks --schedule {makers[0].id}, then bgo history ID"
        )
    return "nothing has run yet" if wanted.is_empty else "no run fits"


def _of_members(flow: TaskFlow, wanted: Selector, under: list[str]) -> Selector:
    """Return the selection with chains and batches replaced by their members: they themselves run nothing."""
    from dataclasses import replace

    kinds = {view.id: view.task.kind for view in (flow.get(word) for word in wanted.ids)}
    inside = [task_id for task_id, kind in kinds.items() if kind != "task"]
    if len(inside) + len(under) > 1 or (inside and len(kinds) > 1):
        one = (inside + under)[0]
        raise UsageError(
            "one chain or batch at a time", why=f"{one} stands for its members, and nothing else is one of them",
            hint=f"bgo history {one}",
        )  # fmt: skip
    if not inside and not under:
        return wanted
    return replace(wanted, ids=() if inside else wanted.ids, under=(*inside, *under), kinds=())


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


def lost_words(entry: HistoryEntry) -> str | None:
    """Return which constraint ended a run by being lost, and what was made of it; None where something else did."""
    from bgo.cli import render

    if entry.reason != Reason.DEVICE or "gate" not in entry.detail:
        return None
    made = "cancelled" if entry.event == Event.CANCEL else "stopped, handed back"
    return render.line(
        f"{made}: {entry.detail['gate']}: {entry.detail['current']}, needs {entry.detail['needed']}", 300
    )


def _why(entry: HistoryEntry) -> str:
    from bgo.cli import render

    if (lost := lost_words(entry)) is not None:
        return lost
    if entry.error is not None:
        return render.line(f"{entry.error.type}: {entry.error.message}", 200)
    if (told := WORDS.get((entry.event, entry.reason))) is not None:
        return told
    event = entry.event.replace("_", " ")
    if entry.reason in {"done", "claimed", "new", entry.state}:
        return "" if event == "succeed" else event
    return f"{event} ({entry.reason})"

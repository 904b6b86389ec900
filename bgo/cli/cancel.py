"""`bgo cancel`: calls tasks off."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bgo.cli.flow import MANY, answer, flow_of, how_many, one_kind, wholes
from bgo.cli.params import (
    SELECTION,
    All,
    BySchedules,
    Ids,
    Json,
    Names,
    Queues,
    Quiet,
    Since,
    States,
    Tags,
    Until,
    WholeBatches,
    WholeChains,
    Yes,
    confirm,
    need_selection,
    selector,
)
from bgo.errors import RefusedError
from bgo.model.state import ACTIVE, Reason

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.model.query import Selector
    from bgo.model.schedule_view import ScheduleView


def cancel(
    ctx: typer.Context,
    ids: Ids = None,
    names: Names = None,
    tags: Tags = None,
    queues: Queues = None,
    states: States = None,
    since: Since = None,
    until: Until = None,
    chains: WholeChains = None,
    batches: WholeBatches = None,
    schedules: BySchedules = None,
    every: All = False,
    and_schedules: Annotated[
        bool,
        typer.Option("--schedules", help="Remove their schedules, too.", metavar="", rich_help_panel=SELECTION),
    ] = False,
    yes: Yes = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Call tasks off. For each it says: prevented (never starts), stopping (its worker ends it), or too late.

    ID may also be a NAME: everything of that name that has not ended. A chain or batch is called off as a whole, and
    counts as one; no compensation runs then. Schedules go on making more, unless --schedules removes them.
    """
    from bgo.cli import render
    from bgo.model.query import CancelEffect

    flow = flow_of(ctx)
    wanted = selector(
        flow.clock.now_ms(),
        ids=[*(ids or ()), *wholes(flow, chains, batches)],
        names=names,
        tags=tags,
        queues=queues,
        states=states,
        since=since,
        until=until,
        match_all=every,
        kinds=(),
        schedules=schedules,
    )
    need_selection(one_kind(wanted), "cancel")
    if not wanted.ids and not wanted.states:
        wanted = replace(wanted, states=tuple(sorted(ACTIVE)))
    makers = _makers(flow, wanted) if and_schedules else []
    if not yes and (tasks := how_many(flow, wanted)) + len(makers) > 1:
        confirm(_question(tasks, len(makers)), tasks + len(makers), yes=yes, most=MANY)
    for view in makers:
        if view.schedule.state == "active":
            flow.pause_schedule(view.id)  # what it made between the two steps would stay
    replies = flow.cancel_where(wanted, _reason(wanted, chains, batches))
    for view in makers:
        flow.unschedule(view.id)
    if as_json:
        told = [{"schema": 1, "id": r.id, "effect": r.effect.replace(" ", "_"), "state": str(r.state)} for r in replies]
        told += [{"schema": 1, "id": v.id, "effect": "removed", "state": str(v.schedule.state)} for v in makers]
        answer(told, words=[*(ids or ()), *(chains or ()), *(batches or ())])
    else:
        for r in replies:
            late = r.effect is CancelEffect.TOO_LATE
            if quiet or not late or len(wanted.ids) > 1:
                print(r.id if quiet else f"{r.id} {r.effect}" + (f": {r.state}" if late else ""))
        for view in makers:
            print(view.id if quiet else f"{view.id} removed: the schedule")
        if not (replies or makers or quiet):
            render.say("nothing to cancel")
        stopping = [r.id for r in replies if r.effect is CancelEffect.STOPPING]
        if not quiet and stopping and not flow.workers() and not all(flow.get(one).is_final for one in stopping):
            render.say("no worker runs: the next 'bgo run' ends what is left of it")
    if len(wanted.ids) == 1 and replies and replies[0].effect is CancelEffect.TOO_LATE:
        if as_json or quiet:
            raise typer.Exit(RefusedError.exit_code)
        raise RefusedError(
            f"{flow.get(replies[0].id).task.kind} {replies[0].id} cannot be cancelled",
            why=f"too late: it has {'been ' if replies[0].state == 'cancelled' else ''}{replies[0].state} already",
            hint=f"bgo status {replies[0].id}",
        )


def _question(tasks: int, schedules: int) -> str:
    """Return what is asked before several things are called off; that some are schedules is to be said."""
    if not schedules:
        return "Cancel these?"
    if not tasks:
        return "Remove these schedules?"
    return f"Cancel these, and remove {'a schedule' if schedules == 1 else f'{schedules:,} schedules'}?"


def _makers(flow: TaskFlow, wanted: Selector) -> list[ScheduleView]:
    """Return the schedules that the selection is about: all, those it names, and those that made what it selects."""
    if wanted.match_all:
        return flow.schedules()
    said = {view.id for word in wanted.schedules for view in flow.schedules(word)}
    said |= {view.task.schedule for view in flow.tasks(wanted, limit=MANY) if view.task.schedule is not None}
    return [view for view in flow.schedules() if view.id in said or _is_meant(view.to_json(), wanted)]


def _is_meant(made: dict[str, Any], wanted: Selector) -> bool:
    """Say whether what a schedule makes is selected by its name, queue and tags."""
    if wanted.ids or wanted.schedules or not (wanted.names or wanted.queues or wanted.tags):
        return False
    fits = (not wanted.names or made["name"] in wanted.names) and (not wanted.queues or made["queue"] in wanted.queues)
    return fits and set(wanted.tags) <= set(made["tags"])


def _reason(wanted: Selector, chains: list[str] | None, batches: list[str] | None) -> Reason:
    if wanted.match_all:
        return Reason.ALL
    if wanted.tags:
        return Reason.TAG
    if chains and len(chains) == len(wanted.ids):
        return Reason.CHAIN
    return Reason.BATCH if batches and len(batches) == len(wanted.ids) else Reason.USER

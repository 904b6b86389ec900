"""`bgo retry`: queues ended tasks again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bgo.cli import parse
from bgo.cli.flow import MANY, answer, flow_of, how_many, one_kind, wholes
from bgo.cli.params import (
    All,
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
from bgo.errors import UsageError
from bgo.model.state import FINAL, State

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.model.query import Selector


def retry(
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
    every: All = False,
    whole: Annotated[
        str | None, typer.Option("--input", metavar="JSON", help="Another input: JSON, @file, or - for stdin.")
    ] = None,
    pairs: Annotated[
        list[str] | None, typer.Option("-i", metavar="KEY=VALUE", help="Change this in the old input.")
    ] = None,
    yes: Yes = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Queue failed and cancelled tasks again: due now, under their old ids, with their attempts counted afresh.

    ID may also be a NAME: everything of that name that failed or was cancelled. A chain goes on from the step that
    failed, a batch with its members that failed; what has succeeded does not run again.
    """
    from bgo.cli import render
    from bgo.flow.many import REVIVABLE

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
    )
    need_selection(one_kind(wanted), "retry")
    if not wanted.ids and not wanted.states:
        wanted = replace(wanted, states=REVIVABLE)
    if not yes and (count := how_many(flow, wanted)) > 1:
        confirm("Run these again?", count, yes=yes, most=MANY)
    revived = flow.retry_where(wanted, _input(flow, wanted, whole, pairs))
    if as_json:
        told = [{"schema": 1, "id": task_id, "state": _state(flow, task_id)} for task_id in revived]
        return answer(told, words=[*(ids or ()), *(chains or ()), *(batches or ())])
    for task_id in revived:
        print(task_id if quiet else f"{task_id} {_said(flow, task_id)}")
    if not revived and not quiet:
        render.say("nothing to retry: nothing that failed or was cancelled fits")
    return None


def _said(flow: TaskFlow, task_id: str) -> str:
    """Return what became of it: a chain goes on, a task stands in its queue again."""
    view = flow.get(task_id)
    if view.task.kind == "chain":
        for step in flow.graph(task_id).steps:
            if step.state not in FINAL:
                return f"goes on from {step.name}"
    if view.task.kind == "batch" and view.counts is not None:
        left = view.counts["total"] - view.counts["succeeded"]
        return f"goes on with {left:,} of {view.counts['total']:,}"
    return _state(flow, task_id)


def _state(flow: TaskFlow, task_id: str) -> str:
    """Return where a revived task was put: in its queue, or behind another that has not succeeded."""
    view = flow.get(task_id)
    return "blocked" if view.state is State.BLOCKED else "queued" if view.task.kind == "task" else str(view.state)


def _input(flow: TaskFlow, wanted: Selector, whole: str | None, pairs: list[str] | None) -> dict[str, Any] | None:
    """Return the new input, or None to keep the old one."""
    if whole is None and not pairs:
        return None
    base: Any = {} if whole is None else parse.whole_input(whole)
    found = flow.tasks(wanted, limit=2)
    if len(found) != 1:
        raise UsageError(
            "a new input is for one task", why=f"this selects {len(found) or 'none'}", hint="bgo retry ID -i key=value"
        )
    if found[0].task.kind != "task":
        return {}  # the library says why not
    if whole is None:
        base = found[0].input
    return parse.input_of(flow.handler(found[0].task.handler), pairs or (), base) if pairs else base

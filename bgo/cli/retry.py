"""`bgo retry`: queues ended tasks again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bgo.cli import parse
from bgo.cli.flow import MANY, answer, flow_of, how_many, one_kind
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
    Yes,
    confirm,
    need_selection,
    selector,
)
from bgo.errors import UsageError

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

    ID may also be a NAME: every failed or cancelled task of that name.
    """
    from bgo.cli import render
    from bgo.flow.many import REVIVABLE

    flow = flow_of(ctx)
    wanted = selector(
        flow.clock.now_ms(),
        ids=ids,
        names=names,
        tags=tags,
        queues=queues,
        states=states,
        since=since,
        until=until,
        match_all=every,
    )
    need_selection(one_kind(wanted), "retry")
    if not wanted.ids and not wanted.states:
        wanted = replace(wanted, states=REVIVABLE)
    if not yes and (count := how_many(flow, wanted)) > 1:
        confirm("Run these tasks again?", count, yes=yes, most=MANY)
    revived = flow.retry_where(wanted, _input(flow, wanted, whole, pairs))
    if as_json:
        answer([{"schema": 1, "id": task_id, "state": _state(flow, task_id)} for task_id in revived], words=ids)
        return
    for task_id in revived:
        print(task_id if quiet else f"{task_id} {_state(flow, task_id)}")
    if not revived and not quiet:
        render.say("nothing to retry: no failed or cancelled task fits")


def _state(flow: TaskFlow, task_id: str) -> str:
    """Return where a revived task was put: in its queue, or behind another that has not succeeded."""
    from bgo.model.state import State

    return "blocked" if flow.get(task_id).state is State.BLOCKED else "queued"


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
    if whole is None:
        base = found[0].input
    return parse.input_of(flow.handler(found[0].task.handler), pairs or (), base) if pairs else base

"""What commands share: the flow of this call, the tasks that words select, and answers as objects or ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from bgo.cli.params import settings_of
from bgo.errors import NotFoundError, RefusedError, UsageError

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.model.query import Selector
    from bgo.model.schedule_view import ScheduleView

MANY = 1000
"""Up to so many tasks are counted before asking; beyond it the question says 'more than'."""


def flow_of(ctx: typer.Context) -> TaskFlow:
    """Return the flow of this call, closed at its end; nothing is opened before it is used."""
    from bgo.api import TaskFlow

    settings = settings_of(ctx)
    flow = TaskFlow(settings=settings)
    ctx.call_on_close(flow.close)
    return flow


def tell_broken(flow: TaskFlow) -> None:
    """Say on stderr which plugins that were named (--plugin, BGO_PLUGINS, the config) did not load."""
    if flow.settings.plugins.files and flow.settings.plugins.enabled:
        from bgo.cli import render

        for report in flow.plugins():
            if report.error and report.source in {"file", "module"}:
                render.say(f"{report.name} did not load: {render.line(report.error, 200)} (bgo plugins)")


def schedules_called(flow: TaskFlow, word: str) -> list[ScheduleView]:
    """Return the schedules that have this key, or that make what is called so; none is no error."""
    try:
        return flow.schedules(word)
    except NotFoundError:
        return []


def one_kind(wanted: Selector) -> Selector:
    """Return the selector, or refuse ids beside names: together they would select what is both."""
    if wanted.ids and wanted.names:
        raise UsageError(
            "ids and names in one call",
            why=f"{wanted.ids[0]} is an id, {wanted.names[0]} a name: nothing is both",
            hint="give ids, or names, and call twice for both",
        )
    return wanted


def made_by(flow: TaskFlow, wanted: Selector) -> Selector:
    """Return the selector; ids of schedules, which are of no task, stand for what these have made."""
    from dataclasses import replace

    makers = [word for word in wanted.ids if flow.is_schedule(word)]
    if not makers:
        return wanted
    if len(makers) < len(wanted.ids):
        raise UsageError(
            "ids of schedules and of tasks in one call",
            why=f"{makers[0]} stands for what this schedule has made",
            hint="call twice, or name what it made too",
        )
    return replace(wanted, ids=(), schedules=(*wanted.schedules, *makers))


def how_many(flow: TaskFlow, wanted: Selector) -> int:
    """Return how many tasks, chains and batches match, a whole as one; counting ends just beyond MANY."""
    return flow.count_wholes(wanted, MANY)


def wholes(flow: TaskFlow, chains: Iterable[str] | None, batches: Iterable[str] | None) -> list[str]:
    """Return the ids that --chain and --batch name. Each must be of its kind: a typo must not hit something else."""
    found = []
    for kind, words in (("chain", chains), ("batch", batches)):
        for word in words or ():
            view = flow.get(word)
            if view.task.kind != kind:
                raise RefusedError(
                    f"--{kind}: {view.id} is no {kind}", why=f"it is a {view.task.kind}", hint=f"bgo status {view.id}"
                )
            found.append(view.id)
    return found


def answer(found: Sequence[Mapping[str, Any]], *, words: Iterable[str] | None) -> None:
    """Print the JSON answer of a verb: one id asked for gives an object, everything else an array."""
    from bgo.cli import render

    asked = list(words or ())
    alone = len(asked) == 1 and not asked[0][:1].isalpha() and len(found) == 1
    render.write_json(found[0] if alone else list(found))

"""`bgo status`: one task in full, a name's tasks, or everything at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bgo.cli import parse
from bgo.cli.flow import flow_of, schedules_called
from bgo.cli.params import Json, Limit, Quiet
from bgo.errors import NotFoundError
from bgo.model.state import Reason, State

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.cli.facts import Fact
    from bgo.model.views import TaskView


def status(
    ctx: typer.Context,
    what: Annotated[
        str | None,
        typer.Argument(metavar="ID|NAME", help="A task, chain or batch, or all of a name; default: everything."),
    ] = None,
    limit: Limit = 50,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show a task, chain or batch in full (ID), all of a name, newest first (NAME), or everything at a glance."""
    flow = flow_of(ctx)
    if what is None:
        from bgo.cli import overview

        overview.show(flow, as_json=as_json, quiet=quiet)
    elif (word := parse.id_or_name(what))[0].isalpha():
        _named(flow, word, limit, as_json=as_json, quiet=quiet)
    elif flow.is_schedule(word):
        from bgo.cli.schedules import show_one

        print(word) if quiet else show_one(flow, word, as_json=as_json)
    else:
        _one(flow, flow.get(word), as_json=as_json, quiet=quiet, trace=ctx.obj.verbose > 0)


def _named(flow: TaskFlow, name: str, limit: int, *, as_json: bool, quiet: bool) -> None:
    from bgo.cli import render
    from bgo.model.query import Selector

    found = flow.tasks(Selector(names=(name,), kinds=()), limit=limit)
    if not found:
        if schedules := schedules_called(flow, name):
            first = schedules[0].schedule
            one = first.key or first.id
            why, tasks = "a schedule is, and it has made none yet", ""
            if first.counters.fired:
                why = f"a schedule is; the tasks that it makes are called {first.name}"
                tasks = f"bgo tasks --schedule {one}; "
            raise NotFoundError(f"no task is called {name}", why=why,
                                hint=f"bgo schedules show {one}; {tasks}bgo explain {one}")  # fmt: skip
        known = name in flow.catalogue()
        raise NotFoundError(
            f"nothing is called {name}",
            why="its handler is known, but nothing was queued yet" if known else "nothing of that name was queued",
            hint=f"bgo enqueue {name}" if known else "bgo tasks lists what there is",
        )
    if as_json:
        render.write_json([view.to_json() for view in found])
    elif quiet:
        for view in found:
            print(view.id)
    else:
        _tables(flow, found)


def _tables(flow: TaskFlow, found: list[TaskView]) -> None:
    """Print tasks as a table, and chains and batches of the same name as another."""
    from bgo.cli import wholes
    from bgo.cli.tasks import put_table

    now, color = flow.clock.now_ms(), flow.settings.color
    whole = [view for view in found if view.task.kind != "task"]
    single = [view for view in found if view.task.kind == "task"]
    if whole:
        wholes.put_table(whole, now, color=color)
    if whole and single:
        print()
    if single:
        put_table(single, now, color=color)


def _one(flow: TaskFlow, view: TaskView, *, as_json: bool, quiet: bool, trace: bool) -> None:
    from bgo.cli import render

    if as_json:
        render.write_json(view.to_json())
        return
    if quiet:
        print(view.id)
        return
    if view.task.kind != "task":
        from bgo.cli import wholes

        return wholes.show(flow, view)
    from bgo.cli.facts import facts, told_options

    task, now = view.task, flow.clock.now_ms()
    title = render.safe(f"{task.id}  ", "bold")
    title.append_text(render.safe(f"{task.name}  ", "bold"))
    title.append_text(render.state_text(task.state, paused=view.paused))
    error = view.error if task.state is not State.SUCCEEDED else None
    rows: list[Fact] = [
        ("reason", None if task.reason in {"new", "done", "claimed"} else _reason(flow, view)),
        ("cancel", "asked for; its worker is stopping it" if task.cancel_reason and not view.is_final else None),
        *(("held by", _hold(hold)) for hold in view.holds),
        ("progress", _progress(view)),
        ("error", None if error is None else f"{error.type}: {error.message}"),
        ("trace", error.trace if trace and error is not None else None),
        ("output", None if view.output is None else render.dumps(view.output)),
        ("handler", task.handler if task.handler != task.name else None),
        ("input", render.dumps(view.input) if view.input else None),
        ("command", None if view.argv is None else _command(view.argv)),
        ("runs in", task.cwd),
        ("queue", f"{task.queue}, priority {task.priority}" if task.priority else task.queue),
        ("tags", ", ".join(task.tags)),
        ("runs", _runs(view)),
        *told_options(task.wish),
        ("queued", told_instant(task.created_at, now)),
        ("due", told_instant(task.due_at, now) if task.due_at > now or task.due_at - task.created_at > 1000 else None),
        ("started", told_instant(task.started_at, now)),
        ("ended", told_instant(task.finished_at, now)),
        ("took", render.duration(view.duration_ms())),
        ("part of", _inside(view)),
        ("schedule", _made_by(view)),
        ("next", _next(view)),
    ]
    return facts(rows, color=flow.settings.color, title=title)


def _reason(flow: TaskFlow, view: TaskView) -> str:
    """Return why it stands where it stands; of what the device stopped, which constraint was lost."""
    if view.task.reason != Reason.DEVICE:
        return view.task.reason
    from bgo.cli.history import lost_words
    from bgo.model.query import Selector

    last = flow.history(Selector(ids=(view.id,)), limit=1)
    told = lost_words(last[0]) if last else None
    return view.task.reason if told is None else f"{view.task.reason}: {told}"


def _made_by(view: TaskView) -> str | None:
    if view.task.schedule is None or view.task.occurrence is None:
        return None
    from bgo.cli import render

    return f"{view.task.schedule}, for {render.local_time(view.task.occurrence)}"


def _inside(view: TaskView) -> str | None:
    said = [f"{kind} {inside}" for kind, inside in (("batch", view.batch_id), ("chain", view.chain_id)) if inside]
    return ", ".join(said) or None


def _hold(hold: Any) -> str:
    until = ""
    if hold.until_ms is not None:
        from bgo.cli import render

        until = f" (until {render.local_time(hold.until_ms)})"
    return f"{hold.told}{until}" + (f"; {hold.lift}" if hold.lift else "")


def _progress(view: TaskView) -> str:
    share = "" if view.task.progress is None else f"{view.task.progress:.0%}"
    return f"{share} {view.task.progress_message}".strip()


def _command(argv: tuple[str, ...]) -> str:
    import shlex

    return shlex.join(argv)


def _runs(view: TaskView) -> str | None:
    task = view.task
    if not task.run:
        return None
    tries = f", attempt {max(1, task.attempt)} of {task.max_attempts}" if task.max_attempts > 1 else ""
    lost = f", {task.losses} lost in a row" if task.losses else ""
    return f"{task.run}{tries}{lost}"


def told_instant(ms: int | None, now: int) -> str | None:
    """Return an instant in local time, how far away it is, and in UTC; None for None."""
    if ms is None:
        return None
    from bgo.cli import render
    from bgo.clock import to_iso

    local = render.local_time(ms)
    return f"{local} ({render.ago(ms, now)}" + (")" if local.endswith("UTC") else f"; {to_iso(ms)})")


def _next(view: TaskView) -> str:
    task_id = view.id
    match view.state:
        case State.FAILED:
            return f"bgo logs {task_id}; bgo history {task_id}; bgo retry {task_id}"
        case State.CANCELLED:
            return f"bgo retry {task_id}"
        case State.SUCCEEDED:
            return f"bgo logs {task_id}; bgo enqueue --like {task_id}"
        case State.RUNNING:
            return f"bgo logs -f {task_id}; bgo wait {task_id}; bgo cancel {task_id}"
        case _:
            return f"bgo explain {task_id}; bgo cancel {task_id}"

"""`bgo edit` and `bgo bump`: change waiting tasks."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bgo.cli import parse
from bgo.cli.flow import answer, flow_of
from bgo.cli.params import Ids, Json, Quiet
from bgo.errors import UsageError

if TYPE_CHECKING:
    from bgo.api import TaskFlow

WORDS = {"due_at": "due time"}


def edit(
    ctx: typer.Context,
    task_id: Annotated[
        str, typer.Argument(metavar="ID", help="An id, its unique beginning, or @last.", show_default=False)
    ],
    priority: Annotated[
        int | None, typer.Option(parser=parse.priority, metavar="N", help="-100 to 100, or low, normal, high.")
    ] = None,
    queue: Annotated[str | None, typer.Option("--queue", metavar="QUEUE", help="Into this queue.")] = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Not before: 14:30, 'tomorrow 9:00', a date; now.")
    ] = None,
    delay: Annotated[
        timedelta | None, typer.Option(parser=parse.duration, metavar="TIME", help="Not before: 90s, 5m, 1h30m.")
    ] = None,
    whole: Annotated[
        str | None, typer.Option("--input", metavar="JSON", help="Another input: JSON, @file, or - for stdin.")
    ] = None,
    pairs: Annotated[
        list[str] | None, typer.Option("-i", metavar="KEY=VALUE", help="Change this in the input.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Change a task that waits: its priority, queue, time or input. What runs or has ended is refused.

    bgo edit @last --queue high -i path=/data
    """
    from bgo.cli import render

    flow = flow_of(ctx)
    due = None if at is None else _instant(at, flow)
    data = _input(flow, task_id, whole, pairs or [])
    changed = flow.edit(task_id, priority=priority, queue=queue, at=due, delay=delay, input=data)
    view = flow.get(task_id)
    if as_json:
        render.write_json({"schema": 1, "id": view.id, "state": str(view.state), "changed": list(changed)})
    elif quiet:
        print(view.id)
    else:
        names = ", ".join(WORDS.get(name, name) for name in changed)
        print(f"{view.id} {names + ' changed' if names else 'is so already'}")


def _instant(text: str, flow: TaskFlow) -> int:
    try:
        return parse.instant_ms(text, flow.clock.now_ms())
    except UsageError as error:
        raise UsageError(f"--at: {error.message}", why=error.why, hint=error.hint) from None


def _input(flow: TaskFlow, task_id: str, whole: str | None, pairs: list[str]) -> dict[str, Any] | None:
    """Return the new input, None to keep the old one: pairs are laid over --input, or over what the task has."""
    base = None if whole is None else parse.whole_input(whole)
    if not pairs:
        return base
    from bgo.flow.steering import known

    view = flow.get(task_id)
    return parse.input_of(known(flow, view.task.handler), pairs, view.input if base is None else base)


def bump(ctx: typer.Context, ids: Ids = None, as_json: Json = False, quiet: Quiet = False) -> None:
    """Put waiting tasks before all others, due now; the last one bumped goes first."""
    words = [parse.id_or_name(word) for word in ids or ()]
    if names := [word for word in words if word[0].isalpha()]:
        raise UsageError(f"not an id: {names[0]!r:.80}", why="bump takes ids", hint="bgo tasks lists them")
    flow = flow_of(ctx)
    bumped = flow.bump(*words)
    if as_json:
        states = {view.id: str(view.state) for view in (flow.get(task_id) for task_id in bumped)}
        return answer([{"schema": 1, "id": i, "state": state} for i, state in states.items()], words=ids)
    for task_id in bumped:
        print(task_id if quiet else f"{task_id} goes first")
    return None

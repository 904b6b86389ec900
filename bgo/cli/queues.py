"""`bgo queues`: how work is shared out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bgo.cli.flow import flow_of
from bgo.cli.lazy import group
from bgo.cli.params import Json, Quiet, settings_of
from bgo.errors import UsageError

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.model.query import QueueRow

app = group("Look after the queues: their shares, limits and pauses.", default_verb="list")


@app.command("list")
def list_(ctx: typer.Context, as_json: Json = False, quiet: Quiet = False) -> None:
    """List the queues. The weight is a queue's share of the starts, the reserve are slots kept free for it, and its
    own slots are how many of it may run at once over all workers."""
    from dataclasses import asdict

    from bgo.cli import render

    rows = sorted(flow_of(ctx).queues(), key=lambda row: (-row.weight, row.name))
    if as_json:
        render.write_json([{"schema": 1, **asdict(row)} for row in rows])
    elif quiet:
        print(*(row.name for row in rows), sep="\n")
    else:
        columns = [
            render.Column("QUEUE", least=8),
            render.Column("WEIGHT", right=True),
            render.Column("RESERVE", right=True, drop=1),
            render.Column("SLOTS", right=True, drop=2),
            render.Column("WAITING", right=True),
            render.Column("RUNNING", right=True),
            render.Column("PAUSED"),
        ]
        body = [
            (
                r.name,
                f"{r.weight:g}",
                r.reserve,
                "any" if r.slots is None else f"{r.slots:,}",
                f"{r.waiting:,}",
                f"{r.running:,}",
                "paused" if r.paused else "",
            )
            for r in rows
        ]
        out = render.console(color=settings_of(ctx).color)
        out.print(render.table(columns, body, out.width))


def _slots(text: str) -> int | str:
    """Return how many may run at once; `none` means any number."""
    word = text.strip().lower()
    if word == "none":
        return word
    if not (word.lstrip("-").isdecimal() and word.isascii() and len(word) < 20):
        why = "it is how many of its tasks may run at once, over all workers"
        raise UsageError(f"not a number of slots: {text!r:.60}", why=why, hint="--slots 2, or --slots none")
    return int(word)


Name = Annotated[str, typer.Argument(metavar="QUEUE", help="An own queue, or critical, high, default, low.")]
NewName = Annotated[str, typer.Argument(metavar="NAME", help="A new name.")]
WEIGHT_HELP = "Its share of the starts; critical has 100, high 10, default 1, low 0.1."
Weight = Annotated[float | None, typer.Option(metavar="W", help=WEIGHT_HELP)]
Reserve = Annotated[int | None, typer.Option(metavar="N", help="Slots kept free for it.")]
SLOTS_HELP = "How many of it may run at once over all workers, or none for any number."
Slots = Annotated[Any, typer.Option(parser=_slots, metavar="N", help=SLOTS_HELP)]


@app.command("add")
def add(
    ctx: typer.Context,
    name: NewName,
    weight: Weight = 1.0,
    reserve: Reserve = 0,
    slots: Slots = None,
    as_json: Json = False,
) -> None:
    """Make a queue of your own. It stays until the configuration says otherwise."""
    limit = None if slots == "none" else slots
    flow = flow_of(ctx)
    flow.add_queue(name, weight=1.0 if weight is None else weight, reserve=reserve or 0, slots=limit)
    if as_json:
        return _tell_json(flow, name)
    print(f"added queue {name}: bgo enqueue --queue {name} …")
    return None


@app.command("set")
def set_(
    ctx: typer.Context,
    name: Name,
    weight: Weight = None,
    reserve: Reserve = None,
    slots: Slots = None,
    as_json: Json = False,
) -> None:
    """Change a queue at once, for all workers. What the configuration names of it wins at the next command."""
    from bgo.cli import render

    flow = flow_of(ctx)
    flow.set_queue(name, weight=weight, reserve=reserve, slots=slots)
    if as_json:
        return _tell_json(flow, name)
    row = _row(flow, name)
    limit = "" if row.slots is None else f", slots {row.slots:,}"
    print(f"queue {name}: weight {row.weight:g}, reserve {row.reserve:,}{limit}")
    said = {"weight": weight, "reserve": reserve, "slots": slots}
    if undone := [key for key in _configured(flow, name) if said[key] is not None]:
        render.say(f"the config names its {' and '.join(undone)}, and will win: {flow.settings.config_path}")
    return None


def _configured(flow: TaskFlow, name: str) -> list[str]:
    """Return what the configuration names of a queue."""
    if f"queues.{name}" not in flow.settings.origins:
        return []
    return [key for key, value in flow.settings.queues[name]._asdict().items() if value is not None]


@app.command("weight")
def weight_(
    ctx: typer.Context,
    name: Name,
    weight: Annotated[float, typer.Argument(metavar="W", help=WEIGHT_HELP)],
    as_json: Json = False,
) -> None:
    """Change a queue's weight: short for bgo queues set QUEUE --weight W."""
    set_(ctx, name, weight=weight, as_json=as_json)


@app.command("pause")
def pause(ctx: typer.Context, name: Name, as_json: Json = False) -> None:
    """Start no more of a queue; what runs goes on. The same as bgo pause --queue QUEUE."""
    from bgo.cli import pause as pausing

    pausing.pause(ctx, queue=name, as_json=as_json)


@app.command("resume")
def resume(ctx: typer.Context, name: Name, as_json: Json = False) -> None:
    """Let a queue start again. The same as bgo resume --queue QUEUE."""
    from bgo.cli import pause as pausing

    pausing.resume(ctx, queue=name, as_json=as_json)


def _row(flow: TaskFlow, name: str) -> QueueRow:
    return next(row for row in flow.queues() if row.name == name)


def _tell_json(flow: TaskFlow, name: str) -> None:
    from dataclasses import asdict

    from bgo.cli import render

    render.write_json({"schema": 1, **asdict(_row(flow, name))})

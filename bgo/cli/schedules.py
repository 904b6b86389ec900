"""`bgo schedules`: list schedules, show one, pause, resume, foresee them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from bgo.cli import schedule_shown as shown
from bgo.cli import schedules_files
from bgo.cli.flow import flow_of
from bgo.cli.lazy import group
from bgo.cli.params import OUTPUT, Json, Quiet

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.model.schedule_view import ScheduleView

app = group("List schedules, show one, pause, resume, foresee, import them.", default_verb="list")

Word = Annotated[str, typer.Argument(metavar="ID", help="An id, a key, or a name.", show_default=False)]


@app.command("list")
def list_(
    ctx: typer.Context,
    word: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="An id, a key, or a name.", show_default=False)
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """List schedules: when each fires, when next, and what became of its occurrences so far."""
    from bgo.cli import render

    flow = flow_of(ctx)
    found = flow.schedules(word)
    if as_json:
        render.write_json([view.to_json() for view in found])
    elif quiet:
        for view in found:
            print(view.id)
    elif found:
        shown.put_table(found, flow.clock.now_ms(), color=flow.settings.color)
    else:
        render.say("no schedule yet: bgo schedule NAME --every 1h")


@app.command("show")
def show(ctx: typer.Context, word: Word, as_json: Json = False) -> None:
    """Show a schedule: when it fires, what it makes, what became of its last occurrences, which come next."""
    show_one(flow_of(ctx), word, as_json=as_json)


def show_one(flow: TaskFlow, word: str, *, as_json: bool) -> None:
    """Print one schedule in full, as facts and tables or as an object."""
    from bgo.cli import render

    view = flow.get_schedule(word)
    if as_json:
        from bgo.model.schedule_view import occurrence_json

        done = [occurrence_json(row) for row in view.occurrences]
        render.write_json({**view.to_json(), "occurrences": done, "coming": [c.to_json() for c in view.coming]})
        return
    shown.put_facts(flow, view)
    color = flow.settings.color
    if view.occurrences:
        shown.put_done(view.occurrences, flow.clock.now_ms(), color=color)
    shown.put_coming(view.coming, flow.clock.now_ms(), color=color)


@app.command("preview")
def preview(
    ctx: typer.Context,
    word: Word,
    count: Annotated[
        int, typer.Option("--count", "-n", min=1, max=10_000, metavar="N", help="So many.", rich_help_panel=OUTPUT)
    ] = 10,
    since: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="From then on; default: now.", rich_help_panel=OUTPUT)
    ] = None,
    as_json: Json = False,
) -> None:
    """Show when a schedule fires next, with a note on days on which clocks change."""
    from bgo.cli import parse, render
    from bgo.model.schedule import Reboot

    flow = flow_of(ctx)
    now = flow.clock.now_ms()
    found = flow.preview(word, count, since=None if since is None else parse.instant_ms(since, now) - 1)
    if as_json:
        render.write_json([each.to_json() for each in found])
    elif found:
        shown.put_coming(found, now, color=flow.settings.color)
    else:
        is_reboot = isinstance(flow.get_schedule(word).schedule.timing.rule, Reboot)
        render.say(f"{'it fires at the start of this computer' if is_reboot else 'no occurrence is left'}; "
                   f"bgo schedules show {word}")  # fmt: skip


@app.command("pause")
def pause(ctx: typer.Context, word: Word, as_json: Json = False, quiet: Quiet = False) -> None:
    """Let a schedule fire no more until it is resumed; what it has made runs on."""
    flow = flow_of(ctx)
    told(flow.pause_schedule(word), "does not fire until it is resumed", as_json=as_json, quiet=quiet)


@app.command("resume")
def resume(ctx: typer.Context, word: Word, as_json: Json = False, quiet: Quiet = False) -> None:
    """Let a schedule fire again, from now on: what it did not make meanwhile is not made."""
    flow = flow_of(ctx)
    told(flow.resume_schedule(word), "fires again", as_json=as_json, quiet=quiet)


def told(views: Sequence[ScheduleView], what: str, *, as_json: bool, quiet: bool) -> None:
    """Print what became of schedules: their ids, an object for one, an array for more, or a line for each."""
    from bgo.cli import render

    if as_json:
        found = [{"schema": 1, "id": v.id, "key": v.schedule.key, "name": v.schedule.name} for v in views]
        for each, view in zip(found, views, strict=True):
            each["state"] = str(view.schedule.state)
        render.write_json(found[0] if len(found) == 1 else found)
        return
    for view in views:
        print(view.id if quiet else render.clean(f"{view.id} ({view.schedule.key or view.schedule.name}) {what}"))


app.command("apply")(schedules_files.apply)
app.command("import")(schedules_files.import_)

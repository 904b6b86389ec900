"""`bgo schedules`: list schedules, show one, pause, resume, foresee them, fire one now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from bgo.cli import schedule_shown as shown
from bgo.cli import schedules_files
from bgo.cli.flow import flow_of
from bgo.cli.lazy import group
from bgo.cli.params import OUTPUT, SELECTION, Json, Limit, Quiet
from bgo.cli.whole import RESULT, Wait
from bgo.errors import UsageError
from bgo.model.schedule import ScheduleState

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.model.schedule_view import ScheduleView

app = group("List schedules, show one, pause, resume, foresee, import them, or fire one now.", default_verb="list")

Word = Annotated[str, typer.Argument(metavar="ID", help="An id, a key, or a name.", show_default=False)]
Words = Annotated[list[str], typer.Argument(metavar="ID", help="Ids, keys or names.", show_default=False)]


@app.command("list")
def list_(
    ctx: typer.Context,
    word: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="An id, a key, or a name.", show_default=False)
    ] = None,
    states: Annotated[
        list[ScheduleState] | None,
        typer.Option("--state", help="In this state; repeat for any.", metavar="STATE", rich_help_panel=SELECTION),
    ] = None,
    limit: Limit = 50,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """List schedules: when each fires, when next, and what became of its occurrences so far."""
    from bgo.cli import render

    flow = flow_of(ctx)
    every = [view for view in flow.schedules(word) if not states or view.schedule.state in states]
    found = every[:limit]
    if as_json:
        render.write_json([view.to_json() for view in found])
    elif quiet:
        for view in found:
            print(view.id)
    elif found:
        shown.put_table(found, flow.clock.now_ms(), color=flow.settings.color)
        if len(every) > limit:
            render.say(f"the oldest {limit:,} of {len(every):,}; more with --limit N")
    elif states:
        render.say("no schedule fits")
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
        coming = [each.to_json() for each in view.coming]
        render.write_json({**view.to_json(), "occurrences": done, "due": view.due, "coming": coming})
        return
    shown.put_facts(flow, view)
    color = flow.settings.color
    if view.occurrences:
        shown.put_done(view.occurrences, flow.clock.now_ms(), color=color)
    shown.put_coming(view.coming, flow.clock.now_ms(), view.schedule.timing.zone, color=color)


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
    now, timing = flow.clock.now_ms(), flow.get_schedule(word, recent=0, coming=0).schedule.timing
    found = flow.preview(word, count, since=None if since is None else parse.instant_ms(since, now) - 1)
    if as_json:
        render.write_json([each.to_json() for each in found])
    elif found:
        shown.put_coming(found, now, timing.zone, color=flow.settings.color)
    else:
        is_reboot = isinstance(timing.rule, Reboot)
        render.say(f"{'it fires at the start of this computer' if is_reboot else 'no occurrence is left'}; "
                   f"bgo schedules show {word}")  # fmt: skip


@app.command("pause")
def pause(ctx: typer.Context, words: Words, as_json: Json = False, quiet: Quiet = False) -> None:
    """Let schedules fire no more until they are resumed; what they have made runs on."""
    flow = flow_of(ctx)
    found = each(flow, words, flow.pause_schedule)
    told(found, "does not fire until it is resumed", as_json=as_json, quiet=quiet)


@app.command("resume")
def resume(ctx: typer.Context, words: Words, as_json: Json = False, quiet: Quiet = False) -> None:
    """Let schedules fire again, from now on: what they did not make meanwhile is not made."""
    flow = flow_of(ctx)
    told(each(flow, words, flow.resume_schedule), "fires again", as_json=as_json, quiet=quiet)


def each(flow: TaskFlow, words: Sequence[str], do: Callable[[str], list[ScheduleView]]) -> list[ScheduleView]:
    """Do something to all schedules that words mean, each once; a word that means none refuses the whole call."""
    if len(words) == 1:
        return do(words[0])
    found = {view.id: view.schedule.state for word in words for view in flow.schedules(word)}
    # what is finished can neither be paused nor resumed: it refuses the call before anything is done
    ids = sorted(found, key=lambda one: found[one] is not ScheduleState.FINISHED)
    return [view for one in ids for view in do(one)]


@app.command("run")
def run(
    ctx: typer.Context,
    word: Word,
    wait: Wait = False,
    here: Annotated[
        bool,
        typer.Option(
            "--run", help="Execute it here and now; exit with its result.", metavar="", rich_help_panel=RESULT
        ),
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make now what a schedule makes, and print its id. It is no occurrence: nothing is counted, the next one stays.

    Of paused and finished schedules too. It comes in beside what is unfinished, whatever --overlap says.
    """
    from bgo.cli import enqueued

    if here and wait:
        raise UsageError("--run and --wait contradict each other", why="--run executes it here", hint="give one")
    flow = flow_of(ctx)
    made = flow.make_now(word)
    if wait or here:
        from bgo.cli import follow

        if not (as_json or quiet):
            enqueued.tell_survivor(made)
        end = follow.here if here else follow.until_end
        raise typer.Exit(end(flow, made.id, follow.Style(as_json=as_json, quiet=quiet)))
    if as_json:
        from bgo.cli import render

        return render.write_json({"schema": 1, "id": made.id, "state": str(made.state), "outcome": made.outcome})
    return enqueued.tell(flow, made, quiet=quiet)


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

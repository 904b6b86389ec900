"""`bgo run`: executes what is due, here and now."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from bgo.cli import device as about
from bgo.cli import parse
from bgo.cli.flow import flow_of, tell_broken
from bgo.cli.params import OUTPUT
from bgo.errors import UsageError
from bgo.model.device import NO_FACTS, Facts

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.cli.live import Area
    from bgo.run.bench import RunOptions
    from bgo.run.report import HookEvent, RunReport, ScheduleEvent, WorkerEvent

SIGNAL_CODES = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129}
LIMITS = "Limits"


@about.device
def run(
    ctx: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Stay, and run what comes.", metavar="")] = False,
    until_empty: Annotated[
        bool, typer.Option("--until-empty", help="Also wait for retries and delays; not for holds.", metavar="")
    ] = False,
    for_ms: Annotated[
        int | None,
        typer.Option(
            "--for",
            parser=parse.duration_ms,
            metavar="TIME",
            help="Start nothing after so long; what runs may finish.",
            rich_help_panel=LIMITS,
        ),
    ] = None,
    max_tasks: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Start at most so many.", rich_help_panel=LIMITS)
    ] = None,
    slots: Annotated[
        int | None,
        typer.Option(
            min=1, max=1000, metavar="N", help="So many at once, not counting other workers.", rich_help_panel=LIMITS
        ),
    ] = None,
    queue: Annotated[
        list[str] | None,
        typer.Option(metavar="QUEUE", help="Only this queue; repeat for several.", rich_help_panel=LIMITS),
    ] = None,
    grace_ms: Annotated[
        int | None,
        typer.Option(
            "--grace",
            parser=parse.duration_ms,
            metavar="TIME",
            help="At the end, hand back what still runs after so long.",
            rich_help_panel=LIMITS,
        ),
    ] = None,
    facts: Facts = NO_FACTS,
    assume: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="What it is where its sensors know nothing, from now on; unknown forgets it.",
            rich_help_panel=about.DEVICE,
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 1 if a task finally failed.", metavar="", rich_help_panel=OUTPUT)
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print nothing but errors.", metavar="", rich_help_panel=OUTPUT)
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print each event as a JSON line.", metavar="", rich_help_panel=OUTPUT)
    ] = False,
) -> None:
    """Execute everything that is due, then end; safe to start every minute from cron.

    By the rules of this computer, or of a phone: bgo run --profile android.

    Ctrl-C: nothing more is started, running tasks get 30 s and are then handed back; a second one hands back at once.
    """
    from bgo.run.bench import RunOptions
    from bgo.run.notify import Notifier

    notifier = Notifier.take(os.environ)
    if watch and until_empty:
        raise UsageError(
            "--watch and --until-empty contradict each other", why="one stays, the other ends", hint="give one of them"
        )
    options = RunOptions(
        slots=slots,
        queues=frozenset(queue) if queue else None,
        watch=watch,
        until_empty=until_empty,
        for_ms=for_ms,
        max_tasks=max_tasks,
        grace_ms=grace_ms,
        notifier=notifier,
    )
    if assume:
        about.remember(ctx, assume)
    mode = "quiet" if quiet else "json" if as_json else "words"
    flow = flow_of(ctx)
    tell_broken(flow)
    report = _run(flow, options, facts, mode)
    if report.stopped_by:
        raise typer.Exit(SIGNAL_CODES.get(report.stopped_by, 143))
    if check and report.failed:
        raise typer.Exit(1)


def _run(flow: TaskFlow, options: RunOptions, facts: Facts, mode: str) -> RunReport:
    """Run with a teller; an output that nobody takes any more ends the run as SIGTERM would."""
    from bgo.cli.live import Area, is_terminal

    with ExitStack() as stack:
        area = None
        if mode == "words" and is_terminal():
            area = stack.enter_context(Area(color=flow.settings.color, clock=flow.clock))
        teller = Teller(area, mode)
        report = flow.run(
            options,
            device=facts,
            listener=teller.hear,
            hook_listener=teller.hear_hook,
            schedule_listener=teller.hear_schedule,
            on_ready=teller.watches if options.watch else None,
        )
    teller.close(report, flow.clock.now_ms())
    return report


class Teller:
    """Tells what the worker does: live rows and lines on a terminal, plain lines or NDJSON elsewhere, or nothing."""

    def __init__(self, area: Area | None, mode: str) -> None:
        self._area = area
        self._mode = mode
        self._failure: OSError | None = None
        self._on_screen = area is not None and sys.stdout.isatty()

    def watches(self) -> None:
        """Say what an idle worker does, from now on: before it was ready, Ctrl-C ended it less politely."""
        if self._area is not None:
            self._area.idle = "waits for work; Ctrl-C ends"

    def hear(self, event: WorkerEvent) -> None:
        """Take an event of the worker. Never raises: a full disk or a closed pipe must not cost a task its run."""
        if self._area is not None:
            show(self._area, event)
        if self._failure is None:
            try:
                self._print(event)
            except OSError as error:
                self._failure = error
                os.kill(os.getpid(), signal.SIGTERM)

    def hear_hook(self, event: HookEvent) -> None:
        """Take what went wrong with a hook. Never raises."""
        from bgo.cli import tell

        self._say(event, tell.hook(event))

    def hear_schedule(self, event: ScheduleEvent) -> None:
        """Take which schedule has paused itself. Never raises."""
        from bgo.cli import tell

        self._say(event, tell.schedule(event))

    def _say(self, event: HookEvent | ScheduleEvent, words: str) -> None:
        from bgo.cli import render
        from bgo.clock import to_local

        if self._failure is not None or self._mode == "quiet":
            return
        try:
            if self._mode == "json":
                render.write_event(event.to_json())
            elif self._on_screen and self._area is not None:
                self._area.say(render.safe(f"! {words}", "yellow"))
            else:
                print(f"{to_local(event.at):%H:%M:%S} {words}", flush=True)
        except OSError as error:
            self._failure = error
            os.kill(os.getpid(), signal.SIGTERM)

    def _print(self, event: WorkerEvent) -> None:
        from bgo.cli import render, tell

        if self._mode == "json":
            render.write_event(event.to_json())
        elif self._mode == "quiet" or event.type == "progress":
            return
        elif self._on_screen and self._area is not None:
            if event.type != "started":
                self._area.say(tell.colored(event))
        else:
            print(tell.plain(event), flush=True)

    def close(self, report: RunReport, now_ms: int) -> None:
        """Tell how it went in all. Without a terminal, nothing done is nothing said."""
        from bgo.cli import render, tell

        if self._failure is not None:
            raise self._failure
        if self._mode == "json":
            render.write_event(report.to_json())
        elif self._mode == "words" and (sys.stdout.isatty() or report.started or report.rescued or report.stopped_by):
            print(tell.summary(report, now_ms), file=sys.stderr if self._on_screen else sys.stdout)


def show(area: Area, event: WorkerEvent) -> None:
    """Bring the rows of the live area up to date."""
    from bgo.cli.live import Row

    task, held = event.task, area.rows.get(event.task.id)
    if event.type == "started":
        area.put(Row(task.id, task.name, event.at))
    elif event.type == "progress" and held is not None:
        area.put(Row(task.id, task.name, held.since, event.fraction, event.message))
    elif event.type not in {"progress", "soft_timeout", "suspended", "continued"}:
        area.drop(task.id)

"""`bgo enqueue`: queues one task. The hot command: what it does not need for that, it does not import.

Its annotations are values, not texts: Typer would compile each of them at every call, which costs 5 ms.
"""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bgo.cli import enqueued, limits, parse
from bgo.cli.asked import Asked, spec_of
from bgo.cli.flow import flow_of, tell_broken
from bgo.cli.lazy import argv_of
from bgo.cli.params import DryRun, Json, Quiet
from bgo.errors import UsageError
from bgo.model.options import NetworkConstraint, RetryPolicy, TaskTimeout

if TYPE_CHECKING:
    from datetime import tzinfo

    from bgo.api import TaskFlow

WHAT, WHEN, LIMITS, KIND, RESULT = "What", "When and where", "Limits", "One of a kind", "Result"


def enqueue(
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="The handler; see 'bgo handlers'.", show_default=False)
    ] = None,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE", help="The input: key=text, key:=JSON, key=@file.", show_default=False),
    ] = None,
    whole: Annotated[
        str | None,
        typer.Option("--input", metavar="JSON", help="The input: JSON, @file, or - for stdin.", rich_help_panel=WHAT),
    ] = None,
    pairs: Annotated[
        list[str] | None,
        typer.Option("-i", metavar="KEY=VALUE", help="One more piece of input.", rich_help_panel=WHAT),
    ] = None,
    like: Annotated[
        str | None, typer.Option(metavar="ID", help="Copy this task; options override.", rich_help_panel=WHAT)
    ] = None,
    as_: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="The task's own name; default: the handler's.", rich_help_panel=WHAT),
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(metavar="TAG", help="To list and cancel by.", rich_help_panel=WHAT)
    ] = None,
    cwd: Annotated[
        str | None, typer.Option(metavar="DIR", help="Run there; default: here.", rich_help_panel=WHAT)
    ] = None,
    env: Annotated[
        list[str] | None,
        typer.Option(metavar="K[=V]", help="A variable that a command keeps, or gets.", rich_help_panel=WHAT),
    ] = None,
    allow_unknown: Annotated[
        bool, typer.Option("--allow-unknown", help="Nobody brings NAME yet.", metavar="", rich_help_panel=WHAT)
    ] = False,
    queue: Annotated[
        str | None,
        typer.Option(metavar="QUEUE", help="critical, high, default, low, or an own one.", rich_help_panel=WHEN),
    ] = None,
    priority: Annotated[
        int | None,
        typer.Option(
            parser=parse.priority, metavar="N", help="-100 to 100, or low, normal, high.", rich_help_panel=WHEN
        ),
    ] = None,
    delay: Annotated[
        timedelta | None,
        typer.Option(parser=parse.duration, metavar="TIME", help="Not before: 90s, 5m, 1h30m.", rich_help_panel=WHEN),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Not before: 14:30, 'tomorrow 9:00', a date.", rich_help_panel=WHEN),
    ] = None,
    after: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Only once that task has succeeded; repeat.", rich_help_panel=WHEN),
    ] = None,
    start_before: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Cancelled if not begun by then: 2h, 18:00.", rich_help_panel=WHEN),
    ] = None,
    finish_before: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Cancelled if it waits by then.", rich_help_panel=WHEN),
    ] = None,
    window: Annotated[
        str | None,
        typer.Option(
            metavar="HOURS", help="Starts only then: off-peak, 9-17@mon-fri, 22:00-06:00.", rich_help_panel=WHEN
        ),
    ] = None,
    window_strict: Annotated[
        bool,
        typer.Option(
            "--window-strict",
            help="What runs when the window closes is stopped, and waits for the next.",
            metavar="",
            rich_help_panel=WHEN,
        ),
    ] = False,
    tz: Annotated[
        str | None,
        typer.Option(metavar="ZONE", help="Whose hours and times: Europe/Berlin; default: here.", rich_help_panel=WHEN),
    ] = None,
    network: Annotated[
        NetworkConstraint | None,
        typer.Option(
            metavar="KIND", help="Needs one: connected, unmetered, not-roaming, metered; none.", rich_help_panel=WHEN
        ),
    ] = None,
    battery_not_low: Annotated[
        bool, typer.Option("--battery-not-low", help="Not with a low battery.", metavar="", rich_help_panel=WHEN)
    ] = False,
    charging: Annotated[
        bool, typer.Option("--charging", help="Only while the device charges.", metavar="", rich_help_panel=WHEN)
    ] = False,
    device_idle: Annotated[
        bool, typer.Option("--device-idle", help="Only while nobody uses it.", metavar="", rich_help_panel=WHEN)
    ] = False,
    storage_not_low: Annotated[
        bool, typer.Option("--storage-not-low", help="Not while storage is short.", metavar="", rich_help_panel=WHEN)
    ] = False,
    cpu_below: Annotated[
        int | None,
        typer.Option(
            parser=parse.cpu_below,
            metavar="PERCENT",
            help="Starts only while the processors are less busy.",
            rich_help_panel=WHEN,
        ),
    ] = None,
    unused_for: Annotated[
        timedelta | None,
        typer.Option(
            parser=parse.duration,
            metavar="TIME",
            help="Only when nobody has touched the device for so long.",
            rich_help_panel=WHEN,
        ),
    ] = None,
    on_network: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only on this network; repeat for any of several.", rich_help_panel=WHEN),
    ] = None,
    relax: Annotated[
        list[str] | None,
        typer.Option(
            metavar="AGE:WHAT",
            help="Asks only for WHAT when it is so old: 1d:network=connected, 3d:none.",
            rich_help_panel=WHEN,
        ),
    ] = None,
    on_constraint_loss: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT",
            help="If that is lost while it runs: stop (it waits and runs anew; default), finish, cancel.",
            rich_help_panel=WHEN,
        ),
    ] = None,
    timeout: Annotated[
        TaskTimeout | None,
        typer.Option(
            parser=parse.timeout,
            metavar="TIME",
            help="60s, 30s/60s (soft/hard), quick, moderate, extended, none.",
            rich_help_panel=LIMITS,
        ),
    ] = None,
    retry: Annotated[
        RetryPolicy | None,
        typer.Option(
            parser=parse.retry,
            metavar="POLICY",
            help="exponential:attempts=5,delay=10s; linear:…; custom:5s,1m; none.",
            rich_help_panel=LIMITS,
        ),
    ] = None,
    concurrency: Annotated[
        str | None,
        typer.Option(
            metavar="N[:ORDER]",
            help="At most N of its kind at once; fifo, lifo, random, by-priority.",
            rich_help_panel=LIMITS,
        ),
    ] = None,
    concurrency_key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="What counts as its kind; default: the name.", rich_help_panel=LIMITS),
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option(
            metavar="N/TIME",
            help="At most N starts in any such time: 10/1m, hourly.",
            rich_help_panel=LIMITS,
        ),
    ] = None,
    rate_key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="What the rate counts; default: the name.", rich_help_panel=LIMITS),
    ] = None,
    dedup: Annotated[
        str | None,
        typer.Option(metavar="FIELDS", help="Not beside an equal one: input, or field,field.", rich_help_panel=KIND),
    ] = None,
    dedup_ttl: Annotated[
        timedelta | None,
        typer.Option(
            parser=parse.duration,
            metavar="TIME",
            help="Equal for so long; default: until it ends.",
            rich_help_panel=KIND,
        ),
    ] = None,
    unique: Annotated[
        str | None, typer.Option(metavar="ID", help="A name that only one may have.", rich_help_panel=KIND)
    ] = None,
    unique_policy: Annotated[
        str | None,
        typer.Option(
            metavar="POLICY", help="If taken: keep, replace, append, append-or-replace.", rich_help_panel=KIND
        ),
    ] = None,
    expedited: Annotated[
        str | None,
        typer.Option(
            metavar="[run|drop]",
            help="Before all that a device profile puts off, while its quota lasts; then run as plain work, or held.",
            rich_help_panel=WHEN,
        ),
    ] = None,
    foreground: Annotated[
        str | None,
        typer.Option(
            metavar="TYPE", help="Seen by the user, as Android has it: dataSync, shortService …", rich_help_panel=WHEN
        ),
    ] = None,
    at_most_once: Annotated[
        bool,
        typer.Option("--at-most-once", help="Never again after a loss or failure.", metavar="", rich_help_panel=LIMITS),
    ] = False,
    dry_run: DryRun = False,
    wait: Annotated[
        bool,
        typer.Option("--wait", help="Wait for its end; exit with its result.", metavar="", rich_help_panel=RESULT),
    ] = False,
    wait_timeout: Annotated[
        timedelta | None,
        typer.Option(
            parser=parse.duration, metavar="TIME", help="Wait no longer (exit code 124).", rich_help_panel=RESULT
        ),
    ] = None,
    here: Annotated[
        bool,
        typer.Option(
            "--run", help="Execute it here and now; exit with its result.", metavar="", rich_help_panel=RESULT
        ),
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Queue a task and print its id. It is durably kept; 'bgo run' executes it.

    Words after -- are a command line, for handlers that take one.

    bgo enqueue echo message=hello --run

    bgo enqueue shell --delay 5m --retry linear -- rsync -a from/ to/
    """
    given = dict(locals())
    if here and (wait or wait_timeout is not None):
        raise UsageError("--run and --wait contradict each other", why="--run executes it here", hint="give one")
    flow = flow_of(ctx)
    tell_broken(flow)
    zone = limits.zone(tz, (at, start_before, finish_before), has_window=window is not None)
    due = None if at is None else _instant(at, flow, zone)
    options: dict[str, Any] = {
        "queue": queue,
        "priority": priority,
        "tags": tag,
        "delay": delay,
        "at": due,
        "timeout": timeout,
        "retry": retry,
        "concurrency": limits.concurrency(concurrency, concurrency_key),
        "rate_limit": limits.rate(rate, rate_key),
        "dedup": limits.dedup(dedup, dedup_ttl),
        "unique_id": unique,
        "unique_policy": limits.unique_policy(unique, unique_policy),
        "start_before": limits.deadline(start_before, "--start-before", flow.clock, zone),
        "finish_before": limits.deadline(finish_before, "--finish-before", flow.clock, zone),
        "window": window,
        "window_strict": window_strict or None,
        "tz": None if window is None else tz,
        "after": after,
        "as_": as_,
        "cwd": cwd,
        "at_most_once": at_most_once or None,
        "expedited": limits.expedited(expedited),
        "foreground": foreground,
        "constraints": limits.constraints(given),
        "relax": relax,
        "on_constraint_loss": on_constraint_loss,
    }
    asked = Asked(name, [*(words or ()), *(pairs or ())], whole, like, argv_of(ctx), env, allow_unknown)
    said: Any = {key: value for key, value in options.items() if value is not None}
    spec = spec_of(flow, asked, said)
    if dry_run:
        from bgo.cli.planned import show

        return show(flow, spec, as_json=as_json)
    made = flow.submit(spec)
    is_told = not (quiet or as_json)
    if is_told and made.outcome == "new":
        enqueued.echo_times(spec, flow)
        enqueued.tell_changes(flow, made.id)
    if here or wait or wait_timeout is not None:
        if is_told:
            enqueued.tell_survivor(made)
        from bgo.cli import follow

        limit = None if wait_timeout is None else wait_timeout.total_seconds()
        end = follow.here if here else follow.until_end
        raise typer.Exit(end(flow, made.id, follow.Style(as_json=as_json, quiet=quiet, timeout=limit)))
    if as_json:
        return enqueued.tell_json(flow, spec, made)
    return enqueued.tell(flow, made, quiet=quiet)


def _instant(text: str, flow: "TaskFlow", zone: "tzinfo | None") -> int:
    try:
        return parse.instant_ms(text, flow.clock.now_ms(), zone)
    except UsageError as error:
        raise UsageError(f"--at: {error.message}", why=error.why, hint=error.hint) from None

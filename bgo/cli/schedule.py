"""`bgo schedule`: makes a task, a chain or a batch again and again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bgo.cli import timing
from bgo.cli import whole as shared
from bgo.cli.flow import flow_of, tell_broken
from bgo.cli.items import ItemFormat
from bgo.cli.lazy import argv_of, words_of
from bgo.cli.params import DryRun, Json, Quiet
from bgo.errors import UsageError

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.engine.schedules import Draft

MAKES = "What it makes"
StartBefore = Annotated[
    str | None,
    typer.Option(
        "--start-before",
        metavar="TIME",
        help="Cancelled if not begun so long after it fired.",
        rich_help_panel=shared.WHOLE,
    ),
]
FinishBefore = Annotated[
    str | None,
    typer.Option(
        "--finish-before",
        metavar="TIME",
        help="Cancelled if it waits so long after it fired.",
        rich_help_panel=shared.WHOLE,
    ),
]


def schedule(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The handler; of a chain or batch, its name.")],
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[@WORD] [KEY=VALUE]", help="@hourly, @daily …; key=text, key:=JSON.", show_default=False
        ),
    ] = None,
    every: timing.Every = None,
    cron: timing.Cron = None,
    every_minutes: timing.EveryMinutes = None,
    every_hours: timing.EveryHours = None,
    daily_at: timing.DailyAt = None,
    on: timing.On = None,
    weekdays_at: timing.WeekdaysAt = None,
    weekends_at: timing.WeekendsAt = None,
    monthly_on: timing.MonthlyOn = None,
    at: timing.At = None,
    tz: timing.Zone = None,
    window: timing.Window = None,
    window_strict: shared.WindowStrict = False,
    jitter: timing.Jitter = None,
    start: timing.Start = None,
    end: timing.End = None,
    max_runs: timing.MaxRuns = None,
    pairs: Annotated[
        list[str] | None,
        typer.Option("-i", metavar="KEY=VALUE", help="One more piece of input.", rich_help_panel=MAKES),
    ] = None,
    whole: Annotated[
        str | None,
        typer.Option("--input", metavar="JSON", help="The input: JSON, @file, or - for stdin.", rich_help_panel=MAKES),
    ] = None,
    handler: Annotated[
        str | None, typer.Option(metavar="HANDLER", help="What runs, where NAME is no handler.", rich_help_panel=MAKES)
    ] = None,
    steps: Annotated[
        str | None, typer.Option(metavar="STEPS", help="A chain: 'a b+c d'.", rich_help_panel=MAKES)
    ] = None,
    chain: Annotated[
        str | None, typer.Option(metavar="FILE", help="A chain, from a file.", rich_help_panel=MAKES)
    ] = None,
    items: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A batch, its items read now; - for a pipe.", rich_help_panel=MAKES),
    ] = None,
    format: Annotated[
        ItemFormat | None,
        typer.Option(
            metavar="FORMAT", help="Of the items: lines, ndjson, null; default: as they look.", rich_help_panel=MAKES
        ),
    ] = None,
    field: Annotated[
        str | None, typer.Option(metavar="FIELD", help="Input field of plain items.", rich_help_panel=MAKES)
    ] = None,
    then: Annotated[
        str | None,
        typer.Option(metavar="HANDLER", help="Runs once all of the batch has succeeded.", rich_help_panel=MAKES),
    ] = None,
    catch: Annotated[
        str | None, typer.Option(metavar="HANDLER", help="Runs once if any of it has failed.", rich_help_panel=MAKES)
    ] = None,
    finally_: Annotated[
        str | None,
        typer.Option("--finally", metavar="HANDLER", help="Runs last, whatever came of it.", rich_help_panel=MAKES),
    ] = None,
    missed: timing.Missed = None,
    overlap: timing.Overlap = None,
    pause_after: timing.PauseAfter = None,
    key: Annotated[
        str | None, typer.Option(metavar="KEY", help="A name for it: set again, it is changed, not doubled.")
    ] = None,
    as_: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="The tasks' own name.", rich_help_panel=shared.EACH)
    ] = None,
    timeout: shared.Timeout = None,
    retry: shared.Retry = None,
    queue: shared.Queue = None,
    priority: shared.Priority = None,
    tag: shared.Tag = None,
    network: shared.Network = None,
    battery_not_low: shared.BatteryNotLow = False,
    charging: shared.Charging = False,
    device_idle: shared.DeviceIdle = False,
    storage_not_low: shared.StorageNotLow = False,
    cpu_below: shared.CpuBelow = None,
    unused_for: shared.UnusedFor = None,
    on_network: shared.OnNetwork = None,
    relax: shared.Relax = None,
    on_constraint_loss: shared.OnConstraintLoss = None,
    concurrency: shared.Concurrency = None,
    concurrency_key: shared.ConcurrencyKey = None,
    rate: shared.Rate = None,
    rate_key: shared.RateKey = None,
    expedited: shared.Expedited = None,
    foreground: shared.Foreground = None,
    at_most_once: shared.AtMostOnce = False,
    cwd: shared.Cwd = None,
    env: shared.Env = None,
    allow_unknown: Annotated[
        bool, typer.Option("--allow-unknown", help="Nobody brings NAME yet.", metavar="", rich_help_panel=shared.EACH)
    ] = False,
    start_before: StartBefore = None,
    finish_before: FinishBefore = None,
    after: shared.After = None,
    dedup: shared.Dedup = None,
    dedup_ttl: shared.DedupTtl = None,
    unique: shared.Unique = None,
    unique_policy: shared.UniquePolicy = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Enqueue a task (or a chain, or a batch) again and again; print the schedule's id.

    Any worker fires it: 'bgo run --watch', or 'bgo run' started by cron ('bgo install'). One occurrence fires once.
    Times are this computer's unless --tz says whose. What was missed is made up for by one run; while an earlier run is
    unfinished, none is made. Words after -- are a
    command line, for handlers that take one. How cron expressions, windows and changes of the clock are read:
    'bgo man schedule'.

    bgo schedule files.hash path=/etc/hosts --every 1h

    bgo schedule shell --weekdays-at 18:30 --key backup -- rsync -a from/ to/
    """
    said = dict(locals())
    flow = flow_of(ctx)
    tell_broken(flow)
    timing.check_once(words_of(ctx))
    said["word"], said["words"] = timing.at_word(words or [])
    with timing.as_schedule(name):
        draft = _draft(flow, said, argv_of(ctx))
    if dry_run:
        from bgo.cli.planned_schedule import show

        return show(flow, draft, as_json=as_json)
    from bgo.cli import scheduled

    placed = flow.place(draft)
    return scheduled.tell(flow, placed, as_json=as_json, quiet=quiet)


def _draft(flow: TaskFlow, said: Mapping[str, Any], argv: list[str] | None) -> Draft:
    options: Any = {**timing.keywords(flow, said, is_new=True), **enqueue_options(flow, said)}
    makes: Any = _makes(flow, said)
    if argv is not None:
        if makes:
            raise UsageError("a command line is for one task", why="it would make a chain or a batch",
                             hint="leave out what stands after --")  # fmt: skip
        options["argv"] = argv
    if (env := _environment(said, argv)) is not None:
        options["env"] = env
    handlers = makes["chain"].handlers if "chain" in makes else [said["handler"] or said["name"]]
    data = shared.given(flow, handlers, said["whole"], [*said["words"], *(said["pairs"] or ())])
    makes["handler"] = said["handler"]
    with timing.as_options():
        return flow.draft(said["name"], data, makes, options, key=said["key"])


def _environment(said: Mapping[str, Any], argv: list[str] | None) -> dict[str, str] | None:
    return shared.environment(said["env"] or ([] if argv is not None else None))


def enqueue_options(flow: TaskFlow, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that go to what is made: all of `enqueue` but its times."""
    times = ("at", "delay", "start_before", "finish_before", "window", "tz")
    found = shared.keywords(flow, {**said, **dict.fromkeys(times)}, None)
    if said.get("as_") is not None:
        found["as_"] = said["as_"]
    if said.get("allow_unknown"):
        found["allow_unknown"] = True
    return found


def _makes(flow: TaskFlow, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the chain or the batch that it makes; nothing for a task."""
    if said["steps"] is not None and said["chain"] is not None:
        raise UsageError("--steps and --chain contradict each other", why="both say what the steps are",
                         hint="give one of them")  # fmt: skip
    found: dict[str, Any] = {}
    if said["chain"] is not None:
        found["chain"] = flow.chain_file(said["chain"], said["name"])
    if said["steps"] is not None:
        found["chain"] = flow.chain(said["name"]).then_words(*said["steps"].split())
    of_batch = {
        "field": said["field"],
        "format": said["format"],
        "then": said["then"],
        "catch": said["catch"],
        "finally_": said["finally_"],
    }
    if said["items"] is not None:
        from bgo.cli.items import items_of

        del of_batch["format"]
        return {**found, **of_batch, "items": items_of(said["items"], said["format"])}
    if alone := next((name for name, value in of_batch.items() if value is not None), None):
        option = "--" + alone.rstrip("_")
        raise UsageError(f"{option} needs --items", why="it is for batches", hint=f"leave {option} out, or give items")
    return found

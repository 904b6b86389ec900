"""`bgo reschedule` and `bgo unschedule`: change schedules that are there, and remove them."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from bgo.cli import parse, timing
from bgo.cli import whole as shared
from bgo.cli.flow import flow_of
from bgo.cli.lazy import argv_of, words_of
from bgo.cli.params import Json, Quiet, Yes
from bgo.cli.schedule import FinishBefore, StartBefore, enqueue_options
from bgo.cli.schedules import Word, Words, each, told


def reschedule(
    ctx: typer.Context,
    word: Word,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[@WORD] [KEY=VALUE]", help="@hourly, @daily …; input, laid over its own.", show_default=False
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
    missed: timing.Missed = None,
    overlap: timing.Overlap = None,
    pause_after: timing.PauseAfter = None,
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
    cwd: Annotated[str | None, typer.Option(metavar="DIR", help="Run there.", rich_help_panel=shared.EACH)] = None,
    env: shared.Env = None,
    start_before: StartBefore = None,
    finish_before: FinishBefore = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Change when a schedule fires, or options and input of the tasks that it makes; what is not said stays.

    Its id, key and counters stay. An interval counts on from the last occurrence. The word none takes away a window, a
    start or end, a deadline, --max-runs or --pause-after.

    bgo reschedule backup --every 2h
    """
    said = dict(locals())
    flow = flow_of(ctx)
    timing.check_once(words_of(ctx))
    said["word"], pairs = timing.at_word(words or [])
    options = timing.keywords(flow, said, is_new=False)
    usual = dict.fromkeys(("at_most_once", "after", "dedup", "dedup_ttl", "unique", "unique_policy"))
    options.update(enqueue_options(flow, {**usual, **said}))
    if (argv := argv_of(ctx)) is not None:
        options["argv"] = argv
    if (kept := shared.environment(env)) is not None:
        options["env"] = kept
    data = None
    if pairs:
        there = flow.get_schedule(word, recent=0, coming=0)
        from bgo.flow.steering import known

        data = parse.input_of(known(flow, there.schedule.handler), pairs, there.input)
    with timing.as_options():
        view = flow.reschedule(word, data, **options)
    if as_json:
        from bgo.cli import render

        render.write_json(view.to_json())
    elif quiet:
        print(view.id)
    else:
        from bgo.cli import render
        from bgo.cli.scheduled import told_wish

        print(view.id)
        render.say(told_wish(view.schedule, flow.clock.now_ms()))


def unschedule(ctx: typer.Context, words: Words, yes: Yes = False, as_json: Json = False, quiet: Quiet = False) -> None:
    """Remove schedules; what they have made stays, and runs on."""
    flow = flow_of(ctx)
    for word in words:
        found = [view.id for view in flow.schedules(word)]
        if len(found) > 1 and not yes:
            _ask(word, found)
    told(each(flow, words, flow.unschedule), "is removed", as_json=as_json, quiet=quiet)


def _ask(word: str, found: list[str]) -> None:
    from bgo.errors import UsageError

    ids = ", ".join(found[:5]) + (" …" if len(found) > 5 else "")
    if not sys.stdin.isatty():
        raise UsageError(f"{word:.60} means {len(found)} schedules", why=ids, hint="give an id or a key, or --yes")
    typer.confirm(f"remove {len(found)} schedules ({ids})?", abort=True, err=True)

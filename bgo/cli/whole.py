"""Options that `bgo chain` and `bgo batch` share, each written once, and the keywords of the library they mean.

What is said of each member stands in one panel of the help, what is said of the whole in another.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bgo.cli import limits, parse
from bgo.errors import UsageError
from bgo.model.options import NetworkConstraint, RetryPolicy, TaskTimeout

if TYPE_CHECKING:
    from datetime import tzinfo

    from bgo.api import TaskFlow
    from bgo.flow.chaining import ChainBuilder

EACH, WHOLE, RESULT = "Options that go to each task", "Options that go to the whole", "Result"

Input = Annotated[str | None, typer.Option("--input", metavar="JSON", help="The input: JSON, @file, or - for stdin.")]
Queue = Annotated[
    str | None,
    typer.Option("--queue", metavar="QUEUE", help="critical, high, default, low, or an own one.", rich_help_panel=EACH),
]
Priority = Annotated[
    int | None,
    typer.Option(
        "--priority",
        parser=parse.priority,
        metavar="N",
        help="-100 to 100, or low, normal, high.",
        rich_help_panel=EACH,
    ),
]
Tag = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="TAG", help="To list and cancel by.", rich_help_panel=EACH),
]
Timeout = Annotated[
    TaskTimeout | None,
    typer.Option(
        "--timeout",
        parser=parse.timeout,
        metavar="TIME",
        help="60s, 30s/60s (soft/hard), quick, moderate, extended, none.",
        rich_help_panel=EACH,
    ),
]
Retry = Annotated[
    RetryPolicy | None,
    typer.Option(
        "--retry",
        parser=parse.retry,
        metavar="POLICY",
        help="exponential:attempts=5,delay=10s; linear:…; custom:5s,1m; none.",
        rich_help_panel=EACH,
    ),
]
Window = Annotated[
    str | None,
    typer.Option(
        "--window",
        metavar="HOURS",
        help="Starts only then: off-peak, 9-17@mon-fri, 22:00-06:00.",
        rich_help_panel=EACH,
    ),
]
WindowStrict = Annotated[
    bool,
    typer.Option(
        "--window-strict",
        help="What runs when the window closes is stopped, and waits for the next.",
        metavar="",
        rich_help_panel=EACH,
    ),
]
Tz = Annotated[
    str | None,
    typer.Option(
        "--tz", metavar="ZONE", help="Whose hours and times: Europe/Berlin; default: here.", rich_help_panel=EACH
    ),
]
Network = Annotated[
    NetworkConstraint | None,
    typer.Option(
        "--network",
        metavar="KIND",
        help="Needs one: connected, unmetered, not-roaming, metered; none.",
        rich_help_panel=EACH,
    ),
]
BatteryNotLow = Annotated[
    bool, typer.Option("--battery-not-low", help="Not with a low battery.", metavar="", rich_help_panel=EACH)
]
Charging = Annotated[
    bool, typer.Option("--charging", help="Only while the device charges.", metavar="", rich_help_panel=EACH)
]
DeviceIdle = Annotated[
    bool, typer.Option("--device-idle", help="Only while nobody uses it.", metavar="", rich_help_panel=EACH)
]
StorageNotLow = Annotated[
    bool, typer.Option("--storage-not-low", help="Not while storage is short.", metavar="", rich_help_panel=EACH)
]
CpuBelow = Annotated[
    int | None,
    typer.Option(
        "--cpu-below",
        parser=parse.cpu_below,
        metavar="PERCENT",
        help="Starts only while the processors are less busy.",
        rich_help_panel=EACH,
    ),
]
UnusedFor = Annotated[
    timedelta | None,
    typer.Option(
        "--unused-for",
        parser=parse.duration,
        metavar="TIME",
        help="Only when nobody has touched the device for so long.",
        rich_help_panel=EACH,
    ),
]
OnNetwork = Annotated[
    list[str] | None,
    typer.Option(
        "--on-network", metavar="NAME", help="Only on this network; repeat for any of several.", rich_help_panel=EACH
    ),
]
Expedited = Annotated[
    str | None,
    typer.Option(
        "--expedited",
        metavar="[run|drop]",
        help="Before all that a device profile puts off, while its quota lasts; then run as plain work, or held.",
        rich_help_panel=EACH,
    ),
]
Foreground = Annotated[
    str | None,
    typer.Option(
        "--foreground",
        metavar="TYPE",
        help="Seen by the user, as Android has it: dataSync, shortService …",
        rich_help_panel=EACH,
    ),
]
Relax = Annotated[
    list[str] | None,
    typer.Option(
        "--relax",
        metavar="AGE:WHAT",
        help="Asks only for WHAT when it is so old: 1d:network=connected, 3d:none.",
        rich_help_panel=EACH,
    ),
]
OnConstraintLoss = Annotated[
    str | None,
    typer.Option(
        "--on-constraint-loss",
        metavar="WHAT",
        help="If that is lost while it runs: stop (it waits and runs anew; default), finish, cancel.",
        rich_help_panel=EACH,
    ),
]
Concurrency = Annotated[
    str | None,
    typer.Option(
        "--concurrency",
        metavar="N[:ORDER]",
        help="At most N of its kind at once; fifo, lifo, random, by-priority.",
        rich_help_panel=EACH,
    ),
]
ConcurrencyKey = Annotated[
    str | None,
    typer.Option(
        "--concurrency-key", metavar="KEY", help="What counts as its kind; default: the name.", rich_help_panel=EACH
    ),
]
Rate = Annotated[
    str | None,
    typer.Option(
        "--rate", metavar="N/TIME", help="At most N starts in any such time: 10/1m, hourly.", rich_help_panel=EACH
    ),
]
RateKey = Annotated[
    str | None,
    typer.Option("--rate-key", metavar="KEY", help="What the rate counts; default: the name.", rich_help_panel=EACH),
]
AtMostOnce = Annotated[
    bool,
    typer.Option("--at-most-once", help="Never again after a loss or failure.", metavar="", rich_help_panel=EACH),
]
Cwd = Annotated[
    str | None, typer.Option("--cwd", metavar="DIR", help="Run there; default: here.", rich_help_panel=EACH)
]
Env = Annotated[
    list[str] | None,
    typer.Option("--env", metavar="K[=V]", help="A variable that commands keep, or get.", rich_help_panel=EACH),
]
Delay = Annotated[
    timedelta | None,
    typer.Option(
        "--delay", parser=parse.duration, metavar="TIME", help="Not before: 90s, 5m, 1h30m.", rich_help_panel=WHOLE
    ),
]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="Not before: 14:30, 'tomorrow 9:00', a date.", rich_help_panel=WHOLE),
]
StartBefore = Annotated[
    str | None,
    typer.Option(
        "--start-before", metavar="TIME", help="Cancelled if not begun by then: 2h, 18:00.", rich_help_panel=WHOLE
    ),
]
After = Annotated[
    list[str] | None,
    typer.Option("--after", metavar="ID", help="Only once that has succeeded; repeat.", rich_help_panel=WHOLE),
]
Dedup = Annotated[
    str | None,
    typer.Option(
        "--dedup", metavar="FIELDS", help="Not beside an equal one: input, or field,field.", rich_help_panel=WHOLE
    ),
]
DedupTtl = Annotated[
    timedelta | None,
    typer.Option(
        "--dedup-ttl",
        parser=parse.duration,
        metavar="TIME",
        help="Equal for so long; default: until it ends.",
        rich_help_panel=WHOLE,
    ),
]
Unique = Annotated[
    str | None, typer.Option("--unique", metavar="ID", help="A name that only one may have.", rich_help_panel=WHOLE)
]
UniquePolicy = Annotated[
    str | None,
    typer.Option(
        "--unique-policy",
        metavar="POLICY",
        help="If taken: keep, replace, append, append-or-replace.",
        rich_help_panel=WHOLE,
    ),
]
Wait = Annotated[
    bool, typer.Option("--wait", help="Wait for its end; exit with its result.", metavar="", rich_help_panel=RESULT)
]
WaitTimeout = Annotated[
    timedelta | None,
    typer.Option(
        "--wait-timeout",
        parser=parse.duration,
        metavar="TIME",
        help="Wait no longer (exit code 124).",
        rich_help_panel=RESULT,
    ),
]


def keywords(flow: TaskFlow, said: Mapping[str, Any], chain: ChainBuilder | None) -> dict[str, Any]:
    """Return what these options mean to the library, by the names of the parameters that took them.

    `chain` is the one they are for, or that they make of each item.
    """
    at, start_before, window = said["at"], said["start_before"], said["window"]
    has_window = window is not None or (chain is not None and chain.has_windows)
    zone = limits.zone(said["tz"], (at, start_before), has_window=has_window)
    found = {
        "queue": said["queue"],
        "priority": said["priority"],
        "tags": said["tag"],
        "timeout": said["timeout"],
        "retry": said["retry"],
        "constraints": limits.constraints(said),
        "relax": said["relax"],
        "on_constraint_loss": said["on_constraint_loss"],
        "concurrency": limits.concurrency(said["concurrency"], said["concurrency_key"]),
        "rate_limit": limits.rate(said["rate"], said["rate_key"]),
        "at_most_once": said["at_most_once"] or None,
        "expedited": limits.expedited(said["expedited"]),
        "foreground": said["foreground"],
        "cwd": said["cwd"],
        "delay": said["delay"],
        "at": None if at is None else _instant(at, flow.clock.now_ms(), zone),
        "start_before": limits.deadline(start_before, "--start-before", flow.clock, zone),
        "window": window,
        "window_strict": said["window_strict"] or None,
        "tz": said["tz"] if has_window else None,
        "after": said["after"],
        "dedup": limits.dedup(said["dedup"], said["dedup_ttl"]),
        "unique_id": said["unique"],
        "unique_policy": limits.unique_policy(said["unique"], said["unique_policy"]),
    }
    return {key: value for key, value in found.items() if value is not None}


def _instant(text: str, now_ms: int, zone: tzinfo | None) -> int:
    try:
        return parse.instant_ms(text, now_ms, zone)
    except UsageError as error:
        raise UsageError(f"--at: {error.message}", why=error.why, hint=error.hint) from None


def environment(words: list[str] | None) -> dict[str, str] | None:
    """Return what commands keep of this environment, None where nothing is said of it."""
    if words is None:
        return None
    import os

    from bgo.hooks.commandline import kept_environment

    return kept_environment(os.environ, words)


def given(flow: TaskFlow, handlers: list[str], whole: str | None, pairs: list[str] | None) -> dict[str, Any]:
    """Return the input of a chain or batch; a word becomes a number where one of these handlers takes one."""
    base = {} if whole is None else parse.whole_input(whole)
    return parse.input_of(_any_of(flow, handlers), pairs, base) if pairs else base


def _any_of(flow: TaskFlow, handlers: list[str]) -> Any:
    """Return what is known of the fields that any of these handlers takes; of two opinions the first counts."""
    from dataclasses import replace

    from bgo.errors import NotFoundError

    known, params = None, dict[str, Any]()
    for name in dict.fromkeys(handlers):
        try:
            info = flow.handler(name)
        except NotFoundError:
            continue
        known = known or info
        for param in info.params or ():
            params.setdefault(param.name, param)
    return None if known is None else replace(known, params=tuple(params.values()), accepts_extra=True)

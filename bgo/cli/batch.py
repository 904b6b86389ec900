"""`bgo batch`: queues a task for each of many items, as one thing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bgo.cli import entered, parse
from bgo.cli import whole as shared
from bgo.cli.flow import flow_of, tell_broken
from bgo.cli.items import ITEMS, Counted, Format, Items, items_of
from bgo.cli.params import DryRun, Json, Quiet
from bgo.errors import UsageError

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.flow.batching import Batch
    from bgo.model.task import TaskSpec

AFTER = "What follows it"


def batch(
    ctx: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="What to call it; also the handler, if --handler names none.", show_default=False
        ),
    ],
    items: Items = None,
    format: Format = None,
    field: Annotated[
        str | None,
        typer.Option(
            metavar="FIELD",
            help="Input field of an item that is no object; default: the one the handler needs, else item.",
            rich_help_panel=ITEMS,
        ),
    ] = None,
    is_open: Annotated[
        bool,
        typer.Option("--open", help="More items may come: bgo batches add, close.", metavar="", rich_help_panel=ITEMS),
    ] = False,
    handler: Annotated[
        str | None,
        typer.Option("--handler", metavar="HANDLER", help="What runs for each item.", rich_help_panel=ITEMS),
    ] = None,
    chain: Annotated[
        str | None,
        typer.Option("--chain", metavar="FILE", help="A chain for each item, from a file.", rich_help_panel=ITEMS),
    ] = None,
    then: Annotated[
        str | None,
        typer.Option("--then", metavar="HANDLER", help="Runs once all have succeeded.", rich_help_panel=AFTER),
    ] = None,
    catch: Annotated[
        str | None,
        typer.Option("--catch", metavar="HANDLER", help="Runs once, if any has failed.", rich_help_panel=AFTER),
    ] = None,
    finally_: Annotated[
        str | None,
        typer.Option("--finally", metavar="HANDLER", help="Runs last, whatever came of it.", rich_help_panel=AFTER),
    ] = None,
    pairs: Annotated[
        list[str] | None,
        typer.Option("-i", metavar="KEY=VALUE", help="Input beneath every item: key=text, key:=JSON."),
    ] = None,
    whole: shared.Input = None,
    timeout: shared.Timeout = None,
    retry: shared.Retry = None,
    queue: shared.Queue = None,
    priority: shared.Priority = None,
    tag: shared.Tag = None,
    window: shared.Window = None,
    window_strict: shared.WindowStrict = False,
    tz: shared.Tz = None,
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
    delay: shared.Delay = None,
    at: shared.At = None,
    start_before: shared.StartBefore = None,
    after: shared.After = None,
    dedup: shared.Dedup = None,
    dedup_ttl: shared.DedupTtl = None,
    unique: shared.Unique = None,
    unique_policy: shared.UniquePolicy = None,
    dry_run: DryRun = False,
    wait: shared.Wait = False,
    wait_timeout: shared.WaitTimeout = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Queue a task for each item, any number of them, and print the id of it all.

    The whole is queued, or nothing is. An item is a line of text; in JSON lines (a name that ends in .jsonl, or a first
    line that begins with a brace) it is any JSON value. An object is the task's input, all else becomes one field of
    it. Blank lines are no items.

    find . -type f | bgo batch files.hash --items -
    """
    said = dict(locals())
    flow = flow_of(ctx)
    tell_broken(flow)
    if items is None and not is_open:
        why = "nothing says what to work on"
        hint = "--items FILE, --items - for a pipe, or --open for a batch that gets its items later"
        raise UsageError("a batch of which items?", why=why, hint=hint)
    wanted = _wanted(flow, said)
    options = shared.keywords(flow, said, wanted["chain"])
    source = iter(()) if items is None else items_of(items, format)
    counted = Counted(flow, source, is_told=not (as_json or quiet))
    if dry_run:
        from bgo.cli.planned_batch import show

        return show(flow, name, counted, {**wanted, "options": options}, as_json=as_json)
    made = flow.batch(name, counted, open=is_open, **wanted, **options)
    told = entered.Told(_spec(flow, name, options), "batch", {"items": counted.count, "open": is_open})
    return entered.finish(flow, told, _enqueued(flow, made), entered.Ask(wait, wait_timeout, False, as_json, quiet))


def _wanted(flow: TaskFlow, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what becomes of an item, and who is told of the end."""
    if said["handler"] is not None and said["chain"] is not None:
        raise UsageError("--handler and --chain contradict each other", why="both say what an item becomes",
                         hint="give one of them")  # fmt: skip
    chain = None if said["chain"] is None else flow.chain_file(said["chain"], said["name"])
    handlers = [said["handler"] or said["name"]] if chain is None else chain.handlers
    return {
        "handler": said["handler"],
        "chain": chain,
        "then": said["then"],
        "catch": said["catch"],
        "finally_": said["finally_"],
        "field": said["field"],
        "input": shared.given(flow, handlers, said["whole"], said["pairs"]),
    }


def _spec(flow: TaskFlow, name: str, options: Mapping[str, Any]) -> TaskSpec:
    """Return what was said of the whole, as far as it is told again."""
    from bgo.clock import from_datetime
    from bgo.model.options import to_ms
    from bgo.model.task import TaskSpec, Wish

    due = options.get("at")
    if "delay" in options:
        due = flow.clock.now_ms() + to_ms(options["delay"], "delay")
    deadline = options.get("start_before")
    window = None
    if "window" in options:
        from bgo.flow.windows import zoned

        window = zoned(options["window"], options.get("tz"), flow.settings.windows)
    wish = Wish(start_before=None if deadline is None else from_datetime(deadline), window=window)
    return TaskSpec("", "", parse.NO_INPUT, name=name, due_at=due, wish=wish)


def _enqueued(flow: TaskFlow, made: Batch) -> Any:
    from bgo.model.task import Enqueued

    outcome: Any = made.outcome
    return Enqueued(made.id, flow.get(made.id).state, outcome)

"""`bgo chain`: queues tasks that follow each other, as one thing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bgo.cli import whole as shared
from bgo.cli.flow import flow_of, tell_broken
from bgo.cli.params import DryRun, Json, Quiet
from bgo.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.flow.chaining import ChainBuilder
    from bgo.model.flow import ChainSpec
    from bgo.model.task import TaskSpec

STEPS = "Steps"


def chain(
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="What to call it; see --file.", show_default=False)
    ] = None,
    steps: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="STEP",
            help="a; a+b in parallel; x=a names it; a@step.field fans out.",
            show_default=False,
        ),
    ] = None,
    file: Annotated[
        str | None, typer.Option(metavar="FILE", help="The steps are in this TOML file.", rich_help_panel=STEPS)
    ] = None,
    commands: Annotated[
        bool,
        typer.Option(
            "--commands", help="The words after it are commands, one a step.", metavar="", rich_help_panel=STEPS
        ),
    ] = False,
    pairs: Annotated[
        list[str] | None,
        typer.Option("-i", metavar="KEY=VALUE", help="Input of every step: key=text, key:=JSON, key=@file."),
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
    env: shared.Env = None,
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
    here: Annotated[
        bool,
        typer.Option(
            "--run",
            help="Execute it here and now; exit with its result.",
            metavar="",
            rich_help_panel=shared.RESULT,
        ),
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Queue a chain and print its id: each STEP begins once all of the one before has succeeded, and gets its outputs.

    Members of a step run in parallel. When one fails, the rest of the chain fails; 'bgo retry ID' goes on from there.
    A step's input is the chain's, with the outputs of the step before laid over it. Failure policies, compensations
    and inputs of single steps are said in a file: bgo man chain.

    bgo chain multiSync fetchUsers syncContacts+syncCalendar+syncNotes cleanup

    bgo chain build --commands 'make' 'make test' --run
    """
    said = dict(locals())
    if here and (wait or wait_timeout is not None):
        raise UsageError("--run and --wait contradict each other", why="--run executes it here", hint="give one")
    flow = flow_of(ctx)
    tell_broken(flow)
    builder = _builder(flow, said, shared.environment(env))
    builder.with_options(**shared.keywords(flow, said, builder))
    spec = builder.spec(shared.given(flow, builder.handlers, whole, pairs))
    if dry_run:
        from bgo.cli.planned_chain import show

        return show(flow, builder, spec, as_json=as_json)
    made = builder.submit(spec)
    from bgo.cli import entered

    counts = {"steps": len(spec.plan.steps), "members": len(spec.members)}
    told = entered.Told(_with_hours(spec), "chain", counts)
    return entered.finish(flow, told, made, entered.Ask(wait, wait_timeout, here, as_json, quiet))


def _with_hours(spec: ChainSpec) -> TaskSpec:
    """Return what is told of the chain: when it begins is up to the window of its first step."""
    from dataclasses import replace

    first = spec.members[0]
    template = None if first.batch is None else first.batch.template
    return replace(spec.spec, wish=replace(spec.spec.wish, window=(template or first.spec).wish.window))


def _builder(flow: TaskFlow, said: dict[str, Any], env: dict[str, str] | None) -> ChainBuilder:
    """Return the chain with the steps that were given: as words, as commands, or in a file."""
    name, steps = said["name"], said["steps"] or []
    if said["file"] is not None:
        _check_alone(said, steps)
        found = flow.chain_file(said["file"], name)
    else:
        if name is None:
            why, hint = "no NAME was given", "bgo chain NAME STEP…, or bgo chain --file chain.toml"
            raise UsageError("which chain?", why=why, hint=hint)
        found = flow.chain(name)
        if said["commands"]:
            _check_only_commands(said["ctx"], steps)
            found.then_commands(*steps)
        else:
            _check_handlers(flow, found.then_words(*steps))
    if env is not None:
        if "shell" not in found.handlers:
            why = "of all steps, only commands keep an environment"
            raise UsageError("--env: no step is a command", why=why, hint="bgo chain NAME --commands 'make' --env K=V")
        found.with_options(env=env)
    return found


def _check_alone(said: dict[str, Any], steps: list[str]) -> None:
    if steps or said["commands"]:
        other = "--commands" if said["commands"] else f"STEP {steps[0]!r:.60}"
        raise UsageError(f"--file and {other} contradict each other", why="both say what the steps are",
                         hint="give one of them")  # fmt: skip


def _check_only_commands(ctx: typer.Context, steps: list[str]) -> None:
    """Refuse step words before --commands: what stands there is no command."""
    from bgo.cli.lazy import words_of

    typed = words_of(ctx)
    at = typed.index("--commands")
    if steps and steps[0] in typed[:at] and steps[0] not in typed[at:]:
        raise UsageError(
            f"--commands and STEP {steps[0]!r:.60} contradict each other",
            why="a chain has steps, or commands",
            hint=f"all of them as commands: --commands {steps[0]!r:.60} …",
        )


def _check_handlers(flow: TaskFlow, builder: ChainBuilder) -> None:
    """Where a handler is unknown and a command of that name is there, say how to run it."""
    for handler in builder.handlers:
        if handler == "shell":
            why, hint = (
                "a step word names a handler, and shell needs its command",
                f"bgo chain {builder.name} --commands",
            )
            raise UsageError("shell: which command?", why=why, hint=f"{hint} 'make' 'make test'")
        try:
            flow.handler(handler)
        except NotFoundError as error:
            from shutil import which

            if "did you mean" not in error.hint and which(handler):
                error.hint = f"it is a command of this computer: bgo chain {builder.name} --commands '{handler} …'"
            raise

"""The root command: the table of commands, the options all of them take, and the one door for errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.main import get_command

from bgo.cli.lazy import LazyGroup, Row
from bgo.cli.params import Invocation
from bgo.config import Flags
from bgo.errors import BgoError
from bgo.version import VERSION

LOOK, RUN, ADMIN = "Look", "Run", "Look after"
TABLE: dict[str, Row] = {
    "enqueue": Row("bgo.cli.enqueue:enqueue", "Queue a task; print its id.", argv=True),
    "chain": Row("bgo.cli.chain:chain", "Queue tasks that follow each other, as one thing."),
    "batch": Row("bgo.cli.batch:batch", "Queue a task for each of many items, as one thing."),
    "schedule": Row("bgo.cli.schedule:schedule", "Enqueue again and again: cron, intervals.", argv=True),
    "reschedule": Row("bgo.cli.reschedule:reschedule", "Change a schedule.", argv=True),
    "unschedule": Row("bgo.cli.reschedule:unschedule", "Remove a schedule."),
    "run": Row("bgo.cli.run:run", "Execute what is due, then end."),
    "wait": Row("bgo.cli.wait:wait", "Wait for tasks to end; exit with their result."),
    "cancel": Row("bgo.cli.cancel:cancel", "Call tasks off, waiting or running."),
    "retry": Row("bgo.cli.retry:retry", "Queue failed and cancelled tasks again."),
    "edit": Row("bgo.cli.edit:edit", "Change a waiting task: priority, queue, time, input."),
    "bump": Row("bgo.cli.edit:bump", "Put waiting tasks before all others."),
    "pause": Row("bgo.cli.pause:pause", "Start no more tasks of a name, a queue or a tag."),
    "resume": Row("bgo.cli.pause:resume", "Undo a pause."),
    "status": Row("bgo.cli.status:status", "Show a task, or everything at a glance.", LOOK),
    "tasks": Row("bgo.cli.tasks:tasks", "List tasks, newest first.", LOOK),
    "chains": Row("bgo.cli.chains:app", "List chains, or show one as a tree.", LOOK),
    "batches": Row("bgo.cli.batches:app", "List batches, show one, read its results, add items.", LOOK),
    "schedules": Row("bgo.cli.schedules:app", "List schedules, show one, foresee, pause, import them.", LOOK),
    "history": Row("bgo.cli.history:history", "List what ran, how it ended and how long it took.", LOOK),
    "logs": Row("bgo.cli.logs:logs", "Print what a task printed.", LOOK),
    "queues": Row("bgo.cli.queues:app", "Look after the queues: their shares, limits and pauses.", LOOK),
    "handlers": Row("bgo.cli.handlers:app", "List what can be queued, and what it takes.", LOOK),
    "plugins": Row("bgo.cli.plugins:app", "List where handlers come from, and what failed to load.", LOOK),
    "profiles": Row("bgo.cli.profiles:app", "List, show, check and write device profiles.", LOOK),
    "devices": Row("bgo.cli.devices:app", "Show what the device says, and record its day.", LOOK),
    "explain": Row("bgo.cli.explain:explain", "Say why a task is not running, and what would help.", LOOK),
    "check": Row("bgo.cli.check:check", "Find what can never run, before it waits in vain.", LOOK),
    "simulate": Row("bgo.cli.simulate:simulate", "Show when everything would run, without running it.", LOOK),
    "prune": Row("bgo.cli.prune:prune", "Remove old ended tasks with their logs.", ADMIN),
    "monitor": Row("bgo.cli.monitor:monitor", "Watch the store live.", LOOK),
    "install": Row("bgo.cli.install:install", "Run bgo regularly by cron, systemd, launchd or Termux.", ADMIN),
    "store": Row("bgo.cli.store:app", "Look after the store: path, check, backup, vacuum.", ADMIN),
    "doctor": Row("bgo.cli.doctor:doctor", "Check the installation, and say what to do.", ADMIN),
    "demo": Row("bgo.cli.demo:demo", "See real work done, in a temporary store.", LOOK),
    "config": Row("bgo.cli.config:app", "Show the settings and where each comes from.", ADMIN),
    "completion": Row("bgo.cli.completion:app", "Complete commands, ids and names at TAB.", ADMIN),
    "man": Row("bgo.cli.man:man", "Show a manual page.", ADMIN),
}
"""Every command, in the order of the help page. A row is all that a new command needs here."""

ALIASES = {
    "add": "enqueue",
    "ls": "tasks",
    "ps": "tasks",
    "list": "tasks",
    "top": "monitor",
    "rm": "cancel",
    "show": "status",
}
"""Other names for commands, hidden in the help."""

VALUED = frozenset({"--store", "--config", "--profile", "--plugin"})
BARE = frozenset({"--no-plugins", "--no-color", "--debug", "-v", "--verbose"})


class Root(LazyGroup):
    """The group `bgo`."""

    table = TABLE
    aliases = ALIASES


app = typer.Typer(
    cls=Root,
    name="bgo",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Any command: --help. Errors say what to do next. Exit codes: bgo(1).",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"bgo {VERSION}")
        raise typer.Exit(0)


@app.callback()
def root(
    ctx: typer.Context,
    store: Annotated[
        str | None, typer.Option(metavar="FILE", help="The store to use instead of the usual one.")
    ] = None,
    config: Annotated[str | None, typer.Option(metavar="FILE", help="The configuration to read.")] = None,
    profile: Annotated[str | None, typer.Option(metavar="PROFILE", help="The device profile to judge by.")] = None,
    plugin: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="Load a local plugin; may be repeated.")
    ] = None,
    no_plugins: Annotated[bool, typer.Option("--no-plugins", help="Load no plugin at all.", metavar="")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="Plain text; so does NO_COLOR.", metavar="")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks; so does BGO_DEBUG=1.", metavar="")] = False,
    verbose: Annotated[
        int, typer.Option("--verbose", "-v", count=True, help="Say more.", metavar="", show_default=False)
    ] = 0,
    version: Annotated[
        bool,
        typer.Option("--version", "-V", help="Print the version.", metavar="", is_eager=True, callback=_print_version),
    ] = False,
) -> None:
    """Queue work, run it when the device allows, and see why it waits."""
    flags = Flags(store, config, profile, tuple(plugin or ()), no_plugins, no_color)
    ctx.obj = Invocation(flags, verbose=verbose)


def hoist(argv: Sequence[str]) -> list[str]:
    """Return `argv` with the options of all commands moved to the front: they may stand anywhere before `--`."""
    front: list[str] = []
    rest: list[str] = []
    words = iter(argv)
    for word in words:
        if word == "--":
            return [*front, *rest, word, *words]
        if word in VALUED:
            value = next(words, None)
            front += [word] if value is None else [word, value]
        elif word in BARE or word.partition("=")[0] in VALUED or (word.startswith("-vv") and not word.strip("-v")):
            front.append(word)
        else:
            rest.append(word)
    return [*front, *rest]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; the only place where errors become text."""
    args = hoist(sys.argv[1:] if argv is None else argv)
    if args[:1] == ["help"]:
        args = [*args[1:], "--help"]
    head = args[: args.index("--")] if "--" in args else args
    debug = "--debug" in head or os.environ.get("BGO_DEBUG", "") not in {"", "0"}
    as_json = "--json" in head
    _ready_streams()
    try:
        code = _run(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except SystemExit as done:  # Rich leaves this way when its pipe is closed
        code = done.code if isinstance(done.code, int) else int(bool(done.code))
        return 141 if isinstance(done.__context__, BrokenPipeError) else code
    except BrokenPipeError as error:
        return _broken_pipe(error, head, as_json, debug)
    except Exception as error:
        return _fail(error, head, as_json, debug)
    return code


def _ready_streams() -> None:
    """Make printing safe: a closed stream swallows, and a locale without our letters is no reason to fail."""
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115 - open for the life of the process
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _run(args: list[str]) -> int:
    """Parse and call one command. Typer's own `main` is left out: it would answer errors and closed pipes itself."""
    command: Any = get_command(app)
    try:
        with command.make_context("bgo", list(args)) as context:
            command.invoke(context)
    except typer.Exit as done:
        return done.exit_code
    return 0


def _broken_pipe(error: BrokenPipeError, head: list[str], as_json: bool, debug: bool) -> int:
    from bgo.cli.errors import silence_stdout, stdout_is_closed

    if not stdout_is_closed():
        return _fail(error, head, as_json, debug)
    silence_stdout()
    return 141


def _fail(error: Exception, head: list[str], as_json: bool, debug: bool) -> int:
    from bgo.cli import errors

    found: BgoError | None = None
    if isinstance(error, BgoError):
        found = error
    elif isinstance(error, (typer.Abort, EOFError)):
        return 130
    elif isinstance(error, typer.TyperException):
        found = errors.from_typer(error, _spoken(head).partition(" ")[0])
    elif isinstance(error, OSError) and (found := errors.from_os(error)) is not None:
        errors.silence_stdout()
    if found is None or found.exit_code == 70:
        shown = errors.crash(error, _crash_folder(), command=_spoken(head), debug=debug)
        return errors.report(shown, as_json=as_json)
    if debug:
        import traceback

        traceback.print_exception(error)
    return errors.report(found, as_json=as_json)


def _crash_folder() -> Any:
    from bgo.config import load

    try:
        return load().crash_dir
    except BgoError:
        return None


def _spoken(head: list[str]) -> str:
    """Return the command and the names of its options, never a value."""
    verb = next((word for word in head if word in TABLE or word in ALIASES), "")
    return " ".join([verb, *(word.partition("=")[0] for word in head if word.startswith("--"))])

"""`bgo install`: have cron, systemd, launchd or Termux run bgo regularly, and undo it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from bgo.cli import render
from bgo.cli.params import Invocation, Json
from bgo.errors import UsageError

if TYPE_CHECKING:
    from bgo.install.program import Program
    from bgo.install.report import File, Platform, Report

PLATFORM = "Platform (one of them)"
WORDS = {"wrote": "Wrote", "changed": "Changed", "removed": "Removed", "unchanged": "Unchanged:"}


def install(
    ctx: typer.Context,
    cron: Annotated[
        bool,
        typer.Option("--cron", help="A block in your crontab: each minute.", metavar="", rich_help_panel=PLATFORM),
    ] = False,
    systemd: Annotated[
        bool,
        typer.Option("--systemd", help="A user service that stays: at once.", metavar="", rich_help_panel=PLATFORM),
    ] = False,
    launchd: Annotated[
        bool, typer.Option("--launchd", help="An agent on macOS: each minute.", metavar="", rich_help_panel=PLATFORM)
    ] = False,
    termux: Annotated[
        bool,
        typer.Option(
            "--termux", help="A script on Android: each quarter of an hour.", metavar="", rich_help_panel=PLATFORM
        ),
    ] = False,
    timer: Annotated[
        bool, typer.Option("--timer", help="With --systemd: a timer, each minute, in place of a service.", metavar="")
    ] = False,
    show: Annotated[
        bool, typer.Option("--print", help="Print what would be written, and write nothing.", metavar="")
    ] = False,
    uninstall: Annotated[
        bool, typer.Option("--uninstall", help="Take away what was installed for this store.", metavar="")
    ] = False,
    as_json: Json = False,
) -> None:
    """Have this computer run what is due in this store, for you and from now on. Doing it twice changes nothing.

    What leads this call to its store and settings is written down: Python, store, flags and BGO_* variables, all as
    absolute paths, because cron and launchd know neither your PATH nor your session.

    cron, the timer and launchd start `bgo run --quiet` each minute. It ends when nothing is due and nothing runs; while
    something runs it goes on taking what comes. Runs that overlap share the slots, and no task starts twice. It prints
    errors only, which cron mails. The service is `bgo run --watch --quiet`: work starts at once, and systemd starts it
    anew when it fails or hangs.
    """
    from bgo.install.platforms import platform
    from bgo.install.program import program

    asked = {"cron": cron, "systemd": systemd, "launchd": launchd, "termux": termux}
    name = _one(asked, timer=timer)
    if show and uninstall:
        raise UsageError(
            "--print and --uninstall contradict each other", why="--print changes nothing", hint="give one of them"
        )
    invocation: Invocation = ctx.obj
    made = program(invocation.settings, invocation.flags)
    chosen = platform(name, made, timed=timer)
    if show:
        _print(chosen, as_json=as_json)
        return
    report = chosen.uninstall() if uninstall else chosen.install()
    if as_json:
        render.write_json(report.to_json())
    else:
        _tell(report, made, uninstall=uninstall)


def _one(asked: dict[str, bool], *, timer: bool) -> str:
    chosen = [name for name, is_chosen in asked.items() if is_chosen]
    if len(chosen) != 1:
        raise UsageError(
            "install: which platform?" if not chosen else f"install: {' and '.join(f'--{name}' for name in chosen)}?",
            why="one of --cron, --systemd, --launchd and --termux is needed",
            hint=f"bgo install {_usual()}",
        )
    if timer and chosen != ["systemd"]:
        raise UsageError(
            f"--timer does not go with --{chosen[0]}", why="it is a form of --systemd", hint="leave it out"
        )
    return chosen[0]


def _usual() -> str:
    """Return what most people want on a computer like this one."""
    import os

    if sys.platform == "darwin":
        return "--launchd"
    if "com.termux" in os.environ.get("PREFIX", ""):
        return "--termux"
    return "--systemd" if os.path.isdir("/run/systemd/system") else "--cron"


def _print(chosen: Platform, *, as_json: bool) -> None:
    files, commands = chosen.files(), list(chosen.commands())
    if as_json:
        rows = [{"path": str(f.path), "mode": f"{f.mode:04o}", "text": f.data.decode()} for f in files]
        render.write_json({"schema": 1, "files": rows, "commands": commands})
        return
    for file in files:
        print(_headed(file), end="")
    for command in commands:
        print(_comment(f"then: {command}", files[0]))


def _headed(file: File) -> str:
    """Return the file with its path as a comment; a first line that must be the first stays so."""
    text, comment = file.data.decode(), _comment(str(file.path), file) + "\n"
    if sys.stdout.isatty():
        text, comment = render.clean(text), render.clean(comment)
    if not text.startswith(("#!", "<?")):
        return comment + text
    first, rest = text.split("\n", 1)
    return f"{first}\n{comment}{rest}"


def _comment(text: str, file: File) -> str:
    if file.path.suffix == ".plist":
        return f"<!-- {text.replace('--', '- -')} -->"  # two dashes would end the comment
    return f"# {text}"


def _tell(report: Report, made: Program, *, uninstall: bool) -> None:
    from bgo.install.report import user

    for step in report.steps:
        print(f"{WORDS[step.did]} {render.clean(step.what)}")
    for command in report.ran:
        print(f"Ran {render.clean(command)}")
    if not report.steps:
        print(f"Nothing of bgo was there to take away for {user()} and {render.clean(str(made.store))}")
    elif not uninstall:
        print(f"It runs {render.clean(str(made.store))} for {user()}")
    if report.todo:
        render.say(f"still to be done ({render.line(report.why, 200)}):")
        for command in report.todo:
            render.say(f"  {render.clean(command)}")
    for hint in report.hints:
        render.say(f"hint: {hint}")

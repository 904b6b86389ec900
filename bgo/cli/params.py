"""Options that many commands share, each written once, and what every command is handed as `ctx.obj`.

A command is a function: `def tasks(ctx: typer.Context, names: Names = None, as_json: Json = False) -> None`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Annotated

import typer

from bgo.config import Flags, Settings, load
from bgo.errors import UsageError
from bgo.model.state import State
from bgo.model.words import DAY_MS

if TYPE_CHECKING:
    from bgo.model.query import Selector

OUTPUT, SELECTION = "Output", "Selection"

Json = Annotated[bool, typer.Option("--json", help="Print JSON.", metavar="", rich_help_panel=OUTPUT)]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print ids only.", metavar="", rich_help_panel=OUTPUT)]
Limit = Annotated[
    int, typer.Option("--limit", min=1, help="Show at most so many.", metavar="N", rich_help_panel=OUTPUT)
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.", metavar="")]
DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Say what would be done, and do nothing.", metavar="")]

Ids = Annotated[
    list[str] | None,
    typer.Argument(metavar="ID", help="Ids, unique beginnings of ids, or @last.", show_default=False),
]
Names = Annotated[
    list[str] | None,
    typer.Option("--name", help="Of this name; repeat for any of several.", metavar="NAME", rich_help_panel=SELECTION),
]
Tags = Annotated[
    list[str] | None,
    typer.Option("--tag", help="With this tag; repeat for all of several.", metavar="TAG", rich_help_panel=SELECTION),
]
Queues = Annotated[
    list[str] | None,
    typer.Option("--queue", help="In this queue; repeat for any.", metavar="QUEUE", rich_help_panel=SELECTION),
]
States = Annotated[
    list[State] | None,
    typer.Option("--state", help="In this state; repeat for any.", metavar="STATE", rich_help_panel=SELECTION),
]
Since = Annotated[
    str | None,
    typer.Option("--since", help="Made since: 1d (ago), 14:30, a date.", metavar="TIME", rich_help_panel=SELECTION),
]
Until = Annotated[
    str | None,
    typer.Option("--until", help="Made until: 1h (ago), 14:30, a date.", metavar="TIME", rich_help_panel=SELECTION),
]
OfChains = Annotated[
    list[str] | None,
    typer.Option("--chain", help="In this chain; repeat for several.", metavar="ID", rich_help_panel=SELECTION),
]
OfBatches = Annotated[
    list[str] | None,
    typer.Option("--batch", help="In this batch; repeat for several.", metavar="ID", rich_help_panel=SELECTION),
]
BySchedules = Annotated[
    list[str] | None,
    typer.Option(
        "--schedule", help="Made by this schedule; repeat for several.", metavar="ID", rich_help_panel=SELECTION
    ),
]
WholeChains = Annotated[
    list[str] | None,
    typer.Option("--chain", help="This chain, as a whole.", metavar="ID", rich_help_panel=SELECTION),
]
WholeBatches = Annotated[
    list[str] | None,
    typer.Option("--batch", help="This batch, as a whole.", metavar="ID", rich_help_panel=SELECTION),
]
All = Annotated[bool, typer.Option("--all", help="All of them.", metavar="", rich_help_panel=SELECTION)]


class Invocation:
    """One call of the command line: the flags of all commands, and the settings they lead to."""

    def __init__(self, flags: Flags, *, verbose: int = 0) -> None:
        self.flags = flags
        self.verbose = verbose

    @cached_property
    def settings(self) -> Settings:
        """Return the settings, resolved at the first look."""
        return load(self.flags)

    def reload(self) -> None:
        """Read the settings again at the next look: the config file has been written."""
        vars(self).pop("settings", None)


def settings_of(ctx: typer.Context) -> Settings:
    """Return the settings of this call."""
    invocation: Invocation = ctx.obj
    return invocation.settings


def past_ms(text: str, now_ms: int) -> int:
    """Return what --since and --until mean: a duration is so long ago, a time of day or a weekday the last one."""
    from bgo.cli import parse

    try:
        return now_ms - parse.duration_ms(text)
    except UsageError:
        pass
    if text.strip().lower().startswith(("+", "in ")):
        raise UsageError(
            f"not a time in the past: {text!r:.100}",
            why="it says when in the future",
            hint="try 1h, 14:30, today, a date",
        )
    for back in (0, DAY_MS, 7 * DAY_MS):
        if (found := parse.instant_ms(text, now_ms - back)) <= now_ms:
            return found
    return found


def selector(
    now_ms: int,
    *,
    ids: Iterable[str] | None = None,
    names: Iterable[str] | None = None,
    tags: Iterable[str] | None = None,
    queues: Iterable[str] | None = None,
    states: Iterable[State] | None = None,
    since: str | None = None,
    until: str | None = None,
    match_all: bool = False,
    under: Iterable[str] = (),
    kinds: tuple[str, ...] = ("task",),
    schedules: Iterable[str] | None = None,
) -> Selector:
    """Return the selection that the shared options mean; words that are names select by name."""
    from bgo.cli import parse
    from bgo.model.query import Selector

    words = [parse.id_or_name(word) for word in ids or ()]
    return Selector(
        ids=tuple(word for word in words if word == "@last" or word[0].isdigit()),
        names=(*(names or ()), *(word for word in words if word[0].isalpha())),
        tags=tuple(tags or ()),
        queues=tuple(queues or ()),
        states=tuple(states or ()),
        since=None if since is None else past_ms(since, now_ms),
        until=None if until is None else past_ms(until, now_ms),
        match_all=match_all,
        under=tuple(under),
        kinds=kinds,
        schedules=tuple(schedules or ()),
    )


def need_selection(selection: Selector, verb: str) -> None:
    """Refuse a destructive verb that says nothing about which tasks."""
    if selection.is_empty and not selection.match_all:
        raise UsageError(
            f"{verb}: which tasks?", why="no id and no selection was given", hint=f"bgo {verb} ID, --name NAME or --all"
        )


def confirm(question: str, count: int, *, yes: bool, most: int | None = None) -> None:
    """Ask before more than one thing is changed; without a terminal, or on a no, refuse.

    `most` is how far was counted; beyond it the question says 'more than'.
    """
    if yes or count <= 1:
        return
    many = f"more than {most:,}" if most is not None and count > most else f"{count:,}"
    if not sys.stdin.isatty():
        raise UsageError(
            f"{question} That is {many} of them.", why="there is no terminal to ask on", hint="say --yes to go ahead"
        )
    if not typer.confirm(f"{question} That is {many} of them.", err=True):
        raise typer.Exit(1)

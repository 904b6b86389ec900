"""`bgo schedules apply` and `bgo schedules import`: schedules from TOML files and from crontabs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from bgo.cli.flow import flow_of, tell_broken
from bgo.cli.params import Json, Quiet

if TYPE_CHECKING:
    from bgo.flow.crontab_read import Line
    from bgo.flow.schedule_files import Applied, Imported

DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Tell what would be done; write nothing.", metavar="")]
NOTE = " " * 6
NO_ID = "-" * 12
"""Of what would be added."""


def apply(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Schedules as TOML.", show_default=False)],
    dry_run: DryRun = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make the schedules that a file describes: each is a table, its name the key.

    What differs is changed, what is new is added, and what this file brought before and has no more is removed; the
    rest is left alone, counters and all. All of it is done, or nothing.

    bgo schedules apply schedules.toml --dry-run
    """
    flow = flow_of(ctx)
    tell_broken(flow)
    done = flow.apply_schedules(file, dry_run=dry_run)
    if as_json:
        from bgo.cli import render

        return render.write_json([each.to_json() for each in done])
    if quiet:
        return _print_ids(done)
    for each in done:
        print(f"{each.outcome:9}  {each.id or NO_ID}  {each.key}")
    return _sum_up(Counter(each.outcome for each in done), dry_run=dry_run)


def import_(
    ctx: typer.Context,
    source: Annotated[
        str,
        typer.Argument(metavar="crontab|FILE", help="'crontab': yours; - for a pipe.", show_default=False),
    ],
    system: Annotated[
        bool,
        typer.Option("--system", help="A user's name stands before each command, as in /etc/crontab.", metavar=""),
    ] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Turn a crontab into schedules of commands, and tell of each line what could not be carried over exactly.

    Commands run as cron runs them: by SHELL, in HOME, with the crontab's variables. An entry that is imported again is
    left alone. The crontab itself stays as it is: take the entries out of it, or both run them. Exit code 1: some
    entries were left out.

    bgo schedules import crontab --dry-run
    """
    from bgo.flow import crontab
    from bgo.flow.crontab_source import text_of

    flow = flow_of(ctx)
    tell_broken(flow)
    is_system = system or crontab.is_system_file(source)
    done = flow.import_crontab(text_of(source), is_system=is_system, dry_run=dry_run)
    if as_json:
        from bgo.cli import render

        render.write_json(done.to_json())
    elif quiet:
        _print_ids(each for each in done.applied if each is not None)
    else:
        _tell(done, source, dry_run=dry_run)
    if done.crontab.left_out:
        raise typer.Exit(1)


def _print_ids(done: Iterable[Applied]) -> None:
    for each in done:
        if each.id is not None:
            print(each.id)


def _tell(done: Imported, source: str, *, dry_run: bool) -> None:
    """Print every line that says something, with its notes, and what holds for all of them."""
    from bgo.cli import render
    from bgo.flow.crontab_read import ABOUT

    for line, applied in zip(done.crontab.lines, done.applied, strict=True):
        if applied is not None or line.notes:
            _put_line(line, applied)
    found = [each for each in done.applied if each is not None]
    if found:
        for about in ABOUT:
            render.say(about)
    counts = Counter[str](each.outcome for each in found)
    counts["left out"] = len(done.crontab.left_out)
    _sum_up(counts, dry_run=dry_run)
    if counts["added"] and not dry_run:
        render.say(f"both cron and bgo run them now: take them out of {_place(source)}")


def _place(source: str) -> str:
    """Return where the entries of a crontab stand, as somebody finds them."""
    from bgo.flow.crontab_source import PIPE, PROGRAM

    if source == PROGRAM:
        return "your crontab (crontab -e)"
    return "the crontab that they came from" if source == PIPE else source


def _put_line(line: Line, applied: Applied | None) -> None:
    from bgo.cli import render

    became = str(line.became) if applied is None else applied.outcome
    id = "" if applied is None else f"  {applied.id or NO_ID}"
    print(f"{line.number:4}  {became:9}{id}  {render.line(line.text)}")
    for note in line.notes:
        print(NOTE + render.line(note))


def _sum_up(counts: Counter[str], *, dry_run: bool) -> None:
    from bgo.cli import render

    told = ", ".join(f"{number:,} {outcome}" for outcome, number in counts.items() if number) or "nothing to do"
    render.say(f"nothing was written; it would be: {told}" if dry_run else told)

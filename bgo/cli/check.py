"""`bgo check`: what waits in vain, or comes otherwise than it was meant, before anybody waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bgo.cli import device as about
from bgo.cli.flow import flow_of
from bgo.cli.params import Json
from bgo.model.device import NO_FACTS, Facts
from bgo.model.finding import Level

if TYPE_CHECKING:
    from bgo.cli.facts import Fact
    from bgo.engine.lint_desk import Checked
    from bgo.model.change import Change
    from bgo.model.finding import Subject, Told
    from bgo.model.views import Explanation

STYLES = {Level.ERROR: "bold red", Level.WARNING: "yellow", Level.NOTE: "dim"}


@about.device
def check(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID|NAME]...", help="Only these tasks, chains, batches, schedules.", show_default=False
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 on warnings, too.", metavar="")] = False,
    codes: Annotated[bool, typer.Option("--codes", help="List all findings there are.", metavar="")] = False,
    facts: Facts = NO_FACTS,
    as_json: Json = False,
) -> None:
    """Check what is queued and scheduled: what can never run, and what the profile would change about it.

    Judged as a plain `bgo run` would judge here; --profile ios: as a phone would. Exit code 1 where something is
    an error.
    """
    from bgo.cli import render

    if codes:
        return _codes(as_json=as_json)
    flow = flow_of(ctx)
    found = flow.check(*(words or ()), device=facts)
    if as_json:
        render.write_json(found.to_json())
    else:
        show(found.found, color=flow.settings.color)
        render.say(summary(found))
    if found.count(Level.ERROR) or (strict and found.count(Level.WARNING)):
        raise typer.Exit(1)
    return None


def show(found: Sequence[Told], *, color: bool) -> None:
    """Print findings, each with what it is about, why it is so, and what would mend it."""
    from rich.table import Table

    from bgo.cli import render
    from bgo.cli.facts import unpadded

    if not found:
        return
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=7, no_wrap=True)
    grid.add_column(overflow="fold")
    for subject, finding in found:
        level = finding.level
        head = render.safe(finding.code, "bold")
        head.append(f"  {told_subject(subject)}")
        grid.add_row(render.safe(str(level), STYLES[level]), head)
        grid.add_row("", render.safe(f"{finding.said}: {finding.why}"))
        grid.add_row("", render.safe(f"hint: {finding.fix}"))
    unpadded(render.console(color=color), grid)


def rows(found: Sequence[Told], changes: Sequence[Change] = ()) -> list[Fact]:
    """Return findings as lines of a plan, each said in one and once; `changes` are told there already."""
    from bgo.cli import render

    seen = {f"{change.what}: {change.asked} becomes {change.given}" for change in changes}
    told: list[Fact] = []
    for _, finding in found:
        if finding.said not in seen:
            seen.add(finding.said)
            line = f"{finding.level}: {finding.said}: {finding.why}; {finding.fix}"
            told.append(("" if told else "check", render.safe(line, STYLES[finding.level])))
    return told


def judged(explained: Explanation) -> list[Fact]:
    """Return under which profile a plan was judged, and what that changes; nothing where it is this computer."""
    if explained.profile == "host":
        return []
    changes = [("changed" if not n else "", change.told) for n, change in enumerate(explained.changes)]
    return [("profile", explained.profile), *changes]


def judged_json(explained: Explanation, found: Sequence[Told]) -> dict[str, Any]:
    """Return what a plan says of the profile: which it is, what it changes, and what a linter says."""
    return {
        "profile": explained.profile,
        "changes": [change._asdict() for change in explained.changes],
        "findings": [told.to_json() for told in found],
    }


def told_subject(subject: Subject) -> str:
    """Return what a finding is about, in words."""
    from bgo.cli import render

    match subject.kind:
        case "task" | "schedule":
            told = f"{subject.kind} {subject.id} " if subject.id else ""
            more = f" and {subject.tasks - 1:,} more" if subject.tasks > 1 else ""
            return f"{told}{render.line(subject.name)}{more}"
        case "store":
            return f"all of it, under {subject.name}"
        case _:
            return f"{subject.kind} key {render.line(subject.name)}"


def summary(found: Checked) -> str:
    """Return in one line what was looked at, and how many findings there are."""
    counts = [(found.count(level), str(level)) for level in Level]
    told = ", ".join(f"{n:,} {word}{'s' if n > 1 else ''}" for n, word in counts if n) or "nothing to say"
    looked = f"{_number(found.tasks, 'waiting task')} and {_number(found.schedules, 'schedule')}"
    cut = "; there are more kinds of tasks than were looked at" if found.is_cut else ""
    return f"{told}: {looked}, judged by profile {found.profile}{cut}"


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _codes(*, as_json: bool) -> None:
    from bgo.cli import render
    from bgo.model.finding import CODES

    if as_json:
        rows = [{"schema": 1, "code": code, "level": str(level), "said": said} for code, (level, said) in CODES.items()]
        return render.write_json(rows)
    for code, (level, said) in CODES.items():
        print(f"{level:<8} {code:<25} {said}")
    return None

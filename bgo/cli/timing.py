"""Options that say when a schedule fires, each written once, and the keywords of the library they mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bgo.cli import parse
from bgo.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from bgo.api import TaskFlow

NONE, NO_NUMBER = "none", -1
"""What takes a setting of a schedule away: `--window none`, `--max-runs none`."""


def number(text: str) -> int:
    """Return a whole number, NO_NUMBER for `none`."""
    word = text.strip().lower()
    if not (word == NONE or (word.isascii() and word.isdigit() and len(word) < 10)):
        raise UsageError(f"not a whole number: {text!r:.40}", why="it says how often", hint="try 3")
    return NO_NUMBER if word == NONE else int(word)


FIRES, TROUBLE = "When it fires", "When it cannot"

Every = Annotated[
    str | None,
    typer.Option("--every", metavar="TIME", help="90s, 15m, 1h, 2d …, counted from --start on.", rich_help_panel=FIRES),
]
Cron = Annotated[
    str | None,
    typer.Option("--cron", metavar="EXPR", help="'0 9-17 * * 1-5', @daily, @reboot.", rich_help_panel=FIRES),
]
EveryMinutes = Annotated[
    str | None,
    typer.Option("--every-minutes", metavar="N", help="At :00 and each N minutes of the hour.", rich_help_panel=FIRES),
]
EveryHours = Annotated[
    str | None,
    typer.Option("--every-hours", metavar="N", help="At 00:00 and each N hours of the day.", rich_help_panel=FIRES),
]
DailyAt = Annotated[str | None, typer.Option("--daily-at", metavar="HH:MM", help="Every day.", rich_help_panel=FIRES)]
On = Annotated[
    list[str] | None,
    typer.Option("--on", metavar="DAYS", help="MON,WED or MON-FRI, with --at.", rich_help_panel=FIRES),
]
WeekdaysAt = Annotated[
    str | None, typer.Option("--weekdays-at", metavar="HH:MM", help="Monday to Friday.", rich_help_panel=FIRES)
]
WeekendsAt = Annotated[
    str | None, typer.Option("--weekends-at", metavar="HH:MM", help="Saturday and Sunday.", rich_help_panel=FIRES)
]
MonthlyOn = Annotated[
    str | None,
    typer.Option("--monthly-on", metavar="DAY", help="1 to 31, with --at.", rich_help_panel=FIRES),
]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="HH:MM", help="The time of day, for --on and --monthly-on.", rich_help_panel=FIRES),
]
Zone = Annotated[
    str | None,
    typer.Option("--tz", metavar="ZONE", help="Whose clock: Europe/Berlin, +01:00.", rich_help_panel=FIRES),
]
Window = Annotated[
    str | None,
    typer.Option(
        "--window", metavar="HOURS", help="Only then: off-peak, 9-17@mon-fri, 22:00-06:00.", rich_help_panel=FIRES
    ),
]
Jitter = Annotated[
    timedelta | None,
    typer.Option(
        "--jitter", parser=parse.duration, metavar="TIME", help="Each up to so much later.", rich_help_panel=FIRES
    ),
]
Start = Annotated[
    str | None,
    typer.Option("--start", metavar="TIME", help="Not before: 'tomorrow 9:00', a date.", rich_help_panel=FIRES),
]
End = Annotated[str | None, typer.Option("--end", metavar="TIME", help="Not from then on.", rich_help_panel=FIRES)]
MaxRuns = Annotated[
    int | None,
    typer.Option("--max-runs", parser=number, metavar="N", help="So often, then no more.", rich_help_panel=FIRES),
]
Missed = Annotated[
    str | None,
    typer.Option(
        "--missed",
        metavar="POLICY",
        help="No worker was there: one (for all), skip, skip:15m, all, all:500.",
        rich_help_panel=TROUBLE,
    ),
]
Overlap = Annotated[
    str | None,
    typer.Option(
        "--overlap",
        metavar="POLICY",
        help="An earlier one is unfinished: skip, queue, replace, allow.",
        rich_help_panel=TROUBLE,
    ),
]
PauseAfter = Annotated[
    int | None,
    typer.Option(
        "--pause-after",
        parser=number,
        metavar="N",
        help="Pause itself after N failures in a row.",
        rich_help_panel=TROUBLE,
    ),
]

RULE = (
    "every", "cron", "every_minutes", "every_hours", "daily_at", "on", "at", "weekdays_at", "weekends_at", "monthly_on",
    "word",
)  # fmt: skip
CLEARED = ("window", "start", "end", "max_runs", "pause_after", "start_before", "finish_before")
PLAIN = ("tz", "window", "jitter", "max_runs", "missed", "overlap", "pause_after")


def keywords(flow: TaskFlow, said: Mapping[str, Any], *, is_new: bool) -> dict[str, Any]:
    """Return what these options mean to the library; a schedule that is there need not be told when it fires."""
    from bgo import zones
    from bgo.flow.rules import is_said, rule_of

    words = {name: said.get(name) for name in RULE}
    away = {name for name in CLEARED if said.get(name) in (NONE, NO_NUMBER)}
    said = {**said, **dict.fromkeys(away)}
    found: dict[str, Any] = {name: said[name] for name in PLAIN}
    if is_new or any(map(is_said, words.values())):
        found.update(rule_of(words))
    zone = None if said["tz"] is None else zones.zone(said["tz"])
    for name in ("start", "end"):
        if said[name] is not None:
            found[name] = _instant(said[name], f"--{name}", flow.clock.now_ms(), zone)
    for name in ("start_before", "finish_before"):
        if said.get(name) is not None:
            found[name] = _duration(said[name], "--" + name.replace("_", "-"))
    kept = {name: value for name, value in found.items() if value is not None}
    return kept if is_new else {**kept, **dict.fromkeys(away)}


def _instant(text: str, option: str, now_ms: int, zone: Any) -> int:
    try:
        return parse.instant_ms(text, now_ms, zone)
    except UsageError as error:
        raise UsageError(f"{option}: {error.message}", why=error.why, hint=error.hint) from None


def _duration(text: str, option: str) -> timedelta:
    try:
        return parse.duration(text)
    except UsageError as error:
        why = f"{error.why}; of a schedule it counts from the time at which it fires"
        raise UsageError(f"{option}: {error.message}", why=why, hint=f"{option} 2h") from None


SPOKEN = {
    "interval": ("--every", "1h"),
    "jitter": ("--jitter", "5m"),
    "missed": ("--missed", ""),
    "overlap": ("--overlap", ""),
    "max_runs": ("--max-runs", "3"),
    "pause_after": ("--pause-after", "3"),
    "start": ("--start", "'tomorrow 9:00'"),
    "end": ("--end", "2026-12-24"),
    "as": ("--as", ""),
    "env": ("--env", ""),
    "start_before": ("--start-before", "2h"),
    "finish_before": ("--finish-before", "2h"),
}
"""Keyword of the library → its option, and an example where the library's hint is none for a command line."""


@contextmanager
def as_options() -> Iterator[None]:
    """Let what the library refuses be told in the words of the command line."""
    try:
        yield
    except UsageError as error:
        keyword, colon, rest = error.message.partition(": ")
        option, example = SPOKEN.get(keyword, ("", ""))
        if not (option and colon):
            raise
        raise UsageError(
            f"{option}: {rest}", why=error.why, hint=f"try {option} {example}" if example else error.hint
        ) from None


@contextmanager
def as_schedule(name: str) -> Iterator[None]:
    """Let hints that are about other commands name what is typed here."""
    try:
        yield
    except (UsageError, NotFoundError) as error:
        error.hint = HINTS.get(error.hint, error.hint)
        if error.message == f"unknown handler: {name!r}":
            near = f"{error.hint.rstrip('?')}? " if error.hint.startswith("did you mean") else ""
            error.hint = f"{near}if {name} is only a name: --handler HANDLER (bgo handlers list)"
        raise


HINTS = {
    "bgo enqueue shell -- ls -l": "bgo schedule shell --every 1h -- ls -l",
    "bgo chain NAME first second+third": "--steps 'first second+third'",
}


def check_once(words: Sequence[str]) -> None:
    """Refuse an option that says when it fires and stands there twice: Typer would take the last and say nothing."""
    typed = words[: words.index("--")] if "--" in words else words
    for option in ONCE:
        if sum(word == option or word.startswith(f"{option}=") for word in typed) > 1:
            raise UsageError(
                f"{option} stands there twice",
                why="a schedule has one rule",
                hint="several times of a day: --cron '0 9,18 * * *'; else make a schedule of each",
            )


ONCE = tuple("--" + name.replace("_", "-") for name in RULE if name not in ("on", "word"))


def at_word(words: list[str]) -> tuple[str | None, list[str]]:
    """Return the `@word` among the words of an input, if there is one, and the others."""
    found = [word for word in words if word.startswith("@")]
    if len(found) > 1:
        raise UsageError(
            f"{found[0]} and {found[1]} contradict each other", why="both say when it fires", hint="give one of them"
        )
    return (found[0] if found else None), [word for word in words if not word.startswith("@")]

"""The words for when a schedule fires, as the command line and schedule files say them, made one rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import time, timedelta
from typing import TYPE_CHECKING, Any, TypedDict

from bgo.errors import UsageError
from bgo.model.words import clock_of, duration

if TYPE_CHECKING:
    from bgo.model.cron import CronSchedule

REBOOT = "@reboot"
AT, ON, MONTHLY_ON = "at", "on", "monthly_on"
SHORTEST = timedelta(seconds=1)
TIMES = "try 09:30, 9:30, 9am or 9"
EXAMPLES = {"every": "1h", "cron": "0 9 * * 1-5", "daily_at": "09:30"}

Said = Mapping[str, Any]
Spell = Callable[[str], str]


class RuleKeywords(TypedDict, total=False):
    """The one keyword of `flow.schedule` that says when it fires."""

    interval: timedelta
    cron: CronSchedule
    reboot: bool


def option(name: str) -> str:
    """Return a word as the command line writes it."""
    return "--" + name.replace("_", "-")


def rule_of(said: Said, spell: Spell = option) -> RuleKeywords:
    """Return the rule that these words mean; those with None, False or nothing in them were not said.

    The words are those of RULES, and `at` beside `on` and `monthly_on`. Raises UsageError unless there is exactly one
    rule; `spell` is how its messages write a word.
    """
    given = {key: value for key, value in said.items() if (key in RULES or key == AT) and is_said(value)}
    rules = [key for key in given if key != AT]
    if not rules:
        raise _no_rule(spell, given.get(AT))
    if len(rules) > 1:
        one, other = (str(given[key]) if key == "word" else spell(key) for key in rules[:2])
        raise UsageError(f"{one} and {other} contradict each other",
                         why="both say when it fires", hint="give one of them")  # fmt: skip
    rule = rules[0]
    _check_at(rule, given.get(AT), spell)
    try:
        return RULES[rule](given)
    except UsageError as error:
        found = _named(rule, error, spell)
        found.hint = f"{spell(rule)} 1" if rule == MONTHLY_ON and error.hint == "day=1" else found.hint
        raise found from None


def is_said(value: Any) -> bool:
    """Say whether a word is there at all; an empty text is, and means nothing."""
    return not (value is None or value is False or (isinstance(value, (list, tuple)) and not value))


def _no_rule(spell: Spell, at: Any) -> UsageError:
    if at is not None:
        _check_clock(at, spell)
        why = f"it is a time of day for {spell(ON)} or {spell(MONTHLY_ON)}"
        return UsageError(f"{spell(AT)} alone names no days", why=why, hint=f"each day: {spell('daily_at')} 14:00")
    examples = ", ".join(f"{spell(key)} {value!r}" for key, value in EXAMPLES.items())
    why = "none of " + ", ".join(spell(key) for key in RULES if key not in ("word", "reboot")) + " is there"
    return UsageError("nothing says when it fires", why=why, hint=f"try {examples}")


def _check_clock(value: Any, spell: Spell) -> None:
    try:
        clock(value)
    except UsageError as error:
        hint = f"{error.hint}; a date goes to {spell('start')}, and one run at it is bgo enqueue --at"
        raise UsageError(f"{spell(AT)}: {error.message}", why=error.why, hint=hint) from None


def _check_at(rule: str, at: Any, spell: Spell) -> None:
    needs_at, is_at = rule in (ON, MONTHLY_ON), at is not None
    if is_at:
        _check_clock(at, spell)
    if needs_at and not is_at:
        day = "MON,WED" if rule == ON else "1"
        raise UsageError(f"{spell(rule)} needs {spell(AT)}", why="days alone name no time",
                         hint=f"{spell(rule)} {day} {spell(AT)} 14:00")  # fmt: skip
    if is_at and not needs_at:
        raise UsageError(
            f"{spell(AT)} does not go with {spell(rule)}", why=f"{spell(rule)} says when it fires",
            hint=f"leave it out; {spell(AT)} is for {spell(ON)} and {spell(MONTHLY_ON)}",
        )  # fmt: skip


def _named(rule: str, error: UsageError, spell: Spell) -> UsageError:
    if rule == "word":
        return error
    return error.within(spell(rule))


# What each word means.

_NO_TIME = "not a time of day"


def clock(value: Any) -> tuple[int, int]:
    """Return hour and minute of a time of day: `09:30`, `9am`, `9`, or a `time` of a TOML file."""
    if isinstance(value, time):
        if value.second or value.microsecond:
            raise _no_time(str(value), "a schedule of the wall clock fires at whole minutes")
        return value.hour, value.minute
    word = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    try:
        found = clock_of(word, f"{word.strip()}:00" if re.fullmatch(r"\s*[0-9]{1,2}\s*", word) else word.strip())
    except UsageError as error:
        raise _no_time(value, error.why) from None
    if found is None:
        raise _no_time(value, "it is none of the forms that are read")
    return found


def _no_time(value: Any, why: str) -> UsageError:
    return UsageError(f"{_NO_TIME}: {value!r:.60}", why=why, hint=TIMES)


def _every(value: Any) -> RuleKeywords:
    found = value if isinstance(value, timedelta) else duration(str(value))
    if found < SHORTEST:
        raise UsageError(f"too short an interval: {value}", why="each occurrence is a commit: a second is the shortest",
                         hint="try 1s, 15m or 1h")  # fmt: skip
    return {"interval": found}


def _word(value: Any) -> RuleKeywords:
    is_reboot = isinstance(value, str) and value.strip().lower() == REBOOT
    return {"reboot": True} if is_reboot else {"cron": _cron()(value)}


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,4}", value) else value


def _days(value: Any) -> list[Any]:
    given = value if isinstance(value, (list, tuple)) else [value]
    return [day for one in given for day in (one.split(",") if isinstance(one, str) else [one])]


def _cron() -> type[CronSchedule]:
    from bgo.model.cron import CronSchedule

    return CronSchedule


RULES: Mapping[str, Callable[[Said], RuleKeywords]] = {
    "every": lambda said: _every(said["every"]),
    "cron": lambda said: _word(said["cron"]),
    "every_minutes": lambda said: {"cron": _cron().every_n_minutes(_number(said["every_minutes"]))},
    "every_hours": lambda said: {"cron": _cron().every_n_hours(_number(said["every_hours"]))},
    "daily_at": lambda said: {"cron": _cron().daily_at(*clock(said["daily_at"]))},
    "on": lambda said: {"cron": _cron().on_days_at(_days(said["on"]), *clock(said["at"]))},
    "weekdays_at": lambda said: {"cron": _cron().weekdays_at(*clock(said["weekdays_at"]))},
    "weekends_at": lambda said: {"cron": _cron().weekend_at(*clock(said["weekends_at"]))},
    "monthly_on": lambda said: {"cron": _cron().monthly_at(_number(said["monthly_on"]), *clock(said["at"]))},
    "reboot": lambda said: {"reboot": True},
    "word": lambda said: _word(said["word"]),
}
"""What each word makes of what was said; each says when a schedule fires, and `word` is an `@word`."""

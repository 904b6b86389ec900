"""Windows as people write them: `off-peak`, `9-17@mon-fri`, `22:00-06:00`, or a name of the config."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from bgo.errors import UsageError
from bgo.model.window import DAYS, TimeWindow

WINDOW_FORMS = "try 09:00-17:00@mon-fri, 22:00-06:00, 9-17@sat,sun, off-peak or business-hours"
PRESETS: Mapping[str, TimeWindow] = MappingProxyType(
    {"off-peak": TimeWindow.OFF_PEAK, "business-hours": TimeWindow.BUSINESS_HOURS}
)
NO_NAMES: Mapping[str, TimeWindow] = MappingProxyType({})
_LONGEST = 100
_CLOCK = r"(\d{1,2})(?::(\d\d))?"
_HOURS = rf"{_CLOCK}\s*-\s*{_CLOCK}"


def window(text: str, named: Mapping[str, TimeWindow] = NO_NAMES) -> TimeWindow:
    """Return a written window: a preset, one of `named`, or hours with days behind an @.

    Raises UsageError with the accepted forms, and the nearest name where it looks like one.
    """
    word = text.strip() if len(text) <= _LONGEST else ""
    if word[:1].isalpha():
        return _named(word, named)
    hours, at, days = word.partition("@")
    found = re.fullmatch(_HOURS, hours.strip(), re.ASCII)
    if found is None:
        raise _no_window(text, "it is neither hours, such as 22:00-06:00, nor a name" if word else "there is no text")
    start, end = (int(found[1]), int(found[2] or 0)), (int(found[3]), int(found[4] or 0))
    if start > (23, 59) or end > (24, 0) or max(start[1], end[1]) > 59:
        raise _no_window(text, "hours run from 00:00 to 24:00, minutes from 00 to 59")
    if start == end:
        raise _no_window(text, "it begins when it ends; all day is 00:00-24:00")
    numbers = _days(text, days) if at else ()
    return TimeWindow(start[0], end[0], numbers, start_minute=start[1], end_minute=end[1])


def _named(word: str, named: Mapping[str, TimeWindow]) -> TimeWindow:
    found = PRESETS.get(word) or named.get(word)
    if found is not None:
        return found
    from bgo.model.words import did_you_mean

    known = [*PRESETS, *named]
    why = did_you_mean(word, known) or f"known are {', '.join(known)}"
    if "@" in word:
        why = "a name stands alone: days are part of what it names"
    raise _no_window(word, why, "write the hours, or name them in the config: [windows]")


def _days(text: str, days: str) -> list[int]:
    found: list[int] = []
    for part in days.split(","):
        first, dash, last = (piece.strip() for piece in part.partition("-"))
        start = _day(text, first)
        end = _day(text, last) if dash else start
        found += [(start + ahead - 1) % 7 + 1 for ahead in range((end - start) % 7 + 1)]
    return found


def _day(text: str, word: str) -> int:
    if word.isascii() and word.isdigit() and 1 <= int(word) <= 7:
        return int(word)
    whole = {"mon": "monday", "tue": "tuesday", "wed": "wednesday", "thu": "thursday"}
    whole |= {"fri": "friday", "sat": "saturday", "sun": "sunday"}
    for number, short in enumerate(DAYS, 1):
        if len(word) >= 3 and whole[short].startswith(word.lower()):
            return number
    raise _no_window(text, f"{word!r:.40} is no day: they are {', '.join(DAYS)}, or 1 (Monday) to 7")


def _no_window(text: str, why: str, hint: str = WINDOW_FORMS) -> UsageError:
    return UsageError(f"not a window: {text[:_LONGEST]!r}", why=why, hint=hint)

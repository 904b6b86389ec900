"""The grammar of cron expressions: what cron(8) reads, and nothing that only other programs read."""

from __future__ import annotations

import re
from typing import NamedTuple

from bgo.errors import UsageError
from bgo.model.cron_fault import FORMS, Place

LONGEST = 1000
"""Characters; all 60 minutes written out are 170."""
WORDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
REBOOT = "@reboot"
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_WEEKDAYS = {"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}
_SUNDAY = 7
_LONGEST_MONTH = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FOREIGN = {
    "?": "cron has no '?': write * for any",
    "l": "cron knows no last day or weekday of a month; the first is 1",
    "w": "cron knows no nearest weekday",
    "#": "cron knows no nth weekday of a month",
    "h": "cron knows no hashed times; a number and --jitter 10m spread the load",
    "r": "cron knows no random times; a number and --jitter 10m spread the load",
}


class Field(NamedTuple):
    """One of the five fields: what it is called, its least and greatest value, and its names."""

    name: str
    low: int
    high: int
    names: dict[str, int]

    @property
    def span(self) -> int:
        """How many values there are; 0 and 7 are one Sunday."""
        return self.high - self.low + (self.high != _SUNDAY)


FIELDS = (
    Field("minute", 0, 59, {}),
    Field("hour", 0, 23, {}),
    Field("day of month", 1, 31, {}),
    Field("month", 1, 12, _MONTHS),
    Field("day of week", 0, _SUNDAY, _WEEKDAYS),
)


class Item(NamedTuple):
    """One part of a field's list: every `step`-th value from `low` to `high`."""

    low: int
    high: int
    step: int = 1

    @property
    def values(self) -> range:
        """The values it names."""
        return range(self.low, self.high + 1, self.step)

    def __str__(self) -> str:
        if len(self.values) == 1:
            return str(self.low)  # croniter reads N-N as "every"
        return f"{self.low}-{self.high}" + (f"/{self.step}" if self.step > 1 else "")


def read(given: object) -> tuple[str, tuple[tuple[Item, ...], ...]]:
    """Return an expression with single blanks, and what its five fields name.

    Raises UsageError for what cron does not read, and for what never fires.
    """
    if not isinstance(given, str):
        raise UsageError(f"not a cron expression: {given!r:.40}", why="it is no text", hint=FORMS)
    if len(given) > 10 * LONGEST:
        Place(given, 0, len(given)).refuse(_too_long(given))
    if bad := re.search(r"[^\t -~]", given):
        why = "cron reads ASCII on one line, without control characters"
        Place(given, bad.start(), bad.end()).refuse(why)
    text = " ".join(given.split())
    if text.startswith("@"):
        return text, read(_word(text))[1]
    places = [Place(text, found.start(), found.end()) for found in re.finditer(r"[^ ]+", text)]
    _check_size(text, places)
    named = [place._replace(name=field.name) for place, field in zip(places, FIELDS, strict=True)]
    items = tuple(tuple(_list(place, field)) for place, field in zip(named, FIELDS, strict=True))
    _check_days(named[2], named[4], items)
    return text, items


def _word(text: str) -> str:
    word, everything = text.lower(), Place(text, 0, len(text))
    if word in WORDS:
        return WORDS[word]
    if word == REBOOT:
        hint = "bgo schedule NAME @reboot, or reboot=True in Python"
        everything.refuse("it names no time: such a schedule fires when the computer has started", hint)
    if word.split()[0] == "@every":
        rest = text[len("@every") :].strip()[:20] or "15m"
        hint = f"bgo schedule NAME --every {rest}, or interval=timedelta(…) in Python"
        everything.refuse("an interval is not a cron expression", hint)
    from bgo.model.words import did_you_mean

    known = [*WORDS, REBOOT]
    everything.refuse(did_you_mean(word, known) or f"cron's words are {', '.join(known)}")


def _check_size(text: str, places: list[Place]) -> None:
    """Raise unless there are five fields of a length that a person may have meant."""
    if not places:
        raise UsageError("not a cron expression: it is empty", why="it names no time", hint=FORMS)
    if len(text) > LONGEST:
        longest = max(places, key=lambda place: place.end - place.start)
        name = FIELDS[places.index(longest)].name if len(places) == len(FIELDS) else ""
        longest._replace(name=name).refuse(_too_long(text))
    if len(places) > len(FIELDS):
        hint = "leave away seconds, year or command; --every 30s is for seconds"
        places[5]._replace(end=len(text)).refuse(f"it has {len(places)} fields, cron has five", hint)
    if len(places) < len(FIELDS):
        missing = ", ".join(field.name for field in FIELDS[len(places) :])
        Place(text, len(text), len(text) + 1, FIELDS[len(places)].name).refuse(
            f"it has {len(places)} of five fields; missing: {missing}"
        )


def _too_long(text: str) -> str:
    return f"it has {len(text):,} characters, cron expressions at most {LONGEST:,}"


def _list(place: Place, field: Field) -> list[Item]:
    found, start = [], 0
    for word in place.word.split(","):
        part = place.part(start, word)
        if not word:
            place.part(max(0, start - 1), ",").refuse("a comma stands between two values")
        found.append(_item(part, field))
        start += len(word) + 1
    return found


def _item(place: Place, field: Field) -> Item:
    base, slash, step_word = place.word.partition("/")
    if not base:
        place.refuse("before / stands *, a number or a range")
    at = place.part(0, base)
    if base == "*":
        low, high = field.low, field.low + field.span - 1
    else:
        low, high = _range(at, field, step_word)
    if not slash:
        return Item(low, high)
    step = _step(place.part(len(base) + 1, step_word), field)
    if base != "*" and "-" not in base:
        high = field.high
    return Item(low, high, step)


def _step(place: Place, field: Field) -> int:
    if not re.fullmatch(r"[0-9]+", place.word):
        place._replace(start=place.start - 1).refuse("after / stands a number: how many values to go on")
    digits = place.word.lstrip("0")
    if not digits:
        place.refuse("a step of 0 never gets on", "a step is 1 or more, as in */5")
    if len(digits) > 9 or int(digits) > field.span:
        hint = f"write {field.low} alone; a longer interval is --every, as in --every 90m"
        place.refuse(f"there are only {field.span} values to step through", hint)
    return int(digits)


def _range(place: Place, field: Field, step: str) -> tuple[int, int]:
    first, dash, last = place.word.partition("-")
    if not dash:
        low = _value(place, field)
        return low, low
    if not (first and last) or "-" in last:
        place.refuse("a range has two ends, as in 1-5")
    low = _value(place.part(0, first), field)
    high = _value(place.part(len(first) + 1, last), field)
    if low > high and last.lower() == "sun":
        high = _SUNDAY
    if low > high:
        place.refuse("it ends before it begins; cron does not go round", f"write {_unwrapped(low, high, field, step)}")
    return low, high


def _unwrapped(low: int, high: int, field: Field, step: str) -> str:
    """Return what a range that goes round must have meant, as cron reads it."""
    if step.isdigit() and 1 < int(step[:9]) <= field.span:
        around = [*range(low, field.low + field.span), *range(field.low, high + 1)]
        return ",".join(map(str, sorted(around[:: int(step[:9])])))
    begin = field.low + (field.high == _SUNDAY)  # 7 and 0 are one day
    return ",".join(str(Item(a, b)) for a, b in ((low, field.high), (begin, high)) if a <= b)


def _value(place: Place, field: Field) -> int:
    word = place.word.lower()
    if word in field.names:
        return field.names[word]
    if not re.fullmatch(r"[0-9]+", word):
        place.refuse(*_not_a_value(word, field))
    digits = word.lstrip("0") or "0"
    if len(digits) > 9 or not field.low <= int(digits) <= field.high:
        place.refuse(_values(field))
    return int(digits)


def _not_a_value(word: str, field: Field) -> tuple[str, str]:
    """Return why a word is no value of the field, and what to write."""
    if word[:3] in field.names and word.isalpha():
        return "names have three letters", f"write {word[:3]}"
    letters = re.sub(r"[0-9()~-]", "", word)
    sign = "?" if "?" in word else "#" if "#" in word else letters[:1]
    if sign in _FOREIGN and (sign in "?#" or letters in {"l", "w", "lw", "h", "r"}):
        return _FOREIGN[sign], FORMS
    names = list(field.names)
    return _values(field) + (f", or {names[0]} to {names[-1]}" if names else ""), FORMS


def _values(field: Field) -> str:
    article = "an" if field.name == "hour" else "a"
    return f"{article} {field.name} is a number from {field.low} to {field.high}"


def _check_days(days: Place, weekdays: Place, items: tuple[tuple[Item, ...], ...]) -> None:
    """Raise when no date fits: a day no named month has, and no weekday that would do instead."""
    if days.word[0] != "*" and weekdays.word[0] != "*":
        return
    longest = max(_LONGEST_MONTH[month] for item in items[3] for month in item.values)
    named = sorted({day for item in items[2] for day in item.values})
    if named[0] > longest:
        few = "a day " + " or ".join(map(str, named))
        days.refuse(f"no month that it names has {few}", "it would never fire: name another day or month")

"""A device's script: what it says, from when on.

    # overnight on the charger
    at +0h charging=no network=metered battery=80
    at 22:30 charging=yes network=unmetered wifi=Home
    at 2026-11-24T07:30Z charging=no

One line per change, in time order: an offset from the start, the next such local time after the line before, or a full
instant. The same as CSV, with a heading: `at,charging,battery` and rows such as `+0h,no,80`; an empty cell changes
nothing. And as TOML, in a file whose name ends so: for each line a `[[change]]` with `at = "+2h"`, `charging = true`.
What a line does not mention stays as it was; before the first mention it is unknown.

A script that begins with the line `every day` has clock times alone, and comes again each day: also on the day before
the start, so that the device says from the start on what it would say at that hour.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta, tzinfo
from itertools import takewhile
from pathlib import Path

from bgo.clock import to_local
from bgo.devices import trace_lines, trace_toml
from bgo.devices.signals import as_sensed_now, changed, over, settled, spoken_of
from bgo.devices.trace_lines import Line
from bgo.errors import UsageError
from bgo.model.device import DeviceChange, DeviceState
from bgo.model.platform import PlatformState
from bgo.model.profile import Battery
from bgo.model.words import did_you_mean, duration_ms, instant_ms
from bgo.policy import battery

MAX_BYTES = 16 << 20
YEAR_MS, DAY_MS = 366 * 86_400_000, 86_400_000
"""A day that comes again does so for so long, unless it is said until when."""
MAX_CHANGES = 1_000_000
_DAYS = Path(__file__).with_name("days")
Timed = tuple[int, int, dict[str, str]]
"""A line of a script: its number, its time in UTC milliseconds, and its signals."""


def built_in() -> tuple[str, ...]:
    """Return the names of the days that come with bgo."""
    return tuple(sorted(path.stem for path in _DAYS.glob("*.txt")))


def summary(day: str) -> str:
    """Return what a built-in day is, in words: the remark that it begins with."""
    lines = (_DAYS / f"{day}.txt").read_text(encoding="utf-8").splitlines()
    return " ".join(line.removeprefix("#").strip() for line in takewhile(lambda line: line.startswith("#"), lines))


def read_script(path: str) -> str:
    """Return the text of the script at `path`, or of a built-in day of that name."""
    if path in built_in():
        return (_DAYS / f"{path}.txt").read_text(encoding="utf-8")
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise UsageError(f"{path} is larger than {MAX_BYTES:,} bytes", hint="shorten the script")
        return data.decode("utf-8-sig")
    except OSError as error:
        why = did_you_mean(path, built_in()) or error.strerror or str(error)
        hint = f"name a script file, or one of {', '.join(built_in())}"
        raise UsageError(f"cannot read {path}", why=why, hint=hint) from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not text", why=str(error), hint=trace_lines.FORM) from None


def read_trace(
    path: str,
    start_ms: int,
    zone: tzinfo | None = None,
    until_ms: int | None = None,
    marks: Battery = battery.USUAL,
) -> tuple[DeviceChange, ...]:
    """Return the changes that the script at `path`, or a built-in day of that name, tells, seen from `start_ms`."""
    return parse_trace(read_script(path), path, start_ms, zone, until_ms, marks)


def parse_trace(
    text: str,
    name: str,
    start_ms: int,
    zone: tzinfo | None = None,
    until_ms: int | None = None,
    marks: Battery = battery.USUAL,
) -> tuple[DeviceChange, ...]:
    """Return a script's changes, strictly in time order. `name` stands in errors, with the line.

    Offsets and the first clock time count from `start_ms`; times without an offset are in `zone` (default: local).
    A day that comes again does so until `until_ms` (default: for a year). `marks` say when its battery is low.
    """
    is_daily, lines = (trace_toml if name.endswith(".toml") else trace_lines).lines(text, name)
    if not lines:
        what = "the day has no line" if is_daily else "the script is empty"
        example = trace_toml.EXAMPLE if name.endswith(".toml") else trace_lines.FORM
        raise UsageError(f"{name}:1: {what}", why="it says nothing of the device at any time", hint=example)
    if is_daily:
        until = start_ms + YEAR_MS if until_ms is None else until_ms
        timed = _again(lines, name, start_ms, until, zone)
    else:
        timed = _once(lines, name, start_ms, zone)
    found: list[DeviceChange] = []
    state, platform = DeviceState(), PlatformState()
    for number, at_ms, words in timed:
        place = f"{name}:{number}"
        try:
            state = changed(state, words, f"trace {place}", at_ms)
        except UsageError as error:
            raise UsageError(f"{place}: {error.message}", why=error.why, hint=error.hint) from None
        told, platform = settled(state, platform, marks)
        if is_daily and found and told == found[-1].state:
            continue  # the day before has said so
        found.append(DeviceChange(at_ms, told))
        if len(found) > MAX_CHANGES:
            raise UsageError(f"{name} tells more than {MAX_CHANGES:,} changes", hint="play a shorter time")
    return tuple(found)


def with_facts(
    changes: tuple[DeviceChange, ...], start_ms: int, *, above: DeviceState | None, below: DeviceState
) -> tuple[DeviceChange, ...]:
    """Return a script's changes where `above` is said to be so all the time, and `below` is what the device says of
    the signals that the script never mentions: the values alone, so that the same readings give the same answer.
    """
    if not changes or changes[0].at_ms > start_ms:
        changes = (DeviceChange(start_ms, DeviceState()), *changes)
    own = frozenset[str]().union(*(spoken_of(change.state) for change in changes))
    usual, sensed = above or DeviceState(), as_sensed_now(below)
    return tuple(DeviceChange(c.at_ms, over(usual, over(c.state, sensed, own))) for c in changes)


def _once(lines: list[Line], name: str, start_ms: int, zone: tzinfo | None) -> Iterator[Timed]:
    last: int | None = None
    for number, when, words in lines:
        place = f"{name}:{number}"
        at_ms = _instant(place, when, start_ms, last, zone)
        if last is not None and at_ms <= last:
            raise UsageError(
                f"{place}: time goes backwards at {when!r:.60}",
                why="each line must be later than the one before it",
                hint="sort the lines, or merge the two that are at the same time",
            )
        last = at_ms
        yield number, at_ms, words


def _again(lines: list[Line], name: str, start_ms: int, until_ms: int, zone: tzinfo | None) -> Iterator[Timed]:
    """Yield the lines of each day, from the day before the start: by then every signal has been said."""
    clocks = [_minute(f"{name}:{number}", when) for number, when, _ in lines]
    for (number, when, _), minute, before in zip(lines[1:], clocks[1:], clocks[:-1], strict=True):
        if minute <= before:
            raise UsageError(
                f"{name}:{number}: time goes backwards at {when!r:.60}",
                why="the lines of a day are in the order of its clock",
                hint="sort the lines, or merge the two that are at the same time",
            )
    day = to_local(start_ms - DAY_MS).astimezone(zone).date()
    last: int | None = None
    while lines:
        for (number, _, words), minute in zip(lines, clocks, strict=True):
            at_ms = instant_ms(f"{day} {minute // 60:02}:{minute % 60:02}", start_ms, zone)
            if at_ms >= until_ms:
                return
            last = at_ms if last is None else max(at_ms, last + 1)  # a change of the clocks may make two of them one
            yield number, last, words
        day += timedelta(days=1)


def _minute(place: str, when: str) -> int:
    """Return a clock time as the minute of its day."""
    found = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", when, re.ASCII)
    if found is None:
        why = "a script of a day that comes again has clock times alone"
        raise UsageError(f"{place}: not a time of the day: {when!r:.60}", why=why, hint="write 07:30")
    return int(found[1]) * 60 + int(found[2])


def _instant(place: str, when: str, start_ms: int, last: int | None, zone: tzinfo | None) -> int:
    why, hint = "", "write +2h, 07:30 or an ISO instant"
    try:
        if re.fullmatch(r"\+\s*[0-9.]+", when) and when.strip("+ 0."):
            why, hint = "an offset needs a unit", f"write {when}s, {when}m or {when}h"
        elif when.startswith("+"):
            return start_ms + duration_ms(when[1:])
        elif when[:1].isdigit():
            # the first clock time may be the start itself: it is the next one after a moment before
            return instant_ms(when, start_ms - 1 if last is None else last, zone)
    except UsageError as error:
        why = error.why or error.message
    raise UsageError(f"{place}: not a time: {when!r:.60}", why=why, hint=hint)

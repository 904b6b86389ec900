"""Occurrences by other words than bgo's, and the ledger of what must become of them. The law is in `test_fire_clock`.

Times here repeat: what one week (or one turn of an interval in a week) shows is found minute by minute, all else by
counting. Nothing of `policy` is asked.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from math import lcm
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from bgo.model.window import TimeWindow
from tests.engine.checks import ensure
from tests.engine.timed import D, H, M, S, clock_at

WEEK = 7 * D
MONDAY = 4 * D
"""1970-01-05, UTC milliseconds."""
SET_BACK = 3 * H
LONG_LINE = 100


class Times:
    """Instants that repeat, from one on and before another."""

    def __init__(self, base: int, period: int, offsets: list[int], since: int | None = None, end: int | None = None):
        self.base, self.period, self.offsets = base, period, sorted(offsets)
        self.since, self.end = since, end

    def _index(self, at: int) -> int:
        turns, rest = divmod(at - self.base, self.period)
        return turns * len(self.offsets) + bisect_right(self.offsets, rest)

    def _nth(self, number: int) -> int:
        turns, place = divmod(number, len(self.offsets))
        return self.base + turns * self.period + self.offsets[place]

    def _clip(self, after: int, until: int) -> tuple[int, int]:
        after = after if self.since is None else max(after, self.since - 1)
        return after, until if self.end is None else min(until, self.end - 1)

    def count(self, after: int, until: int) -> int:
        after, until = self._clip(after, until)
        return max(0, self._index(until) - self._index(after))

    def newest(self, after: int, until: int, most: int) -> list[int]:
        """Return up to `most` of the last ones after one instant up to another, in order."""
        after, until = self._clip(after, until)
        first, last = self._index(after), self._index(until)
        return [self._nth(n) for n in range(max(first, last - most), last)]

    def next(self, after: int) -> int | None:
        after, until = self._clip(after, 1 << 60)
        found = self._nth(self._index(after))
        return found if found <= until else None


class Listed(Times):
    """The same of instants that are written down one by one."""

    def __init__(self, found: list[int], since: int | None = None, end: int | None = None):
        super().__init__(0, 1 << 60, found, since, end)


def is_open(window: TimeWindow | None, at: int, offset: int) -> bool:
    if window is None:
        return True
    wall = datetime.fromtimestamp((at + offset) // 1000, UTC)
    minute = wall.hour * 60 + wall.minute
    start, end = window.start_hour * 60 + window.start_minute, window.end_hour * 60 + window.end_minute
    today, yesterday = wall.isoweekday(), (wall - timedelta(days=1)).isoweekday()
    days = window.days_of_week or (1, 2, 3, 4, 5, 6, 7)
    if start < end:
        return start <= minute < end and today in days
    return (minute >= start and today in days) or (minute < end and yesterday in days)


@cache
def _opens(window: TimeWindow) -> list[int]:
    """Return, for each minute of a week, the first one from it on in which a window is open; UTC."""
    found, coming = [0] * (2 * WEEK // M), 0
    for minute in range(2 * WEEK // M - 1, -1, -1):
        if is_open(window, MONDAY + minute * M, 0):
            coming = minute
        found[minute] = coming
    return found[: WEEK // M]


@cache
def _slid(every: int, anchor_in_week: int, window: TimeWindow) -> tuple[int, list[int]]:
    period, opens, found = lcm(every, WEEK), _opens(window), set()
    for step in range(0, period, every):
        at = (anchor_in_week + step) % WEEK
        opening = opens[at // M]
        found.add((step if opening == at // M else step + opening * M - at) % period)
    return period, sorted(found)


def times_of_interval(every: int, anchor: int, window: TimeWindow | None, end: int | None) -> Times:
    if window is None:
        return Times(anchor, every, [0], anchor, end)
    period, offsets = _slid(every, (anchor - MONDAY) % WEEK, window)
    return Times(anchor, period, offsets, anchor, end)


def opened(at: int, window: TimeWindow | None) -> int:
    """Return an instant, or the next at which the window is open."""
    if window is None:
        return at
    since = (at - MONDAY) % WEEK
    opening = _opens(window)[since // M]
    return at if opening == since // M else at - since + opening * M


class Expression(NamedTuple):
    """A cron expression, and what it says in sets; days of the week from Monday, 0."""

    text: str
    minutes: range | tuple[int, ...]
    hours: range | tuple[int, ...]
    days: range | tuple[int, ...] = range(7)


EXPRESSIONS = (
    Expression("* * * * *", range(60), range(24)),
    Expression("*/10 * * * *", range(0, 60, 10), range(24)),
    Expression("7,50 */3 * * *", (7, 50), range(0, 24, 3)),
    Expression("0 9-17 * * 1-5", (0,), range(9, 18), range(5)),
    Expression("30 4 * * *", (30,), (4,)),
    Expression("15 23 * * 0", (15,), (23,), (6,)),
)


@cache
def _week(expression: Expression, offset: int, window: TimeWindow | None) -> list[int]:
    return [
        at
        for at in range(0, WEEK, M)
        if (at // M) % 60 in expression.minutes
        and (at // H) % 24 in expression.hours
        and at // D in expression.days
        and is_open(window, MONDAY + at - offset, offset)
    ]


@cache
def _in_berlin(expression: Expression) -> list[int]:
    """Of one time of the day that no change of the clocks touches."""
    zone, found = ZoneInfo("Europe/Berlin"), []
    day = datetime(1970, 1, 1, expression.hours[0], expression.minutes[0])  # noqa: DTZ001 - a wall clock's
    while day.year < 2090:
        if day.weekday() in expression.days:
            found.append(int(day.replace(tzinfo=zone).timestamp() * 1000))
        day += timedelta(days=1)
    return found


OFFSETS = {"UTC": 0, "+05:30": 5 * H + 30 * M, "-08:00": -8 * H}


def times_of_cron(
    expression: Expression, zone: str, window: TimeWindow | None, start: int | None, end: int | None
) -> Times:
    if zone == "Europe/Berlin":
        return Listed(_in_berlin(expression), start, end)
    offset = OFFSETS[zone]
    return Times(MONDAY - offset, WEEK, _week(expression, offset, window), start, end)


class Shares(NamedTuple):
    """What becomes of those that are due."""

    missed: int
    coalesced: int
    firing: list[int]


@dataclass(eq=False)
class Line:
    """One schedule in the ledger: what it was asked for, and how far its occurrences have been dealt with."""

    key: str
    id: str
    times: Times | None
    """None: it fires at each start of the computer."""
    made_at: int
    dealt: int
    """Everything up to here is dealt with, or came before this life."""
    missed: tuple[str, int]
    overlap: str
    jitter: int = 0
    max_runs: int | None = None
    pause_after: int | None = None
    last: int | None = None
    """The last occurrence that was dealt with, as far as a set-back is judged by it."""
    boot: int = 0
    state: str = "active"
    since: int = 0
    """Failures count from the task with this number on."""
    counts: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    fired: set[int] = field(default_factory=set)
    rule: Any = None
    said: dict[str, Any] = field(default_factory=dict)
    template: Any = None
    anchor: int = 0
    is_interval: bool = False
    """What it was asked for, so that it can be asked for again."""

    def is_ahead(self, now: int) -> bool:
        """Say whether the clock was set back so far that it must have been wrong before."""
        return self.last is not None and self.last > now + SET_BACK

    def go_on(self, now: int, boot: int) -> None:
        """It is set going by a user: from now, or behind what was dealt with a little ahead."""
        last = None if self.is_ahead(now) else self.last
        self.dealt = now - 1 if last is None else max(now - 1, last)
        self.boot = boot
        over = self.max_runs is not None and self.counts[0] >= self.max_runs
        none_left = self.times is not None and self.times.next(self.dealt) is None
        self.state = "finished" if over or none_left else "active"
        self.last = last if self.state == "active" else self.last

    def forgo(self, now: int, missed: int) -> None:
        """It is stopped, or gets other times: what is due by now is missed, and nothing else has been counted."""
        if self.times is None or self.state != "active":
            ensure(missed == 0, "what does not fire misses nothing", (self.key, missed))
            return
        due = self.times.newest(self.dealt, now, 1)
        right = self.times.count(self.dealt, now)
        ensure(missed == right, "what is due when it is stopped is missed", (self.key, missed, right))
        if missed:
            self.dealt = self.last = due[-1]
        self.counts[2] += missed

    def shares(self, now: int) -> list[Shares]:
        """Return how many of those that are due are missed and coalesced, and which are to fire; with jitter there is
        more than one right answer, as nobody here knows how late an occurrence fires."""
        assert self.times is not None
        found = [self._shares(now, now)]
        if self.jitter and (due := self.times.newest(self.dealt, now, 1)):
            found += [self._shares(now, now - self.jitter), self._shares(due[0] - 1, now)]
            found.append(self._shares(due[0] - 1, now - self.jitter))
        return found

    def _shares(self, until: int, now: int) -> Shares:
        assert self.times is not None
        due, (kind, number) = self.times.count(self.dealt, until), self.missed
        if not due:
            return Shares(0, 0, [])
        if kind == "one":
            return Shares(0, due - 1, self.times.newest(self.dealt, until, 1))
        if kind == "all":
            return Shares(max(0, due - number), 0, self.times.newest(self.dealt, until, number))
        last = self.times.newest(self.dealt, until, 1)
        return Shares(due - 1, 0, last) if now - last[0] <= number else Shares(due, 0, [])


class Seen(NamedTuple):
    """What a tick left of a schedule."""

    state: str
    last: int | None
    next_at: int | None
    fire_at: int | None
    counts: list[int]
    new: list[int]
    """Occurrences of the tasks that it has made."""


def judge(line: Line, seen: Seen, now: int, most: int | None, unfinished: int) -> None:
    """Compare what a tick did with the law; `most` occurrences a tick, None when it was let go on until it rests."""
    told = (line.key, line.missed, line.overlap, seen, now, line.dealt)
    delta = [after - before for before, after in zip(line.counts, seen.counts, strict=True)]
    ensure(min(delta) >= 0, "counters never lose", told)
    ensure(len(seen.new) == len(set(seen.new)) == delta[0], "what fired has made one task each", told)
    ensure(not line.fired & set(seen.new), "no occurrence makes two tasks", told)
    if line.times is None or line.state != "active":
        return
    if line.is_ahead(now):
        if most is not None and seen.last == line.last and not any(delta):
            return  # its turn has not come yet
        line.last = None
        line.dealt = now if now >= line.made_at else line.dealt
    if seen.last == line.last and not any(delta):
        _judge_rest(line, seen, now, most, told)
    elif seen.last is None or seen.last <= line.dealt:
        ensure(False, "occurrences are dealt with in order", told)
    else:
        _judge_deeds(line, seen, (now, most, unfinished), delta, told)
    line.counts, line.state = list(seen.counts), seen.state
    line.fired |= set(seen.new)


def _judge_rest(line: Line, seen: Seen, now: int, most: int | None, told: object) -> None:
    assert line.times is not None
    coming = line.times.next(line.dealt)
    if seen.state == "active":
        ensure(seen.next_at == coming, "the next occurrence is the first that was not dealt with", (told, coming))
        if most is None and coming is not None:
            ensure(coming + line.jitter > now, "what is due is dealt with", (told, coming))
        if coming is not None:
            assert seen.fire_at is not None
            ensure(coming <= seen.fire_at <= coming + line.jitter, "none fires before its time", told)


def _judge_deeds(line: Line, seen: Seen, tick: tuple[int, int | None, int], delta: list[int], told: object) -> None:
    assert line.times is not None
    assert seen.last is not None
    now, most, unfinished = tick
    ensure(seen.last <= now, "none is dealt with before its time", told)
    wrong = [_wrong(line, seen, each, (most, unfinished), delta) for each in line.shares(now)]
    ensure("" in wrong, wrong[0], told)
    line.dealt, line.last = seen.last, seen.last
    if line.max_runs is not None and seen.counts[0] >= line.max_runs:
        ensure(seen.state == "finished", "it is finished when it has fired so often", told)
        return
    _judge_rest(line, seen, now, most, told)
    if seen.state == "finished":
        ensure(line.times.next(line.dealt) is None, "it is finished when none is left", told)


def _wrong(line: Line, seen: Seen, shares: Shares, tick: tuple[int | None, int], delta: list[int]) -> str:
    """Return by which law these deeds are wrong, nothing when they are right."""
    assert line.times is not None
    assert seen.last is not None
    most, unfinished = tick
    firing = shares.firing if most is None else shares.firing[:most]
    news = [at for at in firing if at not in line.fired]
    fires, skips = _by_overlap(line, news, unfinished)
    if line.max_runs is not None and len(fires) >= (left := line.max_runs - line.counts[0]):
        right = seen.new == fires[:left] and delta[2:] == [shares.missed, shares.coalesced]
        return "" if right else "it fires the runs that are left"
    if seen.new != fires:
        return "the right ones fire, in order"
    if delta != [len(fires), skips, shares.missed, shares.coalesced]:
        return "each is fired, skipped, missed or coalesced"
    passed = len(firing) - len(news)
    if line.times.count(line.dealt, seen.last) != sum(delta) + passed:
        return "none is lost, and none counted twice"
    return ""


def _by_overlap(line: Line, news: list[int], unfinished: int) -> tuple[list[int], int]:
    """Return which fire and how many are skipped, when so many were unfinished before the tick."""
    room = {"allow": 1 << 30, "replace": 1 << 30, "queue": LONG_LINE, "skip": 1}[line.overlap]
    fires = news[: max(0, room - unfinished)]
    return fires, len(news) - len(fires)


FIRST, LAST = clock_at("1971-01-01"), clock_at("2080-01-01")
"""The walks stay between these."""
GRACE = 2 * M
STEPS_OF_TIME = (S, 10 * S, M, 7 * M, 31 * M, H, 5 * H, D, 9 * D)

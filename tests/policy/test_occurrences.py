"""Occurrences: changes of the clock by hand, and every question answered as a scan of all minutes would."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgo.errors import UsageError
from bgo.model.cron import CronSchedule
from bgo.model.schedule import Cron, Every, Reboot, Timing
from bgo.model.window import TimeWindow
from bgo.policy.marks import Shift, mark
from bgo.policy.occurrences import HORIZON_MS, between, check_meets, count, last_until, next_after
from bgo.policy.window import is_open, opens_at
from tests.policy.oracle import DAY, HOUR, MINUTE, ZONES, changes, expression

NIGHT, OFFICE = TimeWindow(22, 5), TimeWindow(9, 17, (1, 2, 3, 4, 5))
YEAR = 365 * DAY


def ms(iso: str) -> int:
    return int(datetime.fromisoformat(iso).timestamp() * 1000)


def timing(text: str, window: TimeWindow | None = None, start: int | None = None, end: int | None = None) -> Timing:
    schedule = CronSchedule(text)
    return Timing(Cron(schedule.text, schedule.fields), "told by the caller", window, start, end)


BY_HAND = [
    # 02:00 to 03:00 on 29 March 2026, 03:00 to 02:00 on 25 October
    ("Europe/Berlin", "30 2 * * *", "2026-03-28T00:00Z", "03-28T01:30 03-29T01:00 03-30T00:30"),
    ("Europe/Berlin", "0,30 2 * * *", "2026-03-29T00:00Z", "03-29T01:00 03-30T00:00 03-30T00:30"),
    ("Europe/Berlin", "0 2,3 * * *", "2026-03-29T00:00Z", "03-29T01:00 03-30T00:00"),
    ("Europe/Berlin", "30 2 29 3 *", "2026-03-01T00:00Z", "03-29T01:00"),
    ("Europe/Berlin", "*/30 * * * *", "2026-03-29T00:00Z", "03-29T00:30 03-29T01:00 03-29T01:30"),
    ("Europe/Berlin", "*/30 2 * * *", "2026-03-29T00:00Z", "03-30T00:00 03-30T00:30"),
    ("Europe/Berlin", "30 */2 * * *", "2026-03-28T23:00Z", "03-28T23:30 03-29T02:30 03-29T04:30"),
    ("Europe/Berlin", "30 2 * * *", "2026-10-24T12:00Z", "10-25T00:30 10-26T01:30"),
    ("Europe/Berlin", "0 3 * * *", "2026-10-24T12:00Z", "10-25T02:00 10-26T02:00"),
    ("Europe/Berlin", "30 1-3 * * *", "2026-10-24T22:00Z", "10-24T23:30 10-25T00:30 10-25T02:30 10-26T00:30"),
    ("Europe/Berlin", "30 * * * *", "2026-10-25T00:00Z", "10-25T00:30 10-25T01:30 10-25T02:30"),
    ("Europe/Berlin", "30 2 * * *", "2026-10-25T01:10Z", "10-26T01:30"),  # asked between the two
    ("America/New_York", "30 2 * * *", "2026-03-08T00:00Z", "03-08T07:00 03-09T06:30"),
    ("America/New_York", "30 1 * * *", "2026-11-01T00:00Z", "11-01T05:30 11-02T06:30"),
    ("America/New_York", "*/30 1 * * *", "2026-11-01T00:00Z", "11-01T05:00 11-01T05:30 11-01T06:00 11-01T06:30"),
    # half an hour: 02:00 to 02:30 on 4 October 2026, 02:00 to 01:30 on 5 April
    ("Australia/Lord_Howe", "15 2 * * *", "2026-10-03T12:00Z", "10-03T15:30 10-04T15:15"),
    ("Australia/Lord_Howe", "15,45 2 * * *", "2026-10-03T12:00Z", "10-03T15:30 10-03T15:45 10-04T15:15"),
    ("Australia/Lord_Howe", "45 1 * * *", "2026-04-04T12:00Z", "04-04T14:45 04-05T15:15"),
    ("Australia/Lord_Howe", "45 * * * *", "2026-04-04T14:00Z", "04-04T14:45 04-04T15:15 04-04T16:15"),
    # 30 December 2011 was left out
    ("Pacific/Apia", "0 9 * * *", "2011-12-29T12:00Z", "12-29T19:00 12-30T10:00 12-30T19:00"),
    ("Pacific/Apia", "0 9 * * fri", "2011-12-25T12:00Z", "12-30T10:00"),
    ("Pacific/Apia", "0 9 30 12 *", "2011-12-25T12:00Z", "12-30T10:00"),
    ("Pacific/Apia", "0 0 30,31 12 *", "2011-12-25T12:00Z", "12-30T10:00"),
    ("Pacific/Apia", "0 */12 * * *", "2011-12-29T12:00Z", "12-29T22:00 12-30T10:00 12-30T22:00"),
    # 00:00 to 01:00 on 4 November 2018, 24:00 to 23:00 on 17 February
    ("America/Sao_Paulo", "0 0 * * *", "2018-11-03T12:00Z", "11-04T03:00 11-05T02:00"),
    ("America/Sao_Paulo", "30 0 * * sun", "2018-11-03T12:00Z", "11-04T03:00 11-11T02:30"),
    ("America/Sao_Paulo", "30 23 * * *", "2018-02-17T12:00Z", "02-18T01:30 02-19T02:30"),
    ("America/Sao_Paulo", "30 * * * *", "2018-02-18T01:00Z", "02-18T01:30 02-18T02:30 02-18T03:30"),
    # 00:00 to 01:00 on 28 April 2023, 24:00 to 23:00 on 26 October
    ("Africa/Cairo", "15 0 * * fri", "2023-04-27T12:00Z", "04-27T22:00 05-04T21:15"),
    ("Africa/Cairo", "59 23 * * thu", "2023-10-26T12:00Z", "10-26T20:59 11-02T21:59"),
    # 00:00 to 01:00 on 22 March 2022, 24:00 to 23:00 on 21 September
    ("Asia/Tehran", "10 0 * * *", "2022-03-21T12:00Z", "03-21T20:30 03-22T19:40"),
    ("Asia/Tehran", "45 23 * * *", "2022-09-21T12:00Z", "09-21T19:15 09-22T20:15"),
    # 00:01 to 01:01 on 11 March 2007, 00:01 on 29 October 2006 to 23:01 of the day before
    ("America/St_Johns", "30 0 * * *", "2007-03-11T00:00Z", "03-11T03:31 03-12T03:00"),
    ("America/St_Johns", "30 23 * * *", "2006-10-28T12:00Z", "10-29T02:00 10-30T03:00"),
    ("America/St_Johns", "0 0 * * *", "2006-10-28T12:00Z", "10-29T02:30 10-30T03:30"),
    ("America/St_Johns", "*/30 * * * *", "2006-10-29T02:00Z", "10-29T02:30 10-29T03:00 10-29T03:30 10-29T04:00"),
    ("America/St_Johns", "*/30 * * * sat", "2006-10-29T01:45Z", "10-29T02:00 10-29T03:00 11-04T03:30"),
    # 23:00 on Saturday 30 March 2024 to Sunday
    ("America/Nuuk", "30 23 * * sat", "2024-03-25T12:00Z", "03-31T01:00 04-07T00:30"),
    ("America/Nuuk", "0 0,23 * * *", "2024-03-30T12:00Z", "03-31T01:00 04-01T00:00 04-01T01:00"),
]


@pytest.mark.parametrize(("name", "text", "after", "expected"), BY_HAND)
def test_changes_of_the_clock(name: str, text: str, after: str, expected: str) -> None:
    zone, wanted = ZoneInfo(name), expected.split()
    found = list(islice(between(timing(text), zone, ms(after), ms(after) + YEAR), len(wanted)))
    assert [datetime.fromtimestamp(at / 1000, UTC).strftime("%m-%dT%H:%M") for at in found] == wanted


# --- as a scan of all minutes would -------------------------------------------------------------------------------

SPAN = 5 * DAY


@lru_cache(maxsize=64)
def readings(name: str, start: int) -> list[tuple[int, datetime]]:
    zone = ZoneInfo(name)
    minutes = range(start, start + SPAN + 1, MINUTE)
    return [(at, datetime.fromtimestamp(at / 1000, zone).replace(tzinfo=None, fold=0)) for at in minutes]


def scanned(schedule: CronSchedule, name: str, start: int) -> Iterator[int]:
    """Yield the minutes at which cron fires, told as cron(8) does: minute by minute, with an eye on the wall."""
    fields, minute = schedule.fields, timedelta(minutes=1)

    def fits(wall: datetime) -> bool:
        if not (wall.minute in fields.minutes and wall.hour in fields.hours and wall.month in fields.months):
            return False
        days = (wall.day in fields.days, wall.isoweekday() % 7 in fields.weekdays)
        return all(days) if fields.any_day or fields.any_weekday else any(days)

    reached = readings(name, start)[0][1]
    for at, wall in readings(name, start):
        if not fields.is_fixed:
            if fits(wall):
                yield at
            continue
        new = [reached + minute * n for n in range((wall - reached) // minute + 1)]
        reached = max(reached, wall + minute)
        if any(fits(each) for each in new):
            yield at


@st.composite
def cases(draw: st.DrawFn) -> tuple[CronSchedule, str, int, TimeWindow | None]:
    name = draw(st.sampled_from([*ZONES, "Asia/Kathmandu"]))
    at = draw(st.sampled_from(changes(name, 1996) or (ms("2026-06-01T00:00Z"),)))
    start = at - at % MINUTE - draw(st.integers(30, 50)) * HOUR
    while True:
        try:
            schedule = CronSchedule(expression(draw(st.randoms(use_true_random=False))))
            break
        except UsageError:
            continue
    return schedule, name, start, draw(windows)


days_of_week = st.lists(st.integers(1, 7), max_size=4).map(tuple)
hours = st.tuples(st.integers(0, 23), st.integers(0, 23), st.sampled_from((0, 30))).filter(lambda w: w[0] != w[1])
windows = st.one_of(st.none(), st.builds(lambda h, d: TimeWindow(*h[:2], d, end_minute=h[2]), hours, days_of_week))


@settings(max_examples=150, deadline=None)
@given(cases(), st.integers(0, 2 * DAY), st.integers(0, 2 * DAY))
def test_cron_is_answered_as_by_a_scan(
    case: tuple[CronSchedule, str, int, TimeWindow | None], later: int, longer: int
) -> None:
    schedule, name, start, window = case
    zone, end = ZoneInfo(name), start + SPAN
    every = [at for at in scanned(schedule, name, start) if window is None or is_open(window, zone, at)]
    when = timing(schedule.text, window)
    after, until = start + later, end - longer
    due = [at for at in every if after < at <= until]
    assert list(between(when, zone, after, until)) == due
    assert count(when, zone, after, until) == len(due)
    assert last_until(when, zone, after, until) == (due[-1] if due else None)
    following = next_after(when, zone, after)
    assert (following if following is not None and following <= until else None) == (due[0] if due else None)


intervals = st.builds(Every, st.integers(1, 3 * DAY) | st.integers(1, 90).map(MINUTE.__mul__), st.integers(0, 2 * DAY))


@settings(max_examples=150, deadline=None)
@given(intervals, cases(), st.integers(-DAY, 2 * DAY), st.integers(0, 4 * DAY))
def test_an_interval_is_answered_as_by_a_walk(
    rule: Every, case: tuple[CronSchedule, str, int, TimeWindow | None], later: int, longer: int
) -> None:
    _, name, start, window = case
    rule = Every(max(rule.every_ms, 7 * MINUTE + 1), start + rule.anchor_ms)
    zone, after, until = ZoneInfo(name), start + later, start + later + longer
    places = range(max(0, (until - rule.anchor_ms) // rule.every_ms + 1))
    grid = (rule.anchor_ms + place * rule.every_ms for place in places)
    slid = {at if window is None else opens_at(window, zone, at) for at in grid}
    due = sorted(at for at in slid if at is not None and after < at <= until)
    when = Timing(rule, name, window)
    assert list(between(when, zone, after, until)) == due
    assert count(when, zone, after, until) == len(due)
    assert last_until(when, zone, after, until) == (due[-1] if due else None)
    following = next_after(when, zone, after)
    assert (following if following is not None and following <= until else None) == (due[0] if due else None)


@settings(max_examples=100, deadline=None)
@given(cases(), st.integers(0, 60 * YEAR))
def test_occurrences_increase(case: tuple[CronSchedule, str, int, TimeWindow | None], start: int) -> None:
    schedule, name, _, window = case
    when, zone = timing(schedule.text, window), ZoneInfo(name)
    found = [start]
    while len(found) < 30 and (at := next_after(when, zone, found[-1])) is not None:
        found.append(at)
    assert all(earlier < later for earlier, later in pairwise(found))
    assert count(when, zone, start, found[-1]) == len(found) - 1
    for earlier, later in pairwise(found):
        assert last_until(when, zone, start, later) == later
        assert last_until(when, zone, start, later - 1) == (earlier if earlier > start else None)


# --- intervals, start and end, windows ----------------------------------------------------------------------------

BERLIN = ZoneInfo("Europe/Berlin")
NOON = ms("2026-06-01T12:00+02:00")  # a Monday


def test_an_interval_counts_real_time_from_its_anchor() -> None:
    when = Timing(Every(6 * HOUR, ms("2026-03-28T18:00Z")), "")
    assert next_after(when, BERLIN, 0) == ms("2026-03-28T18:00Z")
    assert next_after(when, BERLIN, ms("2026-03-29T00:00Z")) == ms("2026-03-29T06:00Z")
    assert last_until(when, BERLIN, 0, ms("2026-03-28T17:59Z")) is None
    assert count(when, BERLIN, 0, ms("2026-03-29T18:00Z")) == 5


def test_start_counts_and_end_does_not() -> None:
    when = timing("0 * * * *", start=NOON, end=NOON + 3 * HOUR)
    assert list(between(when, BERLIN, 0, NOON + DAY)) == [NOON, NOON + HOUR, NOON + 2 * HOUR]
    assert next_after(when, BERLIN, NOON + 2 * HOUR) is None
    assert last_until(when, BERLIN, 0, NOON + DAY) == NOON + 2 * HOUR
    every = Timing(Every(HOUR, NOON - 30 * MINUTE), "", start_ms=NOON, end_ms=NOON + 90 * MINUTE)
    assert list(between(every, BERLIN, 0, NOON + DAY)) == [NOON + 30 * MINUTE]


def test_a_start_beyond_the_horizon_is_found() -> None:
    start = NOON + 2 * HORIZON_MS
    assert next_after(timing("0 9 * * *", start=start), BERLIN, NOON) is not None


def test_what_an_interval_would_do_while_the_window_is_closed_comes_once_at_its_opening() -> None:
    when = Timing(Every(HOUR, ms("2026-06-05T15:30+02:00")), "", OFFICE)  # a Friday
    found = list(islice(between(when, BERLIN, 0, NOON + 30 * DAY), 5))
    assert found == [ms(f"2026-06-{at}+02:00") for at in ("05T15:30", "05T16:30", "08T09:00", "08T09:30", "08T10:30")]
    assert count(when, BERLIN, 0, ms("2026-06-08T10:30+02:00")) == 5
    assert last_until(when, BERLIN, 0, ms("2026-06-08T09:29+02:00")) == ms("2026-06-08T09:00+02:00")


def test_cron_outside_the_window_is_dropped() -> None:
    when = timing("0 */3 * * *", NIGHT)
    found = list(between(when, BERLIN, NOON, NOON + DAY))
    assert [datetime.fromtimestamp(at / 1000, BERLIN).hour for at in found] == [0, 3]


def test_a_rare_day_is_found_and_a_distant_one_is_not_searched_for() -> None:
    when = timing("0 0 29 2 */7")  # both must fit: a Sunday
    assert next_after(when, UTC, ms("2033-01-01T00:00Z")) == ms("2060-02-29T00:00Z")
    assert next_after(when, UTC, ms("2088-03-01T00:00Z")) == ms("2128-02-29T00:00Z")
    assert last_until(when, UTC, 0, ms("2128-01-01T00:00Z")) == ms("2088-02-29T00:00Z")


def test_ten_years_of_minutes_are_counted() -> None:
    ten = NOON + 3_650 * DAY
    assert count(timing("* * * * *"), BERLIN, NOON, ten) == 3_650 * 24 * 60
    assert count(Timing(Every(MINUTE, NOON), ""), BERLIN, NOON, ten) == 3_650 * 24 * 60
    in_window = [count(timing("* * * * *", window), UTC, NOON, ten) for window in (NIGHT, OFFICE)]
    assert in_window == [3_650 * 7 * 60, (521 * 5 + 3) * 8 * 60]


@pytest.mark.parametrize("at", [-(10**18), -(10**13), 0, 10**14, 10**18])
@pytest.mark.parametrize("window", [None, NIGHT])
def test_instants_beyond_all_calendars_are_no_fault(at: int, window: TimeWindow | None) -> None:
    for when in (timing("0 9 1 1 *", window), timing("* * * * *", window), Timing(Every(HOUR, NOON), "", window)):
        following = next_after(when, BERLIN, at)
        assert following is None or following > at
        last = last_until(when, BERLIN, at - DAY, at)
        assert last is None or at - DAY < last <= at
        assert count(when, BERLIN, at, at + DAY) in (0, 1, 7 * 60, 7, 8, 24, 24 * 60)


def test_a_restart_has_no_time() -> None:
    when = Timing(Reboot(), "UTC")
    assert next_after(when, UTC, NOON) is None
    assert last_until(when, UTC, 0, NOON) is None
    assert count(when, UTC, 0, NOON) == 0
    check_meets(when, UTC, NOON)


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (timing("0 3 * * *", OFFICE), "names no time in its window"),
        (timing("0 10 * * sat,sun", OFFICE), "names no time in its window"),
        (timing("30 2 * * *", TimeWindow(3, 4)), "names no time in its window"),  # though a gap moves it there
        (timing("0 9 * * *", end=NOON), "no occurrence is left"),
        (timing("0 0 1 1 *", start=NOON + DAY, end=NOON + 9 * DAY), "no occurrence is left"),
        (timing("0 9 * * *", start=NOON + DAY, end=NOON + DAY), "ends before it starts"),
        (Timing(Every(DAY, NOON), "", end_ms=NOON), "no occurrence is left"),
        (Timing(Every(DAY, NOON + HOUR), "", OFFICE, end_ms=NOON + HOUR), "no occurrence is left"),
    ],
)
def test_what_never_fires_is_refused_with_the_reason(when: Timing, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check_meets(when, BERLIN, NOON)


def test_what_fires_once_more_is_not_refused() -> None:
    check_meets(timing("0 3 * * *", NIGHT), BERLIN, NOON)
    check_meets(timing("0 3 * * *", end=NOON + DAY), BERLIN, NOON)
    check_meets(Timing(Every(DAY, NOON), "", OFFICE, end_ms=NOON + 1), BERLIN, NOON - 1)


# --- marks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "at", "shift", "hours", "wall"),
    [
        ("30 2 * * *", "2026-03-29T01:00Z", Shift.MOVED, 1, "2026-03-29T02:30"),
        ("0 2,3 * * *", "2026-03-29T01:00Z", Shift.MOVED, 1, "2026-03-29T02:00"),
        ("0 3 * * *", "2026-03-29T01:00Z", Shift.NEAR, 1, "2026-03-29T03:00"),
        ("0 * * * *", "2026-03-29T01:00Z", Shift.NEAR, 1, "2026-03-29T03:00"),
        ("0 9 * * *", "2026-03-29T07:00Z", Shift.NEAR, 1, "2026-03-29T09:00"),
        ("0 0 * * *", "2026-03-28T23:00Z", Shift.NEAR, 1, "2026-03-29T00:00"),
        ("0 9 * * *", "2026-03-30T07:00Z", None, 0, ""),
        ("0 9 * * *", "2026-03-28T08:00Z", None, 0, ""),
        ("30 2 * * *", "2026-10-25T00:30Z", Shift.FIRST, -1, "2026-10-25T02:30"),
        ("30 * * * *", "2026-10-25T00:30Z", Shift.FIRST, -1, "2026-10-25T02:30"),
        ("30 * * * *", "2026-10-25T01:30Z", Shift.SECOND, -1, "2026-10-25T02:30"),
        ("30 * * * *", "2026-10-25T02:30Z", Shift.NEAR, -1, "2026-10-25T03:30"),
    ],
)
def test_marks(text: str, at: str, shift: Shift | None, hours: int, wall: str) -> None:
    found = mark(timing(text), BERLIN, ms(at))
    if shift is None:
        assert found is None
        return
    assert found is not None
    assert (found.shift, found.change_ms, found.wall) == (shift, hours * HOUR, datetime.fromisoformat(wall))
    assert found.change_at_ms in (ms("2026-03-29T01:00Z"), ms("2026-10-25T01:00Z"))


def test_a_mark_where_the_clock_is_set_back_over_midnight() -> None:
    zone = ZoneInfo("America/St_Johns")
    first, second = (mark(timing("30 * * * *"), zone, ms(f"2006-10-29T0{hour}:00Z")) for hour in (2, 3))
    assert first is not None
    assert second is not None
    assert (first.shift, second.shift) == (Shift.FIRST, Shift.SECOND)
    assert first.wall == second.wall == datetime.fromisoformat("2006-10-28T23:30")


def test_an_interval_has_marks_too() -> None:
    found = mark(Timing(Every(HOUR, 0), ""), BERLIN, ms("2026-10-25T01:00Z"))
    assert found is not None
    assert found.shift is Shift.SECOND

"""Windows against a reading of every minute, in zones with odd changes."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgo.clock import from_datetime
from bgo.errors import UsageError
from bgo.model.window import TimeWindow
from bgo.policy.window import DAY_MS, is_always, is_open, next_edge, opens_at
from tests.hours import reads_open

MINUTE = 60_000
CHANGES = {
    "Europe/Berlin": ("2026-03-29T01:00Z", "2026-10-25T01:00Z"),
    "America/New_York": ("2026-03-08T07:00Z", "2026-11-01T06:00Z"),
    "Australia/Lord_Howe": ("2026-10-03T15:30Z", "2026-04-04T15:00Z"),
    "Pacific/Apia": ("2011-12-30T10:00Z", "2020-04-04T14:00Z"),
    "America/Sao_Paulo": ("2018-11-04T03:00Z", "2019-02-17T02:00Z"),
    "Africa/Cairo": ("2026-04-23T22:00Z", "2026-10-29T21:00Z"),
    "Asia/Tehran": ("2022-03-21T20:30Z", "2022-09-21T19:30Z"),
    "UTC": ("2026-02-28T00:00Z",),
}


@st.composite
def windows(draw: st.DrawFn) -> TimeWindow:
    hours, minutes = st.integers(0, 23), st.sampled_from((0, 0, 15, 30, 45, 59))
    days = draw(st.lists(st.integers(1, 7), max_size=4))
    start = draw(hours), draw(minutes)
    end = draw(st.one_of(st.just((24, 0)), st.tuples(hours, minutes)).filter(lambda end: end != start))
    return TimeWindow(start[0], end[0], days, start_minute=start[1], end_minute=end[1])


@st.composite
def moments(draw: st.DrawFn) -> tuple[tzinfo, int]:
    name = draw(st.sampled_from(sorted(CHANGES)))
    change = from_datetime(datetime.fromisoformat(draw(st.sampled_from(CHANGES[name]))))
    return ZoneInfo(name), change + draw(st.integers(-36 * 60, 12 * 60)) * MINUTE


@given(windows(), moments())
@settings(max_examples=150, deadline=None)
def test_a_window_is_what_the_wall_shows_minute_by_minute(window: TimeWindow, moment: tuple[tzinfo, int]) -> None:
    zone, start = moment
    minutes = range(start, start + DAY_MS, MINUTE)
    seen = [reads_open(window, zone, at) for at in minutes]
    assert [is_open(window, zone, at) for at in minutes] == seen
    for at in minutes[::97]:
        edge = next((n for n in minutes if n > at and seen[minutes.index(n)] != seen[minutes.index(at)]), None)
        if edge is not None:
            assert next_edge(window, zone, at) == edge
            assert seen[minutes.index(at)] or opens_at(window, zone, at) == edge


@given(windows(), moments(), st.integers(0, 59_999))
@settings(max_examples=300, deadline=None)
def test_an_edge_is_the_first_instant_of_its_kind(window: TimeWindow, moment: tuple[tzinfo, int], odd: int) -> None:
    zone, at = moment[0], moment[1] + odd
    edge = next_edge(window, zone, at)
    if is_always(window):
        assert edge is None
        assert is_open(window, zone, at)
        return
    assert edge is not None
    assert edge > at
    assert is_open(window, zone, edge) != is_open(window, zone, edge - 1) == is_open(window, zone, at)
    opening = opens_at(window, zone, at)
    assert opening == (at if is_open(window, zone, at) else edge)


def at(text: str) -> int:
    return from_datetime(datetime.fromisoformat(text))


def openings(window: TimeWindow, zone: str, start: str, end: str) -> list[tuple[str, str]]:
    found, now = [], at(start)
    while (now := opens_at(window, ZoneInfo(zone), now) or at(end)) < at(end):
        closing = next_edge(window, ZoneInfo(zone), now)
        assert closing is not None
        found.append((iso(now), iso(closing)))
        now = closing
    return found


def iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%dT%H:%M")


def night(start: tuple[int, int], end: tuple[int, int], days: tuple[int, ...] = ()) -> TimeWindow:
    return TimeWindow(start[0], end[0], days, start_minute=start[1], end_minute=end[1])


@pytest.mark.parametrize(
    ("window", "day", "expected"),
    [
        (night((2, 15), (2, 45)), "2026-03-29", []),
        (night((2, 30), (3, 30)), "2026-03-29", [("29T01:00", "29T01:30")]),
        (night((1, 0), (2, 30)), "2026-03-29", [("29T00:00", "29T01:00")]),
        (night((2, 15), (2, 45)), "2026-10-25", [("25T00:15", "25T00:45"), ("25T01:15", "25T01:45")]),
        (night((2, 30), (3, 30)), "2026-10-25", [("25T00:30", "25T01:00"), ("25T01:30", "25T02:30")]),
    ],
)
def test_gaps_and_overlaps_in_berlin(window: TimeWindow, day: str, expected: list[tuple[str, str]]) -> None:
    assert openings(window, "Europe/Berlin", f"{day}T00:00+01:00", f"{day}T23:59+01:00") == expected


def test_a_window_that_crosses_midnight_belongs_to_its_first_day() -> None:
    friday = night((22, 0), (6, 0), (5,))
    assert openings(friday, "UTC", "2026-11-23T00:00Z", "2026-12-01T00:00Z") == [("27T22:00", "28T06:00")]


def test_a_day_that_never_was_has_a_window_only_where_it_crosses_into_the_next() -> None:
    """Samoa had no 30 December 2011, a Friday."""
    from_, until = "2011-12-29T00:00-10:00", "2012-01-02T00:00+14:00"
    assert openings(TimeWindow(9, 17, (5,)), "Pacific/Apia", from_, until) == []
    assert openings(night((22, 0), (6, 0), (5,)), "Pacific/Apia", from_, until) == [("30T10:00", "30T16:00")]


def test_the_end_is_not_part_of_a_window() -> None:
    window, nine, five = TimeWindow(9, 17), at("2026-11-26T09:00Z"), at("2026-11-26T17:00Z")
    assert [is_open(window, UTC, ms) for ms in (nine - 1, nine, five - 1, five)] == [False, True, True, False]
    assert is_open(TimeWindow(22, 24), UTC, at("2026-11-26T23:59:59Z"))
    assert not is_open(TimeWindow(22, 24), UTC, at("2026-11-27T00:00Z"))


@pytest.mark.parametrize("days", [(), (1, 2, 3, 4, 5, 6, 7)])
def test_a_window_of_all_hours_has_no_edge(days: tuple[int, ...]) -> None:
    assert next_edge(TimeWindow(0, 24, days), UTC, 0) is None
    assert opens_at(TimeWindow(0, 24, days), UTC, 5) == 5


def test_what_is_no_window_is_refused() -> None:
    with pytest.raises(UsageError):
        TimeWindow(9, 9)

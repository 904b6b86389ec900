"""Strict windows: when work is stopped whose hours end, against every minute of a clock on the wall."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.engine.closing import closing
from bgo.model.plan import Gate
from bgo.model.task import Wish
from bgo.model.window import TimeWindow, ZonedWindow
from bgo.zones import zone
from tests.build import START
from tests.hours import hours, reads_open

MINUTE = 60_000
SUMMER_ENDS = 1_761_440_400_000
"""2025-10-26T01:00Z: in Berlin three o'clock becomes two."""
windows = st.builds(
    lambda start, length, days: TimeWindow(
        start // 60, (start + length) // 60 % 24, days, start_minute=start % 60, end_minute=(start + length) % 60
    ),
    st.integers(0, 1439), st.integers(1, 1439), st.sampled_from([(), (1, 2, 3), (6, 7), (7,)]),
)  # fmt: skip
instants = st.builds(
    lambda base, ahead: base + ahead, st.sampled_from([START, SUMMER_ENDS]), st.integers(0, 90_000_000)
)


def strict(text: str) -> Wish:
    return Wish(window=hours(text), window_strict=True)


@given(windows, st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"]), instants)
def test_it_ends_at_the_first_instant_that_is_outside(window: TimeWindow, name: str, now: int) -> None:
    wish = Wish(window=ZonedWindow(window, name), window_strict=True)
    stop = closing(wish, now)
    assert stop is not None
    if not reads_open(window, zone(name), now):
        assert stop.at <= now
    else:
        assert stop.at > now
        assert not reads_open(window, zone(name), stop.at)
        assert all(reads_open(window, zone(name), at) for at in (*range(now, stop.at, 7 * MINUTE), stop.at - 1))
    assert stop.hold.gate is Gate.WINDOW
    assert stop.hold.until_ms is None or stop.hold.until_ms > stop.at


@pytest.mark.parametrize(
    "wish",
    [
        Wish(), Wish(window=hours("09:00-17:00")), strict("00:00-24:00"), Wish(window_strict=True),
        Wish(window=ZonedWindow(TimeWindow(9, 17), "Moon/Base"), window_strict=True),
    ],
)  # fmt: skip
def test_what_ends_with_no_hours(wish: Wish) -> None:
    assert closing(wish, START) is None


def test_the_words() -> None:
    stop = closing(strict("15:00-15:07"), START)
    assert stop is not None
    assert (stop.at, stop.hold.current) == (START + 20_000, "outside 15:00-15:07 (UTC)")
    later = closing(strict("15:00-15:07"), START + 20_000)
    assert later is not None
    assert later.at == START + 20_000
    assert replace(later.hold, until_ms=None) == replace(stop.hold, until_ms=None)

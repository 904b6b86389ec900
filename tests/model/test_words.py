"""Durations, sizes and instants: one meaning each, and everything else refused quickly with the accepted form."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.errors import UsageError
from bgo.model.options import MAX_DURATION_MS
from bgo.model.words import did_you_mean, duration, duration_ms, instant_ms, size_bytes

NOW = 1_795_424_400_000  # 2026-11-23T09:00:00Z, a Monday
BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3_600_000


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("0", 0),
        ("90", 90_000),
        ("1.5", 1500),
        ("90s", 90_000),
        ("500ms", 500),
        ("5m", 300_000),
        ("1h30m", 5_400_000),
        ("1 h 30 min", 5_400_000),
        ("2d", 172_800_000),
        ("2 days", 172_800_000),
        ("1w2d3h4m5s", 788_645_000),
        ("1.5h", 5_400_000),
        ("5 Minutes", 300_000),
        ("PT5M", 300_000),
        ("P1DT2H", 93_600_000),
        ("P2W", 1_209_600_000),
        ("PT0.5S", 500),
    ],
)
def test_durations(text: str, ms: int) -> None:
    assert duration_ms(text) == ms
    assert duration(text) == timedelta(milliseconds=ms)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "-5m", "- 5m", "5x", "5M", "1mo", "1y", "P1M", "P1Y", "P", "PT", "P1", "m", "5 m m", "5m5m", "5s1h"),
        *("1h 90", "h1", "1e3", "٣s", "½h", "1:30", "5m,", "+5m", "1_0s", "nan", "inf", "9" * 400, "99999w", "PT5m"),
        *("1h-5m", "5m\x00", "1d1d"),
    ],
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(UsageError, match=r"not a duration: .* \(try 90s, 5m, 1h30m, 2d or PT5M\)"):
        duration_ms(text)


def test_the_message_is_the_documented_one() -> None:
    with pytest.raises(UsageError) as caught:
        duration_ms("5x")
    assert caught.value.message == "not a duration: '5x' (try 90s, 5m, 1h30m, 2d or PT5M)"


def test_a_minimum_is_kept() -> None:
    assert duration_ms("1ms", minimum=1) == 1
    with pytest.raises(UsageError):
        duration_ms("0s", minimum=1)


@given(st.integers(0, MAX_DURATION_MS))
def test_every_length_can_be_written(ms: int) -> None:
    rest, written = ms, ""
    for unit, size in (("d", 86_400_000), ("h", HOUR), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, rest = divmod(rest, size)
        written += f"{count}{unit}" if count else ""
    assert duration_ms(written or "0s") == ms


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0),
        ("4096", 4096),
        ("100kB", 100_000),
        ("512MB", 512_000_000),
        ("64MiB", 64 << 20),
        ("1.5g", 1_500_000_000),
    ],
)
def test_sizes(text: str, count: int) -> None:
    assert size_bytes(text) == count


@pytest.mark.parametrize("text", ["", "-1", "MB", "1 XB", "1iB", "1e9", "9" * 60, "1TBB", "999999999999T"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(UsageError, match="not a size"):
        size_bytes(text)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("now", NOW),
        ("+5m", NOW + 300_000),
        ("in 2h", NOW + 2 * HOUR),
        ("In 2 hours", NOW + 2 * HOUR),
        ("10:30", NOW + HOUR // 2),  # it is 10:00 in Berlin
        ("10:00", NOW + 24 * HOUR),  # now is not after now
        ("9:59", NOW + 24 * HOUR - 60_000),
        ("2026-11-23T09:00Z", NOW),
        ("2026-11-23T10:00:00+01:00", NOW),
        ("2026-11-23 10:00", NOW),
        ("2026-11-23", NOW - 10 * HOUR),
        ("11am", NOW + HOUR),
        ("9:30 PM", NOW + 11 * HOUR + HOUR // 2),
        ("12am", NOW + 14 * HOUR),
        ("today", NOW - 10 * HOUR),
        ("today 9:00", NOW - HOUR),  # past, as it was said
        ("tomorrow", NOW + 14 * HOUR),
        ("Tomorrow at 9:00", NOW + 23 * HOUR),
        ("fri 18:00", NOW + 4 * 24 * HOUR + 8 * HOUR),
        ("monday 11:00", NOW + HOUR),
        ("mon 9am", NOW + 7 * 24 * HOUR - HOUR),
        ("wednesday", NOW + 38 * HOUR),
    ],
)
def test_instants(text: str, at: int) -> None:
    assert instant_ms(text, NOW, BERLIN) == at


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "25:00",
        "10:60",
        "10",
        "2026",
        "13pm",
        "0am",
        "tomorrow soon",
        "mo 9:00",
        "today 25:00",
        "2026-13-01",
        "2026-02-30",
        "2026-11-23T24:01",
        "in",
        "+",
        "-5m",
        "x" * 999,
    ],
)
def test_what_is_no_instant(text: str) -> None:
    with pytest.raises(UsageError):
        instant_ms(text, NOW, BERLIN)


def test_next_clock_time_survives_a_clock_change() -> None:
    before = instant_ms("2027-03-27T12:00", NOW, BERLIN)  # the clocks go forward that night
    assert instant_ms("12:00", before, BERLIN) - before == 23 * HOUR


def test_without_a_zone_it_is_local_time(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert instant_ms("2026-11-23 04:00", NOW) == NOW
        assert instant_ms("04:30", NOW) == NOW + HOUR // 2
    finally:
        monkeypatch.undo()
        time.tzset()


@given(st.text())
def test_any_text_parses_or_is_refused(text: str) -> None:
    for read in (duration_ms, size_bytes, lambda t: instant_ms(t, NOW, BERLIN)):
        try:
            assert isinstance(read(text), int)
        except UsageError as error:
            assert len(error.message) < 400


@given(st.text("0123456789.wdhms PT:+-TZin", max_size=40))
def test_texts_that_look_right_parse_or_are_refused(text: str) -> None:
    for read in (duration_ms, size_bytes, lambda t: instant_ms(t, NOW, BERLIN)):
        try:
            assert read(text) >= 0 or read is not duration_ms
        except UsageError:
            pass


def test_did_you_mean() -> None:
    assert did_you_mean("expotential", ["exponential", "linear"]) == "did you mean 'exponential'?"
    assert did_you_mean("zzz", ["exponential"]) == ""

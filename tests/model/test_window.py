"""Windows as text: what people write, what is kept, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.errors import UsageError
from bgo.model.task import Wish
from bgo.model.window import TimeWindow, ZonedWindow, days_told
from bgo.model.window_words import window
from bgo.model.wish import dump, load

WEEKDAYS = (1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("off-peak", TimeWindow.OFF_PEAK),
        ("business-hours", TimeWindow.BUSINESS_HOURS),
        ("09:00-17:00@mon-fri", TimeWindow(9, 17, WEEKDAYS)),
        ("9-17@mon-fri", TimeWindow(9, 17, WEEKDAYS)),
        (" 9:30 - 17 @ Monday - Fri ", TimeWindow(9, 17, WEEKDAYS, start_minute=30)),
        ("22:00-06:00", TimeWindow(22, 6)),
        ("9-17@sat,sun", TimeWindow(9, 17, (6, 7))),
        ("9-17@fri-mon", TimeWindow(9, 17, (1, 5, 6, 7))),
        ("9-17@1-5", TimeWindow(9, 17, WEEKDAYS)),
        ("9-17@1,mon,7", TimeWindow(9, 17, (1, 7))),
        ("22:00-24:00", TimeWindow(22, 24)),
        ("0-24", TimeWindow(0, 24)),
        ("quiet", TimeWindow(20, 8)),
    ],
)
def test_what_people_write(text: str, expected: TimeWindow) -> None:
    assert window(text, {"quiet": TimeWindow(20, 8)}) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no text"),
        ("@mon", "neither hours"),
        ("9", "neither hours"),
        ("9-17-20", "neither hours"),
        ("-1-5", "neither hours"),
        ("9-25", "from 00:00 to 24:00"),
        ("24-5", "from 00:00 to 24:00"),
        ("9-24:30", "from 00:00 to 24:00"),
        ("9:60-17", "minutes from 00 to 59"),
        ("9-9", "begins when it ends"),
        ("9-17@", "'' is no day"),
        ("9-17@mo", "'mo' is no day"),
        ("9-17@0", "'0' is no day"),
        ("9-17@8", "'8' is no day"),
        ("9-17@mon-", "'' is no day"),
        ("9-17@montag", "'montag' is no day"),
        ("٩-17", "neither hours"),
        ("of-peak", "did you mean 'off-peak'?"),
        ("quite", "did you mean 'quiet'?"),
        ("zzz", "known are off-peak, business-hours, quiet"),
        ("off-peak@mon", "a name stands alone"),
        ("9-17\n@mon" + "x" * 5000, "no text"),
    ],
)
def test_what_is_refused_says_why_and_how(text: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        window(text, {"quiet": TimeWindow(20, 8)})
    assert why in caught.value.why
    assert caught.value.message.startswith("not a window:")
    assert len(caught.value.message) < 200
    assert caught.value.hint


hours = st.tuples(st.integers(0, 23), st.integers(0, 59), st.integers(0, 23), st.integers(0, 59))
days = st.lists(st.integers(1, 7))


@given(hours.filter(lambda h: h[:2] != h[2:]), days, st.sampled_from(["UTC", "Europe/Berlin", "+05:30"]))
def test_a_window_is_kept_and_read_again(clock: tuple[int, int, int, int], on: list[int], zone: str) -> None:
    given_ = TimeWindow(clock[0], clock[2], on, start_minute=clock[1], end_minute=clock[3])
    kept = ZonedWindow(given_, zone)
    assert ZonedWindow.of(str(kept)) == kept
    assert load(dump(Wish(window=kept))).window == kept
    again = window(given_.written)
    assert again.hours == given_.hours
    assert set(again.days_of_week or range(1, 8)) == set(given_.days_of_week or range(1, 8))


def test_its_texts() -> None:
    asked = ZonedWindow(TimeWindow.BUSINESS_HOURS, "Europe/Berlin")
    assert str(asked) == "09:00-17:00@1,2,3,4,5 Europe/Berlin"
    assert asked.told == "09:00-17:00 mon-fri (Europe/Berlin)"
    assert asked.window.written == "09:00-17:00@mon-fri"
    assert TimeWindow(9, 17, range(1, 8)).told == "09:00-17:00"


@pytest.mark.parametrize(
    ("numbers", "told"),
    [((1, 3, 5), "mon,wed,fri"), ((6, 7), "sat,sun"), ((1, 2, 3, 6), "mon-wed,sat"), ((), "")],
)
def test_days_in_words(numbers: tuple[int, ...], told: str) -> None:
    assert days_told(numbers) == told


@pytest.mark.parametrize("text", ["", "9-17 UTC", "09:00-17:00", "09:00-17:00@8 UTC", "09:00-17:00@1,2 A B"])
def test_what_was_never_kept_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match="not a window"):
        ZonedWindow.of(text)

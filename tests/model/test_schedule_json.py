"""The wish of a schedule survives being kept."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from bgo.model import schedule_json
from bgo.model.cron import CronSchedule
from bgo.model.schedule import Cron, Every, Missed, MissedPolicy, Overlap, Reboot, Rule, ScheduleWish, Timing
from bgo.model.window import TimeWindow

ANCHOR = 1_795_000_000_000
EXPRESSIONS = ("* * * * *", "30 2 * * 1-5", "0 9-17 */2 jan,mar sun", "@daily", "5-5 0 31 * *")
RULES = st.one_of(
    st.builds(lambda ms: Every(ms, ANCHOR), st.integers(1000, 10**12)),
    st.sampled_from(EXPRESSIONS).map(lambda text: Cron(text, CronSchedule(text).fields)),
    st.just(Reboot()),
)
WINDOWS = st.sampled_from((None, TimeWindow.OFF_PEAK, TimeWindow.BUSINESS_HOURS, TimeWindow(22, 6, start_minute=30)))
INSTANTS = st.none() | st.integers(0, 10**13)
NUMBERS = st.none() | st.integers(1, 10**9)


@given(
    st.builds(
        ScheduleWish,
        st.builds(Timing, RULES, st.sampled_from(("UTC", "Europe/Berlin", "+01:00")), WINDOWS, INSTANTS, INSTANTS),
        jitter_ms=st.integers(0, 10**9),
        missed=st.builds(MissedPolicy, st.sampled_from(Missed), st.integers(0, 10**9), st.integers(1, 1000)),
        overlap=st.sampled_from(Overlap),
        max_runs=NUMBERS,
        pause_after=NUMBERS,
        start_before_ms=NUMBERS,
        finish_before_ms=NUMBERS,
    )
)
def test_a_wish_is_read_back_as_it_was(wish: ScheduleWish) -> None:
    text = schedule_json.dump(wish)
    assert schedule_json.load(text, ANCHOR) == wish
    assert schedule_json.dump(schedule_json.load(text, ANCHOR)) == text


def _plain(rule: Rule) -> dict[str, object]:
    found: dict[str, object] = json.loads(schedule_json.dump(ScheduleWish(Timing(rule, "UTC"))))
    return found


def test_where_an_interval_counts_from_is_no_part_of_the_wish() -> None:
    assert schedule_json.dump(ScheduleWish(Timing(Every(1000, 1), "UTC"))) == schedule_json.dump(
        ScheduleWish(Timing(Every(1000, 2), "UTC"))
    )


def test_usual_values_are_left_out() -> None:
    assert _plain(Reboot()) == {"rule": {"reboot": True}, "zone": "UTC"}

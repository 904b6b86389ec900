"""Jitter, suspends, and a wall clock that is stepped.

The law. By the wall clock a schedule deals with each occurrence once, in order: it is fired, skipped, missed or
coalesced, and counted as that. Steps of the clock change nothing of it:

* forward (or a suspend, or nobody there): all that has become due meanwhile is dealt with by the missed policy;
* back by up to 3 hours: what was dealt with is not dealt with again; nothing fires until the clock has come back to
  the first occurrence that was not;
* back by more: the clock was wrong before. A new life begins: occurrences from now on are dealt with, and counted,
  whatever became of them in the life before. But none makes a second task: one that has fired before, as long as
  its task is there or it is among the last that are noted, is passed over and not counted again. The counters go on;
* back to before the schedule was made: it is now that the clock is wrong. Nothing fires, and the first occurrence that
  was not dealt with stays the next one.

What is due and not dealt with when a schedule is paused, pauses itself or gets other times counts as missed; what would
come while it is paused is no occurrence.
"""

from __future__ import annotations

from itertools import pairwise

import pytest

from bgo import zones
from bgo.engine.occasions import fires_at
from bgo.model.schedule import Counters
from bgo.model.window import TimeWindow
from bgo.policy import occurrences
from bgo.policy.clock_step import SET_BACK_MS
from bgo.policy.window import is_open
from tests.engine.timed import BEGIN, YEAR, D, H, M, S, Timed, a_draft, a_schedule_wish, cron, every

# Jitter.


def test_jitter_spreads_and_is_the_same_for_all() -> None:
    wish = a_schedule_wish(cron("0 * * * *"), jitter=30 * M)
    late = [fires_at(f"0schedule{n:03d}", wish, BEGIN) - BEGIN for n in range(200)]
    assert late == [fires_at(f"0schedule{n:03d}", wish, BEGIN) - BEGIN for n in range(200)]
    assert all(0 <= ms < 30 * M for ms in late)
    assert {ms // (5 * M) for ms in late} == set(range(6)), "each sixth of it is used"
    assert len({fires_at("0s", wish, BEGIN + n * H) - n * H for n in range(50)}) > 40


@pytest.mark.parametrize(
    ("rule", "window"),
    [
        (every(H), None),
        (cron("0,1,59 * * * *"), None),
        (every(H), TimeWindow(9, 17)),
        (cron("50-59 * * * *"), TimeWindow(2, 5)),
    ],
)
def test_none_overtakes_another_and_none_leaves_its_window(rule, window) -> None:  # type: ignore[no-untyped-def]
    timed = Timed()
    made = timed.cron("0 0 1 1 *")  # only for its id
    wish = a_schedule_wish(rule._replace(anchor_ms=BEGIN + 30 * M) if hasattr(rule, "anchor_ms") else rule,
                           window=window, jitter=59 * M)  # fmt: skip
    times = list(occurrences.between(wish.timing, zones.zone("UTC"), BEGIN, BEGIN + 3 * D))
    assert len(times) > 20
    for at, then in pairwise(times):
        fires = fires_at(made, wish, at)
        assert at <= fires < min(then, at + 59 * M)
        assert window is None or is_open(window, zones.zone("UTC"), fires)


def test_it_fires_behind_its_jitter_and_the_next_is_not_lost() -> None:
    timed = Timed()
    made = timed.cron("*/10 * * * *", jitter=9 * M)
    wish = timed.schedule(made).wish
    for minute in range(121):
        timed.at(minute * M)
        wanted = [n * M for n in range(0, 121, 10) if fires_at(made, wish, BEGIN + n * M) <= timed.now]
        assert timed.fired(made) == wanted
    assert timed.counts(made) == Counters(fired=len(timed.fired(made)))
    assert [task.due_at for task in timed.tasks(made)] == [
        fires_at(made, wish, BEGIN + n) for n in range(0, len(timed.fired(made)) * 10 * M, 10 * M)
    ]


@pytest.mark.parametrize("missed", ["one", "all", "skip"])
def test_the_last_one_whose_jitter_is_not_over_is_not_yet_due(missed: str) -> None:
    timed = Timed()
    made = timed.cron("0 * * * *", jitter=50 * M, missed=missed)
    timed.at(5 * H)
    late = fires_at(made, timed.schedule(made).wish, BEGIN + 5 * H) - BEGIN - 5 * H
    assert late > 0
    assert sum(timed.counts(made)) == 5
    timed.go(late - 1)
    assert sum(timed.counts(made)) == 5
    timed.go(1)
    assert sum(timed.counts(made)) == 6
    assert timed.fired(made)[-1] == 5 * H


# Steps.


def hourly(hours: int = 5, **said: str) -> tuple[Timed, str]:
    """Return a world in which an hourly schedule has fired at 0, 1 … `hours`."""
    timed = Timed()
    made = timed.every(H, **said)
    for hour in range(hours + 1):
        timed.at(hour * H)
    assert timed.counts(made) == Counters(fired=hours + 1)
    return timed, made


@pytest.mark.parametrize("step", [D, 30 * D, 5 * YEAR])
def test_a_step_forward_is_as_if_nobody_had_been_there(step: int) -> None:
    timed, made = hourly()
    timed.clock.step_wall_ms(step)
    timed.settle_down()
    assert timed.counts(made) == Counters(fired=7, coalesced=step // H - 1)


def test_a_suspend_is_no_step() -> None:
    timed, made = hourly(missed="all")
    timed.clock.suspend_ms(3 * H)
    timed.settle_down()
    assert timed.counts(made) == Counters(fired=9)


@pytest.mark.parametrize("step", [S, 10 * M, 2 * H, SET_BACK_MS])
def test_a_small_step_back_fires_nothing_again_and_loses_nothing(step: int) -> None:
    timed, made = hourly()
    timed.clock.step_wall_ms(-step)
    assert not timed.is_due()
    timed.settle_down()
    while timed.now < BEGIN + 5 * H:
        timed.go(min(20 * M, BEGIN + 5 * H - timed.now))
        assert timed.counts(made) == Counters(fired=6)
    timed.at(6 * H)
    assert timed.counts(made) == Counters(fired=7)
    assert timed.fired(made) == [n * H for n in range(7)]


def test_a_large_step_back_goes_on_from_now_and_makes_nothing_twice() -> None:
    timed, made = hourly(10)
    timed.clock.step_wall_ms(-SET_BACK_MS - H)  # 6:00
    assert timed.is_due()
    timed.settle_down()
    assert not timed.is_due(), "it is noticed once"
    for _ in range(6):
        timed.go(H)
    assert timed.counts(made) == Counters(fired=13)
    assert timed.fired(made) == [n * H for n in range(13)]


def test_after_a_wrong_year_what_has_not_fired_fires() -> None:
    timed, made = hourly()
    timed.clock.step_wall_ms(YEAR)
    timed.settle_down()
    assert timed.counts(made) == Counters(fired=7, coalesced=YEAR // H - 1)
    timed.clock.step_wall_ms(-YEAR)
    timed.settle_down()
    timed.at(6 * H)
    timed.at(7 * H)
    assert timed.fired(made) == [0, H, 2 * H, 3 * H, 4 * H, 5 * H, YEAR + 5 * H, 6 * H, 7 * H]
    assert timed.counts(made) == Counters(fired=9, coalesced=YEAR // H - 1)
    assert timed.faults() == []


def test_what_was_coalesced_ahead_fires_when_its_time_comes() -> None:
    timed, made = hourly()
    timed.clock.step_wall_ms(10 * H)
    timed.settle_down()
    assert timed.notes(made)[-2][:3] == (BEGIN + 14 * H, "coalesced", 9)
    timed.clock.step_wall_ms(-10 * H)
    timed.settle_down()
    for _ in range(11):
        timed.go(H)
    assert sorted(timed.fired(made)) == [n * H for n in range(17)]  # type: ignore[type-var]
    assert timed.counts(made) == Counters(fired=17, coalesced=9)
    assert timed.notes(made)[-3][:3] == (BEGIN + 14 * H, "fired", 1)


@pytest.mark.parametrize("missed", ["one", "all:1000"])
def test_what_was_forgotten_one_by_one_makes_nothing_twice(missed: str) -> None:
    """More have fired in the wrong future than are remembered: their tasks are there."""
    timed = Timed()
    made = timed.every(M, missed=missed)
    for minute in range(301):
        timed.at(minute * M)
    for _ in range(2):
        timed.clock.step_wall_ms(-250 * M)
        timed.settle_down()
        for _ in range(260):
            timed.go(M)
    found = timed.fired(made)
    assert sorted(found) == [n * M for n in range(321)]  # type: ignore[type-var]
    assert timed.counts(made).fired == 321
    assert timed.faults() == []


def test_what_is_noted_after_a_step_back_is_remembered_beside_the_wrong_future() -> None:
    timed = Timed()
    made = timed.every(M)
    timed.clock.step_wall_ms(YEAR)
    for _ in range(150):
        timed.go(M)
    timed.clock.step_wall_ms(-YEAR)
    for _ in range(150):
        timed.go(M)
    ahead = [row for row in timed.notes(made) if row.at > timed.now]
    assert len(ahead) == 100
    assert len(timed.notes(made)) == 200


def test_a_clock_from_before_it_was_made_fires_nothing_and_forgets_nothing() -> None:
    """A computer without a battery for its clock starts in 1970, and is told the time a minute later."""
    timed, made = hourly()
    before = timed.schedule(made)
    timed.clock.step_wall_ms(-timed.now)
    timed.settle_down()
    timed.go(M)
    assert not timed.is_due()
    assert timed.counts(made) == Counters(fired=6)
    timed.clock.step_wall_ms(BEGIN + 8 * H - timed.now)
    timed.settle_down()
    assert timed.schedule(made).next_at == BEGIN + 9 * H
    assert timed.counts(made) == Counters(fired=7, coalesced=2)
    assert before.next_at == BEGIN + 6 * H


def test_a_resume_while_the_clock_is_set_back_a_little_fires_nothing_again() -> None:
    timed, made = hourly()
    timed.clock.step_wall_ms(-2 * H)
    timed.pause(made)
    timed.resume(made)
    assert timed.schedule(made).next_at == BEGIN + 6 * H
    for _ in range(9):
        timed.go(20 * M)
    assert timed.fired(made) == [n * H for n in range(7)]
    assert timed.counts(made) == Counters(fired=7)


def test_a_resume_while_the_clock_is_set_back_far_goes_on_from_now() -> None:
    timed, made = hourly()
    timed.clock.step_wall_ms(-4 * H - M)
    timed.pause(made)
    timed.resume(made)
    assert timed.schedule(made).next_at == BEGIN + H
    for _ in range(6):
        timed.go(H)
    assert timed.fired(made) == [n * H for n in range(7)]


def test_another_interval_while_the_clock_is_set_back_far_does_not_sleep_until_then() -> None:
    timed = Timed()
    made = timed.every(H, key="k")
    timed.clock.step_wall_ms(YEAR)
    timed.settle_down()
    timed.clock.step_wall_ms(-YEAR)
    timed.put(a_draft(every(2 * H), key="k"))
    timed.go(2 * H)
    assert timed.fired(made)[-1] == 2 * H

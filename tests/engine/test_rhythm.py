"""Intervals under a platform that counts from the end of the run before, has a shortest one, or knows no cron."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bgo.model.options import TaskTimeout
from bgo.model.profile import HOST, Profile, Work
from bgo.model.schedule import Overlap, ScheduleState
from bgo.run.simulator import SimOptions, Timeline, simulate
from tests.engine.graphs import a_template
from tests.engine.timed import BEGIN, M, S, Timed

PHONE = Profile("phone", work=Work(interval_from="completion", min_interval_ms=15 * M))
CLOCKLESS = Profile("clockless", work=Work(interval_from="completion", cron_as_interval=True))

LONG = a_template("tick")
LONG = replace(LONG, wish=replace(LONG.wish, timeout=TaskTimeout.NONE))


def play(timed: Timed, profile: Profile, minutes: int = 60, takes: int = 2 * M, **options: Any) -> Timeline:
    return simulate(
        timed.store, None, 1, SimOptions(BEGIN, minutes * M, profile=profile, durations={"tick": takes}, **options)
    )


def starts(timeline: Timeline) -> list[int]:
    """Return the starts in seconds after the beginning."""
    return [(run.started_at - BEGIN) // S for row in timeline.rows for run in row.runs]


@pytest.fixture
def timed() -> Timed:
    return Timed()


def test_an_interval_counts_from_the_end_of_the_run_before(timed: Timed) -> None:
    """WorkManager: 15 minutes that take 2 come at 0, 17, 34."""
    timed.every(15 * M)
    assert starts(play(timed, PHONE)) == [0, 1020, 2040, 3060]
    assert starts(play(timed, HOST)) == [0, 900, 1800, 2700]


def test_a_short_interval_is_raised(timed: Timed) -> None:
    timed.every(10 * M)
    assert starts(play(timed, PHONE, takes=0)) == [0, 900, 1800, 2700]


def test_an_interval_is_raised_although_it_counts_from_its_grid(timed: Timed) -> None:
    timed.every(M)
    raised = replace(PHONE, work=Work(min_interval_ms=15 * M))
    assert starts(play(timed, raised)) == [0, 900, 1800, 2700], "the two minutes that a run takes do not count"


def test_what_takes_longer_than_its_interval_comes_an_interval_after_its_end(timed: Timed) -> None:
    timed.every(15 * M, template=LONG)
    assert starts(play(timed, PHONE, minutes=120, takes=20 * M)) == [0, 2100, 4200, 6300]


def test_cron_stands_for_its_distance(timed: Timed) -> None:
    timed.cron("*/20 * * * *")
    assert starts(play(timed, CLOCKLESS)) == [0, 1320, 2640]
    assert starts(play(timed, PHONE)) == [0, 1200, 2400], "where a platform leaves cron alone it keeps its times"


def test_occurrences_are_counted_once_each(timed: Timed) -> None:
    timed.every(10 * M, max_runs=3)
    (row,) = play(timed, PHONE, minutes=600).schedules
    assert (row.counts.fired, row.counts.coalesced, row.counts.missed) == (3, 0, 0)
    assert row.ended == "finished: it has fired 3 times"


def test_it_ends_with_its_end(timed: Timed) -> None:
    timed.every(15 * M, end=BEGIN + 30 * M)
    found = play(timed, PHONE, minutes=600)
    assert starts(found) == [0, 1020]
    assert found.schedules[0].ended == "finished: no occurrence is left"


@pytest.mark.parametrize("overlap", list(Overlap))
def test_nothing_overlaps_itself(timed: Timed, overlap: Overlap) -> None:
    timed.every(15 * M, overlap=overlap, template=LONG)
    assert starts(play(timed, PHONE, minutes=90, takes=30 * M)) == [0, 2700]


def test_many_failures_pause_it_all_the_same(timed: Timed) -> None:
    timed.every(15 * M, pause_after=2)
    found = play(timed, PHONE, minutes=600, failures={"tick": 9})
    assert len(starts(found)) == 2
    assert found.schedules[0].ended == "paused: 2 failures in a row"


def test_a_computer_beside_the_phone_goes_by_the_grid_from_there(timed: Timed) -> None:
    """Both fire the same schedule: the computer takes what the phone has put off when it is due, then its own grid."""
    schedule = timed.every(10 * M)
    timed.profile = PHONE
    for minute in range(0, 60):
        timed.at(minute * M)
        timed.run_out()
        timed.profile = HOST if minute >= 30 else PHONE
    fired = [(note.at - BEGIN) // M for note in timed.notes(schedule) if note.outcome == "fired"]
    assert fired == [0, 15, 30, 45, 50]
    assert timed.schedule(schedule).state is ScheduleState.ACTIVE

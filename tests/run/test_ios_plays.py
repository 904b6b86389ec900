"""Plays under iOS: another seed has other times, the same one the same, and work runs only where iOS gives time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bgo.devices.profiles import profile
from bgo.engine import enqueue
from bgo.model.ios_state import IosState
from bgo.model.options import TaskConstraints, TaskTimeout
from bgo.model.platform import DeviceSaid, PlatformState
from bgo.policy import platform
from bgo.run.simulator import SimOptions, Timeline, simulate
from bgo.store.sqlite import SqliteStore
from tests.build import START, a_device, a_spec, a_wish

IOS = profile("ios")
HOUR, DAY = 3_600_000, 86_400_000
AWAKE = a_device("app=background screen=on charging=no network=unmetered battery=80 refresh=on")
ASLEEP = a_device("app=background screen=off idle=yes charging=yes network=unmetered battery=80 refresh=on")
FREE = a_wish(timeout=TaskTimeout.NONE)
CHARGED = a_wish(timeout=TaskTimeout.NONE, constraints=TaskConstraints(requires_charging=True))


def play(*specs: Any, seed: int = 1, **options: Any) -> Timeline:
    store = SqliteStore(None)
    with store.write() as session:
        enqueue.enqueue(session, specs, START)
    values: dict[str, Any] = {"device": AWAKE, "for_ms": 3 * DAY, "profile": IOS, **options}
    return simulate(store, None, 2, SimOptions(START, seed=seed, **values))


def first_starts(timeline: Timeline) -> list[int]:
    return [row.started_at - START for row in timeline.rows]


def test_the_seed_decides_when_and_nothing_else_does() -> None:
    task = a_spec(wish=FREE)
    plays = [first_starts(play(task, seed=seed)) for seed in range(1, 11)]
    assert len({tuple(one) for one in plays}) > 5
    assert plays == [first_starts(play(task, seed=seed)) for seed in range(1, 11)]


def test_work_that_wants_power_starts_at_night_only_and_with_the_app_open_at_once() -> None:
    task = a_spec(wish=CHARGED)
    assert first_starts(play(task)) == []
    assert all(0 < at < 2 * DAY for at in first_starts(play(task, device=ASLEEP)))
    assert first_starts(play(task, device=a_device("app=foreground charging=yes"))) == [0]


@pytest.mark.parametrize("words", ["low_power=on", "refresh=off", "app=force-quit", "battery=10"])
def test_what_keeps_ios_from_giving_time_keeps_it_for_the_whole_play(words: str) -> None:
    device = a_device(f"screen=on charging=no {words}")
    timeline = play(a_spec(wish=FREE), device=device)
    assert timeline.rows == ()
    assert len(timeline.never) == 1


def test_a_run_longer_than_a_refresh_is_cut_off_and_goes_on_the_next_time() -> None:
    timeline = play(a_spec("long", wish=FREE), durations={"long": HOUR})
    (row,) = timeline.rows
    assert len(row.runs) > 1
    assert {run.ended_at - run.started_at for run in row.runs if run.ended_at} == {30_000}


def test_a_play_begins_with_its_seed_and_forgets_what_lies_ahead() -> None:
    ahead = PlatformState(battery_low=True, ios=IosState(START + DAY, 1, quit=True))
    assert platform.begin(IOS, ahead, START, 7) == PlatformState(battery_low=True, ios=IosState(START, 7))
    known = platform.fold(IOS, PlatformState(), [DeviceSaid(START - DAY, ASLEEP)], START)
    began = platform.begin(IOS, known, START, 7)
    assert began.ios is not None
    assert (began.ios.seed, began.ios.facts) == (7, known.ios.facts if known.ios else None)
    assert platform.next_edge(IOS, began, START) != platform.next_edge(IOS, known, START)
    android = replace(IOS, os="android")
    assert platform.begin(android, PlatformState(), START, 7) == PlatformState()

"""The simulator: the same answer for the same start and seed, and never a start that the gates would not allow."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgo.api import TaskFlow
from bgo.compose import bench
from bgo.devices.traces import parse_trace
from bgo.engine import enqueue, platform
from bgo.errors import UsageError
from bgo.model.device import DeviceChange, DeviceState, Level, Network, NetworkKind, Reading, Span, Tri
from bgo.model.handler import HandlerInfo, Source
from bgo.model.limits import ConcurrencyControl
from bgo.model.options import NetworkConstraint, RetryPolicy, TaskConstraints, TaskTimeout
from bgo.model.outcome import Succeeded
from bgo.model.plan import Gate
from bgo.model.profile import HOST
from bgo.model.query import Selector
from bgo.model.schedule import Counters
from bgo.model.task import Task, TaskSpec
from bgo.run.bench import RunOptions
from bgo.run.simulator import SimOptions, Timeline, floor_to_minute, simulate
from bgo.run.timeline import LATE_MS, SimRun
from bgo.run.worker import Worker
from bgo.store.sqlite import SqliteStore
from tests.build import START, a_spec, a_wish
from tests.engine.timed import BEGIN, Timed
from tests.hours import in_hours
from tests.store import drive

FREE = a_wish(timeout=TaskTimeout.NONE)
CHARGED = a_wish(timeout=TaskTimeout.NONE, constraints=TaskConstraints(requires_charging=True))
YES, NO = Reading(Tri.YES, "test"), Reading(Tri.NO, "test")
HOUR = 3_600_000


def a_store(*specs: TaskSpec) -> SqliteStore:
    store = SqliteStore(None)
    with store.write() as session:
        enqueue.enqueue(session, specs, START)
    return store


def play(store: SqliteStore, *, slots: int = 2, **options: Any) -> Timeline:
    return simulate(store, None, slots, SimOptions(options.pop("start_ms", START), **options))


def starts(timeline: Timeline) -> list[int]:
    """Return when each task first starts, in milliseconds after the start."""
    return [row.started_at - timeline.start_at for row in timeline.rows]


def lasting(ms: int) -> dict[str, int]:
    return {"work": ms}


def contents(store: SqliteStore) -> list[str]:
    return list(store.connection.iterdump())


def pause(store: SqliteStore, name: str) -> None:
    with store.write() as session:
        session.pauses.set("name", name, paused=True, now=START)


def everything(store: SqliteStore) -> list[Task]:
    with store.read() as session:
        return session.tasks.select(Selector(), limit=1000)


def lively() -> SqliteStore:
    """Return a store in which chance has much to decide."""
    jittery = a_wish(retry=RetryPolicy.exponential(max_attempts=4, initial_delay=30, jitter=True))
    random = a_wish(limit=ConcurrencyControl(2, "random"))  # type: ignore[arg-type]
    wishes = [jittery, random, CHARGED, a_wish()]
    return a_store(*(a_spec(f"w{n % 5}", wish=wishes[n % 4], random_order=n * 7 % 11 / 11) for n in range(40)))


def test_the_same_start_and_seed_give_the_same_bytes() -> None:
    store = lively()
    options = {"seed": 7, "device": DeviceState(charging=YES), "failures": {"w0": 2, "w4": 1}}
    first, second = (json.dumps(play(store, **options).to_json()).encode() for _ in range(2))
    assert first == second
    assert json.dumps(play(store, **{**options, "seed": 8}).to_json()).encode() != first


def test_one_more_failure_shifts_no_other_draw() -> None:
    jittery = a_wish(retry=RetryPolicy.exponential(max_attempts=3, initial_delay=60, jitter=True))
    store = a_store(a_spec("a", wish=jittery), a_spec("b", wish=jittery))
    alone = play(store, slots=9, failures={"b": 2})
    both = play(store, slots=9, failures={"a": 2, "b": 2})
    assert [r.runs for r in alone.rows if r.name == "b"] == [r.runs for r in both.rows if r.name == "b"]
    assert len({run.started_at for row in both.rows for run in row.runs[1:]}) == 4


def test_neither_the_store_nor_a_clock_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    store = lively()
    before = contents(store)
    monkeypatch.setattr("bgo.clock.time", None)
    play(store)
    monkeypatch.undo()
    assert contents(store) == before


def test_delays_are_kept_to_the_millisecond() -> None:
    timeline = play(a_store(a_spec(due_at=START + 90_001), a_spec(), a_spec(due_at=START - HOUR)))
    assert starts(timeline) == [0, 0, 90_001]
    assert [row.delay_ms for row in timeline.rows] == [HOUR, 0, 0]
    assert [row.is_late for row in timeline.rows] == [True, False, False]


def test_more_than_one_tick_may_touch_comes_due_at_once() -> None:
    timeline = play(a_store(*(a_spec(due_at=START + 1) for _ in range(1100))), slots=2000)
    assert set(starts(timeline)) == {1}
    assert len(timeline.rows) == 1100


def test_slots_hold_what_is_too_much() -> None:
    timeline = play(a_store(*(a_spec() for _ in range(5))), durations=lasting(10_000))
    assert starts(timeline) == [0, 0, 10_000, 10_000, 20_000]
    assert [dict(row.held) for row in timeline.rows][2:] == [{"slots": 10_000}, {"slots": 10_000}, {"slots": 20_000}]
    assert starts(play(a_store(*(a_spec() for _ in range(3))), slots=9, durations=lasting(5))) == [0, 0, 0]
    assert play(a_store(a_spec()), slots=9, **{}).slots == 9
    assert simulate(a_store(), None, 9, SimOptions(START, slots=3)).slots == 3


def test_concurrency_holds_and_is_told_apart_from_slots() -> None:
    one = a_wish(limit=1)
    timeline = play(a_store(*(a_spec(wish=one) for _ in range(3)), a_spec("other")), durations=lasting(10_000))
    assert [(row.name, row.started_at - START) for row in timeline.rows] == [
        ("work", 0),
        ("other", 0),
        ("work", 10_000),
        ("work", 20_000),
    ]
    held = [dict(row.held) for row in timeline.rows if row.name == "work"]
    assert held == [{}, {"concurrency": 10_000}, {"concurrency": 20_000}]


def test_retries_are_seen() -> None:
    wish = a_wish(retry=RetryPolicy.custom(delays=[5, 60]))
    (row,) = play(a_store(a_spec(wish=wish)), failures={"work": 2}).rows
    assert [(r.run, r.attempt, r.started_at - START, r.state, r.reason) for r in row.runs] == [
        (1, 1, 0, "retrying", "error"),
        (2, 2, 6_000, "retrying", "error"),
        (3, 3, 67_000, "succeeded", "done"),
    ]
    assert [r.planned_at - START for r in row.runs] == [0, 6_000, 67_000]
    assert [r.delay_ms for r in row.runs] == [0, 0, 0]


@pytest.mark.parametrize(("failures", "state"), [(1, "succeeded"), (2, "failed")])
def test_failures_use_up_the_attempts(failures: int, state: str) -> None:
    wish = a_wish(retry=RetryPolicy.linear(max_attempts=2, delay=1))
    (row,) = play(a_store(a_spec(wish=wish)), failures={"work": failures}).rows
    assert (len(row.runs), row.runs[-1].state) == (2, state)


def test_a_simulated_failure_is_one_that_the_policy_retries() -> None:
    wish = a_wish(retry=RetryPolicy.linear(max_attempts=2, delay=1, retry_on=["OSError"]))
    (row,) = play(a_store(a_spec(wish=wish)), failures={"work": 1}).rows
    assert [run.state for run in row.runs] == ["retrying", "succeeded"]


def test_charging_opens_the_gate_and_closes_it_again() -> None:
    script = parse_trace("at +0h charging=no\nat +2h charging=yes\nat +2h10m charging=no\n", "t", START)
    store = a_store(*(a_spec(wish=CHARGED) for _ in range(3)), a_spec("free"))
    timeline = play(store, slots=1, device=script, durations={"work": 400_000}, for_ms=24 * HOUR)
    assert [(row.name, row.started_at - START) for row in timeline.rows] == [
        ("free", 0),
        ("work", 2 * HOUR),
        ("work", 2 * HOUR + 400_000),
    ]
    assert dict(timeline.rows[1].held) == {"charging": 2 * HOUR}
    third = timeline.rows[2]
    assert dict(third.runs[0].held) == {"charging": 2 * HOUR, "slots": 400_000}
    assert third.waits is not None, "it lost the power, and waits again"
    assert dict(third.held) == {"charging": 2 * HOUR + third.waits.waited_ms, "slots": 400_000}
    (never,) = timeline.never
    # Two hours, then what is left of the day after ten minutes of power that others used.
    assert never.held == {"charging": 24 * HOUR - 600_000, "slots": 600_000}
    assert [(s.from_at - START, s.state.charging.value) for s in timeline.device] == [
        (0, "no"),
        (2 * HOUR, "yes"),
        (2 * HOUR + 600_000, "no"),
    ]
    assert timeline.device[-1].until_at == START + 24 * HOUR


def test_a_script_says_nothing_before_its_first_line() -> None:
    script = parse_trace("at +1h charging=yes", "t", START)
    timeline = play(a_store(a_spec(wish=CHARGED)), device=script)
    assert starts(timeline) == [HOUR]
    assert timeline.device[0].state.charging.value is Tri.UNKNOWN


def test_what_never_runs_is_told_with_its_holds() -> None:
    store = a_store(a_spec(wish=CHARGED), a_spec("asleep"), a_spec("far", due_at=START + 99 * HOUR), a_spec("lost"))
    pause(store, "asleep")
    known = {n: HandlerInfo(n, Source("entry", "m:f")) for n in ("work", "asleep", "far")}
    timeline = simulate(store, known, 2, SimOptions(START, for_ms=HOUR, device=DeviceState(charging=NO)))
    assert not timeline.rows
    assert [(row.name, [h.gate for h in row.holds]) for row in timeline.never] == [
        ("work", [Gate.CHARGING]),
        ("asleep", [Gate.PAUSED]),
        ("far", [Gate.DUE]),
        ("lost", [Gate.HANDLER]),
    ]
    assert timeline.never[1].holds[0].lift == "bgo resume asleep"
    assert [dict(row.held) for row in timeline.never] == [{"charging": HOUR}, {"paused": HOUR}, {}, {"handler": HOUR}]


def test_a_task_that_only_others_go_before_has_a_full_house() -> None:
    timeline = play(a_store(a_spec(wish=FREE), a_spec()), slots=1, durations=lasting(2 * HOUR), for_ms=HOUR)
    (row,) = timeline.rows
    assert (row.ended_at, row.runs[0].state) == (None, "running")
    assert [h.gate for h in timeline.never[0].holds] == [Gate.SLOTS]
    assert timeline.never[0].held == {"slots": HOUR}


def test_slots_that_are_kept_for_another_queue_are_told() -> None:
    store = a_store(*(a_spec(wish=FREE) for _ in range(2)))
    with store.write() as session:
        session.queues.ensure("critical", 100, 1)
    timeline = play(store, slots=2, durations=lasting(2 * HOUR), for_ms=HOUR)
    assert starts(timeline) == [0]
    (hold,) = timeline.never[0].holds
    assert (hold.gate, hold.current) == (Gate.SLOTS, "1 of 2 in use, 1 kept free for other queues")
    assert (hold.holder, hold.lift) == ("the reserve of other queues", "bgo run --slots 3")
    assert starts(play(store, slots=3, durations=lasting(2 * HOUR), for_ms=HOUR)) == [0, 0]


def test_what_ends_with_the_play_has_ended_and_nothing_starts_then() -> None:
    timeline = play(a_store(a_spec(wish=FREE), a_spec()), slots=1, durations=lasting(HOUR), for_ms=HOUR)
    assert [(row.ended_at, row.runs[0].state) for row in timeline.rows] == [(START + HOUR, "succeeded")]
    assert len(timeline.never) == 1


def test_running_tasks_count_as_just_started() -> None:
    store = a_store(*(a_spec(wish=a_wish(limit=1)) for _ in range(2)), a_spec("other"))
    drive.tick(store, 1, now=START + 1000)
    timeline = play(store, slots=2, start_ms=START + HOUR, durations=lasting(10_000))
    running, other, waiting = timeline.rows
    assert (running.started_at, running.ended_at) == (START + HOUR, START + HOUR + 10_000)
    assert (running.runs[0].was_running, running.delay_ms, dict(running.held)) == (True, 0, {"slots": 1000})
    assert (other.name, other.started_at) == ("other", START + HOUR)
    assert waiting.started_at == START + HOUR + 10_000


def test_running_tasks_take_their_slots() -> None:
    store = a_store(*(a_spec() for _ in range(4)))
    drive.tick(store, 3)
    assert starts(play(store, slots=2, durations=lasting(10_000))) == [0, 0, 0, 10_000]


def test_a_cancel_that_was_asked_for_is_carried_out() -> None:
    store = a_store(a_spec())
    (claim,) = drive.tick(store, 1)
    drive.cancel(store, [claim.task.id])
    (row,) = play(store).rows
    assert (row.ended_at, row.runs[0].state, row.runs[0].reason) == (START, "cancelled", "user")


def measured(store: SqliteStore, durations: Sequence[int]) -> None:
    """Let one task after another succeed in so many milliseconds."""
    for ms in durations:
        (claim,) = drive.tick(store, 1)
        drive.finish(store, claim, Succeeded(), now=START + ms)


def test_the_median_of_earlier_runs_tells_how_long_one_takes() -> None:
    store = a_store(*(a_spec() for _ in range(4)))
    measured(store, [1_000, 90_000, 5_000])
    (row,) = play(store, start_ms=START + HOUR, durations=lasting(77)).rows
    assert row.ended_at == row.started_at + 5_000


@pytest.mark.parametrize(
    ("handler", "data", "durations", "takes"),
    [
        ("work", b"{}", {}, 1_000),
        ("work", b"{}", {"work": 250}, 250),
        ("sleep", b'{"seconds":2.5}', {}, 2_500),
        ("sleep", b"{}", {}, 1_000),
        ("sleep", b'{"seconds":"x"}', {"sleep": 9}, 9),
    ],
)
def test_how_long_an_unmeasured_task_takes(handler: str, data: bytes, durations: dict[str, int], takes: int) -> None:
    (row,) = play(a_store(a_spec(handler, input=data)), durations=durations).rows
    assert row.ended_at == START + takes


def test_a_hard_timeout_kills_what_would_take_longer() -> None:
    wish = a_wish(timeout=TaskTimeout(hard=60), retry=RetryPolicy.custom(delays=[1]))
    (row,) = play(a_store(a_spec("sleep", input=b'{"seconds":90}', wish=wish))).rows
    assert [(r.ended_at, r.reason) for r in row.runs] == [
        (START + 60_000, "hard_timeout"),
        (START + 121_000, "hard_timeout"),
    ]
    assert row.runs[-1].state == "failed"


def test_the_start_is_a_full_minute_and_nothing_starts_before_it_is_due() -> None:
    assert floor_to_minute(120_000) == floor_to_minute(179_999) == 120_000
    store = a_store(a_spec(due_at=START - 5_000))
    drive.enqueue(store, a_spec(), now=START + 40_000)
    timeline = play(store)
    assert [(row.started_at - START, row.delay_ms) for row in timeline.rows] == [(0, 5_000), (40_000, 0)]


def test_holds_that_were_logged_after_the_start_are_not_counted_twice() -> None:
    store = a_store(*(a_spec(wish=a_wish(limit=1)) for _ in range(2)))
    (claim,) = drive.tick(store, 2, now=START + 30_000)  # the second one is parked at 30 s
    timeline = play(store, durations=lasting(10_000))
    assert [row.started_at - START for row in timeline.rows] == [0, 10_000]
    assert timeline.rows[1].held == {"concurrency": 10_000}
    assert timeline.rows[0].task_id == claim.task.id


def test_a_retry_that_lies_beyond_the_end_is_told_as_waiting_again() -> None:
    wish = a_wish(retry=RetryPolicy.custom(delays=[7200]))
    timeline = play(a_store(a_spec(wish=wish)), failures={"work": 1}, for_ms=HOUR)
    assert timeline.summary()["waiting_again"] == 1
    assert not timeline.never


def test_the_documented_object() -> None:
    script = parse_trace("at +0h charging=no\nat +2h charging=yes", "t.txt", START)
    store = a_store(a_spec(wish=CHARGED, id="0aaaaaaaaaaa"), a_spec("far", due_at=START + 99 * HOUR))
    found = play(store, device=script, for_ms=3 * HOUR).to_json()
    keys = ["schema", "start_at", "until_at", "seed", "slots", "summary", "device", "rows", "never", "schedules"]
    assert list(found) == keys
    assert found["schedules"] == []
    assert (found["schema"], found["seed"], found["slots"]) == (1, 1, 2)
    assert found["start_at"] == "2025-06-15T15:06:40.000Z"
    assert found["summary"] == {
        "tasks": 2, "started": 1, "runs": 1, "succeeded": 1, "failed": 0, "cancelled": 0, "waiting_again": 0,
        "running": 0, "stops": 0, "late": 1, "longest_delay_ms": 2 * HOUR, "never": 1,
    }  # fmt: skip
    (row,) = found["rows"]
    (run,) = row.pop("runs")
    assert row == {
        "task_id": "0aaaaaaaaaaa", "name": "work", "queue": "default", "planned_at": "2025-06-15T15:06:40.000Z",
        "started_at": "2025-06-15T17:06:40.000Z", "started_after_ms": 2 * HOUR,
        "ended_at": "2025-06-15T17:06:41.000Z", "delay_ms": 2 * HOUR, "late": True,
        "held_ms": {"charging": 2 * HOUR}, "attempts": 1, "state": "succeeded", "reason": "done",
        "stops": 0, "waits": None,
    }  # fmt: skip
    assert (run["run"], run["started_after_ms"], run["was_running"]) == (1, 2 * HOUR, False)
    assert found["device"][1]["charging"] == {"value": "yes", "source": "trace t.txt:2"}
    assert found["never"][0]["holds"][0]["gate"] == "due"
    assert found["never"][0]["planned_at"] == "2025-06-19T18:06:40.000Z"


@pytest.mark.parametrize(
    "bad", [{"for_ms": 0}, {"slots": 0}, {"durations": {"a": -1}}, {"failures": {"a": -1}}], ids=str
)
def test_senseless_options_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        SimOptions(START, **bad)


def test_late_is_a_minute() -> None:
    early, late = (SimRun(1, 1, START, START + ms, {}) for ms in (LATE_MS - 1, LATE_MS))
    assert (early.is_late, late.is_late) == (False, True)


# No start that the gates would not allow.

asked = st.builds(
    TaskConstraints,
    network=st.sampled_from([NetworkConstraint.NONE, NetworkConstraint.NONE, *NetworkConstraint]),
    battery_not_low=st.booleans(),
    requires_charging=st.sampled_from([False, False, True]),
    device_idle=st.sampled_from([False, False, True]),
    storage_not_low=st.sampled_from([False, False, True]),
    cpu_below=st.sampled_from([None, None, 50]),
    unused_for=st.sampled_from([None, None, 9.5]),
    on_network=st.sampled_from([(), (), ("Home", "Work")]),
)
readings = st.sampled_from([YES, NO, Reading()])
said = st.builds(
    DeviceState,
    charging=readings,
    battery=st.builds(Level, st.sampled_from([None, 10, 15, 16, 19, 20, 90])),
    network=st.builds(Network, st.sampled_from(NetworkKind), name=st.sampled_from(["", "Home", "Cafe"])),
    idle=readings,
    storage_low=readings,
    load=st.builds(Level, st.sampled_from([None, 49, 50])),
    unused=st.builds(
        Span, st.sampled_from([None, 0, 9_499, 9_500]), at_ms=st.sampled_from([None, START, START + 9_500])
    ),
)
NETWORKS = {
    "none": set(NetworkKind),
    "connected": {"connected", "unmetered", "metered", "roaming"},
    "unmetered": {"unmetered"},
    "not-roaming": {"unmetered", "metered"},
    "metered": {"metered", "roaming"},
}


def may_start(wish: TaskConstraints, seen: list[DeviceState], at: int) -> bool:
    """Judge the device in other words than the gates do; `seen` is all that it has said so far."""
    now = seen[-1]
    said_ago = 0 if now.unused.at_ms is None else max(0, at - now.unused.at_ms)  # nobody says it of what lies ahead
    marks = [s.battery.percent for s in seen if s.battery.percent is not None and not 15 < s.battery.percent < 20]
    return (
        now.network.kind in NETWORKS[wish.network]
        and not (wish.battery_not_low and (now.battery.percent is None or marks[-1:] in ([10], [15])))
        and (not wish.requires_charging or now.charging.value is Tri.YES)
        and not (wish.device_idle and now.idle.value is Tri.NO)
        and not (wish.storage_not_low and now.storage_low.value is Tri.YES)
        and not (wish.cpu_below and now.load.percent == 50)
        and not (wish.unused_for and now.unused.ms is not None and now.unused.ms + said_ago < 9_500)
        and not (wish.networks and now.network.name != "Home")
    )


NAMES = ("a", "b", "c")
LIMITS = {"a": 1, "b": 2, "c": None}


@st.composite
def scenes(draw: st.DrawFn) -> tuple[SqliteStore, dict[str, Any], set[str]]:
    """Return a store, options for it, and the names that are paused."""
    specs = []
    for _ in range(draw(st.integers(1, 12))):
        name = draw(st.sampled_from(NAMES))
        limit = LIMITS[name]
        wish = a_wish(
            retry=RetryPolicy.exponential(max_attempts=3, initial_delay=2, jitter=draw(st.booleans())),
            constraints=draw(asked),
            limit=None if limit is None else ConcurrencyControl(limit, key=name),
        )
        due = START + draw(st.integers(0, 30)) * 500
        queue = draw(st.sampled_from(["high", "default", "low"]))
        specs.append(a_spec(name, wish=wish, due_at=due, queue=queue, priority=draw(st.integers(-5, 5))))
    store = a_store(*specs)
    paused = draw(st.sets(st.sampled_from(NAMES), max_size=1))
    for name in paused:
        pause(store, name)
    times = sorted(draw(st.sets(st.integers(0, 80), max_size=6)))
    script = tuple(DeviceChange(START + at * 500, draw(said)) for at in times)
    options = {
        "device": script,
        "durations": {name: draw(st.integers(1, 9000)) for name in NAMES},
        "failures": {name: draw(st.integers(0, 3)) for name in NAMES},
        "slots": draw(st.integers(1, 4)),
        "for_ms": draw(st.sampled_from([20_000, HOUR])),
        "seed": draw(st.integers(0, 9)),
    }
    return store, options, paused


@settings(max_examples=60)
@given(scenes())
def test_no_task_runs_while_its_gates_are_closed(scene: tuple[SqliteStore, dict[str, Any], set[str]]) -> None:
    store, options, paused = scene
    timeline = play(store, **options)
    tasks = {task.id: task for task in everything(store)}
    runs = [(row, run) for row in timeline.rows for run in row.runs]
    for row, run in runs:
        now, wish = run.started_at, tasks[row.task_id].wish
        assert run.planned_at <= now < timeline.until_at
        assert row.name not in paused
        seen = [s.state for s in timeline.device if s.from_at <= now]
        assert may_start(wish.constraints, seen, now)
        beside = [
            r for r, other in runs if other.started_at <= now and (other.ended_at is None or other.ended_at > now)
        ]
        assert len(beside) <= options["slots"]
        limit = LIMITS[row.name]
        assert limit is None or sum(r.name == row.name for r in beside) <= limit
        assert sum(run.held.values()) == run.delay_ms
    told = [row.task_id for row in timeline.rows] + [row.task_id for row in timeline.never]
    assert sorted(told) == sorted(tasks)
    assert json.dumps(play(store, **options).to_json()) == json.dumps(timeline.to_json())


# Two motors, one engine.


def test_a_live_run_under_a_scripted_device_starts_tasks_in_the_same_order(tmp_path: Path) -> None:
    plugged_after = 4
    started: list[str] = []
    flow = TaskFlow(store=tmp_path / "bgo.db")
    charged = TaskConstraints(requires_charging=True)
    with flow:
        for number in range(12):
            flow.enqueue(
                "echo",
                {"n": number},
                as_=f"name{number % 3}",
                queue=("low", "default", "high", "critical")[number % 4],
                priority=(number * 5) % 7,
                **({"constraints": charged} if number % 3 == 1 else {}),
            )
        begin = flow.clock.now_ms() + 60_000
        script = (
            DeviceChange(begin, DeviceState(charging=NO)),
            DeviceChange(begin + plugged_after * 1000, DeviceState(charging=YES)),
        )
        foreseen = flow.simulate(SimOptions(begin, slots=1, device=script))

        def sense() -> DeviceState:
            return DeviceState(charging=YES if len(started) >= plugged_after else NO)

        setting = bench(flow.settings, sense, flow.catalogue)
        Worker(setting, RunOptions(slots=1), lambda e: started.append(e.task.id) if e.type == "started" else None).run()
    assert len(started) == 12
    assert [row.task_id for row in foreseen.rows] == started


def test_it_jumps_to_the_opening_of_a_window() -> None:
    day = 24 * HOUR
    wishes = [in_hours("15:07-15:08"), in_hours("15:00-15:06"), in_hours("22:00-06:00@1")]
    store = a_store(*(a_spec(f"w{n}", wish=wish) for n, wish in enumerate(wishes)))
    found = play(store)
    first = 20_000
    assert starts(found) == [first, day - 400_000, day + 7 * HOUR - 400_000]
    assert [row.runs[0].held for row in found.rows] == [{"window": at} for at in starts(found)]
    assert play(store, for_ms=HOUR).never[0].holds[0].gate is Gate.WINDOW


def test_a_play_goes_on_from_what_the_store_remembers_of_the_battery() -> None:
    store = a_store(a_spec(wish=a_wish(constraints=TaskConstraints(battery_not_low=True))))
    between = DeviceState(battery=Level(17, "a sensor"))
    assert starts(play(store, device=between)) == [0]
    with store.write() as session:
        platform.remember(
            session, platform.view(session, HOST, DeviceState(battery=Level(9, "a sensor")), 0), platform.InStore()
        )
    before = contents(store)
    (never,) = play(store, device=between).never
    assert [(h.gate, h.current) for h in never.holds] == [(Gate.BATTERY, "17 %, low until 20 % (a sensor)")]
    assert contents(store) == before


def test_a_worker_remembers_for_the_next_one_that_the_battery_was_low(tmp_path: Path) -> None:
    """As cron starts them: each worker is a new one, and what the level was is kept in the store."""
    flow = TaskFlow(store=tmp_path / "bgo.db")
    wish = TaskConstraints(battery_not_low=True)
    with flow:
        flow.enqueue("echo", constraints=wish)
        for level, held in ((12, 1), (18, 1), (20, 0), (18, 0)):
            state = DeviceState(battery=Level(level, "a sensor"))
            report = Worker(bench(flow.settings, lambda state=state: state, flow.catalogue), RunOptions(), None).run()
            assert report.held == ({"battery": held} if held else {}), level
            if not held:
                flow.enqueue("echo", constraints=wish)


def test_schedules_begin_with_a_start_that_lies_ahead() -> None:
    timed = Timed()
    timed.every(HOUR, key="hourly", max_runs=5, jitter=HOUR // 2)
    timed.every(HOUR, key="over", end=BEGIN + 24 * HOUR)
    timed.every(HOUR, key="later", start=BEGIN + 100 * 24 * HOUR)
    timed.reboot_schedule(key="boot")
    begin = BEGIN + 60 * 24 * HOUR
    found = {row.key: row for row in play(timed.store, start_ms=begin, is_ahead=True, for_ms=4 * HOUR - 1).schedules}
    assert found["hourly"].counts == Counters(fired=4)
    assert (found["over"].counts, found["over"].ended) == (Counters(), "finished: no occurrence is left")
    assert (found["later"].counts, found["later"].ended, found["boot"].ended) == (Counters(), "", "")
    late = {row.key: row for row in play(timed.store, start_ms=begin, for_ms=4 * HOUR - 1).schedules}
    assert late["hourly"].counts.coalesced > 1_000, "what is due now stays due"

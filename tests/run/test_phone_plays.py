"""Plays under a phone's rules, told again from what they show: each start must have been allowed by all that had
happened until then, whatever way the simulator came there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bgo.devices.profiles import profile
from bgo.engine import enqueue
from bgo.model.device import DeviceChange, DeviceState, View
from bgo.model.lane import PLAIN, Gate, ViewKey
from bgo.model.options import NetworkConstraint, RetryPolicy, TaskConstraints, TaskTimeout
from bgo.model.platform import MET, DeviceSaid, Event, PlatformState, RunBegan, RunOver
from bgo.model.profile import Profile
from bgo.model.task import TaskSpec
from bgo.policy import battery, gates, platform
from bgo.policy.gates import Offer
from bgo.run.simulator import SimOptions, Timeline, simulate
from bgo.store.sqlite import SqliteStore
from tests.build import START, a_device, a_spec, a_wish

MINUTE, HOUR = 60_000, 3_600_000
PROFILES = {name: profile(name) for name in ("android", "android-14", "samsung", "ios")}
ASKED = (
    TaskConstraints(),
    TaskConstraints(network=NetworkConstraint.UNMETERED),
    TaskConstraints(network=NetworkConstraint.CONNECTED, battery_not_low=True),
    TaskConstraints(requires_charging=True),
    TaskConstraints(device_idle=True),
)
words = st.fixed_dictionaries(
    {
        "charging": st.sampled_from(["yes", "no"]),
        "battery": st.sampled_from(["10", "16", "60"]),
        "network": st.sampled_from(["none", "metered", "unmetered"]),
        "screen": st.sampled_from(["on", "off"]),
        "app": st.sampled_from(["foreground", "background", "background", "force-quit"]),
        "motion": st.sampled_from(["yes", "no"]),
        "low_power": st.sampled_from(["yes", "no", "no"]),
    }
)


class Scene(NamedTuple):
    profile: Profile
    specs: list[TaskSpec]
    options: dict[str, Any]


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    specs = []
    for number in range(draw(st.integers(1, 8))):
        wish = a_wish(
            timeout=TaskTimeout.NONE,
            constraints=draw(st.sampled_from(ASKED)),
            retry=draw(st.sampled_from([RetryPolicy.NONE, RetryPolicy.linear(max_attempts=3, delay=30)])),
        )
        specs.append(a_spec(f"w{number % 3}", wish=wish, due_at=START + draw(st.integers(0, 60)) * 10 * MINUTE))
    times = [0, *sorted(draw(st.sets(st.integers(1, 140), max_size=6)))]
    said = [a_device(" ".join(f"{k}={v}" for k, v in draw(words).items())) for _ in times]
    script = tuple(DeviceChange(START + at * 10 * MINUTE, state) for at, state in zip(times, said, strict=True))
    lengths = st.sampled_from([5_000, 2 * MINUTE, 9 * MINUTE, 40 * MINUTE])
    options = {
        "device": script,
        "durations": {f"w{n}": draw(lengths) for n in range(3)},
        "failures": {f"w{n}": draw(st.integers(0, 1)) for n in range(3)},
        "seed": draw(st.integers(0, 9)),
        "for_ms": 24 * HOUR,
    }
    return Scene(PROFILES[draw(st.sampled_from(sorted(PROFILES)))], specs, options)


def play(scene: Scene) -> Timeline:
    store = SqliteStore(None)
    with store.write() as session:
        enqueue.enqueue(session, scene.specs, START)
    return simulate(store, None, 2, SimOptions(START, profile=scene.profile, **scene.options))


class Happened(NamedTuple):
    """What a timeline shows, in the order in which it came about: of one instant, the ends come first, then what the
    device says, then starts; what is stopped there ends last."""

    at: int
    turn: int
    event: Event
    wish: TaskConstraints | None = None


def happened(scene: Scene, timeline: Timeline) -> Iterator[Happened]:
    wishes = {spec.id: spec.wish.constraints for spec in scene.specs}
    for segment in timeline.device:
        yield Happened(segment.from_at, 1, DeviceSaid(segment.from_at, segment.state))
    for row in timeline.rows:
        asked = wishes[row.task_id]
        for run in row.runs:
            name = f"{row.task_id}.{run.run}"
            wants = asked.network is not NetworkConstraint.NONE
            yield Happened(run.started_at, 2, RunBegan(run.started_at, name, PLAIN, wants), asked)
            if run.ended_at is not None:
                yield Happened(run.ended_at, 3 if run.reason == "device" else 0, RunOver(run.ended_at, name))


def held(profile_: Profile, state: PlatformState, device: DeviceState, wish: TaskConstraints, now: int) -> list[str]:
    """Return what holds such work; whether it had company is no matter of what this shows."""
    seen = View(profile_, platform.as_judged(profile_, state, device, now), state)
    found = gates.view_holds(ViewKey("default", "w", wish), seen, Offer(), now)
    return [f"{hold.gate}: {hold.current}" for hold in found if hold.gate is not Gate.BATCHING]


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(scenes())
def test_each_start_was_allowed_by_what_had_happened(scene: Scene) -> None:
    timeline = play(scene)
    state = platform.begin(scene.profile, MET, START, scene.options["seed"])
    device, since = DeviceState(), START
    for at, _, event, wish in sorted(happened(scene, timeline), key=lambda each: each[:2]):
        assert at >= since
        since = at
        if isinstance(event, DeviceSaid):
            device = event.device
        elif isinstance(event, RunBegan):
            state = platform.fold(scene.profile, state, [DeviceSaid(at, device)], at)
            assert wish is not None
            assert held(scene.profile, state, device, wish, at) == []
        state = platform.fold(scene.profile, battery.step(state, device), [event], at)


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(scenes())
def test_the_same_scene_gives_the_same_play(scene: Scene) -> None:
    assert play(scene) == play(scene)


@pytest.mark.parametrize("name", ["android", "ios"])
def test_a_planted_bug_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody asks the platform, something starts that it would not have let start."""
    off = a_device("charging=no battery=60 network=unmetered screen=off app=background motion=no low_power=no")
    spec = a_spec("w0", wish=a_wish(timeout=TaskTimeout.NONE), due_at=START + 3 * HOUR)
    options = {"device": (DeviceChange(START, off),), "seed": 1, "for_ms": 24 * HOUR}
    scene = Scene(PROFILES[name], [spec], {**options, "durations": {}, "failures": {}})
    check = test_each_start_was_allowed_by_what_had_happened.hypothesis.inner_test  # type: ignore[attr-defined]
    check(scene)
    with monkeypatch.context() as patch:
        patch.setattr(platform, "holds", lambda *_: iter(()))
        timeline = play(scene)
    assert timeline.rows[0].started_at == START + 3 * HOUR
    monkeypatch.setitem(globals(), "play", lambda _: timeline)
    with pytest.raises(AssertionError):
        check(scene)

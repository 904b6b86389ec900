"""Gates in a drain: they hold as they would live, and the report says which."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

import bgo
from bgo.engine.spec import Request
from bgo.errors import NotFoundError, UsageError
from bgo.testing import ManualClock, ScriptedDevice, drain
from tests.testing import shop


def test_held_tasks_say_what_holds_them(flow: bgo.TaskFlow, bgo_device: ScriptedDevice) -> None:
    shop.heavy.enqueue()
    report = drain(flow)
    (held,) = report.held
    assert (held.name, held.gates, len(report)) == ("heavy", ("charging",), 0)
    assert "held by charging: unknown (bgo_device); needs yes" in repr(report)
    bgo_device.set(charging=False)
    assert "held by charging: no (bgo_device)" in str(drain(flow).held[0])
    bgo_device.set(charging=True)
    assert drain(flow).check()[0].state == "succeeded"


def test_until_empty_follows_the_devices_script(
    flow: bgo.TaskFlow, bgo_device: ScriptedDevice, bgo_clock: ManualClock
) -> None:
    began = bgo_clock.now
    bgo_device.play("at +2h charging=no\nat +5h charging=yes\n")
    shop.heavy.enqueue()
    assert drain(flow).held
    assert drain(flow, until_empty=True).check()
    assert bgo_clock.now - began == timedelta(hours=5)
    bgo_device.play("at +7d charging=no")
    shop.greet.enqueue(user="ann")
    assert drain(flow, until_empty=True).check()
    assert bgo_clock.now - began == timedelta(hours=5), "nothing waits for the device any more"


def test_a_window_holds_and_until_empty_waits_for_it(flow: bgo.TaskFlow, bgo_clock: ManualClock) -> None:
    later = bgo_clock.now + timedelta(hours=5)
    window = bgo.TimeWindow(later.hour, (later.hour + 1) % 24)
    flow.enqueue("slow", window=window, tz="UTC")
    (held,) = drain(flow).held
    assert held.gates == ("window",)
    assert len(drain(flow, until_empty=True).check()) == 1
    assert (bgo_clock.now.hour, bgo_clock.now.minute) == (later.hour, 0)


def test_pauses_and_queues_hold(flow: bgo.TaskFlow) -> None:
    shop.greet.enqueue(user="ann")
    flow.enqueue("slow", queue="high")
    flow.pause(name="greet")
    report = drain(flow)
    assert [run.name for run in report] == ["slow"]
    assert report.held[0].gates == ("paused",)
    flow.resume(name="greet")
    other = drain(flow, queues="high")
    with pytest.raises(NotFoundError, match="hihg"):
        drain(flow, queues=["hihg"])
    assert (len(other), other.held[0].gates) == (0, ("queue",))
    assert len(drain(flow, queues=["default"])) == 1


def test_a_full_concurrency_key_holds(flow: bgo.TaskFlow) -> None:
    shop.alone.enqueue()
    shop.alone.enqueue()
    shop.greet.enqueue(user="ann")
    first, second = drain(flow).check().of("alone")
    assert first.output["ran"] == 1
    assert "held by concurrency: 1 running; needs fewer than 1 under alone" in first.output["held"][0]
    assert second.output == {"held": [], "ran": 0}


def test_rates_hold_until_the_clock_has_moved(flow: bgo.TaskFlow, bgo_clock: ManualClock) -> None:
    for _ in range(5):
        spec = flow.spec_of(Request("slow"))
        flow.submit(replace(spec, wish=replace(spec.wish, rate=bgo.RateLimit(2, 60))))
    report = drain(flow)
    assert (len(report), [task.gates for task in report.held]) == (2, [("rate",)] * 3)
    bgo_clock.advance(60)
    assert len(drain(flow)) == 0
    bgo_clock.advance(0.001)
    assert len(drain(flow)) == 2
    before = bgo_clock.now
    assert len(drain(flow, until_empty=True).check()) == 1
    assert bgo_clock.now - before == timedelta(seconds=60.001)


def test_what_expires_is_not_waited_for(flow: bgo.TaskFlow, bgo_clock: ManualClock) -> None:
    spec = flow.spec_of(Request("heavy"))
    flow.submit(replace(spec, wish=replace(spec.wish, start_before=bgo_clock.now_ms() + 60_000)))
    assert drain(flow, until_empty=True).held
    bgo_clock.advance(61)
    assert drain(flow).check().runs == ()
    assert [task.task.reason for task in flow.tasks()] == ["expired"]


def test_tasks_that_wait_for_others_run_after_them(flow: bgo.TaskFlow) -> None:
    first = shop.shaky.enqueue()
    flow.submit(replace(flow.spec_of(Request("slow")), after=(first,)))
    report = drain(flow)
    assert report.held[0].gates == ("upstream",)
    assert first in str(report.held[0])
    assert [run.name for run in drain(flow, until_empty=True).check()] == ["shaky", "shaky", "slow"]


def test_a_handler_that_nobody_brings_is_held(flow: bgo.TaskFlow) -> None:
    flow.enqueue("missing", allow_unknown=True)
    assert drain(flow).held[0].gates == ("handler",)


def test_every_signal_holds_and_lifts_in_a_drain(flow: bgo.TaskFlow, bgo_device: ScriptedDevice) -> None:
    wish = bgo.TaskConstraints(bgo.NetworkConstraint.UNMETERED, True, True, True, True)
    shop.greet.enqueue(user="ann")
    flow.enqueue("greet", {"user": "bob"}, constraints=wish)
    bgo_device.set(network="metered", battery=12, charging=False, idle=False, storage_low=True)
    (held,) = drain(flow).held
    assert held.gates == ("network", "battery", "charging", "idle", "storage")
    assert repr(bgo_device) == "<device charging=no battery=12 network=metered idle=no storage_low=yes>"
    bgo_device.set(network="unmetered", wifi="Home", charging=True, idle=True, storage_low=False)
    bgo_device.set(battery=19)
    assert [held.gates for held in drain(flow).held] == [("battery",)], "it was low, and is so until 20 %"
    bgo_device.set(battery=20)
    assert drain(flow).check()


def test_signals_of_computers_and_phones_are_said_alike(flow: bgo.TaskFlow, bgo_device: ScriptedDevice) -> None:
    calm = bgo.TaskConstraints(cpu_below=50, unused_for=timedelta(minutes=10), on_network="Home")
    flow.enqueue("slow", constraints=calm)
    bgo_device.set(load=80, unused="no", network="unmetered", wifi="Cafe")
    assert drain(flow).held[0].gates == ("load", "unused", "named_network")
    bgo_device.set(load=20, unused="10m", wifi="Home", app="background", lock="locked", low_power=True, bucket="rare")
    told = "load=20 unused=600s app=background lock=locked low_power=yes bucket=rare"
    assert repr(bgo_device) == f"<device charging=unknown network=unmetered {told}>"
    assert len(drain(flow).check()) == 1


def test_a_script_may_play_every_signal(flow: bgo.TaskFlow, bgo_device: ScriptedDevice, bgo_clock: ManualClock) -> None:
    began = bgo_clock.now
    bgo_device.set(idle=True)
    bgo_device.play("at +1h network=metered battery=50\nat +3h network=unmetered wifi=Home\nat +4h network=none\n")
    flow.enqueue("greet", {"user": "ann"}, constraints=bgo.TaskConstraints(bgo.NetworkConstraint.UNMETERED, True))
    assert drain(flow, until_empty=True).check()
    assert bgo_clock.now - began == timedelta(hours=3)
    assert bgo_device.state.idle.value == "yes", "what a script never mentions stays as it was set"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"battery": 120}, "not a reading"),
        ({"battery": True}, "no reading"),
        ({"network": "wifi"}, "not a reading"),
        ({"idle": 1}, "no reading"),
    ],
)
def test_what_is_no_reading_is_refused(bgo_device: ScriptedDevice, words: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        bgo_device.set(**words)  # type: ignore[arg-type]

"""Isolation: a flow stands on ground of its own, and goes back to where it was."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import bgo
from bgo.errors import ConfigError, NotFoundError, UsageError
from bgo.testing import ManualClock, ScriptedDevice, drain, enqueued, isolated
from tests.testing import shop


def test_everything_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BGO_SLOTS", "3")
    _ = shop.flow._rng  # it is made at its first use, and stays
    before, env = dict(vars(shop.flow)), dict(os.environ)
    with isolated(shop.flow) as test:
        shop.greet.enqueue(user="ann")
        assert shop.flow.settings.store_path == test.home / "bgo.db"
        assert (test.flow, shop.flow.clock) == (shop.flow, test.clock)
        assert os.environ["BGO_HOME"] == str(test.home)
        assert "BGO_SLOTS" not in os.environ
        assert shop.flow.settings.slots == 4
        assert len(drain(shop.flow)) == 1
    assert (dict(vars(shop.flow)), dict(os.environ)) == (before, env)
    assert not test.home.exists()
    assert not Path(before["settings"].store_path).exists()


def test_each_time_is_a_fresh_start_and_nesting_goes_back_step_by_step() -> None:
    with isolated(shop.flow) as outer:
        shop.greet.enqueue(user="ann")
        with isolated(shop.flow) as inner:
            assert enqueued(shop.flow) == []
            inner.device.set(charging=True)
            shop.heavy.enqueue()
            assert drain(shop.flow).check()
        assert len(enqueued(shop.flow)) == 1
        shop.heavy.enqueue()
        assert drain(shop.flow).held
        assert shop.flow.clock is outer.clock


def test_a_flow_survives_being_closed(flow: bgo.TaskFlow) -> None:
    with flow:
        shop.greet.enqueue(user="ann")
    assert len(enqueued(flow)) == 1


def test_no_configuration_but_the_tests_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, yours = tmp_path / "mine.toml", tmp_path / "yours.toml"
    mine.write_text("[queues]\nmail = { weight = 5 }\n")
    yours.write_text("no = toml =\n")
    monkeypatch.setenv("BGO_CONFIG", str(yours))
    with isolated(shop.flow, config=mine):
        flow = bgo.TaskFlow()
        shop.flow.enqueue("slow", queue="mail")
        assert flow.settings.store_path == shop.flow.settings.store_path
        assert len(drain(shop.flow)) == 1
    with isolated(shop.flow), pytest.raises(NotFoundError, match="mail"):
        shop.flow.enqueue("slow", queue="mail")
    with pytest.raises(ConfigError):
        bgo.TaskFlow()


def test_what_is_shown_is_judged_by_the_tests_device_and_clock(
    flow: bgo.TaskFlow, bgo_device: ScriptedDevice, bgo_clock: ManualClock
) -> None:
    task_id = shop.heavy.enqueue()
    assert [hold.gate for hold in flow.get(task_id).holds] == ["charging"]
    bgo_device.set(charging=True)
    assert flow.get(task_id).holds == ()
    bgo_clock.advance(60)
    assert flow.explain(task_id).verdict == "would start now"
    assert enqueued(flow)[0].task.due_at == bgo_clock.now_ms() - 60_000


def test_a_flow_of_the_test_itself(bgo_flow: bgo.TaskFlow, bgo_home: Path) -> None:
    bgo_flow.register_handler("greet", shop.greet)
    bgo_flow.enqueue("greet", {"user": "ann"})
    assert drain(bgo_flow).check()[0].output == {"greeted": ["ann"]}
    assert (bgo_home / "bgo.db").exists()


def test_the_clock() -> None:
    start = datetime(2026, 3, 1, 12, tzinfo=UTC)
    clock = ManualClock(start)
    clock.advance(90)
    clock.advance(timedelta(minutes=1))
    assert clock.now == start + timedelta(seconds=150)
    clock.travel_to(start + timedelta(days=1))
    assert (clock.now, clock.boot_ms() - clock.awake_ms()) == (
        start + timedelta(days=1),
        ManualClock().boot_ms() - ManualClock().awake_ms(),
    )
    with pytest.raises(UsageError, match="is past"):
        clock.travel_to(start)


def test_a_wait_that_cannot_end_says_so(flow: bgo.TaskFlow) -> None:
    task_id = shop.greet.enqueue(user="ann")
    with pytest.raises(AssertionError, match="waits for ever"):
        flow.wait(task_id)


def test_the_device() -> None:
    clock = ManualClock()
    device = ScriptedDevice(clock, charging=True)
    assert (device.state.charging.value, device.next_change) == ("yes", None)
    device.play("at +1h charging=no")
    assert device.state.charging.value == "yes"
    assert device.next_change == clock.now_ms() + 3_600_000
    clock.advance(3600)
    assert (device.state.charging.value, device.next_change) == ("no", None)
    device.set(charging=None)
    with pytest.raises(UsageError, match="another clock"), isolated(shop.flow, clock=ManualClock(), device=device):
        pass
    with isolated(shop.flow, device=device) as test:
        assert test.clock is clock
    assert repr(device) == "<device charging=unknown>"
    with pytest.raises(UsageError, match="no reading"):
        device.set(charging="yes")  # type: ignore[arg-type]

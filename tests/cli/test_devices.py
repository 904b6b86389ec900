"""`bgo devices`: what the device says, what may be said of it, and a record of its day."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bgo.clock import SystemClock
from bgo.devices.readings import EXAMPLES, MEANS, SIGNALS
from bgo.devices.sensors import Taken
from bgo.devices.signals import said
from bgo.devices.traces import built_in, parse_trace
from bgo.model.device import DeviceState
from tests.cli.conftest import Bgo, environment


class Sensors:
    """Sensors that say one thing after the other, and a clock that is as patient."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *days: dict[str, str]) -> None:
        self.days, self.looks, self.slept = [said(words, "a sensor") for words in days], 0, 0
        monkeypatch.setattr("bgo.devices.sensors.Survey.take", self._take)
        self._start = SystemClock().now_ms()
        monkeypatch.setattr("bgo.clock.SystemClock.sleep_ms", self._sleep)
        monkeypatch.setattr("bgo.clock.SystemClock.now_ms", lambda _: self._start + self.slept)
        monkeypatch.setattr("bgo.clock.SystemClock.awake_ms", lambda _: self.slept)

    def _take(self, *_: object) -> Taken:
        state: DeviceState = self.days[min(self.looks, len(self.days) - 1)]
        self.looks += 1
        return Taken(state, {"charging": 3}, 0)

    def _sleep(self, ms: int) -> None:
        self.slept += ms
        if self.looks >= len(self.days):
            raise KeyboardInterrupt


def test_each_signal_with_its_source(bgo: Bgo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "bgo.devices.sensors.Survey.take", lambda *_: Taken(said({"charging": "no"}, "a sensor"), {"charging": 3}, 0)
    )
    rows = {row["name"]: row for row in bgo("devices", "--battery", "12", "--signal", "app=swiped", "--json").json}
    assert {key: rows["battery"][key] for key in ("value", "source")} == {"value": "12 %", "source": "--battery"}
    assert (rows["app"]["value"], rows["app"]["source"]) == ("swiped", "--signal app")
    assert rows["idle"]["value"] == "unknown"
    assert "bucket" not in rows, "nobody says anything of a phone"
    text = bgo("devices", "show", "--device", "commuter").text
    assert "trace commuter:" in text
    assert "motion" in text


def test_all_that_may_be_said(bgo: Bgo) -> None:
    assert list(SIGNALS) == list(EXAMPLES) == list(MEANS)
    assert [row["name"] for row in bgo("devices", "signals", "--json").json] == list(SIGNALS)
    assert "before-first-unlock" in bgo("devices", "signals").text
    assert bgo("devices", "days", "-q").lines == list(built_in())
    for row in bgo("devices", "days", "--json").json:
        assert row["summary"].endswith(".")


@pytest.mark.parametrize("name", ["day.txt", "day.csv", "day.toml"])
def test_a_record_of_what_changes_until_ctrl_c(
    bgo: Bgo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    days = [
        {"charging": "no", "battery": "50"},
        {"charging": "no", "battery": "50"},
        {"charging": "yes", "battery": "51"},
    ]
    Sensors(monkeypatch, *days)
    path = tmp_path / name
    done = bgo("devices", "record", "--every", "1m", "-o", str(path))
    assert (done.code, done.out) == (0, "")
    assert f"2 lines in {path}: bgo simulate --device {path}" in done.err
    changes = parse_trace(path.read_text(), name, 0)
    assert [(c.at_ms, c.state.charging.value, c.state.battery.percent) for c in changes] == [
        (0, "no", 50), (120_000, "yes", 51),
    ]  # fmt: skip
    again = bgo("devices", "record", "-o", str(path))
    assert (again.code, again.error[0]) == (2, f"error: {path} is there already")


def test_a_record_ends_when_its_time_is_over(bgo: Bgo, monkeypatch: pytest.MonkeyPatch) -> None:
    sensors = Sensors(monkeypatch, *[{"battery": str(n)} for n in range(50)])
    done = bgo("devices", "record", "--every", "10s", "--for", "35s")
    assert done.lines[1:] == ["at +0s battery=0", "at +10s battery=1", "at +20s battery=2", "at +30s battery=3"]
    assert sensors.slept == 30_000
    assert bgo("devices", "record", "--every", "1s").error[0] == "error: --every is too short"
    assert bgo("devices", "record", "-o", "/nowhere/x.toml").error[0] == "error: cannot write /nowhere/x.toml"


def test_a_record_is_of_what_was_sensed_whatever_the_profile_says(bgo: Bgo, monkeypatch: pytest.MonkeyPatch) -> None:
    Sensors(monkeypatch, {"battery": "50", "screen": "off"})
    done = bgo("--profile", "android", "devices", "record", "--every", "10s", "--for", "5s")
    assert done.lines[1:] == ["at +0s battery=50 screen=off"]


def test_ctrl_c_ends_a_real_one_well(tmp_path: Path) -> None:
    path = tmp_path / "day.toml"
    words = [sys.executable, "-m", "bgo", "devices", "record", "-o", str(path)]
    env = environment(BGO_HOME=str(tmp_path / "home"), BGO_DEVICE="charging=no battery=12", BGO_BUSCTL="/nowhere")
    recorder = subprocess.Popen(words, env=env, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    clock = SystemClock()
    until = clock.awake_ms() + 30_000
    while not (path.exists() and "battery" in path.read_text()) and clock.awake_ms() < until:
        clock.sleep_ms(20)
    os.kill(recorder.pid, signal.SIGINT)
    _, told = recorder.communicate(timeout=30)
    assert (recorder.returncode, "1 line in" in told) == (0, True), told
    (change,) = parse_trace(path.read_text(), "day.toml", 0)
    assert (change.state.charging.value, change.state.battery.percent) == ("no", 12)


def test_what_is_switched_is_on_or_off_as_scripts_have_it(bgo: Bgo, tmp_path: Path) -> None:
    script = tmp_path / "phone.txt"
    script.write_text("at +0h charging=no screen=off low_power=on refresh=off\n")
    told = {
        words[0]: words[1] for line in bgo("devices", "show", "--device", str(script)).lines if (words := line.split())
    }
    switched = {"charging": "no", "screen": "off", "low_power": "on", "refresh": "off"}
    assert {name: told[name] for name in switched} == switched
    rows = {row["name"]: row["value"] for row in bgo("devices", "show", "--device", str(script), "--json").json}
    assert (rows["screen"], rows["low_power"]) == ("no", "yes")
    bgo("enqueue", "echo")
    played = bgo("simulate", "--device", str(script), "--for", "1h").text
    assert "screen off" in played
    assert "low power on" in played

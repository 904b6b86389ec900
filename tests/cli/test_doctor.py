"""`bgo doctor` shows what each sensor says, with its source and what it took; the unknown is a note, not a fault."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bgo.cli import app
from tests.devices.stubs import maker


def sensors(capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[str, str]]:
    """Return state and words by sensor."""
    assert app.main(["doctor", "--json"]) == 0
    checks = [check for check in json.loads(capsys.readouterr().out) if check["what"] == "sensors"]
    return {check["found"].partition(":")[0]: (check["state"], check["found"].partition(": ")[2]) for check in checks}


def test_each_value_with_its_source_its_latency_and_its_age(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    supply = tmp_path / "class/power_supply/BAT0"
    supply.mkdir(parents=True)
    for name, text in (("type", "Battery"), ("status", "Discharging"), ("capacity", "12")):
        (supply / name).write_text(text)
    for name in ("SYSFS", "PROC", "DEV"):
        monkeypatch.setenv(f"BGO_{name}_ROOT", str(tmp_path))
    monkeypatch.setenv("BGO_BUSCTL", "/nowhere")
    found = sensors(capsys)
    computers = ["charging", "battery", "battery_low", "network", "idle", "storage_low", "screen", "load", "unused"]
    assert list(found) == computers
    assert all(
        re.search(r"; took \d+ ms, \d+ ms ago\)$", words)
        for name, (_, words) in found.items()
        if name not in {"load", "unused"}
    )
    assert found["charging"][1].startswith("no (sysfs BAT0 Discharging; took ")
    assert found["battery"][1].startswith("12 % (sysfs BAT0 capacity; took ")
    assert found["network"][0] == "note"
    assert "/net/route: No such file or directory" in found["network"][1]
    assert found["idle"][1].startswith("unknown (/nowhere is not here; no terminal either (headless); took ")


def test_a_phone_instead_of_this_computer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = maker(tmp_path / "bin", monkeypatch)
    stub("adb", "  AC powered: false\n  USB powered: false\n  level: 41\n  scale: 100\n")
    monkeypatch.setenv("BGO_SENSORS", "adb:PHONE1")
    found = sensors(capsys)
    assert found["charging"][1].startswith("no (adb: not plugged in; took ")
    assert found["battery"][1].startswith("41 % (adb: dumpsys battery; took ")
    assert found["screen"] == ("note", found["screen"][1])
    assert set((tmp_path / "bin/adb.asked").read_text().split("\n")) >= {"-s PHONE1 shell dumpsys battery"}


def test_a_name_with_a_bell_in_it_does_not_ring(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = maker(tmp_path / "bin", monkeypatch)
    line = 'Active default network: 1\nnetwork{1} Capabilities: INTERNET SSID: "\x1b[31m\x07evil"\n'
    stub("adb", line)
    monkeypatch.setenv("BGO_SENSORS", "adb")
    assert app.main(["doctor"]) == 0
    told = capsys.readouterr().out
    assert "evil" in told
    assert "\x1b[31m" not in told
    assert "\x07" not in told


def test_the_profile_in_force_is_told_and_a_broken_one_is_a_fault(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def told() -> tuple[str, str]:
        app.main(["doctor", "--json"])
        checks = json.loads(capsys.readouterr().out)
        return next((check["state"], check["found"]) for check in checks if check["what"] == "profile")

    assert told() == ("ok", "host (default)")
    monkeypatch.setenv("BGO_PROFILE", "samsung")
    assert told()[1].startswith("samsung (BGO_PROFILE): ")
    monkeypatch.setenv("BGO_PROFILE", "nobody")
    assert told()[0] == "fault"

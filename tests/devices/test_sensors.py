"""Charging, read from a made-up sysfs tree and from recorded pmset output."""

from __future__ import annotations

from pathlib import Path

import pytest

from bgo.devices import sensors
from bgo.devices.sensors import FACT, charging, linux_charging, mac_charging, sense
from bgo.model.device import Tri


def supply(root: Path, name: str, **files: str) -> None:
    place = root / "class/power_supply" / name
    place.mkdir(parents=True)
    for key, value in files.items():
        (place / key).write_text(value + "\n")


def read(root: Path) -> tuple[Tri, str]:
    found = linux_charging(str(root))
    return found.value, found.source


@pytest.mark.parametrize(
    ("status", "value"),
    [
        ("Charging", Tri.YES),
        ("Full", Tri.YES),
        ("Discharging", Tri.NO),
        ("Not charging", Tri.UNKNOWN),
        ("", Tri.UNKNOWN),
    ],
)
def test_a_battery_alone(tmp_path: Path, status: str, value: Tri) -> None:
    supply(tmp_path, "BAT0", type="Battery", status=status)
    assert read(tmp_path) == (value, f"sysfs BAT0 {status or 'unreadable'}")


def test_outside_power_wins_over_the_battery(tmp_path: Path) -> None:
    supply(tmp_path, "AC", type="Mains", online="1")
    supply(tmp_path, "BAT0", type="Battery", status="Discharging")
    assert read(tmp_path) == (Tri.YES, "sysfs AC online")


def test_unplugged(tmp_path: Path) -> None:
    supply(tmp_path, "AC", type="Mains", online="0")
    supply(tmp_path, "BAT0", type="Battery", status="Discharging")
    assert read(tmp_path) == (Tri.NO, "sysfs BAT0 Discharging")


def test_one_of_two_batteries_empties(tmp_path: Path) -> None:
    supply(tmp_path, "BAT0", type="Battery", status="Full")
    supply(tmp_path, "BAT1", type="Battery", status="Discharging")
    assert read(tmp_path) == (Tri.NO, "sysfs BAT1 Discharging")


def test_no_battery_is_a_fact(tmp_path: Path) -> None:
    (tmp_path / "class/power_supply").mkdir(parents=True)
    assert read(tmp_path) == (Tri.YES, FACT)


def test_the_battery_of_a_mouse_or_an_empty_bay_does_not_count(tmp_path: Path) -> None:
    supply(tmp_path, "hidpp", type="Battery", scope="Device", status="Discharging")
    supply(tmp_path, "BAT1", type="Battery", present="0", status="Discharging")
    assert read(tmp_path) == (Tri.YES, FACT)


def test_a_kernel_without_power_supplies(tmp_path: Path) -> None:
    (tmp_path / "class").mkdir()
    assert read(tmp_path) == (Tri.YES, FACT)


def test_no_sysfs_at_all_is_unknown(tmp_path: Path) -> None:
    value, source = read(tmp_path / "none")
    assert value is Tri.UNKNOWN
    assert "No such file" in source


def test_the_root_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    supply(tmp_path, "BAT0", type="Battery", status="Discharging")
    monkeypatch.setenv("BGO_SYSFS_ROOT", str(tmp_path))
    assert charging("linux").value is Tri.NO
    monkeypatch.setattr(sensors.sys, "platform", "linux")
    assert sense().charging == charging("linux")


AC = "Now drawing from 'AC Power'\n -InternalBattery-0 (id=1)\t100%; charged; 0:00 remaining present: true\n"
BATTERY = (
    "Now drawing from 'Battery Power'\n -InternalBattery-0 (id=1)\t81%; discharging; 5:01 remaining present: true\n"
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (AC, Tri.YES),
        (BATTERY, Tri.NO),
        ("Now drawing from 'AC Power'\n", Tri.YES),
        ("-InternalBattery-0\n", Tri.UNKNOWN),
        (None, Tri.UNKNOWN),
    ],
)
def test_macos(text: str | None, value: Tri) -> None:
    assert mac_charging(lambda: text).value is value


def test_pmset_that_is_missing_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert charging("darwin").value is Tri.UNKNOWN


def test_other_platforms_are_unknown() -> None:
    found = charging("plan9")
    assert (found.value, found.source) == (Tri.UNKNOWN, "no sensor for plan9")

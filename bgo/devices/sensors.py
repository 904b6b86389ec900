"""What this computer's sensors say: is it charging? Each reading names its source; what cannot be read is unknown.

A machine without a battery charges: that is a fact, not a guess. Linux reads /sys/class/power_supply (another root
with BGO_SYSFS_ROOT), macOS asks pmset.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from bgo.model.device import DeviceState, Reading, Tri

SYSFS_ROOT = "/sys"
FACT = "no battery (fact)"
_MAINS = frozenset({"Mains", "USB", "USB_C", "USB_PD", "USB_PD_DRP", "Wireless"})
_STATUS = {"Charging": Tri.YES, "Full": Tri.YES, "Discharging": Tri.NO}


def sense() -> DeviceState:
    """Return the device's state as the sensors give it now."""
    return DeviceState(charging=charging())


def charging(platform: str = sys.platform) -> Reading:
    """Return whether the computer runs on outside power."""
    if platform.startswith("linux"):
        return linux_charging(os.environ.get("BGO_SYSFS_ROOT") or SYSFS_ROOT)
    if platform == "darwin":
        return mac_charging(_pmset)
    return Reading(Tri.UNKNOWN, f"no sensor for {platform}")


def linux_charging(root: str) -> Reading:
    """Return the reading of a sysfs tree: outside power that is online, else what the batteries say.

    Batteries of peripherals (scope Device: a mouse, a headset) do not count.
    """
    folder = os.path.join(root, "class", "power_supply")
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        if isinstance(error, FileNotFoundError) and os.path.isdir(os.path.join(root, "class")):
            return Reading(Tri.YES, FACT)  # a kernel without the power-supply class has no battery to report
        return Reading(Tri.UNKNOWN, f"{folder}: {error.strerror}")
    statuses: list[tuple[str, str]] = []
    for name in names:
        place = os.path.join(folder, name)
        kind = _read(place, "type")
        if kind in _MAINS and _read(place, "online") == "1":
            return Reading(Tri.YES, f"sysfs {name} online")
        if kind == "Battery" and _read(place, "scope") != "Device" and _read(place, "present") != "0":
            statuses.append((name, _read(place, "status")))
    return _from_batteries(statuses)


def _from_batteries(statuses: list[tuple[str, str]]) -> Reading:
    if not statuses:
        return Reading(Tri.YES, FACT)
    told = [(_STATUS[status], name, status) for name, status in statuses if status in _STATUS]
    for wanted in (Tri.NO, Tri.YES):  # one battery that empties says more than another that is full
        for value, name, status in told:
            if value is wanted:
                return Reading(value, f"sysfs {name} {status}")
    name, status = statuses[0]
    return Reading(Tri.UNKNOWN, f"sysfs {name} {status or 'unreadable'}")


def _read(place: str, name: str) -> str:
    try:
        with open(os.path.join(place, name), encoding="utf-8", errors="replace") as file:
            return file.read(4096).strip()
    except OSError:
        return ""


def mac_charging(ask: Callable[[], str | None]) -> Reading:
    """Return what `pmset -g batt` says; `ask` returns its output, or None when it cannot be had."""
    text = ask()
    if text is None:
        return Reading(Tri.UNKNOWN, "pmset did not answer")
    if "InternalBattery" not in text:
        return Reading(Tri.YES, FACT)
    if "'AC Power'" in text:
        return Reading(Tri.YES, "pmset AC Power")
    if "'Battery Power'" in text:
        return Reading(Tri.NO, "pmset Battery Power")
    return Reading(Tri.UNKNOWN, "pmset says neither AC nor battery")


def _pmset() -> str | None:
    import subprocess

    try:
        done = subprocess.run(
            ["pmset", "-g", "batt"], capture_output=True, text=True, errors="replace", timeout=1, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None

"""Charger and battery as Linux has them in /sys/class/power_supply.

The files are described in https://www.kernel.org/doc/Documentation/ABI/testing/sysfs-class-power. A machine without a
battery charges and is never low: that is a fact, not a guess.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from bgo.devices.sensors.asking import Limit, brief, peek, whole_number
from bgo.model.device import DeviceState, Level, Reading, Tri

FACT = "no battery (fact)"
NO_BATTERY = DeviceState(charging=Reading(Tri.YES, FACT), battery=Level(None, FACT), battery_low=Reading(Tri.NO, FACT))
FROM_LEVEL = Reading(Tri.UNKNOWN, "follows from the level")
_MAINS = frozenset({"Mains", "USB", "USB_C", "USB_PD", "USB_PD_DRP", "Wireless"})
_STATUS = {"Charging": Tri.YES, "Full": Tri.YES, "Discharging": Tri.NO}
_LOW = {"Critical": Tri.YES, "Low": Tri.YES, "Normal": Tri.NO, "High": Tri.NO, "Full": Tri.NO}


class _Battery(NamedTuple):
    place: str
    name: str
    status: str


def sysfs(root: str, limit: Limit) -> DeviceState:
    """Return charging and battery of a sysfs tree: outside power that is online, else what the batteries say.

    Batteries of peripherals (scope Device: a mouse, a headset) do not count.
    """
    del limit  # the kernel answers at once, or the whole thread is left behind
    folder = os.path.join(root, "class", "power_supply")
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        if isinstance(error, FileNotFoundError) and os.path.isdir(os.path.join(root, "class")):
            return NO_BATTERY  # a kernel without the power-supply class has no battery to report
        return unknown_power(f"{folder}: {error.strerror}")
    online = ""
    batteries: list[_Battery] = []
    for name in names:
        place = os.path.join(folder, name)
        kind = peek(place, "type")
        if kind in _MAINS and peek(place, "online") == "1":
            online = online or name
        elif kind == "Battery" and peek(place, "scope") != "Device" and peek(place, "present") != "0":
            batteries.append(_Battery(place, name, brief(peek(place, "status"))))
    if not batteries:
        return NO_BATTERY
    charging = Reading(Tri.YES, f"sysfs {online} online") if online else _charging(batteries)
    level = _level(batteries)
    return DeviceState(charging=charging, battery=level, battery_low=_low(batteries, level))


def unknown_power(why: str) -> DeviceState:
    """Return that nothing is known of charger and battery."""
    return DeviceState(charging=Reading(source=why), battery=Level(source=why), battery_low=Reading(source=why))


def _charging(batteries: list[_Battery]) -> Reading:
    told = [(_STATUS[found.status], found) for found in batteries if found.status in _STATUS]
    for wanted in (Tri.NO, Tri.YES):  # one battery that empties says more than another that is full
        for value, found in told:
            if value is wanted:
                return Reading(value, f"sysfs {found.name} {found.status}")
    first = batteries[0]
    return Reading(Tri.UNKNOWN, f"sysfs {first.name} {first.status or 'unreadable'}")


def _level(batteries: list[_Battery]) -> Level:
    """Return how full all of them are together: by their energy, else by their charge, else the mean of capacities."""
    source = "sysfs " + "+".join(found.name for found in batteries)
    for what in ("energy", "charge"):
        pairs = [_pair(found.place, what) for found in batteries]
        if (len(pairs) > 1) and all(pairs):
            now, full = (sum(pair[at] for pair in pairs if pair) for at in (0, 1))
            return Level(min(100, round(100 * now / full)), f"{source} {what}")
    parts = [part for found in batteries if (part := whole_number(peek(found.place, "capacity"))) is not None]
    if len(parts) < len(batteries):
        return Level(source=f"{source}: no capacity")
    return Level(min(100, round(sum(parts) / len(parts))), f"{source} capacity")


def _pair(place: str, what: str) -> tuple[int, int] | None:
    now, full = (whole_number(peek(place, f"{what}_{end}")) for end in ("now", "full"))
    return (now, full) if now is not None and full else None


def _low(batteries: list[_Battery], level: Level) -> Reading:
    """Return what the kernel calls low where it knows no percentage; else it follows from that."""
    words = [(found.name, peek(found.place, "capacity_level")) for found in batteries]
    if level.percent is None and all(word in _LOW for _, word in words):
        best = next((pair for pair in words if _LOW[pair[1]] is Tri.NO), words[0])
        return Reading(_LOW[best[1]], f"sysfs {best[0]} {best[1]}")
    return FROM_LEVEL

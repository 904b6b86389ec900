"""Charger and battery as UPower knows them: where the kernel's own files leave something open, and for a UPS.

https://upower.freedesktop.org/docs/UPower.html (OnBattery) and …/docs/Device.html (Percentage, WarningLevel, Type); the
display device is what UPower takes all batteries together to be.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bgo.devices.sensors.asking import Limit, Unreadable
from bgo.devices.sensors.dbus import properties
from bgo.devices.sensors.power import FACT, FROM_LEVEL, sysfs
from bgo.model.device import DeviceState, Level, Reading, Tri

_SERVICE = "org.freedesktop.UPower"
_PATH = "/org/freedesktop/UPower"
_LOW = {1: Tri.NO, 3: Tri.YES, 4: Tri.YES, 5: Tri.YES}
"""Warning level → low: none; low, critical, and about to act."""
_BATTERY, _UPS = 2, 3


def linux_power(root: str, limit: Limit) -> DeviceState:
    """Return charger and battery: by the kernel, and by UPower what the kernel leaves open. A machine that has no
    battery may still hang on a UPS.
    """
    found = sysfs(root, limit)
    has_none = found.charging.source == FACT
    is_known = found.charging.value is not Tri.UNKNOWN and found.battery.percent is not None
    if is_known and not has_none:
        return found
    try:
        told = _upower(limit)
    except Unreadable:
        return found
    if has_none:
        return found if told.battery.percent is None else told
    charging = told.charging if found.charging.value is Tri.UNKNOWN else found.charging
    if found.battery.percent is not None or told.battery.percent is None:
        return replace(found, charging=charging)
    return DeviceState(charging=charging, battery=told.battery, battery_low=told.battery_low)


def _upower(limit: Limit) -> DeviceState:
    on_battery = properties(limit, _SERVICE, _PATH, _SERVICE).get("OnBattery")
    if not isinstance(on_battery, bool):
        raise Unreadable("UPower gives no OnBattery")
    charging = Reading(Tri.NO if on_battery else Tri.YES, f"UPower OnBattery: {'yes' if on_battery else 'no'}")
    told = properties(limit, _SERVICE, f"{_PATH}/devices/DisplayDevice", f"{_SERVICE}.Device")
    if told.get("IsPresent") is not True or told.get("Type") not in (_BATTERY, _UPS):
        return DeviceState(charging=charging)
    level = _level(told.get("Percentage"), "UPower" if told["Type"] == _BATTERY else "UPower: a UPS")
    warning = told.get("WarningLevel")
    low = _LOW.get(warning if isinstance(warning, int) else 0)
    is_told = level.percent is None and low is not None
    return DeviceState(
        charging, level, Reading(low, f"UPower WarningLevel {warning}") if is_told and low else FROM_LEVEL
    )


def _level(percentage: Any, source: str) -> Level:
    if isinstance(percentage, (int, float)) and not isinstance(percentage, bool) and 0 <= percentage <= 100:
        return Level(round(percentage), source)
    return Level(source=f"{source} gives no percentage")

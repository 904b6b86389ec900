"""Charger and battery of Windows, by GetSystemPowerStatus. Written from its reference, not run on Windows.

https://learn.microsoft.com/en-us/windows/win32/api/winbase/ns-winbase-system_power_status
"""

from __future__ import annotations

from bgo.devices.sensors.asking import Limit, Unreadable
from bgo.devices.sensors.power import FROM_LEVEL, NO_BATTERY
from bgo.model.device import DeviceState, Level, Reading, Tri

_LINE = {0: Tri.NO, 1: Tri.YES}
_NO_BATTERY, _UNKNOWN = 128, 255
_SOURCE = "GetSystemPowerStatus"


def windows_power(limit: Limit) -> DeviceState:
    """Return what the system says of charger and battery."""
    del limit  # a look into memory
    import ctypes

    windll = getattr(ctypes, "windll", None)
    status = (ctypes.c_ubyte * 12)()  # four bytes and two 32-bit numbers that are not needed
    if windll is None or not windll.kernel32.GetSystemPowerStatus(ctypes.byref(status)):
        raise Unreadable(f"{_SOURCE} does not answer")
    return told(status[0], status[1], status[2])


def told(line: int, flag: int, percent: int) -> DeviceState:
    """Return the reading of ACLineStatus, BatteryFlag and BatteryLifePercent."""
    if flag != _UNKNOWN and flag & _NO_BATTERY:
        return NO_BATTERY
    charging = Reading(_LINE.get(line, Tri.UNKNOWN), f"{_SOURCE} ACLineStatus {line}")
    level = Level(percent, _SOURCE) if percent <= 100 else Level(source=f"{_SOURCE} knows no percentage")
    return DeviceState(charging=charging, battery=level, battery_low=FROM_LEVEL)

"""Windows: charger, battery, use and load by its own calls, the network by PowerShell. Written from their reference,
not run on Windows.

https://learn.microsoft.com/en-us/windows/win32/api/winbase/ns-winbase-system_power_status, …/api/winuser/
nf-winuser-getlastinputinfo, …/api/processthreadsapi/nf-processthreadsapi-getsystemtimes; the cost of a network is
https://learn.microsoft.com/en-us/uwp/api/windows.networking.connectivity.connectioncost
"""

from __future__ import annotations

from typing import Any

from bgo.clock import SystemClock
from bgo.devices.sensors.asking import Limit, Unreadable, ask, brief
from bgo.devices.sensors.idle import untouched
from bgo.devices.sensors.power import FROM_LEVEL, NO_BATTERY
from bgo.model.device import DeviceState, Level, Network, NetworkKind, Reading, Tri

_LINE = {0: Tri.NO, 1: Tri.YES}
_NO_BATTERY, _UNKNOWN = 128, 255
_SOURCE = "GetSystemPowerStatus"


def windows_power(limit: Limit) -> DeviceState:
    """Return what the system says of charger and battery."""
    del limit  # a look into memory
    import ctypes

    windll = _windll()
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


def _windll() -> Any:
    import ctypes

    return getattr(ctypes, "windll", None)


def windows_idle(after_ms: int, limit: Limit) -> DeviceState:
    """Return whether there was no input for `after_ms`, by the tick of the last one; both ticks are 32 bits wide."""
    del limit
    import ctypes

    windll = _windll()
    info = (ctypes.c_uint32 * 2)(8, 0)  # its own size, then the tick
    if windll is None or not windll.user32.GetLastInputInfo(ctypes.byref(info)):
        raise Unreadable("GetLastInputInfo does not answer")
    quiet = (windll.kernel32.GetTickCount() - info[1]) & 0xFFFF_FFFF
    return untouched(quiet, after_ms, SystemClock().now_ms(), "GetLastInputInfo: no input")


class Load:
    """How busy the processors have been since the look before; at first, since they started."""

    def __init__(self) -> None:
        self._before = (0, 0)

    def __call__(self, limit: Limit) -> DeviceState:
        del limit
        import ctypes

        windll = _windll()
        times = (ctypes.c_uint64 * 3)()  # idle, kernel (with idle in it), user: in 100 ns, of all processors
        places = [ctypes.byref(times, 8 * at) for at in range(3)]
        if windll is None or not windll.kernel32.GetSystemTimes(*places):
            raise Unreadable("GetSystemTimes does not answer")
        idle, total = times[0], times[1] + times[2]
        before, self._before = self._before, (idle, total)
        return DeviceState(load=busy(idle - before[0], total - before[1]))


def busy(idle: int, total: int) -> Level:
    """Return the part of the time that was not idle."""
    if total <= 0 or not 0 <= idle <= total:
        return Level(source="GetSystemTimes has not gone on")
    return Level(round(100 * (total - idle) / total), "GetSystemTimes")


_TYPE = "Windows.Networking.Connectivity.NetworkInformation"
_ASKS = (
    f"$p=[{_TYPE},Windows.Networking.Connectivity,ContentType=WindowsRuntime]::GetInternetConnectionProfile();"
    "if($p){$c=$p.GetConnectionCost();"
    '"cost=$($c.NetworkCostType) roaming=$($c.Roaming)";"name=$($p.ProfileName)"}else{\'none\'}'
)
_COSTS = {"Unrestricted": NetworkKind.UNMETERED, "Fixed": NetworkKind.METERED, "Variable": NetworkKind.METERED}


def windows_network(limit: Limit) -> DeviceState:
    """Return the network that leads to the internet with its cost, by Windows PowerShell: it knows the WinRT."""
    text = ask(limit, "powershell.exe", "-NoLogo", "-NoProfile", "-NonInteractive", "-Command", _ASKS)
    return DeviceState(network=network_told(text))


def network_told(text: str) -> Network:
    """Return the network that PowerShell's answer describes; raises Unreadable."""
    first, *rest = text.strip().splitlines() or [""]
    if first.strip() == "none":
        return Network(NetworkKind.NONE, "NetworkInformation: no profile leads to the internet")
    words = dict(word.partition("=")[::2] for word in first.split())
    if "cost" not in words:
        raise Unreadable("powershell.exe: no sense in what it says of the network")
    kind = NetworkKind.ROAMING if words.get("roaming") == "True" else _COSTS.get(words["cost"], NetworkKind.CONNECTED)
    name = next((line.removeprefix("name=") for line in rest if line.startswith("name=")), "")
    return Network(kind, f"NetworkInformation: {brief(first)}", brief(name))

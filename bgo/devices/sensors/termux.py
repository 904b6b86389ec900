"""A phone from within, by Termux:API. Written from recorded output, not run on a phone.

https://github.com/termux/termux-api (BatteryStatusAPI.java, WifiAPI.java); the name of the Wi-Fi is "<unknown ssid>"
until Termux:API may see the location (issue 304 there). What a network costs, Termux does not tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bgo.devices.sensors.asking import Limit, Unreadable, ask, brief
from bgo.devices.sensors.power import FROM_LEVEL, NO_BATTERY
from bgo.model.device import DeviceState, Level, Network, NetworkKind, Reading, Tri

_NO_NAME = frozenset({"", "<unknown ssid>", "0x"})


def is_termux(env: Mapping[str, str]) -> bool:
    """Say whether this process lives in Termux."""
    return bool(env.get("TERMUX_VERSION")) or env.get("PREFIX", "").startswith("/data/data/com.termux/")


def termux_power(limit: Limit) -> DeviceState:
    """Return charger and battery."""
    told = _json(limit, "termux-battery-status")
    if told.get("present") is False:
        return NO_BATTERY
    plugged, percent = told.get("plugged"), told.get("percentage")
    value = Tri.UNKNOWN
    if isinstance(plugged, str):
        value = Tri.NO if plugged == "UNPLUGGED" else Tri.YES if plugged.startswith("PLUGGED_") else Tri.UNKNOWN
    charging = Reading(value, f"termux-battery-status: {brief(str(plugged))}")
    fits = isinstance(percent, int) and not isinstance(percent, bool) and 0 <= percent <= 100
    level = Level(percent, "termux-battery-status") if fits else Level(source="termux-battery-status: no percentage")
    return DeviceState(charging=charging, battery=level, battery_low=FROM_LEVEL)


def termux_network(limit: Limit) -> DeviceState:
    """Return the Wi-Fi that is in use; without one nothing is known, mobile data cannot be seen."""
    told = _json(limit, "termux-wifi-connectioninfo")
    if told.get("supplicant_state") != "COMPLETED":
        raise Unreadable("not on Wi-Fi, and Termux does not tell of mobile data")
    name = told.get("ssid")
    name = brief(name) if isinstance(name, str) and name not in _NO_NAME else ""
    source = "termux-wifi-connectioninfo; cost unknown: Termux does not tell"
    return DeviceState(network=Network(NetworkKind.CONNECTED, source, name))


def _json(limit: Limit, program: str) -> dict[str, Any]:
    import json

    try:
        told = json.loads(ask(limit, program))
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise Unreadable(f"{program}: no sense in what it says")
    return told

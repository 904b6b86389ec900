"""A Mac's sensors: what pmset, ioreg, route and networksetup print. Written from recorded output, not run on a Mac.

`pmset -g batt` and its source are man 1 pmset; HIDIdleTime (nanoseconds since the last input) is
https://www.dssw.co.uk/blog/2015-01-21-inactivity-and-idle-time/; `route -n get default` is man 8 route: it ends well
without a default route, too, and then names no interface. Newer systems hide the Wi-Fi's name: "not associated".
"""

from __future__ import annotations

import re
from dataclasses import replace

from bgo.clock import SystemClock
from bgo.devices.sensors.asking import Limit, Unreadable, ask, brief
from bgo.devices.sensors.idle import untouched
from bgo.devices.sensors.power import FROM_LEVEL, NO_BATTERY
from bgo.model.device import DeviceState, Level, Network, NetworkKind, Reading, Tri

_SSID = "Current Wi-Fi Network: "


def mac_power(limit: Limit) -> DeviceState:
    """Return what `pmset -g batt` says of charger and battery."""
    text = ask(limit, "pmset", "-g", "batt")
    if "'AC Power'" in text:
        charging = Reading(Tri.YES, "pmset AC Power")
    elif "'Battery Power'" in text or "'UPS Power'" in text:
        charging = Reading(Tri.NO, "pmset Battery Power" if "'Battery Power'" in text else "pmset UPS Power")
    else:
        raise Unreadable("pmset says neither AC nor battery")
    if "InternalBattery" not in text:
        return NO_BATTERY if charging.value is Tri.YES else replace(NO_BATTERY, charging=charging)  # on a UPS
    found = re.search(r"InternalBattery[^\n]*?\b(\d{1,3})%", text)
    percent = min(100, int(found[1])) if found else None
    level = Level(percent, "pmset" if found else "pmset gives no percentage")
    return DeviceState(charging=charging, battery=level, battery_low=FROM_LEVEL)


def mac_idle(after_ms: int, limit: Limit) -> DeviceState:
    """Return whether there was no input for `after_ms`, by the smallest HIDIdleTime of `ioreg`."""
    text = ask(limit, "ioreg", "-c", "IOHIDSystem", "-d", "4")
    times = [int(digits) for digits in re.findall(r'"HIDIdleTime"\s*=\s*(\d{1,18})\b', text)]
    if not times:
        raise Unreadable("ioreg gives no HIDIdleTime")
    return untouched(min(times) // 1_000_000, after_ms, SystemClock().now_ms(), "ioreg: no input")


def mac_network(limit: Limit) -> DeviceState:
    """Return whether there is a default route, and the Wi-Fi's name. What a network costs no tool tells, but a phone
    that shares its own is a metered one.
    """
    interface, gateway = _route(limit)
    if not interface:
        return DeviceState(network=Network(NetworkKind.NONE, "no default route"))
    name = _wifi(limit, interface)
    if phone := _phone(limit, interface, gateway):
        return DeviceState(
            network=Network(NetworkKind.METERED, f"default route by {interface}: {phone}, a guess", name)
        )
    source = f"default route by {interface}; cost unknown: no tool tells it"
    return DeviceState(network=Network(NetworkKind.CONNECTED, source, name))


def _phone(limit: Limit, interface: str, gateway: str) -> str:
    """Return by what one sees that a phone shares its network, "" where it does not.

    An iPhone's hotspot is 172.20.10.0/28, always; by cable and Bluetooth it is a port of its own in
    `networksetup -listallhardwareports`.
    """
    if gateway.startswith("172.20.10."):
        return "the gateway of an iPhone's hotspot"
    try:
        text = ask(limit, "networksetup", "-listallhardwareports")
    except Unreadable:
        return ""
    for port, device in re.findall(r"^Hardware Port: (.{1,80})\nDevice: (\S{1,15})$", text, re.MULTILINE):
        if device == interface and port in _PHONES:
            return str(port)
    return ""


_PHONES = frozenset({"iPhone USB", "iPad USB", "Bluetooth PAN"})


def _route(limit: Limit) -> tuple[str, str]:
    """Return the interface and the gateway of the default route, empty without one."""
    for family in ((), ("-inet6",)):
        try:
            text = ask(limit, "route", "-n", "get", *family, "default")
        except Unreadable as error:
            if "not in table" not in str(error):
                raise
            continue
        if found := re.search(r"^\s*interface:\s*(\w{1,15})\s*$", text, re.MULTILINE):
            gateway = re.search(r"^\s*gateway: (\S{1,60})\s*$", text, re.MULTILINE)
            return found[1], gateway[1] if gateway else ""
        if text.strip():
            raise Unreadable("route names no interface")
    return "", ""


def _wifi(limit: Limit, interface: str) -> str:
    try:
        text = ask(limit, "networksetup", "-getairportnetwork", interface)
    except Unreadable:
        return ""
    return brief(text.removeprefix(_SSID)) if text.startswith(_SSID) else ""

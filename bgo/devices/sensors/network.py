"""The network of a Linux computer: its default routes, and what NetworkManager says of their cost and their Wi-Fi.

Metered is https://networkmanager.dev/docs/api/latest/nm-dbus-types.html#NMMetered: guesses count, and are told as such.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from bgo.devices.sensors.asking import Limit, Unreadable, brief, peek, read_file
from bgo.devices.sensors.dbus import properties
from bgo.model.device import DeviceState, Network, NetworkKind

_UP, _REJECT = 0x1, 0x200
_MOST = 1 << 20
_NM = "org.freedesktop.NetworkManager"
_PATH = "/org/freedesktop/NetworkManager"
_METERED = {
    1: (NetworkKind.METERED, "yes"),
    2: (NetworkKind.UNMETERED, "no"),
    3: (NetworkKind.METERED, "yes, a guess"),
    4: (NetworkKind.UNMETERED, "no, a guess"),
}


def linux_network(proc: str, sysfs: str, limit: Limit) -> DeviceState:
    """Return none without a default route; else what NetworkManager knows, or a connection of unknown cost."""
    ways = list(dict.fromkeys(_default_routes(proc, sysfs)))
    if not ways:
        return DeviceState(network=Network(NetworkKind.NONE, "no default route"))
    try:
        found = _managed(limit)
    except Unreadable as error:
        found = Network(NetworkKind.CONNECTED, f"default route by {brief(ways[0])}; cost unknown: {error}")
    return DeviceState(network=found)


def _default_routes(proc: str, sysfs: str) -> Iterator[str]:
    """Yield the interfaces of default routes whose link is up. Raises Unreadable when no table can be read."""
    tables = ((_v4, "route"), (_v6, "ipv6_route"))
    faults: list[Unreadable] = []
    for pick, name in tables:
        try:
            text = read_file(os.path.join(proc, "net", name), _MOST)
        except Unreadable as error:  # a kernel without IPv6 has no such file
            faults.append(error)
            continue
        for line in text.splitlines():
            interface = pick(line.split())
            if interface and not peek(sysfs, "class", "net", interface, "operstate").endswith("down"):
                yield interface
    if len(faults) == len(tables):
        raise faults[0]


def _v4(words: list[str]) -> str:
    """Return the interface of a default route in a line of /proc/net/route, "" for another line (man 5 proc)."""
    if len(words) < 8 or words[1] != "0" * 8 or words[7] != "0" * 8:
        return ""
    return _usable(words[0], words[3])


def _v6(words: list[str]) -> str:
    if len(words) < 10 or words[0] != "0" * 32 or words[1] != "00":
        return ""
    return _usable(words[9], words[8])


def _usable(interface: str, flags: str) -> str:
    try:
        value = int(flags, 16)
    except ValueError:
        return ""
    usable = value & _UP and not value & _REJECT and interface != "lo" and "/" not in interface
    return interface if usable else ""


def _managed(limit: Limit) -> Network:
    """Return what NetworkManager says of the connection that carries the default route; raises Unreadable."""
    told = properties(limit, _NM, _PATH, _NM)
    primary = _object(told.get("PrimaryConnection"))
    if not primary:
        raise Unreadable("NetworkManager does not manage it")
    metered = told.get("Metered")
    kind, word = _METERED.get(metered if isinstance(metered, int) else 0, (NetworkKind.CONNECTED, "unknown"))
    name = _wifi(limit, primary) if told.get("PrimaryConnectionType") == "802-11-wireless" else ""
    return Network(kind, f"NetworkManager Metered: {word}", name)


def _wifi(limit: Limit, primary: str) -> str:
    """Return the name of the access point in use, "" when it cannot be had."""
    try:
        active = properties(limit, _NM, primary, f"{_NM}.Connection.Active")
        point = _object(active.get("SpecificObject"))
        ssid = properties(limit, _NM, point, f"{_NM}.AccessPoint").get("Ssid") if point else None
        return bytes(ssid or ()).decode("utf-8", "replace") if isinstance(ssid, list) and len(ssid) <= 32 else ""
    except (Unreadable, ValueError, TypeError):
        return ""


def _object(path: Any) -> str:
    """Return an object path, "" for none: D-Bus writes that as a bare slash."""
    return path if isinstance(path, str) and path.startswith("/") and path != "/" and len(path) < 256 else ""

"""What this computer's sensors say of it, or those of a phone. What cannot be read is unknown, with the reason.

Linux reads /sys and /proc, asks NetworkManager, logind and UPower over D-Bus, and X11 by xprintidle; macOS, Windows,
Termux and a phone over adb are read from the output and the references that the modules name, and were not run on such
a device. Other roots for tests: BGO_SYSFS_ROOT, BGO_PROC_ROOT, BGO_DEV_ROOT.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from bgo.devices.names import HERE, TERMUX, phone
from bgo.devices.sensors.survey import Row, Sensor, Survey, Taken, said
from bgo.model.profile import Storage

__all__ = ["Place", "Row", "Sensor", "Survey", "Taken", "said", "sensors"]

_POWER = ("charging", "battery", "battery_low")
_USE = ("idle", "unused")


class Place(NamedTuple):
    """Which device is asked, and what for."""

    store_dir: str
    """The folder whose volume must not run full."""
    idle_after_ms: int = 300_000
    """How long nobody may have touched a computer to call it idle; a phone has a rule of its own."""
    device: str = HERE
    """`host`: this computer; `termux`: the phone that this runs on; `adb`, or `adb:SERIAL`, `/APP` behind it: a phone,
    and one of its apps by the name of its package."""
    storage: Storage = Storage()
    """When its volume counts as low."""


def sensors(place: Place, platform: str = sys.platform, env: Mapping[str, str] = os.environ) -> list[Sensor]:
    """Return the sensors there are for a device; the fields that none of them reads stay unknown."""
    storage = _storage(place)
    if place.device == TERMUX:
        return [*_termux(env), storage]
    if place.device != HERE:
        return _phone(*phone(place.device))
    if platform.startswith(("linux", "android")):
        from bgo.devices.sensors.termux import is_termux

        return [*(_termux(env) if is_termux(env) else _linux(place, env)), storage]
    if platform == "darwin":
        return [*_mac(place), storage]
    if platform == "win32":
        return [*_windows(place), storage]
    return [storage]


def _storage(place: Place) -> Sensor:
    from bgo.devices.sensors.storage import volume

    return Sensor(("storage_low",), partial(volume, place.store_dir, place.storage))


def _linux(place: Place, env: Mapping[str, str]) -> list[Sensor]:
    from bgo.devices.sensors.idle import linux_idle, linux_screen
    from bgo.devices.sensors.load import linux_load
    from bgo.devices.sensors.network import linux_network
    from bgo.devices.sensors.upower import linux_power

    sys_root, proc, dev = (env.get(f"BGO_{name}_ROOT") or f"/{path}" for name, path in _ROOTS)
    return [
        Sensor(_POWER, partial(linux_power, sys_root)),
        Sensor(("network",), partial(linux_network, proc, sys_root)),
        Sensor(_USE, partial(linux_idle, dev, sys_root, place.idle_after_ms)),
        Sensor(("screen",), partial(linux_screen, sys_root)),
        Sensor(("load",), partial(linux_load, proc)),
    ]


_ROOTS = (("SYSFS", "sys"), ("PROC", "proc"), ("DEV", "dev"))


def _mac(place: Place) -> list[Sensor]:
    from bgo.devices.sensors.load import mac_load
    from bgo.devices.sensors.mac import mac_idle, mac_network, mac_power

    return [
        Sensor(_POWER, mac_power),
        Sensor(("network",), mac_network),
        Sensor(_USE, partial(mac_idle, place.idle_after_ms)),
        Sensor(("load",), mac_load),
    ]


def _windows(place: Place) -> list[Sensor]:
    from bgo.devices.sensors.windows import Load, windows_idle, windows_network, windows_power

    return [
        Sensor(_POWER, windows_power),
        Sensor(("network",), windows_network),
        Sensor(_USE, partial(windows_idle, place.idle_after_ms)),
        Sensor(("load",), Load()),
    ]


def _termux(env: Mapping[str, str]) -> list[Sensor]:
    from bgo.devices.sensors.load import linux_load
    from bgo.devices.sensors.termux import termux_network, termux_power

    proc = env.get("BGO_PROC_ROOT") or "/proc"
    return [
        Sensor(_POWER, termux_power),
        Sensor(("network",), termux_network),
        Sensor(("load",), partial(linux_load, proc)),
    ]


def _phone(serial: str, app: str) -> list[Sensor]:
    from bgo.devices.sensors.adb import phone_load, phone_network, phone_power, phone_screen, phone_storage
    from bgo.devices.sensors.adb_app import phone_app, phone_state

    found = [
        Sensor(_POWER, partial(phone_power, serial)),
        Sensor(("network",), partial(phone_network, serial)),
        Sensor(("idle", "screen", "unused"), partial(phone_screen, serial)),
        Sensor(("storage_low",), partial(phone_storage, serial)),
        Sensor(("load",), partial(phone_load, serial)),
        Sensor(("lock", "low_power"), partial(phone_state, serial)),
    ]
    return [*found, Sensor(("app", "exempt", "bucket"), partial(phone_app, serial, app))] if app else found

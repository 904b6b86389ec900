"""A phone that is plugged in, or in reach, by adb. Written from recorded output, not run with a phone.

`dumpsys battery`, `dumpsys power` and `dumpsys connectivity` print what BatteryService, PowerManagerService and
ConnectivityService of AOSP know (frameworks/base and packages/modules/Connectivity); the phone's own grep keeps the
answers short. A phone is idle once it has slept for 31 min, as JobScheduler has it (AOSP IdleController).
"""

from __future__ import annotations

import re

from bgo.clock import SystemClock
from bgo.devices.sensors.asking import Limit, Unreadable, ask, span, whole_number
from bgo.devices.sensors.power import FROM_LEVEL, NO_BATTERY
from bgo.devices.sensors.storage import judged
from bgo.model.device import DeviceState, Level, Network, NetworkKind, Reading, Span, Tri

IDLE_MS = 31 * 60_000
_SCREEN = {"Awake": Tri.YES, "Dreaming": Tri.YES, "Dozing": Tri.NO, "Asleep": Tri.NO}


def shell(serial: str, limit: Limit, command: str) -> str:
    """Return what a command prints on the phone."""
    return ask(limit, "adb", *(("-s", serial) if serial else ()), "shell", command)


def phone_power(serial: str, limit: Limit) -> DeviceState:
    """Return charger and battery."""
    text = shell(serial, limit, "dumpsys battery")
    told = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in text.splitlines())}
    plugs = {key.removesuffix(" powered"): value == "true" for key, value in told.items() if key.endswith(" powered")}
    if told.get("present") == "false":
        return NO_BATTERY
    if not plugs:
        raise Unreadable("dumpsys battery names no plug")
    plug = next((name for name, is_in in plugs.items() if is_in), "")
    charging = Reading(Tri.YES, f"adb: {plug} powered") if plug else Reading(Tri.NO, "adb: not plugged in")
    level, scale = (whole_number(told.get(key, "")) for key in ("level", "scale"))
    fits = level is not None and level <= (scale or 100)
    percent = round(100 * level / (scale or 100)) if fits and level is not None else None
    source = "adb: dumpsys battery" if fits else "dumpsys battery gives no level"
    return DeviceState(charging=charging, battery=Level(percent, source), battery_low=FROM_LEVEL)


def phone_screen(serial: str, limit: Limit) -> DeviceState:
    """Return whether the screen is on, whether the phone has slept for long, and since when; how deep it dozes stands
    in the source.
    """
    command = "dumpsys power | grep -E 'mWakefulness=|mLastSleepTime='; dumpsys deviceidle get deep"
    text = shell(serial, limit, command)
    found = re.search(r"\bmWakefulness=(\w{1,20})", text)
    if not found:
        raise Unreadable("dumpsys power gives no mWakefulness")
    word = found[1]
    screen = Reading(_SCREEN.get(word, Tri.UNKNOWN), f"adb: {word}")
    if word == "Awake":
        return DeviceState(screen=screen, idle=Reading(Tri.NO, "adb: awake"), unused=Span(0, "adb: awake"))
    slept = re.search(r"\bmLastSleepTime=\d+ \((\d{1,15}) ms ago\)", text)
    if screen.value is not Tri.NO or not slept:
        told = f"adb: {word}, since when is not told"
        return DeviceState(screen=screen, idle=Reading(source=told), unused=Span(source=told))
    ms = int(slept[1])
    told = f"adb: asleep for {span(ms)}, counts from {span(IDLE_MS)}{_doze(text)}"
    unused = Span(ms, f"adb: asleep{_doze(text)}", SystemClock().now_ms())
    return DeviceState(screen=screen, idle=Reading(Tri.YES if ms >= IDLE_MS else Tri.NO, told), unused=unused)


def _doze(text: str) -> str:
    """Return how deep it dozes, in the words of DeviceIdleController."""
    found = re.search(r"^(ACTIVE|INACTIVE|IDLE_PENDING|SENSING|LOCATING|IDLE|IDLE_MAINTENANCE)\s*$", text, re.MULTILINE)
    return f"; doze {found[1]}" if found else ""


def phone_load(serial: str, limit: Limit) -> DeviceState:
    """Return how busy the processors were, by the last line of `dumpsys cpuinfo` (AOSP ProcessCpuTracker)."""
    text = shell(serial, limit, "dumpsys cpuinfo | grep TOTAL")
    found = re.search(r"\b(\d{1,3})(?:\.\d)?% TOTAL\b", text)
    if not found:
        raise Unreadable("dumpsys cpuinfo gives no total")
    return DeviceState(load=Level(min(100, int(found[1])), "adb: dumpsys cpuinfo"))


def phone_network(serial: str, limit: Limit) -> DeviceState:
    """Return the default network, by its capabilities."""
    text = shell(serial, limit, "dumpsys connectivity | grep -E 'Active default network|NetworkAgentInfo'")
    found = re.search(r"Active default network: (\w{1,20})", text)
    if not found:
        raise Unreadable("dumpsys connectivity names no default network")
    if found[1] in {"none", "null"}:
        return DeviceState(network=Network(NetworkKind.NONE, "adb: no default network"))
    for line in text.splitlines():
        if f"network{{{found[1]}}}" in line and (told := re.search(r"Capabilities: ([A-Z0-9_&]+)", line)):
            return DeviceState(network=_network(line, set(told[1].split("&"))))
    raise Unreadable("dumpsys connectivity does not describe the default network")


def _network(line: str, capabilities: set[str]) -> Network:
    """NOT_ROAMING came with Android 9, together with two others; before it, and beside it, there is a flag."""
    tells = capabilities & {"FOREGROUND", "NOT_SUSPENDED"}
    if "roaming: true" in line or (tells and "NOT_ROAMING" not in capabilities):
        kind = NetworkKind.ROAMING
    elif capabilities & {"NOT_METERED", "TEMPORARILY_NOT_METERED"}:
        kind = NetworkKind.UNMETERED
    else:
        kind = NetworkKind.METERED
    by = re.search(r"Transports: ([A-Z_|]{1,40})", line)
    name = re.search(r'SSID: "([^"]{1,32})"', line)
    return Network(kind, f"adb: {by[1] if by else 'unknown transport'}", name[1] if name else "")


def phone_storage(serial: str, limit: Limit) -> DeviceState:
    """Return whether the phone's own volume runs out of room; `df` counts in KiB."""
    lines = shell(serial, limit, "df -k /data").strip().splitlines()
    words = lines[-1].split() if lines else []
    total, free = (whole_number(words[at]) if len(words) >= 6 else None for at in (1, 3))
    if total is None or free is None:
        raise Unreadable("df gives no sizes")
    return DeviceState(storage_low=judged(free << 10, total << 10, "the phone's /data"))

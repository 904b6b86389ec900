"""Whether anybody uses a Linux computer: logind's hint, else the terminals; and whether its screen is on.

The hint and its time are https://www.freedesktop.org/software/systemd/man/org.freedesktop.login1.html: a desktop sets
it after a while of its own without input, so whoever has been idle by it has been so for longer.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from bgo.clock import SystemClock
from bgo.devices.sensors.asking import Limit, Unreadable, peek, span
from bgo.devices.sensors.dbus import properties
from bgo.model.device import DeviceState, Reading, Tri

_LOGIND = "org.freedesktop.login1"


def linux_idle(dev: str, after_ms: int, limit: Limit) -> DeviceState:
    """Return whether nobody has used the computer for `after_ms`; a headless one cannot know."""
    now = SystemClock().now_ms()
    try:
        return DeviceState(idle=_logind(after_ms, now, limit))
    except Unreadable as error:
        return DeviceState(idle=_terminals(dev, after_ms, now, str(error)))


def _logind(after_ms: int, now: int, limit: Limit) -> Reading:
    told = properties(limit, _LOGIND, "/org/freedesktop/login1", f"{_LOGIND}.Manager")
    hint, since, sessions = (told.get(name) for name in ("IdleHint", "IdleSinceHint", "NCurrentSessions"))
    if not isinstance(hint, bool) or not isinstance(since, int):
        raise Unreadable("logind gives no IdleHint")
    if sessions == 0:
        raise Unreadable("logind has no session")
    if not hint:  # a desktop that never sets the hint looks like one that is always in use: say so
        return Reading(Tri.NO, "logind: not idle" if since else "logind: not idle, nor was it ever told so")
    return judged(max(0, now - since // 1000), after_ms, "logind: idle")


def judged(idle_ms: int, after_ms: int, source: str) -> Reading:
    """Return whether `idle_ms` without input are enough."""
    value = Tri.YES if idle_ms >= after_ms else Tri.NO
    return Reading(value, f"{source} for {span(idle_ms)}, counts from {span(after_ms)}")


def _terminals(dev: str, after_ms: int, now: int, why: str) -> Reading:
    """Return no when somebody has just typed; that nobody did says nothing of a mouse, so it is never a yes."""
    newest = max(_typed(dev), default=None)
    if newest is None:
        return Reading(Tri.UNKNOWN, f"{why}; no terminal either (headless)")
    at, name = newest
    quiet = max(0, now - at)
    if quiet < after_ms:
        return Reading(Tri.NO, f"{name} was typed at {span(quiet)} ago")
    return Reading(Tri.UNKNOWN, f"{why}; no terminal was typed at for {span(quiet)}, of a mouse nothing is known")


def _typed(dev: str) -> Iterator[tuple[int, str]]:
    """Yield when each terminal was last read from: reading moves its access time, at most every 8 s."""
    places = (("pts", str.isdigit), ("", lambda name: name.startswith("tty") and name[3:].isdigit()))
    for folder, counts in places:
        try:
            names = os.listdir(os.path.join(dev, folder))
        except OSError:
            continue
        for name in filter(counts, names):
            path = os.path.join(folder, name)
            try:
                yield os.stat(os.path.join(dev, path)).st_atime_ns // 1_000_000, path
            except OSError:
                continue


def linux_screen(sysfs: str, limit: Limit) -> DeviceState:
    """Return whether a screen that is plugged in shows something, by the kernel's DRM connectors."""
    del limit
    folder = os.path.join(sysfs, "class", "drm")
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        names = []
    there = [name for name in names if peek(folder, name, "status") == "connected"]
    if not there:
        return DeviceState(screen=Reading(Tri.UNKNOWN, "no screen is connected, as far as the kernel knows"))
    on = next((name for name in there if peek(folder, name, "dpms") == "On"), "")
    return DeviceState(screen=Reading(Tri.YES, f"sysfs {on} on") if on else Reading(Tri.NO, f"sysfs {there[0]} off"))

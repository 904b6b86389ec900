"""Whether anybody uses a Linux computer, and since when not: by X11, by logind's hint, else by the terminals; and
whether its screen is on.

The hint and its time are https://www.freedesktop.org/software/systemd/man/org.freedesktop.login1.html: a desktop sets
it after a while of its own without input, so whoever has been idle by it has been so for longer.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from bgo.clock import SystemClock
from bgo.devices.sensors.asking import Limit, Unreadable, ask, peek, span, whole_number
from bgo.devices.sensors.dbus import properties
from bgo.model.device import DeviceState, Reading, Span, Tri

_LOGIND = "org.freedesktop.login1"


def linux_idle(dev: str, sysfs: str, after_ms: int, limit: Limit) -> DeviceState:
    """Return whether nobody has used the computer for `after_ms`, and for how long; a headless one cannot know."""
    now = SystemClock().now_ms()
    faults = []
    for read in (_x11, _logind):
        try:
            return read(after_ms, now, limit)
        except Unreadable as error:
            faults.append(str(error))
    return _terminals(dev, sysfs, after_ms, now, faults[-1])


def _x11(after_ms: int, now: int, limit: Limit) -> DeviceState:
    """Ask xprintidle, which knows every key and every move of the mouse: https://github.com/g0hl1n/xprintidle"""
    if not os.environ.get("DISPLAY"):
        raise Unreadable("no X11")
    ms = whole_number(ask(limit, "xprintidle").strip())
    if ms is None:
        raise Unreadable("no sense in what xprintidle says")
    return untouched(ms, after_ms, now, "xprintidle: no input")


def _logind(after_ms: int, now: int, limit: Limit) -> DeviceState:
    told = properties(limit, _LOGIND, "/org/freedesktop/login1", f"{_LOGIND}.Manager")
    hint, since, sessions = (told.get(name) for name in ("IdleHint", "IdleSinceHint", "NCurrentSessions"))
    if not isinstance(hint, bool) or not isinstance(since, int):
        raise Unreadable("logind gives no IdleHint")
    if sessions == 0:
        raise Unreadable("logind has no session")
    if hint:
        return untouched(max(0, now - since // 1000), after_ms, now, "logind: idle")
    if since:
        return DeviceState(idle=Reading(Tri.NO, "logind: not idle"), unused=Span(0, "logind: not idle"))
    told_so = (
        "logind: not idle, nor was it ever told so"  # a desktop that never sets the hint looks as if always in use
    )
    return DeviceState(idle=Reading(Tri.NO, told_so), unused=Span(None, told_so))


def untouched(ms: int, after_ms: int, now: int, source: str) -> DeviceState:
    """Return what it means that there was no input for so long."""
    return DeviceState(idle=judged(ms, after_ms, source), unused=Span(ms, source, now))


def judged(idle_ms: int, after_ms: int, source: str) -> Reading:
    """Return whether `idle_ms` without input are enough."""
    value = Tri.YES if idle_ms >= after_ms else Tri.NO
    return Reading(value, f"{source} for {span(idle_ms)}, counts from {span(after_ms)}")


def _terminals(dev: str, sysfs: str, after_ms: int, now: int, why: str) -> DeviceState:
    """Return no when somebody has just typed; that nobody did says nothing of a mouse, so it is never a yes. Where no
    screen is connected there is no mouse to speak of.
    """
    newest = max(_typed(dev), default=None)
    if newest is None:
        told = f"{why}; no terminal either (headless)"
        return DeviceState(idle=Reading(Tri.UNKNOWN, told), unused=Span(None, told))
    at, name = newest
    quiet = max(0, now - at)
    if quiet < after_ms:
        idle = Reading(Tri.NO, f"{name} was typed at {span(quiet)} ago")
    else:
        told = f"{why}; no terminal was typed at for {span(quiet)}, of a mouse nothing is known"
        idle = Reading(Tri.UNKNOWN, told)
    source = f"{name} was typed at last, and no screen is connected"
    unused = Span(None, idle.source) if _screens(sysfs) else Span(quiet, source, now)
    return DeviceState(idle=idle, unused=unused)


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
    there = _screens(sysfs)
    if not there:
        return DeviceState(screen=Reading(Tri.UNKNOWN, "no screen is connected, as far as the kernel knows"))
    on = next((name for name in there if peek(sysfs, *_DRM, name, "dpms") == "On"), "")
    return DeviceState(screen=Reading(Tri.YES, f"sysfs {on} on") if on else Reading(Tri.NO, f"sysfs {there[0]} off"))


_DRM = ("class", "drm")


def _screens(sysfs: str) -> list[str]:
    """Return the connectors that have a screen."""
    try:
        names = sorted(os.listdir(os.path.join(sysfs, *_DRM)))
    except OSError:
        return []
    return [name for name in names if peek(sysfs, *_DRM, name, "status") == "connected"]

"""The gates of the device: what a task asks of it against what it says, and what would change that.

A reading that is unknown holds, unless the profile lets unknown readings of that constraint pass; then it says so.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from bgo.model.device import Network, NetworkKind, Reading, Tri, View
from bgo.model.lane import Gate
from bgo.model.options import NetworkConstraint, TaskConstraints
from bgo.model.words import span
from bgo.policy import battery


class Asked(NamedTuple):
    """One constraint, judged."""

    gate: Gate
    is_open: bool
    current: str
    """What the device says, with its source."""
    needed: str
    holder: str
    lift: str
    """The deed or the flag that would open it."""
    until_ms: int | None = None
    """When it opens by itself, if nothing happens before."""


def asked(wish: TaskConstraints, view: View, now_ms: int | None = None) -> Iterator[Asked]:
    """Yield the judgement of each constraint that is asked for, in the order they are told. Without the instant, time
    does not go on since the device was read, and none says when it opens by itself."""
    device = view.device
    if wish.network is not NetworkConstraint.NONE:
        yield _network(wish.network, device.network, view)
    if wish.battery_not_low:
        marks = view.profile.battery
        low = battery.reading(device, view.platform, marks)
        line = Reading(_opposite(low.value), low.source)
        needed = f"not low (above {marks.low} %)"
        yield _judged(Gate.BATTERY, "battery_not_low", line, view, battery.told(device, low, marks), needed)
    if wish.requires_charging:
        yield _judged(Gate.CHARGING, "charging", device.charging, view, device.charging.value, "yes")
    if wish.device_idle:
        yield _judged(Gate.IDLE, "device_idle", device.idle, view, device.idle.value, "yes")
    if wish.storage_not_low:
        low = device.storage_low
        line = Reading(_opposite(low.value), low.source)
        words = {Tri.YES: "low", Tri.NO: "not low"}.get(low.value, "unknown")
        yield _judged(Gate.STORAGE, "storage_not_low", line, view, words, "not low")
    if wish.cpu_below is not None:
        yield _load(wish.cpu_below, view)
    if wish.unused_ms is not None:
        yield _unused(wish.unused_ms, view, now_ms)
    if wish.networks:
        yield _named(wish.networks, view)


_LIFTS = {
    Gate.BATTERY: ("the device's battery", "charge it, or bgo run --battery 50"),
    Gate.CHARGING: ("the device's power", "plug in, or bgo run --charging yes"),
    Gate.IDLE: ("whoever uses the device", "leave it alone for a while, or bgo run --idle yes"),
    Gate.STORAGE: ("the device's storage", "make room, or bgo run --storage-low no"),
}


def _judged(gate: Gate, name: str, reading: Reading, view: View, words: str, needed: str) -> Asked:
    """Return the judgement of a reading that must be yes; `name` is that of the constraint in the profile."""
    holder, lift = _LIFTS[gate]
    is_open, note = _verdict(name, reading.value, view)
    return Asked(gate, is_open, f"{words} ({reading.source}){note}", needed, holder, lift)


def _verdict(name: str, value: Tri, view: View) -> tuple[bool, str]:
    """Return whether a reading passes, and what is to be said of one that passes although nobody knows it."""
    if value is not Tri.UNKNOWN:
        return value is Tri.YES, ""
    if name in view.profile.unknown_passes:
        return True, f"; the profile {view.profile.name} lets it pass"
    return False, ""


def _load(limit: int, view: View) -> Asked:
    level = view.device.load
    value = Tri.UNKNOWN if level.percent is None else Tri.YES if level.percent < limit else Tri.NO
    is_open, note = _verdict("load", value, view)
    words = "unknown" if level.percent is None else f"{level.percent} % busy"
    lift = "let other programs come to their end, or bgo run --signal load=0"
    return Asked(Gate.LOAD, is_open, f"{words} ({level.source}){note}", f"below {limit} %", "what runs here", lift)


def _unused(needed: int, view: View, now_ms: int | None) -> Asked:
    since, source, at_ms = view.device.unused.ms, view.device.unused.source, view.device.unused.at_ms
    until = None
    if since is not None and at_ms is not None and now_ms is not None:
        until = at_ms + needed - since
        since += max(0, now_ms - at_ms)
    value = Tri.UNKNOWN if since is None else Tri.YES if since >= needed else Tri.NO
    is_open, note = _verdict("unused", value, view)
    words = "unknown" if since is None else f"touched {span(since // 1000 * 1000)} ago"
    return Asked(
        Gate.UNUSED, is_open, f"{words} ({source}){note}", f"untouched for {span(needed)}", "whoever uses the device",
        f"leave it alone for so long, or bgo run --signal unused={span(needed)}", None if is_open else until,
    )  # fmt: skip


def _named(names: tuple[str, ...], view: View) -> Asked:
    network = view.device.network
    value = Tri.YES if network.name in names else Tri.NO
    if not network.name:
        value = Tri.NO if network.kind is NetworkKind.NONE else Tri.UNKNOWN
    is_open, note = _verdict("named_network", value, view)
    words = network.name or ("none" if network.kind is NetworkKind.NONE else "name unknown")
    needed, lift = _named_words(names)
    return Asked(Gate.NAMED_NETWORK, is_open, f"{words} ({network.source}){note}", needed, "the network", lift)


@lru_cache(maxsize=256)
def _named_words(names: tuple[str, ...]) -> tuple[str, str]:
    """Return what is needed, and what would open it: the same few networks are judged at every tick."""
    return " or ".join(names), f"go there, or bgo run {shlex.join(['--signal', f'wifi={names[0]}'])}"


def _opposite(value: Tri) -> Tri:
    return {Tri.YES: Tri.NO, Tri.NO: Tri.YES}.get(value, Tri.UNKNOWN)


_MEETS = {
    NetworkConstraint.CONNECTED: {
        NetworkKind.CONNECTED, NetworkKind.UNMETERED, NetworkKind.METERED, NetworkKind.ROAMING,
    },
    NetworkConstraint.UNMETERED: {NetworkKind.UNMETERED},
    NetworkConstraint.NOT_ROAMING: {NetworkKind.UNMETERED, NetworkKind.METERED},
    NetworkConstraint.METERED: {NetworkKind.METERED, NetworkKind.ROAMING},
}  # fmt: skip
"""Which kinds a constraint is content with; of a connected one nobody knows the cost, nor whether it roams."""
_DEEDS = {
    NetworkConstraint.CONNECTED: ("any network", "connect to a network, or bgo run --network connected"),
    NetworkConstraint.UNMETERED: ("an unmetered network", "go to one that is free, or bgo run --network unmetered"),
    NetworkConstraint.NOT_ROAMING: ("a network without roaming", "end the roaming, or bgo run --network metered"),
    NetworkConstraint.METERED: ("a metered network", "go to a metered one, or bgo run --network metered"),
}


def meets(wish: NetworkConstraint, kind: NetworkKind) -> Tri:
    """Return whether a network of this kind is one that is asked for."""
    if wish is NetworkConstraint.NONE or kind in _MEETS[wish]:
        return Tri.YES
    return Tri.UNKNOWN if kind in (NetworkKind.CONNECTED, NetworkKind.UNKNOWN) else Tri.NO


def _network(wish: NetworkConstraint, network: Network, view: View) -> Asked:
    needed, lift = _DEEDS[wish]
    is_open, note = _verdict("network", meets(wish, network.kind), view)
    current = f"{told(network)} ({network.source.replace(COST_UNKNOWN, '', 1)}){note}"
    return Asked(Gate.NETWORK, is_open, current, needed, "the network", lift)


COST_UNKNOWN = "cost unknown: "
"""What sensors say of a network before the reason; the word for its kind says so already."""


def told(network: Network) -> str:
    """Return a network in words: `metered`, `connected, cost unknown`."""
    word = f"{network.kind}, cost unknown" if network.kind is NetworkKind.CONNECTED else str(network.kind)
    return f"{word}, {network.name}" if network.name else word

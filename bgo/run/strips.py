"""The device of a play as strips: what is drawn of each signal, and what its marks mean, in characters and colours.

Both the chart in the terminal and the picture are made of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from bgo.model.device import DeviceState, NetworkKind, Tri

if TYPE_CHECKING:
    from bgo.run.timeline import Segment


class Mark(NamedTuple):
    """How a mark looks (in UTF-8 and elsewhere), what it means, and its colour."""

    glyph: str
    plain: str
    means: str
    style: str


UNKNOWN = Mark("?", "?", "not known", "dim")


def _one(glyph: str, means: str, style: str) -> Mark:
    return Mark(glyph, glyph, means, style)


def _tri(yes: str = "yes", no: str = "no", *, is_bad: bool = False) -> dict[str, Mark]:
    """Return the marks of a reading; where yes is bad news it is said so by its colour."""
    return {
        Tri.YES: _one("+", yes, "red" if is_bad else "green"),
        Tri.NO: _one("-", no, "dim"),
        Tri.UNKNOWN: UNKNOWN,
    }


NETWORKS: dict[str, Mark] = {
    NetworkKind.UNMETERED: _one("+", "unmetered", "green"),
    NetworkKind.METERED: _one("m", "metered", "yellow"),
    NetworkKind.ROAMING: _one("r", "roaming", "red"),
    NetworkKind.CONNECTED: _one("c", "of unknown cost", "yellow"),
    NetworkKind.NONE: _one("-", "none", "dim"),
    NetworkKind.UNKNOWN: UNKNOWN,
}
APPS: dict[str, Mark] = {
    "foreground": _one("+", "in the foreground", "green"),
    "background": _one("-", "in the background", "dim"),
    "swiped": _one("s", "swiped away", "yellow"),
    "force-quit": _one("x", "force-quit", "red"),
    Tri.UNKNOWN: UNKNOWN,
}
LOCKS: dict[str, Mark] = {
    "open": _one("+", "open", "green"),
    "locked": _one("-", "locked", "dim"),
    "before-first-unlock": _one("x", "not unlocked since its start", "red"),
    Tri.UNKNOWN: UNKNOWN,
}
BUCKETS: dict[str, Mark] = {
    "exempted": _one("e", "exempted", "green"),
    "active": _one("a", "active", "green"),
    "working": _one("w", "working set", "blue"),
    "frequent": _one("f", "frequent", "yellow"),
    "rare": _one("r", "rare", "yellow"),
    "restricted": _one("x", "restricted", "red"),
    "never": _one("n", "never", "red"),
    Tri.UNKNOWN: UNKNOWN,
}
LEVELS: dict[str, Mark] = {
    **{str(n): _one(str(n), "", "green") for n in range(10)},
    **{f"{n}!": _one(str(n), "", "red") for n in range(10)},
    Tri.UNKNOWN: UNKNOWN,
}


def _battery(state: DeviceState) -> str:
    percent = state.battery.percent
    if percent is None:
        return Tri.UNKNOWN
    low = "!" if state.battery_low.value is Tri.YES else ""
    return f"{min(9, percent // 10)}{low}"


def _load(state: DeviceState) -> str:
    percent = state.load.percent
    return Tri.UNKNOWN if percent is None else str(min(9, percent // 10))


def _unused(state: DeviceState) -> str:
    return Tri.UNKNOWN if state.unused.ms is None else Tri.YES if state.unused.ms else Tri.NO


Stretch = tuple[int, int, str]
"""From one instant to another a signal has this value."""
Key = Callable[[DeviceState], str]
SIGNALS: Mapping[str, tuple[Key, Mapping[str, Mark]]] = {
    "charging": (lambda s: s.charging.value, _tri()),
    "battery": (_battery, LEVELS),
    "network": (lambda s: s.network.kind, NETWORKS),
    "wifi": (lambda s: s.network.name, {}),
    "idle": (lambda s: s.idle.value, _tri()),
    "storage low": (lambda s: s.storage_low.value, _tri(is_bad=True)),
    "screen": (lambda s: s.screen.value, _tri("on", "off")),
    "app": (lambda s: s.app.value, APPS),
    "lock": (lambda s: s.lock.value, LOCKS),
    "low power": (lambda s: s.low_power.value, _tri("on", "off", is_bad=True)),
    "motion": (lambda s: s.motion.value, _tri("moves", "lies still")),
    "refresh": (lambda s: s.refresh.value, _tri("on", "off")),
    "exempt": (lambda s: s.exempt.value, _tri()),
    "bucket": (lambda s: s.bucket.value, BUCKETS),
    "load": (_load, LEVELS),
    "unused": (_unused, _tri("for a while", "in use")),
}
"""Each signal: what is drawn of a state, and by which marks; a Wi-Fi's are made of its names."""
DIGITS = ("battery", "load")
"""Signals that are drawn as tens of percent."""


def changing(segments: Iterable[Segment]) -> list[str]:
    """Return the names of the signals that do not stay as they are."""
    states = [segment.state for segment in segments]
    return [name for name, (key, _) in SIGNALS.items() if len({key(state) for state in states}) > 1]


def names(values: Iterable[str]) -> dict[str, Mark]:
    """Return a letter for each name: its first one that is free, else a number."""
    found: dict[str, Mark] = {"": _one("-", "none", "dim")}
    taken = set("-?±~")
    for name in sorted(filter(None, values)):
        letters = [c for c in name if c.isascii() and c.isalnum()]
        letter = next((c for c in [*letters, *"0123456789"] if c not in taken), "*")
        taken.add(letter)
        found[name] = _one(letter, name, "green")
    return found


def drawn(segments: Sequence[Segment]) -> list[tuple[str, tuple[Stretch, ...]]]:
    """Return each signal that does not stay as it is, with its stretches."""
    return [(name, _stretches(segments, SIGNALS[name][0])) for name in changing(segments)]


def _stretches(segments: Sequence[Segment], key: Key) -> tuple[Stretch, ...]:
    found: list[Stretch] = []
    for segment in segments:
        value = str(key(segment.state))
        since = segment.from_at
        if found and found[-1][2] == value:
            since = found.pop()[0]
        found.append((since, segment.until_at, value))
    return tuple(found)

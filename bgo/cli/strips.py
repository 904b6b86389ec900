"""The device above a chart: one strip of characters for each signal that changes, and words for those that stay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from bgo.model.device import DeviceState, NetworkKind, Tri
from bgo.model.platform import PlatformState
from bgo.policy import battery

if TYPE_CHECKING:
    from bgo.run.timeline import Segment

NOT_SENSED = "not sensed"


class Mark(NamedTuple):
    """How a mark looks (in UTF-8 and elsewhere), what it means, and its colour."""

    glyph: str
    plain: str
    means: str
    style: str


class Strip(NamedTuple):
    """A signal over the cells of a chart, and what its characters mean."""

    name: str
    cells: tuple[str, ...]
    marks: Mapping[str, Mark]


BOTH = "both"
_BOTH = Mark("±", "~", "changes", "yellow")
_UNKNOWN = Mark("?", "?", "not known", "dim")
_TRI: dict[str, Mark] = {
    Tri.YES: Mark("+", "+", "yes", "green"),
    Tri.NO: Mark("-", "-", "no", "dim"),
    Tri.UNKNOWN: _UNKNOWN,
}
_SCREEN: dict[str, Mark] = {**_TRI, Tri.YES: Mark("+", "+", "on", "green"), Tri.NO: Mark("-", "-", "off", "dim")}
_NETWORK: dict[str, Mark] = {
    NetworkKind.UNMETERED: Mark("+", "+", "unmetered", "green"),
    NetworkKind.METERED: Mark("m", "m", "metered", "yellow"),
    NetworkKind.ROAMING: Mark("r", "r", "roaming", "red"),
    NetworkKind.CONNECTED: Mark("c", "c", "of unknown cost", "yellow"),
    NetworkKind.NONE: Mark("-", "-", "none", "dim"),
    NetworkKind.UNKNOWN: _UNKNOWN,
}


def _battery(state: DeviceState) -> str:
    percent = state.battery.percent
    if percent is None:
        return Tri.UNKNOWN
    low = "!" if state.battery_low.value is Tri.YES else ""
    return f"{min(9, percent // 10)}{low}"


_LEVELS: dict[str, Mark] = {
    **{str(n): Mark(str(n), str(n), "", "green") for n in range(10)},
    **{f"{n}!": Mark(str(n), str(n), "", "red") for n in range(10)},
    Tri.UNKNOWN: _UNKNOWN,
}

Key = Callable[[DeviceState], str]
SIGNALS: Mapping[str, tuple[Key, Mapping[str, Mark]]] = {
    "charging": (lambda s: s.charging.value, _TRI),
    "battery": (_battery, _LEVELS),
    "network": (lambda s: s.network.kind, _NETWORK),
    "wifi": (lambda s: s.network.name, {}),
    "idle": (lambda s: s.idle.value, _TRI),
    "storage low": (lambda s: s.storage_low.value, _TRI),
    "screen": (lambda s: s.screen.value, _SCREEN),
}
"""Each signal: what is drawn of a state, and by which marks; a Wi-Fi's are made of its names."""


def changing(segments: Iterable[Segment]) -> list[str]:
    """Return the names of the signals that do not stay as they are."""
    states = [segment.state for segment in segments]
    return [name for name, (key, _) in SIGNALS.items() if len({key(state) for state in states}) > 1]


def strips(segments: Sequence[Segment], cell: Callable[[int], int], width: int, end: int) -> list[Strip]:
    """Return a strip of `width` cells for each signal that does not stay as it is until `end`; `cell` places instants.

    A cell in which a signal changes shows that; of a battery it shows where it ends.
    """
    shown = [segment for segment in segments if segment.from_at < end]
    found = []
    for name in changing(shown):
        key, marks = SIGNALS[name]
        values = list(dict.fromkeys(key(segment.state) for segment in shown))
        seen: list[list[str]] = [[] for _ in range(width)]
        for segment in shown:
            for i in range(cell(segment.from_at), cell(segment.until_at - 1) + 1):
                seen[i].append(key(segment.state))
        one = _last if name == "battery" else _only
        found.append(Strip(name, tuple(one(cells) for cells in seen), {**(marks or _names(values)), BOTH: _BOTH}))
    return found


def _only(values: Sequence[str]) -> str:
    return values[0] if len(set(values)) == 1 else BOTH


def _last(values: Sequence[str]) -> str:
    return values[-1]


def _names(values: Iterable[str]) -> dict[str, Mark]:
    """Return a letter for each name: its first one that is free, else a number."""
    found: dict[str, Mark] = {"": Mark("-", "-", "none", "dim")}
    taken = set("-?±~")
    for name in sorted(filter(None, values)):
        letters = [c for c in name if c.isascii() and c.isalnum()]
        letter = next((c for c in [*letters, *"0123456789"] if c not in taken), "*")
        taken.add(letter)
        found[name] = Mark(letter, letter, name, "green")
    return found


def legend(strip: Strip) -> list[Mark]:
    """Return what is to be explained of a strip, each mark once."""
    used = [strip.marks[key] for key in dict.fromkeys(strip.cells)]
    if strip.name != "battery":
        return used
    digits = [Mark("0", "0", "to 9: tens of percent", "green")]
    if any(key.endswith("!") for key in strip.cells):
        digits.append(Mark("red", "red", "is low", "red"))
    return digits + [mark for mark in used if mark.means]


def steady(segments: Sequence[Segment]) -> list[str]:
    """Return in words what stays the same all the time, each with its source; what nobody says is left out."""
    changes = changing(segments)
    words = [_told(name, segments[0].state) for name in SIGNALS if name not in changes]
    return [word for word in words if word is not None]


def _told(name: str, state: DeviceState) -> str | None:
    readings = {"charging": state.charging, "idle": state.idle, "storage low": state.storage_low}
    readings["screen"] = state.screen
    if name in readings:
        word, source = str(readings[name].value), readings[name].source
    elif name == "battery":
        low = battery.reading(state, PlatformState())
        word, source = battery.told(state, low), state.battery.source
    elif name == "network":
        word, source = str(state.network.kind), state.network.source
    else:
        word, source = state.network.name, state.network.source if state.network.name else NOT_SENSED
    if source == NOT_SENSED and name != "charging":
        return None
    return f"{name} {word} ({source})"

"""The device above a chart: one strip of characters for each signal that changes, and words for those that stay."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from bgo.model.device import DeviceState
from bgo.model.platform import PlatformState
from bgo.policy import battery
from bgo.run.strips import DIGITS, SIGNALS, Mark, changing, names

if TYPE_CHECKING:
    from bgo.run.timeline import Segment

NOT_SENSED = "not sensed"
BOTH = "both"
_BOTH = Mark("±", "~", "changes", "yellow")


class Strip(NamedTuple):
    """A signal over the cells of a chart, and what its characters mean."""

    name: str
    cells: tuple[str, ...]
    marks: Mapping[str, Mark]


def strips(segments: Sequence[Segment], cell: Callable[[int], int], width: int, end: int) -> list[Strip]:
    """Return a strip of `width` cells for each signal that does not stay as it is until `end`; `cell` places instants.

    A cell in which a signal changes shows that; of a level it shows where it ends.
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
        one = _last if name in DIGITS else _only
        found.append(Strip(name, tuple(one(cells) for cells in seen), {**(marks or names(values)), BOTH: _BOTH}))
    return found


def _only(values: Sequence[str]) -> str:
    return values[0] if len(set(values)) == 1 else BOTH


def _last(values: Sequence[str]) -> str:
    return values[-1]


def legend(strip: Strip) -> list[Mark]:
    """Return what is to be explained of a strip, each mark once."""
    used = [strip.marks[key] for key in dict.fromkeys(strip.cells)]
    if strip.name not in DIGITS:
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
    word, source = _said(name, state)
    if source == NOT_SENSED and name != "charging":
        return None
    return f"{name} {word} ({source})"


def _said(name: str, state: DeviceState) -> tuple[str, str]:
    """Return what a device says of a signal, in words, and where that was learnt."""
    if name == "battery":
        return battery.told(state, battery.reading(state, PlatformState())), state.battery.source
    if name == "network":
        return str(state.network.kind), state.network.source
    if name == "wifi":
        return state.network.name, state.network.source if state.network.name else NOT_SENSED
    if name == "load":
        return f"{state.load.percent} %", NOT_SENSED if state.load.percent is None else state.load.source
    if name == "unused":
        from bgo.cli import render

        return f"for {render.duration(state.unused.ms)}", (
            NOT_SENSED if state.unused.ms is None else state.unused.source
        )
    from bgo.devices.readings import spelled

    key = name.replace(" ", "_")
    found = getattr(state, key)
    return spelled(key, str(found.value)), found.source

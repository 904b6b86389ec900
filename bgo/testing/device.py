"""The device of a test: it says what the test makes it say, now or along a script."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TypedDict, Unpack

from bgo.devices.signals import changed, over, settled, spoken_of
from bgo.devices.traces import parse_trace
from bgo.errors import UsageError
from bgo.model.device import DeviceChange, DeviceState, Level, Network, Reading, Tri
from bgo.model.platform import PlatformState
from bgo.testing.clock import ManualClock

SOURCE = "bgo_device"
UNKNOWN = DeviceState(
    charging=Reading(source=SOURCE),
    battery=Level(source=SOURCE),
    battery_low=Reading(source=SOURCE),
    network=Network(source=SOURCE),
    idle=Reading(source=SOURCE),
    storage_low=Reading(source=SOURCE),
    screen=Reading(source=SOURCE),
)


class Signals(TypedDict, total=False):
    """What may be said of the device; None: it cannot tell."""

    charging: bool | None
    battery: int | None
    """Percent. Low at 15 and so until 20, as a phone has it."""
    network: str | None
    """none, connected (of unknown cost), unmetered, metered or roaming."""
    wifi: str | None
    idle: bool | None
    storage_low: bool | None
    screen: bool | None


class ScriptedDevice:
    """A device without sensors. Until it is told otherwise everything is unknown, and what needs power is held."""

    def __init__(self, clock: ManualClock, **signals: Unpack[Signals]) -> None:
        self.clock = clock
        self._changes: list[DeviceChange] = []
        if signals:
            self.set(**signals)

    def __repr__(self) -> str:
        state, words = self.state, []
        for field in fields(DeviceState):
            found = getattr(state, field.name)
            if field.name != "battery_low" and (_word(found) != "unknown" or field.name == "charging"):
                words.append(f"{field.name}={_word(found)}")
        return f"<device {' '.join(words)}>"

    @property
    def state(self) -> DeviceState:
        """Return what it says now."""
        now, found = self.clock.now_ms(), UNKNOWN
        for change in self._changes:
            if change.at_ms <= now:
                found = change.state
        return found

    @property
    def next_change(self) -> int | None:
        """Return when the script changes next, in UTC milliseconds."""
        now = self.clock.now_ms()
        return next((change.at_ms for change in self._changes if change.at_ms > now), None)

    def set(self, **signals: Unpack[Signals]) -> None:
        """Say from now on, for example, whether it charges; what is not said stays as it is now, and a script that was
        playing ends.
        """
        words = {name: _said(name, value) for name, value in signals.items()}
        before = self.state
        was_low = PlatformState(battery_low=before.battery_low.value is Tri.YES)
        state = changed(before, words, SOURCE)
        if "battery" in words:
            state, _ = settled(replace(state, battery_low=Reading(source=SOURCE)), was_low)
        self._changes = [DeviceChange(self.clock.now_ms(), state)]

    def play(self, script: str) -> None:
        """Follow a script from now on, as `bgo simulate --device` reads it: lines such as `at +2h charging=yes`.

        Until its first line the device says what it says now, and so it does of what the script never mentions.
        """
        now, state = self.clock.now_ms(), self.state
        changes = parse_trace(script, SOURCE, now)
        own = frozenset[str]().union(*(spoken_of(change.state) for change in changes))
        told = [DeviceChange(change.at_ms, over(change.state, state, own)) for change in changes]
        self._changes = [DeviceChange(now, state), *told]


def _said(name: str, value: object) -> str:
    """Return a value as a script would say it."""
    is_yes_no = name not in ("battery", "network", "wifi")
    if value is None:
        return "unknown"
    if isinstance(value, bool) is not is_yes_no:
        hint = "True, False, or None for unknown" if is_yes_no else "battery=80, network='metered', or None"
        raise UsageError(f"{name}={value!r} is no reading", hint=hint)
    return ("yes" if value else "no") if is_yes_no else str(value)


def _word(found: Reading | Level | Network) -> str:
    if isinstance(found, Level):
        return "unknown" if found.percent is None else f"{found.percent}"
    return str(found.kind if isinstance(found, Network) else found.value)

"""The device of a test: it says what the test makes it say, now or along a script."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, TypedDict, Unpack

from bgo.devices.readings import word_of
from bgo.devices.signals import changed, over, settled, spoken_of
from bgo.devices.traces import parse_trace
from bgo.errors import UsageError
from bgo.model.device import DeviceChange, DeviceState, Reading, Tri
from bgo.model.platform import PlatformState
from bgo.testing.clock import ManualClock

SOURCE = "bgo_device"
_FIELDS = {f.name: getattr(DeviceState(), f.name) for f in fields(DeviceState)}
UNKNOWN = DeviceState(**{name: replace(value, source=SOURCE) for name, value in _FIELDS.items()})


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
    load: int | None
    """How busy its processors are, in percent."""
    unused: str | None
    """For how long nobody has touched it, and so from then on: `10m`; `no` while somebody is at it."""
    app: str | None
    """A phone's app: foreground, background, swiped or force-quit."""
    lock: str | None
    """open, locked or before-first-unlock."""
    low_power: bool | None
    motion: bool | None
    refresh: bool | None
    exempt: bool | None
    bucket: str | None


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
            if field.name != "battery_low" and (_word(field.name, found) != "unknown" or field.name == "charging"):
                words.append(f"{field.name}={_word(field.name, found)}")
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
        state = changed(before, words, SOURCE, self.clock.now_ms())
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
    is_yes_no = isinstance(_FIELDS.get(name), Reading)
    if value is None:
        return "unknown"
    if isinstance(value, bool) is not is_yes_no:
        hint = "True, False, or None for unknown" if is_yes_no else "battery=80, network='metered', or None"
        raise UsageError(f"{name}={value!r} is no reading", hint=hint)
    return ("yes" if value else "no") if is_yes_no else str(value)


def _word(name: str, found: Any) -> str:
    return f"{found.value}" if isinstance(found, Reading) else word_of(name, found)

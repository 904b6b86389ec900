"""Asking all sensors of a device at once: what takes over a second, or goes wrong, is unknown with the reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from bgo.clock import SystemClock
from bgo.devices.sensors.asking import Limit, TooSlow, Unreadable, brief
from bgo.devices.sensors.power import FACT
from bgo.model.device import DeviceState, Level, Network, Reading

if TYPE_CHECKING:
    from threading import Thread

PROGRAMS_MS = 900
"""How long the programs may take; they run side by side."""
ALL_MS = 1000
REST_MS = 60_000
"""A sensor that was too slow is not asked for so long, so that a worker does not wait for it again and again."""
_NOTHING: dict[str, Callable[[str], Any]] = {
    "charging": lambda why: Reading(source=why),
    "battery": lambda why: Level(source=why),
    "battery_low": lambda why: Reading(source=why),
    "network": lambda why: Network(source=why),
    "idle": lambda why: Reading(source=why),
    "storage_low": lambda why: Reading(source=why),
    "screen": lambda why: Reading(source=why),
}


class Sensor(NamedTuple):
    """What reads some fields of a DeviceState; it may raise whatever it likes."""

    fields: tuple[str, ...]
    read: Callable[[Limit], DeviceState]


class Row(NamedTuple):
    """One value for people: what it is, what it says, where it comes from, and how long that took."""

    name: str
    value: str
    """yes, no or unknown; a percentage, none without a battery; a kind of network with its Wi-Fi's name."""
    source: str
    latency_ms: int | None
    """None for a value that no sensor was asked for."""
    age_ms: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What a survey has found."""

    state: DeviceState
    latency_ms: dict[str, int]
    """By field."""
    read_ms: int
    """When, by the awake clock."""

    def rows(self, now_ms: int) -> list[Row]:
        """Return every value of the state, in the state's order; `now_ms` is awake time."""
        found = ((name, getattr(self.state, name)) for name in _NOTHING)
        age = now_ms - self.read_ms
        return [Row(name, said(it), it.source, self.latency_ms.get(name), age) for name, it in found]


def said(value: Reading | Level | Network) -> str:
    """Return a value in a word or two."""
    if isinstance(value, Reading):
        return value.value.value
    if isinstance(value, Level):
        known = "none" if value.source == FACT else "unknown"
        return known if value.percent is None else f"{value.percent} %"
    return value.kind.value + (f" ({value.name})" if value.name else "")


class _Ask:
    """One sensor being asked, in a thread of its own."""

    def __init__(self, sensor: Sensor, limit: Limit) -> None:
        from threading import Thread

        self.sensor = sensor
        self.took_ms = 0
        self.is_slow = False
        self.found: DeviceState | None = None
        self._limit = limit
        self._clock = SystemClock()
        self._start = self._clock.awake_ms()
        self.thread: Thread = Thread(target=self._run, name=f"bgo sensor {sensor.fields[0]}", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            found = self.sensor.read(self._limit)
        except Unreadable as error:
            self.is_slow = isinstance(error, TooSlow)
            found = unknown(self.sensor, str(error))
        except Exception as error:
            found = unknown(self.sensor, brief(f"{type(error).__name__}: {error}"))
        self.took_ms = self._clock.awake_ms() - self._start
        self.found = found


def unknown(sensor: Sensor, why: str) -> DeviceState:
    """Return that a sensor says nothing, and why."""
    return replace(DeviceState(), **{name: _NOTHING[name](why) for name in sensor.fields})


class Survey:
    """The sensors of one device. What was too slow is remembered: keep one survey as long as you ask."""

    def __init__(self, sensors: Sequence[Sensor]) -> None:
        self._sensors = tuple(sensors)
        self._clock = SystemClock()
        self._resting: dict[Sensor, tuple[int, Thread]] = {}

    def take(self) -> Taken:
        """Return what all sensors say now, after a second at most; never raises for what they do."""
        limit, whole = Limit(PROGRAMS_MS), Limit(ALL_MS)
        asked = {sensor: _Ask(sensor, limit) for sensor in self._sensors if not self._rests(sensor)}
        state = DeviceState()
        latency: dict[str, int] = {}
        for sensor in self._sensors:
            if ask := asked.get(sensor):
                ask.thread.join(whole.left_s())
                part, took = self._part(ask)
            else:
                part, took = unknown(sensor, f"it was too slow; asked again {REST_MS // 1000} s after that"), 0
            state = replace(state, **{name: getattr(part, name) for name in sensor.fields})
            latency |= dict.fromkeys(sensor.fields, took)
        return Taken(state, latency, self._clock.awake_ms())

    def _part(self, ask: _Ask) -> tuple[DeviceState, int]:
        found = ask.found
        if found is None or ask.is_slow:
            self._resting[ask.sensor] = (self._clock.awake_ms() + REST_MS, ask.thread)
        if found is None:
            return unknown(ask.sensor, f"it took longer than {ALL_MS / 1000:g} s"), ALL_MS
        return found, ask.took_ms

    def _rests(self, sensor: Sensor) -> bool:
        """Say whether a sensor is left alone: one that hangs to this hour is, or threads would pile up."""
        until, thread = self._resting.get(sensor, (0, None))
        if thread is None or (until <= self._clock.awake_ms() and not thread.is_alive()):
            self._resting.pop(sensor, None)
            return False
        return True

"""Asking all sensors of a device at once: what takes over a second, or goes wrong, is unknown with the reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, NamedTuple

from bgo.clock import SystemClock
from bgo.devices.sensors.asking import Limit, Unreadable, brief, span
from bgo.devices.sensors.power import FACT
from bgo.model.device import DeviceState, Level, Network, Reading, Span, Word

if TYPE_CHECKING:
    from threading import Thread

PROGRAMS_MS = 900
"""How long the programs may take; they run side by side."""
ALL_MS = 1000
REST_MS = 60_000
"""A sensor whose programs were too slow does without them for so long: a worker waits once, not at every look."""
_NOTHING = {f.name: type(getattr(DeviceState(), f.name)) for f in fields(DeviceState)}
"""Field → what says that it is unknown, given the reason as `source`."""
PHONES = frozenset({"app", "lock", "low_power", "motion", "refresh", "exempt", "bucket"})
"""Fields that a computer need not explain when nothing senses them."""
Value = Reading | Level | Network | Word | Span


class Sensor(NamedTuple):
    """What reads some fields of a DeviceState; it may raise whatever it likes."""

    fields: tuple[str, ...]
    read: Callable[[Limit], DeviceState]


class Row(NamedTuple):
    """One value for people: what it is, what it says, where it comes from, and how long that took."""

    name: str
    value: str
    """yes, no or unknown; a percentage, none without a battery; a kind of network with its Wi-Fi's name; a word of a
    phone's; a time."""
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
        """Return every value of the state, in the state's order; `now_ms` is awake time.

        What only phones have is left out where no sensor was asked for it.
        """
        names = [name for name in _NOTHING if name in self.latency_ms or name not in PHONES or self._says(name)]
        found = ((name, getattr(self.state, name)) for name in names)
        age = now_ms - self.read_ms
        return [Row(name, said(it), it.source, self.latency_ms.get(name), age) for name, it in found]

    def _says(self, name: str) -> bool:
        return bool(getattr(self.state, name) != getattr(DeviceState(), name))


def said(value: Value) -> str:
    """Return a value in a word or two."""
    if isinstance(value, Span):
        return "unknown" if value.ms is None else span(value.ms)
    if isinstance(value, Word):
        return value.value
    if isinstance(value, Reading):
        return value.value.value
    if isinstance(value, Level):
        known = "none" if value.source == FACT else "unknown"
        return known if value.percent is None else f"{value.percent} %"
    return value.kind.value + (f" ({value.name})" if value.name else "")


class _Ask:
    """One sensor being asked, in a thread of its own."""

    def __init__(self, sensor: Sensor, limit: Limit, is_resting: bool) -> None:
        from threading import Thread

        self.is_resting = is_resting
        self.sensor = sensor
        self.took_ms = 0
        self.found: DeviceState | None = None
        self.limit = limit
        self._clock = SystemClock()
        self._start = self._clock.awake_ms()
        self.thread: Thread = Thread(target=self._run, name=f"bgo sensor {sensor.fields[0]}", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            found = self.sensor.read(self.limit)
        except Unreadable as error:
            found = unknown(self.sensor, str(error))
        except Exception as error:
            found = unknown(self.sensor, brief(f"{type(error).__name__}: {error}"))
        self.took_ms = self._clock.awake_ms() - self._start
        self.found = found


def unknown(sensor: Sensor, why: str) -> DeviceState:
    """Return that a sensor says nothing, and why."""
    return replace(DeviceState(), **{name: _NOTHING[name](source=why) for name in sensor.fields})


class Survey:
    """The sensors of one device. What was too slow is remembered: keep one survey as long as you ask."""

    def __init__(self, sensors: Sequence[Sensor]) -> None:
        from threading import Lock

        self._sensors = tuple(sensors)
        self._clock = SystemClock()
        self._resting: dict[Sensor, int] = {}
        """Until when a sensor does without its programs."""
        self._hanging: dict[Sensor, Thread] = {}
        self._taken: Taken | None = None
        self._lock = Lock()

    @property
    def last(self) -> Taken | None:
        """Return what was taken last."""
        return self._taken

    def take(self, max_age_ms: int = 0) -> Taken:
        """Return what all sensors say now, after a second at most; never raises for what they do.

        What was taken less than `max_age_ms` ago is returned again.
        """
        with self._lock:
            if self._taken is None or self._clock.awake_ms() - self._taken.read_ms >= max_age_ms:
                self._taken = self._take()
            return self._taken

    def _take(self) -> Taken:
        limit = Limit(ALL_MS)
        asked = {sensor: self._ask(sensor) for sensor in self._sensors if not self._hangs(sensor)}
        state = DeviceState()
        latency: dict[str, int] = {}
        for sensor in self._sensors:
            part, took = self._answer(sensor, asked.get(sensor), limit)
            state = replace(state, **{name: getattr(part, name) for name in sensor.fields})
            latency |= dict.fromkeys(sensor.fields, took)
        return Taken(state, latency, self._clock.awake_ms())

    def _ask(self, sensor: Sensor) -> _Ask:
        is_resting = self._resting.get(sensor, 0) > self._clock.awake_ms()
        return _Ask(sensor, Limit(0 if is_resting else PROGRAMS_MS), is_resting)

    def _answer(self, sensor: Sensor, ask: _Ask | None, limit: Limit) -> tuple[DeviceState, int]:
        if ask is None:
            return unknown(sensor, "it still has not answered"), 0
        ask.thread.join(limit.left_s())
        if ask.limit.was_passed and not ask.is_resting:
            self._resting[sensor] = self._clock.awake_ms() + REST_MS
        if (found := ask.found) is not None:
            return found, ask.took_ms
        self._hanging[sensor] = ask.thread
        return unknown(sensor, f"it took longer than {ALL_MS / 1000:g} s"), ALL_MS

    def _hangs(self, sensor: Sensor) -> bool:
        """Say whether a sensor hangs to this hour: it is not asked again, or threads would pile up."""
        thread = self._hanging.get(sensor)
        if thread is not None and not thread.is_alive():
            del self._hanging[sensor]
        return sensor in self._hanging

"""How a device is read: the first that says something of a signal counts.

What is said of it as a fact, a script that plays, the variable `BGO_DEVICE`, its sensors, what is assumed where they
know nothing, and at last what its profile says of a device of which nothing is known. Under the profile of a phone this
computer's own sensors are asked only when `host` is named: a phone is not this computer.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bgo.devices import signals
from bgo.devices.names import FORMS, HERE, is_right, is_sensed
from bgo.devices.sensors.termux import is_termux
from bgo.devices.signals import over, spoken_of
from bgo.errors import UsageError
from bgo.model.device import (
    NO_FACTS,
    DeviceChange,
    DeviceState,
    Facts,
    Level,
    Network,
    NetworkKind,
    Reading,
    Span,
    Tri,
    Word,
)
from bgo.model.profile import HOST, Battery, Profile

if TYPE_CHECKING:
    from bgo.devices.sensors.survey import Survey, Value

SENSE_MS = 5_000
"""Sensors are asked at most so often."""
ASSUMED = "[assume]"
AHEAD_MS = 2 * 86_400_000
"""So far ahead the days of a script are made."""
_COSTS = frozenset({NetworkKind.UNMETERED, NetworkKind.METERED, NetworkKind.ROAMING})
Sense = Callable[[], DeviceState]


@dataclass(frozen=True)
class Ground:
    """What a device is read by, beside what is said of it."""

    survey: Callable[[str], Survey]
    """The sensors of `host`, `adb…` or `termux`; called when they are asked for the first time."""
    now_ms: Callable[[], int]
    configured: str = HERE
    """Whose sensors the configuration names."""
    profile: Profile = HOST
    assume: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)
    is_made_up: bool = False
    """It is a device on paper: no sensor is asked."""

    @cached_property
    def usual(self) -> DeviceState:
        """Return what the profile says of a device of which nobody says anything."""
        profile = self.profile
        if not profile.device:
            return DeviceState()
        return signals.said(profile.device, f"profile {profile.name}", profile.battery)

    def told(self, state: DeviceState) -> DeviceState:
        """Return the state, with what nobody says of it as it usually is."""
        return over(state, self.usual) if self.profile.device else state


def reader(facts: Facts, ground: Ground) -> Sense:
    """Return how the device is read. Raises UsageError for a script, or a BGO_DEVICE, that cannot be."""
    named = facts.device
    if is_sensed(named) and not is_right(named):
        raise UsageError(f"no device {named!r:.60}", why="it names nothing that has sensors", hint=FORMS)
    marks = ground.profile.battery
    sense = _sensing(named if is_sensed(named) else "", ground)
    sense = _under(signals.from_environment(ground.env.get(signals.VARIABLE, ""), marks), sense)
    if named and not is_sensed(named):
        sense = _along(named, ground, sense)
    return _under(signals.remarked(facts.state, marks), sense)


def _under(above: DeviceState, sense: Sense) -> Sense:
    """Return the reading with these facts above it."""
    if not (names := spoken_of(above)):
        return sense
    return lambda: over(above, sense(), names)


def _along(script: str, ground: Ground, sense: Sense) -> Sense:
    """Return the reading of a device that follows a script from now on, by the clock on the wall."""
    along = Along(script, ground.now_ms(), ground.profile.battery)

    def read() -> DeviceState:
        now = ground.now_ms()
        return ground.told(over(along.at(now), sense(), along.own))

    return read


def past(facts: Facts, ground: Ground) -> tuple[DeviceChange, ...]:
    """Return what the device said until now, where a script tells it."""
    if not facts.device or is_sensed(facts.device):
        return ()
    from bgo.devices.traces import read_trace

    now = ground.now_ms()
    script = read_trace(facts.device, now, until_ms=now, marks=ground.profile.battery)
    return tuple(change for change in play(facts, script, now, ground) if change.at_ms < now)


def play(
    facts: Facts, script: tuple[DeviceChange, ...] | None, start_ms: int, ground: Ground
) -> tuple[DeviceChange, ...]:
    """Return the device of a play: what is said, then the script, then what is read now. Without a script it stays as
    it is now.
    """
    from bgo.devices.traces import with_facts

    if script is None:
        return (DeviceChange(start_ms - facts.since_ms, signals.at_start(reader(facts, ground)(), start_ms)),)
    above = signals.remarked(facts.state, ground.profile.battery)
    changes = with_facts(script, start_ms, above=above, below=reader(NO_FACTS, ground)())
    return tuple(replace(change, state=ground.told(change.state)) for change in changes)


class Along:
    """A script that is followed: what it says at an instant. Its days are made as they come."""

    def __init__(self, script: str, start_ms: int, marks: Battery) -> None:
        from bgo.devices.traces import read_script

        self._name, self._text = script, read_script(script)
        self._start_ms, self._marks = start_ms, marks
        self._read(start_ms)
        self.own = frozenset[str]().union(*(spoken_of(change.state) for change in self._changes))
        """The fields of which it ever says something: before it does, they are unknown."""

    def _read(self, now_ms: int) -> None:
        from bgo.devices.traces import parse_trace

        self._until = now_ms + AHEAD_MS
        self._changes = parse_trace(self._text, self._name, self._start_ms, None, self._until, self._marks)
        self._times = [change.at_ms for change in self._changes]

    def at(self, now_ms: int) -> DeviceState:
        """Return what it says at an instant."""
        if now_ms >= self._until:
            self._read(now_ms)
        index = bisect_right(self._times, now_ms)
        return self._changes[index - 1].state if index else DeviceState()


def _sensing(named: str, ground: Ground) -> Sense:
    is_asked = named or ground.profile.os == HERE or ground.configured != HERE or is_termux(ground.env)
    if ground.is_made_up or not is_asked:
        return lambda: ground.usual
    guesses = assumption(ground.assume)
    is_meant = ground.profile.os == HERE and not named  # what a computer's own profile says of its device

    def read() -> DeviceState:
        sensed = assumed(ground.survey(named or ground.configured).take(SENSE_MS).state, guesses)
        return over(ground.usual, sensed) if is_meant else ground.told(sensed)

    return read


def assumption(words: Mapping[str, str]) -> DeviceState:
    """Return what is assumed, from the words of `[assume]`."""
    return signals.said(words, ASSUMED)


def assumed(sensed: DeviceState, guesses: DeviceState) -> DeviceState:
    """Return what sensors say, and where they know nothing what is assumed: of a network, its cost."""
    found: dict[str, Any] = {}
    for name in spoken_of(guesses):
        guess, value = getattr(guesses, name), getattr(sensed, name)
        if name == "network":
            found[name] = _cost(value, guess)
        elif name == "battery_low":
            found[name] = guess if _is_unknown(sensed.battery) and _is_unknown(value) else value
        elif _is_unknown(value):
            found[name] = replace(guess, source=f"{ASSUMED}; {value.source}")
    return replace(sensed, **found)


def _cost(sensed: Network, guess: Network) -> Network:
    is_open = sensed.kind is NetworkKind.UNKNOWN or (sensed.kind is NetworkKind.CONNECTED and guess.kind in _COSTS)
    return replace(sensed, kind=guess.kind, source=f"{ASSUMED}; {sensed.source}") if is_open else sensed


def _is_unknown(value: Value) -> bool:
    if isinstance(value, Reading):
        return value.value is Tri.UNKNOWN
    if isinstance(value, Level):
        return value.percent is None
    if isinstance(value, Span):
        return value.ms is None
    return value.value == "unknown" if isinstance(value, Word) else value.kind is NetworkKind.UNKNOWN

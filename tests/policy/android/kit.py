"""A phone to play with: tell it what happens, ask what holds and what is stopped."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from bgo.devices.profiles import profile
from bgo.model.android_state import AndroidState
from bgo.model.device import DeviceState, Level, Network, NetworkKind, Reading, Tri, Word
from bgo.model.lane import PLAIN, Gate, Traits, ViewKey
from bgo.model.options import NO_CONSTRAINTS, NetworkConstraint, TaskConstraints
from bgo.model.plan import Hold
from bgo.model.platform import DeviceSaid, Event, Gathered, RunBegan, RunOver, Stop
from bgo.model.profile import Profile
from bgo.policy import android

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
ANY_NETWORK = TaskConstraints(network=NetworkConstraint.CONNECTED)


@cache
def named(name: str) -> Profile:
    """Return a built-in profile."""
    return profile(name)


def key(traits: Traits = PLAIN, constraints: TaskConstraints = NO_CONSTRAINTS) -> ViewKey:
    """Return the key of such work."""
    return ViewKey("default", "work", constraints, traits=traits)


def device(**said: Any) -> DeviceState:
    """Return a device that says this: `device(charging=True, battery=50, network="none", app="swiped")`."""
    found = DeviceState()
    for name, value in said.items():
        reading: Any
        if name == "battery":
            reading = Level(value, "test")
        elif name == "network":
            reading = Network(NetworkKind(value), "test")
        elif name in ("app", "lock", "bucket"):
            reading = Word(value, "test")
        else:
            reading = Reading(Tri.YES if value else Tri.NO, "test")
        found = replace(found, **{name: reading})
    return found


MET = 1_800_000_000_000
"""When phones are met: in January 2027. An instant that is none of many is easily taken for a duration."""


class Phone:
    """A phone under a profile; instants are milliseconds from when it was met, or with `base=0` as they are."""

    def __init__(self, rules: str | Profile = "android", base: int = MET, **said: Any) -> None:
        self.base = base
        self.profile = named(rules) if isinstance(rules, str) else rules
        self.state: AndroidState | None = None
        self.device = DeviceState()
        self.tell(MET - base, **said)

    def _fold(self, event: Event) -> None:
        self.state = android.step(self.profile, self.state, event)

    def _at(self, now: int) -> AndroidState:
        assert self.state is not None
        self.state = android.advance(self.profile, self.state, self.base + now)
        return self.state

    def tell(self, at: int, *, firm: bool = False, **said: Any) -> None:
        """Let the phone say something new; the rest stays as it was. What is firm counts from `at` though it be old."""
        new = device(**said)
        self.device = replace(self.device, **{name: getattr(new, name) for name in said})
        self._fold(DeviceSaid(self.base + at, self.device, frozenset(said) if firm else frozenset()))

    def begin(self, at: int, run: str = "run", traits: Traits = PLAIN, wants_network: bool = False) -> None:
        self._fold(RunBegan(self.base + at, run, traits, wants_network))

    def end(self, at: int, run: str = "run") -> None:
        self._fold(RunOver(self.base + at, run))

    def work(self, start: int, end: int) -> None:
        """Let plain work run from `start` to `end`."""
        self.begin(start, f"run at {start}")
        self.end(end, f"run at {start}")

    def gather(self, at: int, ready: int) -> None:
        self._fold(Gathered(self.base + at, ready))

    def holds(self, now: int, traits: Traits = PLAIN, constraints: TaskConstraints = NO_CONSTRAINTS) -> list[Hold]:
        """Return what holds such work; the state itself is left as it is."""
        assert self.state is not None
        asked = key(traits, constraints)
        return [
            hold if hold.until_ms is None else replace(hold, until_ms=hold.until_ms - self.base)
            for hold in android.holds(self.profile, self.state, self.device, asked, self.base + now)
        ]

    def gates(self, now: int, traits: Traits = PLAIN, constraints: TaskConstraints = NO_CONSTRAINTS) -> list[Gate]:
        return [hold.gate for hold in self.holds(now, traits, constraints)]

    def stop(self, now: int, run: str = "run", traits: Traits = PLAIN, begun: int = 0) -> Stop | None:
        event = RunBegan(self.base + begun, run, traits)
        found = android.stop(self.profile, self._at(now), self.device, event, self.base + now)
        return None if found is None else found._replace(at=found.at - self.base)

    def edge(self, now: int) -> int | None:
        assert self.state is not None
        found = android.next_edge(self.profile, self.state, self.base + now)
        return None if found is None else found - self.base

    def judged(self, now: int) -> DeviceState:
        return android.as_judged(self.profile, self._at(now), self.device, self.base + now)

    def opens(self, now: int, until: int, traits: Traits = PLAIN) -> int | None:
        """Return the first instant from `now` on at which such work may start, going from edge to edge."""
        while now < until:
            if not self.holds(now, traits):
                return now
            edge = self.edge(now)
            if edge is None:
                return None
            now = edge
        return None

"""Android's rules over time; see `policy.platform` for what the functions mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from bgo.model.android_state import AndroidState
from bgo.model.device import DeviceState
from bgo.model.platform import Event, RunBegan, Stop
from bgo.model.profile import Profile

if TYPE_CHECKING:
    from bgo.model.lane import ViewKey
    from bgo.model.plan import Hold


def step(profile: Profile, state: AndroidState | None, event: Event) -> AndroidState:
    """Return the state after an event; None: nothing was seen before."""
    return AndroidState(event.at) if state is None else replace(state, at=max(state.at, event.at))


def advance(profile: Profile, state: AndroidState, now: int) -> AndroidState:
    """Return the state once time has gone on to `now` and nothing has happened."""
    return replace(state, at=max(state.at, now))


def as_judged(profile: Profile, state: AndroidState, device: DeviceState, now: int) -> DeviceState:
    """Return the device as constraints see it."""
    return device


def next_edge(profile: Profile, state: AndroidState, now: int) -> int | None:
    """Return the first instant after `now` at which an answer may change by itself."""
    return None


def holds(profile: Profile, state: AndroidState, device: DeviceState, key: ViewKey, now: int) -> Iterator[Hold]:
    """Yield what the platform has against starting such work."""
    yield from ()


def stop(profile: Profile, state: AndroidState, device: DeviceState, run: RunBegan, now: int) -> Stop | None:
    """Return when a run must end."""
    return None

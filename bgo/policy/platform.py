"""A platform's rules over time: events are folded into a state, and by that state work is held, and runs are stopped.

Each platform has a package of reducers with the same five functions. All of them are pure: the same state, profile and
instant give the same answer in the worker, in explain, in the linter and in the simulator.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from bgo.model.device import DeviceState
from bgo.model.platform import Event, PlatformState, RunBegan, Stop
from bgo.model.profile import Profile
from bgo.policy import android, ios

if TYPE_CHECKING:
    from bgo.model.lane import ViewKey
    from bgo.model.plan import Hold


def fold(profile: Profile, state: PlatformState, events: Iterable[Event], now: int) -> PlatformState:
    """Return the state once these events have happened, in their order, and time has gone on to `now`."""
    match profile.os:
        case "android":
            slice_ = state.android
            for event in events:
                slice_ = android.step(profile, slice_, event)
            return state if slice_ is None else replace(state, android=android.advance(profile, slice_, now))
        case "ios":
            found = state.ios
            for event in events:
                found = ios.step(profile, found, event)
            found = None if found is None else ios.advance(profile, found, now)
            return state if found is state.ios else replace(state, ios=found)
        case "host":
            return state


def begin(profile: Profile, state: PlatformState, at: int, seed: int) -> PlatformState:
    """Return the state at the start of a play: what is remembered of later than that is forgotten, and what a platform
    does when it likes is drawn by the seed."""
    if state.android is not None and state.android.at > at:
        state = replace(state, android=None)
    return replace(state, ios=ios.begin(profile, state.ios, at, seed)) if profile.os == "ios" else state


def as_judged(profile: Profile, state: PlatformState, device: DeviceState, now: int) -> DeviceState:
    """Return the device as constraints see it: Doze cuts the network, idleness counts from when the screen went off."""
    if state.android is not None and profile.os == "android":
        return android.as_judged(profile, state.android, device, now)
    if state.ios is not None and profile.os == "ios":
        return ios.as_judged(profile, state.ios, device, now)
    return device


def next_edge(profile: Profile, state: PlatformState, now: int) -> int | None:
    """Return the first instant after `now` at which holds or stops may differ by themselves; None: never."""
    if state.android is not None and profile.os == "android":
        return android.next_edge(profile, state.android, now)
    if state.ios is not None and profile.os == "ios":
        return ios.next_edge(profile, state.ios, now)
    return None


def holds(profile: Profile, state: PlatformState, device: DeviceState, key: ViewKey, now: int) -> Iterator[Hold]:
    """Yield what the platform has against starting such work now, in the order in which it asks; constraints are not
    among it."""
    if state.android is not None and profile.os == "android":
        yield from android.holds(profile, state.android, device, key, now)
    elif state.ios is not None and profile.os == "ios":
        yield from ios.holds(profile, state.ios, device, key, now)


def stop(profile: Profile, state: PlatformState, device: DeviceState, run: RunBegan, now: int) -> Stop | None:
    """Return when a run must end, if nothing happens before: an instant that may have come; None: it may go on."""
    if state.android is not None and profile.os == "android":
        return android.stop(profile, state.android, device, run, now)
    if state.ios is not None and profile.os == "ios":
        return ios.stop(profile, state.ios, device, run, now)
    return None

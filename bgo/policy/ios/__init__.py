"""iOS's rules over time; see `policy.platform` for what the functions mean.

Work runs while the app is in the foreground, for a grace after it has left, in a refresh (short, at any time), and in
processing (minutes, while nobody uses the device). When those come iOS alone knows: here they are drawn (`draws`).
All work of the app shares the time: it ends for all of it at once. What runs as a service of the foreground ends
with the app's process only: `continued` work, which its user has started, and a `transfer`, which iOS carries out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from bgo.model.device import DeviceState, Reading, Tri
from bgo.model.ios_state import IosState
from bgo.model.platform import DeviceSaid, Event, RunBegan, Stop
from bgo.model.profile import Profile
from bgo.policy.ios import grants, steps, telling

if TYPE_CHECKING:
    from bgo.model.lane import ViewKey
    from bgo.model.plan import Hold

CONTINUED, TRANSFER = "continued", "transfer"


def step(profile: Profile, state: IosState | None, event: Event) -> IosState:
    """Return the state after an event; None: nothing was seen before. What runs and what waits makes no difference."""
    state = IosState(event.at) if state is None else state
    if isinstance(event, DeviceSaid):
        return steps.said(profile, state, event)
    return grants.advance(profile, state, event.at)


def advance(profile: Profile, state: IosState, now: int) -> IosState:
    """Return the state once time has gone on to `now` and nothing has happened."""
    return grants.advance(profile, state, now)


def begin(profile: Profile, state: IosState | None, at: int, seed: int) -> IosState:
    """Return the state at the start of a play: with times that the seed draws, and nothing that lies ahead of it."""
    if state is None or state.at > at:
        return IosState(at, seed)
    return grants.timed(profile, replace(grants.advance(profile, state, at), seed=seed))


def as_judged(profile: Profile, state: IosState, device: DeviceState, now: int) -> DeviceState:
    """Return the device as constraints see it: without a word of its own it is idle once its screen is dark so long."""
    if device.idle.value is not Tri.UNKNOWN or state.facts is None:
        return device
    known = device.screen.source if device.screen.value is not Tri.UNKNOWN else device.lock.source
    if device.screen.value is Tri.UNKNOWN and device.lock.value == "unknown":
        return device
    idle = state.idle_from is not None and state.idle_from <= now
    return replace(device, idle=Reading(Tri.YES if idle else Tri.NO, known))


def next_edge(profile: Profile, state: IosState, now: int) -> int | None:
    """Return the first instant after `now` at which an answer may change by itself."""
    return grants.next_edge(profile, grants.advance(profile, state, now), now)


def holds(profile: Profile, state: IosState, device: DeviceState, key: ViewKey, now: int) -> Iterator[Hold]:
    """Yield what the platform has against starting such work: first what keeps the app from running at all, then what
    keeps iOS from giving it time, and last that it has given none."""
    state = _at(profile, state, device, now)
    yield from telling.gone(state, device)
    is_in_front = state.facts is not None and state.facts.app == "foreground"
    if key.traits.foreground == CONTINUED and not is_in_front:
        yield telling.not_in_front(key.traits)
    elif not is_in_front and not state.grace_until:
        yield from telling.in_background(profile, state, device, key, now)


def stop(profile: Profile, state: IosState, device: DeviceState, run: RunBegan, now: int) -> Stop | None:
    """Return when a run must end: with the app, or with the last of the time that iOS gives."""
    state = _at(profile, state, device, now)
    if (hold := next(telling.gone(state, device), None)) is not None:
        return Stop(now, hold)
    if run.traits.foreground == TRANSFER and state.facts is not None and not state.facts.refresh:
        return Stop(now, telling.cancelled(device))
    if run.traits.foreground in (CONTINUED, TRANSFER) or (state.facts is not None and state.facts.app == "foreground"):
        return None
    ends = max(state.grace_until, state.refresh_until, state.processing_until)
    return Stop(ends or now, telling.time_over(state))


def _at(profile: Profile, state: IosState, device: DeviceState, now: int) -> IosState:
    """Return the state as it is now, of a device that says this."""
    if state.facts is None:
        return steps.said(profile, state, DeviceSaid(now, device))
    return grants.advance(profile, state, now)

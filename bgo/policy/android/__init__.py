"""Android's rules over time; see `policy.platform` for what the functions mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from bgo.model.android_state import AndroidState
from bgo.model.device import DeviceState, Reading, Tri
from bgo.model.platform import DeviceSaid, Event, Gathered, RunBegan, RunOver, Stop
from bgo.model.profile import Battery, Profile
from bgo.policy.android import batching, facts, folding, judging, restating
from bgo.policy.android.wording import told

if TYPE_CHECKING:
    from bgo.model.lane import ViewKey
    from bgo.model.plan import Hold

USUAL = (Battery().low, Battery().okay)
"""Marks by which every level is judged anyhow."""


def step(profile: Profile, state: AndroidState | None, event: Event) -> AndroidState:
    """Return the state after an event; None: nothing was seen before."""
    state = folding.met(event.at) if state is None else state
    match event:
        case DeviceSaid(at, device, firm):
            said = facts.said(profile, device, state.said)
            if firm:
                state = restating.unlearnt(profile, state, said, firm, at)
            return state if said == state.said else folding.told(profile, state, said, at)
        case RunBegan():
            return folding.began(profile, state, event)
        case RunOver(at, run):
            return folding.over(profile, state, run, at)
        case Gathered(at, ready):
            company = batching.gathered(state.company, ready, at)
            return state if company is state.company else replace(state, at=max(at, state.at), company=company)


def advance(profile: Profile, state: AndroidState, now: int) -> AndroidState:
    """Return the state once time has gone on to `now` and nothing has happened."""
    return folding.passed(profile, state, now)


def as_judged(profile: Profile, state: AndroidState, device: DeviceState, now: int) -> DeviceState:
    """Return the device as constraints see it: when it counts as idle, and as charging, and its battery as low.

    The network is left as it is. Doze cuts it, but for expedited work, services and exempt apps; all other work is
    held and stopped by Doze itself.
    """
    if device.idle.value is Tri.UNKNOWN and profile.idle is not None and device.screen.value is not Tri.UNKNOWN:
        device = replace(device, idle=_idle(profile, state, now))
    if device.charging.value is Tri.YES and not facts.is_charging(profile, state, now):
        after = told(profile.battery.stable_charge_after_ms)
        since = told(0 if state.plugged_at is None else now - state.plugged_at)
        device = replace(device, charging=Reading(Tri.NO, f"plugged in for {since} of {after}"))
    marks = profile.battery
    if (marks.low, marks.okay) != USUAL and device.battery.percent is not None:
        words = f"{device.battery.source}; low at {marks.low} %, until {marks.okay} %"
        device = replace(device, battery_low=Reading(Tri.YES if state.said.low else Tri.NO, words))
    return device


def _idle(profile: Profile, state: AndroidState, now: int) -> Reading:
    at = facts.idle_at(profile, state)
    if at is None or profile.idle is None or state.dark_at is None:
        return Reading(Tri.NO, "the screen is on")
    words = f"the screen has been off for {told(now - state.dark_at)}; idle from {told(profile.idle.after_ms)} on"
    return Reading(Tri.YES if at <= now else Tri.NO, words)


def next_edge(profile: Profile, state: AndroidState, now: int) -> int | None:
    """Return the first instant after `now` at which an answer may change by itself."""
    state = folding.passed(profile, state, now)
    edges = judging.edges(profile, state, now)
    return min((at for at in edges if at is not None and at > now), default=None)


def holds(profile: Profile, state: AndroidState, device: DeviceState, key: ViewKey, now: int) -> Iterator[Hold]:
    """Yield what the platform has against starting such work."""
    yield from judging.holds(profile, folding.passed(profile, state, now), key, now)


def stop(profile: Profile, state: AndroidState, device: DeviceState, run: RunBegan, now: int) -> Stop | None:
    """Return when a run must end."""
    state = folding.passed(profile, state, now)
    found = next((one for one in state.running if one.run == run.run), None)
    return judging.stop(profile, state, folding.started(profile, state, run) if found is None else found, now)

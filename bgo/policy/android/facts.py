"""What the phone says, as Android's rules take it, and what follows from how long it has been so."""

from __future__ import annotations

from bgo.model.android_state import AndroidState, Said
from bgo.model.device import DeviceState, NetworkKind, Tri
from bgo.model.profile import BUCKETS, Battery, Profile

PLAIN, EXPEDITED, SERVICE = "plain", "expedited", "service"
"""Kinds of runs."""
FOREGROUND = "foreground"
_METERED = (NetworkKind.METERED, NetworkKind.ROAMING)


def said(profile: Profile, device: DeviceState, before: Said) -> Said:
    """Return what the device says, as these rules take it; a battery between its two marks stays what it was."""
    level = device.battery.percent
    return Said(
        charging=device.charging.value is Tri.YES,
        full=level is not None and level >= profile.battery.stable_charge_level,
        low=_is_low(profile.battery, device, before.low),
        screen=device.screen.value.value,
        locked=device.lock.value in ("locked", "before-first-unlock"),
        app=device.app.value,
        saver=device.low_power.value is Tri.YES,
        moving=device.motion.value is Tri.YES,
        exempt=device.exempt.value is Tri.YES,
        bucket=device.bucket.value if device.bucket.value in BUCKETS else "",
        network=_network(device.network.kind),
        idle=device.idle.value.value,
    )


def _is_low(marks: Battery, device: DeviceState, was_low: bool) -> bool:
    percent, word = device.battery.percent, device.battery_low
    # Who told the level may have told by the usual marks, too, whether it is low; a phone's own word counts.
    if word.value is not Tri.UNKNOWN and (percent is None or word.source != device.battery.source):
        return word.value is Tri.YES
    if percent is None:
        return was_low
    return percent <= marks.low or (was_low and percent < marks.okay)


def _network(kind: NetworkKind) -> str:
    return "metered" if kind in _METERED else "none" if kind is NetworkKind.NONE else "other"


def is_on_top(state: AndroidState) -> bool:
    """Say whether the app is to be seen."""
    return state.said.app == FOREGROUND


def is_dark(said: Said) -> bool:
    """Say whether the screen is off; where nobody knows, it counts as on."""
    return said.screen == "no"


def bucket(profile: Profile, state: AndroidState) -> str:
    """Return the app's standby bucket: what something says it is, what its profile says, else by disuse."""
    if state.said.bucket:
        return state.said.bucket
    if profile.standby is not None and profile.standby.pinned:
        return profile.standby.pinned
    return "exempted" if state.said.exempt else state.usage.bucket


def charged_at(profile: Profile, state: AndroidState) -> int | None:
    """Return from when on the device counts as charging, an instant that may be to come; None: it does not charge."""
    if state.plugged_at is None or state.said.full:
        return state.plugged_at
    return state.plugged_at + profile.battery.stable_charge_after_ms


def is_charging(profile: Profile, state: AndroidState, now: int) -> bool:
    """Say whether the device counts as charging."""
    at = charged_at(profile, state)
    return at is not None and at <= now


def idle_at(profile: Profile, state: AndroidState) -> int | None:
    """Return from when on the device counts as idle by its screen; None: its screen is on, or there is no such rule."""
    if profile.idle is None or state.dark_at is None:
        return None
    return state.dark_at + profile.idle.after_ms


def is_idle(profile: Profile, state: AndroidState, now: int) -> bool:
    """Say whether the device counts as idle."""
    if state.said.idle != "unknown":
        return state.said.idle == "yes"
    at = idle_at(profile, state)
    return at is not None and at <= now


def is_free(profile: Profile, state: AndroidState, now: int) -> bool:
    """Say whether work runs now without being counted."""
    quota = profile.quota
    if quota is None or is_on_top(state):
        return is_on_top(state)
    if quota.service_free and any(run.kind == SERVICE for run in state.running):
        return True
    pays = bucket(profile, state) in ("restricted", "never")
    return quota.free_when_charging and not pays and is_charging(profile, state, now)

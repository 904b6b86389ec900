"""What iOS goes by of what a device says, and which requests for time the device permits by that."""

from __future__ import annotations

from typing import NamedTuple

from bgo.model.device import DeviceState, NetworkKind, Tri
from bgo.model.ios_state import Facts
from bgo.model.profile import AppRules, Profile

QUIT = ("swiped", "force-quit")
PLAIN_APP = AppRules()


class Needs(NamedTuple):
    """What a processing request may ask of the device beside that nobody uses it: no more than these two."""

    power: bool
    network: bool


REQUESTS = (Needs(False, False), Needs(False, True), Needs(True, False), Needs(True, True))
"""The processing requests that the app keeps: all its work shares them."""


def app_rules(profile: Profile) -> AppRules:
    """Return what is asked of the app; a profile that says nothing of it has the usual."""
    return profile.app or PLAIN_APP


def seen(profile: Profile, device: DeviceState) -> Facts:
    """Return what iOS goes by. What is unknown does not stand in the way, but nothing is idle, charging or connected
    that nobody says is."""
    charges = device.charging.value is Tri.YES
    percent = device.battery.percent
    return Facts(
        "quit" if device.app.value in QUIT else device.app.value,
        device.lock.value != "before-first-unlock",
        device.refresh.value is not Tri.NO,
        device.low_power.value is Tri.YES,
        percent is not None and percent < app_rules(profile).battery_floor and not charges,
        _rest(device),
        charges,
        device.network.kind not in (NetworkKind.NONE, NetworkKind.UNKNOWN),
    )


def _rest(device: DeviceState) -> str:
    """Return how it is known that nobody uses the device: what it says of that itself counts most."""
    if device.idle.value is not Tri.UNKNOWN:
        return "said" if device.idle.value is Tri.YES else ""
    if device.screen.value is not Tri.UNKNOWN:
        return "dark" if device.screen.value is Tri.NO else ""
    return "" if device.lock.value in ("open", "unknown") else "dark"


def gives_time(profile: Profile, facts: Facts, is_quit: bool) -> bool:
    """Say whether iOS may give this app any time in the background."""
    saves = facts.low_power and app_rules(profile).low_power_stops
    return facts.unlocked and not is_quit and facts.refresh and not saves and not facts.flat


def has_mode(profile: Profile, mode: str) -> bool:
    """Say whether the app has declared this background mode, or nothing is said of its modes."""
    modes = app_rules(profile).background_modes
    return not modes or mode in modes


def offers(profile: Profile, mode: str) -> bool:
    """Say whether there is such time for this app: `fetch` is refresh, `processing` is processing."""
    rules = profile.refresh if mode == "fetch" else profile.processing
    return rules is not None and has_mode(profile, mode)

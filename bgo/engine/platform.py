"""What a platform's rules remember from run to run: kept in the store for each profile, folded at each look."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from bgo.model.device import DeviceState, View
from bgo.model.platform import PlatformState
from bgo.model.profile import Profile

if TYPE_CHECKING:
    from bgo.store.port import Session


def view(session: Session, profile: Profile, device: DeviceState) -> View:
    """Return the view of a device that says this now, with what its rules remember; nothing is written."""
    if device.battery.percent is None:
        return View(profile, device)
    from bgo.policy import battery  # most devices are asked nothing

    if not battery.is_folded(device):
        return View(profile, device)
    return View(profile, device, battery.step(remembered(session, profile.name), device))


def remembered(session: Session, profile: str) -> PlatformState:
    """Return what the store remembers; what an older or a newer version has noted, as far as it is known here."""
    kept = session.notes.read(_key(profile))
    found = {} if kept is None else json.loads(kept)
    return PlatformState(battery_low=found.get("battery_low") is True)


def is_news(session: Session, seen: View) -> bool:
    """Say whether this view remembers anything that the store does not."""
    if seen.device.battery.percent is None:
        return False
    from bgo.policy import battery

    return battery.is_folded(seen.device) and remembered(session, seen.profile.name) != seen.platform


def remember(session: Session, seen: View) -> None:
    """Write down what this view remembers, where it differs from what is there."""
    if is_news(session, seen):
        session.notes.write(_key(seen.profile.name), json.dumps(asdict(seen.platform)))


def _key(profile: str) -> str:
    return f"platform.{profile}"

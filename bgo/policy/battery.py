"""Is the battery low? Low at 15 %, and so until it has come back to 20 %: what lies between stays what it was.

A fold over levels, so a device that has just been met counts as not low above 15 %. A profile may set other marks.
"""

from __future__ import annotations

from dataclasses import replace

from bgo.model.device import DeviceState, Reading, Tri
from bgo.model.platform import PlatformState
from bgo.model.profile import Battery

USUAL = Battery()
"""Where low begins and ends, when no profile says otherwise."""


def low(percent: int, was_low: bool, marks: Battery = USUAL) -> bool:
    """Return whether a battery at `percent` is low, which it was, or was not, before."""
    return percent <= marks.low or (was_low and percent < marks.okay)


def is_folded(device: DeviceState) -> bool:
    """Say whether what the device says of its battery needs the memory of what it said before."""
    return device.battery.percent is not None and device.battery_low.value is Tri.UNKNOWN


def step(before: PlatformState, device: DeviceState, marks: Battery = USUAL) -> PlatformState:
    """Return what is to be remembered once the device has said this; a level that is unknown changes nothing."""
    if device.battery.percent is None or not is_folded(device):
        return before
    return replace(before, battery_low=low(device.battery.percent, before.battery_low, marks))


def reading(device: DeviceState, before: PlatformState, marks: Battery = USUAL) -> Reading:
    """Return whether the battery is low: what the device says itself, else what its levels come to."""
    if is_folded(device):
        return Reading(Tri.YES if step(before, device, marks).battery_low else Tri.NO, device.battery.source)
    return Reading(source=device.battery.source) if device.battery_low == Reading() else device.battery_low


def told(device: DeviceState, found: Reading, marks: Battery = USUAL) -> str:
    """Return the state of the battery in words: `12 %, low`."""
    percent = device.battery.percent
    if found.value is Tri.UNKNOWN:
        return "unknown"
    word = "low" if found.value is Tri.YES else "not low"
    if found.value is Tri.YES and percent is not None and percent > marks.low:
        word = f"low until {marks.okay} %"
    return word if percent is None else f"{percent} %, {word}"

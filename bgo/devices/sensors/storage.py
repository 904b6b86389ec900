"""Whether the store's volume runs out of room, by the marks of the profile."""

from __future__ import annotations

import os

from bgo.devices.sensors.asking import Limit, Unreadable
from bgo.model.device import DeviceState, Reading, Tri
from bgo.model.profile import Storage
from bgo.policy.storage import USUAL, low, threshold


def volume(folder: str, marks: Storage, limit: Limit) -> DeviceState:
    """Return whether the volume of a folder, or of the nearest one above it that exists, is low."""
    del limit  # statvfs on a dead network disk hangs in the kernel: then the thread is left behind
    while not os.path.isdir(folder) and (above := os.path.dirname(folder)) != folder:
        folder = above
    try:
        if hasattr(os, "statvfs"):
            told = os.statvfs(folder)
            free, total = told.f_bavail * told.f_frsize, told.f_blocks * told.f_frsize
        else:
            import shutil

            usage = shutil.disk_usage(folder)
            free, total = usage.free, usage.total
    except OSError as error:
        raise Unreadable(f"{folder}: {error.strerror}") from None
    return DeviceState(storage_low=judged(free, total, folder, marks))


def judged(free: int, total: int, where: str, marks: Storage = USUAL) -> Reading:
    """Return whether so many free bytes are too few."""
    if total <= 0:
        return Reading(Tri.UNKNOWN, f"{where} tells no size")
    told = f"{free >> 20:,} MiB free at {where}, low below {threshold(total, marks) >> 20:,} MiB"
    return Reading(Tri.YES if low(free, total, marks) else Tri.NO, told)

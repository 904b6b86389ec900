"""Whether the store's volume runs out of room, by Android's rule."""

from __future__ import annotations

import os

from bgo.devices.sensors.asking import Limit, Unreadable
from bgo.model.device import DeviceState, Reading, Tri

_CAP = 500 << 20
"""AOSP StorageManager: low below 5 % of the volume, but never above 500 MiB."""


def volume(folder: str, limit: Limit) -> DeviceState:
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
    return DeviceState(storage_low=judged(free, total, folder))


def judged(free: int, total: int, where: str) -> Reading:
    """Return whether so many free bytes are too few."""
    if total <= 0:
        return Reading(Tri.UNKNOWN, f"{where} tells no size")
    bound = min(total // 20, _CAP)
    told = f"{free >> 20:,} MiB free at {where}, low below {bound >> 20:,} MiB"
    return Reading(Tri.YES if free < bound else Tri.NO, told)

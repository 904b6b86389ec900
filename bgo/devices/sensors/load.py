"""How busy the processors are: the mean of the last minute, in percent of all of them.

A minute's mean does not flap, and costs no waiting: man 5 proc_loadavg, man 3 getloadavg. What waits for a disk counts
there as busy, too.
"""

from __future__ import annotations

import os
import re

from bgo.devices.sensors.asking import Limit, Unreadable, read_file
from bgo.model.device import DeviceState, Level

_MOST = 1 << 20


def linux_load(proc: str, limit: Limit) -> DeviceState:
    """Return the load of a kernel, by /proc/loadavg and the processors in /proc/stat."""
    del limit  # the kernel answers at once
    found = re.match(r"(\d{1,6}\.\d\d) ", read_file(os.path.join(proc, "loadavg")))
    if found is None:
        raise Unreadable(f"no sense in {proc}/loadavg")
    try:
        count = len(re.findall(r"^cpu\d+ ", read_file(os.path.join(proc, "stat"), _MOST), re.MULTILINE))
    except Unreadable:  # Android hides it
        count = 0
    return judged(float(found[1]), count or os.cpu_count() or 1, "/proc/loadavg")


def mac_load(limit: Limit) -> DeviceState:
    """Return the load of a Mac, as the system's own library tells it."""
    del limit
    try:
        return judged(os.getloadavg()[0], os.cpu_count() or 1, "getloadavg")
    except OSError as error:
        raise Unreadable(f"getloadavg: {error.strerror}") from None


def judged(busy: float, processors: int, source: str) -> DeviceState:
    """Return so many busy processors as a part of all of them."""
    percent = min(100, round(100 * busy / processors))
    many = "processor" if processors == 1 else "processors"
    return DeviceState(load=Level(percent, f"{source}: {busy:.2f} of {processors} {many} over a minute"))

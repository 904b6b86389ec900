"""What a phone knows of an app of its, and of its user, by adb. Written from recorded output, not run with a phone.

`am get-standby-bucket` and `am get-started-user-state` are ActivityManagerShellCommand of AOSP; the numbers of the
buckets are https://developer.android.com/reference/android/app/usage/UsageStatsManager; `deviceidle whitelist` and the
`low_power` setting are https://developer.android.com/training/monitoring-device-state/doze-standby and its neighbour
/battery-monitoring; `dumpsys trust` is TrustManagerService.
"""

from __future__ import annotations

import re

from bgo.devices.sensors.adb import shell
from bgo.devices.sensors.asking import Limit, Unreadable, brief
from bgo.model.device import DeviceState, Reading, Tri, Word

_BUCKETS = {
    "5": "exempted", "10": "active", "20": "working", "30": "frequent", "40": "rare", "45": "restricted", "50": "never",
}  # fmt: skip
_LOW_POWER = {"1": Tri.YES, "0": Tri.NO, "null": Tri.NO}
"""A phone whose battery saver was never on has no such setting."""
_MARK = "--"
"""Between the answers: one call is one start of adb, and a phone takes its time for each."""


def phone_state(serial: str, limit: Limit) -> DeviceState:
    """Return whether its user has unlocked it, and whether its battery saver is on."""
    asked = ("am get-started-user-state 0", "dumpsys trust | grep deviceLocked", "settings get global low_power")
    user, trust, saver = _each(serial, limit, *asked)
    low_power = Reading(_LOW_POWER.get(saver, Tri.UNKNOWN), f"adb: low_power {brief(saver) or 'not told'}")
    return DeviceState(lock=_lock(user, trust), low_power=low_power)


def _lock(user: str, trust: str) -> Word:
    if user == "RUNNING_LOCKED":
        return Word("before-first-unlock", f"adb: {user}")
    lines = [line for line in trust.splitlines() if "deviceLocked=" in line]
    line = next((line for line in lines if "(current)" in line), lines[0] if lines else "")
    found = re.search(r"\bdeviceLocked=([01])", line)
    if not found:
        return Word(source="adb: dumpsys trust does not say")
    return Word("locked" if found[1] == "1" else "open", f"adb: deviceLocked={found[1]}")


def phone_app(serial: str, app: str, limit: Limit) -> DeviceState:
    """Return where an app is, its standby bucket, and whether it is exempt from battery optimisation.

    `app` is the name of a package, and nothing that a shell would act upon (see `names.phone`). An app that was swiped
    away cannot be told from one in the background.
    """
    bucket, exempt, stopped, top = _each(
        serial, limit,
        f"am get-standby-bucket {app}",
        f"dumpsys deviceidle whitelist | grep -E '^system,|,{app},'",
        f"dumpsys package {app} | grep -m1 stopped=",
        "dumpsys activity activities | grep -E 'opResumedActivity|mResumedActivity'",
    )  # fmt: skip
    if not re.search(r"\bstopped=(true|false)\b", stopped):
        raise Unreadable(f"the phone has no app {app}")
    word = _BUCKETS.get(bucket.rpartition(" ")[2], "unknown")
    listed = next((line for line in exempt.splitlines() if f",{app}," in line), "")
    told = f"adb: whitelist: {brief(listed)}" if listed else "adb: not in deviceidle's whitelist"
    is_exempt = Tri.YES if listed else Tri.NO if exempt else Tri.UNKNOWN  # of the system some always are
    return DeviceState(
        app=_where(app, stopped, top),
        bucket=Word(word, f"adb: standby bucket {brief(bucket) or 'not told'}"),
        exempt=Reading(is_exempt, told),
    )


def _where(app: str, stopped: str, top: str) -> Word:
    if "stopped=true" in stopped:
        return Word("force-quit", "adb: stopped=true")
    if re.search(rf"\s{re.escape(app)}/", top):
        return Word("foreground", "adb: its activity is resumed")
    if "ActivityRecord{" not in top:
        return Word(source="adb: no activity is told to be resumed")
    return Word("background", "adb: another activity is resumed")


def _each(serial: str, limit: Limit, *commands: str) -> list[str]:
    """Return what each of these commands prints, by one call; what fails prints nothing."""
    text = shell(serial, limit, f"; echo {_MARK}; ".join(f"({command}) 2>/dev/null" for command in commands) + "; true")
    parts = [part.strip() for part in re.split(rf"^{_MARK}\s*$", text, flags=re.MULTILINE)]
    if len(parts) != len(commands):
        raise Unreadable("no sense in what the phone says")
    return parts

"""Names of devices with sensors: `host`, `termux`, `adb`, `adb:SERIAL`, and `/APP` behind it for an app of a phone."""

from __future__ import annotations

import re
from typing import NamedTuple

HERE, TERMUX, ADB = "host", "termux", "adb"
FORMS = "host for this computer, termux on a phone, adb or adb:SERIAL (adb devices), with /APP for an app of it"
_SERIAL = r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}"
"""Never an option of adb's, and no more than a serial number or an address has."""
_APP = r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)+"
"""The name of a package: https://developer.android.com/build/configure-app-module#set-application-id"""
_PHONE = re.compile(rf"{ADB}(?::({_SERIAL}))?(?:/({_APP}))?", re.ASCII)


class Phone(NamedTuple):
    """A phone that adb reaches, and one of its apps; empty: the only one, and none."""

    serial: str
    app: str


def is_sensed(word: str) -> bool:
    """Say whether this is meant to name something with sensors, rather than a script: `./adb` is a file."""
    return word in (HERE, TERMUX, ADB) or word.startswith((f"{ADB}:", f"{ADB}/"))


def is_right(word: str) -> bool:
    """Say whether this names something with sensors, and is well formed."""
    return word in (HERE, TERMUX) or _PHONE.fullmatch(word) is not None


def phone(word: str) -> Phone:
    """Return the phone that a right name names."""
    found = _PHONE.fullmatch(word)
    return Phone("", "") if found is None else Phone(found[1] or "", found[2] or "")

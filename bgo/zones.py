"""Time zones: by name, and which one this computer is in. What is not a zone is an error of the user's, whatever
`zoneinfo` makes of it."""

from __future__ import annotations

import os
import re
from datetime import UTC, timedelta, timezone, tzinfo
from functools import lru_cache

from bgo.clock import SystemClock, to_local
from bgo.errors import UsageError

_NAME = r"[A-Za-z][A-Za-z0-9_+-]{0,31}(?:/[A-Za-z0-9_+-]{1,32}){0,3}"
_OFFSET = r"([+-])(\d\d):(\d\d)"
_DATABASE = "zoneinfo/"
_LEAPS = ("right/", "posix/")
"""Copies of the database that some systems keep beside it: with leap seconds, which UTC milliseconds do not have, and
without."""
_NO_PLACES = ("localtime", "posixrules", "Factory")
"""Files of the database that are no place: they mean what somebody set up on that machine."""
_UTC = ("UTC", "GMT", "Z")
_LIKE = 0.8
"""What is less alike is not what was meant."""
_FIXED = r"(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]+>)[+-]?\d{1,2}(?::\d\d){0,2}"
"""A POSIX zone without summer time, such as `JST-9`: its offset is all there is to it."""
HINT = "a name such as Europe/Berlin, UTC, or an offset such as +01:00"


@lru_cache(maxsize=256)
def zone(name: str) -> tzinfo:
    """Return the zone of this name: one of the IANA database, `UTC` (`utc`, `GMT`, `Z`), or a fixed offset such as
    `+01:00`.

    Raises UsageError for what is no zone; `zoneinfo` itself answers that with five kinds of exception, and reads any
    file it is pointed at.
    """
    if name.isascii() and name.upper() in _UTC:
        return UTC
    if found := re.fullmatch(_OFFSET, name, re.ASCII):
        return _fixed(name, found[1], int(found[2]), int(found[3]))
    if not re.fullmatch(_NAME, name, re.ASCII):
        raise _no_zone(name, "a zone's name has letters, digits, +, -, _ and slashes")
    if name in _NO_PLACES:
        raise _no_zone(name, "what it means depends on the computer that reads it")
    if name.startswith(_LEAPS):
        raise _no_zone(name, f"did you mean {name[len(_LEAPS[0]) :]!r}?")
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise _no_zone(name, _near(name) or "the time zone database does not have it") from None


def _fixed(name: str, sign: str, hours: int, minutes: int) -> tzinfo:
    offset = timedelta(hours=hours, minutes=minutes)
    if minutes > 59 or offset > timedelta(hours=14):
        raise _no_zone(name, "offsets run from -14:00 to +14:00")
    return timezone(-offset if sign == "-" else offset, name)


def _no_zone(name: str, why: str) -> UsageError:
    return UsageError(f"not a time zone: {name!r:.60}", why=why, hint=HINT)


def _near(name: str) -> str:
    if len(name) < 5:  # CEST is not much like EST, whatever its letters
        return ""
    from difflib import get_close_matches
    from zoneinfo import available_timezones

    known = sorted(available_timezones())
    cities = {each.rpartition("/")[2].lower(): each for each in known}
    near = get_close_matches(name, known, 1, _LIKE)
    near = near or [cities[city] for city in get_close_matches(name.lower(), cities, 1, _LIKE)]
    return f"did you mean {near[0]!r}?" if near else ""


def local_name() -> str:
    """Return the name of this computer's zone: `TZ`, else what /etc/localtime or /etc/timezone says; what has no name
    there is told as its offset of now (then changes to and from summer time are not known)."""
    if name := _named():
        return name
    offset = to_local(SystemClock().now_ms()).strftime("%z")
    return "UTC" if offset == "+0000" else f"{offset[:3]}:{offset[3:5]}"


def doubt() -> str:
    """Return, in a sentence, why `local_name` may not tell what was meant; empty when there is no doubt."""
    said = os.environ.get("TZ")
    if _named() or (said is not None and re.fullmatch(_FIXED, said, re.ASCII)):
        return ""
    name = local_name()
    if said is not None:
        return f"TZ={said!r:.60} is no name of the time zone database: taken as {name}, without summer time"
    return "" if name == "UTC" else f"this computer's zone has no name: taken as {name}, without summer time"


def _named() -> str:
    """Return the name that this computer's zone has in the database; empty when it has none."""
    said = os.environ.get("TZ")
    # POSIX: set but empty means UTC; a colon or a path names a file of the database
    names = (_linked(), _written()) if said is None else (_in_database(said.removeprefix(":")) or "UTC",)
    return next((name for name in names if name and _is_zone(name)), "")


def _linked() -> str:
    path = os.path.realpath("/etc/localtime")
    return _in_database(path) if _DATABASE in path else ""


def _in_database(path: str) -> str:
    """Return a path in the database as the name of its zone; a name stays one."""
    name = path.rpartition(_DATABASE)[2]
    return name[len(_LEAPS[0]) :] if name.startswith(_LEAPS) else name


def _written() -> str:
    try:
        with open("/etc/timezone", encoding="ascii") as file:
            return file.readline(200).strip()
    except (OSError, ValueError):
        return ""


def _is_zone(name: str) -> bool:
    try:
        zone(name)
    except UsageError:
        return False
    return True

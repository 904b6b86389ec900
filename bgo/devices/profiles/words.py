"""The words that stand in a profile as values or as names of members, each list with its check."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from bgo.devices.readings import SIGNALS
from bgo.errors import UsageError
from bgo.model.device import DeviceState
from bgo.model.profile import BUCKETS
from bgo.model.words import did_you_mean
from bgo.policy.fit import ASKED, KINDS

CONSTRAINTS = (*ASKED, *(kind.replace("-", "_") for kind in KINDS), "delay", "periodic")
"""What a profile says something of: the constraints of a task, kinds of network, a delay before its first run, and that
a schedule makes it."""
SERVICES = (
    *("camera", "connectedDevice", "dataSync", "health", "location", "mediaPlayback", "mediaProcessing"),
    *("mediaProjection", "microphone", "phoneCall", "remoteMessaging", "shortService", "specialUse"),
    *("systemExempted", "continued", "transfer"),
)
"""Android's types of foreground services; then what comes near them on iOS: work that its user started and sees, and
what the system itself carries over the network.

https://developer.android.com/about/versions/14/changes/fgs-types-required, and of mediaProcessing
https://developer.android.com/develop/background-work/services/fgs/timeout
"""
_SIGNALS = tuple(dict.fromkeys((*SIGNALS, *(field.name for field in fields(DeviceState)))))
_MEMBERS: dict[tuple[str, ...], tuple[str, tuple[str, ...]]] = {
    ("quota",): ("standby bucket", BUCKETS),
    ("expedited", "budgets"): ("standby bucket", BUCKETS),
    ("device",): ("signal", _SIGNALS),
}
_VALUES: dict[tuple[str, ...], tuple[str, tuple[str, ...]]] = {
    ("unknown_passes",): ("constraint", CONSTRAINTS),
    ("work", "expedited_refuses"): ("constraint", CONSTRAINTS),
    ("work", "unenforceable"): ("constraint", CONSTRAINTS),
    ("standby", "pinned"): ("standby bucket", BUCKETS),
}


def members(path: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names that the members of a table may have."""
    return SERVICES if path == ("foreground",) else _MEMBERS.get(path, ("", ()))[1]


def check_member(path: tuple[str, ...]) -> None:
    """Raise UsageError for a member whose name there is not. New Android versions bring new types of services: of
    them any name will do (see `lint`)."""
    *table, name = path
    if table == ["foreground"]:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]{0,63}", name):
            raise UsageError(f"no type of service: {name!r:.60}", why="types are words", hint="such as dataSync")
        return
    what, known = _MEMBERS[tuple(table)]
    if name not in known:
        raise _unknown(what, name, known)


def check(path: tuple[str, ...], value: Any) -> None:
    """Raise UsageError for a word that means nothing at this key."""
    if path[:1] == ("device",) and isinstance(value, str) and path[-1] in SIGNALS:
        SIGNALS[path[1]](path[1], value, "the profile")
    what, known = _VALUES.get(path, ("", ()))
    if not what or value is None:
        return
    said: Iterable[str] = [value] if isinstance(value, str) else value
    for word in said:
        if word not in known:
            raise _unknown(what, word, known)


def _unknown(what: str, word: str, known: Iterable[str]) -> UsageError:
    return UsageError(
        f"no {what} {word!r:.60}",
        why=f"a {what} is one of {', '.join(dict.fromkeys(known))}",
        hint=did_you_mean(word, known) or "leave it out",
    )

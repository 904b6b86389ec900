"""Each signal of a device: what its word may be, and the reading that the word stands for.

The table is the one list of signals: scripts, flags, `BGO_DEVICE`, `[assume]` and the fixtures of tests all read by it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

from bgo.errors import UsageError
from bgo.model.device import Level, Network, NetworkKind, Reading, Span, Tri, Word
from bgo.model.profile import BUCKETS
from bgo.model.words import did_you_mean, duration_ms

Read = Callable[[str, str, str], Any]
"""Signal, word and source → Reading, Level, Network, Word, Span, or a network's name; raises UsageError."""
NAME_LIMIT = 64
"""A Wi-Fi's name has at most 32 bytes; more than this is no name."""
APPS = ("foreground", "background", "swiped", "force-quit")
LOCKS = ("open", "locked", "before-first-unlock")
UNKNOWN = "unknown"
_YES_NO = {"yes": Tri.YES, "true": Tri.YES, "no": Tri.NO, "false": Tri.NO, UNKNOWN: Tri.UNKNOWN}
_ON_OFF = {"on": Tri.YES, "off": Tri.NO, **_YES_NO}


def _fault(key: str, word: str, why: str, example: str) -> UsageError:
    meant = re.fullmatch(r"did you mean '(.+)'\?", why)
    example = meant[1] if meant else example
    return UsageError(f"{key}={word!r:.40} is not a reading", why=why, hint=f"write {key}={example}")


def _tri(key: str, word: str, source: str) -> Reading:
    if word.lower() not in _YES_NO:
        raise _fault(key, word, "a reading is yes, no or unknown", "yes")
    return Reading(_YES_NO[word.lower()], source)


def _switch(key: str, word: str, source: str) -> Reading:
    if word.lower() not in _ON_OFF:
        raise _fault(key, word, "a reading is on, off or unknown", "on")
    return Reading(_ON_OFF[word.lower()], source)


def _level(key: str, word: str, source: str) -> Level:
    if word.lower() == UNKNOWN:
        return Level(None, source)
    if not re.fullmatch(r"[0-9]{1,3}\s*%?", word, re.ASCII) or int(word.rstrip("% ")) > 100:
        raise _fault(key, word, "a level is a whole number of percent, from 0 to 100", "80")
    return Level(int(word.rstrip("% ")), source)


def _kind(key: str, word: str, source: str) -> Network:
    if word.lower() not in set(NetworkKind):
        kinds = ", ".join(NetworkKind)
        raise _fault(key, word, did_you_mean(word, NetworkKind) or f"a network is one of {kinds}", "metered")
    return Network(NetworkKind(word.lower()), source)


def _name(key: str, word: str, source: str) -> str:
    del source  # a network's name has that of the network
    if len(word) > NAME_LIMIT or not word.isprintable():
        raise _fault(key, word, f"a name has at most {NAME_LIMIT} printable characters", "Home")
    return "" if word in ("none", UNKNOWN) else word


def _word(known: Collection[str], key: str, word: str, source: str) -> Word:
    found = word.lower()
    if found not in known and found != UNKNOWN:
        why = did_you_mean(word, known) or f"it is one of {', '.join(known)} or {UNKNOWN}"
        raise _fault(key, word, why, next(iter(known)))
    return Word(found, source)


def _span(key: str, word: str, source: str) -> Span:
    """Return how long nobody has touched it: from then on it grows, but `no` stays: somebody is at it."""
    if word.lower() == UNKNOWN:
        return Span(None, source)
    if word.lower() == "no":
        return Span(0, source)
    if re.fullmatch(r"[0-9.]+", word, re.ASCII):
        raise _fault(key, word, "a time needs a unit", f"{word}s, {word}m or {word}h")
    try:
        return Span(duration_ms(word), source)
    except UsageError as error:
        why = error.why or error.message
        raise _fault(key, word, f"{why}; it is a time, or no: somebody is at it", "10m") from None


SIGNALS: Mapping[str, Read] = {
    "charging": _tri,
    "battery": _level,
    "network": _kind,
    "wifi": _name,
    "idle": _tri,
    "storage_low": _tri,
    "screen": _switch,
    "load": _level,
    "unused": _span,
    "app": partial(_word, APPS),
    "lock": partial(_word, LOCKS),
    "low_power": _switch,
    "motion": _tri,
    "refresh": _switch,
    "exempt": _tri,
    "bucket": partial(_word, BUCKETS),
}
"""Signal → how its word is read. All but `wifi` are fields of a DeviceState."""
EXAMPLES: Mapping[str, str] = {
    "charging": "yes, no",
    "battery": "0 to 100",
    "network": "none, connected, unmetered, metered, roaming",
    "wifi": "a name, none",
    "idle": "yes, no",
    "storage_low": "yes, no",
    "screen": "on, off",
    "load": "0 to 100",
    "unused": "10m, 2h; no: somebody is at it",
    "app": ", ".join(APPS),
    "lock": ", ".join(LOCKS),
    "low_power": "on, off",
    "motion": "yes, no",
    "refresh": "on, off",
    "exempt": "yes, no",
    "bucket": ", ".join(BUCKETS),
}
"""Signal → what it may say, beside `unknown`."""
MEANS: Mapping[str, str] = {
    "charging": "power comes from outside",
    "battery": "percent; low at 15 or below, and so until 20",
    "network": "connected is one of unknown cost; a roaming one is metered, too",
    "wifi": "the name of the network",
    "idle": "nobody uses it",
    "storage_low": "the store's volume runs full",
    "screen": "it shows something",
    "load": "percent of its processors that work",
    "unused": "for how long nobody has touched it",
    "app": "of a phone: whether the app can be seen, and how it was left",
    "lock": "whether it was unlocked, and since it started",
    "low_power": "battery saver, or Low Power Mode",
    "motion": "it is being moved",
    "refresh": "iOS: Background App Refresh is on",
    "exempt": "Android: the app is exempt from battery optimisation",
    "bucket": "Android: the app's standby bucket, where it is pinned",
}
"""Signal → what it says."""


def spelled(key: str, word: str) -> str:
    """Return a reading's word as scripts and flags spell it: what is switched is on or off."""
    return {"yes": "on", "no": "off"}.get(word, word) if SIGNALS.get(key) is _switch else word


def word_of(key: str, value: Reading | Level | Network | Word | Span) -> str:
    """Return the word that reads back as this value: what a recorded script says."""
    if isinstance(value, Reading):
        return spelled(key, str(value.value))
    if isinstance(value, Level):
        return UNKNOWN if value.percent is None else str(value.percent)
    if isinstance(value, Span):
        return UNKNOWN if value.ms is None else f"{value.ms // 1000}s" if value.ms >= 1000 else "no"
    return value.value if isinstance(value, Word) else str(value.kind)

"""When iOS means to give an app time: instants drawn by a hash, for nobody but iOS knows them.

The same seed gives the same instants, another seed gives others: what a simulation shows is a range over seeds. A day
here is one of UTC.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from bgo.model.profile import Processing, Profile, Refresh
from bgo.policy.ios.facts import app_rules

DAY_MS = 86_400_000
_WHOLE = 1 << 64


class Draw(NamedTuple):
    """What the instants of one kind are drawn from."""

    seed: int
    kind: str
    least: int
    most: int
    gap_ms: int
    chance: float
    """That an instant comes to anything: how much the app is used."""


def draw_of(profile: Profile, seed: int, rules: Refresh | Processing) -> Draw:
    """Return from what the instants of refresh, or of processing, are drawn."""
    kind = "refresh" if isinstance(rules, Refresh) else "processing"
    return Draw(seed, kind, *rules.per_day, rules.gap_ms, app_rules(profile).usage)


@lru_cache(maxsize=4096)
def of_day(draw: Draw, day: int) -> tuple[int, ...]:
    """Return the instants of a day (0: that of 1970-01-01), in order, none nearer to another than the gap."""
    number = draw.least + _parts(draw, day, -1)[0] * (draw.most - draw.least + 1) // _WHOLE
    gap = min(draw.gap_ms, DAY_MS // max(1, number))
    room = DAY_MS - number * gap
    parts = sorted(_parts(draw, day, index) for index in range(number))
    every = [(day * DAY_MS + at * room // _WHOLE + index * gap, luck) for index, (at, luck) in enumerate(parts)]
    return tuple(dict.fromkeys(at for at, luck in every if luck < draw.chance * _WHOLE))


def first(draw: Draw, after: int, until: int) -> int | None:
    """Return the first instant later than `after` and not later than `until`; None: there is none."""
    if draw.chance <= 0 or draw.most < 1:
        return None
    for day in range(after // DAY_MS, until // DAY_MS + 1):
        found = of_day(draw, day)
        place = bisect_right(found, after)
        if place < len(found):
            return found[place] if found[place] <= until else None
    return None


def last(draw: Draw, after: int, until: int) -> int | None:
    """Return the last instant later than `after` and not later than `until`; None: there is none."""
    if draw.chance <= 0 or draw.most < 1 or until <= after:
        return None
    for day in range(until // DAY_MS, after // DAY_MS - 1, -1):
        found = of_day(draw, day)
        place = bisect_right(found, until)
        if place:
            return found[place - 1] if found[place - 1] > after else None
    return None


@lru_cache(maxsize=4096)
def delay(draw: Draw, ready_from: int, spread_ms: int) -> int:
    """Return how long what is owed still takes to come, once the device permits it from this instant on."""
    return _number(f"{draw.seed}:{draw.kind}:ready:{ready_from}")[0] * spread_ms // _WHOLE


def _parts(draw: Draw, day: int, index: int) -> tuple[int, int]:
    return _number(f"{draw.seed}:{draw.kind}:{day}:{index}")


def _number(text: str) -> tuple[int, int]:
    """Return two numbers below 2^64 that hang of nothing but the text."""
    digest = blake2b(text.encode(), digest_size=16).digest()
    return int.from_bytes(digest[:8], "big"), int.from_bytes(digest[8:], "big")

"""Identity and chance: the only door to randomness.

An id is 12 characters of Crockford base32 (no i, l, o, u), the first one always a digit; names start with a letter,
so no word is ever both. 58 random bits: among a million ids the chance of any collision is about 2e-6.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 12
_PAIRS = [a + b for a in ALPHABET for b in ALPHABET]
MIN_PREFIX = 4
RUN = len(_PAIRS)
"""Ids of one run begin alike; only the last two characters tell them apart."""

Rng = random.Random


def system_rng() -> Rng:
    """Return a generator fed by the operating system."""
    return random.SystemRandom()


def quick_rng() -> Rng:
    """Return a generator seeded once from the operating system: for jitter and bulk ids, never for secrets."""
    return random.Random()  # noqa: S311 - jitter and ids are not secrets


def seeded_rng(seed: int, label: str) -> Rng:
    """Return a repeatable generator; one per `label`, so an extra draw here never shifts another there."""
    return random.Random(f"{seed}:{label}")  # noqa: S311 - the simulator wants repeatability, not secrecy


def new_id(rng: Rng) -> str:
    """Return a fresh id: a digit and eleven characters."""
    return _spelled(rng.getrandbits(64))


def _spelled(bits: int) -> str:
    return (
        ALPHABET[(bits & 0x1FF) % 10]
        + _PAIRS[bits >> 9 & 0x3FF]
        + _PAIRS[bits >> 19 & 0x3FF]
        + _PAIRS[bits >> 29 & 0x3FF]
        + _PAIRS[bits >> 39 & 0x3FF]
        + _PAIRS[bits >> 49 & 0x3FF]
        + ALPHABET[bits >> 59]
    )


def derived_id(*parts: object) -> str:
    """Return the id that these parts always lead to: of tasks that the engine makes, so that a play can be repeated."""
    from hashlib import sha256

    bits = int.from_bytes(sha256("\0".join(map(str, parts)).encode()).digest()[:8], "big")
    return _spelled(bits)


def derived_ids(*parts: object, first: int, count: int) -> Iterator[str]:
    """Yield the ids of numbered things, from `first` on.

    Those behind the first thousand come in runs that begin alike: a million ids strewn over an index would dirty a page
    of it each, and who has so many types none of them.
    """
    head = ""
    for number in range(first, first + count):
        run, place = divmod(number, RUN)
        if run == 0:
            yield derived_id(*parts, number)
            continue
        if not head or place == 0:
            head = derived_id(*parts, "run", run)[:-2]
        yield head + _PAIRS[place]


def looks_like_id(word: str) -> bool:
    """Say whether `word` can be an id or a prefix of one (names start with a letter, ids with a digit)."""
    return bool(word) and word[0].isdigit() and len(word) <= LENGTH and all(c in ALPHABET for c in word)

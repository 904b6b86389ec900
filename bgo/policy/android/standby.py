"""Standby buckets: an app that is not used goes down, step by step, and comes back when it is opened.

The system looks every few hours, counted from the last use (AppStandbyController). Both must have passed since then:
time, and time with the screen on; so a phone in a drawer keeps its apps where they were.
"""

from __future__ import annotations

from dataclasses import replace

from bgo.model.android_state import Said, Usage
from bgo.model.profile import Standby
from bgo.policy.android import facts

BY_DISUSE = ("active", "working", "frequent", "rare", "restricted")


def met(at: int) -> Usage:
    """Return the usage of an app that has just been met: it has just been used."""
    return Usage(used_at=at, looked_at=at, screen_at=at)


def told(usage: Usage, said: Said, at: int) -> Usage:
    """Return the usage when from `at` on the phone says this."""
    is_on = not facts.is_dark(said)
    if said.app in (facts.FOREGROUND, "unknown"):
        return replace(usage, bucket="active", is_used=True, used_at=at, screen_ms=0, screen_at=at if is_on else None)
    if usage.is_used:
        return Usage("active", False, at, 0, at if is_on else None, at)
    if is_on and usage.screen_at is None:
        return replace(usage, screen_at=at)
    if not is_on and usage.screen_at is not None:
        return replace(usage, screen_at=None, screen_ms=usage.screen_ms + max(0, at - usage.screen_at))
    return usage


def look_at(standby: Standby | None, usage: Usage) -> int | None:
    """Return when the system looks next whether the bucket changes; None: never."""
    if standby is None or standby.pinned or usage.is_used or usage.bucket == BY_DISUSE[-1]:
        return None
    steps = (usage.looked_at - usage.used_at) // standby.step_ms + 1
    return usage.used_at + steps * standby.step_ms


def passed(standby: Standby | None, usage: Usage, at: int) -> Usage:
    """Return the usage once `at` has come, where that is when the system looks; else as it was."""
    due = look_at(standby, usage)
    if standby is None or due is None or due > at:
        return usage
    unused = at - usage.used_at
    screen = usage.screen_ms + (0 if usage.screen_at is None else max(0, at - usage.screen_at))
    marks = zip(BY_DISUSE, standby.elapsed_ms, standby.screen_ms, strict=False)
    fits = [name for name, elapsed, lit in marks if unused >= elapsed and screen >= lit]
    bucket = fits[-1] if fits and unused >= standby.hold_use_ms else "active"
    return replace(usage, bucket=bucket, looked_at=at)

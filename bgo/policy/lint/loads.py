"""Rules about what comes together: under one rate, one concurrency key, one platform's quota."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bgo.model.finding import Finding
from bgo.model.lane import Rate
from bgo.model.profile import Profile
from bgo.policy.lint import about
from bgo.policy.window import DAY_MS

SLOW_MS = 7 * DAY_MS
"""What takes longer to get through its rate is worth a word."""


@dataclass(frozen=True, slots=True)
class Load:
    """What waits, and what comes, under one limit or in one app."""

    waiting: int = 0
    per_day: float = 0.0
    """How many come in a day."""
    busy_ms_per_day: float = 0.0
    """How long these run in all, as far as that is known."""

    def __add__(self, other: Load) -> Load:
        return Load(
            self.waiting + other.waiting,
            self.per_day + other.per_day,
            self.busy_ms_per_day + other.busy_ms_per_day,
        )


def rate(limit: Rate, load: Load) -> Iterator[Finding]:
    """Yield what is wrong with what waits and comes under a rate."""
    out = limit.max * DAY_MS / limit.window_ms
    told = f"{limit.max:,} starts in {about(limit.window_ms)} under {limit.key}"
    if load.per_day > out:
        said = f"about {load.per_day:,.0f} come in a day, and {out:,.0f} may start"
        yield Finding("rate-never-drains", said, told, "allow more with --rate, or let it come less often")
    elif load.waiting * DAY_MS > (out - load.per_day) * SLOW_MS:
        takes = load.waiting / max(out - load.per_day, out / 1000)
        said = f"{load.waiting:,} wait, and are through in about {takes:,.0f} days"
        yield Finding("rate-slow", said, told, "allow more with --rate")


def concurrency(key: str, limit: int, load: Load) -> Iterator[Finding]:
    """Yield what is wrong with what comes under a concurrency key."""
    if load.busy_ms_per_day > limit * DAY_MS:
        said = f"a day brings {about(round(load.busy_ms_per_day))} of work, and {limit:,} at once get {limit:,} d done"
        why = f"at most {limit:,} run at once under {key}"
        yield Finding("concurrency-never-drains", said, why, "allow more with --concurrency, or let it come less often")


def quota(profile: Profile, bucket: str, load: Load) -> Iterator[Finding]:
    """Yield what is wrong with what comes by itself under the quota of an app in this standby bucket."""
    if profile.quota is None or (found := profile.quota.buckets.get(bucket)) is None:
        return
    windows = DAY_MS / found.window_ms
    busy, runs = load.busy_ms_per_day / windows, load.per_day / windows
    where = f"an app in bucket {bucket} has {about(found.time_ms)} and {found.jobs:,} runs in {about(found.window_ms)}"
    fix = "let it come less often, do more of it while charging, or put it together"
    if busy > found.time_ms:
        said = f"schedules bring about {about(round(busy))} of work in {about(found.window_ms)}"
        yield Finding("above-quota", said, f"{profile.name}: {where}", fix)
    if runs > found.jobs:
        said = f"schedules bring about {runs:,.0f} runs in {about(found.window_ms)}"
        yield Finding("above-quota", said, f"{profile.name}: {where}", fix)
    if load.busy_ms_per_day > profile.quota.day_cap_ms:
        said = f"schedules bring about {about(round(load.busy_ms_per_day))} of work in a day"
        why = f"{profile.name}: no app has more than {about(profile.quota.day_cap_ms)} in a day"
        yield Finding("above-quota", said, why, fix)


def slots(profile: Profile, waiting: int) -> Iterator[Finding]:
    """Yield a note where more waits than is handed to the platform at once."""
    most = profile.work.max_scheduled
    if most is not None and waiting > most:
        why = f"{profile.name}: {most:,} at a time are handed to the platform; the rest waits in the app's own queue"
        yield Finding("above-slots", f"{waiting:,} tasks wait", why, "put small ones together, as a chain or a batch")

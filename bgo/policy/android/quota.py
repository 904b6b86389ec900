"""Quota: how much an app may run in the background, by its standby bucket (QuotaController).

The time of its windows, a cap for the day, numbers of runs and of sessions, and how many may begin at once. Once it has
used up its time, an app starts nothing before some of it has become free again, so that it does not run in crumbs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bgo.model.android_state import AndroidState, Ledger, Running
from bgo.model.lane import Gate
from bgo.model.plan import Hold
from bgo.model.platform import Stop
from bgo.model.profile import Profile, Quota
from bgo.policy.android import facts, ledger
from bgo.policy.android.wording import OPEN_APP, PLUG_IN, told

DAY_MS = 86_400_000
HOLDER = "Android's quota for work in the background"


class Limit(NamedTuple):
    """So much time in a rolling window."""

    ms: int
    window_ms: int


def limits(quota: Quota, bucket: str) -> tuple[Limit, ...]:
    """Return the limits of time of a bucket; where all of the window may be used, only the cap for the day is one."""
    own = quota.buckets.get(bucket)
    day = Limit(quota.day_cap_ms, DAY_MS)
    if own is None or own.time_ms >= own.window_ms:
        return (day,)
    return Limit(own.time_ms, own.window_ms), day


def keep_ms(quota: Quota) -> int:
    """Return how long the ledger must look back."""
    return max(DAY_MS, *(bucket.window_ms for bucket in quota.buckets.values()))


def counts(quota: Quota | None, run: Running) -> bool:
    """Say whether a run is one of those that are counted, where work is counted at all."""
    return quota is not None and run.kind == facts.PLAIN and not (run.is_on_top and quota.top_started_free)


def is_out(profile: Profile, state: AndroidState, now: int) -> bool:
    """Say whether the time is used up, or was, and not enough of it has become free."""
    if profile.quota is None:
        return False
    return is_spent(profile.quota, facts.bucket(profile, state), state.jobs, state.is_out, now)


def is_spent(quota: Quota, bucket: str, jobs: Ledger, was_out: bool, now: int) -> bool:
    """Say the same of a bucket and a ledger."""
    for limit in limits(quota, bucket):
        left = limit.ms - ledger.used(jobs, limit.window_ms, now)
        if left <= 0 or (was_out and left <= _margin(quota, limit)):
            return True
    return False


def _margin(quota: Quota, limit: Limit) -> int:
    return min(quota.buffer_ms, limit.ms - 1)


def _back_at(quota: Quota, state: AndroidState, limit: Limit, now: int) -> int:
    """Return when more than the margin is free again."""
    return ledger.free_at(state.jobs, limit.ms - _margin(quota, limit) - 1, limit.window_ms, now)


def hold(profile: Profile, state: AndroidState, wants_network: bool, now: int) -> Hold | None:
    """Return what quota has against starting plain work; None: nothing."""
    quota, bucket = profile.quota, facts.bucket(profile, state)
    if quota is None or facts.is_free(profile, state, now):
        return None
    if bucket == "never":
        return Hold(Gate.QUOTA, "bucket never", "a bucket that may run work", HOLDER, None, OPEN_APP)
    is_over = is_out(profile, state, now)
    found = _out(quota, state, bucket, now) if is_over else next(_holds(quota, state, bucket, now), None)
    if found is not None and bucket == "restricted" and is_restful(profile, state, wants_network, now):
        return None
    return found


def is_restful(profile: Profile, state: AndroidState, wants_network: bool, now: int) -> bool:
    """Say whether work of a restricted app may run beyond its quota: the device charges, is idle, and so on."""
    if state.said.low or (wants_network and state.said.network == "none"):
        return False
    return facts.is_charging(profile, state, now) and facts.is_idle(profile, state, now)


def _lift(bucket: str) -> str:
    return f"{PLUG_IN}, and leave it alone" if bucket == "restricted" else PLUG_IN


def _out(quota: Quota, state: AndroidState, bucket: str, now: int) -> Hold:
    limit = max(limits(quota, bucket), key=lambda one: _back_at(quota, state, one, now))
    spent = ledger.used(state.jobs, limit.window_ms, now)
    whose = f"bucket {bucket}" if limit.window_ms != DAY_MS or limit.ms != quota.day_cap_ms else "all buckets"
    words = f"{whose}: {told(spent)} of {told(limit.ms)} used in {told(limit.window_ms)}"
    needed = f"more than {told(_margin(quota, limit))} of it free"
    return Hold(Gate.QUOTA, words, needed, HOLDER, _back_at(quota, state, limit, now), _lift(bucket))


def _holds(quota: Quota, state: AndroidState, bucket: str, now: int) -> Iterator[Hold]:
    """Yield the holds of the numbers of runs and sessions."""
    own, lift = quota.buckets.get(bucket), _lift(bucket)
    if own is not None:
        where = f"in {told(own.window_ms)}"
        if ledger.runs_in(state.jobs, own.window_ms, now) >= own.jobs:
            until = ledger.runs_free_at(state.jobs, own.jobs, own.window_ms)
            words = f"bucket {bucket}: {own.jobs} of {own.jobs} runs {where}"
            yield Hold(Gate.QUOTA, words, "fewer runs", HOLDER, until, lift)
        if ledger.sessions_in(state.jobs, own.window_ms, now) >= own.sessions:
            until = ledger.sessions_free_at(state.jobs, own.sessions, own.window_ms)
            words = f"bucket {bucket}: {own.sessions} of {own.sessions} sessions {where}"
            yield Hold(Gate.QUOTA, words, "fewer sessions", HOLDER, until, lift)
    if len(state.began) >= quota.burst > 0 and (until := state.began[-quota.burst] + quota.burst_window_ms) > now:
        words = f"{quota.burst} runs began in {told(quota.burst_window_ms)}"
        yield Hold(Gate.QUOTA, words, "fewer at once", HOLDER, until, "wait: the window slides")


def stop(profile: Profile, state: AndroidState, run: Running, now: int) -> Stop | None:
    """Return when a run has used up the app's time."""
    quota = profile.quota
    if quota is None or not counts(quota, run) or facts.is_free(profile, state, now):
        return None
    bucket = facts.bucket(profile, state)
    if bucket == "restricted" and is_restful(profile, state, run.wants_network, now):
        return None
    if bucket == "never" or is_out(profile, state, now):
        found = hold(profile, state, run.wants_network, now)
        return None if found is None else Stop(now, found)
    ends = [(at, one) for one in limits(quota, bucket) if (at := _ends_at(state, one, now)) is not None]
    if not ends:
        return None
    at, limit = min(ends)
    words = f"bucket {bucket}: {told(limit.ms)} of {told(limit.ms)} used in {told(limit.window_ms)}"
    until = ledger.free_at(state.jobs, limit.ms - _margin(quota, limit) - 1, limit.window_ms, at)
    return Stop(at, Hold(Gate.QUOTA, words, "time left of it", HOLDER, until, _lift(bucket)))


def _ends_at(state: AndroidState, limit: Limit, now: int) -> int | None:
    return ledger.used_up_at(state.jobs, limit.ms, limit.window_ms, now)


def edges(profile: Profile, state: AndroidState, now: int) -> Iterator[int | None]:
    """Yield when the answers may change while nothing happens."""
    quota = profile.quota
    if quota is None or facts.is_free(profile, state, now):
        return
    bucket = facts.bucket(profile, state)
    rules = limits(quota, bucket)
    if is_out(profile, state, now):
        if state.jobs.open_at is None:
            yield max(_back_at(quota, state, limit, now) for limit in rules)
        return
    yield from (_ends_at(state, limit, now) for limit in rules)
    yield from (found.until_ms for found in _holds(quota, state, bucket, now))

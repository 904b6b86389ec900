"""Standing: by what the gates of a platform are open, in words, for those who look. Holds tell of the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bgo.model.android_state import AndroidState
from bgo.model.ios_state import IosState
from bgo.model.lane import Gate
from bgo.model.platform import PlatformState
from bgo.model.profile import Profile
from bgo.policy.android import doze, facts, folding, ledger, quota
from bgo.policy.android.wording import told


class Standing(NamedTuple):
    """A gate of a platform, and how it stands."""

    gate: Gate
    current: str
    needed: str


def standing(profile: Profile, state: PlatformState, now: int) -> Iterator[Standing]:
    """Yield how the gates stand that every work has to pass; what holds some of it is not looked at."""
    if profile.os == "android" and state.android is not None:
        found = folding.passed(profile, state.android, now)
        yield from _quota(profile, found, now)
        yield from _doze(profile, found, now)
    if profile.os == "ios" and state.ios is not None:
        yield from _ios(state.ios, now)


def _quota(profile: Profile, state: AndroidState, now: int) -> Iterator[Standing]:
    if profile.quota is None:
        return
    bucket, needed = facts.bucket(profile, state), "time left of it"
    if facts.is_on_top(state):
        yield Standing(Gate.QUOTA, "not counted: the app is to be seen", needed)
    elif facts.is_free(profile, state, now):
        by = "it charges" if facts.is_charging(profile, state, now) else "a service runs"
        yield Standing(Gate.QUOTA, f"bucket {bucket}, not counted: {by}", needed)
    else:
        limit = quota.limits(profile.quota, bucket)[0]
        spent = told(ledger.used(state.jobs, limit.window_ms, now))
        words = f"bucket {bucket}: {spent} of {told(limit.ms)} used in {told(limit.window_ms)}"
        yield Standing(Gate.QUOTA, words, needed)


def _doze(profile: Profile, state: AndroidState, now: int) -> Iterator[Standing]:
    if profile.doze is None:
        return
    rest, needed = state.rest, "no idle period of Doze"
    if state.said.exempt:
        words = "the app is exempt from Doze"
    elif rest.phase in doze.WINDOWS:
        words = "a maintenance window" + ("" if rest.until is None else f", for {told(rest.until - now)} at most")
    elif rest.phase == "resting":
        at = doze.sleeps_at(profile.doze, rest)
        words = "the screen is off" + ("" if at is None or at <= now else f", and Doze begins in {told(at - now)}")
    else:
        words = "the phone is awake"
    yield Standing(Gate.DOZE, words, needed)


def _ios(state: IosState, now: int) -> Iterator[Standing]:
    times = (
        (state.processing_until, "processing"),
        (state.refresh_until, "an app refresh"),
        (state.grace_until, "the app has just left the screen"),
    )
    if state.facts is not None and state.facts.app == "foreground":
        words = "the app is in the foreground"
    else:
        words = next((f"{what}, for {told(until - now)} more" for until, what in times if until > now), "")
    if words:
        yield Standing(Gate.OPPORTUNITY, words, "time from iOS")

"""Expedited work: it passes quota, Doze and the battery saver for minutes, out of an account of its own."""

from __future__ import annotations

from collections.abc import Iterator

from bgo.model.android_state import AndroidState, Running
from bgo.model.lane import Gate, Traits
from bgo.model.plan import Hold
from bgo.model.profile import Expedited, Profile
from bgo.policy.android import facts, ledger
from bgo.policy.android.wording import PLUG_IN, told

MARGIN_MS = 30_000
"""So much must be free for a start, as with quota (QC_QUOTA_BUFFER), so that it does not run in crumbs."""


def _budget(profile: Profile, state: AndroidState) -> int:
    """Return how long such work may run in its window, by bucket; a bucket that is not listed has none of it."""
    return 0 if profile.expedited is None else profile.expedited.budgets_ms.get(facts.bucket(profile, state), 0)


def margin_ms(budget: int) -> int:
    """Return more than how much must be free where work starts; all of a budget that is no longer than the margin."""
    return min(MARGIN_MS, budget - 1)


def _start_limit(budget: int) -> int:
    """Return how much may have been used where work starts."""
    return max(0, budget - 1 - margin_ms(budget))


def may_start(profile: Profile, state: AndroidState, now: int) -> bool:
    """Say whether expedited work may start as such."""
    rule = profile.expedited
    if rule is None:
        return False
    if facts.is_free(profile, state, now):
        return True
    budget = _budget(profile, state)
    return budget > 0 and ledger.used(state.expedited, rule.window_ms, now) <= _start_limit(budget)


def is_plain(profile: Profile, state: AndroidState, traits: Traits, now: int) -> bool:
    """Say whether work that asks for this kind starts as plain work now."""
    return not traits.foreground and not (traits.expedited and may_start(profile, state, now))


def hold(profile: Profile, state: AndroidState, traits: Traits, now: int) -> Hold | None:
    """Return the hold of expedited work that would rather not run than run as plain work."""
    rule = profile.expedited
    if traits.expedited != "drop" or may_start(profile, state, now):
        return None
    budget = _budget(profile, state)
    free = "expedited quota" if budget <= 0 else f"more than {told(margin_ms(budget))} of it free"
    needed, lift = f"{free}, or --expedited=run", f"{PLUG_IN}; or enqueue it with --expedited=run"
    if rule is None:
        return Hold(Gate.QUOTA, "there is no expedited work", needed, f"the profile {profile.name}", None, lift)
    spent = ledger.used(state.expedited, rule.window_ms, now)
    words = f"expedited, bucket {facts.bucket(profile, state)}: "
    words += f"{told(spent)} of {told(budget)} used in {told(rule.window_ms)}"
    return Hold(
        Gate.QUOTA, words, needed, "Android's quota for expedited work", _back_at(rule, state, budget, now), lift
    )


def _back_at(rule: Expedited, state: AndroidState, budget: int, now: int) -> int | None:
    if budget <= 0:
        return None
    return ledger.free_at(state.expedited, _start_limit(budget), rule.window_ms, now)


def turns_plain_at(profile: Profile, state: AndroidState, run: Running, now: int) -> int | None:
    """Return when an expedited run becomes plain work: when its time, or all such time, is used up; None: it is not
    one."""
    rule = profile.expedited
    if run.kind != facts.EXPEDITED or rule is None:
        return None
    own = run.at + rule.run_max_ms
    if facts.is_free(profile, state, now):
        return own
    end = ledger.used_up_at(state.expedited, _budget(profile, state), rule.window_ms, now)
    return own if end is None else min(own, end)


def edges(profile: Profile, state: AndroidState, now: int) -> Iterator[int | None]:
    """Yield when such work may start again, or may not start any more."""
    rule = profile.expedited
    if rule is None or facts.is_free(profile, state, now):
        return
    budget = _budget(profile, state)
    if budget <= 0:
        return
    if state.expedited.open_at is not None:
        yield ledger.used_up_at(state.expedited, _start_limit(budget) + 1, rule.window_ms, now)
    elif not may_start(profile, state, now):
        yield _back_at(rule, state, budget, now)

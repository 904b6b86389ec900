"""Batching: work of an app that is not in use waits until enough of it has come together, or for half an hour.

Anything that runs opens the batch: the device is awake then anyhow.
"""

from __future__ import annotations

from bgo.model.android_state import AndroidState, Company
from bgo.model.lane import Gate
from bgo.model.plan import Hold
from bgo.model.profile import Batching, Profile
from bgo.policy.android import facts
from bgo.policy.android.doze import LINGER_MS
from bgo.policy.android.wording import OPEN_APP, told


def gathered(company: Company, ready: int, at: int) -> Company:
    """Return what waits for company when from `at` on so many tasks do."""
    if ready == company.ready:
        return company
    return Company(ready, None if ready == 0 else at if company.since is None else company.since)


def _needed(rule: Batching, profile: Profile, state: AndroidState, wants_network: bool) -> int | None:
    """Return how many must be ready for such work; None: it need not wait."""
    needed = [] if facts.bucket(profile, state) in ("exempted", "active") else [rule.ready]
    if wants_network and state.said.network == "metered" and rule.cellular_ready is not None:
        needed.append(rule.cellular_ready)
    return max(needed, default=None)


def hold(profile: Profile, state: AndroidState, wants_network: bool, now: int) -> Hold | None:
    """Return the hold of work that waits for company."""
    rule = profile.batching
    if rule is None or facts.is_on_top(state) or is_open(state, now):
        return None
    company, needed = state.company, _needed(rule, profile, state, wants_network)
    if needed is None or company.ready >= needed:
        return None
    # What nobody has looked at yet waits from the next look on, so for as long at the latest.
    until = (now if company.since is None else company.since) + rule.max_delay_ms
    if until <= now:
        return None
    words = f"{company.ready} ready" if company.ready else "not ready for long"
    wish = f"{needed} ready, or {told(rule.max_delay_ms)}, or anything that runs"
    return Hold(Gate.BATCHING, words, wish, "Android gathers work of apps that are not in use", until, OPEN_APP)


def is_open(state: AndroidState, now: int) -> bool:
    """Say whether anything runs, or did so a moment ago: the next task of the batch follows at once."""
    if state.running:
        return True
    return state.over_at is not None and state.over_at <= now <= state.over_at + LINGER_MS


def edges(profile: Profile, state: AndroidState) -> tuple[int | None, ...]:
    """Return when the answers may change while nothing happens."""
    rule, since = profile.batching, state.company.since
    if rule is None or facts.is_on_top(state) or _needed(rule, profile, state, wants_network=True) is None:
        return ()
    closes = None if state.over_at is None else state.over_at + LINGER_MS + 1
    return (closes, None if since is None else since + rule.max_delay_ms)

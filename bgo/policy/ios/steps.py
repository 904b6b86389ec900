"""What changes when the device says something new: where the app is, whether it is used, and what it permits."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from typing import Any

from bgo.model.ios_state import Facts, IosState, Pending
from bgo.model.platform import DeviceSaid
from bgo.model.profile import Profile
from bgo.policy.ios.facts import REQUESTS, app_rules, gives_time, seen
from bgo.policy.ios.grants import advance, timed, unused_at


def said(profile: Profile, state: IosState, event: DeviceSaid) -> IosState:
    """Return the state once the device has said this; what it had said before counts until then.

    Of an event before `state.at` the time since then is gone through again, as it was under what is new.
    """
    facts = seen(profile, event.device)
    state = advance(profile, state, event.at)
    if event.firm:
        state = _unlearnt(state, facts, event.firm)
    if facts == state.facts:
        return state
    was_forgotten = event.at >= unused_at(profile, state)
    changed = _rested(profile, _used(profile, state, facts, event.at), facts, event.at)
    if changed.quit or not facts.unlocked:  # the app is gone, and what ran in it
        changed = replace(changed, grace_until=0, refresh_until=0, processing_until=0)
    changed = _permitted(profile, replace(changed, at=event.at, facts=facts), event.at, is_new=was_forgotten)
    return advance(profile, timed(profile, changed), state.at)


_SWITCHES = {"charging": "power", "network": "network", "low_power": "low_power", "refresh": "refresh"}
"""The signals by which iOS permits requests, or does not, by their fields."""


def _unlearnt(state: IosState, facts: Facts, firm: Set[str]) -> IosState:
    """Return the state as if, until now, the opposite had been so of each firm fact that is no news.

    What is folded next makes news of it.
    """
    known = state.facts
    if known is None:
        return state
    names = [field for name, field in _SWITCHES.items() if name in firm]
    same: dict[str, Any] = {n: not getattr(facts, n) for n in names if getattr(facts, n) == getattr(known, n)}
    known = replace(known, **same)
    if "app" in firm and facts.app == known.app and facts.app in ("foreground", "background"):
        known = replace(known, app="background" if facts.app == "foreground" else "foreground")
    if facts.rest and facts.rest == known.rest and firm & ({"idle"} if facts.rest == "said" else {"screen", "lock"}):
        known, state = replace(known, rest=""), replace(state, idle_from=None)
    elif not same:
        return replace(state, facts=known)
    refresh = _withdrawn(state.refresh) if same.keys() & {"low_power", "refresh"} else state.refresh
    return replace(state, facts=known, refresh=refresh, processing=tuple(map(_withdrawn, state.processing)))


def _withdrawn(request: Pending) -> Pending:
    return replace(request, ready_from=None)


def _used(profile: Profile, state: IosState, facts: Facts, at: int) -> IosState:
    """Return the state once the app has come to the front, has left it, or was force-quit."""
    before = state.facts.app if state.facts is not None else "unknown"
    if facts.app == before:
        return state
    if facts.app == "foreground":
        return replace(state, quit=False, used_at=at, grace_until=0)
    if before == "foreground":
        grace = 0 if facts.app == "quit" else at + app_rules(profile).grace_ms
        state = replace(state, used_at=at, grace_until=grace if grace > state.at else 0)
    elif state.used_at is None and facts.app != "unknown":
        state = replace(state, used_at=at)  # it was just met: as if it had been left just now
    return replace(state, quit=True) if facts.app == "quit" else state


def _rested(profile: Profile, state: IosState, facts: Facts, at: int) -> IosState:
    """Return the state once somebody has taken the device, or has laid it down."""
    if facts.rest == (state.facts.rest if state.facts is not None else ""):
        return state
    if not facts.rest:
        ends = profile.processing is not None and profile.processing.stop_on_use
        return replace(state, idle_from=None, processing_until=0 if ends else state.processing_until)
    wait = 0 if facts.rest == "said" or profile.idle is None else profile.idle.after_ms
    before = state.idle_from
    return replace(state, idle_from=at + wait if before is None else min(before, at + wait))


def _permitted(profile: Profile, state: IosState, at: int, *, is_new: bool) -> IosState:
    """Return the state with its requests permitted or not; `is_new`: what was permitted before does not count."""
    facts = state.facts or Facts()
    may = gives_time(profile, facts, state.quit)
    idle = state.idle_from
    needs_idle = profile.processing is None or profile.processing.needs_idle
    found = []
    for needs, before in zip(REQUESTS, state.processing or (Pending(),) * len(REQUESTS), strict=True):
        fits = may and (facts.power or not needs.power) and (facts.network or not needs.network)
        ready = (at if not needs_idle else None if idle is None else max(at, idle)) if fits else None
        found.append(_ready(before, ready, is_new=is_new))
    return replace(state, refresh=_ready(state.refresh, at if may else None, is_new=is_new), processing=tuple(found))


def _ready(before: Pending, ready: int | None, *, is_new: bool) -> Pending:
    """Return a request that is permitted from `ready` on; if it was permitted before, that stays."""
    kept = before.ready_from
    if ready is not None and kept is not None and not is_new:
        ready = min(ready, kept)
    return before if ready == kept else replace(before, ready_from=ready)

"""Time that iOS gives: from what was drawn, and what the device permits, to windows in which work may run.

An instant that was drawn gives time at once if the device permits the request by then. If not, the request is owed its
time: at most once, soon after the device permits it, or with the next instant if that is earlier. Nothing that happens
between two events is kept as a list: a week is folded in one go.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from bgo.model.ios_state import IosState, Pending
from bgo.model.profile import Processing, Profile, Refresh
from bgo.policy.ios.draws import DAY_MS, Draw, delay, draw_of, first, last
from bgo.policy.ios.facts import app_rules, offers

LOOKAHEAD_MS = 14 * DAY_MS
"""So far ahead the next instant is looked for: later, one looks again."""
EVER = 1 << 60
_NEVER = -EVER


def advance(profile: Profile, state: IosState, now: int) -> IosState:
    """Return the state once time has gone on to `now` and nothing has happened: often the same."""
    if now <= state.at or now < state.folds_at:
        return state
    if state.facts is None:
        return replace(state, at=now)
    until = min(now, unused_at(profile, state) - 1)
    refresh, refresh_until = state.refresh, state.refresh_until
    processing, processing_until = state.processing, state.processing_until
    if profile.refresh is not None and offers(profile, "fetch"):
        draw = draw_of(profile, state.seed, profile.refresh)
        refresh, given = _folded(refresh, draw, profile.refresh.spread_ms, state.at, until)
        refresh_until = max(refresh_until, given + profile.refresh.run_max_ms)
    if profile.processing is not None and offers(profile, "processing"):
        draw, spread = draw_of(profile, state.seed, profile.processing), profile.processing.spread_ms
        found = [_folded(one, draw, spread, state.at, until) for one in processing]
        processing = tuple(one for one, _ in found)
        latest = max((given for _, given in found), default=_NEVER)
        processing_until = max(processing_until, latest + profile.processing.run_max_ms)
    folded = replace(
        state,
        at=now,
        grace_until=_open(state.grace_until, now),
        refresh_until=_open(refresh_until, now),
        processing_until=_open(processing_until, now),
        refresh=refresh,
        processing=processing,
    )
    return timed(profile, folded)


def _open(until: int, now: int) -> int:
    return until if until > now else 0


def unused_at(profile: Profile, state: IosState) -> int:
    """Return when the app will have been unused for so long that it gets no time any more."""
    limit = app_rules(profile).unused_ms
    in_use = state.facts is not None and state.facts.app == "foreground"
    return EVER if limit is None or state.used_at is None or in_use else state.used_at + limit


def _folded(request: Pending, draw: Draw, spread: int, after: int, until: int) -> tuple[Pending, int]:
    """Return a request as it stands at `until`, and when it was last given time since `after`."""
    if until <= after:
        return request, _NEVER
    latest = last(draw, after, until)
    if request.ready_from is None:
        return (request if latest is None or request.owed else Pending(None, True)), _NEVER
    begins = max(after, request.ready_from - 1)
    owed = request.owed or first(draw, after, min(until, request.ready_from - 1)) is not None
    given = _NEVER if latest is None or latest <= begins else latest
    if owed:
        owed_at = request.ready_from + delay(draw, request.ready_from, spread)
        came = None if given == _NEVER else first(draw, begins, until)
        if came is not None and came < owed_at:
            owed = False
        elif owed_at <= until:
            owed, given = False, max(given, owed_at)
    return (request if owed == request.owed else replace(request, owed=owed)), given


def timed(profile: Profile, state: IosState) -> IosState:
    """Return the state with the instants at which it changes next by itself, and at which anybody can tell."""
    edges = [state.grace_until, state.refresh_until, state.processing_until, state.idle_from or 0]
    folds = []
    limit = unused_at(profile, state)
    if limit > state.at:
        edges.append(limit)
        for rules, mode, requests in _time_of(profile, state):
            if offers(profile, mode):
                draw = draw_of(profile, state.seed, rules)
                folds.append(_look_again(draw, state.at))
                edges += [_next(one, draw, rules.spread_ms, state.at) for one in requests]
    edge = min((edge for edge in edges if state.at < edge < EVER), default=None)
    # At least once a day, as somebody may have changed the profile.
    folds_at = min([*folds, EVER if edge is None else edge, state.at + DAY_MS])
    return replace(state, folds_at=folds_at, edge_at=edge)


def _time_of(
    profile: Profile, state: IosState
) -> Iterator[tuple[Refresh | Processing, Literal["fetch", "processing"], tuple[Pending, ...]]]:
    if profile.refresh is not None:
        yield profile.refresh, "fetch", (state.refresh,)
    if profile.processing is not None:
        yield profile.processing, "processing", state.processing


def next_edge(profile: Profile, state: IosState, now: int) -> int | None:
    """Return the first instant after `now` at which a window opens or closes, the device is idle, or the app is
    forgotten."""
    return advance(profile, state, now).edge_at


def _look_again(draw: Draw, now: int) -> int:
    """Return the next instant that was drawn, or how far it was looked for."""
    if draw.chance <= 0 or draw.most < 1:
        return EVER
    return first(draw, now, now + LOOKAHEAD_MS) or now + LOOKAHEAD_MS


def _next(request: Pending, draw: Draw, spread: int, now: int) -> int:
    """Return when a request is given time next, if nothing happens, or when to look again; `EVER`: not at all."""
    ready = request.ready_from
    if ready is None:
        return EVER
    found = _look_again(draw, max(now, ready - 1))
    # What is still to be owed comes after the device is idle, which is an edge of its own.
    owed_at = ready + delay(draw, ready, spread) if request.owed else EVER
    return min(found, owed_at) if owed_at > now else found

"""Judging: what Android has against starting work, and when it ends a run, by the state of its rules.

Asked in the order of its JobScheduler: bucket and quota, Doze, the app, then, elsewhere, the constraints of the work,
and batching last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from bgo.model.android_state import AndroidState, Running
from bgo.model.lane import Gate, Traits
from bgo.model.options import NetworkConstraint
from bgo.model.plan import Hold
from bgo.model.platform import Stop
from bgo.model.profile import Doze, Profile
from bgo.policy.android import apps, batching, doze, expedited, facts, folding, foreground, quota
from bgo.policy.android.wording import WAKE, told

if TYPE_CHECKING:
    from bgo.model.lane import ViewKey

HOLDER = "Android's Doze"


class _Known(NamedTuple):
    """What was judged last: the keys of a look are many, and only two things about each of them count here."""

    profile: Profile | None
    state: AndroidState | None
    now: int
    found: dict[tuple[Traits, bool], tuple[Hold, ...]]


_known = [_Known(None, None, 0, {})]


def holds(profile: Profile, state: AndroidState, key: ViewKey, now: int) -> tuple[Hold, ...]:
    """Return what the platform has against starting such work now."""
    known = _known[0]
    if known.state is not state or known.now != now or known.profile is not profile:
        known = _known[0] = _Known(profile, state, now, {})
    asked = key.traits, key.constraints.network is not NetworkConstraint.NONE
    found = known.found.get(asked)
    if found is None:
        found = known.found[asked] = _judged(profile, state, asked, now)
    return found


def _judged(profile: Profile, state: AndroidState, asked: tuple[Traits, bool], now: int) -> tuple[Hold, ...]:
    traits, wants_network = asked
    is_plain = expedited.is_plain(profile, state, traits, now)
    found = [
        expedited.hold(profile, state, traits, now),
        quota.hold(profile, state, wants_network, now) if is_plain else None,
        doze_hold(profile, state, now) if is_plain else None,
        *apps.holds(profile, state, now),
        apps.saver_hold(profile, state) if is_plain else None,
        foreground.hold(profile, state, traits.foreground, now) if traits.foreground else None,
        batching.hold(profile, state, wants_network, now) if is_plain else None,
    ]
    return tuple(hold for hold in found if hold is not None)


def doze_hold(profile: Profile, state: AndroidState, now: int) -> Hold | None:
    """Return the hold of Doze on plain work: in its idle periods, and for a moment after them."""
    rule, rest = profile.doze, state.rest
    if rule is None or state.said.exempt or facts.is_on_top(state):
        return None
    if rest.phase in doze.DOZING:
        return _asleep(rule, state)
    if rest.left_at is None or now >= rest.left_at + rule.exit_delay_ms:
        return None
    words, until = "Doze has just ended", rest.left_at + rule.exit_delay_ms
    return Hold(Gate.DOZE, words, f"{told(rule.exit_delay_ms)} later", HOLDER, until, "wait")


def _asleep(rule: Doze, state: AndroidState) -> Hold:
    rest = state.rest
    kind = "deep" if rest.phase == "deep" else "light"
    length = told((rest.until or rest.at) - rest.at)
    words = f"{kind} Doze, an idle period of {length}"
    if rest.phase == "light-wait":
        words += ", as there is no network"
    until = _window_at(rule, state)
    until = None if until is None else until + rule.exit_delay_ms
    return Hold(Gate.DOZE, words, "a maintenance window, or the phone awake", HOLDER, until, WAKE)


def _window_at(rule: Doze, state: AndroidState) -> int | None:
    """Return when the next maintenance window opens, if the phone stays as it is."""
    rest, until = state.rest, state.rest.until
    if until is not None and rest.phase == "light" and rule.light is not None:
        until += rest.idle_ms if rule.light.wait_for_network and state.said.network == "none" else 0
    deep_at = doze.deep_at(rule, rest) if rest.phase in doze.LIGHT else None
    if rule.deep is not None and deep_at is not None and until is not None and deep_at <= until:
        return deep_at + rule.deep.idle_ms
    return until


def stop(profile: Profile, state: AndroidState, run: Running, now: int) -> Stop | None:
    """Return when a run must end, if nothing happens before."""
    return min(_stops(profile, state, run, now), key=lambda one: one.at, default=None)


def _stops(profile: Profile, state: AndroidState, run: Running, now: int) -> Iterator[Stop]:
    if run.kind == facts.PLAIN:
        yield from _plain_stops(profile, state, run, now)
    elif run.kind == facts.EXPEDITED:
        later, plain = folding.as_plain(profile, state, run, now)
        yield from _plain_stops(profile, later, plain, now)
    yield from apps.stops(profile, state, run, now)
    if run.kind == facts.SERVICE:
        yield from foreground.stops(profile, state, run, now)
    elif profile.work.run_max_ms is not None:
        most = told(profile.work.run_max_ms)
        words, needed = f"ran for {most}", f"at most {most}, or a service in the foreground"
        hold = Hold(Gate.RUN_TIME, words, needed, "Android's limit for work in the background")
        yield Stop(run.at + profile.work.run_max_ms, hold)


def _plain_stops(profile: Profile, state: AndroidState, run: Running, now: int) -> Iterator[Stop]:
    """Yield what stops plain work; what would have stopped it already, had it not been expedited, ends it now."""
    turned = run.plain_at
    if turned is None:
        yield from _taken(profile, state, run, now)
        return
    asked_at = turned if state.at <= turned else max(now, turned)  # nothing has happened since
    for stop in _taken(profile, state, run, asked_at):
        if stop.at > turned:
            yield stop
        else:
            over = f"its {told(turned - run.at)} of expedited time are over"
            also = f": {stop.hold.current}" if stop.hold.gate is not Gate.DOZE else ", and the phone is in Doze"
            yield Stop(turned, replace(stop.hold, current=over + also))


def _taken(profile: Profile, state: AndroidState, run: Running, now: int) -> Iterator[Stop]:
    if (spent := quota.stop(profile, state, run, now)) is not None:
        yield spent
    yield from _sleeps(profile, state)
    if (saver := apps.saver_hold(profile, state)) is not None:
        yield Stop(now, saver)


def _sleeps(profile: Profile, state: AndroidState) -> Iterator[Stop]:
    if profile.doze is None or state.said.exempt or facts.is_on_top(state):
        return
    at = doze.sleeps_at(profile.doze, state.rest)
    if at is not None:
        yield Stop(at, Hold(Gate.DOZE, "Doze begins", "the phone awake, or expedited work", HOLDER, None, WAKE))


def edges(profile: Profile, state: AndroidState, now: int) -> Iterator[int | None]:
    """Yield the instants, some of them past, at which an answer may change while nothing happens."""
    yield state.due
    yield facts.idle_at(profile, state) if state.said.idle == "unknown" else None
    if profile.doze is not None and state.rest.left_at is not None:
        yield state.rest.left_at + profile.doze.exit_delay_ms
    yield from quota.edges(profile, state, now)
    yield from expedited.edges(profile, state, now)
    yield from foreground.edges(profile, state, now)
    yield from apps.edges(profile, state)
    yield from batching.edges(profile, state)
    for run in state.running:
        yield from _caps(profile, run)


def _caps(profile: Profile, run: Running) -> Iterator[int]:
    """Yield when a run has gone on for as long as one may."""
    caps: list[int | None] = [None if profile.maker is None else profile.maker.kill_after_run_ms]
    if run.kind != facts.SERVICE:
        caps.append(profile.work.run_max_ms)
    elif profile.foreground is not None and run.service in profile.foreground.types:
        caps.append(profile.foreground.types[run.service].run_max_ms)
    yield from (run.at + cap for cap in caps if cap is not None)

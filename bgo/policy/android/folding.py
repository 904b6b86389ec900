"""Folding: what an event, or the passing of time, makes of the state of Android's rules.

Each rule draws its own conclusions; the accounts are drawn up last, as what counts hangs on all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bgo.model.android_state import AndroidState, Company, Running, Said
from bgo.model.platform import RunBegan
from bgo.model.profile import Profile, Quota
from bgo.policy.android import doze, expedited, facts, foreground, ledger, quota, standby


def met(at: int) -> AndroidState:
    """Return the state of a phone that has just been met."""
    return AndroidState(at, usage=standby.met(at))


def told(profile: Profile, state: AndroidState, said: Said, at: int) -> AndroidState:
    """Return the state when from `at` on the phone says this; `at` may lie before the state's last change."""
    state = passed(profile, state, at)
    before = state.said
    is_on_top = said.app == facts.FOREGROUND
    after = replace(
        state,
        said=said,
        plugged_at=_since(said.charging, before.charging, state.plugged_at, at),
        dark_at=_since(facts.is_dark(said), facts.is_dark(before), state.dark_at, at),
        usage=standby.told(state.usage, said, at),
        rest=doze.worked(doze.told(profile.doze, state.rest, before, said, at), len(state.running), at),
        services=() if is_on_top else state.services,
    )
    return _drawn(profile, state, after, at)


def _since(is_so: bool, was_so: bool, since: int | None, at: int) -> int | None:
    return None if not is_so else since if was_so else at


def began(profile: Profile, state: AndroidState, event: RunBegan) -> AndroidState:
    """Return the state once a run has begun; its batch is open then."""
    state = passed(profile, state, event.at)
    running = (*state.running, started(profile, state, event))
    rest = doze.worked(state.rest, len(running), event.at)
    return _drawn(profile, state, replace(state, running=running, rest=rest, company=Company()), event.at)


def started(profile: Profile, state: AndroidState, event: RunBegan) -> Running:
    """Return a run as the rules see it: expedited only where there is quota for it."""
    traits = event.traits
    kind = facts.SERVICE if traits.foreground else facts.PLAIN
    if traits.expedited and not traits.foreground and expedited.may_start(profile, state, event.at):
        kind = facts.EXPEDITED
    return Running(event.run, event.at, kind, traits.foreground, facts.is_on_top(state), event.wants_network)


def over(profile: Profile, state: AndroidState, run: str, at: int) -> AndroidState:
    """Return the state once a run is over."""
    state = passed(profile, state, at)
    running = tuple(one for one in state.running if one.run != run)
    if len(running) == len(state.running):
        return state
    rest = doze.worked(state.rest, len(running), at)
    return _drawn(profile, state, replace(state, running=running, rest=rest, over_at=at), at)


def passed(profile: Profile, state: AndroidState, now: int) -> AndroidState:
    """Return the state once time has gone on to `now`; the same where nothing turned by itself."""
    while state.due is not None and state.due <= now:
        state = _turned(profile, state, state.due)
    return state


def _turned(profile: Profile, state: AndroidState, at: int) -> AndroidState:
    after = replace(
        state,
        usage=standby.passed(profile.standby, state.usage, at),
        rest=doze.passed(profile.doze, state.rest, state.said, len(state.running), at),
        running=tuple(_as_plain(profile, state, run, at) for run in state.running),
    )
    return _drawn(profile, state, after, at)


def _as_plain(profile: Profile, state: AndroidState, run: Running, at: int) -> Running:
    end = expedited.turns_plain_at(profile, state, run, at)
    return run if end is None or end > at else replace(run, kind=facts.PLAIN, plain_at=at)


def as_plain(profile: Profile, state: AndroidState, run: Running, now: int) -> tuple[AndroidState, Running]:
    """Return the state and the run at the instant at which expedited work becomes plain, if nothing happens before."""
    while True:
        end = expedited.turns_plain_at(profile, state, run, now)
        if end is None:
            return state, run
        if state.due is None or state.due > end:  # a run that the state does not know
            return state, replace(run, kind=facts.PLAIN, plain_at=end)
        now = state.due
        state = _turned(profile, state, now)
        run = next((one for one in state.running if one.run == run.run), run)


def _drawn(profile: Profile, before: AndroidState, after: AndroidState, at: int) -> AndroidState:
    """Return the state after a change, with its accounts drawn up and its next turn worked out."""
    is_free = facts.is_free(profile, after, at)
    plain = 0 if is_free else sum(quota.counts(profile.quota, run) for run in after.running)
    quick = 0 if is_free else sum(run.kind == facts.EXPEDITED for run in after.running)
    jobs, fast, starts = after.jobs, after.expedited, after.began
    if profile.quota is not None and plain != jobs.live:
        starts = _starts(profile.quota, starts, plain - jobs.live, at)
        jobs = ledger.counted(jobs, plain, at, profile.quota.merge_ms, quota.keep_ms(profile.quota))
    if profile.expedited is not None and quick != fast.live:
        fast = ledger.counted(fast, quick, at, 0, profile.expedited.window_ms)
    services, last = foreground.drawn(profile, after, at), max(at, before.at)
    found = replace(after, at=last, jobs=jobs, expedited=fast, began=starts, services=services)
    is_out = _is_out(profile, before, found, at)
    due = min((turn for turn in _turns(profile, found, at) if turn is not None), default=None)
    return found if (due, is_out) == (found.due, found.is_out) else replace(found, due=due, is_out=is_out)


def _is_out(profile: Profile, before: AndroidState, after: AndroidState, at: int) -> bool:
    """Return whether it is out of quota: looked at where what is left begins to rise or to fall, or another limit
    counts. Between, it does but one of both, so that no moment is missed."""
    rule, was, bucket = profile.quota, facts.bucket(profile, before), facts.bucket(profile, after)
    if rule is None or (after.jobs is before.jobs and bucket == was):
        return before.is_out
    is_out = quota.is_spent(rule, was, before.jobs, before.is_out, at)
    return is_out if bucket == was else quota.is_spent(rule, bucket, before.jobs, is_out, at)


def _starts(rule: Quota, starts: tuple[int, ...], more: int, at: int) -> tuple[int, ...]:
    """Return the last starts of what counts when so many more have begun, as many as anybody asks for."""
    return (*starts, *(at,) * more)[-rule.burst :] if more > 0 and rule.burst > 0 else starts


def _turns(profile: Profile, state: AndroidState, at: int) -> Iterator[int | None]:
    """Yield when the state changes by itself."""
    yield standby.look_at(profile.standby, state.usage)
    yield doze.turns_at(profile.doze, state.rest)
    charged = facts.charged_at(profile, state)
    if charged is not None and charged > at:
        yield charged
    for run in state.running:
        if run.kind == facts.EXPEDITED:
            yield expedited.turns_plain_at(profile, state, run, at)

"""iOS by a slower road: a script is walked through from its start for each question, and each instant on its own."""

from __future__ import annotations

from dataclasses import dataclass, field

from bgo.model.device import DeviceState
from bgo.model.ios_state import Facts
from bgo.model.profile import Profile
from bgo.policy.ios import draws
from bgo.policy.ios.facts import REQUESTS, Needs, seen
from tests.policy.ios.phone import DAY

Script = list[tuple[int, DeviceState]]
"""(at, what the device says from then on), in order of time."""


@dataclass
class _Walk:
    """What is known at an instant of a walk."""

    facts: Facts = field(default_factory=Facts)
    quit: bool = False
    used_at: int | None = None
    rests_from: int | None = None
    grace_until: int = 0


def is_open(profile: Profile, seed: int, script: Script, now: int, *, rest: bool) -> bool:
    """Say whether work, which wants the device at rest or not, may start at `now`."""
    walk = _walked(profile, script, now)
    if not walk.facts.unlocked or walk.quit:
        return False
    if walk.facts.app == "foreground" or now < walk.grace_until:
        return True
    if not _gives(profile, walk, now):
        return False
    if not rest and _in_window(profile, seed, script, now, None):
        return True
    return any(_in_window(profile, seed, script, now, needs) for needs in REQUESTS)


def interesting(profile: Profile, seed: int, script: Script, now: int) -> list[int]:
    """Return the instants up to `now` around which something begins or ends."""
    found = {at for at, _ in script} | set(_turns(profile, script, now))
    for needs in (None, *REQUESTS):
        rules = profile.refresh if needs is None else profile.processing
        assert rules is not None
        for given in _given(profile, seed, script, now, needs):
            found |= {given, given + rules.run_max_ms}
    return sorted(at for at in found if script[0][0] < at <= now)


def _walked(profile: Profile, script: Script, now: int) -> _Walk:
    walk = _Walk()
    for number, (at, device) in enumerate(script):
        if at > now:
            break
        _told(profile, walk, at, device, is_first=number == 0)
    return walk


def _told(profile: Profile, walk: _Walk, at: int, device: DeviceState, *, is_first: bool) -> None:
    facts, before = seen(profile, device), walk.facts
    was = "unknown" if is_first else before.app
    if facts.app == "foreground":
        walk.quit, walk.grace_until, walk.used_at = False, 0, at
    elif was == "foreground":
        walk.used_at = at
        walk.grace_until = 0 if facts.app == "quit" else at + profile.app.grace_ms  # type: ignore[union-attr]
    elif facts.app != was and facts.app != "unknown" and walk.used_at is None:
        walk.used_at = at
    walk.quit = walk.quit or facts.app == "quit"
    if walk.quit or not facts.unlocked:
        walk.grace_until = 0
    if not facts.rest:
        walk.rests_from = None
    elif is_first or facts.rest != before.rest:
        wait = profile.idle.after_ms if facts.rest == "dark" and profile.idle else 0
        walk.rests_from = min(at + wait, at + wait if walk.rests_from is None else walk.rests_from)
    walk.facts = facts


def _gives(profile: Profile, walk: _Walk, now: int) -> bool:
    facts, app = walk.facts, profile.app
    assert app is not None
    forgotten = (
        app.unused_ms is not None
        and walk.used_at is not None
        and facts.app != "foreground"
        and now >= walk.used_at + app.unused_ms
    )
    saves = facts.low_power and app.low_power_stops
    return facts.unlocked and not walk.quit and facts.refresh and not saves and not facts.flat and not forgotten


def _in_window(profile: Profile, seed: int, script: Script, now: int, needs: Needs | None) -> bool:
    rules = profile.refresh if needs is None else profile.processing
    assert rules is not None
    for given in _given(profile, seed, script, now, needs):
        if given <= now < given + rules.run_max_ms and not _is_cut(profile, script, given, now, needs):
            return True
    return False


def _is_cut(profile: Profile, script: Script, given: int, now: int, needs: Needs | None) -> bool:
    """Say whether something that the device said since then has ended the time."""
    for at, _ in script:
        if given < at <= now:
            walk = _walked(profile, script, at)
            if walk.quit or not walk.facts.unlocked or (needs is not None and not walk.facts.rest):
                return True
    return False


def _given(profile: Profile, seed: int, script: Script, now: int, needs: Needs | None) -> list[int]:
    """Return when a request was given time up to `now`: each instant that was drawn is looked at on its own."""
    rules = profile.refresh if needs is None else profile.processing
    assert rules is not None
    draw = draws.draw_of(profile, seed, rules)
    begins = script[0][0]
    days = range(begins // DAY, now // DAY + 1)
    drawn = [at for day in days for at in draws.of_day(draw, day) if begins < at <= now]
    given, owed, since = [], False, None
    for instant in sorted({*drawn, *_turns(profile, script, now)}):
        ready = _ready_since(profile, script, instant, needs)
        if owed and since is not None:
            due = since + draws.delay(draw, since, rules.spread_ms)
            if due <= instant and _ready_since(profile, script, due, needs) == since:
                given.append(due)
                owed = False
        since = ready
        if instant not in drawn or _is_forgotten(profile, script, instant):
            continue
        if ready is None or ready == instant:
            owed = True
        else:
            given.append(instant)
            owed = False
    if owed and since is not None and (due := since + draws.delay(draw, since, rules.spread_ms)) <= now:
        given.append(due)
    return given


def _turns(profile: Profile, script: Script, now: int) -> list[int]:
    """Return the instants at which what is permitted may have changed."""
    after = profile.idle.after_ms if profile.idle else 0
    unused = profile.app.unused_ms or 0 if profile.app else 0
    times = [at + more for at, _ in script for more in (0, after, unused)]
    return [at for at in times if at <= now]


def _is_forgotten(profile: Profile, script: Script, at: int) -> bool:
    walk = _walked(profile, script, at)
    limit = profile.app.unused_ms if profile.app else None
    return (
        limit is not None and walk.used_at is not None and walk.facts.app != "foreground" and at >= walk.used_at + limit
    )


def _permits(profile: Profile, script: Script, at: int, needs: Needs | None) -> bool:
    walk = _walked(profile, script, at)
    if not _gives(profile, walk, at):
        return False
    if needs is None:
        return True
    rests = walk.rests_from is not None and walk.rests_from <= at
    return rests and (walk.facts.power or not needs.power) and (walk.facts.network or not needs.network)


def _ready_since(profile: Profile, script: Script, at: int, needs: Needs | None) -> int | None:
    """Return since when a request is permitted without a break; None: it is not."""
    if not _permits(profile, script, at, needs):
        return None
    since = at
    for turn in sorted(_turns(profile, script, at), reverse=True):
        if not _permits(profile, script, turn, needs):
            break
        since = turn
    return since

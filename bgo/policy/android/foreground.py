"""Foreground services: who may start one, and how long those of a type may go on in all (Android 15's limits).

An account begins with the first start of its type, and begins anew once its window is over, or the user has brought the
app to the front (ServiceRecord.TimeLimitedFgsInfo).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bgo.model.android_state import AndroidState, Running, Service
from bgo.model.lane import Gate
from bgo.model.plan import Hold
from bgo.model.platform import Stop
from bgo.model.profile import ForegroundLimit, Profile
from bgo.policy.android import facts
from bgo.policy.android.wording import OPEN_APP, told

HOLDER = "Android's limits of foreground services"


def _limit(profile: Profile, type_: str) -> ForegroundLimit:
    return ForegroundLimit() if profile.foreground is None else profile.foreground.types.get(type_, ForegroundLimit())


def _account(state: AndroidState, type_: str) -> Service | None:
    return next((one for one in state.services if one.type == type_), None)


def _is_over(limit: ForegroundLimit, one: Service, now: int) -> bool:
    return limit.window_ms is not None and one.open_at is None and now >= one.first_at + limit.window_ms


def _used(one: Service, now: int) -> int:
    return one.used if one.open_at is None else one.used + max(0, now - one.open_at)


def drawn(profile: Profile, state: AndroidState, at: int) -> tuple[Service, ...]:
    """Return the accounts when from `at` on these runs are live: counted is what runs while the app is not on top."""
    if not state.services and not any(run.service for run in state.running):
        return ()
    if facts.is_on_top(state):
        return ()
    live = {run.service for run in state.running if run.service}
    limited = {name for name in live if _limit(profile, name).total_ms is not None}
    found = [_drawn(profile, one, one.type in limited, at) for one in state.services]
    new = sorted(limited - {one.type for one in state.services})
    return (*found, *(Service(name, at, 0, at) for name in new))


def _drawn(profile: Profile, one: Service, is_live: bool, at: int) -> Service:
    if is_live == (one.open_at is not None):
        return one
    if not is_live:
        return replace(one, used=_used(one, at), open_at=None)
    return Service(one.type, at, 0, at) if _is_over(_limit(profile, one.type), one, at) else replace(one, open_at=at)


def hold(profile: Profile, state: AndroidState, type_: str, now: int) -> Hold | None:
    """Return what holds a start of this type."""
    rule, app = profile.foreground, state.said.app
    if rule is None or facts.is_on_top(state):
        return None
    if not rule.start_from_background and not state.said.exempt:
        where = "nobody says whether the app is on the screen" if app == "unknown" else f"app: {app}"
        needed = "the app on the screen, or free of battery optimisation"
        return Hold(Gate.FOREGROUND, where, needed, HOLDER, None, OPEN_APP)
    limit, one = _limit(profile, type_), _account(state, type_)
    if one is None or limit.total_ms is None or _is_over(limit, one, now) or _used(one, now) < limit.total_ms:
        return None
    found = _used_up(type_, limit, one)
    is_late = found.until_ms is not None and found.until_ms <= now  # it still runs, and nobody knows until when
    return replace(found, until_ms=None) if is_late else found


def _used_up(type_: str, limit: ForegroundLimit, one: Service) -> Hold:
    window, until = "", None
    if limit.window_ms is not None:
        window, until = f" in {told(limit.window_ms)}", one.first_at + limit.window_ms
    total = told(limit.total_ms or 0)
    return Hold(Gate.FOREGROUND, f"{type_}: {total} of {total} used{window}", "time left", HOLDER, until, OPEN_APP)


def stops(profile: Profile, state: AndroidState, run: Running, now: int) -> Iterator[Stop]:
    """Yield when a service must end."""
    limit = _limit(profile, run.service)
    if limit.run_max_ms is not None:
        most = told(limit.run_max_ms)
        needed = f"at most {most}"
        yield Stop(run.at + limit.run_max_ms, Hold(Gate.RUN_TIME, f"{run.service}: {most}", needed, HOLDER))
    one = _account(state, run.service)
    if one is not None and limit.total_ms is not None and one.open_at is not None:
        yield Stop(one.open_at + max(0, limit.total_ms - one.used), _used_up(run.service, limit, one))


def edges(profile: Profile, state: AndroidState, now: int) -> Iterator[int | None]:
    """Yield when the answers may change while nothing happens."""
    for one in state.services:
        limit = _limit(profile, one.type)
        if one.open_at is not None and limit.total_ms is not None:
            yield one.open_at + limit.total_ms - one.used
        elif limit.window_ms is not None:
            yield one.first_at + limit.window_ms

"""What iOS has against starting or going on with work, in words, with the deed that would change it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from bgo.model.device import DeviceState
from bgo.model.ios_state import Facts, IosState
from bgo.model.lane import Gate, Traits
from bgo.model.plan import Hold
from bgo.model.profile import Profile
from bgo.model.words import span
from bgo.policy.ios.facts import app_rules, has_mode, offers
from bgo.policy.ios.grants import unused_at

if TYPE_CHECKING:
    from bgo.model.lane import ViewKey

OPEN_APP = "open the app, or bgo run --signal app=foreground"
OWNER, USER, IOS = "whoever owns the device", "the app's user", "iOS, when it likes"


def gone(state: IosState, device: DeviceState) -> Iterator[Hold]:
    """Yield what keeps iOS from letting the app run at all."""
    facts = state.facts or Facts()
    if state.quit:
        yield Hold(Gate.APP, "force-quit", "an app that was opened since then", USER, lift=OPEN_APP)
    if not facts.unlocked:
        yield Hold(
            Gate.LOCKED,
            f"not unlocked since it started ({device.lock.source}): its files cannot be read",
            "its first unlock",
            OWNER,
            lift="unlock it, or bgo run --signal lock=open",
        )


def in_background(profile: Profile, state: IosState, device: DeviceState, key: ViewKey, now: int) -> Iterator[Hold]:
    """Yield what stands against work of an app that is not in the foreground; of each gate the first hold alone."""
    facts = state.facts or Facts()
    if not state.quit:
        yield from islice(_app(profile, state, device, key, now), 1)
    yield from islice(_power(profile, facts, device), 1)
    if not state.processing_until and (wants_rest(key) or not state.refresh_until):
        yield _opportunity(profile, state, key)


def _app(profile: Profile, state: IosState, device: DeviceState, key: ViewKey, now: int) -> Iterator[Hold]:
    """Yield why iOS gives this app no time, whatever the device."""
    yield from _modes(profile, key)
    if state.facts is not None and not state.facts.refresh:
        yield _switched_off(device, "requests end with error 1, unavailable")
    if now >= unused_at(profile, state):
        unused = span(app_rules(profile).unused_ms or 0)
        yield Hold(Gate.APP, f"nobody has opened the app for {unused}", "an app in use", USER, lift=OPEN_APP)


def _power(profile: Profile, facts: Facts, device: DeviceState) -> Iterator[Hold]:
    """Yield what iOS saves power for: Low Power Mode, or a battery that is nearly empty."""
    if facts.low_power and app_rules(profile).low_power_stops:
        yield Hold(
            Gate.LOW_POWER,
            f"Low Power Mode is on ({device.low_power.source})",
            "it off",
            OWNER,
            lift="switch it off, or bgo run --signal low_power=off",
        )
    if facts.flat:
        yield Hold(
            Gate.LOW_POWER,
            f"battery at {device.battery.percent} %, not charging ({device.battery.source})",
            f"{app_rules(profile).battery_floor} %, or a charger",
            "the device's battery",
            lift="charge it, or bgo run --battery 50",
        )


def cancelled(device: DeviceState) -> Hold:
    """Return the hold of a transfer that iOS cancels, as the app may not run in the background any more."""
    return _switched_off(device, "iOS cancels its transfers")


def _switched_off(device: DeviceState, so: str) -> Hold:
    return Hold(
        Gate.APP,
        f"Background App Refresh is off ({device.refresh.source}): {so}",
        "it on",
        OWNER,
        lift="Settings > General > Background App Refresh, or bgo run --signal refresh=on",
    )


def wants_rest(key: ViewKey) -> bool:
    """Say whether such work can only be done by processing: a refresh can be asked for under no condition."""
    return key.constraints.requires_charging or key.constraints.device_idle


def _modes(profile: Profile, key: ViewKey) -> Iterator[Hold]:
    """Yield the hold of work that the app may not even ask for."""
    wanted = ("processing",) if wants_rest(key) else ("fetch", "processing")
    if any(offers(profile, mode) for mode in wanted):
        return
    missing = [mode for mode in wanted if not has_mode(profile, mode)]
    yield Hold(
        Gate.APP,
        f"UIBackgroundModes has no {' or '.join(missing)}: requests end with error 3, not permitted"
        if missing
        else f"{profile.name} gives no time in the background",
        f"{' or '.join(wanted)} in UIBackgroundModes" if missing else "the app in the foreground",
        f"the profile {profile.name}",
        lift="add it: bgo profiles check ios --plist Info.plist" if missing else OPEN_APP,
    )


def _opportunity(profile: Profile, state: IosState, key: ViewKey) -> Hold:
    kinds = []
    if profile.refresh is not None and not wants_rest(key):
        kinds.append(f"a refresh ({span(profile.refresh.run_max_ms)})")
    if profile.processing is not None:
        idle = ", while nobody uses the device" if profile.processing.needs_idle else ""
        kinds.append(f"processing ({span(profile.processing.run_max_ms)}{idle})")
    again = "; bgo asks for the next one after each run" if key.traits.periodic else ""
    short = "no more than a refresh now" if state.refresh_until else "iOS gives no time now, and may never"
    return Hold(Gate.OPPORTUNITY, short, f"{' or '.join(kinds) or 'an opportunity'}{again}", IOS, lift=OPEN_APP)


def not_in_front(traits: Traits) -> Hold:
    """Return the hold of work that only its user may start, in the app."""
    return Hold(
        Gate.FOREGROUND,
        "the app is not in the foreground",
        f"it there: {traits.foreground} work starts with a deed of its user",
        USER,
        lift=OPEN_APP,
    )


def time_over(state: IosState) -> Hold:
    """Return the hold of a run whose time ends, or has ended."""
    ends = max(state.grace_until, state.refresh_until, state.processing_until)
    if not ends:
        what = "iOS has suspended the app: its time in the background is over"
    elif ends == state.processing_until:
        what = "processing ends"
    else:
        what = "refresh ends" if ends == state.refresh_until else "the app has left the screen"
    return Hold(
        Gate.RUN_TIME, what, "more time from iOS", IOS, ends or None, "keep a checkpoint: the rest runs next time"
    )

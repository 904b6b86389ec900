"""The app itself: whether the system starts it at all, and what makers and the battery saver do to it."""

from __future__ import annotations

from collections.abc import Iterator

from bgo.model.android_state import AndroidState, Running
from bgo.model.lane import Gate
from bgo.model.plan import Hold
from bgo.model.platform import Stop
from bgo.model.profile import Maker, Profile
from bgo.policy.android import facts
from bgo.policy.android.wording import OPEN_APP, told


def holds(profile: Profile, state: AndroidState, now: int) -> Iterator[Hold]:
    """Yield what keeps the app from being started."""
    app, maker = state.said.app, profile.maker
    if app == "force-quit":
        yield Hold(Gate.APP, "force-stopped", "an app that its user has opened since", "its user", None, OPEN_APP)
    if maker is None:
        return
    name = maker.name or profile.name
    if app == "swiped" and not maker.autostart:
        needed = "the app opened, or its autostart allowed"
        lift = f"{OPEN_APP}; or allow its autostart in the phone's settings"
        yield Hold(Gate.APP, "swiped away, and may not start by itself", needed, name, None, lift)
    asleep = asleep_at(maker, state)
    if asleep is not None and asleep <= now and not state.said.exempt:
        words = f"put to sleep: not used for {told(now - state.usage.used_at)}"
        needed = f"a use within {told(maker.sleep_after_unused_ms or 0)}"
        yield Hold(Gate.APP, words, needed, name, None, f"{OPEN_APP}; or take it off the list of sleeping apps")
    killed = killed_at(maker, state)
    if killed is not None and killed <= now:
        yield _killed(maker, name)


def _killed(maker: Maker, name: str) -> Hold:
    words = f"killed: the screen has been off for {told(maker.kill_after_screen_off_ms or 0)}"
    return Hold(Gate.APP, words, "the screen on", name, None, "wake the phone, or bgo run --screen on")


def asleep_at(maker: Maker, state: AndroidState) -> int | None:
    """Return when the maker puts an app to sleep that is not used; None: not at all."""
    if maker.sleep_after_unused_ms is None or state.usage.is_used:
        return None
    return state.usage.used_at + maker.sleep_after_unused_ms


def killed_at(maker: Maker, state: AndroidState) -> int | None:
    """Return when the maker kills what is in the background while the screen is off; None: not at all."""
    if maker.kill_after_screen_off_ms is None or state.dark_at is None:
        return None
    return state.dark_at + maker.kill_after_screen_off_ms


def saver_hold(profile: Profile, state: AndroidState) -> Hold | None:
    """Return the hold of the battery saver on plain work."""
    if not profile.battery.saver_defers or not state.said.saver or facts.is_on_top(state) or state.said.exempt:
        return None
    lift = "charge the phone, turn battery saver off, or bgo run --signal low_power=no"
    needed = "battery saver off, or the app on the screen"
    return Hold(Gate.LOW_POWER, "battery saver is on", needed, "the battery saver", None, lift)


def stops(profile: Profile, state: AndroidState, run: Running, now: int) -> Iterator[Stop]:
    """Yield when a run ends with its app."""
    if state.said.app in ("swiped", "force-quit") and (gone := next(holds(profile, state, now), None)) is not None:
        yield Stop(now, gone)
    maker = profile.maker
    if maker is None:
        return
    name = maker.name or profile.name
    if maker.kill_after_run_ms is not None:
        most = told(maker.kill_after_run_ms)
        hold = Hold(Gate.RUN_TIME, f"killed with its app after {most}", f"shorter than {most}", name)
        yield Stop(run.at + maker.kill_after_run_ms, hold)
    if (killed := killed_at(maker, state)) is not None:
        yield Stop(killed, _killed(maker, name))


def edges(profile: Profile, state: AndroidState) -> Iterator[int | None]:
    """Yield when the answers may change while nothing happens."""
    if profile.maker is not None:
        yield asleep_at(profile.maker, state)
        yield killed_at(profile.maker, state)

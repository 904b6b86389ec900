"""Doze: the device sleeps in longer and longer idle periods, and between them lets work run for a while.

Light Doze begins minutes after the screen went off, on the move, too; deep Doze after an hour of lying still, and takes
over from it (DeviceIdleController). A maintenance window closes early once nothing runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bgo.model.android_state import Rest, Said
from bgo.model.profile import DeepDoze, Doze, LightDoze
from bgo.policy.android import facts

DOZING = ("light", "light-wait", "deep")
LIGHT = ("light", "light-wait", "light-window")
WINDOWS = ("light-window", "deep-window")
LINGER_MS = 1_000
"""A run that follows another within a second finds the window still open. The system counts its queue as work; a store
has no such count for each look, and hands out the next task at once."""


def told(doze: Doze | None, rest: Rest, before: Said, said: Said, at: int) -> Rest:
    """Return the rest when from `at` on the phone says this."""
    if said.moving != before.moving:
        rest = moved(rest, at) if said.moving else replace(rest, still_at=at)
    if said.charging or (not facts.is_dark(said) and not (said.locked and rest.phase != "awake")):
        return rest if rest.phase == "awake" else woken(rest, "awake", at)
    if rest.phase == "awake":
        return replace(rest, phase="resting", at=at, until=None, rest_at=at, light_from=at)
    if rest.phase == "light-wait" and said.network != "none" and doze is not None and doze.light is not None:
        return _light_window(doze.light, rest, at)
    return rest


def moved(rest: Rest, at: int) -> Rest:
    """Return the rest when from `at` on the device moves: that ends deep Doze, and light Doze begins anew; else it only
    delays the deep one."""
    if rest.phase in ("deep", "deep-window"):
        rest = replace(woken(rest, "resting", at), rest_at=rest.rest_at, light_from=at)
    return replace(rest, still_at=None)


def woken(rest: Rest, phase: str, at: int) -> Rest:
    """Return the rest in a phase that something has woken it to."""
    left = at if rest.phase in DOZING else rest.left_at
    return Rest(phase, at, light_from=rest.light_from, still_at=rest.still_at, left_at=left)


def worked(rest: Rest, running: int, at: int) -> Rest:
    """Return the rest when from `at` on so many runs are live: what runs keeps a window open."""
    if rest.phase not in WINDOWS or (running == 0) == (rest.quiet_at is not None):
        return rest
    return replace(rest, quiet_at=None if running else at)


def deep_at(doze: Doze | None, rest: Rest) -> int | None:
    """Return when deep Doze begins; None: not while the device moves, or is used."""
    deep = None if doze is None else doze.deep
    if deep is None or rest.rest_at is None or rest.still_at is None:
        return None
    # In the first half nobody looks whether it moves; motion in the second half starts that half anew.
    half = deep.enter_ms // 2
    at = rest.rest_at + deep.enter_ms
    if rest.still_at > rest.rest_at + half:
        at = max(at, rest.still_at + deep.motion_ms + half)
    return at + deep.sense_ms


def _light_at(doze: Doze, rest: Rest) -> int | None:
    return None if doze.light is None else rest.light_from + doze.light.enter_ms


def closes_at(doze: Doze, rest: Rest) -> int | None:
    """Return when a window closes: as soon as nothing has run for a moment, once it was open for the least time."""
    if rest.quiet_at is None or rest.until is None:
        return rest.until
    rule: LightDoze | DeepDoze | None = doze.light if rest.phase in LIGHT else doze.deep
    least = rest.at + (0 if rule is None else rule.min_window_ms)
    return min(rest.until, max(least, rest.quiet_at + LINGER_MS))


def _edges(doze: Doze, rest: Rest) -> Iterator[int | None]:
    if rest.phase in ("resting", *LIGHT):
        yield deep_at(doze, rest)
    if rest.phase == "resting":
        yield _light_at(doze, rest)
    elif rest.phase in WINDOWS:
        yield closes_at(doze, rest)
    else:
        yield rest.until


def turns_at(doze: Doze | None, rest: Rest) -> int | None:
    """Return when the next phase begins by itself; None: not before something happens."""
    if doze is None or rest.phase == "awake":
        return None
    return min((at for at in _edges(doze, rest) if at is not None), default=None)


def sleeps_at(doze: Doze | None, rest: Rest) -> int | None:
    """Return since when, or from when on, work must stand still; None: that is not in sight."""
    if doze is None or rest.phase in DOZING:
        return rest.at if rest.phase in DOZING else None
    return turns_at(doze, rest)


def passed(doze: Doze | None, rest: Rest, said: Said, running: int, at: int) -> Rest:
    """Return the rest once `at` has come, where that is when its phase turns; else as it was."""
    due = turns_at(doze, rest)
    if doze is None or due is None or due > at:
        return rest
    deep = deep_at(doze, rest)
    if doze.deep is not None and deep is not None and deep <= at and rest.phase in ("resting", *LIGHT):
        return _slept(rest, "deep", at, (doze.deep.idle_ms, doze.deep))
    if rest.phase == "deep" and doze.deep is not None:
        until, longer = at + rest.window_ms, round(rest.window_ms * doze.deep.window_factor)
        found = replace(rest, phase="deep-window", until=until, window_ms=min(longer, doze.deep.window_max_ms))
        return replace(found, at=at, left_at=at, quiet_at=None if running else at)
    if rest.phase == "deep-window" and doze.deep is not None:
        return _slept(rest, "deep", at, (rest.idle_ms, doze.deep))
    return rest if doze.light is None else _light_passed(doze.light, rest, said, running, at)


def _light_passed(light: LightDoze, rest: Rest, said: Said, running: int, at: int) -> Rest:
    if rest.phase == "resting":
        return _slept(rest, "light", at, (light.idle_ms, light))
    if rest.phase == "light-window":
        return _slept(rest, "light", at, (rest.idle_ms, light))
    if rest.phase == "light" and light.wait_for_network and said.network == "none":
        return replace(rest, phase="light-wait", at=at, until=at + rest.idle_ms)
    return worked(_light_window(light, rest, at), running, at)


def _light_window(light: LightDoze, rest: Rest, at: int) -> Rest:
    return replace(rest, phase="light-window", at=at, until=at + light.window_ms, left_at=at, quiet_at=at)


def _slept(rest: Rest, phase: str, at: int, rule: tuple[int, DeepDoze | LightDoze]) -> Rest:
    """Return the rest in an idle period of that length; the next one will be longer."""
    length, limits = rule
    window = limits.window_ms if rest.phase != "deep-window" else rest.window_ms
    longer = min(round(length * limits.idle_factor), limits.idle_max_ms)
    return replace(
        rest, phase=phase, at=at, until=at + length, idle_ms=longer, window_ms=window, quiet_at=None, left_at=None
    )

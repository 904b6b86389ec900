"""An iPhone in words, its days as scripts, and what its app may do by that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from bgo.model.device import DeviceState, Level, Network, NetworkKind, Reading, Tri, Word
from bgo.model.ios_state import IosState
from bgo.model.lane import PLAIN, Traits, ViewKey
from bgo.model.options import NO_CONSTRAINTS, TaskConstraints
from bgo.model.plan import Gate
from bgo.model.platform import DeviceSaid, RunBegan
from bgo.model.profile import AppRules, Foreground, ForegroundLimit, Idle, Processing, Profile, Refresh
from bgo.policy import ios

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
T0 = 20_000 * DAY
"""A midnight, UTC."""
IOS = Profile(
    "ios",
    "ios",
    idle=Idle(5 * MINUTE),
    refresh=Refresh(30 * SECOND, 1, (4, 12), 15 * MINUTE, 15 * MINUTE),
    processing=Processing(5 * MINUTE, 10, (1, 4), HOUR, HOUR),
    app=AppRules(usage=1.0, unused_ms=7 * DAY),
    foreground=Foreground({"continued": ForegroundLimit(), "transfer": ForegroundLimit()}),
)
PLAIN_WORK = ViewKey("default", "work", NO_CONSTRAINTS)
POWER_WORK = ViewKey("default", "work", TaskConstraints(requires_charging=True))
IDLE_WORK = ViewKey("default", "work", TaskConstraints(device_idle=True))
KINDS_OF_WORK = (PLAIN_WORK, POWER_WORK, IDLE_WORK)
_WORDS = {"yes": Tri.YES, "on": Tri.YES, "no": Tri.NO, "off": Tri.NO, "unknown": Tri.UNKNOWN}


def a_phone(words: str) -> DeviceState:
    """Return a device of which this is said: `app=background charging=yes battery=80 screen=off`."""
    said: dict[str, Any] = {}
    for pair in words.split():
        key, word = pair.split("=")
        if key in ("app", "lock"):
            said[key] = Word(word, "test")
        elif key == "battery":
            said[key] = Level(int(word), "test")
        elif key == "network":
            said[key] = Network(NetworkKind(word), "test")
        else:
            said[key] = Reading(_WORDS[word], "test")
    return DeviceState(**said)


def told(profile: Profile, script: Iterable[tuple[int, str]], seed: int = 1) -> Iterator[tuple[int, IosState]]:
    """Yield the state after each of these; an instant counts from `T0`, and words change what was said before."""
    state, said = IosState(T0, seed), {}
    for at, words in script:
        said.update(pair.split("=") for pair in words.split())
        device = a_phone(" ".join(f"{key}={word}" for key, word in said.items()))
        state = ios.step(profile, state, DeviceSaid(T0 + at, device))
        yield T0 + at, state


def after(script: Iterable[tuple[int, str]], profile: Profile = IOS, seed: int = 1) -> IosState:
    """Return the state after the last of these."""
    *_, (_, state) = told(profile, script, seed)
    return state


def held(
    state: IosState, at: int, work: ViewKey = PLAIN_WORK, profile: Profile = IOS, device: DeviceState | None = None
) -> list[Gate]:
    """Return the gates that hold such work at an instant, counted from `T0`."""
    asked = device or DeviceState()
    return [hold.gate for hold in ios.holds(profile, state, asked, work, T0 + at)]


def edges(state: IosState, until: int, profile: Profile = IOS) -> Iterator[tuple[int, IosState]]:
    """Yield each edge up to an instant, counted from `T0`, with the state as it is then."""
    edge = ios.next_edge(profile, state, state.at)
    while edge is not None and edge <= T0 + until:
        state = ios.advance(profile, state, edge)
        yield edge - T0, state
        edge = ios.next_edge(profile, state, edge)


def spans(state: IosState, until: int, work: ViewKey = PLAIN_WORK, profile: Profile = IOS) -> list[tuple[int, int]]:
    """Return when such work could start, up to an instant: from, to; as one finds it who goes from edge to edge."""
    found, begun = [], None if held(state, state.at - T0, work, profile) else state.at - T0
    for at, then in edges(state, until, profile):
        is_open = not held(then, at, work, profile)
        if is_open and begun is None:
            begun = at
        elif not is_open and begun is not None:
            found.append((begun, at))
            begun = None
    return found if begun is None else [*found, (begun, until)]


def a_run(at: int, traits: Traits = PLAIN) -> RunBegan:
    return RunBegan(T0 + at, "work.1", traits)


def of_traits(**traits: Any) -> ViewKey:
    return replace(PLAIN_WORK, traits=Traits(**traits))


def with_app(**rules: Any) -> Profile:
    return replace(IOS, app=replace(IOS.app or AppRules(), **rules))

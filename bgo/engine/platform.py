"""What a platform's rules remember from run to run: kept in the store for each profile, folded at each look.

A run's start is folded by the tick that claims it; its end is noted by whoever settles it, and folded at the next look
under its profile. Where a look changes nothing but the time that has passed, nothing is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from bgo.model.device import NO_FACTS, DeviceChange, DeviceState, Facts, View
from bgo.model.platform import DeviceSaid, Event, PlatformState, RunOver
from bgo.model.profile import Profile

if TYPE_CHECKING:
    from bgo.model.android_state import AndroidState
    from bgo.model.ios_state import IosState
    from bgo.store.port import Session


class Keeper(Protocol):
    """Where the state of each profile is between two looks."""

    def read(self, session: Session, profile: str) -> PlatformState:
        """Return what is remembered under a profile."""

    def write(self, session: Session, profile: str, state: PlatformState) -> None:
        """Remember this from now on."""


@dataclass(slots=True)
class InStore:
    """In the store, as JSON; a text that has been read is not read again."""

    known: dict[str, tuple[str, PlatformState]] = field(default_factory=dict)

    def read(self, session: Session, profile: str) -> PlatformState:
        text = session.notes.read(_key(profile)) or "{}"
        known = self.known.get(profile)
        if known is None or known[0] != text:
            from bgo.model.platform_json import load

            known = self.known[profile] = (text, load(json.loads(text)))
        return known[1]

    def write(self, session: Session, profile: str, state: PlatformState) -> None:
        from bgo.model.platform_json import dump

        text = json.dumps(dump(state), separators=(",", ":"))
        session.notes.write(_key(profile), text)
        self.known[profile] = (text, state)


@dataclass(slots=True)
class InMemory:
    """In memory alone, once it has been read: for the simulator."""

    known: dict[str, PlatformState] = field(default_factory=dict)

    def read(self, session: Session, profile: str) -> PlatformState:
        if profile not in self.known:
            self.known[profile] = InStore().read(session, profile)
        return self.known[profile]

    def write(self, session: Session, profile: str, state: PlatformState) -> None:
        self.known[profile] = state


def view(
    session: Session,
    profile: Profile,
    device: DeviceState,
    now: int,
    keeper: Keeper | None = None,
    *,
    facts: Facts = NO_FACTS,
    before: Sequence[DeviceChange] = (),
) -> View:
    """Return the view of a device that says this now, with what its rules remember; nothing is written.

    By the `facts` that are said of the device, what it says has been so for long where it is news, and what of them is
    firm even where it is not. `before` is what it said earlier, as its script tells: from then on that the rules have
    not seen.
    """
    if not profile.remembers and device.battery.percent is None:
        return View(profile, device)
    from bgo.policy import battery  # most devices are asked nothing

    keeper = InStore() if keeper is None else keeper
    if not profile.remembers and not battery.is_folded(device):
        return View(profile, device)
    state = battery.step(keeper.read(session, profile.name), device, profile.battery)
    if not profile.remembers:
        return View(profile, device, state)
    pending = session.overs.pending(profile.name)
    overs = [RunOver(at, run) for run, at, _ in pending]
    seen_at = _seen_at(state)
    earlier = [DeviceSaid(change.at_ms, change.state) for change in before if seen_at < change.at_ms <= now]
    told = pending[-1][2] if pending else 0
    says = DeviceSaid(now - facts.since_ms, device, facts.firm)
    return _seen(View(profile, device, state, told), [*overs, *earlier, says], now)


def _seen_at(state: PlatformState) -> int:
    """Return up to when the rules have seen what the device said; 0: they have just met."""
    return max((part.at for part in (state.android, state.ios) if part is not None), default=0)


def begin(session: Session, profile: Profile, keeper: Keeper, at: int, seed: int) -> None:
    """Let a play begin at an instant: what is remembered of later is forgotten, and the seed draws what is chance."""
    if profile.remembers:
        from bgo.policy import platform as rules

        keeper.write(session, profile.name, rules.begin(profile, keeper.read(session, profile.name), at, seed))


def _seen(seen: View, events: Iterable[Event], now: int) -> View:
    from bgo.policy import platform as rules

    profile, state = seen.profile, rules.fold(seen.profile, seen.platform, events, now)
    return View(profile, rules.as_judged(profile, state, seen.device, now), state, seen.overs)


def edge_at(seen: View, now: int) -> int | None:
    """Return when this view may be another by itself, if nothing else happens before; None: never."""
    if not seen.profile.remembers:
        return None
    from bgo.policy import platform as rules

    return rules.next_edge(seen.profile, seen.platform, now)


def after(seen: View, events: Iterable[Event], now: int) -> View:
    """Return the view once this has happened under it as well."""
    return _seen(seen, events, now)


def is_news(session: Session, seen: View, keeper: Keeper) -> bool:
    """Say whether this view remembers anything that the store does not, beyond the time that has passed."""
    if seen.profile.remembers:
        if seen.overs:
            return True
    elif seen.device.battery.percent is None:
        return False
    else:
        from bgo.policy import battery

        if not battery.is_folded(seen.device):
            return False
    before = keeper.read(session, seen.profile.name)
    return before is not seen.platform and not (
        before.battery_low == seen.platform.battery_low
        and _is_same(before.android, seen.platform.android)
        and _is_same(before.ios, seen.platform.ios)
    )


def _is_same(before: AndroidState | IosState | None, after: AndroidState | IosState | None) -> bool:
    """Say whether one is the other but for the instant up to which it was folded."""
    if before is after or before is None or after is None:
        return before is after
    return all(getattr(before, name) == getattr(after, name) for name in before.__slots__ if name != "at")


def remember(session: Session, seen: View, keeper: Keeper) -> None:
    """Write down what this view remembers, where it differs from what is there."""
    if not is_news(session, seen, keeper):
        return
    keeper.write(session, seen.profile.name, seen.platform)
    if seen.overs:  # what has ended since this look was taken waits for the next
        session.overs.drop(seen.profile.name, seen.overs)


def _key(profile: str) -> str:
    return f"platform.{profile}"

"""Days of a phone at random: what happens, in which order, under which profile."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from hypothesis import strategies as st

from bgo.model.lane import Traits
from bgo.model.profile import BUCKETS, Profile
from tests.policy.android.kit import HOUR, MET, MINUTE, SECOND, Phone, named

TRAITS = (Traits(), Traits(expedited="run"), Traits(expedited="drop"), Traits(foreground="dataSync"),
          Traits(foreground="shortService"))  # fmt: skip


def _stable() -> Profile:
    """Return a profile in which nearly every rule is on."""
    base = named("android")
    assert base.batching is not None
    assert base.foreground is not None
    return replace(
        base,
        battery=replace(base.battery, stable_charge_after_ms=15 * MINUTE),
        batching=replace(base.batching, cellular_ready=3),
        foreground=replace(base.foreground, start_from_background=True),
    )


PROFILES = {
    **{name: named(name) for name in ("android", "android-15", "samsung", "xiaomi", "huawei", "nokia-historic")},
    "stable": _stable(),
}


class Deed(NamedTuple):
    """Something that happens `gap` milliseconds after what was before."""

    gap: int
    kind: str
    said: dict[str, Any]
    traits: Traits = TRAITS[0]
    number: int = 0


GAPS = st.one_of(
    st.just(0),
    st.integers(1, 10 * SECOND),
    st.integers(1, 10 * MINUTE),
    st.integers(1, 3 * HOUR),
    st.integers(1, 40 * HOUR),
)
SAYINGS = st.one_of(
    st.fixed_dictionaries({"charging": st.booleans()}),
    st.fixed_dictionaries({"screen": st.booleans(), "lock": st.sampled_from(["open", "locked"])}),
    st.fixed_dictionaries({"app": st.sampled_from(["foreground", "background", "swiped", "force-quit", "unknown"])}),
    st.fixed_dictionaries({"motion": st.booleans()}),
    st.fixed_dictionaries({"network": st.sampled_from(["none", "metered", "unmetered"])}),
    st.fixed_dictionaries({"bucket": st.sampled_from([*BUCKETS, "unknown"])}),
    st.fixed_dictionaries({"battery": st.sampled_from([10, 17, 50, 95])}),
    st.fixed_dictionaries({"low_power": st.booleans(), "exempt": st.booleans()}),
)
NOTHING: dict[str, Any] = {}
DEEDS = st.one_of(
    st.builds(Deed, GAPS, st.just("tell"), SAYINGS),
    st.builds(Deed, GAPS, st.just("begin"), st.just(NOTHING), st.sampled_from(TRAITS)),
    st.builds(Deed, GAPS, st.just("end"), st.just(NOTHING), number=st.integers(0, 3)),
    st.builds(Deed, GAPS, st.just("gather"), st.just(NOTHING), number=st.integers(0, 6)),
    st.builds(Deed, GAPS, st.just("pass"), st.just(NOTHING)),
    st.builds(Deed, GAPS, st.just("late"), SAYINGS, number=st.integers(0, 6 * HOUR)),
    st.builds(Deed, GAPS, st.just("late end"), st.just(NOTHING), number=st.integers(0, HOUR)),
)
STARTS = st.fixed_dictionaries(
    {"charging": st.booleans(), "screen": st.booleans(), "app": st.sampled_from(["background", "foreground"])}
)


class Play:
    """A phone, what runs on it, and the time."""

    def __init__(self, profile: Profile, start: dict[str, Any]) -> None:
        self.phone, self.now, self.live, self._number = Phone(profile, base=0, **start), MET, list[str](), 0

    def do(self, deed: Deed) -> None:
        self.now += deed.gap
        match deed.kind:
            case "tell":
                self.phone.tell(self.now, **deed.said)
            case "begin":
                self._number += 1
                self.live.append(f"run {self._number}")
                self.phone.begin(self.now, self.live[-1], deed.traits, wants_network=self._number % 2 == 0)
            case "end" if self.live:
                self.phone.end(self.now, self.live.pop(deed.number % len(self.live)))
            case "late":  # a fact that has been so for a while
                self.phone.tell(self.now - deed.number, **deed.said)
            case "late end" if self.live:  # nobody has looked since
                self.phone.end(self.now - deed.number, self.live.pop())
            case "gather":
                self.phone.gather(self.now, deed.number)

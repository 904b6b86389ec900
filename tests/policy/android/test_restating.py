"""Since when a fact is so, as somebody says who knows, of a phone whose rules remember otherwise."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.model.lane import Gate, Traits
from tests.policy.android.kit import DAY, HOUR, MET, MINUTE, SECOND, Phone
from tests.policy.android.plays import PROFILES, STARTS

AWAY = {"screen": False, "charging": False, "app": "background", "motion": False}
NOW = 2 * DAY


def test_what_is_remembered_counts_until_somebody_says_since_when() -> None:
    phone = Phone("android", **{**AWAY, "app": "unknown"})
    phone.tell(NOW - MINUTE, screen=False)
    assert phone.gates(NOW) == [Gate.DOZE], "it sleeps since two days"
    phone.tell(NOW - MINUTE, firm=True, screen=False)
    assert phone.gates(NOW) == []
    assert phone.edge(NOW) == NOW + 3 * MINUTE, "light Doze comes four minutes after the screen went off"
    phone.tell(NOW - 70 * MINUTE, firm=True, screen=False)
    assert phone.holds(NOW)[0].current == "deep Doze, an idle period of 1 h"


def test_a_charge_begins_anew_and_so_does_disuse() -> None:
    phone = Phone("android", **{**AWAY, "charging": True})
    phone.tell(NOW - MINUTE, firm=True, charging=True)
    assert phone._at(NOW).plugged_at == MET + NOW - MINUTE
    phone = Phone("android", **{**AWAY, "screen": True})
    assert phone._at(NOW).usage.bucket == "rare"
    phone.tell(NOW - 13 * HOUR, firm=True, app="background")
    assert (phone._at(NOW).usage.bucket, phone._at(NOW).usage.used_at) == ("working", MET + NOW - 13 * HOUR)


SAID = st.fixed_dictionaries(
    {},
    optional={
        "charging": st.booleans(),
        "screen": st.booleans(),
        "motion": st.booleans(),
        "app": st.sampled_from(["foreground", "background"]),
    },
)


@given(st.sampled_from(sorted(PROFILES)), SAID, st.integers(0, 30 * HOUR))
def test_it_comes_to_what_a_phone_knows_that_saw_it_begin(name: str, said: dict[str, Any], since: int) -> None:
    """The same facts, of one phone that had them for days and is told better, and of one that got them then."""
    usual = {**AWAY, **said}
    turned = {
        key: not value if isinstance(value, bool) else "background" if value == "foreground" else "foreground"
        for key, value in said.items()
    }
    told, saw = Phone(PROFILES[name], **usual), Phone(PROFILES[name], **{**usual, **turned})
    told.tell(NOW)
    told.tell(NOW - since, firm=True, **said)
    saw.tell(NOW - since, **said)
    mine, seen = told._at(NOW), saw._at(NOW)
    assert (mine.plugged_at, mine.dark_at is None) == (seen.plugged_at, seen.dark_at is None)
    if "screen" in said:
        assert mine.dark_at == seen.dark_at
    if "app" in said:
        assert mine.usage.used_at == seen.usage.used_at
    if {"screen", "charging"} <= said.keys():
        assert (mine.rest.phase, mine.rest.rest_at) == (seen.rest.phase, seen.rest.rest_at)


@given(st.sampled_from(sorted(PROFILES)), STARTS, SAID, st.integers(0, 3 * DAY), st.booleans())
def test_to_say_it_twice_is_to_say_it_once(
    name: str, start: dict[str, Any], said: dict[str, Any], since: int, runs: bool
) -> None:
    once, twice = Phone(PROFILES[name], **start), Phone(PROFILES[name], **start)
    for phone, times in ((once, 1), (twice, 2)):
        if runs:
            phone.begin(NOW - HOUR, "run", Traits(expedited="run"))
        for _ in range(times):
            phone.tell(NOW - since, firm=True, **said)
            phone._at(NOW)
    assert twice._at(NOW).rest == once._at(NOW).rest
    assert twice._at(NOW).usage == once._at(NOW).usage
    assert (twice._at(NOW).plugged_at, twice._at(NOW).dark_at) == (once._at(NOW).plugged_at, once._at(NOW).dark_at)


@pytest.mark.parametrize("said", [{"network": "none"}, {"battery": 50}, {"low_power": False}])
def test_what_has_no_beginning_that_counts_changes_nothing(said: dict[str, Any]) -> None:
    phone = Phone("android", **AWAY, **said)
    before = phone._at(NOW)
    phone.tell(NOW - SECOND, firm=True, **said)
    assert phone._at(NOW) == before


def test_a_phone_that_has_just_been_met_takes_it_either_way() -> None:
    states = []
    for firm in (False, True):
        phone = Phone("android", base=0)
        phone.state = None
        phone.tell(MET - 70 * MINUTE, firm=firm, **AWAY)
        states.append(phone._at(MET))
    assert states[0].rest.phase == states[1].rest.phase == "deep"
    assert (states[0].dark_at, states[0].usage) == (states[1].dark_at, states[1].usage)

"""Services in the foreground, and what befalls the app: force-stopped, swiped away, put to sleep, killed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bgo.model.lane import Gate, Traits
from bgo.model.profile import Profile
from tests.policy.android.kit import DAY, HOUR, MINUTE, Phone, named

EXPEDITED, DATA, SHORT = Traits(expedited="run"), Traits(foreground="dataSync"), Traits(foreground="shortService")
AWAY: dict[str, Any] = {"app": "background", "screen": True, "charging": False, "network": "unmetered"}


def from_background() -> Profile:
    """Return Android with services that may start from the background."""
    base = named("android")
    assert base.foreground is not None
    return replace(base, foreground=replace(base.foreground, start_from_background=True))


# Services.


@pytest.mark.parametrize(
    ("said", "current"),
    [({"app": "background"}, "app: background"), ({}, "nobody says whether the app is on the screen"),
     ({"app": "foreground"}, None), ({"app": "background", "exempt": True}, None)],
)  # fmt: skip
def test_a_service_starts_from_the_screen_or_where_the_app_is_exempt(said: dict[str, Any], current: str | None) -> None:
    held = Phone("android", screen=True, **said).holds(0, DATA)
    assert [hold.current for hold in held] == ([] if current is None else [current])
    if held:
        assert (held[0].gate, held[0].lift) == (Gate.FOREGROUND, "open the app, or bgo run --signal app=foreground")


def test_six_hours_of_a_type_in_24_and_what_the_user_does_about_it() -> None:
    phone = Phone(from_background(), **AWAY)
    phone.begin(0, "a", DATA)
    phone.end(4 * HOUR, "a")
    phone.begin(5 * HOUR, "b", DATA)
    stop = phone.stop(5 * HOUR, "b", DATA)
    assert stop is not None
    assert (stop.at, stop.hold.gate) == (7 * HOUR, Gate.FOREGROUND)
    assert phone.edge(5 * HOUR) is not None
    assert stop.hold.current == "dataSync: 6 h of 6 h used in 24 h"
    phone.end(7 * HOUR, "b")
    hold = phone.holds(8 * HOUR, DATA)[0]
    assert (hold.gate, hold.until_ms) == (Gate.FOREGROUND, DAY)
    assert phone.gates(8 * HOUR, Traits(foreground="mediaProcessing")) == [], "each type has its own account"
    assert phone.gates(DAY, DATA) == []
    phone.tell(9 * HOUR, app="foreground")
    phone.tell(9 * HOUR + 1, app="background")
    assert phone.gates(10 * HOUR, DATA) == [], "the user has seen the app: it begins anew"


def test_time_on_the_screen_is_not_counted_and_two_at_once_count_once() -> None:
    phone = Phone(from_background(), **{**AWAY, "app": "foreground"})
    phone.begin(0, "a", DATA)
    phone.begin(0, "b", DATA)
    assert phone.stop(0, "a", DATA) is None
    phone.tell(1 * HOUR, app="background")
    stop = phone.stop(2 * HOUR, "a", DATA)
    assert stop is not None
    assert stop.at == 7 * HOUR
    phone.end(3 * HOUR, "a")
    stop = phone.stop(3 * HOUR, "b", DATA)
    assert stop is not None
    assert stop.at == 7 * HOUR


def test_a_short_service_has_three_minutes_and_others_as_long_as_they_like() -> None:
    phone = Phone("android", **{**AWAY, "app": "foreground"})
    phone.begin(5, "short", SHORT)
    stop = phone.stop(5, "short", SHORT)
    assert stop is not None
    assert (stop.at, stop.hold.gate) == (5 + 3 * MINUTE, Gate.RUN_TIME)
    phone.begin(6, "camera", Traits(foreground="camera"))
    assert phone.stop(6, "camera", Traits(foreground="camera")) is None


def test_a_service_is_stopped_neither_by_doze_nor_by_quota_nor_by_the_saver() -> None:
    phone = Phone(from_background(), **{**AWAY, "screen": False, "low_power": True, "bucket": "rare"})
    phone.work(0, 10 * MINUTE)
    assert phone.gates(90 * MINUTE, Traits(foreground="location")) == []
    assert phone.gates(90 * MINUTE)[:2] == [Gate.QUOTA, Gate.DOZE]


@pytest.mark.parametrize(("rules", "is_counted"), [("android-15", False), ("android-16", True)])
def test_work_beside_a_service_is_free_until_android_15(rules: str, is_counted: bool) -> None:
    base = named(rules)
    assert base.foreground is not None
    phone = Phone(replace(base, foreground=replace(base.foreground, start_from_background=True)), **AWAY, bucket="rare")
    phone.begin(0, "service", Traits(foreground="location"))
    phone.work(0, 10 * MINUTE)
    phone.end(10 * MINUTE, "service")
    assert (Gate.QUOTA in phone.gates(11 * MINUTE)) == is_counted


# The app, and its phone's maker.


def test_a_force_stopped_app_runs_nothing_until_it_is_opened() -> None:
    phone = Phone("android", **{**AWAY, "app": "force-quit"})
    for traits in (Traits(), EXPEDITED, DATA):
        assert Gate.APP in phone.gates(0, traits)
    phone.begin(0)
    stop = phone.stop(0)
    assert stop is not None
    assert (stop.at, stop.hold.gate) == (0, Gate.APP)
    phone.tell(1, app="foreground")
    assert phone.gates(1) == []


@pytest.mark.parametrize(("rules", "gates"), [("android", []), ("xiaomi", [Gate.APP]), ("oneplus", [Gate.APP])])
def test_swiped_away_an_app_lives_on_but_for_some_makers(rules: str, gates: list[Gate]) -> None:
    phone = Phone(rules, **{**AWAY, "app": "swiped"})
    assert phone.gates(0) == gates
    assert phone.gates(0, EXPEDITED) == gates


def test_samsung_puts_an_app_to_sleep_after_three_days() -> None:
    phone = Phone("samsung", **{**AWAY, "charging": True})
    assert Gate.APP not in phone.gates(3 * DAY - 1)
    assert phone.edge(3 * DAY - 1) == 3 * DAY
    hold = next(hold for hold in phone.holds(3 * DAY) if hold.gate is Gate.APP)
    assert hold.current == "put to sleep: not used for 3 d"
    assert hold.holder == "Samsung"
    phone.tell(4 * DAY, exempt=True)
    assert Gate.APP not in phone.gates(4 * DAY)
    phone.tell(4 * DAY, exempt=False, app="foreground")
    phone.tell(4 * DAY + 1, app="background")
    assert Gate.APP not in phone.gates(5 * DAY)


def test_huawei_ends_what_runs_for_an_hour() -> None:
    phone = Phone(replace(named("huawei"), foreground=from_background().foreground), **AWAY)
    phone.begin(0, "service", Traits(foreground="location"))
    stop = phone.stop(0, "service", Traits(foreground="location"))
    assert stop is not None
    assert (stop.at, stop.hold.gate, stop.hold.holder) == (HOUR, Gate.RUN_TIME, "Huawei")
    assert phone.edge(59 * MINUTE) == HOUR


def test_old_nokias_kill_what_is_in_the_background_twenty_minutes_after_the_screen_went_off() -> None:
    phone = Phone("nokia-historic", **{**AWAY, "charging": True, "screen": False})
    phone.begin(0)
    phone.begin(15 * MINUTE, "late")
    stop = phone.stop(15 * MINUTE, "late", begun=15 * MINUTE)
    assert stop is not None
    assert (stop.at, stop.hold.gate) == (20 * MINUTE, Gate.APP)
    assert phone.gates(20 * MINUTE) == [Gate.APP]
    phone.tell(30 * MINUTE, screen=True)
    assert phone.gates(30 * MINUTE) == []

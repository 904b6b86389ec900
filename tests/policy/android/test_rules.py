"""Services, makers, the battery saver, batching, limits of numbers, and the words of holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bgo.model.device import Tri
from bgo.model.lane import Gate, Traits
from bgo.model.profile import Profile
from bgo.policy.android.wording import told
from tests.policy.android.kit import ANY_NETWORK, DAY, HOUR, MINUTE, SECOND, Phone, named

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


# The battery saver.


def test_the_battery_saver_puts_plain_work_off_and_stops_it() -> None:
    phone = Phone("android", **AWAY)
    phone.begin(0)
    phone.tell(1, low_power=True)
    assert phone.gates(1) == [Gate.LOW_POWER]
    assert phone.gates(1, EXPEDITED) == []
    stop = phone.stop(1)
    assert stop is not None
    assert (stop.at, stop.hold.gate) == (1, Gate.LOW_POWER)
    phone.tell(2, exempt=True)
    assert phone.gates(2) == []
    phone.tell(3, exempt=False, app="foreground")
    assert phone.gates(3) == []


# Batching.


def test_work_of_an_app_not_in_use_waits_for_four_more() -> None:
    phone = Phone("android", **AWAY, bucket="working")
    phone.gather(0, 1)
    hold = phone.holds(0)[0]
    assert (hold.gate, hold.current, hold.until_ms) == (Gate.BATCHING, "1 ready", 31 * MINUTE)
    assert hold.needed == "5 ready, or 31 min, or anything that runs"
    phone.gather(1 * MINUTE, 4)
    assert phone.holds(1 * MINUTE)[0].until_ms == 31 * MINUTE
    phone.gather(2 * MINUTE, 5)
    assert phone.gates(2 * MINUTE) == []


def test_or_for_half_an_hour_or_for_anything_that_runs() -> None:
    phone = Phone("android", **AWAY, bucket="working")
    phone.gather(0, 1)
    assert phone.edge(0) == 31 * MINUTE
    assert phone.gates(31 * MINUTE) == []
    assert phone.gates(1, EXPEDITED) == []
    phone.begin(10, "urgent", EXPEDITED)
    assert phone.gates(10) == [], "the device is awake"
    phone.end(20, "urgent")
    assert phone.gates(20) == [], "the next one follows at once"
    assert phone.gates(20 + 2 * SECOND) == [Gate.BATCHING], "a new batch"


@pytest.mark.parametrize("said", [{"bucket": "active"}, {"bucket": "rare", "app": "foreground"}, {"exempt": True}])
def test_what_is_in_use_is_not_batched(said: dict[str, Any]) -> None:
    phone = Phone("android", **{**AWAY, **said})
    phone.gather(0, 1)
    assert phone.gates(0) == []


def test_on_a_mobile_network_three_are_enough_where_the_profile_says_so() -> None:
    base = named("android")
    assert base.batching is not None
    phone = Phone(replace(base, batching=replace(base.batching, cellular_ready=3)), **{**AWAY, "network": "metered"})
    phone.gather(0, 2)
    assert phone.gates(0, constraints=ANY_NETWORK) == [Gate.BATCHING]
    assert phone.gates(0) == []
    phone.gather(0, 3)
    assert phone.gates(0, constraints=ANY_NETWORK) == []


# Numbers of runs and sessions.


def test_a_rare_app_has_three_sessions_a_day_and_close_runs_are_one() -> None:
    phone = Phone("android", **AWAY, bucket="rare")
    phone.work(0, MINUTE)
    phone.work(MINUTE + 5 * SECOND, 2 * MINUTE)
    for hour in (1, 2):
        phone.work(hour * HOUR, hour * HOUR + MINUTE)
    hold = phone.holds(3 * HOUR)[0]
    assert (hold.current, hold.until_ms) == ("bucket rare: 3 of 3 sessions in 24 h", 2 * MINUTE + DAY)
    assert Gate.QUOTA not in phone.gates(2 * MINUTE + DAY)


def test_a_restricted_app_has_ten_runs_a_day() -> None:
    phone = Phone("android", **AWAY, bucket="restricted")
    for second in range(10):
        phone.work(second * SECOND, second * SECOND + 500)
    assert phone.holds(MINUTE)[0].current == "bucket restricted: 10 of 10 runs in 24 h"


def test_twenty_may_begin_in_a_minute() -> None:
    phone = Phone("android", **AWAY)
    for number in range(20):
        phone.work(number * SECOND, number * SECOND + 1)
    hold = phone.holds(20 * SECOND)[0]
    assert (hold.current, hold.until_ms) == ("20 runs began in 1 min", MINUTE)
    assert phone.edge(20 * SECOND + 2) is not None
    assert phone.gates(MINUTE) == []


def test_the_day_has_four_hours_for_every_bucket() -> None:
    phone = Phone("android-15", **AWAY)
    for hour in range(4):
        phone.work(hour * HOUR, (hour + 1) * HOUR)  # as if nobody had stopped it
    hold = phone.holds(5 * HOUR)[0]
    assert hold.current == "all buckets: 4 h of 4 h used in 24 h"
    assert hold.until_ms == DAY + 30 * SECOND + 1


def test_an_app_in_no_bucket_runs_nothing_and_an_exempt_one_in_its_own() -> None:
    phone = Phone("android", **AWAY, bucket="never")
    assert phone.gates(0)[:1] == [Gate.QUOTA]
    phone.tell(0, charging=True)
    assert phone.gates(0)[:1] == [Gate.QUOTA]
    phone = Phone("android", **AWAY, exempt=True)
    phone.begin(0)
    stop = phone.stop(0)
    assert stop is not None
    phone.work(0, 19 * MINUTE)
    stop = phone.stop(19 * MINUTE)
    assert stop is not None
    assert stop.hold.current in ("ran for 10 min", "bucket exempted: 20 min of 20 min used in 40 min")


# Charging, the battery, and words.


def test_charging_may_have_to_be_stable() -> None:
    base = named("android")
    rules = replace(base, battery=replace(base.battery, stable_charge_after_ms=15 * MINUTE))
    phone = Phone(rules, **{**AWAY, "charging": True, "battery": 50, "bucket": "rare"})
    assert phone.judged(10 * MINUTE).charging.value is Tri.NO
    assert phone.judged(10 * MINUTE).charging.source == "plugged in for 10 min of 15 min"
    assert phone.edge(10 * MINUTE) == 15 * MINUTE
    assert phone.judged(15 * MINUTE).charging.value is Tri.YES
    phone = Phone(rules, **{**AWAY, "charging": True, "battery": 90})
    assert phone.judged(0).charging.value is Tri.YES
    phone = Phone(rules, **{**AWAY, "charging": True, "battery": 50, "bucket": "rare"})
    phone.begin(10 * MINUTE)
    stop = phone.stop(10 * MINUTE)
    assert stop is not None
    phone._at(15 * MINUTE)
    phone.work(15 * MINUTE, 40 * MINUTE)
    assert Gate.QUOTA not in phone.gates(40 * MINUTE), "from 15 min on it is free"


def test_the_battery_has_two_marks() -> None:
    # Vector 15, as the restricted bucket asks for it.
    phone = Phone("android", **AWAY)
    lows = []
    for level in (16, 15, 19, 20):
        phone.tell(0, battery=level)
        lows.append(phone._at(0).said.low)
    assert lows == [False, True, True, False]


def test_an_idle_device_says_so_itself_or_by_its_screen() -> None:
    phone = Phone("android", charging=True, screen=True)
    phone.tell(0, idle=True)
    assert phone.judged(0).idle.source == "test"
    unknown = Phone("android")
    assert unknown.judged(DAY).idle.value is Tri.UNKNOWN


@pytest.mark.parametrize(
    ("ms", "words"),
    [(0, "0 s"), (999, "999 ms"), (30_000, "30 s"), (90_000, "1 min 30 s"), (600_000, "10 min"), (3_600_000, "1 h"),
     (3_601_000, "1 h"), (86_400_000, "24 h"), (129_600_000, "36 h"), (259_200_000, "3 d"), (262_800_000, "3 d 1 h")],
)  # fmt: skip
def test_durations_in_words(ms: int, words: str) -> None:
    assert told(ms) == words

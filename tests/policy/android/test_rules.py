"""The battery saver, batching, numbers of runs and sessions, charging, and words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bgo.model.device import Reading, Tri
from bgo.model.lane import Gate, Traits
from bgo.policy.android.wording import told
from tests.policy.android.kit import ANY_NETWORK, DAY, HOUR, MINUTE, SECOND, Phone, named

EXPEDITED = Traits(expedited="run")
AWAY: dict[str, Any] = {"app": "background", "screen": True, "charging": False, "network": "unmetered"}


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


def test_what_nobody_has_looked_at_yet_waits_for_half_an_hour_at_most() -> None:
    hold = Phone("android", **AWAY, bucket="working").holds(7 * MINUTE)[0]
    assert (hold.gate, hold.current, hold.until_ms) == (Gate.BATCHING, "not ready for long", 38 * MINUTE)


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
    phone.tell(0, bucket="working")
    assert phone.holds(0, constraints=ANY_NETWORK)[0].needed.startswith("5 ready"), "a bucket's five count as well"


# Quota, and numbers of runs and sessions.


@pytest.mark.parametrize("said", [{"charging": True}, {"app": "foreground"}])
def test_what_is_free_is_free_although_nothing_is_left(said: dict[str, Any]) -> None:
    phone = Phone("android", **AWAY, bucket="rare")
    phone.work(0, 10 * MINUTE)
    assert phone.gates(11 * MINUTE)[:1] == [Gate.QUOTA]
    phone.tell(11 * MINUTE, **said)
    assert Gate.QUOTA not in phone.gates(11 * MINUTE)
    phone.work(11 * MINUTE, 30 * MINUTE)
    phone.tell(30 * MINUTE, **{name: AWAY[name] for name in said})
    assert phone.holds(30 * MINUTE)[0].current == "bucket rare: 10 min of 10 min used in 24 h"


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
    assert phone.gates(0, EXPEDITED)[:1] == [Gate.QUOTA]
    hold = phone.holds(0, Traits(expedited="drop"))[0]
    assert (hold.current, hold.until_ms) == ("expedited, bucket never: 0 s of 0 s used in 24 h", None)
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


def test_a_profile_may_have_other_marks_but_the_phones_own_word_counts() -> None:
    base = named("android")
    rules = replace(base, battery=replace(base.battery, low=20, okay=25))
    phone = Phone(rules, **AWAY)
    lows = []
    for level in (21, 20, 24, 25):
        phone.tell(0, battery=level, battery_low=False)  # told together with the level, by the usual marks
        lows.append(phone.judged(0).battery_low.value is Tri.YES)
    assert lows == [False, True, True, False]
    assert phone.judged(0).battery_low.source == "test; low at 20 %, until 25 %"
    phone.device = replace(phone.device, battery_low=Reading(Tri.YES, "the system"))
    phone.tell(0, network="none")
    assert phone._at(0).said.low


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

"""Android's rules by worked examples, each computed from the numbers of its sources by hand."""

from __future__ import annotations

from typing import Any

import pytest

from bgo.model.device import Tri
from bgo.model.lane import Gate, Traits
from bgo.model.options import TaskConstraints
from tests.policy.android.kit import ANY_NETWORK, DAY, HOUR, MINUTE, SECOND, Phone

EXPEDITED, OR_DROP = Traits(expedited="run"), Traits(expedited="drop")


def asleep(phone: Phone, start: int, until: int) -> list[tuple[int, int]]:
    """Return the minutes in which Doze holds work back, with work that uses every window to its end."""
    found: list[tuple[int, int]] = []
    began, now, is_running = None, start, False
    while now < until:
        is_held = Gate.DOZE in phone.gates(now)
        if is_held and is_running:
            phone.end(now, "all windows")
            is_running = False
        if not is_held and not is_running:
            phone.begin(now, "all windows")
            is_running = True
        if is_held and began is None:
            began = now
        if not is_held and began is not None:
            found.append((began, now))
            began = None
        edge = phone.edge(now)
        if edge is None:
            break
        now = edge
    return found


def test_deep_doze_an_hour_after_the_screen_went_off_in_periods_of_1_2_4_and_6_hours() -> None:
    # Vector 5: idle from 60; windows [120,125) [245,255) [495,505) [865,875) [1235,1245).
    phone = Phone("android", screen=False, charging=False, network="unmetered")
    deep = [(a, b) for a, b in asleep(phone, 0, 1246 * MINUTE) if b > 60 * MINUTE]
    wait = 3 * SECOND
    assert [(a / MINUTE, (b - wait) / MINUTE) for a, b in deep[1:]] == [(125, 245), (255, 495), (505, 865), (875, 1235)]
    assert deep[0][1] - wait == 120 * MINUTE


def test_work_due_in_deep_doze_runs_three_seconds_into_the_next_window_or_after_the_plug() -> None:
    # Vector 5: due at 130 → 245 min + 3 s; plugged in at 200 → 200 min + 3 s.
    phone = Phone("android", screen=False, charging=False, network="unmetered", app="background")
    phone.begin(120 * MINUTE, "a window's work")
    phone.end(125 * MINUTE, "a window's work")
    hold = phone.holds(130 * MINUTE)[0]
    assert (hold.gate, hold.until_ms) == (Gate.DOZE, 245 * MINUTE + 3 * SECOND)
    phone.tell(200 * MINUTE, charging=True)
    assert phone.opens(200 * MINUTE, DAY) == 200 * MINUTE + 3 * SECOND


def test_a_window_in_which_nothing_runs_closes_after_its_least_time() -> None:
    phone = Phone("android", screen=False, charging=False, network="unmetered")
    assert phone.gates(120 * MINUTE + 4 * SECOND) == []
    assert phone.gates(120 * MINUTE + 30 * SECOND) == [Gate.DOZE]
    hold = phone.holds(121 * MINUTE)[0]
    assert hold.until_ms == 120 * MINUTE + 30 * SECOND + 120 * MINUTE + 3 * SECOND


def test_a_window_stays_open_while_one_run_follows_another() -> None:
    phone = Phone("android", screen=False, charging=False, network="unmetered")
    for minute in (120, 121, 122):
        phone.begin(minute * MINUTE + 3 * SECOND, f"{minute}")
        phone.end((minute + 1) * MINUTE + 3 * SECOND, f"{minute}")
    now = 123 * MINUTE + 3 * SECOND
    assert phone.gates(now) == []
    assert phone.gates(now + 1 * SECOND) == [Gate.DOZE]


def test_light_doze_four_minutes_after_the_screen_went_off() -> None:
    # Vector 6: idle 4–9, window 9–10, idle 10–20, window 20–21, idle 21–36, 36–37, idle 37–52, 52–53, 53–60, then deep.
    phone = Phone("android", screen=False, charging=False, network="unmetered")
    spans = asleep(phone, 0, 119 * MINUTE)
    assert [(a / MINUTE, (b - 3 * SECOND) / MINUTE) for a, b in spans] == [(4, 9), (10, 20), (21, 36), (37, 52)]
    # What began last, at 53, has not ended before the deep one took over.
    assert phone.gates(59 * MINUTE) == phone.gates(61 * MINUTE) == [Gate.DOZE]
    assert phone.holds(61 * MINUTE)[0].current == "deep Doze, an idle period of 1 h"
    assert phone.gates(30 * MINUTE) == [Gate.DOZE]


def test_light_doze_waits_one_more_period_for_a_network() -> None:
    phone = Phone("android", screen=False, charging=False, network="none")
    assert phone.holds(5 * MINUTE)[0].until_ms == 19 * MINUTE + 3 * SECOND
    assert phone.gates(10 * MINUTE) == [Gate.DOZE]
    phone.tell(12 * MINUTE, network="metered")
    assert phone.opens(12 * MINUTE, DAY) == 12 * MINUTE + 3 * SECOND


def test_motion_puts_deep_doze_off_and_ends_it() -> None:
    phone = Phone("android", screen=False, charging=False, network="unmetered")
    phone.tell(45 * MINUTE, motion=True)
    phone.tell(46 * MINUTE, motion=False)
    assert phone.holds(80 * MINUTE)[0].current.startswith("light")
    assert phone.holds(86 * MINUTE)[0].current == "deep Doze, an idle period of 1 h"  # 46 + 10 + 30
    phone.tell(90 * MINUTE, motion=True)
    assert phone.gates(90 * MINUTE + 3 * SECOND) == []
    assert phone.holds(94 * MINUTE)[0].current == "light Doze, an idle period of 5 min"


def test_the_screen_alone_does_not_wake_a_locked_phone() -> None:
    phone = Phone("android", screen=False, charging=False, network="unmetered", lock="locked")
    phone.tell(90 * MINUTE, screen=True)
    assert phone.gates(90 * MINUTE + 5 * SECOND) == [Gate.DOZE]
    phone.tell(91 * MINUTE, lock="open")
    assert phone.opens(91 * MINUTE, DAY) == 91 * MINUTE + 3 * SECOND


@pytest.mark.parametrize("said", [{"exempt": True}, {"app": "foreground"}])
def test_what_doze_does_not_hold(said: dict[str, object]) -> None:
    phone = Phone("android", screen=False, charging=False, network="unmetered", **said)
    assert phone.gates(90 * MINUTE) == []
    assert phone.stop(0) is None or phone.stop(0).hold.gate is not Gate.DOZE  # type: ignore[union-attr]


def test_expedited_work_and_services_pass_doze_and_running_plain_work_is_stopped_by_it() -> None:
    phone = Phone("android", screen=False, charging=False, network="unmetered", exempt=False)
    assert phone.gates(5 * MINUTE) == [Gate.DOZE]
    assert phone.gates(5 * MINUTE, EXPEDITED) == []
    phone = Phone("android", screen=False, charging=False, network="unmetered")
    phone.begin(1 * MINUTE)
    stop = phone.stop(1 * MINUTE)
    assert stop is not None
    assert (stop.at, stop.hold.gate) == (4 * MINUTE, Gate.DOZE)


def edges(phone: Phone, now: int, until: int) -> set[int]:
    """Return the instants at which a worker looks again by itself."""
    found: set[int] = set()
    while now < until and (edge := phone.edge(now)) is not None:
        found.add(edge)
        now = edge
    return found


def three_jobs(said: dict[str, object]) -> Phone:
    phone = Phone("android-15", bucket="working", screen=True, **said)
    phone.work(0, 4 * MINUTE)
    phone.work(10 * MINUTE, 14 * MINUTE)
    phone.begin(20 * MINUTE, "third")
    return phone


def test_ten_minutes_in_two_hours_stop_the_third_run() -> None:
    # Vector 9: jobs of 4 min at 0, 10 and 20 min: the third is stopped after 2 min; the next just after 120 min + 30 s.
    phone = three_jobs({})
    stop = phone.stop(20 * MINUTE, "third")
    assert stop is not None
    assert (stop.at, stop.hold.gate) == (22 * MINUTE, Gate.QUOTA)
    assert phone.edge(20 * MINUTE) == 22 * MINUTE
    phone.end(22 * MINUTE, "third")
    hold = phone.holds(22 * MINUTE)[0]
    assert hold.current == "bucket working: 10 min of 10 min used in 2 h"
    assert hold.until_ms == 120 * MINUTE + 30 * SECOND + 1
    assert hold.until_ms in edges(phone, 22 * MINUTE, hold.until_ms), "nobody sleeps over it"
    assert phone.gates(120 * MINUTE + 30 * SECOND)[0] is Gate.QUOTA
    assert phone.gates(120 * MINUTE + 30 * SECOND + 1) == [Gate.BATCHING]


def test_no_quota_while_it_charges_but_for_restricted_apps() -> None:
    # Vector 10.
    phone = three_jobs({"charging": True})
    stop = phone.stop(20 * MINUTE, "third")
    assert stop is not None
    assert stop.hold.gate is Gate.RUN_TIME
    phone = Phone("android-15", bucket="restricted", charging=True, screen=False, idle=False, battery=50)
    phone.work(0, 10 * MINUTE)
    assert phone.gates(11 * MINUTE)[:1] == [Gate.QUOTA]
    phone.tell(11 * MINUTE, idle=True)
    assert Gate.QUOTA not in phone.gates(11 * MINUTE)
    phone.tell(11 * MINUTE, network="none")
    assert Gate.QUOTA in phone.gates(11 * MINUTE, constraints=ANY_NETWORK)
    assert Gate.QUOTA not in phone.gates(11 * MINUTE)
    phone.tell(11 * MINUTE, battery=15)
    assert phone.gates(11 * MINUTE)[:1] == [Gate.QUOTA]


def test_going_on_charge_ends_the_count_and_opens_the_gate() -> None:
    phone = three_jobs({})
    phone.tell(21 * MINUTE, charging=True)
    stop = phone.stop(21 * MINUTE, "third")
    assert stop is not None
    assert (stop.at, stop.hold.gate) == (30 * MINUTE, Gate.RUN_TIME)
    phone.tell(22 * MINUTE, charging=False)
    stop = phone.stop(22 * MINUTE, "third")
    assert stop is not None
    assert (stop.at, stop.hold.gate) == (23 * MINUTE, Gate.QUOTA)


@pytest.mark.parametrize(
    ("rules", "seconds"), [("android-15", None), ("android-16", 20 * 60)], ids=["as good as free", "20 min an hour"]
)
def test_the_active_bucket_is_counted_from_android_16_on(rules: str, seconds: int | None) -> None:
    phone = Phone(rules, app="background", screen=True)
    phone.work(0, 9 * MINUTE)
    phone.begin(10 * MINUTE)
    stop = phone.stop(10 * MINUTE)
    assert stop is not None
    assert stop.hold.gate is Gate.RUN_TIME
    phone.end(19 * MINUTE)
    phone.begin(20 * MINUTE, "last")
    stop = phone.stop(20 * MINUTE, "last")
    assert stop is not None
    assert (stop.at, stop.hold.gate) == ((22 * MINUTE, Gate.QUOTA) if seconds else (30 * MINUTE, Gate.RUN_TIME))


def test_work_begun_on_top_is_free_until_android_15() -> None:
    for rules, gate in (("android-15", Gate.RUN_TIME), ("android-16", Gate.QUOTA)):
        phone = Phone(rules, app="foreground", bucket="rare", screen=True)
        phone.work(0, 9 * MINUTE)
        phone.begin(9 * MINUTE)
        phone.tell(9 * MINUTE, app="background")
        phone.work(9 * MINUTE, 18 * MINUTE)
        stop = phone.stop(18 * MINUTE)
        assert stop is not None
        assert stop.hold.gate is gate


@pytest.mark.parametrize(
    ("hours", "bucket"),
    [(11.9, "active"), (12, "working"), (23.9, "working"), (24, "frequent"), (47.9, "frequent"), (48, "rare"),
     (191.9, "rare"), (192, "restricted")],
)  # fmt: skip
def test_buckets_by_disuse(hours: float, bucket: str) -> None:
    # Vector 13, with the screen on all the time.
    phone = Phone("android", app="background", screen=True)
    assert phone._at(round(hours * HOUR)).usage.bucket == bucket


def test_half_an_hour_of_screen_keeps_an_app_in_the_working_set() -> None:
    # Vector 13: both thresholds must have passed.
    phone = Phone("android", app="background", screen=True)
    phone.tell(30 * MINUTE, screen=False)
    assert phone._at(30 * DAY).usage.bucket == "working"
    phone.tell(30 * DAY, app="foreground")
    assert phone._at(30 * DAY).usage.bucket == "active"
    phone.tell(30 * DAY + 1, app="background")
    assert phone._at(31 * DAY).usage.bucket == "working"


def test_an_app_of_which_nobody_says_whether_it_is_used_stays_active() -> None:
    assert Phone("android", screen=True)._at(30 * DAY).usage.bucket == "active"


def test_idle_is_told_from_the_screen_and_independent_of_doze() -> None:
    phone = Phone("android", charging=True, screen=False)
    assert phone.judged(31 * MINUTE - 1).idle.value is Tri.NO
    assert phone.judged(31 * MINUTE).idle.value is Tri.YES
    assert phone.judged(40 * MINUTE).idle.source == "the screen has been off for 40 min; idle from 31 min on"
    assert phone.edge(30 * MINUTE) == 31 * MINUTE
    phone.tell(32 * MINUTE, screen=True)
    assert phone.judged(32 * MINUTE).idle.value is Tri.NO


def test_a_first_attempt_is_expedited_and_has_an_account_of_its_own() -> None:
    # Vector 17, of what the platform itself decides; what may be asked for is checked where it is enqueued.
    phone = Phone("android", bucket="rare", screen=True)
    phone.work(0, 10 * MINUTE)
    assert phone.gates(11 * MINUTE)[:1] == [Gate.QUOTA]
    assert phone.gates(11 * MINUTE, EXPEDITED) == []
    for minute in range(12, 24, 3):
        phone.begin(minute * MINUTE, f"{minute}", EXPEDITED)
        phone.end((minute + 3) * MINUTE, f"{minute}")
    assert phone.gates(24 * MINUTE, EXPEDITED)[:1] == [Gate.QUOTA]
    hold = phone.holds(24 * MINUTE, OR_DROP)[0]
    assert hold.current == "expedited, bucket rare: 10 min of 10 min used in 24 h"
    assert hold.needed == "more than 30 s of it free, or --expedited=run"
    assert hold.until_ms == 12 * MINUTE + DAY + 30 * SECOND + 1


def test_after_three_minutes_expedited_work_is_plain_work() -> None:
    phone = Phone("android", screen=False, charging=False, network="unmetered")
    phone.begin(5 * MINUTE, "run", EXPEDITED)
    stop = phone.stop(5 * MINUTE, "run", EXPEDITED)
    assert stop is not None
    assert (stop.at, stop.hold.gate) == (8 * MINUTE, Gate.DOZE), "as plain work it may not go on in Doze"
    assert phone.edge(5 * MINUTE) == 8 * MINUTE
    later = phone.stop(8 * MINUTE + 20, "run", EXPEDITED)
    assert later == stop
    assert stop.hold.current == "its 3 min of expedited time are over, and the phone is in Doze"


@pytest.mark.parametrize(
    ("words", "gate", "current"),
    [
        ({"low_power": True}, Gate.LOW_POWER, "its 3 min of expedited time are over: battery saver is on"),
        (
            {"bucket": "rare"},
            Gate.QUOTA,
            "its 3 min of expedited time are over: bucket rare: 10 min of 10 min used in 24 h",
        ),
        ({}, Gate.RUN_TIME, "ran for 10 min"),
    ],
)
def test_expedited_work_ends_where_as_plain_work_it_may_not_run(
    words: dict[str, Any], gate: Gate, current: str
) -> None:
    phone = Phone("android", screen=True, charging=False, app="background", **words)
    phone.work(0, 10 * MINUTE)
    phone.begin(20 * MINUTE, "run", EXPEDITED)
    ends = (30 if gate is Gate.RUN_TIME else 23) * MINUTE
    for now in (20 * MINUTE, 22 * MINUTE, 23 * MINUTE, 23 * MINUTE + 1):
        stop = phone.stop(now, "run", EXPEDITED, begun=20 * MINUTE)
        assert stop is not None
        assert (stop.at, stop.hold.gate, stop.hold.current) == (ends, gate, current)


def test_what_comes_after_its_expedited_time_is_told_as_such() -> None:
    """Doze begins a minute after the run became plain work: then it is Doze that ends it."""
    phone = Phone("android", screen=False, charging=False, network="unmetered")
    phone.begin(0, "run", EXPEDITED)
    for now in (0, 3 * MINUTE, 4 * MINUTE):
        stop = phone.stop(now, "run", EXPEDITED)
        assert stop is not None
        assert (stop.at, stop.hold.current) == (4 * MINUTE, "Doze begins")


def test_ten_minutes_are_the_most_for_plain_work() -> None:
    phone = Phone("android", charging=True, screen=True)
    phone.begin(7)
    stop = phone.stop(7)
    assert stop is not None
    assert (stop.at, stop.hold.gate) == (7 + 10 * MINUTE, Gate.RUN_TIME)


def test_constraints_are_nothing_that_the_platform_itself_holds() -> None:
    phone = Phone("android", charging=False, screen=True, network="none")
    wish = TaskConstraints(requires_charging=True, network=ANY_NETWORK.network)
    assert phone.gates(0, constraints=wish) == []

"""Fit: what a platform's bounds make of a wish, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bgo.model.lane import Gate, Traits, ViewKey, payload_class
from bgo.model.options import NetworkConstraint, RetryPolicy, TaskConstraints, TaskTimeout
from bgo.model.profile import HOST, Expedited, Foreground, ForegroundLimit, Profile, Work
from bgo.model.schedule import Cron, Every, Timing
from bgo.model.task import Wish
from bgo.policy import fit, fit_timing, retry

HOUR = 3_600_000
WORK = Work(
    data_max_bytes=10 << 10,
    run_max_ms=600_000,
    min_interval_ms=900_000,
    min_flex_ms=300_000,
    interval_from="completion",
    backoff_min_ms=10_000,
    backoff_max_ms=5 * HOUR,
    idle_refuses_retry=True,
    expedited_refuses=frozenset({"charging", "battery_not_low", "device_idle", "delay", "periodic"}),
)
ANDROID = Profile(
    "android",
    "android",
    work=WORK,
    expedited=Expedited({"active": 1_800_000}, 24 * HOUR, 180_000),
    foreground=Foreground({"dataSync": ForegroundLimit(None, 6 * HOUR, 24 * HOUR), "location": ForegroundLimit()}),
)
IOS = Profile(
    "ios",
    "ios",
    work=Work(
        cron_as_interval=True,
        unenforceable=frozenset({"battery_not_low", "storage_not_low", "unmetered", "not_roaming"}),
    ),
)
NETWORKS = st.sampled_from(NetworkConstraint)
CONSTRAINTS = st.builds(TaskConstraints, NETWORKS, *(st.booleans() for _ in range(4)))
DELAYS = st.integers(0, 10 * HOUR)
POLICIES = st.one_of(
    st.just(RetryPolicy.NONE),
    st.builds(
        lambda ms, most, factor: RetryPolicy.exponential(20, ms / 1000, most / 1000, factor),
        DELAYS, DELAYS, st.sampled_from([1.0, 1.5, 2.0]),
    ),
    st.builds(lambda ms, most: RetryPolicy.linear(700, ms / 1000, max_delay=most / 1000), DELAYS, DELAYS),
    st.builds(lambda ms: RetryPolicy.custom(delays=[n / 1000 for n in ms]), st.lists(DELAYS, max_size=5)),
)  # fmt: skip
TIMEOUTS = st.one_of(
    st.just(TaskTimeout.NONE),
    st.builds(lambda ms: TaskTimeout.hard_only(ms / 1000), st.integers(1, 20 * HOUR)),
    st.builds(lambda ms: TaskTimeout(soft=ms / 1000), st.integers(1, 20 * HOUR)),
)
WISHES = st.builds(Wish, TIMEOUTS, POLICIES, CONSTRAINTS)
TRAITS = st.builds(
    Traits, st.sampled_from(["", "run", "drop"]), st.sampled_from(["", "dataSync", "location", "dataSink"]),
    st.booleans(), st.booleans(), st.integers(0, 3),
)  # fmt: skip


def _retry(policy: RetryPolicy) -> RetryPolicy:
    return fit.fitted(Wish(retry=policy), Traits(), ANDROID).wish.retry


def _delays(policy: RetryPolicy, attempts: list[int]) -> list[int]:
    return [retry.bounds_ms(_retry(policy), n)[1] // 1000 for n in attempts]


def test_vector_1_backoff_exponential() -> None:
    policy = RetryPolicy.exponential(100, 30, 6 * 3600)
    expected = [30, 60, 120, 240, 480, 960, 1920, 3840, 7680, 15360, 18000]
    assert _delays(policy, list(range(1, 12))) == expected


def test_vector_1_backoff_linear_and_its_bounds() -> None:
    assert _delays(RetryPolicy.linear(1000, 30, max_delay=6 * 3600), [4, 600, 601]) == [120, 18000, 18000]
    assert _delays(RetryPolicy.exponential(3, 5), [1]) == [10]
    assert _delays(RetryPolicy.exponential(3, 6 * 3600, 7 * 3600), [1, 2]) == [18000, 18000]
    assert _delays(RetryPolicy.custom(delays=[5, 60, 6 * 3600]), [1, 2, 3]) == [10, 60, 18000]


@pytest.mark.parametrize(
    ("every", "flex", "expected", "told"),
    [
        (600, None, (900, 900), ["every"]),
        (3600, 60, (3600, 300), ["flex"]),
        (900, 3600, (900, 900), ["flex"]),
        (900, 300, (900, 300), []),
        (600, 60, (900, 300), ["every", "flex"]),
    ],
)
def test_vector_2_interval_and_flex(every: int, flex: int | None, expected: tuple[int, int], told: list[str]) -> None:
    found = fit_timing.rhythm(every * 1000, None if flex is None else flex * 1000, ANDROID)
    assert (found.every_ms // 1000, found.flex_ms // 1000) == expected
    assert [change.what for change in found.changes] == told


def test_vector_3_an_interval_counts_from_the_end_of_the_run_before() -> None:
    starts = [0]
    for _ in range(2):
        starts.append(fit_timing.next_ms(starts[-1], starts[-1] + 120_000, 900_000, ANDROID))
    assert [at // 1000 for at in starts] == [0, 1020, 2040]
    assert fit_timing.next_ms(0, 120_000, 900_000, HOST) == 900_000


def test_vector_4_a_flex_puts_the_first_run_into_the_last_part_of_the_interval() -> None:
    assert fit_timing.first_ms(10_000, fit_timing.rhythm(900_000, 300_000, ANDROID)) == 610_000
    assert fit_timing.first_ms(10_000, fit_timing.rhythm(900_000, None, ANDROID)) == 10_000


def test_an_interval_is_raised_and_a_cron_expression_stands_for_one() -> None:
    raised = fit_timing.timing(Timing(Every(60_000, 0), "UTC"), ANDROID)
    assert raised.timing.rule == Every(900_000, 0)
    assert [change.told for change in raised.changes] == ["every: 1m becomes 15m (android: the shortest there is)"]
    cron = Timing(Cron("0 3 * * *", None), "UTC")  # type: ignore[arg-type]
    assert fit_timing.timing(cron, ANDROID) == (cron, ())
    assert [change.what for change in fit_timing.timing(cron, IOS).changes] == ["cron"]


@given(WISHES, TRAITS)
def test_a_computer_takes_every_wish_as_it_is(wish: Wish, traits: Traits) -> None:
    assert fit.fitted(wish, traits, HOST, delayed=True) == (wish, (), ())
    assert fit.hold(ViewKey("default", "echo", wish.constraints, traits=traits), HOST) is None


@given(WISHES, TRAITS, st.sampled_from([ANDROID, IOS]))
def test_what_fits_is_left_alone_and_what_was_fitted_fits(wish: Wish, traits: Traits, profile: Profile) -> None:
    found = fit.fitted(wish, traits, profile)
    again = fit.fitted(found.wish, traits, profile)
    assert again.wish == found.wish
    assert [c for c in again.changes if c.what != "expedited"] == []
    assert (found.wish == wish) == all(c.what == "expedited" for c in found.changes)


@given(WISHES, TRAITS)
def test_bounds_hold_whatever_was_asked_for(wish: Wish, traits: Traits) -> None:
    found = fit.fitted(wish, traits, ANDROID).wish
    policy = found.retry
    for attempt in range(1, policy.max_attempts):
        assert 10_000 <= retry.bounds_ms(replace(policy, jitter=False), attempt)[1] <= 5 * HOUR
    cap = {"dataSync": 6 * HOUR, "": 600_000}.get(traits.foreground)
    if cap is not None:
        assert found.timeout.hard_ms is not None
        assert found.timeout.hard_ms <= cap
        assert found.timeout.soft_ms is None or found.timeout.soft_ms <= found.timeout.hard_ms
    else:
        assert found.timeout == wish.timeout


@given(WISHES, TRAITS, st.sampled_from([HOST, ANDROID, IOS]))
def test_what_is_refused_at_the_door_is_held_inside(wish: Wish, traits: Traits, profile: Profile) -> None:
    refusals = fit.fitted(wish, traits, profile).refusals
    held = fit.hold(ViewKey("default", "echo", wish.constraints, traits=traits), profile)
    assert (held is None) == (not refusals)
    if held is not None:
        assert (held.gate, held.current, held.needed) == (Gate.PROFILE, refusals[0].current, refusals[0].needed)
        assert "bgo run --profile host" in held.lift


@pytest.mark.parametrize(
    ("traits", "constraints", "delayed", "expected"),
    [
        ({"expedited": "run"}, {}, False, []),
        ({"expedited": "run"}, {"requires_charging": True}, False, ["expedited"]),
        ({"expedited": "drop"}, {"battery_not_low": True, "device_idle": True}, False, ["expedited", "expedited"]),
        ({"expedited": "run"}, {"network": NetworkConstraint.UNMETERED, "storage_not_low": True}, False, []),
        ({"expedited": "run"}, {}, True, ["expedited"]),
        ({}, {"requires_charging": True}, True, []),
        ({"expedited": "run", "periodic": True}, {}, False, ["expedited"]),
        ({"periodic": True}, {}, False, []),
        ({"retries": True}, {"device_idle": True}, False, ["retry"]),
        ({"payload": 0}, {}, False, []),
        ({"payload": 1}, {}, False, ["input"]),
        ({"foreground": "dataSync"}, {}, False, []),
        ({"foreground": "dataSink"}, {}, False, ["foreground"]),
    ],
)
def test_what_android_refuses(
    traits: dict[str, Any], constraints: dict[str, Any], delayed: bool, expected: list[str]
) -> None:
    wish = Wish(constraints=TaskConstraints(**constraints))
    found = fit.fitted(wish, Traits(**traits), ANDROID, delayed=delayed)
    assert [refusal.what for refusal in found.refusals] == expected


def test_ios_has_neither_expedited_work_nor_services() -> None:
    assert [c.what for c in fit.fitted(Wish(), Traits("run"), IOS).changes] == ["expedited"]
    assert [r.what for r in fit.fitted(Wish(), Traits("drop", "dataSync"), IOS).refusals] == ["expedited", "foreground"]


def test_a_type_that_is_nearly_one_is_guessed() -> None:
    (refusal,) = fit.fitted(Wish(), Traits(foreground="dataSink"), ANDROID).refusals
    assert "did you mean 'dataSync'?" in refusal.why


def test_what_the_platform_does_not_know_is_left_to_the_handler() -> None:
    calm = TaskConstraints(NetworkConstraint.NOT_ROAMING)
    assert fit.enforceable(calm, IOS) == TaskConstraints(NetworkConstraint.CONNECTED)
    asked = TaskConstraints(NetworkConstraint.UNMETERED, battery_not_low=True, requires_charging=True)
    found = fit.fitted(Wish(constraints=asked), Traits(), IOS)
    assert found.wish.constraints == TaskConstraints(NetworkConstraint.CONNECTED, requires_charging=True)
    assert [(c.what, c.asked, c.given) for c in found.changes] == [
        ("network", "unmetered", "connected"),
        ("battery-not-low", "yes", "nothing"),
    ]


@given(st.integers(0, 200 << 10))
@example(10 << 10)
@example((10 << 10) + 1)
def test_a_size_is_refused_exactly_and_its_class_where_all_of_it_is_too_large(size: int) -> None:
    assert (fit.payload(size, ANDROID) is not None) == (size > 10 << 10)
    held = fit.hold(ViewKey("q", "h", TaskConstraints(), traits=Traits(payload=payload_class(size))), ANDROID)
    assert (held is not None) == (size > 10 << 10)


def test_what_computers_may_be_asked_is_named_as_it_is_asked_for() -> None:
    wish = Wish(constraints=TaskConstraints(cpu_below=50, unused_for=600, on_network=["Home", "Work"]))
    phone = Profile("phone", "android", work=Work(unenforceable=frozenset({"load", "unused", "named_network"})))
    found = fit.fitted(wish, Traits(), phone)
    assert found.wish.constraints.is_empty
    assert [(change.what, change.asked, change.given) for change in found.changes] == [
        ("cpu-below", "50%", "nothing"), ("unused-for", "10m", "nothing"), ("on-network", "Home, Work", "nothing"),
    ]  # fmt: skip
    assert fit.fitted(wish, Traits(), HOST) == fit.Fitted(wish)

"""Options: the seed's presets with their numbers, and every value that means nothing is refused in three lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.errors import UsageError
from bgo.model.limits import ConcurrencyControl, ConcurrencyStrategy, DedupPolicy, RateLimit, UniquePolicy
from bgo.model.options import (
    MAX_DURATION_MS,
    PRIORITY_NAMES,
    QUEUE_WEIGHTS,
    NetworkConstraint,
    RetryPolicy,
    TaskConstraints,
    TaskTimeout,
    check_name,
    to_ms,
)
from bgo.model.window import TimeWindow

NAN, INF = float("nan"), float("inf")
anything: Any = object()


@pytest.mark.parametrize(
    ("preset", "soft", "hard"),
    [
        (TaskTimeout.QUICK, 45, 60),
        (TaskTimeout.MODERATE, 4 * 60, 5 * 60),
        (TaskTimeout.EXTENDED, 25 * 60, 30 * 60),
        (TaskTimeout(soft=timedelta(seconds=30), hard=timedelta(minutes=1)), 30, 60),
        (TaskTimeout.hard_only(60), 48, 60),
    ],
)
def test_timeouts(preset: TaskTimeout, soft: int, hard: int) -> None:
    assert (preset.soft_ms, preset.hard_ms) == (soft * 1000, hard * 1000)


def test_no_timeout_has_no_limits() -> None:
    assert (TaskTimeout.NONE.soft_ms, TaskTimeout.NONE.hard_ms) == (None, None)
    assert TaskTimeout.hard_only(0.001).soft_ms == 1


@pytest.mark.parametrize(
    ("preset", "starts", "window_s"),
    [
        (RateLimit.CONSERVATIVE, 5, 60),
        (RateLimit.MODERATE, 10, 60),
        (RateLimit.AGGRESSIVE, 50, 60),
        (RateLimit.HOURLY, 100, 3600),
    ],
)
def test_rates(preset: RateLimit, starts: int, window_s: int) -> None:
    assert (preset.max_executions, preset.window_ms) == (starts, window_s * 1000)


def test_the_other_presets() -> None:
    assert ConcurrencyControl(3, ConcurrencyStrategy.FIFO) == ConcurrencyControl.LIMITED
    assert QUEUE_WEIGHTS == {"critical": 100, "high": 10, "default": 1, "low": 0.1}
    assert PRIORITY_NAMES == {"low": -10, "normal": 0, "high": 10}
    off, office = TimeWindow.OFF_PEAK, TimeWindow.BUSINESS_HOURS
    assert (off.start_hour, off.end_hour, off.days_of_week) == (2, 5, ())
    assert (office.start_hour, office.end_hour, office.days_of_week) == (9, 17, (1, 2, 3, 4, 5))
    assert set(ConcurrencyStrategy) == {"fifo", "lifo", "random", "by-priority"}
    assert set(NetworkConstraint) == {"none", "connected", "unmetered", "not-roaming", "metered"}
    assert set(UniquePolicy) == {"keep", "replace", "append", "append-or-replace"}
    assert DedupPolicy.by_input(ttl=timedelta(minutes=5)).ttl_ms == 300_000
    assert TaskConstraints().is_empty
    assert not TaskConstraints(requires_charging=True).is_empty


def test_what_computers_may_be_asked_is_kept_in_one_form() -> None:
    one = TaskConstraints(cpu_below=50, unused_for=600, on_network="Home")
    assert one == TaskConstraints(cpu_below=50, unused_for=timedelta(minutes=10), on_network=[" Home ", "Home"])
    assert (one.unused_ms, one.networks) == (600_000, ("Home",))
    assert TaskConstraints(on_network={"b", "a"}).networks == ("a", "b")
    assert hash(one) == hash(replace(one, cpu_below=50))
    assert not one.is_empty
    both = TaskConstraints(unused_for=60, on_network="Work").over(one)
    assert both == TaskConstraints(cpu_below=50, unused_for=60, on_network="Work")
    assert TaskConstraints().over(one).is_empty


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ({"cpu_below": 0}, "cpu_below"), ({"cpu_below": 101}, "cpu_below"), ({"cpu_below": True}, "cpu_below"),
        ({"cpu_below": "50%"}, "cpu_below"), ({"unused_for": 0}, "unused_for"), ({"unused_for": "10m"}, "unused_for"),
        ({"unused_for": -1}, "unused_for"), ({"on_network": ""}, "on_network"), ({"on_network": ["a", " "]}, "network"),
        ({"on_network": "a\nb"}, "on_network"), ({"on_network": 7}, "on_network"), ({"on_network": [None]}, "network"),
        ({"on_network": "x" * 65}, "on_network"), ({"on_network": [str(n) for n in range(21)]}, "21 networks"),
    ],
)  # fmt: skip
def test_what_no_computer_can_be_asked_is_refused(said: dict[str, Any], what: str) -> None:
    with pytest.raises(UsageError) as caught:
        TaskConstraints(**said)
    assert what in caught.value.message
    assert caught.value.why
    assert caught.value.hint


def test_retry_defaults_are_the_seeds() -> None:
    none, policy = RetryPolicy.NONE, RetryPolicy.exponential()
    assert (none.kind, none.max_attempts) == ("none", 1)
    assert (policy.max_attempts, policy.delay_ms, policy.max_delay_ms) == (3, 30_000, 3_600_000)
    assert (policy.multiplier, policy.jitter) == (2.0, False)
    assert RetryPolicy.linear(max_attempts=3, delay=timedelta(seconds=30), jitter=True) == RetryPolicy(
        "linear", 3, 30_000, 3_600_000, jitter=True
    )


def test_custom_retry_is_computed_once_and_kept_as_a_list() -> None:
    asked: list[int] = []

    def delay(attempt: int) -> int:
        asked.append(attempt)
        return (5, 15, 60)[attempt - 1]

    policy = RetryPolicy.custom(max_attempts=4, delay_for_attempt=delay)
    assert asked == [1, 2, 3]
    assert policy == RetryPolicy.custom(delays=[5, 15, 60])
    assert (policy.max_attempts, policy.delays_ms) == (4, (5_000, 15_000, 60_000))


@pytest.mark.parametrize("given_kinds", [(ValueError, "KeyError"), ["ValueError", KeyError]])
def test_exception_kinds_are_kept_by_name(given_kinds: Any) -> None:
    policy = RetryPolicy.exponential(retry_on=given_kinds, give_up_on=[OSError])
    assert policy.retry_on == ("ValueError", "KeyError")
    assert policy.give_up_on == ("OSError",)


@pytest.mark.parametrize("one", [ValueError, "ValueError"])
def test_a_single_exception_kind_is_not_taken_apart(one: Any) -> None:
    assert RetryPolicy.linear(retry_on=one).retry_on == ("ValueError",)


def test_strategies_may_be_words() -> None:
    word: Any = "by-priority"
    assert ConcurrencyControl(2, word).strategy is ConcurrencyStrategy.BY_PRIORITY


REFUSED: dict[str, Callable[[], Any]] = {
    "soft after hard": lambda: TaskTimeout(soft=61, hard=60),
    "timeout of nothing": lambda: TaskTimeout(hard=0),
    "negative timeout": lambda: TaskTimeout(soft=-1),
    "timeout of centuries": lambda: TaskTimeout(hard=timedelta(days=40_000)),
    "timeout in words": lambda: TaskTimeout(hard="60s"),  # type: ignore[arg-type]
    "timeout yes": lambda: TaskTimeout(hard=True),
    "timeout nan": lambda: TaskTimeout.hard_only(NAN),
    "timeout of 1e308 seconds": lambda: TaskTimeout(hard=1e308),
    "timeout of 10**400 seconds": lambda: TaskTimeout(hard=10**400),
    "negative huge timeout": lambda: TaskTimeout(hard=-(10**400)),
    "no attempts": lambda: RetryPolicy.exponential(max_attempts=0),
    "negative attempts": lambda: RetryPolicy.linear(max_attempts=-1),
    "too many attempts": lambda: RetryPolicy.exponential(max_attempts=1001),
    "half an attempt": lambda: RetryPolicy.exponential(max_attempts=2.5),  # type: ignore[arg-type]
    "attempts yes": lambda: RetryPolicy.exponential(max_attempts=True),
    "attempts in words": lambda: RetryPolicy.exponential(max_attempts="3"),  # type: ignore[arg-type]
    "shrinking delays": lambda: RetryPolicy.exponential(multiplier=0.5),
    "exploding delays": lambda: RetryPolicy.exponential(multiplier=1001),
    "multiplier nan": lambda: RetryPolicy.exponential(multiplier=NAN),
    "multiplier inf": lambda: RetryPolicy.exponential(multiplier=INF),
    "negative delay": lambda: RetryPolicy.linear(delay=-1),
    "delay inf": lambda: RetryPolicy.exponential(initial_delay=INF),
    "negative max": lambda: RetryPolicy.exponential(max_delay=-1),
    "custom without a count": lambda: RetryPolicy.custom(delay_for_attempt=lambda n: n),
    "custom with no attempt": lambda: RetryPolicy.custom(max_attempts=0, delay_for_attempt=lambda n: n),
    "custom of a million": lambda: RetryPolicy.custom(max_attempts=1_000_000, delay_for_attempt=lambda n: n),
    "custom that disagrees": lambda: RetryPolicy.custom(max_attempts=3, delays=[1]),
    "custom of 1,000 delays": lambda: RetryPolicy.custom(delays=[1] * 1000),
    "custom with a negative delay": lambda: RetryPolicy.custom(delays=[1, -1]),
    "limit 0": lambda: ConcurrencyControl(0),
    "negative limit": lambda: ConcurrencyControl(-3),
    "limit yes": lambda: ConcurrencyControl(True),
    "half a limit": lambda: ConcurrencyControl(2.5),  # type: ignore[arg-type]
    "limit in words": lambda: ConcurrencyControl("3"),  # type: ignore[arg-type]
    "limit of millions": lambda: ConcurrencyControl(1_000_001),
    "unknown strategy": lambda: ConcurrencyControl(3, "newest"),  # type: ignore[arg-type]
    "empty key": lambda: ConcurrencyControl(3, key=""),
    "long key": lambda: ConcurrencyControl(3, key="k" * 257),
    "key that is no text": lambda: ConcurrencyControl(3, key=7),  # type: ignore[arg-type]
    "rate 0": lambda: RateLimit(0, 60),
    "rate yes": lambda: RateLimit(True, 60),
    "rate nan": lambda: RateLimit(NAN, 60),  # type: ignore[arg-type]
    "rate in words": lambda: RateLimit("10", 60),  # type: ignore[arg-type]
    "rate without a window": lambda: RateLimit(10, 0),
    "window of no length": lambda: TimeWindow(9, 9),
    "window from 25:00": lambda: TimeWindow(25, 3),
    "window to 24:30": lambda: TimeWindow(9, 24, end_minute=30),
    "window from a minute 75": lambda: TimeWindow(9, 17, start_minute=75),
    "window with a negative minute": lambda: TimeWindow(9, 17, end_minute=-5),
    "window on day 0": lambda: TimeWindow(9, 17, [0]),
    "window on day 8": lambda: TimeWindow(9, 17, [1, 8]),
    "window on a named day": lambda: TimeWindow(9, 17, ["mon"]),  # type: ignore[list-item]
    "window from half past": lambda: TimeWindow(9.5, 17),  # type: ignore[arg-type]
    "dedup by no field": lambda: DedupPolicy.by_fields(fields=[]),
    "dedup for no time": lambda: DedupPolicy.by_input(ttl=0),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(case: str) -> None:
    with pytest.raises(UsageError) as caught:
        REFUSED[case]()
    error = caught.value
    assert error.exit_code == 2
    assert error.message
    assert error.hint, "every refusal says what to write instead"
    assert len(error.message) < 200
    assert "\n" not in error.message + error.why + error.hint


@pytest.mark.parametrize("name", ["a", "echo", "files.hash", "A-b_c.9", "x" * 64])
def test_names(name: str) -> None:
    assert check_name(name, "task") == name


@pytest.mark.parametrize(
    "name", ["", "9a", "_a", ".a", "-a", "a b", "a/b", "a\n", "é", "x" * 65, "a\x00", "../x", "x" * 10_000, None, 7]
)
def test_names_refused(name: Any) -> None:
    with pytest.raises(UsageError) as caught:
        check_name(name, "task")
    assert len(caught.value.message) < 200


@given(st.integers(0, MAX_DURATION_MS))
def test_durations_are_whole_milliseconds(ms: int) -> None:
    assert to_ms(timedelta(milliseconds=ms), "it") == ms
    assert to_ms(ms / 1000, "it") == ms


@given(st.one_of(st.integers(), st.floats(), st.decimals(), st.text(), st.none(), st.booleans(), st.timedeltas()))
def test_a_duration_is_read_or_refused(value: Any) -> None:
    try:
        assert 0 <= to_ms(value, "it") <= MAX_DURATION_MS
    except UsageError as error:
        assert error.hint


@pytest.mark.parametrize("value", [True, None, "5", Decimal(5), anything, -0.001, NAN, INF, -INF, 1e308, 10**400])
def test_what_is_not_a_duration(value: Any) -> None:
    with pytest.raises(UsageError):
        to_ms(value, "it")

"""Retry: delays inside their bounds whatever the numbers, and which errors are worth another try."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.ids import seeded_rng
from bgo.model.options import MAX_ATTEMPTS, MAX_DURATION_MS, RetryPolicy
from bgo.policy.retry import ASKED_ATTEMPTS, ASKED_POLICY, bounds_ms, delay_ms, is_worth_it
from tests.model.test_wish import retries

numbers = st.integers(1, MAX_ATTEMPTS)
seconds = st.integers(0, MAX_DURATION_MS).map(lambda ms: ms / 1000)
growing = st.one_of(
    st.builds(RetryPolicy.exponential, numbers, seconds, seconds, st.floats(1, 1000), st.booleans()),
    st.builds(RetryPolicy.linear, numbers, seconds, st.booleans(), max_delay=seconds),
)


@given(retries, numbers, st.integers())
def test_a_delay_lies_in_its_bounds(policy: RetryPolicy, attempt: int, seed: int) -> None:
    low, high = bounds_ms(policy, attempt)
    delay = delay_ms(policy, attempt, seeded_rng(seed, "jitter"))
    assert isinstance(delay, int)
    assert 0 <= low <= delay <= high
    if policy.kind in ("exponential", "linear"):
        assert high <= policy.max_delay_ms
    if not policy.jitter:
        assert low == delay == high


@given(growing, st.integers(1, MAX_ATTEMPTS - 1))
def test_delays_never_shrink(policy: RetryPolicy, attempt: int) -> None:
    assert bounds_ms(policy, attempt) <= bounds_ms(policy, attempt + 1)


@given(growing, numbers)
def test_no_delay_stays_no_delay(policy: RetryPolicy, attempt: int) -> None:
    at_once = RetryPolicy(policy.kind, policy.max_attempts, 0, policy.max_delay_ms, policy.multiplier)
    assert bounds_ms(at_once, attempt) == (0, 0)


@pytest.mark.parametrize(
    ("policy", "delays"),
    [
        (RetryPolicy.exponential(9, 10, 60, 2.0), [10, 20, 40, 60, 60, 60]),
        (RetryPolicy.exponential(9, 10, 3600, 1.0), [10, 10, 10]),
        (RetryPolicy.exponential(9, 100, 60), [60, 60]),
        (RetryPolicy.linear(9, 30, max_delay=100), [30, 60, 90, 100, 100]),
        (RetryPolicy.custom(delays=[5, 15, 60, 300]), [5, 15, 60, 300, 300]),
        (RetryPolicy.NONE, [0, 0]),
    ],
)
def test_the_documented_delays(policy: RetryPolicy, delays: list[int]) -> None:
    assert [bounds_ms(policy, n)[1] // 1000 for n in range(1, len(delays) + 1)] == delays


def test_numbers_beyond_a_double_mean_the_greatest_delay() -> None:
    policy = RetryPolicy.exponential(MAX_ATTEMPTS, 1, 3600, 1000)
    assert bounds_ms(policy, MAX_ATTEMPTS) == (3_600_000, 3_600_000)


def test_jitter_is_uniform_between_half_the_delay_and_the_delay() -> None:
    policy = RetryPolicy.linear(5, 10, jitter=True)
    rng = seeded_rng(1, "jitter")
    found = [delay_ms(policy, 1, rng) for _ in range(10_000)]
    assert 5_000 <= min(found) < 5_010
    assert 9_990 < max(found) <= 10_000
    tenths = [sum(1 for d in found if 5_000 + i * 500 <= d < 5_500 + i * 500) for i in range(10)]
    assert all(800 < count < 1_200 for count in tenths)


def test_a_storm_of_failures_is_spread() -> None:
    """10,000 tasks that fail together do not come back together: no second sees more than twice the mean."""
    policy, rng = RetryPolicy.exponential(5, 60, jitter=True), seeded_rng(2, "jitter")
    seconds_hit = [delay_ms(policy, 1, rng) // 1000 for _ in range(10_000)]
    mean = 10_000 / 30
    assert max(seconds_hit.count(s) for s in set(seconds_hit)) < 2 * mean


def test_asking_without_a_policy_means_three_tries() -> None:
    assert (ASKED_ATTEMPTS, ASKED_POLICY.max_attempts) == (3, 3)


@pytest.mark.parametrize(
    ("only", "never", "kinds", "worth"),
    [
        ((), (), ("ValueError", "Exception"), True),
        ((), (), (), True),
        (("OSError",), (), ("ConnectionError", "OSError", "Exception"), True),
        (("OSError",), (), ("ValueError", "Exception"), False),
        (("OSError",), (), (), False),
        ((), ("ValueError",), ("UnicodeError", "ValueError"), False),
        ((), ("ValueError",), ("OSError",), True),
        (("Exception",), ("ValueError",), ("ValueError", "Exception"), False),
        (("Crash",), (), ("Crash",), True),
    ],
)
def test_which_errors_are_worth_it(
    only: tuple[str, ...], never: tuple[str, ...], kinds: tuple[str, ...], worth: bool
) -> None:
    policy = RetryPolicy.exponential(retry_on=only, give_up_on=never)
    assert is_worth_it(policy, kinds) is worth

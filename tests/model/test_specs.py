"""Options written as one word."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.errors import UsageError
from bgo.model import specs
from bgo.model.limits import (
    ConcurrencyControl,
    ConcurrencyStrategy,
    DedupPolicy,
    RateLimit,
    Unique,
    UniquePolicy,
)
from bgo.model.options import RetryPolicy, TaskTimeout


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("quick", TaskTimeout.QUICK),
        ("moderate", TaskTimeout.MODERATE),
        ("EXTENDED", TaskTimeout.EXTENDED),
        ("none", TaskTimeout.NONE),
        ("60s", TaskTimeout(48, 60)),
        ("60", TaskTimeout(48, 60)),
        ("30s/60s", TaskTimeout(30, 60)),
        ("1m / 2m", TaskTimeout(60, 120)),
    ],
)
def test_timeouts(text: str, found: TaskTimeout) -> None:
    assert specs.timeout(text) == found


@pytest.mark.parametrize("text", ["", "quik", "0", "-5s", "60s/30s", "1m/2m/3m", "/", "5m/", "never"])
def test_what_is_no_timeout(text: str) -> None:
    with pytest.raises(UsageError, match="not a timeout"):
        specs.timeout(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("none", RetryPolicy.NONE),
        ("exponential", RetryPolicy.exponential()),
        (
            "exponential:attempts=5,delay=10s,max=1h,multiplier=2,jitter",
            RetryPolicy.exponential(5, 10, 3600, 2, jitter=True),
        ),
        ("Exponential: attempts=4 , jitter=no", RetryPolicy.exponential(4)),
        ("linear:attempts=3,delay=30s,jitter", RetryPolicy.linear(3, 30, jitter=True)),
        ("custom:5s,15s,60s,5m", RetryPolicy.custom(delays=[5, 15, 60, 300])),
        ("exponential:multiplier=1.5", RetryPolicy.exponential(multiplier=1.5)),
    ],
)
def test_retry_policies(text: str, found: RetryPolicy) -> None:
    assert specs.retry(text) == found


def test_custom_takes_jitter() -> None:
    assert specs.retry("custom:5s,jitter").jitter


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("expotential", "did you mean 'exponential'?"),
        ("exponential:atempts=3", "did you mean 'attempts'?"),
        ("exponential:attempts", "did you mean 'attempts'?"),
        ("linear:multiplier=2", "linear takes attempts, delay, max, jitter"),
        ("exponential:attempts=0", "attempts counts all tries"),
        ("exponential:attempts=2.5", "is not a whole number"),
        ("exponential:multiplier=nan", "is not a number"),
        ("exponential:multiplier=inf", "the delay may not shrink"),
        ("exponential:attempts=2,attempts=3", "is given twice"),
        ("exponential:jitter=perhaps", "is not yes or no"),
        ("exponential:delay=5x", "not a duration"),
        ("custom", "custom needs its delays"),
        ("none:3", "takes nothing after it"),
    ],
)
def test_what_is_no_retry_policy(text: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        specs.retry(text)
    assert hint in f"{caught.value.message} {caught.value.why} {caught.value.hint}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("3", ConcurrencyControl(3)),
        ("limited", ConcurrencyControl.LIMITED),
        ("2:by-priority", ConcurrencyControl(2, ConcurrencyStrategy.BY_PRIORITY)),
        ("limited:lifo", ConcurrencyControl(3, ConcurrencyStrategy.LIFO)),
    ],
)
def test_concurrency(text: str, found: ConcurrencyControl) -> None:
    assert specs.concurrency(text) == found
    assert specs.concurrency(text, "uploads").key == "uploads"


@pytest.mark.parametrize("text", ["", "0", "-1", "x", "3:", "3:fifi", "3:fifo:x", "9" * 30, "²"])
def test_what_is_no_concurrency(text: str) -> None:
    with pytest.raises(UsageError, match="concurrency"):
        specs.concurrency(text)


@pytest.mark.parametrize(("text", "found"), [("low", -10), ("High", 10), ("normal", 0), ("-100", -100), ("+7", 7)])
def test_priorities(text: str, found: int) -> None:
    assert specs.priority(text) == found


@pytest.mark.parametrize("text", ["", "101", "-101", "1.5", "highest", "--5", "+-5", "²", "9" * 30])
def test_what_is_no_priority(text: str) -> None:
    with pytest.raises(UsageError, match="not a priority"):
        specs.priority(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("10/1m", RateLimit(10, 60)),
        (" 100 / 1h ", RateLimit(100, 3600)),
        ("3/500ms", RateLimit(3, 0.5)),
        ("5/m", RateLimit(5, 60)),
        ("1/31d", RateLimit(1, 31 * 86_400)),
        ("conservative", RateLimit.CONSERVATIVE),
        ("Moderate", RateLimit.MODERATE),
        ("aggressive", RateLimit.AGGRESSIVE),
        ("hourly", RateLimit.HOURLY),
    ],
)
def test_rates(text: str, found: RateLimit) -> None:
    assert specs.rate(text) == found
    keyed = specs.rate(text, "api")
    assert (keyed.max_executions, keyed.window_ms, keyed.key) == (found.max_executions, found.window_ms, "api")


@pytest.mark.parametrize("text", ["", "10", "10/", "/1m", "0/1m", "-1/1m", "1.5/1m", "10/0s", "10/-1m", "10/1x",
                                  "10/32d", "10/1m/2", "9" * 30 + "/1m", "²/1m", "hourlie"])  # fmt: skip
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(UsageError, match="rate") as caught:
        specs.rate(text)
    assert caught.value.hint


def test_dedup_words() -> None:
    assert specs.dedup("input") == DedupPolicy.by_input()
    assert specs.dedup("input", timedelta(minutes=5)) == DedupPolicy.by_input(ttl=300)
    assert specs.dedup("user_id, day") == DedupPolicy.by_fields(fields=["user_id", "day"])


@pytest.mark.parametrize("text", ["", " ", ",", "a,", "a,,b", "a,b,a"])
def test_what_is_no_list_of_fields(text: str) -> None:
    with pytest.raises(UsageError, match="dedup: not a list of fields"):
        specs.dedup(text)


def test_unique_words() -> None:
    assert specs.unique("u") == Unique("u", UniquePolicy.KEEP)
    assert specs.unique("u", "Append-or-Replace").policy is UniquePolicy.APPEND_OR_REPLACE
    with pytest.raises(UsageError) as caught:
        specs.unique("u", "apend")
    assert caught.value.why == "did you mean 'append'?"
    for name in ("", "x" * 257, "a\nb"):
        with pytest.raises(UsageError, match="not a unique id"):
            specs.unique(name)


@pytest.mark.parametrize(
    "read", [specs.timeout, specs.retry, specs.concurrency, specs.priority, specs.rate, specs.dedup]
)
@given(
    st.one_of(st.text(), st.from_regex(r"(exponential|linear|custom|none|limited|\d{1,3})[:/]?[a-z0-9=,.:/-]{0,40}"))
)
def test_any_text_parses_or_is_refused(read: Callable[[str], Any], text: str) -> None:
    try:
        assert read(text) is not None
    except UsageError as error:
        assert len(error.message) < 600

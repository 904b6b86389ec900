"""Retry: whether a failed attempt is worth another, and after how long."""

from __future__ import annotations

from bgo.ids import Rng
from bgo.model.options import RetryPolicy

ASKED_ATTEMPTS = 3
"""Tries for a handler that asks to be retried although its task has no policy."""
ASKED_POLICY = RetryPolicy.exponential(max_attempts=ASKED_ATTEMPTS)


def is_worth_it(policy: RetryPolicy, kinds: tuple[str, ...]) -> bool:
    """Say whether an error of these class names may be retried under the policy."""
    if any(kind in policy.give_up_on for kind in kinds):
        return False
    return not policy.retry_on or any(kind in policy.retry_on for kind in kinds)


def bounds_ms(policy: RetryPolicy, attempt: int) -> tuple[int, int]:
    """Return the least and the greatest delay after failed attempt number `attempt` (1-based)."""
    match policy.kind:
        case "none":
            return 0, 0
        case "custom":
            delay = policy.delays_ms[min(attempt, len(policy.delays_ms)) - 1] if policy.delays_ms else 0
        case "linear":
            delay = min(policy.delay_ms * attempt, policy.max_delay_ms)
        case "exponential":
            delay = _exponential(policy, attempt)
    return (delay // 2 if policy.jitter else delay), delay


def _exponential(policy: RetryPolicy, attempt: int) -> int:
    if policy.delay_ms == 0:
        return 0  # whatever the factor: beyond a double it would be taken for the greatest delay
    try:
        return int(min(policy.delay_ms * policy.multiplier ** (attempt - 1), policy.max_delay_ms))
    except OverflowError:
        return policy.max_delay_ms


def delay_ms(policy: RetryPolicy, attempt: int, rng: Rng) -> int:
    """Return the delay after failed attempt `attempt`; with jitter, uniform between half the delay and the delay."""
    low, high = bounds_ms(policy, attempt)
    return rng.randint(low, high) if policy.jitter else high

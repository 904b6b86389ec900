"""Leases: who counts as gone, and how long a lost run waits."""

from __future__ import annotations

import pytest

from bgo.policy.lease import LEASE_MS, LOSS_LIMIT, judge, loss_delay_ms
from tests.build import a_lease

UNTIL = 30_000


@pytest.mark.parametrize(
    ("alive", "boot", "awake", "orphaned", "rebooted"),
    [
        (True, "boot", UNTIL - 1, False, False),
        (True, "boot", UNTIL, True, False),  # lives but does not renew: hung or stopped
        (False, "boot", 0, True, False),  # the lock is free: dead at once, whatever the lease says
        (False, "boot", UNTIL + 1, True, False),
        (True, "other", 0, True, True),  # a process of another boot cannot live, even if its lock looks taken
        (False, "other", 0, True, True),
        (True, "other", UNTIL + 1, True, True),
    ],
)
def test_the_verdict(alive: bool, boot: str, awake: int, orphaned: bool, rebooted: bool) -> None:
    found = judge(a_lease(until_ms=UNTIL), owner_alive=alive, boot_id=boot, awake_ms=awake)
    assert (found.orphaned, found.rebooted) == (orphaned, rebooted)


def test_loss_delays_grow_to_five_minutes_and_stay() -> None:
    assert [loss_delay_ms(n) // 1000 for n in range(1, 10)] == [0, 1, 5, 30, 60, 120, 300, 300, 300]
    assert loss_delay_ms(LOSS_LIMIT) == loss_delay_ms(10**9) == 300_000
    assert loss_delay_ms(0) == loss_delay_ms(-5) == 0


def test_the_published_numbers() -> None:
    assert (LEASE_MS, LOSS_LIMIT) == (30_000, 20)

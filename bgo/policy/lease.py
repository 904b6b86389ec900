"""Leases: when a run's owner is gone, and how long a lost run waits."""

from __future__ import annotations

from dataclasses import dataclass

from bgo.model.task import Lease

LEASE_MS = 30_000
LOSS_LIMIT = 20
_LOSS_DELAYS_MS = (0, 1_000, 5_000, 30_000, 60_000, 120_000, 300_000)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do about a lease that is not ours."""

    orphaned: bool
    rebooted: bool = False


def judge(lease: Lease, *, owner_alive: bool, boot_id: str, awake_ms: int) -> Verdict:
    """Say whether a lease of this host has lost its owner.

    The owner's lock decides (dead at once); a lease of another boot is dead whatever its pids look like; lease time
    decides only for owners that live but do not renew: hung or stopped ones.
    """
    if lease.boot_id != boot_id:
        return Verdict(orphaned=True, rebooted=True)
    if not owner_alive:
        return Verdict(orphaned=True)
    return Verdict(orphaned=lease.until_ms <= awake_ms)


def loss_delay_ms(losses: int) -> int:
    """Return how long a task waits after its n-th consecutive loss (1-based): 0, 1, 5, 30 s … 5 min."""
    return _LOSS_DELAYS_MS[min(max(losses, 1), len(_LOSS_DELAYS_MS)) - 1]

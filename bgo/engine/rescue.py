"""Rescue: leases whose owner is gone are adopted, their processes stopped, and the runs settled as lost.

Adopting comes first: from then on the old owner can write nothing, so its sight of a killed child is no crash.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bgo.engine.settle import RunKey
from bgo.model.task import Lease
from bgo.policy.lease import Verdict
from bgo.store.port import Session

Judge = Callable[[Lease], Verdict]


@dataclass(frozen=True, slots=True)
class Orphan:
    """A run that we have taken over: its processes must be gone before it is settled as lost."""

    lease: Lease
    key: RunKey
    rebooted: bool


def has_orphans(session: Session, judge: Judge, mine: str) -> bool:
    """Say whether any other worker's lease has lost its owner."""
    return any(judge(lease).orphaned for lease in session.leases.list_all() if lease.worker != mine)


def adopt(session: Session, judge: Judge, mine: str, until: int) -> list[Orphan]:
    """Take over every orphaned lease of this host."""
    orphans = []
    for lease in session.leases.list_all():
        verdict = judge(lease) if lease.worker != mine else Verdict(False)
        if verdict.orphaned and session.leases.adopt(lease, mine, until):
            orphans.append(Orphan(lease, RunKey(lease.seq, lease.run, mine), verdict.rebooted))
    return orphans

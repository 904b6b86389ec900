"""Missed: what becomes of occurrences that have piled up while no worker was there."""

from __future__ import annotations

from typing import NamedTuple

from bgo.model.schedule import Missed, MissedPolicy


class Share(NamedTuple):
    """Of the occurrences that are due: how many are dropped, how many the last one stands for, how many fire. They come
    in this order, the newest fire."""

    missed: int
    coalesced: int
    fired: int


def share(policy: MissedPolicy, due: int, late_ms: int) -> Share:
    """Return what becomes of `due` occurrences, at least one, the last of which is `late_ms` late."""
    match policy.kind:
        case Missed.ONE:
            return Share(0, due - 1, 1)
        case Missed.ALL:
            return Share(max(0, due - policy.most), 0, min(due, policy.most))
        case Missed.SKIP:
            on_time = late_ms <= policy.grace_ms
            return Share(due - on_time, 0, int(on_time))

"""Prune: ended tasks leave by age and by number, in steps that never block a claim; unfinished work never does."""

from __future__ import annotations

from dataclasses import dataclass

from bgo.model.query import Retention
from bgo.model.state import State
from bgo.store.port import Store, Tasks

STEP = 200
_GROUPS = ((State.SUCCEEDED, State.CANCELLED), (State.FAILED,))


@dataclass(frozen=True, slots=True)
class Pruned:
    """Which tasks went (or would go)."""

    ids: tuple[str, ...]
    count: int


def prune(store: Store, retention: Retention, now: int) -> Pruned:
    """Remove what retention no longer keeps, at most STEP tasks a transaction."""
    gone: list[str] = []
    while True:
        with store.write() as session:
            seqs = _step(session.tasks, retention, now)
            gone += session.tasks.delete(seqs)
        if not seqs:
            _forget(store, now - retention.finished_ms)
            return Pruned(tuple(gone), len(gone))


def _forget(store: Store, before: int) -> None:
    """Drop old entries of the log of holds; what present waits are told from stays."""
    while True:
        with store.write() as session:
            if session.lanes.forget(before, STEP) < STEP:
                return


def would_prune(store: Store, retention: Retention, now: int) -> int:
    """Return how many tasks a prune would remove now."""
    with store.read() as session:
        limit = 10_000_000
        old = sum(len(session.tasks.ended(states, now - age, limit)) for states, age in _ages(retention))
        rest = len(session.tasks.ended_beyond(0, limit)) - old
        return old + max(0, rest - retention.rows)


def _step(tasks: Tasks, retention: Retention, now: int) -> list[int]:
    for states, age in _ages(retention):
        if seqs := tasks.ended(states, now - age, STEP):
            return seqs
    return tasks.ended_beyond(retention.rows, STEP)


def _ages(retention: Retention) -> tuple[tuple[tuple[State, ...], int], ...]:
    return (_GROUPS[0], retention.finished_ms), (_GROUPS[1], retention.failed_ms)

"""Prune: ended tasks leave by age, number and size, in steps that never block a claim; unfinished work never does.

A chain or batch leaves with all that is in it, by its own end: what is in it goes first, and from the first step on it
cannot be retried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bgo.engine import upstream
from bgo.model.flow import GOING
from bgo.model.query import Retention
from bgo.model.state import State
from bgo.store.port import Session, Store, Tasks

STEP = 200
RATE_KEPT_MS = 62 * 86_400_000
"""How long a rate key is remembered after its last start: twice the longest window, whatever the wall clock did."""
_KEPT_SHORT = (State.SUCCEEDED, State.CANCELLED)
_KEPT_LONG = (State.FAILED,)


def prune(
    store: Store, retention: Retention, now: int, go_on: Callable[[], bool] = lambda: True
) -> Iterator[list[str]]:
    """Remove what retention no longer keeps, at most STEP tasks a transaction; yield the ids of each step.

    Stops early when `go_on` says no.
    """
    with store.read() as session:
        keep = _keep(session.tasks, retention)
    while go_on():
        with store.write() as session:
            seqs = _with_members(session, session.tasks.going(STEP))
            seqs = seqs or _with_members(session, _step(session.tasks, retention, keep, now))
            gone = session.tasks.delete(upstream.give_up(session, seqs, now))
        if not seqs:
            break
        yield gone
    _forget(store, now - retention.finished_ms, go_on)
    _forget_keys(store, now, go_on)
    _sweep(store, go_on)
    _forget_rates(store, now - RATE_KEPT_MS, go_on)


def _forget(store: Store, before: int, go_on: Callable[[], bool]) -> None:
    """Drop old entries of the log of holds; what present waits are told from stays."""
    while go_on():
        with store.write() as session:
            if session.lanes.forget(before, STEP) < STEP:
                return


def _forget_keys(store: Store, now: int, go_on: Callable[[], bool]) -> None:
    """Drop dedup keys that nothing holds any more."""
    after: str | None = ""
    while after is not None and go_on():
        with store.write() as session:
            after = session.dedup.forget(after, now, STEP)


def _forget_rates(store: Store, before: int, go_on: Callable[[], bool]) -> None:
    """Drop rate keys that no lane has any more."""
    while go_on():
        with store.write() as session:
            if session.rates.forget(before, STEP) < STEP:
                return


def _sweep(store: Store, go_on: Callable[[], bool]) -> None:
    """Remove lanes that no task belongs to any more: one per name and limit, they would pile up for ever."""
    with store.read() as session:
        last = session.tasks.next_seq() - 1
        empty = session.lanes.unused()
    for start in range(0, len(empty), STEP):
        if not go_on():
            return
        with store.write() as session:
            session.lanes.drop(empty[start : start + STEP], last)


def _with_members(session: Session, roots: list[int]) -> list[int]:
    """Return what goes in one transaction, of as many of these as there is room for."""
    found: list[int] = []
    for seq in roots:
        if len(found) >= STEP:
            break
        rows = session.tasks.inside(seq, STEP - len(found))
        if rows != [seq]:
            session.flows.set(seq, "ending", GOING)
        found += rows
    return found


def would_prune(store: Store, retention: Retention, now: int) -> int:
    """Return how many tasks a prune would remove now."""
    with store.read() as session:
        keep, limit = _keep(session.tasks, retention), 10_000_000
        old = {seq for states, age in _ages(retention) for seq in session.tasks.ended(states, now - age, limit)}
        old.update(session.tasks.going(limit))
        may_go = set(session.tasks.ended_beyond(0, limit)) - old
        rows = session.tasks.ended_rows()
    rest = [row for row in rows if row[2] not in old]
    beyond = {seq for _, seq, _ in rest[keep:] if seq in may_go}
    return len(rows) - len(rest) + sum(root in beyond for _, _, root in rest)


def _keep(tasks: Tasks, retention: Retention) -> int:
    """Return how many ended tasks may stay, so that they hold no more bytes than they may: an average decides."""
    count, size = tasks.ended_bytes()
    return retention.rows if size <= retention.bytes else min(retention.rows, count * retention.bytes // size)


def _step(tasks: Tasks, retention: Retention, keep: int, now: int) -> list[int]:
    for states, age in _ages(retention):
        if seqs := tasks.ended(states, now - age, STEP):
            return seqs
    return tasks.ended_beyond(keep, STEP)


def _ages(retention: Retention) -> tuple[tuple[tuple[State, ...], int], ...]:
    return (_KEPT_SHORT, retention.finished_ms), (_KEPT_LONG, retention.failed_ms)

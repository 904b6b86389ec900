"""Ledgers: how much has run in a window that slides, when it is used up, and when it is free again.

Android counts the time in which anything of an app ran, not that of each run. Searches are by bisection, so that a
day with thousands of runs costs little.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import replace

from bgo.model.android_state import Ledger


def counted(ledger: Ledger, runs: int, at: int, merge_ms: int, keep_ms: int) -> Ledger:
    """Return the ledger when, from `at` on, so many runs count. Spans nearer than `merge_ms` are one session."""
    if runs == ledger.live:
        return ledger
    if ledger.open_at is None:
        start = max(at, ledger.ends[-1]) if ledger.ends else at
        return replace(ledger, open_at=start, open_runs=runs, live=runs)
    if runs:
        return replace(ledger, open_runs=ledger.open_runs + max(0, runs - ledger.live), live=runs)
    return _closed(ledger, ledger.open_at, max(at, ledger.open_at), merge_ms, keep_ms)


def _closed(ledger: Ledger, start: int, end: int, merge_ms: int, keep_ms: int) -> Ledger:
    drop = bisect_right(ledger.ends, end - keep_ms)
    group = 1 if not ledger.ends else ledger.groups[-1] + (start - ledger.ends[-1] > merge_ms)
    return Ledger(  # sums of tuples, as nothing copies them faster
        ledger.starts[drop:] + (start,),  # noqa: RUF005
        ledger.ends[drop:] + (end,),  # noqa: RUF005
        ledger.spent[drop:] + (ledger.total,),  # noqa: RUF005
        ledger.begun[drop:] + (ledger.runs,),  # noqa: RUF005
        ledger.groups[drop:] + (group,),  # noqa: RUF005
        ledger.total + end - start,
        ledger.runs + ledger.open_runs,
    )


def used(ledger: Ledger, window_ms: int, now: int) -> int:
    """Return how many milliseconds something has run in the window that ends now."""
    start = now - window_ms
    i = bisect_right(ledger.ends, start)
    found = ledger.total - ledger.spent[i] - max(0, start - ledger.starts[i]) if i < len(ledger.ends) else 0
    return found if ledger.open_at is None else found + max(0, now - max(ledger.open_at, start))


def used_up_at(ledger: Ledger, limit: int, window_ms: int, now: int) -> int | None:
    """Return when `limit` is used up if what runs goes on; None: never, as nothing runs or as much rolls out."""
    if ledger.open_at is None or limit >= window_ms:
        return None
    at, left = now, limit - used(ledger, window_ms, now)
    i = bisect_right(ledger.ends, now - window_ms)
    while left > 0:
        # Until the next span begins to roll out, all that runs counts; while it rolls out, nothing is used up.
        rolls_at = (ledger.starts[i] if i < len(ledger.ends) else ledger.open_at) + window_ms
        if at + left <= rolls_at:
            return at + left
        if i >= len(ledger.ends):
            return None
        left -= max(0, rolls_at - at)
        at = max(at, ledger.ends[i] + window_ms)
        i += 1
    return at


def free_at(ledger: Ledger, limit: int, window_ms: int, now: int) -> int:
    """Return from when on at most `limit` is used, if nothing runs from now on."""
    live = 0 if ledger.open_at is None else max(0, now - ledger.open_at)
    rolled = ledger.total + live - limit  # so much must have left the window, of all there ever was
    if ledger.open_at is not None and rolled > ledger.total:
        return ledger.open_at + rolled - ledger.total + window_ms
    i = bisect_left(ledger.spent, rolled) - 1
    return now if i < 0 else max(now, ledger.starts[i] + rolled - ledger.spent[i] + window_ms)


def runs_in(ledger: Ledger, window_ms: int, now: int) -> int:
    """Return how many runs the sessions of the window had; all of one that reaches into it."""
    i = bisect_right(ledger.ends, now - window_ms)
    return ledger.open_runs + (ledger.runs - ledger.begun[i] if i < len(ledger.ends) else 0)


def sessions_in(ledger: Ledger, window_ms: int, now: int) -> int:
    """Return how many sessions that have ended reach into the window."""
    i = bisect_right(ledger.ends, now - window_ms)
    return ledger.groups[-1] - ledger.groups[i] + 1 if i < len(ledger.ends) else 0


def runs_free_at(ledger: Ledger, limit: int, window_ms: int) -> int | None:
    """Return when fewer than `limit` runs reach into the window; None: the sessions that have ended are not enough."""
    i = bisect_left(ledger.begun, ledger.runs + ledger.open_runs - limit + 1)
    if i < len(ledger.begun) or ledger.open_runs < limit:
        return ledger.ends[i - 1] + window_ms if i else None
    return None


def sessions_free_at(ledger: Ledger, limit: int, window_ms: int) -> int | None:
    """Return when fewer than `limit` sessions reach into the window."""
    i = bisect_left(ledger.groups, ledger.groups[-1] - limit + 2) if ledger.groups else 0
    return ledger.ends[i - 1] + window_ms if i else None

"""Ledgers against a plain reading of the same: every millisecond counted by hand."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from bgo.model.android_state import Ledger
from bgo.policy.android import ledger

MERGE, KEEP = 3, 120


@dataclass
class Book:
    """Spans as they were, and the ledger made of them; `opened` is the start of one that has not ended."""

    ledger: Ledger
    spans: list[tuple[int, int, int]]
    opened: tuple[int, int] | None
    now: int

    def busy(self, window: int, at: int) -> int:
        """Return in how many milliseconds of the window something ran, up to `now`, and on if it is open."""
        spans = [(a, b) for a, b, _ in self.spans] + ([(self.opened[0], at)] if self.opened else [])
        return sum(any(a <= ms < b for a, b in spans) for ms in range(at - window, at))

    def reaching(self, window: int, at: int) -> list[tuple[int, int, int]]:
        return [span for span in self.spans if span[1] > at - window]

    def sessions(self, window: int, at: int) -> int:
        number, last = 0, None
        found = set()
        for a, b, _ in self.spans:
            number += last is None or a - last > MERGE
            last = b
            if b > at - window:
                found.add(number)
        return len(found)


@st.composite
def books(draw: st.DrawFn) -> Book:
    now, made, spans = 0, Ledger(), []
    for gap, length, runs in draw(
        st.lists(st.tuples(st.integers(0, 12), st.integers(0, 15), st.integers(1, 3)), max_size=9)
    ):
        start, now = now + gap, now + gap + length
        for live in range(1, runs + 1):
            made = ledger.counted(made, live, start, MERGE, KEEP)
        made = ledger.counted(made, 1, (start + now) // 2, MERGE, KEEP)  # all of them but one end
        made = ledger.counted(made, 0, now, MERGE, KEEP)
        spans.append((start, now, runs))
    opened = None
    now += draw(st.integers(0, 20))
    if draw(st.booleans()):
        runs = draw(st.integers(1, 3))
        made, opened = ledger.counted(made, runs, now, MERGE, KEEP), (now, runs)
        now += draw(st.integers(0, 10))
    return Book(made, spans, opened, now)


WINDOWS = st.integers(1, 60)


@given(books(), WINDOWS, st.integers(0, 50))
def test_used_is_the_time_in_which_anything_ran(book: Book, window: int, later: int) -> None:
    assert ledger.used(book.ledger, window, book.now + later) == book.busy(window, book.now + later)


@given(books(), WINDOWS, st.integers(0, 40))
def test_used_up_is_the_first_instant_at_which_the_limit_is_reached(book: Book, window: int, limit: int) -> None:
    found = ledger.used_up_at(book.ledger, limit, window, book.now)
    if book.opened is None or limit >= window:
        assert found is None
        return
    reached = [at for at in range(book.now, book.now + window + limit + 61) if book.busy(window, at) >= limit]
    assert found == (reached[0] if reached else None)


@given(books(), WINDOWS, st.integers(0, 40))
def test_free_is_the_first_instant_at_which_little_enough_is_used_if_nothing_goes_on(
    book: Book, window: int, limit: int
) -> None:
    if book.opened is not None:
        book = Book(ledger.counted(book.ledger, 0, book.now, MERGE, KEEP),
                    [*book.spans, (book.opened[0], book.now, book.opened[1])], None, book.now)  # fmt: skip
    found = ledger.free_at(book.ledger, limit, window, book.now)
    free = [at for at in range(book.now, book.now + window + 1) if book.busy(window, at) <= limit]
    assert found == free[0]


@given(books(), WINDOWS, st.integers(1, 8))
def test_runs_and_sessions_are_those_that_reach_into_the_window(book: Book, window: int, limit: int) -> None:
    opened = book.opened[1] if book.opened else 0

    def runs(at: int) -> int:
        return opened + sum(span[2] for span in book.reaching(window, at))

    assert ledger.runs_in(book.ledger, window, book.now) == runs(book.now)
    assert ledger.sessions_in(book.ledger, window, book.now) == book.sessions(window, book.now)
    later = range(book.now, book.now + window + 1)
    if runs(book.now) >= limit:
        assert ledger.runs_free_at(book.ledger, limit, window) == next((at for at in later if runs(at) < limit), None)
    if book.sessions(window, book.now) >= limit:
        free = next(at for at in later if book.sessions(window, at) < limit)
        assert ledger.sessions_free_at(book.ledger, limit, window) == free


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), min_size=1, max_size=40))
def test_what_is_older_than_anybody_asks_is_dropped_and_changes_nothing(spans: list[tuple[int, int]]) -> None:
    kept, full, now = Ledger(), Ledger(), 0
    for gap, length in spans:
        now += gap
        for keep in (KEEP, 10**9):
            opened = ledger.counted(kept if keep == KEEP else full, 1, now, MERGE, keep)
            closed = ledger.counted(opened, 0, now + length, MERGE, keep)
            kept, full = (closed, full) if keep == KEEP else (kept, closed)
        now += length
        assert all(end > now - KEEP for end in kept.ends[:-1])
        for ask in (ledger.used, ledger.runs_in, ledger.sessions_in):
            assert ask(kept, KEEP, now) == ask(full, KEEP, now)

"""Order: who goes first inside a lane, between lanes and between queues."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.model.limits import ConcurrencyStrategy
from bgo.model.options import PRIORITY_MAX, PRIORITY_MIN
from bgo.policy.order import PRIORITY_HEAD_START_MS, STRIDE, charge, order_key, rank, virtual_time
from tests.build import START, a_share

dues = st.integers(0, START * 5)
priorities = st.integers(PRIORITY_MIN, PRIORITY_MAX)
draws = st.floats(0, 1, exclude_max=True)
strategies = st.none() | st.sampled_from(ConcurrencyStrategy)


def key(
    strategy: ConcurrencyStrategy | None, *, due: int = START, priority: int = 0, seq: int = 1, draw: float = 0.0
) -> int:
    return order_key(strategy, due_ms=due, priority=priority, seq=seq, draw=draw)


@given(strategies, dues, priorities, st.integers(1, 1 << 40), draws)
def test_every_key_fits_a_database_integer(
    strategy: ConcurrencyStrategy | None, due: int, priority: int, seq: int, draw: float
) -> None:
    found = key(strategy, due=due, priority=priority, seq=seq, draw=draw)
    assert isinstance(found, int)
    assert -(1 << 63) <= found < 1 << 63


@given(dues, dues, priorities, priorities)
def test_by_default_a_point_of_priority_is_a_minute_of_head_start(d1: int, d2: int, p1: int, p2: int) -> None:
    ahead = (d1 - p1 * 60_000) < (d2 - p2 * 60_000)
    assert (key(None, due=d1, priority=p1) < key(None, due=d2, priority=p2)) is ahead
    assert key(None, due=d1, priority=p1) == rank(d1, p1)


def test_waiting_ages_a_low_task_past_a_burst_of_high_ones() -> None:
    old_and_low = rank(START, PRIORITY_MIN)
    span = (PRIORITY_MAX - PRIORITY_MIN) * PRIORITY_HEAD_START_MS
    assert old_and_low > rank(START + span - 1, PRIORITY_MAX)
    assert old_and_low < rank(START + span + 1, PRIORITY_MAX)


@given(dues, dues, priorities, priorities)
def test_fifo_and_lifo_look_at_the_order_of_enqueueing_alone(d1: int, d2: int, p1: int, p2: int) -> None:
    fifo, lifo = ConcurrencyStrategy.FIFO, ConcurrencyStrategy.LIFO
    assert key(fifo, due=d1, priority=p1, seq=1) < key(fifo, due=d2, priority=p2, seq=2)
    assert key(lifo, due=d1, priority=p1, seq=1) > key(lifo, due=d2, priority=p2, seq=2)


@given(dues, dues, priorities, priorities)
def test_by_priority_compares_priorities_first_and_then_age(d1: int, d2: int, p1: int, p2: int) -> None:
    strategy = ConcurrencyStrategy.BY_PRIORITY
    ahead = (-p1, d1) < (-p2, d2)
    assert (key(strategy, due=d1, priority=p1) < key(strategy, due=d2, priority=p2)) is ahead


@given(draws, draws, dues, priorities)
def test_random_looks_at_the_draw_alone(a: float, b: float, due: int, priority: int) -> None:
    strategy = ConcurrencyStrategy.RANDOM
    assert key(strategy, draw=a, due=due, priority=priority, seq=9) == key(strategy, draw=a)
    if a < b:
        assert key(strategy, draw=a) <= key(strategy, draw=b)


@pytest.mark.parametrize("strategy", [None, ConcurrencyStrategy.BY_PRIORITY, ConcurrencyStrategy.RANDOM])
def test_equal_wishes_tie_so_that_the_smaller_seq_goes_first(strategy: ConcurrencyStrategy | None) -> None:
    assert key(strategy, seq=1) == key(strategy, seq=2)


def test_a_pick_moves_its_queue_by_its_stride() -> None:
    once = charge(a_share(weight=10), 0.0)
    assert (once.start, once.pass_at) == (0.0, STRIDE / 10)
    twice = charge(once, 0.0)
    assert (twice.start, twice.pass_at) == (STRIDE / 10, 2 * STRIDE / 10)


def test_a_queue_that_was_away_starts_at_the_present() -> None:
    assert charge(a_share(pass_at=5.0), 900.0).start == 900.0


def test_the_present_is_the_last_start() -> None:
    assert virtual_time({}) == 0.0
    assert virtual_time({"a": a_share("a", start=3.0), "b": a_share("b", start=8.0)}) == 8.0

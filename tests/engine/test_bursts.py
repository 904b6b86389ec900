"""Fairness: a burst under one key is in nobody else's way, and a point of priority is a minute and no more."""

from __future__ import annotations

from bgo.model.limits import ConcurrencyStrategy
from bgo.store.sqlite import SqliteStore
from tests.build import START, a_spec, a_wish
from tests.store import drive

BURST = 10_000


def test_a_burst_under_one_key_starves_neither_another_key_nor_unkeyed_work() -> None:
    store = SqliteStore(None)
    burst, other = (a_wish(limit=drive.limit(1, key)) for key in ("burst", "other"))
    assert burst.concurrency is not None
    assert burst.concurrency.strategy is ConcurrencyStrategy.FIFO
    drive.enqueue(store, *(a_spec(name=f"b{n % 50}", wish=burst) for n in range(BURST)))
    drive.enqueue(store, a_spec(name="other", wish=other), a_spec(name="plain"))
    names = sorted(claim.task.name for claim in drive.tick(store, 3))
    assert len(names) == 3
    assert names[1:] == ["other", "plain"]


def test_a_low_task_is_passed_only_as_long_as_the_head_start_says() -> None:
    store = SqliteStore(None)
    drive.enqueue(store, a_spec(name="low"))
    for minute in range(5):
        now = START + minute * 60_000 - 1
        drive.enqueue(store, a_spec(name=f"high{minute}", priority=3, due_at=now), now=now + 1)
    served = [drive.claim(store, now=START + 600_000).task.name for _ in range(6)]
    assert served == ["high0", "high1", "high2", "high3", "low", "high4"]

"""A phone's week in the simulator: 10,000 runs under a charger that comes and goes."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bgo.engine import enqueue
from bgo.ids import new_id, seeded_rng
from bgo.model.device import DeviceChange, DeviceState, Reading, Tri
from bgo.model.limits import ConcurrencyControl
from bgo.model.options import RetryPolicy, TaskConstraints
from bgo.model.task import TaskSpec, Wish
from bgo.run.simulator import WEEK_MS, SimOptions, Timeline, simulate
from bgo.store.sqlite import SqliteStore
from tests.bench.kit import Result

NOW = 1_800_000_000_000
HOUR_MS = 3_600_000
WISHES = (
    Wish(),
    Wish(constraints=TaskConstraints(requires_charging=True)),
    Wish(concurrency=ConcurrencyControl(2)),
    Wish(retry=RetryPolicy.exponential(max_attempts=3, jitter=True)),
)


def week_of_work(n: int) -> SqliteStore:
    """Return a store with `n` tasks of twenty names, due all over the week's first six days."""
    rng = seeded_rng(1, "bench")
    store = SqliteStore(None)
    specs = [
        TaskSpec(new_id(rng), f"work{i % 20}", b"{}", wish=WISHES[i % 4], due_at=NOW + rng.randrange(WEEK_MS * 6 // 7))
        for i in range(n)
    ]
    with store.write() as session:
        enqueue.enqueue(session, specs, NOW)
    return store


def bench_simulate(n: int = 10_000) -> tuple[float, Timeline]:
    """Return how many seconds a simulated week with `n` tasks takes, and what it found."""
    store = week_of_work(n)
    yes, no = (DeviceState(charging=Reading(value, "bench")) for value in (Tri.YES, Tri.NO))
    script = tuple(DeviceChange(NOW + hour * HOUR_MS, yes if hour % 24 >= 18 else no) for hour in range(0, 168, 6))
    options = SimOptions(NOW, seed=1, device=script, durations={"work1": 60_000}, failures={"work3": 1})
    began = time.perf_counter()
    timeline = simulate(store, None, 4, options)
    return time.perf_counter() - began, timeline


def simulated_week() -> Iterator[Result]:
    """A simulated week with 10,000 runs."""
    seconds, timeline = bench_simulate()
    runs = timeline.summary()["runs"]
    measured = f"{seconds:.1f} s ({runs:,} runs)"
    yield Result("a phone's week with 10,000 runs, simulated", measured, "≤ 3 s", seconds <= 3)

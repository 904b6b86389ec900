"""The store and the engine alone: bulk enqueue, and what a claim costs beside ever more waiting work."""

from __future__ import annotations

import sqlite3
import statistics
import time
from collections.abc import Iterator, Sequence

from bgo import ids
from bgo.clock import Moment
from bgo.engine import cycle, enqueue, settle
from bgo.engine.settle import RunKey
from bgo.model.device import DeviceState, Reading, Tri, View
from bgo.model.limits import ConcurrencyControl, RateLimit
from bgo.model.options import TaskConstraints
from bgo.model.outcome import Succeeded
from bgo.model.task import Child, TaskSpec, Wish
from bgo.policy.gates import Offer
from bgo.store.sqlite import SqliteStore
from tests.bench.kit import Result, flow_in, home

NOW = 1_800_000_000_000
AT = Moment(NOW, NOW, "bench")
RNG = ids.seeded_rng(1, "bench")
CHILD = [Child(1, 1)]
UNPLUGGED = View(device=DeviceState(charging=Reading(Tri.NO, "bench")))


def raw_inserts(path: str, count: int) -> float:
    """Rows a second by hand: one table, 1,000 rows a transaction, the same durability."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE t (id TEXT PRIMARY KEY, body BLOB)")
    began = time.perf_counter()
    for _ in range(count // 1000):
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT INTO t VALUES (?, ?)", [(ids.new_id(RNG), b"{}") for _ in range(1000)])
        db.execute("COMMIT")
    return count / (time.perf_counter() - began)


def bulk() -> Iterator[Result]:
    """Enqueue from the library, 1,000 a transaction."""
    count = 100_000
    with home() as folder:
        flow = flow_in(folder)
        flow.enqueue("echo", {"n": 0})
        began = time.perf_counter()
        flow.enqueue_many("echo", ({"n": n} for n in range(count)))
        rate = count / (time.perf_counter() - began)
        raw = raw_inserts(str(folder / "raw.db"), count)
        flow.close()
        size = flow.settings.store_path.stat().st_size
        text = f"{rate:,.0f} /s ({rate / raw:.2f} of bare inserts)"
        yield Result("enqueue from the library, 1,000 a transaction", text, "≥ 50,000 /s", rate >= 50_000)
        kilobytes = size / count * 100 / 1000
        yield Result("store growth per 100 queued tasks", f"{kilobytes:.0f} kB", "≤ 100 kB", kilobytes <= 100)


def _fill(store: SqliteStore, specs: Sequence[TaskSpec]) -> None:
    for start in range(0, len(specs), 1000):
        with store.write() as session:
            enqueue.enqueue(session, specs[start : start + 1000], NOW)
    store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the filling is not what is measured


def _specs(count: int, wish: Wish | None = None, names: int = 1, key: bool = False) -> list[TaskSpec]:
    found = []
    for n in range(count):
        limit = ConcurrencyControl(1, key=f"k{n % names}") if key else None
        chosen = Wish(concurrency=limit) if key else wish or Wish()
        found.append(TaskSpec(ids.new_id(RNG), "echo", b"{}", name=f"n{n % names}", wish=chosen))
    return found


def _rated(count: int, keys: int) -> list[TaskSpec]:
    """Two starts an hour under each key."""
    wishes = [Wish(rate=RateLimit(2, 3600, f"k{n}")) for n in range(keys)]
    return [TaskSpec(ids.new_id(RNG), "echo", b"{}", name=f"n{n % keys}", wish=wishes[n % keys]) for n in range(count)]


def _claim_us(store: SqliteStore, rounds: int = 400) -> float:
    """Median microseconds of one tick that claims one task, commit included; its settle is not timed."""
    asker = cycle.Asker("w", "h", "b", Offer(), 1)
    memory, times = cycle.Memory(), []
    for _ in range(rounds):
        began = time.perf_counter()
        with store.write() as session:
            tick = cycle.tick(session, asker, UNPLUGGED, memory, CHILD, lease_until=1, moment=AT)
        times.append(time.perf_counter() - began)
        with store.write() as session:
            for claim in tick.claims:
                key = RunKey(claim.task.seq, claim.task.run, "w")
                settle.settle(session, key, Succeeded(), AT, RNG, AT)
    return statistics.median(times) * 1e6


def claims() -> Iterator[Result]:
    """What a claim costs beside 1k, 1M, 1M held, and 10,000 lanes."""
    held = Wish(constraints=TaskConstraints(requires_charging=True))
    cases = (
        ("1,000,000 pending", lambda: _specs(1_000_000)),
        ("1,000,000 held in another lane", lambda: _specs(1_000_000, held) + _specs(1_000)),
        ("10,000 lanes of keys with waiting work", lambda: _specs(30_000, names=10_000, key=True)),
        ("10,000 lanes of rates with waiting work", lambda: _rated(30_000, 10_000)),
    )
    with home() as folder:
        store = SqliteStore(folder / "small.db")
        _fill(store, _specs(1_000))
        base = _claim_us(store)
        store.close()
    yield Result("claim with 1,000 pending", f"{base:.0f} µs", "the base", None)
    for words, make in cases:
        limit = 2.0 if "lanes" in words else 1.5
        with home() as folder:
            store = SqliteStore(folder / "large.db")
            _fill(store, make())
            cost = _claim_us(store)
            store.close()
        ratio = cost / base
        yield Result(f"claim with {words}", f"{cost:.0f} µs = {ratio:.2f} ×", f"≤ {limit} ×", ratio <= limit)

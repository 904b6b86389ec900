"""Whole processes: cold starts, tasks end to end, contention, latency, idle cost."""

from __future__ import annotations

import os
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bgo.flow.options import EnqueueOptions
from bgo.run.bench import RunOptions
from tests.bench.kit import Result, environment, flow_in, home, percentile, worker

BARE = [sys.executable, "-c", "import typer, sqlite3"]


def cold() -> Iterator[Result]:
    """A cold `bgo enqueue`, against importing typer and sqlite3 alone; the best of 15 interleaved runs."""
    with home() as folder:
        env = environment(folder)
        flow_in(folder).catalogue()
        enqueue = [sys.executable, "-m", "bgo", "enqueue", "echo", "message=hi"]
        times: dict[str, list[float]] = {"bare": [], "bgo": []}
        for _ in range(15):
            for name, command in (("bare", BARE), ("bgo", enqueue)):
                began = time.perf_counter()
                subprocess.run(command, env=env, stdout=subprocess.DEVNULL, check=True)
                times[name].append(time.perf_counter() - began)
    best = {name: min(found) for name, found in times.items()}
    ratio = best["bgo"] / best["bare"]
    text = f"{best['bgo'] * 1000:.0f} ms = {ratio:.2f} × {best['bare'] * 1000:.0f} ms"
    yield Result("cold bgo enqueue, whole process", text, "≤ 2.0 ×", ratio <= 2.0)


def _by_hand(folder: Path, count: int) -> float:
    """No-op tasks a second with one durable transaction per claim and one per finish, by hand."""
    db = sqlite3.connect(folder / "hand.db", isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, state TEXT)")
    db.execute("BEGIN")
    db.executemany("INSERT INTO t VALUES (?, 'queued')", ((n,) for n in range(count)))
    db.execute("COMMIT")
    began = time.perf_counter()
    for n in range(count):
        db.execute("UPDATE t SET state = 'running' WHERE id = ?", (n,))
        db.execute("UPDATE t SET state = 'done' WHERE id = ?", (n,))
    return count / (time.perf_counter() - began)


def end_to_end() -> Iterator[Result]:
    """No-op tasks, durable, in killable children, 2 slots; and the same with limits that do not bind, in turn."""
    found: dict[str, list[float]] = {"plain": [], "limited": [], "hand": []}
    for _ in range(ROUNDS):
        found["plain"].append(_throughput({}, found["hand"]))
        found["limited"].append(_throughput(NOT_BINDING, found["hand"]))
    plain, limited, hand = (statistics.median(found[name]) for name in ("plain", "limited", "hand"))
    text = f"{plain:,.0f} /s ({plain / hand:.2f} of two bare transactions a task)"
    yield Result("no-op tasks end to end, FULL, 2 slots", text, "≥ 3,000 /s", plain >= 3_000)
    cost = 1 - limited / plain
    yield Result("a concurrency limit and a rate that do not bind", f"{cost:+.0%}", "≤ 10 % slower", cost <= 0.10)


ROUNDS, TASKS = 5, 4_000
NOT_BINDING: EnqueueOptions = {"concurrency": 1000, "rate_limit": "1000000/1h"}


def _throughput(options: EnqueueOptions, hand: list[float]) -> float:
    """No-op tasks a second; beside it, what the disk gives by hand at that moment."""
    with home() as folder:
        flow = flow_in(folder)
        flow.enqueue_many("bench.noop", ({} for _ in range(TASKS)), **options)
        began = time.perf_counter()
        report = flow.run(RunOptions(slots=2))
        rate = TASKS / (time.perf_counter() - began)
        assert report.counts["succeed"] == TASKS
        hand.append(_by_hand(folder, 1_000))
    return rate


def contention() -> Iterator[Result]:
    """Single enqueues by another process while a worker is saturated."""
    with home() as folder:
        flow = flow_in(folder)
        flow.enqueue_many("bench.noop", ({} for _ in range(20_000)))
        with worker(folder, "--slots", "2", "--watch"):
            while not flow.overview().counts["succeeded"]:
                time.sleep(0.01)
            times = []
            for _ in range(1_000):
                began = time.perf_counter()
                flow.enqueue("bench.noop")
                times.append((time.perf_counter() - began) * 1000)
            saturated = flow.overview().counts["queued"] > 1_000
        flow.close()
    p50, p99 = percentile(times, 0.5), percentile(times, 0.99)
    text = f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, max {max(times):.0f} ms" + ("" if saturated else " (worker ran dry)")
    yield Result("enqueue beside a saturated worker", text, "p99 ≤ 15 ms", p99 <= 15)


def latency() -> Iterator[Result]:
    """From the call of enqueue to the first line of the handler, on an idle worker."""
    with home() as folder:
        flow = flow_in(folder)
        with worker(folder, "--watch", "--slots", "2"):
            flow.wait(flow.enqueue("bench.stamp"), timeout=60)
            times = []
            for _ in range(300):
                began = time.time_ns()
                times.append((flow.wait(flow.enqueue("bench.stamp"), timeout=60)["at"] - began) / 1e6)
        flow.close()
    p50, p99 = percentile(times, 0.5), percentile(times, 0.99)
    text = f"p50 {p50:.1f} ms, p99 {p99:.1f} ms"
    yield Result("enqueue → handler start, idle worker", text, "p50 ≤ 3 ms, p99 ≤ 15 ms", p50 <= 3 and p99 <= 15)


def idle() -> Iterator[Result]:
    """What an idle `bgo run --watch` costs: processor time over ten seconds, and resident memory."""
    ticks = os.sysconf("SC_CLK_TCK")
    with home() as folder:
        flow = flow_in(folder)
        with worker(folder, "--watch") as process:
            flow.wait(flow.enqueue("bench.noop"), timeout=60)
            stat = Path(f"/proc/{process.pid}/stat")

            def used() -> float:
                fields = stat.read_text().rpartition(")")[2].split()
                return (int(fields[11]) + int(fields[12])) / ticks

            before, began = used(), time.monotonic()
            time.sleep(10)
            share = (used() - before) / (time.monotonic() - began)
            status = Path(f"/proc/{process.pid}/status").read_text()
            resident = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024
        flow.close()
    yield Result("idle bgo run --watch, processor", f"{share:.2%} of a core", "≤ 0.5 %", share <= 0.005)
    yield Result("idle bgo run --watch, supervisor's memory", f"{resident:.0f} MB", "≤ 45 MB", resident <= 45)

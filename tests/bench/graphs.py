"""Chains and batches: a million items streamed in, what others feel of it, and what membership costs a task."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bgo.run.bench import RunOptions
from tests.bench.kit import ROOT, Result, environment, flow_in, home, percentile

ITEMS = 1_000_000
FEW = 10_000
ROUNDS, TASKS = 3, 3_000
STREAM = """
import sys, time
from pathlib import Path
from tests.bench.kit import flow_in
flow, count = flow_in(Path(sys.argv[1])), int(sys.argv[2])
began = time.perf_counter()
flow.batch("bench.noop", ({"n": n} for n in range(count)))
took = time.perf_counter() - began
# Not ru_maxrss: a child that was forked begins with its parent's.
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(took, int(peak) // 1024)
"""


def _stream(folder: Path, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", STREAM, str(folder), str(count)]
    return subprocess.Popen(command, env=environment(folder), cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _told(process: subprocess.Popen[str]) -> tuple[float, int]:
    out, _ = process.communicate()
    seconds, megabytes = out.split()
    return float(seconds), int(megabytes)


def batch() -> Iterator[Result]:
    """A batch of a million items, against one of ten thousand; another process enqueues meanwhile."""
    with home() as folder:
        flow = flow_in(folder)
        flow.enqueue("echo", {"message": "x"})
        _, few = _told(_stream(folder, FEW))
        process, waits = _stream(folder, ITEMS), []
        while process.poll() is None:
            began = time.perf_counter()
            flow.enqueue("echo", {"message": "x"})
            waits.append(time.perf_counter() - began)
            time.sleep(0.02)
        seconds, many = _told(process)
        size = flow.settings.store_path.stat().st_size
        flow.close()
    text = f"{ITEMS / seconds:,.0f} /s, {many} MB resident ({few} MB for {FEW:,}), {size / ITEMS:,.0f} bytes an item"
    yield Result(f"a batch of {ITEMS:,} items, streamed", text, "constant memory", many - few <= 8)
    p50, p99 = percentile(waits, 0.5) * 1000, percentile(waits, 0.99) * 1000
    yield Result(
        "enqueue beside that stream", f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, max {max(waits) * 1000:.0f} ms",
        "p99 ≤ 15 ms", p99 <= 15,
    )  # fmt: skip


def members() -> Iterator[Result]:
    """No-op tasks alone, as members of one batch, and as steps of chains of three, in turn."""
    rates: dict[str, list[float]] = {"alone": [], "batch": [], "chain": []}
    for _ in range(ROUNDS):
        for kind, found in rates.items():
            with home() as folder:
                found.append(_rate(folder, kind))
    alone, in_batch, in_chain = (statistics.median(rates[kind]) for kind in rates)
    yield Result(
        "members of a batch, end to end", f"{in_batch / alone:.2f} of plain tasks ({in_batch:,.0f} /s)", "", None
    )
    yield Result("steps of chains, end to end", f"{in_chain / alone:.2f} of plain tasks ({in_chain:,.0f} /s)", "", None)


def _rate(folder: Path, kind: str) -> float:
    flow = flow_in(folder)
    if kind == "alone":
        flow.enqueue_many("bench.noop", ({} for _ in range(TASKS)))
    elif kind == "batch":
        flow.batch("bench.noop", ({} for _ in range(TASKS)))
    else:
        steps = flow.chain("c").then("bench.noop", as_="a").then("bench.noop", as_="b").then("bench.noop", as_="d")
        flow.batch("chains", ({} for _ in range(TASKS // 3)), chain=steps)
    began = time.perf_counter()
    report = flow.run(RunOptions(slots=2))
    rate = TASKS / (time.perf_counter() - began)
    assert report.counts["succeed"] == TASKS
    flow.close()
    return rate

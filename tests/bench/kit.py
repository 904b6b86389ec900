"""What the benchmarks share: a throw-away home, worker processes, percentiles, and one line of result."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bgo.api import TaskFlow
from bgo.config import Flags, load

ROOT = Path(__file__).resolve().parents[2]
HANDLERS = Path(__file__).with_name("handlers.py")


@dataclass(frozen=True)
class Result:
    """One measured line of the table."""

    work: str
    measured: str
    budget: str
    within: bool | None
    """None: nothing to compare with."""


@contextmanager
def home() -> Iterator[Path]:
    """A directory of its own for BGO_HOME, on a real disk (durability costs are the point)."""
    folder = Path(tempfile.mkdtemp(prefix="bgo-bench-", dir=os.environ.get("BGO_BENCH_DIR")))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def environment(folder: Path) -> dict[str, str]:
    """The environment of a process that works in this home."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("BGO_")}
    return {**kept, "BGO_HOME": str(folder), "BGO_PLUGINS": str(HANDLERS), "PYTHONPATH": str(ROOT)}


def flow_in(folder: Path) -> TaskFlow:
    """A TaskFlow on this home."""
    return TaskFlow(settings=load(Flags(), environment(folder)))


@contextmanager
def worker(folder: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A `bgo run` process, ended with SIGTERM."""
    command = [sys.executable, "-m", "bgo", "run", *words]
    process = subprocess.Popen(command, env=environment(folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the sorted values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

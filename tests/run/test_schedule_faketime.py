"""A real worker whose wall clock is stepped under its feet, forward a day and back: nothing is lost, nothing doubled.

The law is told in `tests/engine/test_fire_clock`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bgo.model.query import Selector
from bgo.model.schedule import Counters, Every
from tests.run.kit import wait_until
from tests.run.yard import Yard, a_yard

H, D = 3_600, 86_400
LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not LIBRARIES, reason="libfaketime is not here: apt-get install faketime"),
]


def forget_dead() -> None:
    """Remove what libfaketime has left of processes that were killed: one that gets such a pid again waits for ever."""
    for left in Path("/dev/shm").glob("*faketime_*"):
        if not Path("/proc", left.name.rpartition("_")[2]).exists():
            left.unlink(missing_ok=True)


class Stepped:
    """A `bgo run --watch` whose wall clock is ahead of ours by as many seconds as a file says."""

    def __init__(self, yard: Yard) -> None:
        forget_dead()
        self.yard, self.file = yard, yard.place / "clock"
        self.set(0)
        env = {
            **yard.env,
            "LD_PRELOAD": str(LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        # Python's sleep fails under libfaketime when it is late: what sleeps while bgo starts is done before.
        subprocess.run([sys.executable, "-m", "bgo", "handlers", "-q"], env=yard.env, check=True, capture_output=True)
        argv = [sys.executable, "-m", "bgo", "run", "--watch", "--quiet"]
        self.said = open(yard.place / "said", "wb")  # noqa: SIM115 - closed by `close`
        self.process = subprocess.Popen(
            argv, env=env, cwd=yard.place, stdin=subprocess.DEVNULL, stdout=self.said, stderr=self.said,
            start_new_session=True,
        )  # fmt: skip

    def set(self, seconds: int) -> None:
        """Step the clock; the file is whole whenever it is read."""
        new = self.file.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        os.replace(new, self.file)

    def close(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        wait_until(lambda: self.process.poll() is not None, "the worker has ended")
        self.said.close()


@contextlib.contextmanager
def stepped(yard: Yard) -> Iterator[Stepped]:
    worker = Stepped(yard)
    try:
        yield worker
    finally:
        worker.close()


def test_steps_of_the_wall_clock_lose_nothing_and_double_nothing() -> None:
    with a_yard() as yard:
        made = yard.flow.schedule("work", {"ms": 1}, interval=timedelta(hours=1), overlap="allow")

        def counts() -> Counters:
            return yard.flow.get_schedule(made).schedule.counters

        def until(clock: int, fired: int, coalesced: int) -> None:
            worker.set(clock)
            wanted = Counters(fired=fired, coalesced=coalesced)
            wait_until(lambda: counts() == wanted, f"at {clock} it has {wanted}, it has {counts()}")

        with stepped(yard) as worker:
            until(0, 1, 0)
            until(1 * H, 2, 0)
            until(2 * H, 3, 0)
            until(D + 2 * H, 4, 23)  # forward a day: one fires for all
            worker.set(2 * H)  # and back: a new life begins
            wait_until(lambda: yard.flow.get_schedule(made).schedule.last_at is None, "it has noticed")
            until(3 * H, 5, 23)  # had not fired before
            worker.set(2 * H)  # back a little: nothing is dealt with again
            until(4 * H, 6, 23)
            until(D + 3 * H, 7, 23 + 22)  # 5 … 26 h were due and 27 h fires for them
            yard.flow.pause_schedule(made)
        assert (yard.place / "said").read_bytes() == b""
        assert hours(yard, made) == [0, 1, 2, 26, 3, 4, 27]
        assert yard.flow.get_schedule(made).schedule.counters == Counters(fired=7, coalesced=45)


def hours(yard: Yard, made: str) -> list[int]:
    """Return the hours, from the first, for which a task was made, in the order of making."""
    schedule = yard.flow.get_schedule(made).schedule
    rule = schedule.timing.rule
    assert isinstance(rule, Every)
    with yard.flow.store.read() as session:
        tasks = session.tasks.select(Selector(match_all=True, schedules=(made,)), limit=1_000)[::-1]
    return [(task.occurrence - rule.anchor_ms) // 3_600_000 for task in tasks if task.occurrence is not None]

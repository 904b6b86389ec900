"""Eight real workers fire schedules of a second and are killed at random: each occurrence fires once, counted."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from bgo.model.query import Selector
from bgo.model.schedule import Every
from bgo.model.schedule_view import ScheduleView
from tests.run.harness import findings
from tests.run.kit import wait_until
from tests.run.yard import Yard, a_yard

pytestmark = pytest.mark.slow

SECONDS = float(os.environ.get("BGO_TEST_SECONDS", "10"))
SEED = int(os.environ.get("BGO_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
WORKERS = 8
POLICIES = ("all", "one", "skip")


class Crowd:
    """Real `bgo run --watch` processes on one store; what they say on stderr is kept."""

    def __init__(self, yard: Yard) -> None:
        self.yard, self.crew = yard, list[subprocess.Popen[bytes]]()
        self.said = open(yard.place / "said", "wb")  # noqa: SIM115 - closed by `close`
        self.kills = 0
        for _ in range(WORKERS):
            self.crew.append(self.one())

    def one(self) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-m", "bgo", "run", "--watch", "--quiet", "--slots", "1"]
        return subprocess.Popen(
            argv, env=self.yard.env, cwd=self.yard.place, stdin=subprocess.DEVNULL, stdout=self.said,
            stderr=self.said, start_new_session=True,
        )  # fmt: skip

    def kill(self, number: int) -> None:
        self.crew[number].kill()
        self.crew[number].wait()
        self.crew[number] = self.one()
        self.kills += 1

    def close(self) -> None:
        for worker in self.crew:
            worker.send_signal(signal.SIGTERM)
        for worker in self.crew:
            wait_until(lambda worker=worker: worker.poll() is not None, "a worker has ended")  # type: ignore[misc]
        self.said.close()


@contextlib.contextmanager
def a_crowd(yard: Yard) -> Iterator[Crowd]:
    crowd = Crowd(yard)
    try:
        yield crowd
    finally:
        crowd.close()


def test_random_kills_fire_every_occurrence_once(record_property: Callable[[str, object], None]) -> None:
    """Again with BGO_TEST_SEED; longer with BGO_TEST_SECONDS."""
    chance = random.Random(SEED)
    with a_yard(lease_s=1) as yard:
        ids = {
            policy: yard.flow.schedule(
                "work", {"ms": 5}, interval=timedelta(seconds=1), missed=policy, overlap="allow", key=policy
            )
            for policy in POLICIES
        }
        with a_crowd(yard) as crowd:
            until = time.monotonic() + SECONDS
            while time.monotonic() < until:
                time.sleep(chance.uniform(0.05, 0.4))  # the harm comes at any time
                crowd.kill(chance.randrange(WORKERS))
            ended = [worker.returncode for worker in crowd.crew if worker.poll() is not None]
            assert ended == [], (yard.place / "said").read_text()[-3_000:]
        for policy in POLICIES:
            yard.flow.pause_schedule(policy)
        yard.drain(until_empty=True)
        figures = [judge(yard, yard.flow.get_schedule(each)) for each in ids.values()]
        record_property("figures", f"schedules, seed {SEED}: {crowd.kills} kills, {'; '.join(figures)}")
        wrong = {name: found for name, found in findings(yard, set()).items() if found}
        assert not wrong
        assert (yard.place / "said").read_bytes() == b"", "nobody has anything to say"
        assert crowd.kills > SECONDS


def judge(yard: Yard, view: ScheduleView) -> str:
    """Compare the tasks of a schedule with what it has counted, and both with the seconds that have passed."""
    schedule, counts = view.schedule, view.schedule.counters
    assert schedule.last_at is not None
    with yard.flow.store.read() as session:
        tasks = session.tasks.select(Selector(match_all=True, schedules=(schedule.id,)), limit=100_000)
    found = sorted(task.occurrence for task in tasks if task.occurrence is not None)
    assert len(found) == len(tasks) == len(set(found)) == counts.fired
    assert isinstance(schedule.timing.rule, Every)
    grid = range(schedule.timing.rule.anchor_ms, schedule.last_at + 1, 1_000)
    assert set(found) <= set(grid)
    assert sum(counts) == len(grid), (counts, found)
    assert counts.skipped == 0
    if str(schedule.wish.missed) == "all":
        assert found == list(grid)[: len(found)], "one after another, none left out until it was paused"
    return f"{schedule.wish.missed}: {len(grid)} occurrences, {counts._asdict()}"

"""Sensors may take a second: they are read before a worker writes, and only for work that asks something of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import pytest

from bgo.clock import VirtualClock
from bgo.engine import platform
from bgo.engine.cycle import Asker
from bgo.engine.enqueue import enqueue
from bgo.errors import StoreBusyError, StoreError
from bgo.ids import quick_rng
from bgo.model.device import DeviceState, Level, Reading, Tri
from bgo.model.options import TaskConstraints
from bgo.model.profile import HOST
from bgo.model.task import Child, Wish
from bgo.policy import loss
from bgo.policy.gates import Offer
from bgo.run.bench import Bench
from bgo.run.desk import Desk
from bgo.store.port import Session
from bgo.store.sqlite import SqliteStore
from tests.build import START, a_child, a_spec


class WatchedStore(SqliteStore):
    """A store that says whether a write transaction is open."""

    is_writing = False

    @contextmanager
    def write(self) -> Iterator[Session]:
        with super().write() as session:
            self.is_writing = True
            try:
                yield session
            finally:
                self.is_writing = False


@dataclass
class Scene:
    """A desk of its own store, and what its sensors were asked: once with what was open then."""

    place: Path
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(START))
    asked: list[bool] = field(default_factory=list)
    value: Tri = Tri.NO

    def __post_init__(self) -> None:
        self.store = WatchedStore(self.place / "bgo.db")
        bench = Bench(
            open_store=lambda: self.store,
            clock=self.clock,
            rng=quick_rng(),
            run_dir=self.place / "run",
            log_dir=self.place / "logs",
            work_dir=self.place / "work",
            catalogue=dict,
            sense=self.sense,
        )
        self.desk = Desk(bench, Asker("w", "host", "boot", Offer(frozenset({"work"})), 2))

    def sense(self) -> DeviceState:
        self.asked.append(self.store.is_writing)
        return DeviceState(charging=Reading(self.value, "a test battery"))

    def add(self, **constraints: bool) -> None:
        with self.store.write() as session:
            enqueue(session, [a_spec(wish=Wish(constraints=TaskConstraints(**constraints)))], self.clock.now_ms())

    def claims(self, child: Child) -> int:
        tick = self.desk.commit([child], claim=True).tick
        return 0 if tick is None else len(tick.claims)


def test_sensors_are_read_before_the_transaction_that_claims(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.add(requires_charging=True)
    scene.desk.look(1, None)
    for _ in range(3):
        assert scene.claims(a_child()) == 0
    scene.value = Tri.YES
    assert scene.claims(a_child()) == 1
    assert scene.asked == [False] * 5


def test_work_that_asks_nothing_of_the_device_asks_no_sensor(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.add()
    scene.desk.look(1, None)
    assert scene.claims(a_child()) == 1
    assert scene.asked == []


def test_the_last_that_asked_is_gone_and_no_sensor_is_asked_any_more(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.value = Tri.YES
    scene.add(requires_charging=True)
    scene.desk.look(1, None)
    assert scene.claims(a_child()) == 1
    for _ in range(3):
        scene.desk.look(1, None)
    assert len(scene.asked) <= 3


def test_a_bus_that_hangs_does_not_keep_a_worker(tmp_path: Path) -> None:
    hang = tmp_path / "busctl"
    hang.write_text("#!/bin/sh\nexec sleep 600\n")
    hang.chmod(0o755)
    (tmp_path / "class").mkdir()  # no power supplies: it charges
    env = {**os.environ, "BGO_HOME": str(tmp_path), "BGO_BUSCTL": str(hang), "BGO_SYSFS_ROOT": str(tmp_path)}

    def bgo(*words: str) -> str:
        done = subprocess.run([sys.executable, "-m", "bgo", *words], env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    bgo("enqueue", "echo", "-i", "message=hi", "--charging")
    assert "1 done" in bgo("run")


def test_while_work_runs_the_battery_is_as_low_as_the_store_remembers(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    between = DeviceState(battery=Level(17, "a sensor"))
    assert not scene.desk.seen(between).platform.battery_low
    with scene.store.write() as session:
        platform.remember(
            session, platform.view(session, HOST, DeviceState(battery=Level(9, "a sensor")), 0), platform.InStore()
        )
    assert scene.desk.seen(between).platform.battery_low
    assert loss.observe(TaskConstraints(battery_not_low=True), scene.desk.seen(between), None, START) is not None


@pytest.mark.parametrize("error", [StoreBusyError("busy"), StoreError("out of order")])
def test_a_store_that_does_not_answer_keeps_nobody_from_looking_at_the_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    scene = Scene(tmp_path)

    def fails() -> NoReturn:
        raise error

    monkeypatch.setattr(scene.store, "read", fails)
    assert scene.desk.seen(scene.sense()).device.charging.value is Tri.NO

"""Chaos: real workers killed, stopped and continued at random, and their children, and the one who enqueues."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

from bgo.model.options import RetryPolicy
from bgo.model.state import FINAL
from bgo.run.proctable import mark_of
from tests.run.kit import is_alive, state_of, wait_until
from tests.run.yard import Line, WorkerProcess, Yard

PAUSE_S = (0.020, 0.120)
KINDS = ("plain", "plain", "tree", "steps", "loud")
RETRY = RetryPolicy.custom(delays=[0.05] * 12)
GIVE_UP_S = 150


@dataclass
class Deeds:
    """What was done to the workers, and when; instants are CLOCK_MONOTONIC seconds."""

    counts: Counter[str] = field(default_factory=Counter)
    killed_children: set[tuple[str, int]] = field(default_factory=set)
    """(id, run) whose child we killed, or tried to."""
    struck: dict[tuple[str, int], float] = field(default_factory=dict)
    """(id, run) that was running when its worker was killed → when."""

    @property
    def blows(self) -> int:
        return sum(self.counts[kind] for kind in ("kill worker", "kill all", "stop worker", "kill child"))


class Chaos:
    """Keeps some workers busy and does them harm."""

    def __init__(self, yard: Yard, seed: int, *, workers: int = 3, plant: str | None = None) -> None:
        self.yard, self.rng, self.plant = yard, random.Random(seed), plant
        self.seed = seed
        self.deeds = Deeds()
        self.acked: list[str] = []
        self.bad_ends: list[str] = []
        self.stopped: dict[WorkerProcess, float] = {}
        self.crew: list[WorkerProcess] = [self._worker() for _ in range(workers)]
        self.enqueuer = self._enqueuer()

    def _worker(self) -> WorkerProcess:
        return self.yard.worker(plant=self.plant, watch=True, slots=2, grace_ms=150)

    def _enqueuer(self) -> subprocess.Popen[bytes]:
        options = {"seed": self.rng.random(), "ms": [0, 60], "every_ms": 60}
        argv = [sys.executable, "-m", "tests.run.people", "enqueuer", json.dumps(options)]
        found = subprocess.Popen(argv, env=self.yard.env, stdin=subprocess.DEVNULL, start_new_session=True)
        self.yard.helpers.append(found)
        return found

    # Doing harm.

    def run(self, blows: int) -> None:
        """Strike until there were so many kills and stops, at random intervals."""
        until = time.monotonic() + GIVE_UP_S
        while self.deeds.blows < blows:
            assert time.monotonic() < until, f"only {self.deeds.blows} blows in {GIVE_UP_S} s: {self.deeds.counts}"
            self._feed()
            self._look_after_workers()
            time.sleep(self.rng.uniform(*PAUSE_S))
            self._strike()

    def _feed(self) -> None:
        """Keep the queue from running dry."""
        with self.yard.flow.store.read() as session:
            waiting = sum(n for state, n in session.tasks.counts().items() if state not in FINAL)
        for _ in range(max(0, 30 - waiting)):
            fields = {"ms": self.rng.randrange(20, 250), "how": self.rng.choice(KINDS)}
            retry = RETRY if self.rng.random() < 0.5 else RetryPolicy.NONE
            self.acked.append(self.yard.flow.enqueue("work", fields, retry=retry))

    def _look_after_workers(self) -> None:
        """Continue who was stopped long enough, replace who is gone."""
        for worker, until in list(self.stopped.items()):
            if time.monotonic() >= until:
                worker.go_on()
                del self.stopped[worker]
        for index, worker in enumerate(self.crew):
            if not worker.is_running:
                self._check_end(worker)
                self.crew[index] = self._worker()
        if self.enqueuer.poll() is not None:
            self.enqueuer = self._enqueuer()

    def _check_end(self, worker: WorkerProcess) -> None:
        code = worker.process.returncode
        if code not in (0, -signal.SIGKILL):
            self.bad_ends.append(f"a worker ended by itself with {code}: {worker.said[-1500:]}")

    def _open_runs(self) -> list[Line]:
        """Return the runs whose user code has begun and not ended, as far as the ledger knows."""
        over = {line.mark for line in self.yard.lines("F")}
        return [line for line in self.yard.lines("S") if line.mark not in over and is_alive(line.pid)]

    def _strike(self) -> None:
        running = self._open_runs()
        busy = {line.worker_pid for line in running}
        victims = [w for w in self.crew if w.is_running and w.pid in busy and w not in self.stopped]
        kind = self.rng.choices(
            ("kill child", "kill worker", "kill all", "stop worker", "kill stopped", "term", "kill enqueuer"),
            (36, 28, 5, 20, 4, 4, 3),
        )[0]
        if kind == "kill child" and running:
            self._kill_child(self.rng.choice(running))
        elif kind in ("kill worker", "kill all") and victims:
            worker = self.rng.choice(victims)
            self._kill_worker(worker, [line for line in running if line.worker_pid == worker.pid], kind)
        elif kind == "stop worker" and victims and not self.stopped:
            worker = self.rng.choice(victims)
            worker.send(signal.SIGSTOP)
            lease = self.yard.flow.settings.lease_s
            self.stopped[worker] = time.monotonic() + lease * self.rng.uniform(1.2, 2.2)
            self.deeds.counts[kind] += 1
        elif kind == "kill stopped" and self.stopped:
            worker, _ = self.stopped.popitem()
            self._kill_worker(worker, [], "kill worker")
        elif kind == "term" and victims:
            self.rng.choice(victims).send(signal.SIGTERM)
            self.deeds.counts[kind] += 1
        elif kind == "kill enqueuer":
            self.enqueuer.kill()
            self.deeds.counts[kind] += 1

    def _kill_worker(self, worker: WorkerProcess, running: list[Line], kind: str) -> None:
        now = time.monotonic()
        worker.send(signal.SIGKILL)
        if kind == "kill all":
            for line in running:
                self._kill_child(line, count=False)
        self.deeds.counts[kind] += 1
        self.deeds.struck.update({(line.id, line.run): now for line in running})

    def _kill_child(self, line: Line, *, count: bool = True) -> None:
        """SIGKILL the child of a run if it is still that run's; stopped, it cannot begin another while we look."""
        with contextlib.suppress(OSError):
            fd = os.pidfd_open(line.pid)
            try:
                signal.pidfd_send_signal(fd, signal.SIGSTOP)
                wait_until(lambda: state_of(line.pid) in "TZX", f"child {line.pid} has stopped")
                if mark_of(line.pid) == line.mark:
                    self.deeds.killed_children.add((line.id, line.run))
                    signal.pidfd_send_signal(fd, signal.SIGKILL)
                    self.deeds.counts["kill child"] += count
                else:
                    signal.pidfd_send_signal(fd, signal.SIGCONT)
            finally:
                os.close(fd)

    # Coming to rest.

    def settle(self) -> None:
        """Stop the harm, let everything run to its end, and end the workers in good order."""
        self.enqueuer.kill()
        self.enqueuer.wait()
        for worker in self.stopped:
            worker.go_on()
        self.stopped.clear()
        self._look_after_workers()
        self.enqueuer.kill()
        self.enqueuer.wait()
        wait_until(self.yard.is_quiet, "every task has ended", 90)
        for worker in self.crew:
            if worker.is_running:
                worker.send(signal.SIGTERM)
        for worker in self.crew:
            worker.end()
            self._check_end(worker)

    def acknowledged(self) -> set[str]:
        """Return every id that an enqueue has returned, here or in the enqueuer."""
        acks = (self.yard.place / "acks").read_text().splitlines()
        return {*self.acked, *(line.split()[1] for line in acks)}

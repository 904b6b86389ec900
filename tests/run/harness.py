"""The crash harness: real workers killed, stopped and continued at random, and what must hold afterwards.

`Chaos` does the damage while the driver and an enqueuer, itself killed at times, keep lists of acknowledged ids.
`findings` then compares those lists, the handlers' ledger, the store and the host; each check has a name, and each
planted bug of `test_planted.py` must turn one of them red.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from bgo.ids import LENGTH, looks_like_id
from bgo.model.options import RetryPolicy
from bgo.model.query import Selector
from bgo.model.state import FINAL, State
from bgo.model.task import HistoryEntry, Task
from bgo.run.proctable import mark_of
from tests.run.kit import is_alive, state_of, wait_until
from tests.run.yard import Line, WorkerProcess, Yard

PAUSE_S = (0.020, 0.120)
KINDS = ("plain", "plain", "tree", "steps", "loud")
RETRY = RetryPolicy.custom(delays=[0.05] * 12)
CHARGED = {"succeed", "retry", "exhaust"}
UNCHARGED = {"lose", "release"}
OUTCOMES = CHARGED | UNCHARGED | {"cancel"}
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


@dataclass
class Facts:
    """What there is to compare, read once."""

    tasks: dict[str, Task]
    rows: dict[str, list[HistoryEntry]]
    starts: dict[tuple[str, int], list[Line]]
    lines: list[Line]

    @classmethod
    def of(cls, yard: Yard) -> Facts:
        with yard.flow.store.read() as session:
            tasks = {t.id: t for t in session.tasks.select(Selector(match_all=True), limit=1 << 30)}
            rows = {task_id: session.records.of_task(task_id) for task_id in tasks}
        lines = yard.lines()
        starts = defaultdict(list)
        for line in lines:
            if line.kind == "S":
                starts[line.id, line.run].append(line)
        return cls(tasks, rows, starts, lines)

    def outcomes(self, task_id: str) -> list[HistoryEntry]:
        return [row for row in self.rows[task_id] if row.event in OUTCOMES and row.run > 0]


def findings(yard: Yard, acknowledged: set[str], deeds: Deeds | None = None) -> dict[str, list[str]]:
    """Return what is wrong, by the name of the check; nothing is wrong when every list is empty."""
    from bgo.store.admin import check

    facts = Facts.of(yard)
    found = {
        "lost": [i for i in sorted(acknowledged) if i not in facts.tasks],
        "unfinished": [f"{t.id} {t.state}" for t in facts.tasks.values() if t.state not in FINAL],
        "two_outcomes": _two_outcomes(facts),
        "overlap": _overlaps(facts),
        "unexplained_rerun": _unexplained(facts),
        "uncounted_run": _uncounted(facts),
        "charged": _charged(facts),
        "left_over": yard.left_over(),
        "store": [f"{f.code}: {f.message} {f.examples}" for f in check(yard.flow.store) if f.is_fault],
    }
    if deeds is not None:
        found["false_crash"] = _false_crashes(facts, deeds)
        found["false_loss"] = _false_losses(facts, deeds)
    return found


def _two_outcomes(facts: Facts) -> list[str]:
    """One run has at most one outcome, and a final state absorbs."""
    found = []
    for task_id in facts.tasks:
        rows = facts.outcomes(task_id)
        found += [f"{task_id} run {run}: {n} outcomes" for run, n in Counter(r.run for r in rows).items() if n > 1]
        final = [row.event for row in rows if State(row.state) in FINAL]
        if len(final) > 1 or (final and State(rows[-1].state) not in FINAL):
            found.append(f"{task_id} ended more than once: {final}")
    return found


def _overlaps(facts: Facts) -> list[str]:
    """No two copies of a task at once: locks, marks, and no word of an older run after a newer one began."""
    found = [f"{line.id} run {line.run} was not alone: {line.words}" for line in facts.lines if line.kind == "X"]
    newest: dict[str, int] = defaultdict(int)
    for line in facts.lines:
        if line.run < newest[line.id]:
            found.append(f"{line.id} run {line.run} says {line.kind} after run {newest[line.id]} began")
        newest[line.id] = max(newest[line.id], line.run)
    return found


def _unexplained(facts: Facts) -> list[str]:
    """Every run that began, and every run before the last, has its line in the history."""
    found = []
    for (task_id, run), lines in facts.starts.items():
        if task_id not in facts.tasks or run not in {row.run for row in facts.outcomes(task_id)}:
            found.append(f"{task_id} run {run} began and nothing is recorded")
        if len(lines) > 1:
            found.append(f"{task_id} run {run} began {len(lines)} times")
    for task in facts.tasks.values():
        missing = set(range(1, task.run + 1)) - {row.run for row in facts.outcomes(task.id)}
        found += [f"{task.id} run {run} has no outcome" for run in sorted(missing)]
    return found


def _uncounted(facts: Facts) -> list[str]:
    """A run is counted before user code sees it."""
    tasks = facts.tasks
    return [f"{i} run {run} of {tasks[i].run}" for i, run in facts.starts if i in tasks and run > tasks[i].run]


def _charged(facts: Facts) -> list[str]:
    """Attempts are the charged runs, and no others: losses and hand-backs cost nothing."""
    found = []
    for task in facts.tasks.values():
        charged = sum(row.event in CHARGED for row in facts.outcomes(task.id))
        if task.state in FINAL and task.attempt != charged:
            found.append(f"{task.id}: {task.attempt} attempts, {charged} charged runs")
    return found


def _false_crashes(facts: Facts, deeds: Deeds) -> list[str]:
    """A run is recorded as a crash only if its child was killed; and nothing else makes a task fail here."""
    found = []
    for task in facts.tasks.values():
        for row in facts.outcomes(task.id):
            if row.reason == "crash" and (task.id, row.run) not in deeds.killed_children:
                found.append(f"{task.id} run {row.run}: {row.error}")
            if row.event == "exhaust" and row.reason != "crash":
                found.append(f"{task.id} run {row.run} failed: {row.reason} {row.error}")
    return found


def _false_losses(facts: Facts, deeds: Deeds) -> list[str]:
    """No more runs are lost than workers were hit, two slots each."""
    lost = sum(row.event == "lose" for task in facts.tasks for row in facts.outcomes(task))
    hit = deeds.counts["kill worker"] + deeds.counts["kill all"] + deeds.counts["stop worker"]
    return [f"{lost} runs lost by {hit} blows"] if lost > 2 * hit else []


def story(yard: Yard, found: dict[str, list[str]]) -> str:
    """Return all that is known of the tasks that the findings name first."""
    ids = dict.fromkeys(text.split()[0].rstrip(":") for texts in found.values() for text in texts[:3])
    told = []
    for task_id in [word for word in ids if len(word) == LENGTH and looks_like_id(word)][:5]:
        told += [f"{task_id}:", *(f"  {row}" for row in yard.history(task_id) if row.task_id == task_id)]
        told += [f"  {line}" for line in yard.lines() if line.id == task_id]
    return "\n".join(told)


def rescue_latencies(yard: Yard, deeds: Deeds) -> list[float]:
    """Return the seconds from the kill of a worker to the next start of what it ran, where no back-off lay between."""
    facts = Facts.of(yard)
    found = []
    for (task_id, run), struck in deeds.struck.items():
        rows = facts.outcomes(task_id)
        losses = [row.run for row in rows if row.event == "lose"]
        if run in losses and losses[0] == run and (again := facts.starts.get((task_id, run + 1))):
            found.append(again[0].at - struck)
    return sorted(found)


def summary(yard: Yard, chaos: Chaos) -> str:
    """Return the figures of a crash run, in a few lines."""
    facts, deeds = Facts.of(yard), chaos.deeds
    events = Counter(row.event for rows in facts.rows.values() for row in rows)
    reruns = sum(run > 1 for _, run in facts.starts)
    times = rescue_latencies(yard, deeds)
    p99 = times[min(len(times) - 1, int(len(times) * 0.99))] if times else 0.0
    return (
        f"crash harness, seed {chaos.seed}: {deeds.blows} blows {dict(deeds.counts)}; {len(facts.tasks)} tasks, "
        f"{len(chaos.acknowledged())} acknowledged, {len(facts.starts)} runs, {reruns} re-runs\n"
        f"  lost and rescued {events['lose']}, handed back {events['release']}, crashed and retried {events['retry']}, "
        f"failed {events['exhaust']}, succeeded {events['succeed']}, late finishes refused {events['late_finish']}\n"
        f"  kill -9 of a worker to re-start: n={len(times)} median {times[len(times) // 2] if times else 0:.3f} s, "
        f"p99 {p99:.3f} s, max {times[-1] if times else 0:.3f} s"
    )

"""Real workers beside a store that is busy, full, moved away, or unsure: results wait, and nothing is lost."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from bgo.model.state import State
from bgo.store.place import lock_path
from tests.run.kit import wait_until
from tests.run.yard import WorkerProcess, Yard, a_yard, open_gate


@pytest.fixture
def yard() -> Iterator[Yard]:
    with a_yard() as found:
        yield found


def notes(yard: Yard) -> list[str]:
    path = yard.place / "notes"
    return path.read_text().splitlines() if path.exists() else []


def tried(yard: Yard, times: int = 2) -> None:
    """Wait until the worker has met trouble so many times more."""
    seen = len(notes(yard))
    wait_until(lambda: len(notes(yard)) >= seen + times, "the worker has met trouble")


def limit_files(worker: WorkerProcess, size: int) -> None:
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@pytest.fixture
def gate(yard: Yard) -> str:
    return yard.fifo("gate")


def test_a_busy_store_delays_an_ending_and_loses_nothing(yard: Yard, gate: str) -> None:
    task = yard.flow.enqueue("gated", {"gate": gate})
    worker = yard.worker(watch=True, slots=1, plant="impatient")
    yard.started(task)
    with yard.flow.store.write():
        open_gate(gate)
        wait_until(lambda: yard.lines("F"), "the handler has ended")
        tried(yard)
    yard.ended(task)
    assert yard.events_of(task) == [("succeed", 1)]
    assert worker.end(signal.SIGTERM) == 0
    assert yard.left_over() == []


def test_a_worker_queues_at_the_turnstile(yard: Yard, gate: str) -> None:
    """SQLite's own lock is free; who does not queue before it would starve others."""
    task = yard.flow.enqueue("gated", {"gate": gate})
    worker = yard.worker(watch=True, slots=1, plant="impatient")
    yard.started(task)
    with open(lock_path(yard.flow.settings.store_path), "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        open_gate(gate)
        wait_until(lambda: yard.lines("F"), "the handler has ended")
        tried(yard)
        assert yard.state(task)[0] is State.RUNNING
    yard.ended(task)
    assert worker.end(signal.SIGTERM) == 0


def test_every_commit_of_a_worker_is_synced(yard: Yard) -> None:
    yard.worker(slots=1, watch=True, plant="tells_sync")
    yard.ended(yard.flow.enqueue("work"))
    assert set(notes(yard)) == {"synchronous 2 wal"}


def test_a_full_disk_delays_an_ending_and_loses_nothing(yard: Yard, gate: str) -> None:
    task = yard.flow.enqueue("gated", {"gate": gate})
    worker = yard.worker(watch=True, slots=1, plant="notes_tries")
    yard.started(task)
    limit_files(worker, 4096)
    open_gate(gate)
    wait_until(lambda: yard.lines("F"), "the handler has ended")
    tried(yard)
    assert yard.state(task)[0] is State.RUNNING
    limit_files(worker, resource.RLIM_INFINITY)
    yard.ended(task)
    assert yard.events_of(task) == [("succeed", 1)]
    other = yard.flow.enqueue("work")
    yard.ended(other)
    assert worker.end(signal.SIGTERM) == 0
    assert yard.left_over() == []


def test_a_worker_can_be_ended_while_the_disk_is_full_and_its_work_runs_again(yard: Yard, gate: str) -> None:
    task = yard.flow.enqueue("gated", {"gate": gate})
    worker = yard.worker(watch=True, slots=1, plant="notes_tries")
    yard.started(task)
    limit_files(worker, 4096)
    open_gate(gate)
    wait_until(lambda: yard.lines("F"), "the handler has ended")
    tried(yard)
    worker.send(signal.SIGINT)
    assert worker.end(signal.SIGTERM) == 0
    assert yard.state(task)[0] is State.RUNNING
    heir = yard.worker(slots=1)
    yard.started(task, 2)
    open_gate(gate)
    assert heir.end() == 0
    assert yard.events_of(task) == [("lose", 1), ("succeed", 2)]
    assert yard.left_over() == []


@pytest.mark.parametrize("replaced", [False, True])
def test_a_store_that_is_moved_away_ends_the_worker(yard: Yard, gate: str, replaced: bool) -> None:
    task = yard.flow.enqueue("gated", {"gate": gate})
    worker = yard.worker(watch=True, slots=1)
    child = yard.started(task).pid
    yard.flow.close()
    home = yard.flow.settings.store_path.parent
    away = yard.place / "away"
    away.mkdir(mode=0o700)
    for file in home.glob("bgo.db*"):
        if file.is_file():
            file.rename(away / file.name)
    if replaced:
        yard.flow.enqueue("work")
    open_gate(gate)
    assert worker.end() == 74
    assert "was moved, deleted or replaced" in worker.report["message"]
    assert not Path(f"/proc/{child}").exists()
    assert (home / "bgo.db").exists() == replaced
    if replaced:
        assert yard.flow.overview().counts[State.QUEUED] == 1


def test_a_claim_whose_commit_is_unknown_is_found_and_handed_back() -> None:
    with a_yard(lease_s=1) as yard:
        task = yard.flow.enqueue("work")
        worker = yard.worker(watch=True, slots=1, plant="doubts_a_claim")
        yard.ended(task)
        assert yard.events_of(task) == [("release", 1), ("succeed", 2)]
        assert yard.task(task).attempt == 1
        assert len(yard.lines("S")) == 1
        assert worker.end(signal.SIGTERM) == 0
        assert yard.left_over() == []


def test_an_ending_whose_commit_is_unknown_is_no_late_finish(yard: Yard) -> None:
    task = yard.flow.enqueue("work")
    worker = yard.worker(watch=True, slots=1, plant="doubts_an_ending")
    yard.ended(task)
    other = yard.flow.enqueue("work")
    yard.ended(other)
    assert yard.events_of(task) == [("succeed", 1)]
    assert worker.end(signal.SIGTERM) == 0


def test_a_log_that_cannot_be_written_costs_no_task(yard: Yard) -> None:
    yard.flow.settings.log_dir.parent.mkdir(mode=0o700, exist_ok=True)
    yard.flow.settings.log_dir.write_text("in the way")
    task = yard.flow.enqueue("work", {"how": "loud"})
    yard.drain()
    assert yard.state(task)[0] is State.SUCCEEDED
    assert os.path.isfile(yard.flow.settings.log_dir)

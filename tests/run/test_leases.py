"""Real workers: killed, stopped and late ones; what their heirs do, and what the old ones may still write."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from bgo.model.options import RetryPolicy
from bgo.model.state import State
from bgo.run import liveness
from tests.run.kit import is_alive, wait_until
from tests.run.yard import Yard, a_yard, knock, open_gate


@pytest.fixture
def yard() -> Iterator[Yard]:
    with a_yard(lease_s=1) as found:
        yield found


@pytest.fixture
def long() -> Iterator[Yard]:
    """A yard whose leases outlive every test: there only a lock can tell that a worker is dead."""
    with a_yard(lease_s=3600) as found:
        yield found


# --- kill -9 ---------------------------------------------------------------------------------------------------------


def test_a_killed_workers_task_runs_again_whatever_its_lease_says(long: Yard) -> None:
    gate = long.fifo("gate")
    task = long.flow.enqueue("gated", {"gate": gate})
    worker = long.worker(watch=True)
    first = long.started(task)
    heir = long.worker(watch=True)
    wait_until(lambda: len(liveness.living(long.flow.settings.run_dir)) == 2, "the heir is there")
    worker.kill()
    long.started(task, 2)
    assert not is_alive(first.pid)
    open_gate(gate)
    long.ended(task)
    assert long.events_of(task) == [("lose", 1), ("succeed", 2)]
    found = long.task(task)
    assert (found.run, found.attempt) == (2, 1)
    assert heir.end(signal.SIGTERM) == 0
    assert heir.report["rescued"] == 1
    assert long.left_over() == []


def test_a_plain_run_rescues_before_it_looks_for_work(long: Yard) -> None:
    task = long.flow.enqueue("work", {"ms": 0})
    slow = long.flow.enqueue("stays")
    worker = long.worker(watch=True, slots=1)
    long.ended(task)
    long.started(slow)
    worker.kill()
    # Back-off after the first loss is nothing: the same drain starts it again; this time it is told to end.
    heir = long.worker(slots=1)
    long.started(slow, 2)
    long.flow.cancel_execution(slow)
    assert heir.end() == 0
    assert long.events_of(slow)[:1] == [("lose", 1)]


def test_losses_are_counted_uncharged_and_forgotten_after_a_checkpoint(long: Yard) -> None:
    gate = long.fifo("gate")
    code = f"""
note("S", ctx, os.getpid(), os.getppid(), 0)
if ctx.run == 2: ctx.checkpoint({{"at": ctx.run}})
if ctx.run == 2: ctx.report_progress(0.5, "half way")
open({gate!r}, "rb").read()
result = {{"restored": ctx.restored, "attempt": ctx.attempt}}
"""
    task = long.flow.enqueue("execute", {"code": code})
    for run, losses in ((1, 1), (2, 1)):
        worker = long.worker(watch=True, slots=1)
        long.started(task, run)
        wait_until(lambda: _is_started(long), "the lease says that user code has begun")
        if run == 2:
            wait_until(lambda: long.task(task).progress == 0.5, "the progress is kept")
            assert long.task(task).losses == 0  # what makes progress is no poison
        worker.kill()
        heir = long.worker(watch=True, queues=["low"])
        long.until(task, State.QUEUED, "lost")
        assert heir.end(signal.SIGTERM) == 0
        found = long.task(task)
        assert (found.run, found.attempt, found.losses) == (run, 0, losses)
    worker = long.worker(watch=True, slots=1)
    long.started(task, 3)
    open_gate(gate)
    long.ended(task)
    assert long.flow.get(task).output == {"restored": {"at": 2}, "attempt": 1}


def _is_started(yard: Yard) -> bool:
    with yard.flow.store.read() as session:
        return all(lease.started_at is not None for lease in session.leases.list_all())


def test_an_at_most_once_task_fails_when_its_worker_dies(long: Yard) -> None:
    task = long.flow.enqueue("stays", at_most_once=True)
    worker = long.worker(watch=True)
    long.started(task)
    worker.kill()
    long.drain()
    assert long.state(task) == (State.FAILED, "lost")
    assert len(long.lines("S")) == 1


def test_a_task_that_kills_its_worker_is_counted_each_time(long: Yard) -> None:
    """Counted when it is claimed: what never ends is counted all the same, and so cannot kill workers for ever."""
    task = long.flow.enqueue("execute", {"code": "note('S', ctx); import os; os.kill(os.getppid(), 9)"})
    for run in (1, 2):
        assert long.worker(slots=1, until_empty=True).end() == -signal.SIGKILL
        assert long.task(task).run == run
    long.drain(queues=["low"])
    assert [line.run for line in long.lines("S")] == [1, 2]
    assert long.events_of(task) == [("lose", 1), ("lose", 2)]
    assert long.task(task).losses == 1  # the first may have come before it began; from then on the claim counts


def test_a_task_that_kills_every_worker_fails_in_the_end(long: Yard) -> None:
    task = long.flow.enqueue("execute", {"code": "import os; os.kill(os.getppid(), 9)"})
    ends = []
    while not ends or ends[-1] != 0:
        assert len(ends) < 10
        ends.append(long.worker(slots=1, until_empty=True, plant="few_losses").end())
    assert ends == [-signal.SIGKILL] * 4 + [0]
    assert long.state(task) == (State.FAILED, "lost")
    assert long.task(task).run == 4


def test_a_pid_that_is_used_again_is_not_taken_for_the_worker(long: Yard) -> None:
    task = long.flow.enqueue("stays")
    worker = long.worker(watch=True)
    long.started(task)
    worker.kill()
    (lock,) = long.flow.settings.run_dir.glob("*.lock")
    lock.write_text(f"{os.getpid()}\n")  # as if that pid were somebody else's by now
    long.worker(watch=True, queues=["low"])
    long.until(task, State.QUEUED, "lost")


POINTS = ["claimed", "sent", "heard", "in_commit", "committed"]


@pytest.mark.parametrize("point", POINTS)
def test_a_worker_killed_at_this_point_loses_nothing(long: Yard, point: str) -> None:
    """Kill -9 between any two of the steps that a run takes: the claim's commit, the start, the answer, its commit."""
    ids = long.flow.enqueue_many("work", [{"ms": 1}] * 4)
    assert long.worker(slots=2, plant=f"dies_when_{point}").end() == -signal.SIGKILL
    long.drain(until_empty=True)
    for task in ids:
        events = long.events_of(task)
        assert events[-1][0] == "succeed"
        assert [event for event, _ in events[:-1]] in ([], ["lose"])
        assert [run for _, run in events] == list(range(1, len(events) + 1))
    assert long.left_over() == []


# --- stopped past the lease ------------------------------------------------------------------------------------------


def test_a_worker_that_was_stopped_past_its_lease_can_write_nothing(yard: Yard) -> None:
    gate = yard.fifo("gate")
    task = yard.flow.enqueue("gated", {"gate": gate})
    old = yard.worker(watch=True, slots=1)
    first = yard.started(task)
    old.stop()
    heir = yard.worker(watch=True, slots=1)
    yard.started(task, 2)
    assert not is_alive(first.pid)  # the old copy was gone before the new one began
    old.go_on()
    wait_until(lambda: ("late_finish", 2) in yard.events_of(task), "the old worker was refused")
    assert yard.state(task)[0] is State.RUNNING
    open_gate(gate)
    yard.ended(task)
    assert [event for event, _ in yard.events_of(task)] == ["lose", "late_finish", "succeed"]
    assert yard.history(task)[1].detail["run"] == 1
    assert [worker.end(signal.SIGTERM) for worker in (old, heir)] == [0, 0]
    assert old.events("late_finish")
    assert yard.lines("X") == []
    assert yard.left_over() == []


def test_a_success_that_comes_too_late_is_recorded_and_changes_nothing(yard: Yard) -> None:
    gate = yard.fifo("gate")
    task = yard.flow.enqueue("gated", {"gate": gate})
    old = yard.worker(watch=True, slots=1)
    yard.started(task)
    old.stop()
    open_gate(gate)
    wait_until(lambda: yard.lines("F"), "the first run has ended, and nobody has heard")
    heir = yard.worker(watch=True, slots=1)
    yard.started(task, 2)
    old.go_on()
    wait_until(lambda: ("late_finish", 2) in yard.events_of(task), "the old worker was refused")
    assert yard.history(task)[1].detail == {"run": 1, "outcome": "Succeeded"}
    open_gate(gate)
    assert yard.ended(task)[0].output == {"run": 2}
    assert [worker.end(signal.SIGTERM) for worker in (old, heir)] == [0, 0]


def test_a_rescue_that_was_slow_robs_nobody(yard: Yard) -> None:
    """Between the look at the leases and the taking of one, its owner has come back and renewed."""
    gate, pause = yard.fifo("gate"), yard.fifo("pause")
    task = yard.flow.enqueue("gated", {"gate": gate})
    owner = yard.worker(watch=True, slots=1, plant="notes_tries")
    yard.started(task)
    owner.stop()
    with yard.flow.store.read() as session:
        late = session.leases.list_all()[0].until_ms
    yard.worker(watch=True, slots=1, plant="slow_rescue")
    with open(pause, "wb"):  # opens when the heir has seen the orphan and waits here
        owner.go_on()
        wait_until(lambda: _renewed(yard, late), "the owner has renewed")
    wait_until((yard.place / "notes").exists, "the heir has acted upon what it saw")
    open_gate(gate)
    yard.ended(task)
    assert yard.events_of(task) == [("succeed", 1)]


def test_a_child_that_an_heir_has_killed_gets_no_new_task(yard: Yard) -> None:
    """The worker was stopped after it had heard the outcome; its lease was taken, its child killed, and it goes on."""
    pause = yard.fifo("pause")
    task = yard.flow.enqueue("work", retry=RetryPolicy.NONE)
    old = yard.worker(slots=1, plant="slow_commit")
    child = yard.started(task).pid
    with open(pause, "wb"):  # opens when the worker is about to commit the outcome
        old.stop()
        heir = yard.worker(watch=True, queues=["low"])
        yard.until(task, State.QUEUED, "lost")
        assert heir.end(signal.SIGTERM) == 0
        assert not is_alive(child)
        other = yard.flow.enqueue("work")
        old.go_on()
    for view in yard.ended(task, other):
        assert view.state is State.SUCCEEDED
    assert yard.events_of(other) == [("succeed", 1)]


def test_a_worker_that_goes_on_takes_up_new_work(yard: Yard) -> None:
    old = yard.worker(watch=True, slots=1)
    task = yard.flow.enqueue("stays", {"how": "rude"})
    yard.started(task)
    old.stop()
    heir = yard.worker(watch=True, queues=["low"])
    yard.until(task, State.QUEUED, "lost")
    assert heir.end(signal.SIGTERM) == 0
    old.go_on()
    yard.started(task, 2)
    other = yard.flow.enqueue("work")
    yard.flow.cancel_execution(task)
    yard.ended(task, other)
    assert old.end(signal.SIGTERM) == 0
    assert yard.left_over() == []


def test_a_task_of_many_leases_runs_once(yard: Yard) -> None:
    task = yard.flow.enqueue("work", {"ms": 3_500})
    workers = [yard.worker(watch=True, slots=1) for _ in range(2)]
    yard.ended(task)
    assert yard.events_of(task) == [("succeed", 1)]
    assert [worker.end(signal.SIGTERM) for worker in workers] == [0, 0]


def test_workers_that_could_not_renew_for_want_of_the_store_rob_nobody(yard: Yard) -> None:
    """Somebody holds the store's lock for longer than a lease: all leases are late, and nobody is dead."""
    gate = yard.fifo("gate")
    tasks = [yard.flow.enqueue("gated", {"gate": gate}) for _ in range(3)]
    workers = [yard.worker(watch=True, slots=1) for _ in range(3)]
    for task in tasks:
        yard.started(task)
    with yard.flow.store.write() as session:
        late = max(lease.until_ms for lease in session.leases.list_all())
        wait_until(lambda: time.monotonic() * 1000 > late + 300, "every lease has run out")
    wait_until(lambda: _renewed(yard, late), "all have renewed")
    wait_until(lambda: knock(gate) or all(yard.state(i)[0] is State.SUCCEEDED for i in tasks), "all have ended")
    assert [yard.events_of(task) for task in tasks] == [[("succeed", 1)]] * 3
    assert [worker.end(signal.SIGTERM) for worker in workers] == [0, 0, 0]


def _renewed(yard: Yard, late: int) -> bool:
    with yard.flow.store.read() as session:
        return all(lease.until_ms > late for lease in session.leases.list_all())


# --- locks -----------------------------------------------------------------------------------------------------------


def test_files_of_workers_that_died_unknown_are_swept_and_those_of_the_living_kept(yard: Yard) -> None:
    run_dir = yard.flow.settings.run_dir
    run_dir.mkdir(mode=0o700, exist_ok=True)
    for name in ("wdead.lock", "wdead.fifo"):
        (run_dir / name).touch()
    living = liveness.WorkerLock(run_dir, "wliving")
    try:
        yard.drain()
        assert {f.name for f in run_dir.glob("w*")} == {"wliving.lock"}
        assert liveness.is_alive(run_dir, "wliving")
    finally:
        living.release()


def test_a_lock_that_cannot_be_looked_at_is_held_for_alive(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_more(*_: object) -> int:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", no_more)
        assert liveness.is_alive(yard.place, "wany")

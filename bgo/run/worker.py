"""The worker: one thread, one event loop over children, wake-ups and `next_wake`.

Each turn: wait, hear what children say, fire timers, commit what happened together with new claims, send those out.
The store is reached through the desk, the children through the crew; no rule is decided here.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from bgo import ids
from bgo.engine.cycle import Asker, Claim
from bgo.engine.settle import LateFinish, RunKey
from bgo.errors import StoreBusyError, StoreError, UsageError
from bgo.model import payload as payloads
from bgo.model.outcome import Failed, Outcome, Released, TaskError
from bgo.model.state import Reason, State
from bgo.model.task import Child, Task, WorkerRow
from bgo.policy.gates import Offer
from bgo.policy.settle import error_of
from bgo.run import process, start
from bgo.run.bench import Bench, RunOptions
from bgo.run.channel import Frame, WireError
from bgo.run.crew import Crew
from bgo.run.desk import Desk, Ended
from bgo.run.ending import Ending
from bgo.run.execution import Execution
from bgo.run.liveness import WorkerLock
from bgo.run.output import Capture
from bgo.run.process import ChildProcess
from bgo.run.report import Listener, RunReport, WorkerEvent
from bgo.run.signals import Signals
from bgo.run.wake import Bell
from bgo.run.wire import outcome_from

FLUSH_MS = 250
"""How long a progress report or a Started mark may wait for a commit of its own."""
BACKOFF_MS = 1_000
STOP_LOOK_MS = 50


class Worker:
    """One `bgo run`. Make it, call `run` once."""

    def __init__(self, bench: Bench, options: RunOptions, listener: Listener) -> None:
        self._bench, self._options, self._listener = bench, options, listener
        self._clock = bench.clock
        self.id = f"w{ids.new_id(bench.rng)}"
        self._slots = bench.slots if options.slots is None else options.slots
        self.report = RunReport()
        self._lock = WorkerLock(bench.run_dir, self.id)
        self._bell = Bell(bench.run_dir, self.id)
        self._signals = Signals()
        self._catalogue = bench.catalogue()
        self._desk = Desk(bench, self._asker())
        self._crew = Crew(bench.plugins, self._slots + (1 if options.watch else 0), self._print, self._clock)
        self._runs: dict[ChildProcess, Execution] = {}
        self._only: frozenset[int] | None = None
        awake = self._clock.awake_ms()
        self._ending = Ending(options, awake)
        self._curious = True
        """Something may have changed in the store: look."""
        self._wanted = 0
        """How many free slots there is ready work for, as far as the last look or tick tells."""
        self._holds = False
        self._next_wake: int | None = None
        self._flush_at: int | None = None
        self._poll_at = self._rescue_at = self._retry_at = 0
        self._renew_at = awake + bench.lease_ms // 3
        self._version = -1

    def _asker(self) -> Asker:
        offer = Offer(frozenset(self._catalogue), self._options.queues)
        own = self._options.slots is not None
        return Asker(self.id, process.host_id(), process.boot_id(), offer, self._slots, own)

    def run(self) -> RunReport:
        """Work until the options say it is enough. Whatever happens, no child and no lease is left behind."""
        process.become_subreaper()
        try:
            with self._signals:
                self._open()
                while not self._is_done():
                    self._turn()
                waiting = self._desk.waiting(self._clock.now_ms())
                self.report.retrying, self.report.delayed, self.report.next_due, self.report.held = waiting
        finally:
            self._close()
        return self.report

    def _open(self) -> None:
        self._crew.watch(self._bell.fd)
        self._crew.watch(self._signals.fd)
        asker, pid = self._asker(), os.getpid()
        born = process.process_start_time(pid) or 0
        queues = tuple(sorted(self._options.queues or ()))
        now = self._clock.now_ms()
        self._desk.register(WorkerRow(self.id, asker.host, asker.boot_id, pid, born, now, self._slots, queues))
        if self._options.only is not None:
            self._only = self._desk.seqs(self._options.only)

    def _close(self) -> None:
        self._crew.disband()
        with suppress(StoreBusyError, StoreError):
            self._desk.leave()
        self._bell.close()
        self._lock.release()

    # One turn of the loop.

    def _turn(self) -> None:
        before = self._clock.awake_ms()
        timeout = self._timeout(before)
        heard = self._crew.wait(timeout)
        awake = self._clock.awake_ms()
        if awake - before > timeout + self._bench.lease_ms // 2:
            # We were stopped: renew our own leases before anybody else's is judged late.
            self._renew_at, self._desk.patience_until = awake, awake + self._bench.lease_ms
        if self._bell.fd in heard.ready:
            self._bell.silence()
            self._curious = True
        if self._signals.fd in heard.ready:
            self._signals.drain()
        for child, frame in heard.frames:
            self._obey(child, frame)
        for child, why in heard.gone:
            self._bury(child, why)
        self._end_if_asked(awake)
        self._fire_timers(awake)
        if awake >= self._retry_at:
            self._deal_with_store(awake)

    def _timeout(self, awake: int) -> int:
        if self._retry_at > awake:
            return self._retry_at - awake
        if self._curious or self._desk.inbox.ended:
            return 0
        times = [self._poll_at, self._renew_at]
        times += [t for run in self._runs.values() if (t := run.next_timer()) is not None]
        times += [awake + STOP_LOOK_MS for run in self._runs.values() if run.is_stopping]
        times += [t for t in (self._flush_at, self._ending.next_timer(awake)) if t is not None]
        if self._next_wake is not None:
            times.append(awake + max(0, self._next_wake - self._clock.now_ms()))
        return max(0, min(times) - awake)

    # What children say.

    def _print(self, child: ChildProcess, data: bytes) -> None:
        if child in self._runs:
            self._runs[child].capture.add(data)

    def _obey(self, child: ChildProcess, frame: Frame) -> None:
        run = self._runs.get(child)
        if run is None:
            self._curious = self._curious or frame["t"] == "hello"
            return
        try:
            self._take(run, frame)
        except (KeyError, TypeError, ValueError, UsageError, WireError) as error:
            self._bury(child, f"it sent a frame that makes no sense: {error}")

    def _take(self, run: Execution, frame: Frame) -> None:
        inbox = self._desk.inbox
        match frame["t"]:
            case "started":
                run.started_at = self._clock.awake_ms()
                inbox.started[run.key] = self._clock.now_ms()
                self._flush_soon()
            case "progress":
                run.fraction, run.message = frame["fraction"], str(frame["message"])
                inbox.reports[run.key] = (run.fraction, run.message)
                self._flush_soon()
                self._tell("progress", run.claim.task, State.RUNNING, fraction=run.fraction, message=run.message)
            case "checkpoint":
                inbox.checkpoints[run.key] = payloads.dump(frame["data"], "the checkpoint")
                self._flush_soon()
            case "log":
                run.capture.add(f"[{frame['level']}] {frame['message']}\n".encode("utf-8", "replace"))
            case "done" if not run.is_stopping:
                self._crew.drain(run.child)
                self._crew.free(run.child)
                self._end(run, outcome_from(frame["outcome"]))

    def _flush_soon(self) -> None:
        if self._flush_at is None:
            self._flush_at = self._clock.awake_ms() + FLUSH_MS

    def _end(self, run: Execution, outcome: Outcome) -> None:
        """The run is over and nothing of it lives: hand its outcome to the desk."""
        del self._runs[run.child]
        run.capture.close()
        self._desk.inbox.ended.append((run.key, outcome))

    def _bury(self, child: ChildProcess, why: str) -> None:
        """The child is gone, or no longer makes sense: clear up after it and settle its run."""
        run = self._runs.get(child)
        crash = self._crew.bury(child, "" if run is None else run.mark, why)
        if run is not None:
            self._end(run, crash if run.verdict is None else run.verdict)
        self._curious = True

    # Timers, signals, stopping.

    def _end_if_asked(self, awake: int) -> None:
        count, name = self._signals.seen()
        self._ending.signalled(count, awake)
        self.report.stopped_by = name
        if self._ending.is_over(awake):
            for run in list(self._runs.values()):
                if not run.is_stopping:
                    self._stop(run, Released(Reason.SHUTDOWN, run.started_at is not None))

    def _fire_timers(self, awake: int) -> None:
        for run in list(self._runs.values()):
            if run.soft_due(awake):
                run.soft_told = True
                self._crew.send(run.child, {"t": "soft_timeout"})
                self._desk.inbox.warned.append(run.claim.task)
                self._flush_soon()
                self._tell("soft_timeout", run.claim.task, State.RUNNING)
            if (verdict := run.stop_due(awake)) is not None:
                self._stop(run, verdict)
            if run.is_stopping and (run.is_overdue(awake) or self._has_ended(run)):
                self._bury(run.child, "")

    def _stop(self, run: Execution, verdict: Outcome) -> None:
        """Begin to kill a run: SIGTERM to all of it now, SIGKILL after the grace."""
        run.verdict = verdict
        run.kill_at = self._clock.awake_ms() + self._bench.kill_grace_ms
        process.terminate_run(run.child.identity, run.mark)

    def _has_ended(self, run: Execution) -> bool:
        return run.child.poll() is not None and not process.marked_processes({run.mark})

    # The store.

    def _deal_with_store(self, awake: int) -> None:
        """A store that is busy or out of order delays us; what must be written stays in the inbox."""
        try:
            self._keep_up(awake)
            self._work(awake)
        except StoreBusyError:
            self._retry_at = awake + BACKOFF_MS // 4
        except StoreError:
            self._retry_at = awake + BACKOFF_MS
            with suppress(StoreError, StoreBusyError):
                self._desk.reopen()

    def _keep_up(self, awake: int) -> None:
        """Renew our leases, and learn what others did: commits, cancels, deaths, new plugins."""
        if awake >= self._renew_at:
            self._give_up(self._desk.renew())
            self._renew_at = awake + self._bench.lease_ms // 3
        if self._next_wake is not None and self._clock.now_ms() >= self._next_wake:
            self._curious = True
        if awake >= self._poll_at:
            self._poll_at = awake + self._bench.poll_ms
            version = self._desk.data_version()
            changed, self._version = version != self._version, version
            self._curious = self._curious or changed or self._holds
        if self._curious and self._runs:
            self._pass_on_cancels(awake)
        if awake >= self._rescue_at:
            self._rescue_at = awake + self._bench.poll_ms
            self._announce(self._desk.rescue(), rescued=True)
            self._catalogue = self._bench.catalogue()
            if self._desk.know(frozenset(self._catalogue)):
                self._curious = True

    def _give_up(self, still_ours: set[tuple[int, int]]) -> None:
        """Runs whose lease somebody else has taken are killed; their outcome is no longer ours to write."""
        for run in list(self._runs.values()):
            if (run.key.seq, run.key.run) not in still_ours and not run.is_stopping:
                self._stop(run, Released(Reason.SHUTDOWN))

    def _pass_on_cancels(self, awake: int) -> None:
        wanted = set(self._desk.cancel_requests())
        for run in self._runs.values():
            if (run.key.seq, run.key.run) in wanted and run.cancel_at is None and not run.is_stopping:
                run.cancel_at = awake
                self._crew.send(run.child, {"t": "cancel"})

    def _work(self, awake: int) -> None:
        room = self._room()
        if room > 0 and self._curious and not self._desk.inbox.ended:
            self._look(room)
        idle = self._crew.idle[: max(0, room)] if self._wanted or self._desk.inbox.ended else []
        flush = self._flush_at is not None and awake >= self._flush_at
        if self._desk.inbox.ended or flush or (room > 0 and self._wanted and idle):
            self._commit(idle, claim=room > 0)

    def _room(self) -> int:
        """Return how many more runs we may start now."""
        if self._ending.has_begun:
            return 0
        return self._ending.capped(self._slots - len(self._runs), self.report.started)

    def _look(self, room: int) -> None:
        """Read the store; a hold that changed or an alarm is written at once, work needs children first."""
        self._curious = False
        found = self._desk.look(room, self._only)
        self._next_wake, self._holds, self._wanted = found.next_wake, bool(found.holds), found.ready
        if found.has_work and not found.ready:
            self._commit([], claim=True)
        spare = 1 if self._options.watch and self._wanted else 0
        self._crew.grow(self._wanted + spare)

    def _commit(self, idle: list[ChildProcess], *, claim: bool) -> None:
        done = self._desk.commit([c.identity for c in idle], only=self._only, claim=claim)
        self._flush_at = None
        self._announce(done.settled)
        if done.tick is None:
            return
        for claimed in done.tick.claims:
            self._start(claimed)
        self._next_wake = done.tick.next_wake
        # A tick that used every child may leave work for more; one that did not has emptied what it could reach.
        self._wanted = 0
        if done.tick.again or (done.tick.promoted and not idle):
            self._curious = True
        elif len(done.tick.claims) == len(idle) and self._room() > 0:
            self._curious = True

    def _start(self, claim: Claim) -> None:
        task = claim.task
        child = self._crew.assign(claim.child.pid)
        capture = Capture(self._bench.log_dir, task.id, task.run)
        run = Execution(claim, RunKey(task.seq, task.run, self.id), child, capture, self._clock.awake_ms())
        self._runs[child] = run
        self.report.started += 1
        self._tell("started", task, State.RUNNING, message=f"pid {child.pid}")
        try:
            frame = start.frame_of(claim, self._catalogue.get(task.handler), self._bench.work_dir)
            self._crew.send(child, frame)
        except (KeyError, TypeError, ValueError, WireError) as error:
            self._crew.free(child)
            self._end(run, Failed(TaskError("UnreadablePayload", str(error)), retry=False))

    # Telling, and when it is enough.

    def _announce(self, ended: Ended, *, rescued: bool = False) -> None:
        for _, settled in ended:
            self._curious = True
            if isinstance(settled, LateFinish):
                if settled.task is not None:
                    self._tell("late_finish", settled.task, settled.task.state)
                continue
            to, task = settled.to, settled.task
            self.report.note(to.event, task.id)
            self.report.rescued += rescued
            ran = None if task.started_at is None else self._clock.now_ms() - task.started_at
            kind = "rescued" if rescued else str(to.event)
            error = error_of(settled.outcome)
            self._tell(kind, task, to.state, reason=to.reason, due_at=to.due_at, duration_ms=ran, error=error)

    def _tell(self, kind: str, task: Task, state: State, **fields: Any) -> None:
        self._listener(WorkerEvent(kind, self._clock.now_ms(), task, state, **fields))

    def _is_done(self) -> bool:
        if self._runs or self._desk.inbox or self._retry_at > self._clock.awake_ms():
            return False
        if self._ending.has_begun or self._ending.is_spent(self.report.started):
            return True
        if self._curious or self._wanted or self._options.watch:
            return False
        return not (self._options.until_empty and self._next_wake is not None)

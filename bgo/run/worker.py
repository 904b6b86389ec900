"""The worker: one thread, one event loop over children, wake-ups and `next_wake`.

Each turn: wait, hear what children say, fire timers, commit what happened together with new claims, send those out.
The store is reached through the desk, the children through the crew and the runs; no rule is decided here.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

from bgo import ids
from bgo.engine.cycle import Asker, Look, Tick
from bgo.engine.settle import LateFinish
from bgo.errors import BgoError, StoreBusyError, StoreDamagedError, StoreError
from bgo.model.state import Reason, State
from bgo.model.task import Task, WorkerRow
from bgo.policy.gates import Offer
from bgo.policy.settle import error_of, lost_of
from bgo.run import liveness, process
from bgo.run.bench import Bench, RunOptions
from bgo.run.crew import Crew
from bgo.run.desk import Desk, Ended
from bgo.run.devicewatch import DeviceWatch
from bgo.run.ending import Ending
from bgo.run.hearing import Hearing
from bgo.run.notify import Beat
from bgo.run.process import ChildProcess
from bgo.run.questions import BUSY_MS
from bgo.run.report import HookListener, Listener, RunReport, ScheduleEvent, ScheduleListener, WorkerEvent
from bgo.run.runs import Runs
from bgo.run.signals import Signals
from bgo.run.tidy import Tidier, remove_workdir
from bgo.run.wake import Bell

FAILED_MS = 1_000
"""How long the store is left alone after it has failed."""
STEP_MS = 1_000
"""What the wall clock may differ between two polls without having been set: NTP slews by half a ms a second."""


class Worker:
    """One `bgo run`. Make it, call `run` once."""

    def __init__(
        self,
        bench: Bench,
        options: RunOptions,
        listener: Listener | None,
        hook_listener: HookListener | None = None,
        schedule_listener: ScheduleListener | None = None,
    ) -> None:
        self._bench, self._options, self._listener = bench, options, listener
        self._schedule_listener = schedule_listener
        self._clock = bench.clock
        self.id = f"w{ids.new_id(bench.rng)}"
        self._slots = bench.slots if options.slots is None else options.slots
        self.report = RunReport()
        awake = self._clock.awake_ms()
        self._ending = Ending(options, awake)
        self._only: frozenset[int] | None = None
        self._handlers = bench.catalogue()
        with ExitStack() as stack:
            self._lock = liveness.WorkerLock(bench.run_dir, self.id)
            stack.callback(self._lock.release)
            self._bell = Bell(bench.run_dir, self.id)
            stack.callback(self._bell.close)
            self._desk = Desk(bench, self._asker())
            stack.callback(self._leave)
            self._tidier = Tidier(bench.run_dir / "tidied", self._clock, bench.prune) if bench.prune else None
            if self._tidier is not None:
                stack.callback(self._tidier.end)
            self._crew = Crew(bench.plugins, self._slots + (1 if options.watch else 0), self._print, self._clock)
            self._runs = Runs(bench, self._crew, self._desk, self._tell)
            self._device = DeviceWatch(bench, self._runs, self._desk.seen)
            self._beat = Beat(options.notifier, self._desk, self._runs, self._ending, self.report)
            stack.callback(self._crew.disband)
            self._hearing = self._desk.hearing = Hearing(bench, self.id, self._crew, self._desk, self.report)
            self._hearing.listener = hook_listener
            stack.callback(self._hearing.close)
            stack.callback(self._runs.abandon)
            self._signals = Signals()
            self._stack = stack.pop_all()
        self._curious = True
        """Something may have changed in the store: look."""
        self._hears_cancels = True
        self._wanted = 0
        """How many free slots there is ready work for, as far as the last look or tick tells."""
        self._must_ask = False
        self._next_wake: int | None = None
        self._rate_at: int | None = None
        """When a rate has room again; awake milliseconds: setting the wall clock does not change it."""
        self._poll_at = self._retry_at = 0
        self._wall = self._clock.now_ms() - awake
        self._renew_at = awake + bench.lease_ms // 3
        self._version = -1

    def _asker(self) -> Asker:
        offer = Offer(frozenset(self._handlers), self._options.queues)
        own = self._options.slots is not None
        return Asker(self.id, process.host_id(), process.boot_id(), offer, self._slots, own)

    def run(self, on_ready: Callable[[], None] | None = None) -> RunReport:
        """Work until the options say it is enough. Whatever happens, no child and no lease is left behind.

        `on_ready` is called once it takes work, and ends in good order when it is asked to.
        """
        process.become_subreaper()
        with self._signals, self._stack:
            self._open()
            if on_ready is not None:
                on_ready()
            while not self._is_done():
                self._turn()
            self._see_off()
            self._desk.complete(self.report)
        return self.report

    def _see_off(self) -> None:
        """Let the hooks hear the rest, within bounds."""

        def commit() -> None:
            with suppress(StoreBusyError, StoreError):
                self._hearing.heard(self._desk.commit([], claim=False).tail)

        self._hearing.see_off(commit, self._signals_seen, (self._bell.fd, self._signals.fd))

    def _signals_seen(self) -> int:
        self._bell.silence()
        self._signals.drain()
        return self._signals.seen()[0]

    def _open(self) -> None:
        self._crew.watch(self._bell.fd)
        self._crew.watch(self._signals.fd)
        host, boot, pid = process.host_id(), process.boot_id(), os.getpid()
        born = process.process_start_time(pid) or 0
        queues = tuple(sorted(self._options.queues or ()))
        self._desk.register(WorkerRow(self.id, host, boot, pid, born, self._clock.now_ms(), self._slots, queues))
        self._choose()
        self._runs.middleware = self._hearing.learn(self._handlers)

    def _choose(self) -> None:
        """Learn which tasks may be claimed, if only some may: those of a chain become ready one after another."""
        if self._options.only is not None:
            self._only = self._desk.seqs(self._options.only)

    def _leave(self) -> None:
        with suppress(StoreBusyError, StoreError):
            self._desk.leave()

    # One turn of the loop.

    def _turn(self) -> None:
        heard = self._crew.wait(self._timeout(self._clock.awake_ms()))
        awake = self._clock.awake_ms()
        if self._bell.fd in heard.ready:
            self._bell.silence()
            self._curious = self._hears_cancels = True
        if self._signals.fd in heard.ready:
            self._signals.drain()
        for child, frame in heard.frames:
            self._runs.obey(child, frame)
        for child, why in heard.gone:
            self._runs.gone(child, why)
        self._end_if_asked(awake)
        self._device.turn(awake)
        self._runs.fire_timers(awake)
        self._hearing.turn(awake, heard.ready)
        if awake >= self._retry_at:
            self._deal_with_store(awake)
        self._beat.turn(awake)

    def _timeout(self, awake: int) -> int:
        """Return how long nothing needs us. 0 only when the store lets us act at once: the loop never spins."""
        timed = (self._runs, self._device, self._ending, self._hearing, self._beat)
        times = [at for one in timed if (at := one.next_timer(awake)) is not None]
        if self._retry_at > awake:
            return max(0, min([self._retry_at, *times]) - awake)
        if self._desk.inbox.ended or (self._curious and self._room() > 0) or self._hearing.is_behind:
            return 0
        times += [self._poll_at, self._renew_at]
        if self._runs.flush_at is not None:
            times.append(self._runs.flush_at)
        if self._next_wake is not None:
            times.append(awake + max(0, self._next_wake - self._clock.now_ms()))
        if self._rate_at is not None:
            times.append(self._rate_at)
        return max(0, min(times) - awake)

    def _print(self, child: ChildProcess, data: bytes) -> None:
        self._runs.print(child, data)

    def _end_if_asked(self, awake: int) -> None:
        count, name = self._signals.seen()
        self._ending.signalled(count, awake)
        self.report.stopped_by = name
        if self._ending.is_over(awake):
            self._runs.hand_back()
        if self._ending.is_urgent:
            self._runs.hurry()

    # The store.

    def _deal_with_store(self, awake: int) -> None:
        """A store that is busy or out of order delays us; what must be written stays in the inbox."""
        try:
            self._keep_up(awake)
            self._work(awake)
        except StoreBusyError:
            self._try_again(awake + BUSY_MS)
        except StoreDamagedError:
            raise
        except StoreError:
            self._try_again(awake + FAILED_MS)
            self._desk.check_place()

    def _try_again(self, at: int) -> None:
        self._retry_at = at
        self._curious = self._hears_cancels = True

    def _keep_up(self, awake: int) -> None:
        """Renew our leases, and learn what others did: commits, cancels, deaths, new plugins."""
        if awake >= self._renew_at:
            self._runs.keep_only(self._desk.renew(self._runs.keys))
            self._renew_at = awake + self._bench.lease_ms // 3
        if self._next_wake is not None and self._clock.now_ms() >= self._next_wake:
            self._curious, self._next_wake = True, None  # told once: with no slot free, the look must wait for one
        if self._rate_at is not None and awake >= self._rate_at:
            self._curious, self._rate_at = True, None
        if awake >= self._poll_at:
            self._poll_at = awake + self._bench.poll_ms
            self._notice_steps(awake)
            version = self._desk.data_version()
            changed, self._version = version != self._version, version
            self._hears_cancels = self._hears_cancels or changed
            self._curious = self._curious or changed or self._must_ask
            self._announce(self._desk.rescue(), rescued=True)
            if self._desk.sweep_stages():
                self._poll_at = awake  # in steps, between which others have their turn
            self._look_at_handlers()
            if self._tidier is not None:
                with suppress(OSError):
                    self._tidier.look()
        if self._hears_cancels:
            if self._runs:
                self._runs.cancel(self._desk.cancel_requests())
                self._runs.hold(self._desk.held())
            self._hearing.look()
            self._hears_cancels = False

    def _notice_steps(self, awake: int) -> None:
        """After the wall clock was set, or the computer slept, look again: what it held by the time may start now."""
        wall = self._clock.now_ms() - awake
        if abs(wall - self._wall) > STEP_MS:
            self._curious = True
        self._wall = wall

    def _look_at_handlers(self) -> None:
        """Learn which handlers there are now; plugins that cannot be read at the moment change nothing."""
        with suppress(BgoError, OSError):
            self._handlers = self._bench.catalogue()
        self._runs.middleware = self._hearing.learn(self._handlers)
        self._hears_cancels = self._hears_cancels or self._hearing.is_new
        if self._desk.know(frozenset(self._handlers)):
            self._curious = True

    def _work(self, awake: int) -> None:
        room = self._room()
        if room > 0 and self._curious and not self._desk.inbox.ended:
            self._look(room)
        if self._wanted:
            self._crew.grow(self._wanted + (1 if self._options.watch else 0))
        ended = bool(self._desk.inbox.ended)
        idle = self._crew.idle[: max(0, room)] if self._wanted or ended else []
        flush = self._runs.flush_at is not None and awake >= self._runs.flush_at
        if ended or flush or (room > 0 and self._wanted and idle) or self._hearing.is_behind:
            self._commit(idle, claim=room > 0)

    def _room(self) -> int:
        """Return how many more runs we may start now."""
        if self._ending.has_begun:
            return 0
        return self._ending.capped(self._slots - len(self._runs), self.report.started)

    def _look(self, room: int) -> None:
        """Read the store; a hold that changed or an alarm is written at once, work needs children first."""
        self._choose()
        found = self._desk.look(room, self._only)
        self._curious = False
        self._must_ask, self._wanted = found.must_ask, found.ready
        is_due = self._wake_for(found)
        if found.has_work and (is_due or not found.ready):
            self._commit([], claim=True)

    def _wake_for(self, found: Look | Tick) -> bool:
        """Set the alarms; returns whether one is due."""
        self._next_wake = found.next_wake
        self._rate_at = None if found.wake_in is None else self._clock.awake_ms() + found.wake_in
        return found.wake_in == 0 or (found.next_wake is not None and found.next_wake <= self._clock.now_ms())

    def _commit(self, idle: list[ChildProcess], *, claim: bool) -> None:
        done = self._desk.commit([c.identity for c in idle], only=self._only, claim=claim)
        self._runs.flush_at = None
        if done.suspects:
            self._crew.dismiss(done.suspects)
        claims = () if done.tick is None else done.tick.claims
        for claimed in claims:
            self._runs.start(claimed, self.id, self._handlers)
            self.report.started += 1
        self._announce(done.settled)
        for claimed in claims:
            self._tell("started", claimed.task, State.RUNNING, message=f"pid {claimed.child.pid}")
        self._hearing.heard(done.tail)
        if done.tick is None:
            return
        if self._schedule_listener is not None:
            for schedule in done.tick.paused:
                self._schedule_listener(ScheduleEvent("schedule_paused", self._clock.now_ms(), schedule))
        self._wake_for(done.tick)
        # A tick that used every child may leave work for more; one that did not has emptied what it could reach.
        self._wanted = 0
        if done.tick.again or (done.tick.promoted and not idle) or (len(claims) == len(idle) and self._room() > 0):
            self._curious = True

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
            if to.state is State.SUCCEEDED:
                remove_workdir(self._bench.work_dir, task.id)
            self.report.rescued += rescued
            self._hearing.waits = True
            ran = None if task.started_at is None else self._clock.now_ms() - task.started_at
            kind = "rescued" if rescued else str(to.event)
            error = error_of(settled.outcome, to.event)
            told = lost.told if to.reason is Reason.DEVICE and (lost := lost_of(settled.outcome)) else ""
            self._tell(
                kind, task, to.state, reason=to.reason, due_at=to.due_at, duration_ms=ran, error=error, message=told
            )

    def _tell(self, kind: str, task: Task, state: State, **fields: Any) -> None:
        self._hearing.live(kind, task, state, fields)
        if self._listener is not None:
            self._listener(WorkerEvent(kind, self._clock.now_ms(), task, state, **fields))

    def _is_done(self) -> bool:
        awake = self._clock.awake_ms()
        if self._runs:
            return False
        if self._desk.inbox or self._retry_at > awake:
            # Asked to end while the store is out of order: what is not written by then runs again.
            return self._retry_at > awake and self._ending.is_over(awake)
        if self._ending.has_begun or self._ending.is_spent(self.report.started):
            return True
        if self._curious or self._wanted or self._options.watch:
            return False
        if not self._options.until_empty:
            return True
        if self._options.only is not None:
            return not self._desk.come_back(self._options.only)
        return not self._desk.has_more()

"""The live runs of one worker: what their children say, their timers, and how they are stopped.

What became of a run goes into the desk's inbox; that a run is over is said only when nothing of it lives.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from typing import Any, Protocol

from bgo.engine.cycle import Claim
from bgo.engine.settle import RunKey
from bgo.errors import BgoError
from bgo.model import payload as payloads
from bgo.model.handler import Catalogue, Source
from bgo.model.outcome import Crashed, Lost, Outcome, Rejected, Released, TaskError
from bgo.model.plan import Hold
from bgo.model.state import Reason, State
from bgo.model.task import Task
from bgo.policy import loss
from bgo.run import process, start
from bgo.run.bench import Bench
from bgo.run.channel import Frame, WireError
from bgo.run.crew import Crew
from bgo.run.desk import Desk
from bgo.run.execution import Execution
from bgo.run.output import Capture
from bgo.run.process import ChildProcess
from bgo.run.wire import outcome_from

FLUSH_MS = 250
"""How long a progress report or a Started mark may wait for a commit of its own."""
STOP_LOOK_MS = 50
SUSPENDED, CONTINUED, STOPPING = "suspended", "continued", "stopping"
STUCK_MS = 5_000
"""A process that SIGKILL did not end is tried again this much later; its run is not over until then."""


class Tell(Protocol):
    """How the worker's listener hears of it."""

    def __call__(self, kind: str, task: Task, state: State, **fields: Any) -> None: ...


class Runs:
    """Starts, hears, times and stops the runs of one worker."""

    def __init__(self, bench: Bench, crew: Crew, desk: Desk, tell: Tell) -> None:
        self._bench, self._crew, self._desk, self._tell = bench, crew, desk, tell
        self._clock = bench.clock
        self._live: dict[ChildProcess, Execution] = {}
        self._unlucky: set[int] = set()
        """Tasks (seqs) that had a child die under them before they began."""
        self.middleware: tuple[Source, ...] = ()
        """Plugins whose middleware stands around every task."""
        self.flush_at: int | None = None
        """When what was heard must be committed, even if nothing else happens; awake milliseconds."""

    def __len__(self) -> int:
        return len(self._live)

    def __iter__(self) -> Iterator[Execution]:
        return iter(list(self._live.values()))

    @property
    def keys(self) -> set[tuple[int, int]]:
        """Return (seq, run) of what runs."""
        return {(run.key.seq, run.key.run) for run in self._live.values()}

    def next_timer(self, awake: int) -> int | None:
        """Return the awake instant of the next thing to do."""
        times = [t for run in self._live.values() if (t := run.next_timer()) is not None]
        times += [awake + STOP_LOOK_MS for run in self._live.values() if run.is_stopping]
        return min(times, default=None)

    def start(self, claim: Claim, worker: str, handlers: Catalogue) -> None:
        """Send a claimed task to its child. A payload that cannot be read ends the run, not the worker."""
        handler = handlers.get(claim.task.handler)
        task, child = claim.task, self._crew.assign(claim.child.pid)
        capture = Capture(self._bench.log_dir, task.id, task.run)
        run = Execution(claim, RunKey(task.seq, task.run, worker), child, capture, self._clock.awake_ms())
        self._live[child] = run
        if handler is None:  # it went away between the look and the claim; the next look holds the task
            self._withdraw(run, Released(Reason.SHUTDOWN, started=False))
            return
        try:
            self._crew.send(child, start.frame_of(claim, handler, self._bench.work_dir, self.middleware))
        except (BgoError, KeyError, TypeError, ValueError, WireError) as error:
            self._withdraw(run, Rejected(TaskError("UnreadablePayload", f"the task cannot be read: {error}")))

    def _withdraw(self, run: Execution, outcome: Outcome) -> None:
        self._crew.free(run.child)
        self._end(run, outcome)

    # What children say.

    def print(self, child: ChildProcess, data: bytes) -> None:
        """Keep what a run printed."""
        if child in self._live:
            self._live[child].capture.add(data)

    def obey(self, child: ChildProcess, frame: Frame) -> None:
        """Take note of a frame; one that makes no sense ends its child."""
        run = self._live.get(child)
        if run is None:
            return
        try:
            if not _is_of(frame, run.claim.task):
                return
            self._take(run, frame)
        except (BgoError, KeyError, TypeError, ValueError, WireError) as error:
            self._bury(child, f"it sent a frame that makes no sense: {error}")
            return
        if frame["t"] == "progress":
            fraction, message = _progress(frame)
            self._tell("progress", run.claim.task, State.RUNNING, fraction=fraction, message=message)

    def _take(self, run: Execution, frame: Frame) -> None:
        inbox = self._desk.inbox
        match frame["t"]:
            case "started":
                run.started_at = self._clock.awake_ms()
                inbox.started[run.key] = self._desk.moment
                self._flush_soon()
            case "progress":
                inbox.reports[run.key] = _progress(frame)
                self._flush_soon()
            case "checkpoint":
                inbox.checkpoints[run.key] = payloads.dump(frame["data"], "the checkpoint")
                self._flush_soon()
            case "log":
                run.capture.add(f"[{frame['level']}] {frame['message']}\n".encode("utf-8", "replace"))
            case "done" if not run.is_stopping:
                outcome = outcome_from(frame["outcome"])
                self._go_on(run)  # said just before it was stopped: the child is wanted for others
                self._crew.drain(run.child)
                self._crew.free(run.child)
                self._end(run, outcome)
                inbox.ran_on[run.key] = run.child.identity

    def _flush_soon(self) -> None:
        if self.flush_at is None:
            self.flush_at = self._clock.awake_ms() + FLUSH_MS

    def _end(self, run: Execution, outcome: Outcome) -> None:
        """The run is over and nothing of it lives: hand its outcome to the desk."""
        del self._live[run.child]
        run.capture.close()
        if run.stopped_for is not None:
            wish, started = run.claim.task.wish.constraints, run.started_at is not None
            outcome = loss.instead(outcome, loss.outcome(wish, run.stopped_for, self._bench.profile, started=started))
        self._desk.inbox.ended.append((run.key, outcome))

    # What ends them.

    def gone(self, child: ChildProcess, why: str) -> None:
        """A child has ended, or makes no sense any more. What a stopped run has started keeps its grace."""
        run = self._live.get(child)
        awake = self._clock.awake_ms()
        if run is not None and run.is_stopping and not run.is_overdue(awake) and self._is_alive(run):
            self._crew.retire(child)
        else:
            self._bury(child, why)

    def _is_alive(self, run: Execution) -> bool:
        return run.child.poll() is None or process.is_running(run.child.identity, run.mark)

    def _bury(self, child: ChildProcess, why: str) -> None:
        """Clear up after a child that is gone or must go, and settle its run."""
        if child not in self._crew:
            return
        run = self._live.get(child)
        crash = self._crew.bury(child, "" if run is None else run.mark, why)
        if run is None:
            return
        self._hear_the_dead(run)
        if crash is None:
            run.verdict = run.verdict or Crashed(detail=f"{why}; something it had started was hard to end")
            run.kill_at = self._clock.awake_ms() + STUCK_MS
        else:
            self._end(run, run.verdict or self._judge(run, crash))

    def _hear_the_dead(self, run: Execution) -> None:
        """A child that was killed in the moment it began has said so: that start counts."""
        frames = [f for f in self._crew.unheard if f["t"] == "started" and _is_of(f, run.claim.task)]
        if not frames or run.started_at is not None:
            return
        self._take(run, frames[0])
        if isinstance(run.verdict, Released):
            run.verdict = Released(run.verdict.reason, started=True)

    def _judge(self, run: Execution, crash: Crashed) -> Outcome:
        """A child that dies before user code began is not the task's doing: the task goes back, but only once."""
        task = run.claim.task
        if run.started_at is not None or task.seq in self._unlucky:
            return crash
        self._unlucky.add(task.seq)
        return Released(Reason.SHUTDOWN, started=False) if task.wish.at_most_once else Lost(started=False)

    def fire_timers(self, awake: int) -> None:
        """Tell of soft timeouts, begin to stop what has run too long, and end what was stopped."""
        for run in self:
            if run.soft_due(awake):
                run.soft_told = True
                self._crew.send(run.child, {"t": "soft_timeout"})
                self._desk.inbox.warned.append(run.claim.task)
                self._flush_soon()
                self._tell("soft_timeout", run.claim.task, State.RUNNING)
            if (verdict := run.stop_due(awake)) is not None:
                self.stop(run, verdict)
            elif run.is_stopping and (run.is_overdue(awake) or not self._is_alive(run)):
                self._bury(run.child, "")

    def stop(self, run: Execution, verdict: Outcome) -> None:
        """Begin to kill a run: SIGTERM to all of it now, SIGKILL after the grace. An outcome it had sent stands."""
        for frame in self._crew.hear(run.child):
            self.obey(run.child, frame)
        if run.child not in self._live:
            return
        run.go_on(self._clock.awake_ms())
        run.verdict = verdict
        run.kill_at = self._clock.awake_ms() + self._bench.kill_grace_ms
        process.terminate_run(run.child.identity, run.mark)

    def kill(self, run: Execution, verdict: Outcome) -> None:
        """End a run without grace."""
        for frame in self._crew.hear(run.child):
            self.obey(run.child, frame)
        if run.child in self._live:
            run.verdict = run.verdict or verdict
            self._bury(run.child, "")

    def cancel(self, wanted: Collection[tuple[int, int]]) -> None:
        """Ask these runs to end; who does not listen is stopped by a timer."""
        for run in self:
            if (run.key.seq, run.key.run) in wanted and run.cancel_at is None and not run.is_stopping:
                self._go_on(run)
                run.cancel_at = self._clock.awake_ms()
                self._crew.send(run.child, {"t": "cancel"})

    def watched(self) -> list[Execution]:
        """Return the runs that must be stopped when the device stops offering what they need, their platform wants it,
        or their window closes, and have not been."""
        return [
            run
            for run in self
            if (run.asks_device or run.claim.task.wish.window_strict)
            and not (run.is_stopping or run.is_held or run.cancel_at is not None)
        ]

    def withdraw_for(self, run: Execution, lost: Hold) -> None:
        """Ask a run to stop because the device has lost what it needs, or its platform gives it no more time; who does
        not listen is stopped by a timer."""
        run.stopped_for, run.cancel_at = lost, self._clock.awake_ms()
        self._crew.send(run.child, {"t": "cancel"})
        self._tell(STOPPING, run.claim.task, State.RUNNING, reason=Reason.DEVICE, message=lost.told)

    def hold(self, wanted: Collection[tuple[int, int]]) -> None:
        """Let exactly these runs stand still, with all that they have started; what is being ended goes on."""
        for run in self:
            if (run.key.seq, run.key.run) not in wanted:
                self._go_on(run)
            elif not (run.is_held or run.is_stopping or run.cancel_at is not None):
                self._suspend(run)

    def _suspend(self, run: Execution) -> None:
        for frame in self._crew.hear(run.child):
            self.obey(run.child, frame)
        if run.child in self._live:
            process.suspend_run(run.child.identity, run.mark, self._clock)
            run.held_at, run.loss = self._clock.awake_ms(), None  # nobody looks at the device for it meanwhile
            self._note(run, SUSPENDED)

    def _go_on(self, run: Execution) -> None:
        if run.is_held:
            run.go_on(self._clock.awake_ms())
            process.continue_run(run.child.identity, run.mark)
            self._note(run, CONTINUED)

    def _note(self, run: Execution, event: str) -> None:
        """Have it written into the task's history, and tell it."""
        self._desk.inbox.notes.append((run.claim.task, event))
        self._flush_soon()
        self._tell(event, run.claim.task, State.RUNNING)

    def keep_only(self, ours: Collection[tuple[int, int]]) -> None:
        """Kill the runs whose lease somebody else has taken; their outcome is no longer ours to write."""
        for run in self:
            if (run.key.seq, run.key.run) not in ours:
                self.kill(run, _handed_back(run))

    def hand_back(self) -> None:
        """Stop everything; the tasks go back to the queue."""
        for run in self:
            if not run.is_stopping:
                self.stop(run, _handed_back(run))

    def hurry(self) -> None:
        """Give what is being stopped no more grace."""
        for run in self:
            if run.is_stopping:
                run.kill_at = min(run.kill_at or 0, self._clock.awake_ms())

    def abandon(self) -> None:
        """Kill everything now: the worker ends by an error."""
        for run in self:
            self.kill(run, _handed_back(run))


def _handed_back(run: Execution) -> Released:
    return Released(Reason.SHUTDOWN, run.started_at is not None)


def _is_of(frame: Frame, task: Task) -> bool:
    """Say whether a frame speaks of this run; a thread that a handler left behind may speak of one that is over."""
    return frame["t"] != "hello" and (frame["task"], frame["run"]) == (task.id, task.run)


def _progress(frame: Frame) -> tuple[float | None, str]:
    """Return a report as it can be stored."""
    fraction, message = frame["fraction"], frame["message"]
    if isinstance(fraction, bool) or not isinstance(fraction, (int, float, type(None))):
        raise TypeError(f"a fraction is a number, not {type(fraction).__name__}")
    if fraction is not None and not (math.isfinite(fraction) and 0 <= fraction <= 1):
        raise ValueError("a fraction lies between 0 and 1")
    return fraction, str(message).encode("utf-8", "replace").decode()

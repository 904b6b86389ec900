"""The verbs that wait for work, execute it here, or foresee it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Unpack

from bgo import compose
from bgo.errors import TaskFailedError
from bgo.flow.looking import Looking
from bgo.flow.loops import refuse_on_loop
from bgo.model.state import State

if TYPE_CHECKING:
    from bgo.flow.playing import PlayOptions
    from bgo.model.device import DeviceState, Facts
    from bgo.model.views import TaskView
    from bgo.run.bench import RunOptions
    from bgo.run.plays import Play
    from bgo.run.report import HookListener, Listener, RunReport, ScheduleListener
    from bgo.run.simulator import SimOptions, Timeline


class Running(Looking):
    """The verbs that wait for work, execute it, or foresee it."""

    def wait(self, task_id: str, timeout: float | None = None) -> Any:
        """Wait for a task to end and return its output.

        Raises TaskFailedError with the task's error when it fails or is cancelled, WaitTimeoutError after `timeout`
        seconds. Waiting executes nothing: a worker must run somewhere. On an event loop: `wait_async`.
        """
        refuse_on_loop("flow.wait", "await flow.wait_async(id), or await asyncio.to_thread(flow.wait, id)")
        return _output(self.wait_for([task_id], timeout=timeout)[0])

    async def wait_async(self, task_id: str, timeout: float | None = None) -> Any:  # noqa: ASYNC109 - as in `wait`
        """Wait for a task to end and return its output, while the event loop goes on; raises what `wait` raises.

        When it is cancelled, the task goes on.
        """
        from bgo.flow.waiting import wait_async

        return _output((await wait_async(self, [task_id], timeout))[0])

    def wait_for(
        self,
        task_ids: Sequence[str],
        *,
        timeout: float | None = None,
        on_change: Callable[[list[TaskView]], None] | None = None,
        on_wait: Callable[[int], None] | None = None,
    ) -> list[TaskView]:
        """Wait until all these tasks have ended and return them.

        `on_change` sees them after every commit; `on_wait` hears, many times a second, the milliseconds waited.
        """
        from bgo.flow.waiting import wait_for

        refuse_on_loop("flow.wait_for", "await asyncio.to_thread(flow.wait_for, ids), or await flow.wait_async(id)")
        return wait_for(self, task_ids, timeout, (on_change, on_wait))

    def run(
        self,
        options: RunOptions | None = None,
        *,
        device: Facts | DeviceState | None = None,
        listener: Listener | None = None,
        hook_listener: HookListener | None = None,
        schedule_listener: ScheduleListener | None = None,
        on_ready: Callable[[], None] | None = None,
    ) -> RunReport:
        """Execute what is due, in child processes, until the options say it is enough (default: nothing is left).

        `device` is what is said of the device: facts, so long as this runs, or a script; what it leaves open is sensed.
        `listener` hears what tasks do, `hook_listener` which hooks could not be told of it, `schedule_listener` which
        schedules have paused themselves; `on_ready` is called once the worker takes work, and ends in good order when
        it is asked to.
        """
        from bgo.model.device import facts_of
        from bgo.run.bench import RunOptions
        from bgo.run.known import Known
        from bgo.run.worker import Worker

        refuse_on_loop("flow.run", "await asyncio.to_thread(flow.run), or run 'bgo run --watch' beside the program")
        self._check_plugins()
        options = options or RunOptions()
        known = Known(self._peek, self.catalogue, self.clock)
        facts = facts_of(device)
        bench = compose.bench(self.settings, self.sensing(facts), known, self.profile, facts, self.said_before(facts))
        with self.store.read() as session:
            for queue in sorted(options.queues or ()):
                self._check_queue(session, queue)
        return Worker(bench, options, listener, hook_listener, schedule_listener).run(on_ready)

    def run_here(
        self,
        task_id: str,
        *,
        listener: Listener | None = None,
        on_wait: Callable[[TaskView], None] | None = None,
    ) -> tuple[TaskView, str]:
        """Execute one task in this process's worker, its retries too, until it has ended or something holds it.

        Returns the task as it then is, and the signal that ended it early ("" when none did). `on_wait` sees the task
        whenever it waits for its time or for another worker.
        """
        from bgo.flow.here import run_here

        refuse_on_loop("flow.run_here", "await asyncio.to_thread(flow.run_here, id)")
        return run_here(self, task_id, listener, on_wait)

    def simulate(self, options: SimOptions | None = None) -> Timeline:
        """Play the store as it is now into the future, in memory and without executing anything.

        Without options it plays a week from now (the minute that has begun), with the device as it is sensed now.
        """
        from bgo.run.simulator import SimOptions, floor_to_minute, simulate

        if options is None:
            now = floor_to_minute(self.clock.now_ms())
            options = SimOptions(now, device=self.sensing()(), profile=self.profile)
        if options.start_ms > self.clock.now_ms():
            options = replace(options, is_ahead=True)
        return simulate(self.store, self.catalogue(), self.settings.slots, options)

    def play(self, **options: Unpack[PlayOptions]) -> Play:
        """Play what is queued here, or a scenario's work, under a profile, or two to compare: nothing is executed, and
        nothing changes. Where a profile promises no times, several seeds are played.

        `flow.play(scenario="ten.toml", device="commuter", compare="ios").to_svg()` is the picture of it. Raises
        UsageError for what cannot be played, in files with FILE:LINE.
        """
        from bgo.flow.playing import play

        return play(self, options)


def _output(view: TaskView) -> Any:
    """Return the output of a task that has ended, or raise its error."""
    if view.state is State.SUCCEEDED:
        return view.output
    raise TaskFailedError(
        f"task {view.id} {view.state}" + (f": {view.error}" if view.error else ""),
        why=f"reason: {view.task.reason}",
        hint=f"bgo history --all-events {view.id}; bgo logs {view.id}",
    )

"""The device while work runs: looked at as often as the store, and only while a run is live that asks something of it,
or that its platform may stop.

Sensors may be slow, so they are never asked inside a transaction; a store that does not answer does not delay this.
"""

from __future__ import annotations

from collections.abc import Callable

from bgo.engine.closing import closing
from bgo.model.device import DeviceState, View
from bgo.policy import loss, relax
from bgo.run.bench import Bench
from bgo.run.execution import Execution
from bgo.run.runs import Runs


class DeviceWatch:
    """Asks the runs of one worker to stop whose constraints have been lost for long enough, or that may not go on."""

    def __init__(self, bench: Bench, runs: Runs, seen: Callable[[DeviceState], View]) -> None:
        self._bench, self._runs, self._seen = bench, runs, seen
        self._look_at = 0

    def next_timer(self, awake: int) -> int | None:
        """Return the awake instant of the next look; None while nothing is to be watched."""
        return max(awake, self._look_at) if self._runs.watched() else None

    def turn(self, awake: int) -> None:
        """Look, if it is time: note what was lost, and stop what has lost it."""
        if awake < self._look_at or not (watched := self._runs.watched()):
            return
        self._look_at = awake + self._bench.poll_ms
        asking = [run for run in watched if not self._close(run) and run.asks_device]
        if not asking:
            return
        view = self._seen(self._bench.sense())
        now = self._bench.clock.awake_ms()  # sensors may have taken their time
        self._look_at = now + self._bench.poll_ms
        for run in asking:
            self._judge(run, view, now)

    def _close(self, run: Execution) -> bool:
        """Stop a run whose window has closed, if it may not go on outside of it; return whether it was."""
        now = self._bench.clock.now_ms()
        stop = closing(run.claim.task.wish, now)
        if stop is None or stop.at > now:
            return False
        self._runs.withdraw_for(run, stop.hold)
        return True

    def _judge(self, run: Execution, view: View, now: int) -> None:
        task, wall = run.claim.task, self._bench.clock.now_ms()
        if run.claim.began is not None:
            from bgo.policy import platform  # a computer stops nothing by itself

            stop = platform.stop(view.profile, view.platform, view.device, run.claim.began, wall)
            if stop is not None and stop.at <= wall:
                self._runs.withdraw_for(run, stop.hold)
                return
        asked = relax.asked(task.wish, task.created_at, wall)
        run.loss = loss.observe(asked, view, run.loss, now, wall_ms=wall) if loss.is_watched(asked) else None
        if run.loss is not None and now >= run.loss.settles_at:
            self._runs.withdraw_for(run, run.loss.hold)

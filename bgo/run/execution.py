"""One live run in the supervisor: its timers, its captured output, and how it is being stopped."""

from __future__ import annotations

from dataclasses import dataclass

from bgo.engine.cycle import Claim
from bgo.engine.settle import RunKey
from bgo.model.outcome import CancelledRun, Outcome, TimedOut
from bgo.model.plan import Hold
from bgo.policy.loss import Loss, is_watched
from bgo.run.output import Capture
from bgo.run.process import ChildProcess

CANCEL_PATIENCE_MS = 2_000
"""How long a handler that was asked to stop may take before its process group gets SIGTERM."""


@dataclass(slots=True)
class Execution:
    """A claimed run on its child. Instants are awake milliseconds."""

    claim: Claim
    key: RunKey
    child: ChildProcess
    capture: Capture
    begun_at: int
    started_at: int | None = None
    soft_told: bool = False
    cancel_at: int | None = None
    """When the handler was asked to stop."""
    loss: Loss | None = None
    """A constraint that does not hold, as the device was seen last."""
    stopped_for: Hold | None = None
    """The constraint whose loss it was asked to stop for, or what its platform has against it; that it lifts again does
    not undo that."""
    verdict: Outcome | None = None
    """Set once we are killing it: how the run will have ended."""
    kill_at: int | None = None
    """When SIGTERM turns into SIGKILL."""
    held_at: int | None = None
    """Since when it stands still, by a pause: until it goes on its timeouts stand still as well."""

    @property
    def mark(self) -> str:
        """Return what every process of the run carries as BGO_RUN."""
        return f"{self.claim.task.id}.{self.claim.task.run}"

    @property
    def asks_device(self) -> bool:
        """Say whether it goes by the device, or by its platform, how long this run may go on."""
        return self.claim.began is not None or is_watched(self.claim.task.wish.constraints)

    @property
    def is_stopping(self) -> bool:
        return self.verdict is not None

    @property
    def is_held(self) -> bool:
        return self.held_at is not None

    def go_on(self, awake: int) -> None:
        """Time passes again for this run: what it stood still does not count."""
        if self.held_at is not None:
            self.begun_at += awake - self.held_at
            if self.started_at is not None:
                self.started_at += awake - max(self.held_at, self.started_at)
            self.held_at = None

    def soft_due(self, awake: int) -> bool:
        """Say whether the soft timeout has come and nobody was told yet."""
        limit = self.claim.task.wish.timeout.soft_ms
        if self.soft_told or self.is_stopping or self.is_held:
            return False
        return limit is not None and self._ran(awake) >= limit

    def stop_due(self, awake: int) -> Outcome | None:
        """Return how the run ends if it must be killed now: hard timeout, or it was asked to stop and did not."""
        if self.is_stopping or self.is_held:
            return None
        limit = self.claim.task.wish.timeout.hard_ms
        if limit is not None and self._ran(awake) >= limit:
            return TimedOut(limit)
        if self.cancel_at is not None and awake - self.cancel_at >= CANCEL_PATIENCE_MS:
            return CancelledRun()
        return None

    def is_overdue(self, awake: int) -> bool:
        """Say whether the grace after SIGTERM is over."""
        return self.kill_at is not None and awake >= self.kill_at

    def next_timer(self) -> int | None:
        """Return the awake instant of the next thing to do for this run."""
        if self.kill_at is not None:
            return self.kill_at
        if self.is_held:
            return None
        timeout = self.claim.task.wish.timeout
        since = self.begun_at if self.started_at is None else self.started_at
        times = [since + ms for ms in (None if self.soft_told else timeout.soft_ms, timeout.hard_ms) if ms is not None]
        if self.cancel_at is not None:
            times.append(self.cancel_at + CANCEL_PATIENCE_MS)
        return min(times, default=None)

    def _ran(self, awake: int) -> int:
        """A child that never reports Started is timed from the claim, so that it cannot hang for ever."""
        return awake - (self.begun_at if self.started_at is None else self.started_at)

"""Loss: what becomes of running work when the device stops offering what it needs.

The gates judge, this only keeps time: a constraint counts as lost once it has not held for `SETTLE_MS` without a break,
so that a charger that flaps, or a sensor that fails once, stops nothing. What was stopped waits behind its gate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from bgo.model.device import View
from bgo.model.options import NO_CONSTRAINTS, ConstraintLoss, TaskConstraints
from bgo.model.outcome import CancelledRun, Outcome, Rejected, Released, Snoozed, Succeeded
from bgo.model.plan import Gate, Hold
from bgo.model.profile import Profile
from bgo.model.state import Reason
from bgo.policy.gates import device_holds

SETTLE_MS = 5_000
"""How long a constraint must not hold before running work is stopped for it. Platforms name no such time; as long as a
reading of the sensors is kept (`compose.SENSE_MS`), so that no single reading stops anything."""


OF_PLATFORM = frozenset(
    {Gate.PROFILE, Gate.APP, Gate.LOCKED, Gate.QUOTA, Gate.DOZE, Gate.LOW_POWER, Gate.OPPORTUNITY, Gate.FOREGROUND,
     Gate.RUN_TIME}
)  # fmt: skip
"""Gates for which no task asks: a run that they stop is handed back, whatever is to become of it at a loss."""


@dataclass(frozen=True, slots=True)
class Loss:
    """A constraint that does not hold, and since when; the instants are of whatever clock the asker goes by."""

    hold: Hold
    """As it was seen last."""
    since: int

    @property
    def settles_at(self) -> int:
        """Return the instant from which on the run is stopped, if it has not come back by then."""
        return self.since + SETTLE_MS


@lru_cache(maxsize=512)
def can_be_lost(wish: TaskConstraints) -> bool:
    """Say whether any of these constraints stays in force while work runs. How busy the processors are says nothing
    then: the run itself keeps them busy."""
    return not replace(wish, cpu_below=None, on_loss=ConstraintLoss.STOP).is_empty


def is_watched(wish: TaskConstraints) -> bool:
    """Say whether a run with these constraints must be watched: one can be lost, and it may not finish without it."""
    return wish is not NO_CONSTRAINTS and wish.on_loss != ConstraintLoss.FINISH and can_be_lost(wish)


def lost(wish: TaskConstraints, view: View, now_ms: int | None = None) -> Iterator[Hold]:
    """Yield a hold for each constraint that running work has lost, as the device is seen."""
    return (hold for hold in device_holds(wish, view, now_ms) if hold.gate is not Gate.LOAD)


def observe(
    wish: TaskConstraints, view: View, before: Loss | None, now: int, *, wall_ms: int | None = None
) -> Loss | None:
    """Return the loss as it stands at this look, None when all constraints hold; `before` is that of the last look.

    `wall_ms` is the instant in UTC milliseconds, `now` that of the clock that losses are timed by.
    """
    hold = next(lost(wish, view, wall_ms), None)
    if hold is None:
        return None
    return Loss(hold, now if before is None else before.since)


def outcome(wish: TaskConstraints, lost: Hold, profile: Profile, *, started: bool) -> Outcome:
    """Return how a run ends that is stopped for a lost constraint, or by its platform; `started`: user code has run."""
    if wish.on_loss == ConstraintLoss.CANCEL and lost.gate not in OF_PLATFORM:
        return CancelledRun(lost)
    # A platform knows nothing of windows: what they end has used up nothing.
    return Released(Reason.DEVICE, started, lost, profile.work.stop_consumes_attempt and lost.gate is not Gate.WINDOW)


def instead(said: Outcome, stopped: Outcome) -> Outcome:
    """Return how a run ended that was told to stop and then said this.

    What it had done by then stands, and so does a wish to be put off. An error may come of being stopped: it is not
    charged, and shows again in the next run if it is real.
    """
    if isinstance(said, (Succeeded, Snoozed, Rejected)) or (isinstance(said, Released) and said.lost is None):
        return said
    return stopped

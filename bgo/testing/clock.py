"""The clock of a test: it stands still until the test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bgo.clock import SystemClock, VirtualClock, from_datetime
from bgo.errors import UsageError
from bgo.model.options import to_ms

SLEEPS = 20_000
"""So many naps in a row, with nobody moving the clock, are a wait for something that cannot come."""


class ManualClock(VirtualClock):
    """A clock that the test moves. It starts at `start`, or at the present second of the computer's own clock.

    Delays, retries, rates and timeouts of tasks go by it; `datetime.now()` and `time.sleep()` in a handler do not.
    """

    def __init__(self, start: datetime | None = None) -> None:
        now = SystemClock().now_ms()
        super().__init__(now - now % 1000 if start is None else from_datetime(start))
        self._naps = 0

    def __repr__(self) -> str:
        return f"<clock at {self.now.isoformat()}>"

    @property
    def now(self) -> datetime:
        """Return the present instant, in UTC."""
        return datetime.fromtimestamp(self.now_ms() / 1000, UTC)

    def advance(self, by: timedelta | float) -> None:
        """Let time pass: a timedelta, or seconds."""
        self.advance_ms(to_ms(by, "advance"))

    def travel_to(self, when: datetime) -> None:
        """Let time pass until `when` (naive: local time). Raises UsageError for an instant in the past."""
        wanted = from_datetime(when)
        if wanted < self.now_ms():
            raise UsageError(
                f"{when} is past: it is {self.now.isoformat()}",
                why="leases and timeouts count on time that never goes back",
                hint="start the clock earlier: ManualClock(start=…)",
            )
        self.jump_to_ms(wanted)

    def advance_ms(self, duration_ms: int) -> None:
        self._naps = 0
        super().advance_ms(duration_ms)

    def sleep_ms(self, duration_ms: int) -> None:
        """Let `duration_ms` pass at once; raises AssertionError when nothing but sleep happens for ever."""
        self._naps += 1
        if self._naps > SLEEPS:
            raise AssertionError(
                "this waits for ever: nobody runs the tasks of a test by itself; call bgo.testing.drain(flow) first"
            )
        super().advance_ms(duration_ms)

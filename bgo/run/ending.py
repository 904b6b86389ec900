"""The end of a run: signals, --for, --max-tasks, and how long running work may still take."""

from __future__ import annotations

from bgo.run.bench import RunOptions

SIGNAL_GRACE_MS = 30_000


class Ending:
    """Knows when claiming stops and when running work is handed back. Instants are awake milliseconds.

    The first signal stops claiming, the second hands back what runs now, the third leaves no grace to clean up.
    """

    def __init__(self, options: RunOptions, began: int) -> None:
        self._options = options
        self._until = None if options.for_ms is None else began + options.for_ms
        self.has_begun = False
        """No more work is claimed."""
        self._over_at: int | None = None
        """None: running work may take as long as it takes."""
        self.is_urgent = False

    def signalled(self, count: int, awake: int) -> None:
        """Take note of the signals so far, and of the time."""
        time_is_up = self._until is not None and awake >= self._until
        if not self.has_begun and (count or time_is_up):
            self.has_begun = True
            self._over_at = None if self._options.grace_ms is None else awake + self._options.grace_ms
        if count and self._over_at is None:  # counted from the signal: --for may have ended long before
            self._over_at = awake + SIGNAL_GRACE_MS
        if count > 1:
            self._over_at = min(awake, self._over_at or awake)
        self.is_urgent = count > 2

    def is_over(self, awake: int) -> bool:
        """Say whether what still runs must be handed back."""
        return self._over_at is not None and awake >= self._over_at

    def next_timer(self, awake: int) -> int | None:
        """Return when the next of this comes, None when nothing more does."""
        if not self.has_begun:
            return self._until
        return None if self.is_over(awake) else self._over_at

    def is_spent(self, started: int) -> bool:
        """Say whether --max-tasks is used up."""
        return self._options.max_tasks is not None and started >= self._options.max_tasks

    def capped(self, room: int, started: int) -> int:
        """Return how many of `room` starts --max-tasks still allows."""
        return room if self._options.max_tasks is None else min(room, self._options.max_tasks - started)

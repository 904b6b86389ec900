"""`ctx`: what a handler sees of its task, and its ways to speak while it runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from bgo.clock import Clock
from bgo.errors import UsageError
from bgo.model import payload
from bgo.run.text import clip
from bgo.run.wire import Frame, StartFrame

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

PROGRESS_EVERY_MS = 100
CHECKPOINT_LIMIT = 1 << 20
"""Largest checkpoint in bytes of canonical JSON, as for inputs and outputs."""
_MESSAGE_LIMIT = 1 << 10
_LOG_LIMIT = 16 << 10
_LEVELS = frozenset({"debug", "info", "warning", "error"})


class CancelRequested(BaseException):
    """Raised by `ctx.check_cancelled()` once a cancel was asked for: let it pass and the task ends as cancelled.

    Not an Exception, so that a handler's `except Exception` does not swallow it.
    """


class TaskContext:
    """One run of one task, as its handler sees it. Methods may be called from any thread of the handler."""

    def __init__(self, start: StartFrame, send: Callable[[Frame], None], clock: Clock) -> None:
        self.task_id = start.task_id
        self.name = start.name
        """The task's name: the handler's, unless it was enqueued under another."""
        self.run = start.run
        """Counts every execution; with `task_id` it is unique for ever, so it can name side effects."""
        self.attempt = start.attempt
        """Counts what the retry policy charges, from 1."""
        self.tags: tuple[str, ...] = tuple(start.tags)
        self.input: dict[str, Any] = start.input
        self.chain: Mapping[str, Any] = start.chain
        """Outputs of earlier steps, by step name."""
        self.argv = start.argv
        self.env = start.env
        self.cwd = start.cwd
        self.schedule = start.schedule
        """The schedule that made it, or the chain or batch it is in, by id; None without one."""
        self._scheduled_for = start.scheduled_for
        self.restored: Any = start.restored
        """What the last `checkpoint` of an earlier run kept, or None."""
        self._workdir = start.workdir
        self._send = send
        self._clock = clock
        self._until_ms = None if start.hard_ms is None else clock.awake_ms() + start.hard_ms
        self._cancelled = False
        self._soft_timed_out = False
        self._on_cancel: Callable[[], object] | None = None
        self._lock = threading.Lock()
        self._fraction = 0.0
        self._message = ""
        self._unsent = False
        self._sent_ms: int | None = None

    def __repr__(self) -> str:
        return f"<ctx of {self.name} {self.task_id}, run {self.run}>"

    @property
    def workdir(self) -> Path:
        """Return a directory of the task's own, made now if need be; kept across attempts, removed at the end."""
        from pathlib import Path  # 3 ms that most tasks need not pay

        path = Path(self._workdir)
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    @property
    def scheduled_for(self) -> datetime | None:
        """Return the logical time of a scheduled task, in UTC: its occurrence, however late it runs; else None."""
        if self._scheduled_for is None:
            return None
        from datetime import UTC, datetime

        return datetime.fromtimestamp(self._scheduled_for / 1000, UTC)

    @property
    def deadline(self) -> float | None:
        """Return the seconds of awake time left until the hard timeout, never below 0; None without one."""
        if self._until_ms is None:
            return None
        return max(0.0, (self._until_ms - self._clock.awake_ms()) / 1000)

    @property
    def cancelled(self) -> bool:
        """Say whether a cancel was asked for: stop soon, or be stopped."""
        return self._cancelled

    @property
    def soft_timed_out(self) -> bool:
        """Say whether the soft timeout has passed: the hard one comes next."""
        return self._soft_timed_out

    def check_cancelled(self) -> None:
        """Raise CancelRequested when a cancel was asked for."""
        if self._cancelled:
            raise CancelRequested(f"task {self.task_id} was cancelled")

    def report_progress(self, fraction: float, message: str = "") -> None:
        """Show how far the task is, 0…1; never goes back. Sent at most ten times a second, the last value always."""
        with self._lock:
            # The old value comes first: max() and min() then drop a NaN.
            self._fraction = min(1.0, max(self._fraction, float(fraction)))
            self._message = clip(str(message), _MESSAGE_LIMIT)
            self._unsent = True
            if self._sent_ms is None or self._clock.awake_ms() - self._sent_ms >= PROGRESS_EVERY_MS:
                self._send_progress()

    def log(self, message: object, level: str = "info") -> None:
        """Add a line to the task's log; `level` is debug, info, warning or error."""
        known = level if level in _LEVELS else "info"
        self._send({"t": "log", "level": known, "message": clip(str(message), _LOG_LIMIT)})

    def checkpoint(self, data: Any) -> None:
        """Keep `data` (any JSON value of at most 1 MiB): the next run of this task finds it as `ctx.restored`."""
        size = len(payload.dump(data, "the checkpoint"))
        if size > CHECKPOINT_LIMIT:
            raise UsageError(
                f"the checkpoint is too large: {size:,} bytes",
                why=f"the limit is {CHECKPOINT_LIMIT:,} bytes of canonical JSON",
                hint="write the data to a file in ctx.workdir and keep its name",
            )
        self._send({"t": "checkpoint", "data": data})

    def _send_progress(self) -> None:
        self._sent_ms = self._clock.awake_ms()
        self._unsent = False
        self._send({"t": "progress", "fraction": self._fraction, "message": self._message})


def flush_progress(ctx: TaskContext) -> None:
    """Send a progress that was held back."""
    if ctx._unsent:
        with ctx._lock:
            if ctx._unsent:
                ctx._send_progress()


def tell_cancelled(ctx: TaskContext) -> None:
    """Let the handler know that a cancel was asked for."""
    ctx._cancelled = True
    wake = ctx._on_cancel
    if wake is not None:
        wake()


def tell_soft_timeout(ctx: TaskContext) -> None:
    """Let the handler know that its soft timeout has passed."""
    ctx._soft_timed_out = True


def on_cancel(ctx: TaskContext, wake: Callable[[], object] | None) -> None:
    """Call `wake`, from another thread, when a cancel is asked for; at once when it already was."""
    ctx._on_cancel = wake
    if wake is not None and ctx._cancelled:
        wake()

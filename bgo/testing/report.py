"""What a drain did: its runs in order, and what is left with the gates that hold it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bgo.clock import to_iso
from bgo.model.outcome import Outcome, TaskError
from bgo.model.plan import Gate, Hold
from bgo.model.state import State
from bgo.model.views import TaskView
from bgo.testing.inline import Performed

SHOWN = 10


@dataclass(frozen=True, slots=True, repr=False)
class DrainedRun:
    """One run: the task as it stood right after it, and the call of its handler."""

    task: TaskView
    call: Performed
    started_at: int
    ended_at: int
    """UTC milliseconds of the test's clock."""

    @property
    def name(self) -> str:
        """Return the task's name."""
        return self.task.task.name

    @property
    def id(self) -> str:
        """Return the task's id."""
        return self.task.id

    @property
    def input(self) -> Any:
        """Return what the task was enqueued with."""
        return self.task.input

    @property
    def attempt(self) -> int:
        """Return which try of the retry policy this was, from 1."""
        return self.task.task.attempt

    @property
    def state(self) -> State:
        """Return the state the task went into: succeeded, failed, cancelled, retrying, or queued again."""
        return self.task.state

    @property
    def outcome(self) -> Outcome:
        """Return how the run ended."""
        return self.call.outcome

    @property
    def output(self) -> Any:
        """Return the task's output; None while it has none."""
        return self.task.output

    @property
    def error(self) -> TaskError | None:
        """Return what went wrong in this run."""
        return self.call.error or (None if self.state is State.SUCCEEDED else self.task.error)

    @property
    def exception(self) -> BaseException | None:
        """Return what the handler raised."""
        return self.call.exception

    @property
    def log(self) -> list[tuple[str, str]]:
        """Return (level, message) of each `ctx.log`."""
        return self.call.log

    def __str__(self) -> str:
        text = f"{self.name} {self.id} run {self.task.task.run}: {self.state} ({self.task.task.reason})"
        return text if self.error is None else f"{text}: {self.error.type}: {self.error.message}"[:300]

    def __repr__(self) -> str:
        return f"<{self}>"


@dataclass(frozen=True, slots=True, repr=False)
class LeftTask:
    """A task that still waits after a drain."""

    task: TaskView

    @property
    def name(self) -> str:
        """Return the task's name."""
        return self.task.task.name

    @property
    def id(self) -> str:
        """Return the task's id."""
        return self.task.id

    @property
    def holds(self) -> tuple[Hold, ...]:
        """Return what holds it, its due time included."""
        return self.task.holds

    @property
    def gates(self) -> tuple[str, ...]:
        """Return the names of the gates that hold it."""
        return tuple(dict.fromkeys(str(hold.gate) for hold in self.holds))

    @property
    def is_due(self) -> bool:
        """Say whether its time has come, so that only gates hold it."""
        return Gate.DUE not in (hold.gate for hold in self.holds)

    def __str__(self) -> str:
        parts = []
        for hold in self.holds:
            if hold.gate is Gate.DUE:
                parts.append(f"due {to_iso(hold.until_ms)} ({hold.holder})")
            else:
                parts.append(f"held by {hold.gate}: {hold.current}; needs {hold.needed}")
        return f"{self.name} {self.id} ({self.task.state}): {'; '.join(parts) or 'nothing holds it'}"

    def __repr__(self) -> str:
        return f"<{self}>"


@dataclass(frozen=True, slots=True, repr=False)
class DrainReport:
    """The result of a drain: iterate over its runs, index them, count them."""

    runs: tuple[DrainedRun, ...]
    held: tuple[LeftTask, ...]
    """Due, and not run: a gate held them."""
    later: tuple[LeftTask, ...]
    """Not due yet: retries, delays, snoozes."""

    def __iter__(self) -> Iterator[DrainedRun]:
        return iter(self.runs)

    def __len__(self) -> int:
        return len(self.runs)

    def __bool__(self) -> bool:
        """Say yes even of no runs: an empty report is still a report."""
        return True

    def __getitem__(self, index: int) -> DrainedRun:
        return self.runs[index]

    def of(self, name: str) -> list[DrainedRun]:
        """Return the runs of tasks of this name, in order."""
        return [run for run in self.runs if run.name == name]

    @property
    def succeeded(self) -> list[DrainedRun]:
        """Return the runs that succeeded."""
        return [run for run in self.runs if run.state is State.SUCCEEDED]

    @property
    def failed(self) -> list[DrainedRun]:
        """Return the runs after which their task had finally failed."""
        return [run for run in self.runs if run.state is State.FAILED]

    @property
    def retried(self) -> list[DrainedRun]:
        """Return the runs after which their task waits for another try."""
        return [run for run in self.runs if run.state is State.RETRYING]

    def check(self) -> DrainReport:
        """Return this report; raise AssertionError with all of it unless every task succeeded and none is left."""
        __tracebackhide__ = True  # pytest shows the test, not this line
        if self.failed or self.held or self.later or any(run.state is State.CANCELLED for run in self.runs):
            raise AssertionError(f"not everything succeeded: {self}")
        return self

    def __str__(self) -> str:
        lines = [f"{len(self.runs)} runs, {len(self.failed)} failed; {len(self.held)} held, {len(self.later)} later"]
        for title, rows in (("ran", self.runs), ("held", self.held), ("later", self.later)):
            lines += [f"  {title:<5} {row}" for row in rows[:SHOWN]]
            if len(rows) > SHOWN:
                lines.append(f"  {title:<5} … and {len(rows) - SHOWN} more")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<drained: {self}>"

"""How a run ended: a closed union, produced by the run floor and judged by `policy.settle`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bgo.model.state import Reason

if TYPE_CHECKING:
    from bgo.model.plan import Hold

JsonObject = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TaskError:
    """What went wrong: `type` is the exception's name, `trace` its text; `kinds` are the names of all its classes,
    so that a retry policy can match a base class without ever importing it."""

    type: str
    message: str
    trace: str = ""
    kinds: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return it as the last line of a traceback says it."""
        return f"{self.type}: {self.message}" if self.message else self.type


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The handler returned."""

    output: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The handler raised or returned a failure. `retry=False` gives up at once whatever the policy says."""

    error: TaskError
    retry: bool = True


@dataclass(frozen=True, slots=True)
class RetryAsked:
    """The handler asked for another try after `after_ms` (None: as the policy says)."""

    after_ms: int | None = None
    error: TaskError | None = None


@dataclass(frozen=True, slots=True)
class Snoozed:
    """The handler put itself off for `after_ms`; no attempt is charged."""

    after_ms: int


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The hard timeout killed the run after `after_ms` of awake time."""

    after_ms: int


@dataclass(frozen=True, slots=True)
class Crashed:
    """The child ended without an answer: by `signal` (>0) or with `exit_code`."""

    exit_code: int | None = None
    signal: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CancelledRun:
    """The run was stopped because a cancel was requested; the child is gone."""

    lost: Hold | None = None
    """The constraint that the device lost, where that is what cancelled it."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The worker died or lost its lease. `started`: the child had reported Started; `rebooted`: the machine had."""

    started: bool
    rebooted: bool = False


@dataclass(frozen=True, slots=True)
class Released:
    """The worker handed the run back: shutdown or device. The child is gone; `started`: it had begun."""

    reason: Reason
    started: bool = True
    lost: Hold | None = None
    """The constraint that the device lost, where that is why."""
    charged: bool = False
    """It costs an attempt, as some platforms have it; what a hand-back costs never ends a task."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The run could not begin: the payload cannot be read, the input does not fit, the directory is gone."""

    error: TaskError


Outcome = Succeeded | Failed | RetryAsked | Snoozed | TimedOut | Crashed | CancelledRun | Lost | Released | Rejected

"""What a handler may return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bgo.model.options import Duration, to_ms

Status = Literal["success", "failure", "retry", "snooze"]


@dataclass(frozen=True, slots=True)
class TaskResult:
    """A handler's answer. Returning a dict means `success(data)`, returning None means `success()`."""

    status: Status
    data: Mapping[str, Any] | None = None
    error: str = ""
    may_retry: bool = True
    after_ms: int | None = None

    @classmethod
    def success(cls, data: Mapping[str, Any] | None = None) -> TaskResult:
        """The work is done; `data` becomes the output."""
        return cls("success", data)

    @classmethod
    def failure(cls, error: str, retry: bool = True) -> TaskResult:
        """The work failed; `retry=False` gives up at once whatever the policy says."""
        return cls("failure", error=error, may_retry=retry)

    @classmethod
    def retry(cls, after: Duration | None = None, error: str = "") -> TaskResult:
        """Try again, after `after` or as the policy says; a task without a policy gets three tries."""
        return cls("retry", error=error, after_ms=None if after is None else to_ms(after, "retry after"))

    @classmethod
    def snooze(cls, after: Duration) -> TaskResult:
        """Not now: run again after `after`, without using up an attempt (at most 1,000 times in a row)."""
        return cls("snooze", after_ms=to_ms(after, "snooze"))

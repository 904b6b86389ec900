"""What travels between a supervisor and a child: the start of a run and its outcome, as JSON and back.

Parent to child: start, soft_timeout, cancel, exit. Child to parent: hello{pid}, and with {task,run} of the run they
speak of: started{}, progress{fraction,message}, log{level,message}, checkpoint{data}, done{outcome}.
"""

from __future__ import annotations

from typing import Any, NamedTuple, assert_never

from bgo.model.handler import Source
from bgo.model.outcome import (
    CancelledRun,
    Crashed,
    Failed,
    Lost,
    Outcome,
    Rejected,
    Released,
    RetryAsked,
    Snoozed,
    Succeeded,
    TaskError,
    TimedOut,
)
from bgo.model.state import Reason
from bgo.run.channel import FRAME_LIMIT, Channel, ChannelClosed, Frame, WireError

__all__ = [
    "FRAME_LIMIT",
    "Channel",
    "ChannelClosed",
    "Frame",
    "StartFrame",
    "WireError",
    "outcome_from",
    "outcome_json",
    "start_from",
    "start_json",
]

Json = dict[str, Any]


class StartFrame(NamedTuple):
    """Everything a child needs to run one task. `hard_ms` and `soft_ms` are awake time from now on.

    A named tuple, because a dataclass of this size costs a starting child a millisecond.
    """

    task_id: str
    run: int
    attempt: int
    name: str
    handler: str
    source: Source
    input: dict[str, Any]
    argv: list[str] | None
    env: dict[str, str] | None
    cwd: str
    tags: list[str]
    soft_ms: int | None
    hard_ms: int | None
    restored: Any
    chain: dict[str, Any]
    workdir: str
    middleware: tuple[Source, ...] = ()
    """Plugins whose middleware stands around every task, the outermost first."""
    layers: int = 0
    """How much middleware its own program is known to put around it."""
    schedule: str | None = None
    """The schedule that made it, or what it is in, by id."""
    scheduled_for: int | None = None
    """The occurrence it was made for: its logical time, UTC milliseconds."""

    @property
    def mark(self) -> str:
        """Return what every process of this run carries in its environment as BGO_RUN."""
        return f"{self.task_id}.{self.run}"


def start_json(start: StartFrame) -> Frame:
    """Return the frame that carries `start`."""
    places = [[s.kind, s.target, s.path, s.function] for s in (start.source, *start.middleware)]
    return {"t": "start", **start._asdict(), "source": places[0], "middleware": places[1:]}


def start_from(frame: Frame) -> StartFrame:
    """Return the StartFrame that a frame carries; raises WireError when it carries none."""
    try:
        fields = dict(frame)
        del fields["t"]
        fields["source"] = Source(*fields["source"])
        fields["middleware"] = tuple(Source(*place) for place in fields.get("middleware", ()))
        return StartFrame(**fields)
    except (KeyError, TypeError) as error:
        raise WireError(f"not a start frame: {error}") from None


def error_json(error: TaskError) -> Json:
    """Return an error as JSON."""
    return {"type": error.type, "message": error.message, "trace": error.trace, "kinds": list(error.kinds)}


def outcome_json(outcome: Outcome) -> Json:
    """Return an outcome as JSON."""
    match outcome:
        case Succeeded(output):
            return {"k": "succeeded", "output": None if output is None else dict(output)}
        case Failed(error, retry):
            return {"k": "failed", "error": error_json(error), "retry": retry}
        case RetryAsked(after_ms, asked_error):
            found = None if asked_error is None else error_json(asked_error)
            return {"k": "retry", "after_ms": after_ms, "error": found}
        case Snoozed(snooze_ms):
            return {"k": "snoozed", "after_ms": snooze_ms}
        case TimedOut(timeout_ms):
            return {"k": "timed_out", "after_ms": timeout_ms}
        case Crashed(exit_code, signal, detail):
            return {"k": "crashed", "exit_code": exit_code, "signal": signal, "detail": detail}
        case CancelledRun():
            return {"k": "cancelled"}
        case Lost(started, rebooted):
            return {"k": "lost", "started": started, "rebooted": rebooted}
        case Released(reason, started):
            return {"k": "released", "reason": str(reason), "started": started}
        case Rejected(error):
            return {"k": "rejected", "error": error_json(error)}
        case _:
            assert_never(outcome)


def _typed(data: Json, key: str, *kinds: type) -> Any:
    """Return a field of one of these exact types: a child may send anything, and True is no number."""
    value = data.get(key)
    if type(value) not in kinds:
        raise WireError(f"outcome: {key} is {type(value).__name__}")
    if type(value) is str and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise WireError(f"outcome: {key} is not text that can be stored") from None
    return value


def _error(data: Json, key: str = "error") -> TaskError:
    found: Json = _typed(data, key, dict)
    kinds = tuple(_typed(found, "kinds", list))
    if not all(type(kind) is str for kind in kinds):
        raise WireError("outcome: kinds are not names")
    return TaskError(_typed(found, "type", str), _typed(found, "message", str), _typed(found, "trace", str), kinds)


def outcome_from(data: Json) -> Outcome:
    """Return the outcome that JSON from the wire describes; raises WireError when it describes none."""
    if type(data) is not dict:
        raise WireError("outcome: not an object")
    none = type(None)
    match data.get("k"):
        case "succeeded":
            return Succeeded(_typed(data, "output", dict, none))
        case "failed":
            return Failed(_error(data), _typed(data, "retry", bool))
        case "retry":
            error = None if data.get("error") is None else _error(data)
            return RetryAsked(_typed(data, "after_ms", int, none), error)
        case "snoozed":
            return Snoozed(_typed(data, "after_ms", int))
        case "timed_out":
            return TimedOut(_typed(data, "after_ms", int))
        case "crashed":
            exit_code, signal = _typed(data, "exit_code", int, none), _typed(data, "signal", int, none)
            return Crashed(exit_code, signal, _typed(data, "detail", str))
        case "cancelled":
            return CancelledRun()
        case "lost":
            return Lost(_typed(data, "started", bool), _typed(data, "rebooted", bool))
        case "released":
            return Released(_reason(data), _typed(data, "started", bool))
        case "rejected":
            return Rejected(_error(data))
        case kind:
            raise WireError(f"outcome: unknown kind {kind!r:.40}")


def _reason(data: Json) -> Reason:
    try:
        return Reason(_typed(data, "reason", str))
    except ValueError:
        raise WireError("outcome: unknown reason") from None

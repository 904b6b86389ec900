"""From a request to a spec: names checked, defaults resolved, the input made canonical. Nothing is written here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from bgo.engine import deadlines
from bgo.errors import UsageError
from bgo.hooks.commandline import default_name, kept_environment
from bgo.model import payload as payloads
from bgo.model.handler import HandlerDefaults, HandlerInfo
from bgo.model.options import (
    NO_CONSTRAINTS,
    PRIORITY_MAX,
    PRIORITY_MIN,
    ConstraintLoss,
    RetryPolicy,
    TaskConstraints,
    TaskQueue,
    TaskTimeout,
    check_name,
    is_whole,
    shown,
)
from bgo.model.specs import constraint_loss
from bgo.model.task import INPUT_LIMIT, TAG_LIMIT, Quotaless, TaskSpec, Wish
from bgo.policy.schema import check_input

if TYPE_CHECKING:
    from bgo.model.limits import ConcurrencyControl, DedupPolicy, RateLimit, Unique
    from bgo.model.window import RelaxStep, ZonedWindow

ARGV_LIMIT = 10_000
LATEST_MS = 16_725_225_600_000
"""The year 2500: what is due later could neither be shown everywhere nor be ordered."""


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asked for, before defaults: None means 'not said'."""

    handler: str
    input: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None
    queue: str | None = None
    priority: int | None = None
    tags: tuple[str, ...] = ()
    due_at: int | None = None
    timeout: TaskTimeout | None = None
    retry: RetryPolicy | None = None
    constraints: TaskConstraints | None = None
    on_loss: ConstraintLoss | None = None
    """Laid over what the constraints themselves say."""
    concurrency: ConcurrencyControl | None = None
    at_most_once: bool | None = None
    rate: RateLimit | None = None
    dedup: DedupPolicy | None = None
    unique: Unique | None = None
    start_before: int | None = None
    finish_before: int | None = None
    window: ZonedWindow | None = None
    window_strict: bool | None = None
    relax: tuple[RelaxStep, ...] | None = None
    expedited: Quotaless | None = None
    foreground: str | None = None
    after: tuple[str, ...] = ()
    argv: tuple[str, ...] | None = None
    env: Mapping[str, str] | None = None
    cwd: str | None = None
    is_part: bool = False
    """The input is not all of it: the rest comes from the chain or batch that it is made for."""


@dataclass(frozen=True, slots=True)
class Draw:
    """What the instant and chance give a new task."""

    id: str
    order: float
    now: int = 0
    """UTC milliseconds."""


def build(request: Request, info: HandlerInfo | None, default_timeout: TaskTimeout, draw: Draw) -> TaskSpec:
    """Return the spec. An option said wins over the handler's default, that over the config.

    `info` is None for a handler that nobody knows yet (--allow-unknown): its input is not checked.
    Raises UsageError naming what does not fit and the accepted form.
    """
    check_name(request.handler, "handler")
    defaults = HandlerDefaults() if info is None else info.defaults
    if info is not None:
        check_input(info, request.input, is_part=request.is_part)
    tags = tuple(dict.fromkeys((*defaults.tags, *(check_name(tag, "tag") for tag in request.tags))))
    if len(tags) > TAG_LIMIT:
        raise UsageError(f"too many tags: {len(tags)}", why=f"a task has at most {TAG_LIMIT}", hint="leave some out")
    name, folder = _name(request, info), _folder(request.cwd)
    deadlines.check(request.start_before, request.finish_before, request.due_at, draw.now)
    wish = _wish(request, defaults, default_timeout)
    deadlines.check_window(wish, request.due_at, draw.now)
    return TaskSpec(
        id=draw.id,
        handler=request.handler,
        input=payloads.dump_object(dict(request.input), "the input", INPUT_LIMIT),
        name=name,
        queue=check_name(request.queue or defaults.queue or TaskQueue.DEFAULT, "queue"),
        priority=_priority(request.priority, defaults),
        tags=tags,
        due_at=instant(request.due_at),
        wish=wish,
        setup=_setup(request, info),
        cwd=folder,
        random_order=draw.order,
        after=tuple(dict.fromkeys(request.after)),
        dedup_key=_dedup_key(request, name, folder),
    )


def _dedup_key(request: Request, name: str, folder: str) -> str | None:
    if request.dedup is None:
        return None
    if request.unique is not None:
        raise UsageError(
            "dedup and unique contradict each other",
            why="both say what happens to a second one of a kind",
            hint="give --dedup to compare inputs, or --unique to name the work",
        )
    from bgo.policy.dedup import key_of

    return key_of(name, request.input, request.dedup, request.argv, folder)


def whole(request: Request, draw: Draw) -> TaskSpec:
    """Return the spec of a chain or batch itself: its name, its input, and what is said of the whole."""
    name, folder = check_name(request.name, "chain"), os.getcwd()
    deadlines.check(request.start_before, None, request.due_at, draw.now)
    return TaskSpec(
        id=draw.id,
        handler="",
        input=payloads.dump_object(dict(request.input), "the input", INPUT_LIMIT),
        name=name,
        queue=check_name(request.queue or TaskQueue.DEFAULT, "queue"),
        tags=tuple(dict.fromkeys(check_name(tag, "tag") for tag in request.tags)),
        due_at=instant(request.due_at),
        wish=Wish(dedup=request.dedup, unique=request.unique, start_before=request.start_before),
        cwd=folder,
        after=tuple(dict.fromkeys(request.after)),
        dedup_key=_dedup_key(request, name, ""),
    )


def again(like: TaskSpec, input: Mapping[str, Any], info: HandlerInfo | None, draw: Draw) -> TaskSpec:
    """Return the spec of another task of the same request, with another input: what bulk enqueueing is made of."""
    if info is not None:
        check_input(info, input)
    return TaskSpec(
        draw.id,
        like.handler,
        payloads.dump_object(dict(input), "the input", INPUT_LIMIT),
        like.name,
        like.queue,
        like.priority,
        like.tags,
        like.due_at,
        like.wish,
        like.setup,
        like.cwd,
        draw.order,
        like.after,
        _same_key(like, input),
    )


def _same_key(like: TaskSpec, input: Mapping[str, Any]) -> str | None:
    if like.wish.dedup is None:
        return None
    from bgo.policy.dedup import key_of

    argv = None if like.setup is None else payloads.load(like.setup)["argv"]
    return key_of(like.name, input, like.wish.dedup, argv, like.cwd)


def _name(request: Request, info: HandlerInfo | None) -> str:
    if request.name is not None:
        return check_name(request.name, "task")
    if request.argv and request.handler == "shell" and info is not None and info.takes_argv:
        return default_name(request.argv)
    return request.handler


def instant(at: int | None, what: str = "a due time") -> int | None:
    """Return an instant in UTC milliseconds, or None. Raises UsageError for one that could not be kept."""
    if at is not None and not is_whole(at, 0, LATEST_MS):
        raise UsageError(
            f"not {what}: {shown(at)}",
            why="it is counted in UTC milliseconds, from 1970 to the year 2500",
            hint="give a datetime, or milliseconds",
        )
    return at


def _priority(said: int | None, defaults: HandlerDefaults) -> int:
    value: object = said if said is not None else defaults.priority or 0
    if isinstance(value, bool) or not isinstance(value, int) or not PRIORITY_MIN <= value <= PRIORITY_MAX:
        raise UsageError(
            f"priority {value!r} is out of range",
            why=f"it runs from {PRIORITY_MIN} to {PRIORITY_MAX}",
            hint="0 is usual",
        )
    return value


def _wish(request: Request, defaults: HandlerDefaults, default_timeout: TaskTimeout) -> Wish:
    constraints = _constraints(request, defaults)
    timeout = request.timeout or defaults.timeout or default_timeout
    once = defaults.at_most_once if request.at_most_once is None else request.at_most_once
    retry = request.retry or defaults.retry or RetryPolicy.NONE
    if once and retry.max_attempts > 1:
        raise UsageError(
            "at-most-once and retries contradict each other",
            why=f"the policy allows {retry.max_attempts} attempts",
            hint="drop --at-most-once, or give --retry none",
        )
    return Wish(
        timeout=timeout,
        retry=retry,
        constraints=constraints,
        concurrency=request.concurrency or defaults.concurrency,
        at_most_once=once,
        rate=request.rate or defaults.rate,
        dedup=request.dedup,
        unique=request.unique,
        start_before=request.start_before,
        finish_before=request.finish_before,
        window=request.window,
        window_strict=_is_strict(request, defaults),
        relax=_relax(request, constraints),
        expedited=_expedited(request),
        foreground=None if request.foreground is None else check_name(request.foreground, "foreground service"),
    )


def _expedited(request: Request) -> Quotaless | None:
    said: object = request.expedited
    if said not in (None, "run", "drop"):
        raise UsageError(
            f"not a policy for expedited work without quota: {shown(said)}",
            why="it is run (as plain work) or drop",
            hint='expedited="run"',
        )
    return request.expedited


def _is_strict(request: Request, defaults: HandlerDefaults) -> bool:
    """Say whether running work is stopped when its window closes."""
    said = defaults.window_strict if request.window_strict is None else request.window_strict
    if not said or request.window is not None:
        return said
    if request.is_part:  # said for all members of a chain or batch, of which this one has no window
        return False
    raise UsageError(
        "window-strict needs window",
        why="it says that running work is stopped when its window closes",
        hint="give --window 9-17@mon-fri as well, or leave it out",
    )


def _constraints(request: Request, defaults: HandlerDefaults) -> TaskConstraints:
    """Return what is asked of the device: an option says its own part, and leaves the handler's others as they are.

    A word on the loss alone is for the constraints that the handler has.
    """
    said, default = request.constraints, defaults.constraints
    found = said or default or NO_CONSTRAINTS if said is None or default is None else said.over(default)
    if request.on_loss is None and found.on_loss is ConstraintLoss.STOP:
        return found
    found = replace(found, on_loss=constraint_loss(request.on_loss or found.on_loss))
    from bgo.policy.loss import can_be_lost  # few say anything of it

    ends = found.on_loss is ConstraintLoss.CANCEL and _is_strict(request, defaults)
    if ends or can_be_lost(found):
        return found
    if request.is_part:  # said for all members of a chain or batch, of which this one asks nothing
        found = replace(found, on_loss=ConstraintLoss.STOP)
        return NO_CONSTRAINTS if found.is_empty else found
    raise UsageError(
        "there is no constraint to lose",
        why="on-constraint-loss says what becomes of a run when the device stops offering what it needs"
        + (", and how busy its processors are counts at the start alone" if found.cpu_below is not None else ""),
        hint="add a constraint such as --charging, or leave it out",
    )


def _relax(request: Request, constraints: TaskConstraints) -> tuple[RelaxStep, ...]:
    if not request.relax or (request.is_part and constraints.is_empty):
        return ()
    from bgo.policy.relax import checked  # most work asks the same for ever

    return checked(constraints, request.relax)


def _setup(request: Request, info: HandlerInfo | None) -> bytes | None:
    """Keep a command line and its environment, for handlers that declare it."""
    takes = info is None or info.takes_argv
    if not request.argv and info is not None and info.takes_argv and info.name == "shell":
        raise UsageError("shell: which command?", why="nothing stands after --", hint="bgo enqueue shell -- ls -l")
    if request.argv is None and request.env is None:
        return None
    if not takes:
        raise UsageError(
            f"{request.handler} takes no command line",
            why="only handlers that declare it take ARGV or --env",
            hint=f"bgo handlers show {request.handler}",
        )
    argv = list(request.argv or ())
    if len(argv) > ARGV_LIMIT or any("\0" in word for word in argv):
        raise UsageError(
            "the command line cannot be kept", why="too many words, or a NUL inside one", hint="use a file"
        )
    setup = {"argv": argv, "env": dict(kept_environment(os.environ) if request.env is None else request.env)}
    return payloads.dump_object(setup, "the command line", INPUT_LIMIT)


def _folder(cwd: str | None) -> str:
    if cwd is None:
        try:
            return os.getcwd()
        except FileNotFoundError:
            raise UsageError("the working directory is gone", hint="cd to one that exists, or give --cwd") from None
    folder = os.path.abspath(os.path.expanduser(cwd))
    if not os.path.isdir(folder):
        raise UsageError(
            f"no such directory: {cwd[:200]!r}", why="the task would have nowhere to run", hint="--cwd DIR"
        )
    return folder

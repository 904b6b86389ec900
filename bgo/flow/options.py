"""The keywords of `flow.enqueue`, and how they become a request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypedDict

from bgo.clock import Clock, from_datetime
from bgo.engine.spec import Request
from bgo.errors import UsageError
from bgo.model import specs
from bgo.model.options import ConstraintLoss, Duration, RetryPolicy, TaskConstraints, TaskTimeout, to_ms

if TYPE_CHECKING:
    from bgo.model.cron import CronSchedule
    from bgo.model.limits import ConcurrencyControl, DedupPolicy, RateLimit, Unique, UniquePolicy
    from bgo.model.schedule import MissedPolicy, Overlap
    from bgo.model.task import Quotaless
    from bgo.model.window import RelaxStep, TimeWindow, ZonedWindow

NOT_YET = frozenset({"encryption"})
"""Keywords that mean something to bgo but are not acted upon by this version; said or not, nothing is ignored."""

NO_WINDOWS: Mapping[str, TimeWindow] = MappingProxyType({})


class EnqueueOptions(TypedDict, total=False):
    """What `flow.enqueue` takes beside the name and the input; everything has a default."""

    queue: str
    priority: int | str
    tags: Iterable[str]
    delay: Duration
    at: datetime | int
    """Not before: an aware datetime (a naive one is local), or UTC milliseconds."""
    timeout: TaskTimeout | Duration | str
    retry: RetryPolicy | str
    constraints: TaskConstraints
    on_constraint_loss: ConstraintLoss | str
    """What becomes of the run when the device stops offering that: `stop` and hand back (the default), `finish`,
    `cancel`."""
    relax: Iterable[RelaxStep | str] | RelaxStep | str
    """What it asks of the device instead as it grows older: `["1d:network=connected", "3d:none"]`."""
    concurrency: ConcurrencyControl | int
    rate_limit: RateLimit | str
    """`RateLimit(10, timedelta(minutes=1))`, a preset, or `"10/1m"`."""
    rate_key: str
    dedup: DedupPolicy | str
    """`DedupPolicy.by_input(ttl=…)`, `.by_fields(…)`, or `"input"`, `"user_id,day"`."""
    dedup_ttl: Duration
    unique_id: str
    unique_policy: UniquePolicy | str
    start_before: datetime | Duration
    """Cancelled (reason expired) if it has not begun by then: an instant, or so long from now."""
    finish_before: datetime | Duration
    window: TimeWindow | str
    """Hours in which it may start: a TimeWindow, `"09:00-17:00@mon-fri"`, `"off-peak"`, or a name of the config."""
    tz: str
    """The zone of the window, such as `"Europe/Berlin"`; the default is that of this computer."""
    expedited: Quotaless | bool
    """It goes before what a device profile would put off, while its quota lasts; without any it runs as plain work
    (`"run"`, or True) or not at all (`"drop"`)."""
    foreground: str
    """The type of foreground service that it runs as under an Android profile: `"dataSync"`."""
    window_strict: bool
    """What runs when the window closes is stopped, and waits for its next opening."""
    after: Iterable[str] | str
    """Ids of tasks that must have succeeded before it may start."""
    as_: str
    """The task's own name; the default is the handler's."""
    cwd: str
    env: Mapping[str, str]
    argv: Iterable[str]
    at_most_once: bool
    allow_unknown: bool


class TimingOptions(TypedDict, total=False):
    """When a schedule fires and what becomes of an occurrence that meets trouble; one of the first three is needed."""

    interval: Duration | str
    """Every so long, from `start` on (default: now)."""
    cron: CronSchedule | str
    """`CronSchedule.daily_at(hour=9)`, `"0 9-17 * * 1-5"`, `"@daily"`."""
    reboot: bool
    """Once each time the computer has started."""
    jitter: Duration | str
    """Fire up to so much later, by an amount that follows from the occurrence."""
    missed: MissedPolicy | str
    """For occurrences for which no worker was there: `one` (the default), `skip`, `skip:15m`, `all`, `all:500`."""
    overlap: Overlap | str
    """While an earlier one is unfinished: `skip` (the default; with `missed="all"`: queue), queue, replace, allow."""
    start: datetime | int | str
    end: datetime | int | str
    """Texts are read as on the command line: `interval="1h"`, `start="tomorrow 9:00"` (in the schedule's zone)."""
    max_runs: int
    pause_after: int
    """Pause after so many failures in a row."""


_KNOWN = frozenset(EnqueueOptions.__annotations__)


def check_keywords(options: Mapping[str, Any]) -> None:
    """Raise UsageError for a keyword that this version does not act upon, or does not know."""
    for name in options:
        if name in NOT_YET:
            raise UsageError(
                f"{name} is not available in this version",
                why="nothing would act upon it, and an option that does nothing would be a lie",
                hint="leave it out",
            )
        if name not in _KNOWN:
            from difflib import get_close_matches

            near = get_close_matches(name, _KNOWN, 1)
            raise UsageError(
                f"there is no option {name!r}",
                why="what is not known would be passed over in silence",
                hint=f"did you mean {near[0]}?" if near else "inputs go into input={…}",
            )


def to_request(
    handler: str,
    input: Mapping[str, Any],
    options: EnqueueOptions,
    clock: Clock,
    windows: Mapping[str, TimeWindow] = NO_WINDOWS,
) -> Request:
    """Return the request that the keywords mean, its due time settled; `windows` are those that the config names."""
    check_keywords(options)
    tags = options.get("tags", ())
    if isinstance(tags, str):
        raise UsageError(f"tags is one string: {tags!r}", hint=f"tags=[{tags!r}]")
    argv = options.get("argv")
    return Request(
        handler=handler,
        input=input,
        name=options.get("as_"),
        queue=options.get("queue"),
        priority=_priority(options.get("priority")),
        tags=tuple(tags),
        due_at=_due(options, clock),
        timeout=_timeout(options.get("timeout")),
        retry=_retry(options.get("retry")),
        constraints=options.get("constraints"),
        relax=_relax(options.get("relax")),
        on_loss=_on_loss(options.get("on_constraint_loss")),
        concurrency=_concurrency(options.get("concurrency")),
        at_most_once=options.get("at_most_once"),
        rate=_rate(options),
        dedup=_dedup(options),
        unique=_unique(options),
        start_before=_deadline(options.get("start_before"), "start_before", clock),
        finish_before=_deadline(options.get("finish_before"), "finish_before", clock),
        window=_window(options, windows),
        window_strict=options.get("window_strict"),
        expedited=_expedited(options.get("expedited")),
        foreground=options.get("foreground") or None,
        after=_after(options.get("after", ())),
        argv=None if argv is None else tuple(argv),
        env=options.get("env"),
        cwd=options.get("cwd"),
    )


def _expedited(said: Quotaless | bool | None) -> Quotaless | None:
    return "run" if said is True else said or None


def _due(options: EnqueueOptions, clock: Clock) -> int | None:
    delay, at = options.get("delay"), options.get("at")
    if delay is not None and at is not None:
        raise UsageError("delay and at contradict each other", why="both say when", hint="give one of them")
    if delay is not None:
        return clock.now_ms() + to_ms(delay, "delay")
    if isinstance(at, datetime):
        return from_datetime(at)
    return at


def _priority(value: int | str | None) -> int | None:
    return specs.priority(value) if isinstance(value, str) else value


def _timeout(value: TaskTimeout | Duration | str | None) -> TaskTimeout | None:
    if value is None or isinstance(value, TaskTimeout):
        return value
    return specs.timeout(value) if isinstance(value, str) else TaskTimeout.hard_only(value)


def _retry(value: RetryPolicy | str | None) -> RetryPolicy | None:
    return specs.retry(value) if isinstance(value, str) else value


def _relax(steps: Iterable[RelaxStep | str] | RelaxStep | str | None) -> tuple[RelaxStep, ...] | None:
    if steps is None:
        return None
    from bgo.model.window import RelaxStep

    given = (steps,) if isinstance(steps, (str, RelaxStep)) else tuple(steps)
    return tuple(specs.relax(step) if isinstance(step, str) else step for step in given)


def _on_loss(value: ConstraintLoss | str | None) -> ConstraintLoss | None:
    return None if value is None else specs.constraint_loss(value)


def _concurrency(value: ConcurrencyControl | int | None) -> ConcurrencyControl | None:
    if not isinstance(value, int):
        return value
    from bgo.model.limits import ConcurrencyControl

    return ConcurrencyControl(value)


def _rate(options: EnqueueOptions) -> RateLimit | None:
    limit, key = options.get("rate_limit"), options.get("rate_key")
    if limit is None:
        _needs(key, "rate_key", "rate_limit", "a key alone limits nothing")
        return None
    if isinstance(limit, str):
        return specs.rate(limit, key)
    if key is None:
        return limit
    from bgo.model.limits import RateLimit

    return RateLimit(limit.max_executions, timedelta(milliseconds=limit.window_ms), key)


def _dedup(options: EnqueueOptions) -> DedupPolicy | None:
    policy, ttl = options.get("dedup"), options.get("dedup_ttl")
    if policy is None:
        _needs(ttl, "dedup_ttl", "dedup", "it says how long equal work counts as the same")
        return None
    if isinstance(policy, str):
        policy = specs.dedup(policy)
    return policy if ttl is None else replace(policy, ttl_ms=to_ms(ttl, "dedup ttl", minimum=1))


def _unique(options: EnqueueOptions) -> Unique | None:
    name, policy = options.get("unique_id"), options.get("unique_policy")
    if name is None:
        _needs(policy, "unique_policy", "unique_id", "it says what happens when the id is taken")
        return None
    return specs.unique(name, policy)


def _window(options: EnqueueOptions, named: Mapping[str, TimeWindow]) -> ZonedWindow | None:
    window, tz = options.get("window"), options.get("tz")
    if window is None:
        _needs(tz, "tz", "window", "it says by whose clocks a window is read")
        return None
    from bgo.flow.windows import zoned  # most work may start at any hour

    return zoned(window, tz, named)


def _needs(value: object, option: str, other: str, why: str) -> None:
    if value is not None:
        raise UsageError(f"{option} needs {other}", why=why, hint=f"give {other} as well, or leave {option} out")


def _deadline(value: datetime | Duration | None, what: str, clock: Clock) -> int | None:
    if value is None:
        return None
    return from_datetime(value) if isinstance(value, datetime) else clock.now_ms() + to_ms(value, what, minimum=1)


def _after(ids: Iterable[str] | str) -> tuple[str, ...]:
    return (ids,) if isinstance(ids, str) else tuple(ids)


def overlaid(base: Request, over: Request) -> Request:
    """Return `base` with everything that `over` says laid over it; what `over` leaves open stays as it was."""
    said = {f.name: value for f in fields(over) if (value := getattr(over, f.name)) is not None and value != ()}
    asked = over.constraints
    if asked is not None and base.constraints is not None:
        said["constraints"] = asked.over(base.constraints)
    if asked is not None and asked.is_empty:  # all is taken back: nothing is left to relax or to lose
        said |= {"relax": over.relax, "on_loss": over.on_loss}
    elif asked is not None and asked.on_loss is not ConstraintLoss.STOP:
        said.setdefault("on_loss", asked.on_loss)
    return replace(base, **said)

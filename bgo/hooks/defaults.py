"""The options a handler may declare for its tasks, and how they become `HandlerDefaults`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypedDict

from bgo.errors import UsageError
from bgo.model.handler import HandlerDefaults
from bgo.model.limits import ConcurrencyControl, RateLimit
from bgo.model.options import (
    NAME,
    PRIORITY_MAX,
    PRIORITY_MIN,
    PRIORITY_NAMES,
    TIMEOUT_PRESETS,
    Duration,
    RetryPolicy,
    TaskConstraints,
    TaskTimeout,
    check_name,
)

if TYPE_CHECKING:
    from bgo.model.window import TimeWindow


class HandlerOptions(TypedDict, total=False):
    """What `@task(…)` and `register(name, fn, …)` accept beside the name."""

    timeout: TaskTimeout | Duration | str | None
    """A TaskTimeout, a preset's name, or the hard limit as seconds or a timedelta (it warns at 80 %)."""
    retry: RetryPolicy | None
    queue: str | None
    priority: int | str | None
    tags: Iterable[str]
    constraints: TaskConstraints | None
    concurrency: ConcurrencyControl | int | None
    rate: RateLimit | str | None
    """A RateLimit, a preset's name, or `"10/1m"`."""
    window: TimeWindow | str | None
    """A TimeWindow, `"09:00-17:00@mon-fri"`, `"off-peak"`, or a name of the config."""
    tz: str | None
    """The window's zone; the default is that of who queues the task."""
    window_strict: bool
    """What runs when the window closes is stopped, and waits for its next opening."""
    at_most_once: bool
    takes_argv: bool
    """ARGV after `--` is for this handler, as `ctx.argv`."""


_ACCEPTED = tuple(HandlerOptions.__annotations__)


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse an option that no handler knows, naming the nearest one."""
    for name in options:
        if name not in _ACCEPTED:
            import difflib

            near = difflib.get_close_matches(name, _ACCEPTED, 1)
            raise UsageError(
                f"unknown handler option: {name!r}",
                why=f"a handler takes {', '.join(_ACCEPTED)}",
                hint=f"did you mean {near[0]!r}?" if near else "leave it out",
            )


def defaults_from(options: Mapping[str, Any]) -> HandlerDefaults:
    """Return the declared options as checked values."""
    check_options(options)
    given = {name: value for name, value in options.items() if value is not None}
    queue = given.get("queue")
    return HandlerDefaults(
        timeout=_timeout(given["timeout"]) if "timeout" in given else None,
        retry=_instance(given, "retry", RetryPolicy, "RetryPolicy.exponential(max_attempts=3)"),
        queue=None if queue is None else check_name(queue, "queue"),
        priority=_priority(given["priority"]) if "priority" in given else None,
        tags=_tags(given.get("tags", ())),
        constraints=_instance(given, "constraints", TaskConstraints, "TaskConstraints(requires_charging=True)"),
        concurrency=_concurrency(given["concurrency"]) if "concurrency" in given else None,
        at_most_once=bool(given.get("at_most_once", False)),
        rate=_rate(given["rate"]) if "rate" in given else None,
        window=_window(given["window"]) if "window" in given else None,
        tz=_zone(given) if "tz" in given else None,
        window_strict=_strict(given),
    )


def _timeout(value: Any) -> TaskTimeout:
    if isinstance(value, TaskTimeout):
        return value
    if isinstance(value, (int, float, timedelta)) and not isinstance(value, bool):
        return TaskTimeout.hard_only(value)
    if isinstance(value, str) and value in TIMEOUT_PRESETS:
        return TIMEOUT_PRESETS[value]
    raise UsageError(
        f"not a timeout: {value!r}",
        why=f"a preset ({', '.join(TIMEOUT_PRESETS)}), seconds, a timedelta or a TaskTimeout",
        hint="timeout='extended' or timeout=TaskTimeout(soft=30, hard=60)",
    )


def _priority(value: Any) -> int:
    number = PRIORITY_NAMES.get(value) if isinstance(value, str) else value
    if not isinstance(number, int) or isinstance(number, bool) or not PRIORITY_MIN <= number <= PRIORITY_MAX:
        raise UsageError(
            f"not a priority: {value!r}",
            why=f"a number from {PRIORITY_MIN} to {PRIORITY_MAX}, or {', '.join(PRIORITY_NAMES)}",
            hint="priority=10",
        )
    return number


def _tags(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        raise UsageError(f"tags is one string: {value!r}", hint=f"tags=[{value!r}]")
    return tuple(dict.fromkeys(check_name(tag, "tag") for tag in value))


def _concurrency(value: Any) -> ConcurrencyControl:
    if isinstance(value, int):
        return ConcurrencyControl(value)
    if isinstance(value, ConcurrencyControl):
        return value
    raise UsageError(f"not a concurrency limit: {value!r}", hint="concurrency=3 or ConcurrencyControl(3, key='disk')")


def _rate(value: Any) -> RateLimit:
    if isinstance(value, str):
        from bgo.model.specs import rate  # its grammar is for those who write it

        return rate(value)
    if isinstance(value, RateLimit):
        return value
    raise UsageError(f"not a rate: {value!r:.100}", hint="rate='10/1m' or RateLimit(10, 60, key='api')")


def _window(value: Any) -> str:
    """Return a window's text: a name may stand in the config of who queues the task, hours are read here."""
    from bgo.model.window import TimeWindow

    if isinstance(value, TimeWindow):
        return value.written
    if not isinstance(value, str):
        raise UsageError(f"not a window: {value!r:.100}", hint="window='9-17@mon-fri' or TimeWindow.OFF_PEAK")
    if NAME.fullmatch(value):
        return value
    from bgo.model.window_words import window

    return window(value).written


def _strict(given: Mapping[str, Any]) -> bool:
    value = given.get("window_strict", False)
    if not isinstance(value, bool):
        raise UsageError(f"window_strict is yes or no: {value!r:.100}", hint="window_strict=True")
    if value and "window" not in given:
        why = "it says that running work is stopped when its window closes"
        raise UsageError("window_strict needs window", why=why, hint="window='off-peak'")
    return value


def _zone(given: Mapping[str, Any]) -> str:
    name = given["tz"]
    if "window" not in given:
        raise UsageError("tz needs window", why="it says by whose clocks a window is read", hint="window='off-peak'")
    if not isinstance(name, str):
        raise UsageError(f"not a time zone: {name!r:.100}", hint="tz='Europe/Berlin'")
    from bgo import zones

    zones.zone(name)
    return name


def _instance(given: Mapping[str, Any], name: str, kind: type[Any], example: str) -> Any:
    value = given.get(name)
    if value is not None and not isinstance(value, kind):
        raise UsageError(f"{name} is not a {kind.__name__}: {value!r}", hint=f"{name}={example}")
    return value

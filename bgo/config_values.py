"""Judging configured values: each is returned as its setting wants it, or refused with the reason and a remedy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bgo.errors import BgoError, ConfigError
from bgo.model.hooks import HOOKS, commands
from bgo.model.limits import ConcurrencyControl, NamedLimit, check_key
from bgo.model.options import QUEUE_WEIGHTS, check_name
from bgo.model.specs import RATE_FORMS, TIMEOUT_FORMS, rate, timeout
from bgo.model.words import DAY_MS, did_you_mean, duration_ms, size_bytes

if TYPE_CHECKING:
    from bgo.model.window import TimeWindow


class _Wrong(Exception):
    """Why a value is not usable; `hint` says what would be."""

    def __init__(self, why: str, hint: str = "") -> None:
        super().__init__(why)
        self.why, self.hint = why, hint


def check(key: str, raw: Any, origin: str) -> Any:
    """Return a raw value as its setting wants it; raise ConfigError naming the origin, the reason and a remedy."""
    try:
        return CHECKS[key](raw)
    except _Wrong as wrong:
        why, hint = wrong.why, wrong.hint
    except BgoError as error:
        why, hint = error.why or error.message, error.hint
    hint = hint or f"mend it, or leave {key} out for its default"
    said = f"[{key}]" if isinstance(raw, dict) else f"{key} = {_shown(raw)}"
    raise ConfigError(f"{origin}: {said} is not usable", why=why, hint=hint) from None


def _shown(raw: Any) -> str:
    text = repr(raw)
    return text if len(text) <= 80 else text[:79] + "…"


def _text(raw: Any) -> str:
    if not isinstance(raw, str) or not raw or not raw.isprintable():
        raise _Wrong("it must be a text", "write it in quotes")
    return raw


def _store(raw: Any) -> str:
    path = _text(raw)
    if "://" in path or path == ":memory:":
        raise _Wrong("a store is a file of this computer", "give a path, such as ~/bgo/tasks.db")
    return path


def _number(low: float, high: float, kind: type[int] | type[float] = float) -> Callable[[Any], float]:
    def read(raw: Any) -> float:
        try:
            if isinstance(raw, bool) or (kind is int and isinstance(raw, float)) or len(str(raw)) > 30:
                raise ValueError
            value = kind(raw)
        except (TypeError, ValueError):
            raise _Wrong(
                f"it must be {'a whole number' if kind is int else 'a number'} from {low:,} to {high:,}"
            ) from None
        if not low <= value <= high:
            raise _Wrong(f"it must lie between {low:,} and {high:,}")
        return value

    return read


def _days(raw: Any) -> int:
    return round(_number(0, 36_500)(raw) * DAY_MS)


def _bytes(raw: Any) -> int:
    return size_bytes(raw) if isinstance(raw, str) else int(_number(1 << 20, 1 << 62, int)(raw))


def _timeout(raw: Any) -> str:
    word = _text(raw)
    try:
        timeout(word)
    except BgoError as error:
        raise _Wrong(error.why or "it is no timeout", f"try {TIMEOUT_FORMS}") from None
    return word


def _synchronous(raw: Any) -> str:
    word = str(raw).lower()
    if word not in {"full", "normal"}:
        why = "off would lose acknowledged tasks in a power cut" if word in {"off", "false"} else "there are two levels"
        raise _Wrong(why, "full keeps every acknowledged task; normal may lose the last ones in a power cut")
    return word


def _sensors(raw: Any) -> str:
    from bgo.devices import names  # few say whose

    word = _text(raw)
    if not names.is_right(word):
        raise _Wrong("it names no device", names.FORMS)
    return word


def _assume(raw: Any) -> dict[str, str]:
    from bgo.devices import signals

    def word(name: str) -> Callable[[Any], str]:
        def read(value: Any) -> str:
            signals.assumed({name: _text(value)})
            return str(value)

        return read

    return {name: _part(name, word(name), value) for name, value in _table(raw).items()}


def _flag(raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise _Wrong("it must be true or false")
    return raw


def _texts(raw: Any) -> tuple[str, ...]:
    if not isinstance(raw, list):
        raise _Wrong("it must be a list of texts", 'write ["a", "b"]')
    return tuple(_text(item) for item in raw)


def _table(raw: Any) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise _Wrong("it must be a table", "write [NAME] and its keys below")
    return raw


def _overrides(raw: Any) -> dict[str, str]:
    return {check_name(name, "handler"): _text(plugin) for name, plugin in _flat(_table(raw)).items()}


def _flat(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return `files.hash = "x"` under the name the user meant: TOML reads the dot as a table."""
    found: dict[str, Any] = {}
    for name, value in table.items():
        found |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return found


_QUEUE = {
    "weight": _number(0.001, 1_000_000),
    "reserve": _number(0, 1000, int),
    "slots": _number(1, 1_000_000, int),
}


def _queues(raw: Any) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, row in _table(raw).items():
        check_name(name, "queue")
        for key in _table(row):
            if key not in _QUEUE:
                hint = "a queue has weight, reserve and slots"
                raise _Wrong(f"{name}.{key} is unknown; {did_you_mean(key, _QUEUE)}", hint)
        if "weight" not in row and name not in QUEUE_WEIGHTS:
            raise _Wrong(f"queue {name} has no weight", f"[queues.{name}] weight = 1")
        found[name] = {"weight": None} | {key: _part(f"{name}.{key}", _QUEUE[key], value) for key, value in row.items()}
    return found


def _part(where: str, read: Callable[[Any], Any], raw: Any) -> Any:
    """Return a value of a table; what is wrong with it is said with its place in the table."""
    try:
        return read(raw)
    except _Wrong as wrong:
        raise _Wrong(f"{where} = {_shown(raw)}: {wrong.why}", wrong.hint) from None
    except BgoError as error:
        raise _Wrong(f"{where} = {_shown(raw)}: {error.why or error.message}", error.hint) from None


def _at_once(raw: Any) -> int:
    return ConcurrencyControl(raw).max_concurrent


def _starts(raw: Any) -> Any:
    if not isinstance(raw, str):
        raise _Wrong("it must be a text", f"try {RATE_FORMS}")
    return rate(raw)


_LIMIT: dict[str, Callable[[Any], Any]] = {"concurrency": _at_once, "rate": _starts}


def _limits(raw: Any) -> dict[str, NamedLimit]:
    found: dict[str, NamedLimit] = {}
    for name, row in _table(raw).items():
        check_key(name, "limits")
        example = f'[limits.{name}] concurrency = 3, or rate = "10/1m"'
        if not isinstance(row, dict) or not row:
            raise _Wrong(f"{name} names no limit", example)
        for key, value in row.items():
            if isinstance(value, dict):
                raise _Wrong(f"{name}.{key} is a table", f'a key with a dot stands in quotes: [limits."{name}.{key}"]')
            if key not in _LIMIT:
                raise _Wrong(
                    f"{name}.{key} is unknown; {did_you_mean(key, _LIMIT)}", "a limit has concurrency and rate"
                )
        said = {key: _part(f"{name}.{key}", _LIMIT[key], value) for key, value in row.items()}
        found[name] = NamedLimit(name, said.get("concurrency"), said.get("rate"))
    return found


def _hours(raw: Any) -> TimeWindow:
    from bgo.model.window_words import WINDOW_FORMS, window  # few configs have windows, and every command reads them

    if not isinstance(raw, str):
        raise _Wrong("it must be a text", WINDOW_FORMS)
    return window(raw)


def _windows(raw: Any) -> dict[str, TimeWindow]:
    from bgo.model.window_words import PRESETS

    found: dict[str, TimeWindow] = {}
    for name, value in _flat(_table(raw)).items():
        check_name(name, "window")
        if name in PRESETS:
            raise _Wrong(f"{name} is {PRESETS[name].told}, everywhere", "take another name for your own hours")
        found[name] = _part(name, _hours, value)
    return found


def _hook_timeout(raw: Any) -> int:
    ms = duration_ms(raw, minimum=1) if isinstance(raw, str) else round(_number(0.001, 3600)(raw) * 1000)
    if ms > 3_600_000:
        raise _Wrong("it must be an hour at most")
    return ms


CHECKS: dict[str, Callable[[Any], Any]] = {
    "store": _store,
    "profile": _text,
    "slots": _number(1, 1000, int),
    "lease_s": _number(1, 3600),
    "kill_grace_s": _number(0, 3600),
    "default_timeout": _timeout,
    "synchronous": _synchronous,
    "poll_ms": _number(10, 60_000, int),
    "sensors": _sensors,
    "idle_after_s": _number(1, 86_400),
    "assume": _assume,
    "color": _flag,
    "plugins.paths": _texts,
    "plugins.allow": _texts,
    "plugins.enabled": _flag,
    "plugins.required": _texts,
    "plugins.overrides": _overrides,
    "queues": _queues,
    "limits": _limits,
    "windows": _windows,
    "retention.days": _days,
    "retention.failed_days": _days,
    "retention.rows": _number(0, 1 << 40, int),
    "retention.bytes": _bytes,
    "hooks.timeout": _hook_timeout,
    **{f"hooks.{hook}": commands for hook in HOOKS},
}

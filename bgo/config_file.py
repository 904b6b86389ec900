"""Reading config.toml and judging its values; loaded only where something is configured."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from bgo.errors import BgoError, ConfigError
from bgo.model.options import check_name
from bgo.model.specs import TIMEOUT_FORMS, timeout
from bgo.model.words import DAY_MS, did_you_mean, size_bytes

Found = dict[str, tuple[Any, str]]


class _Wrong(Exception):
    """Why a value is not usable; `hint` says what would be."""

    def __init__(self, why: str, hint: str = "") -> None:
        super().__init__(why)
        self.why, self.hint = why, hint


def read_file(path: str) -> Found:
    """Return the keys of a config file with their places; raise ConfigError for unreadable files and unknown keys."""
    import tomllib

    try:
        with open(path, "rb") as file:
            text = file.read().decode("utf-8")
        data = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(
            f"cannot read {path}",
            why=error.strerror or str(error),
            hint="name another file with --config or BGO_CONFIG",
        ) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} is not TOML", why=str(error), hint=f"mend it, or move it away: {path}") from None
    found: Found = {}
    for key, value in data.items():
        if key in _SECTIONS and isinstance(value, dict):
            found |= {f"{key}.{name}": (item, _place(path, text, f"{key}.{name}")) for name, item in value.items()}
        else:
            found[key] = (value, _place(path, text, key))
    for key, (value, place) in found.items():
        if key not in CHECKS:
            raise _unknown(key, place, CHECKS)
        if key in {"store", "plugins.paths", "plugins.required"}:
            found[key] = (_beside(path, value), place)
    return found


def _beside(path: str, value: Any) -> Any:
    """Return file names of a config file as it means them: relative to itself, never to the working directory."""
    if isinstance(value, list):
        return [_beside(path, item) if isinstance(item, str) and _is_file(item) else item for item in value]
    if not isinstance(value, str) or "://" in value or not value:
        return value
    return os.path.join(os.path.dirname(path), os.path.expanduser(value))


def _is_file(word: str) -> bool:
    return word.endswith(".py") or os.sep in word


def _unknown(key: str, place: str, known: Mapping[str, Any]) -> ConfigError:
    return ConfigError(
        f"{place}: unknown key {key!r:.80}",
        why=did_you_mean(key, known) or "bgo knows no such setting",
        hint="bgo config show lists all keys",
    )


_HEADER = re.compile(r"\s*\[+\s*([^\]]*?)\s*\]+")
_KEY = re.compile(r"\s*([\w\"'.\-]+(?:\s*\.\s*[\w\"'\-]+)*)\s*=")


def _place(path: str, text: str, dotted: str) -> str:
    """Return `file:line` of a key, or of its section's header; TOML parsers do not tell."""
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            section = re.sub(r"[\s\"']", "", header[1])
            if section == dotted or section.startswith(f"{dotted}."):
                return f"{path}:{number}"
        elif key := _KEY.match(line):
            name = re.sub(r"[\s\"']", "", key[1])
            if f"{section}.{name}".strip(".") == dotted:
                return f"{path}:{number}"
    return f"{path}:1"


def check(key: str, raw: Any, origin: str) -> Any:
    """Return a raw value as its setting wants it; raise ConfigError naming the origin, the reason and a remedy."""
    try:
        return CHECKS[key](raw)
    except _Wrong as wrong:
        why, hint = wrong.why, wrong.hint
    except BgoError as error:
        why, hint = error.why or error.message, error.hint
    hint = hint or f"mend it, or leave {key} out for its default"
    raise ConfigError(f"{origin}: {key} = {_shown(raw)} is not usable", why=why, hint=hint) from None


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
        raise _Wrong("a store is a file of this computer", "give a path, such as ~/work/bgo.db")
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


_QUEUE = {"weight": _number(0.001, 1_000_000), "reserve": _number(0, 1000, int)}


def _queues(raw: Any) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for name, row in _table(raw).items():
        check_name(name, "queue")
        for key in _table(row):
            if key not in _QUEUE:
                raise _Wrong(f"{name}.{key} is unknown; {did_you_mean(key, _QUEUE)}", "a queue has weight and reserve")
        if "weight" not in row:
            raise _Wrong(f"queue {name} has no weight", f"[queues.{name}] weight = 1")
        found[name] = {key: _QUEUE[key](value) for key, value in row.items()}
    return found


_SECTIONS = frozenset({"plugins", "retention"})
CHECKS: dict[str, Callable[[Any], Any]] = {
    "store": _store,
    "profile": _text,
    "slots": _number(1, 1000, int),
    "lease_s": _number(1, 3600),
    "kill_grace_s": _number(0, 3600),
    "default_timeout": _timeout,
    "synchronous": _synchronous,
    "poll_ms": _number(10, 60_000, int),
    "color": _flag,
    "plugins.paths": _texts,
    "plugins.allow": _texts,
    "plugins.enabled": _flag,
    "plugins.required": _texts,
    "plugins.overrides": _overrides,
    "queues": _queues,
    "retention.days": _days,
    "retention.failed_days": _days,
    "retention.rows": _number(0, 1 << 40, int),
    "retention.bytes": _bytes,
}

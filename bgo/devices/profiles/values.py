"""The values of a profile's keys: read strictly, and written again as they are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

from bgo.devices.profiles.schema import NONE, Key, Kind
from bgo.errors import UsageError
from bgo.model.options import shown
from bgo.model.words import DAY_MS, did_you_mean, duration_ms, size_bytes, span

MAX_WHOLE = 1_000_000
EXAMPLES: dict[Kind, str] = {
    "duration": '"15m"',
    "size": '"10 KiB"',
    "whole": "15",
    "number": "2.0",
    "flag": "true",
    "text": '"…"',
    "words": '["charging"]',
    "set": '["charging"]',
    "durations": '["12h", "24h"]',
    "range": "[1, 4]",
    "signal": '"yes"',
}


def read(name: str, key: Key, raw: Any) -> Any:
    """Return a value as the model keeps it, None for `none`. Raises UsageError with the reason and an example."""
    if raw == NONE and key.is_optional:
        return None
    try:
        return _READERS[key.kind](raw, key)
    except UsageError as error:
        hint = f"write {name} = {EXAMPLES[key.kind]}" + (f', or "{NONE}"' if key.is_optional else "")
        why = error.why or error.message
        raise UsageError(f"{name} = {_raw(raw)} is not usable", why=why, hint=error.hint or hint) from None


def _raw(raw: Any) -> str:
    return {True: "true", False: "false"}[raw] if isinstance(raw, bool) else shown(raw)


def _wrong(why: str, hint: str = "") -> UsageError:
    return UsageError("not usable", why=why, hint=hint)


def _united(raw: Any, what: str, example: str) -> str:
    """Return a text that says its unit; a bare number would be read differently by different people."""
    if isinstance(raw, (int, float)) and not isinstance(raw, bool):
        raise _wrong(f"{what} needs a unit, in quotes", f"write {_with_unit(str(raw), what)}")
    if not isinstance(raw, str):
        raise _wrong(f"{what} is a text in quotes", f"write {example}")
    if re.fullmatch(r"\s*[0-9.]+\s*", raw, re.ASCII):
        raise _wrong(f"{what} needs a unit", f"write {_with_unit(raw.strip(), what)}")
    return raw


def _with_unit(number: str, what: str) -> str:
    """Return what may be meant by a bare number."""
    return f'"{number}s" or "{number}m"' if what == "a duration" else f'"{number} KiB" or "{number} MiB"'


def _duration(raw: Any, _key: Key) -> int:
    return _milliseconds(_united(raw, "a duration", EXAMPLES["duration"]))


def _milliseconds(text: str) -> int:
    try:
        return duration_ms(text)
    except UsageError as error:
        raise _wrong(error.why) from None


def _size(raw: Any, _key: Key) -> int:
    try:
        return size_bytes(_united(raw, "a size", EXAMPLES["size"]))
    except UsageError as error:
        raise _wrong(error.why) from None


def _whole(raw: Any, _key: Key) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int):
        raise _wrong("it must be a whole number, without quotes")
    if not 0 <= raw <= MAX_WHOLE:
        raise _wrong(f"it must lie between 0 and {MAX_WHOLE:,}")
    return raw


def _number(raw: Any, _key: Key) -> float:
    if isinstance(raw, bool) or not isinstance(raw, (int, float)) or not 0 <= raw <= MAX_WHOLE:
        raise _wrong(f"it must be a number from 0 to {MAX_WHOLE:,}, without quotes")
    return float(raw)


def _flag(raw: Any, _key: Key) -> bool:
    if not isinstance(raw, bool):
        raise _wrong("it must be true or false, without quotes")
    return raw


def _text(raw: Any, key: Key) -> str:
    if not isinstance(raw, str) or not raw.isprintable() or len(raw) > 1000:
        raise _wrong("it must be one line of text, in quotes")
    if key.choices and raw not in key.choices:
        near = did_you_mean(raw, key.choices)
        raise _wrong(near or "there is no such choice", f"it is one of {', '.join(key.choices)}")
    return raw


def _signal(raw: Any, key: Key) -> str:
    """Return what a script would say: `yes` for true, `80` for 80."""
    if isinstance(raw, bool):
        return "yes" if raw else "no"
    return str(raw) if isinstance(raw, int) else _text(raw, key)


def _list(raw: Any, of: str) -> list[Any]:
    if not isinstance(raw, list):
        raise _wrong(f"it must be a list of {of}, in square brackets")
    return raw


def _words(raw: Any, _key: Key) -> tuple[str, ...]:
    words = _list(raw, "texts")
    if not all(isinstance(word, str) and word and word.isprintable() for word in words):
        raise _wrong("each of them must be a text, in quotes")
    if len(set(words)) < len(words):
        raise _wrong("one of them stands there twice")
    return tuple(words)


def _durations(raw: Any, key: Key) -> tuple[int, ...]:
    return tuple(_duration(each, key) for each in _list(raw, "durations"))


def _range(raw: Any, key: Key) -> tuple[int, int]:
    numbers = [_whole(each, key) for each in _list(raw, "two numbers")]
    if len(numbers) != 2 or numbers[0] > numbers[1]:
        raise _wrong("it must be two whole numbers, the least and the most")
    return numbers[0], numbers[1]


_READERS: dict[Kind, Callable[[Any, Key], Any]] = {
    "duration": _duration,
    "size": _size,
    "whole": _whole,
    "number": _number,
    "flag": _flag,
    "text": _text,
    "words": _words,
    "set": lambda raw, key: frozenset(_words(raw, key)),
    "durations": _durations,
    "range": _range,
    "signal": _signal,
}


def write(key: Key, value: Any) -> str:
    """Return a value as a profile's file would say it."""
    if value is None:
        return f'"{NONE}"'
    if key.kind == "duration":
        return f'"{length(value)}"'
    if key.kind == "size":
        return f'"{size(value)}"'
    if key.kind == "durations":
        return "[" + ", ".join(f'"{length(each)}"' for each in value) + "]"
    if key.kind in {"words", "set", "range"}:
        return f"[{', '.join(map(quoted, _in_order(value)))}]"
    return quoted(value)


def _in_order(value: Collection[Any]) -> list[Any]:
    return sorted(value) if isinstance(value, frozenset) else list(value)


def quoted(value: Any) -> str:
    """Return a text, a number or a truth as TOML spells it."""
    import json

    # a JSON string is a TOML string; numbers and booleans are spelled alike
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def length(ms: int) -> str:
    """Return a duration as `duration_ms` reads it; in days, as no rule counts weeks."""
    days, rest = divmod(ms, DAY_MS)
    return f"{days}d{span(rest) if rest else ''}" if days else span(rest)


def size(count: int) -> str:
    """Return a size as `size_bytes` reads it, in the largest unit that leaves nothing over."""
    for unit, scale in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count and count % scale == 0:
            return f"{count // scale} {unit}"
    return f"{count} B"


def told(key: Key, value: Any) -> str:
    """Return a value as people read it: without quotes and brackets."""
    if value is None:
        return NONE
    if key.kind in {"words", "set"}:
        return ", ".join(_in_order(value)) or "nothing"
    if key.kind == "range":
        return f"{value[0]} to {value[1]}"
    if key.kind == "durations":
        return ", ".join(map(length, value)) or "nothing"
    if key.kind in {"text", "signal"}:
        return str(value)
    return write(key, value).strip('"')

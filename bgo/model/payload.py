"""Canonical JSON: the one form in which inputs, outputs and checkpoints are stored, hashed and compared.

UTF-8, keys sorted, no spaces. Refused: NaN and infinities, lone surrogates, duplicate keys, nesting deeper than 100,
integers of more than 4,000 digits, anything that is not JSON. Every refusal is a UsageError with the place.
"""

from __future__ import annotations

import json
from typing import Any

from bgo.errors import UsageError

MAX_DEPTH = 100
MAX_DIGITS = 4000
EMPTY = b"{}"
_TOO_LONG = 10**MAX_DIGITS

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def _refuse(what: str, why: str) -> UsageError:
    return UsageError(f"{what} is not acceptable JSON", why=why, hint='give a JSON object such as \'{"path": "a"}\'')


def _check(value: Any, what: str, path: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise _refuse(what, f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise _refuse(what, f"key {key!r:.60} at {path or 'the top'} is not a string")
            _check(item, what, f"{path}.{key}" if path else key, depth + 1)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _check(item, what, f"{path}[{index}]", depth + 1)
    elif isinstance(value, int):
        if not -_TOO_LONG < value < _TOO_LONG:
            raise _refuse(what, f"the number at {path or 'the top'} has more than {MAX_DIGITS} digits")
    elif value is not None and not isinstance(value, (str, float)):
        raise _refuse(what, f"{type(value).__name__} at {path or 'the top'} is not a JSON type")


def dump(value: Any, what: str = "the value") -> bytes:
    """Return `value` as canonical JSON bytes."""
    if not value and type(value) is dict:
        return EMPTY
    _check(value, what, "", 0)
    try:
        return _encode(value).encode("utf-8")
    except UnicodeEncodeError:
        raise _refuse(what, "it holds a lone surrogate, which UTF-8 cannot carry") from None
    except ValueError as error:
        raise _refuse(what, str(error)) from None


def dump_object(value: Any, what: str, limit: int) -> bytes:
    """Return a JSON object as canonical bytes of at most `limit` bytes."""
    if not isinstance(value, dict):
        raise UsageError(f"{what} is not a JSON object", why=f"it is {_kind(value)}", hint='wrap it: {"item": …}')
    data = dump(value, what)
    if len(data) > limit:
        raise UsageError(
            f"{what} is too large: {len(data):,} bytes",
            why=f"the limit is {limit:,} bytes of canonical JSON",
            hint="put the data in a file and pass its path",
        )
    return data


def _kind(value: Any) -> str:
    names = {list: "an array", tuple: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number" if isinstance(value, (int, float)) else type(value).__name__)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r:.60} appears twice")
        found[key] = value
    return found


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text:.40} is too large for a double")
    return value


def _int(text: str) -> int:
    if len(text.lstrip("-")) > MAX_DIGITS:
        raise ValueError(f"a number has more than {MAX_DIGITS} digits")
    return int(text)


def parse(text: str | bytes, what: str) -> Any:
    """Return foreign JSON text as a value, strictly."""
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        return json.loads(
            text, object_pairs_hook=_pairs, parse_constant=_no_constant, parse_float=_float, parse_int=_int
        )
    except RecursionError:
        raise _refuse(what, f"nested deeper than {MAX_DEPTH} levels") from None
    except UnicodeDecodeError:
        raise _refuse(what, "it is not UTF-8") from None
    except ValueError as error:
        raise _refuse(what, str(error)) from None


def load(data: bytes) -> Any:
    """Return stored canonical bytes as a value."""
    return json.loads(data)

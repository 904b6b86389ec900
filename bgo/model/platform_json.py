"""What a platform remembers, as JSON and back: dataclasses as objects, tuples as arrays.

Fields that a newer or an older version wrote and this one does not know are passed over; what is missing gets its
default, and a slice of which something is missing that has none begins anew.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, fields, is_dataclass
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from bgo.model.android_state import AndroidState
from bgo.model.ios_state import IosState
from bgo.model.platform import PlatformState

_NAMES = {"AndroidState": AndroidState, "IosState": IosState}


def dump(value: Any) -> Any:
    """Return a value made of dataclasses, tuples and plain values as JSON; fields at their defaults are left out."""
    if is_dataclass(value) and not isinstance(value, type):
        pairs = ((f, getattr(value, f.name)) for f in fields(value))
        return {f.name: dump(v) for f, v in pairs if f.default is MISSING or v != f.default}
    if isinstance(value, (tuple, list)):
        is_plain = bool(value) and type(value[0]) is int  # ledgers have thousands of numbers
        return value if is_plain else [dump(item) for item in value]
    if isinstance(value, dict):
        return {key: dump(item) for key, item in value.items()}
    return value


def load(data: Any) -> PlatformState:
    """Return a state from its JSON."""
    found = _load(PlatformState, data)
    return found if isinstance(found, PlatformState) else PlatformState()


@lru_cache(maxsize=64)
def _fields(kind: type) -> tuple[tuple[Field[Any], Any], ...]:
    hints = get_type_hints(kind, localns=_NAMES)
    return tuple((f, hints[f.name]) for f in fields(kind))


def _load(kind: Any, data: Any) -> Any:
    """Return what the data mean as a value of this type; None where they do not fit."""
    if get_origin(kind) is UnionType:
        return None if data is None else _load(next(k for k in get_args(kind) if k is not NoneType), data)
    if is_dataclass(kind) and isinstance(kind, type):
        return _object(kind, data)
    if get_origin(kind) is tuple:
        return _array(kind, data)
    if isinstance(kind, type) and issubclass(kind, tuple):
        hints = get_type_hints(kind)
        return kind(*(_load(hint, item) for hint, item in zip(hints.values(), data, strict=False)))
    return data


def _object(kind: type, data: Any) -> Any:
    if not isinstance(data, dict):
        return None
    known = _fields(kind)
    if any(f.name not in data and f.default is MISSING and f.default_factory is MISSING for f, _ in known):
        return None
    return kind(**{f.name: _load(hint, data[f.name]) for f, hint in known if f.name in data})


def _array(kind: Any, data: Any) -> Any:
    """Return a tuple of one type of items, or of one type for each place."""
    inner = get_args(kind)
    if len(inner) == 2 and inner[1] is Ellipsis:
        return tuple(data) if inner[0] is int else tuple(_load(inner[0], item) for item in data)
    return tuple(_load(each, item) for each, item in zip(inner, data, strict=True))

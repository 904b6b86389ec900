"""The file: read whole, XML or binary, and refused where it is no property list."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from bgo.errors import UsageError

SIZE_LIMIT = 4 << 20


def read(path: str | os.PathLike[str]) -> Mapping[str, Any]:
    """Return the keys of an Info.plist. Raises UsageError where the file cannot be read, or is none."""
    shown = os.fspath(path)
    try:
        with open(path, "rb") as file:
            data = file.read(SIZE_LIMIT + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot read {shown!r:.200}", why=why, hint="give the path of an app's Info.plist") from None
    if len(data) > SIZE_LIMIT:
        raise UsageError(f"{shown!r:.200} is larger than {SIZE_LIMIT:,} bytes", why="no Info.plist is that long")
    return parse(data, shown)


def parse(data: bytes, name: str) -> Mapping[str, Any]:
    """Return the keys in the bytes of a property list. Raises UsageError for what is none."""
    import plistlib
    from xml.parsers.expat import ExpatError

    try:
        found = plistlib.loads(data)
    except (ExpatError, ValueError) as error:
        raise _no_plist(name, str(error) or "it is neither XML nor binary") from None
    except (ArithmeticError, AttributeError, LookupError, TypeError, RecursionError, MemoryError):
        # What plistlib makes of values that are none: a date without digits, offsets beyond the end.
        raise _no_plist(name, "a value in it cannot be read") from None
    if not isinstance(found, dict):
        raise _no_plist(name, "its top is no dictionary")
    return {str(key): value for key, value in found.items()}


def _no_plist(name: str, why: str) -> UsageError:
    first = (why.splitlines() or [""])[0]
    return UsageError(
        f"{name!r:.200} is no property list",
        why=first[:200] or "nobody can say why",
        hint="on a Mac: plutil -lint FILE; an old text form becomes XML with plutil -convert xml1 FILE",
    )

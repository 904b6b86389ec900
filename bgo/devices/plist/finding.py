"""What is to be said of a key of an Info.plist."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

Level = Literal["error", "warning", "note"]
LEVELS: tuple[Level, ...] = ("error", "warning", "note")


class Finding(NamedTuple):
    """An error keeps work from ever running, a warning may, and a note is for whoever wonders why it does not."""

    level: Level
    key: str
    """The key of the Info.plist; empty: no key of it."""
    what: str
    why: str
    fix: str

    def to_json(self) -> dict[str, str]:
        """Return the documented object."""
        return dict(self._asdict())


def kind_of(value: Any) -> str:
    """Return what a value is that should be a list of texts; never the value itself, which may be of any size."""
    kinds = {bool: "a flag", str: "a text", dict: "a dictionary", list: "a list of other things", bytes: "data"}
    return kinds.get(type(value), "a number" if isinstance(value, (int, float)) else "something else")

"""One profile's file: what it says for itself, each with its place, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bgo.devices.profiles import values, words
from bgo.devices.profiles.schema import NONE, Key, Members, Table, profile_table
from bgo.errors import UsageError
from bgo.model.words import did_you_mean
from bgo.toml_text import TomlText

Path = tuple[str, ...]
"""The names that lead to a key: ("quota", "active", "time")."""
PRESENT = "present"
"""What is said of a table that stands there, whatever is in it."""
EXAMPLE = 'a profile reads: extends = "android", then [battery] and low = 10'


class Said(NamedTuple):
    """A value, where it is written, and the profile that says it."""

    value: Any
    place: str
    origin: str
    """The `Document.origin` of that profile."""
    key: Key | None = None
    """None: a table, whose value is PRESENT or None."""


@dataclass
class Document:
    """A profile's file by itself, before anything that it extends."""

    name: str
    origin: str
    """What tells it from every other one: the name of a built-in, or the path of a file."""
    text: TomlText
    said: dict[Path, Said] = field(default_factory=dict)
    extends: tuple[str, ...] = ()
    faults: list[UsageError] = field(default_factory=list)

    def place(self, path: Path = ()) -> str:
        return self.text.place_of(path)


def read(text: str, shown: str, name: str, origin: str) -> Document:
    """Return what a file says, with its faults. `shown` is the file as refusals name it.

    Raises UsageError for what is no TOML.
    """
    document = Document(name, origin, TomlText(text, shown, EXAMPLE))
    data = dict(document.text.data)
    if "extends" in data:
        document.extends = _extends(document, data.pop("extends"))
    _read_table(document, (), data, profile_table())
    return document


def _extends(document: Document, raw: Any) -> tuple[str, ...]:
    names = [raw] if isinstance(raw, str) else raw
    if isinstance(names, list) and all(isinstance(name, str) and name for name in names):
        return tuple(dict.fromkeys(names))
    document.faults.append(
        UsageError(
            f"{document.place(('extends',))}: extends is no profile",
            why="it is the name of one, or a list of names",
            hint='write extends = "android"',
        )
    )
    return ()


def _read_table(document: Document, path: Path, data: Mapping[str, Any], table: Table) -> None:
    for typed, raw in data.items():
        word = typed.replace("-", "_")
        here = (*path, typed)
        if word != typed and word in data:
            document.faults.append(_twice(document, here, word))
        elif word in table.keys:
            _read_key(document, here, (*path, word), raw, table.keys[word])
        elif word in table.tables:
            _, inner, is_optional = table.tables[word]
            _read_inner(document, here, (*path, word), raw, inner, is_optional=is_optional)
        elif table.members is not None and table.members.table is not None and not _is_value(raw):
            _read_member(document, here, raw, table.members.table)
        else:
            document.faults.append(_unknown(document, here, raw, table))


def _twice(document: Document, path: Path, word: str) -> UsageError:
    why = f"it is the same as {word}: one of them would be lost"
    return UsageError(f"{document.place(path)}: {path[-1]} is said twice", why=why, hint="keep one of them")


def _is_value(raw: Any) -> bool:
    return not isinstance(raw, dict) and raw != NONE


def _read_key(document: Document, typed: Path, path: Path, raw: Any, key: Key) -> None:
    place = document.place(typed)
    try:
        value = values.read(path[-1], key, raw)
        words.check(path, value)
    except UsageError as error:
        document.faults.append(error.within(place))
    else:
        document.said[path] = Said(value, place, document.origin, key)


def _read_inner(
    document: Document, typed: Path, path: Path, raw: Any, inner: Table | Members, *, is_optional: bool
) -> None:
    """Read a table of the model, or note that it is `none`."""
    place = document.place(typed)
    if raw == NONE and is_optional:
        document.said[path] = Said(None, place, document.origin)
    elif not isinstance(raw, dict):
        why = f"it is a table; {NONE} takes it away" if is_optional else "it is a table"
        error = UsageError(f"{place}: {path[-1]} is no value", why=why, hint=f"write [{'.'.join(path)}]")
        document.faults.append(error)
    else:
        document.said[path] = Said(PRESENT, place, document.origin)
        if isinstance(inner, Table):
            _read_table(document, path, raw, inner)
        elif inner.key is not None:
            for name, value in raw.items():
                if _is_named(document, (*path, name)):
                    _read_key(document, (*path, name), (*path, name), value, inner.key)


def _read_member(document: Document, path: Path, raw: Any, table: Table) -> None:
    if _is_named(document, path):
        _read_inner(document, path, path, raw, table, is_optional=True)


def _is_named(document: Document, path: Path) -> bool:
    """Say whether a member's name is one that there is; if not, note the fault."""
    try:
        words.check_member(path)
    except UsageError as error:
        document.faults.append(error.within(document.place(path)))
        return False
    return True


def _unknown(document: Document, path: Path, raw: Any, table: Table) -> UsageError:
    kind, where = ("table", ".".join(path)) if isinstance(raw, dict) else ("key", path[-1])
    known = [*table.known(), *(["extends"] if len(path) == 1 else ())]
    if table.members is not None:
        known += words.members(path[:-1])
    of = f"[{'.'.join(path[:-1])}]" if len(path) > 1 else "a profile"
    return UsageError(
        f"{document.place(path)}: unknown {kind} {where!r:.60}",
        why=f"{of} has {', '.join(known)}",
        hint=did_you_mean(_bare(path[-1]), known) or "leave it out",
    )


def _bare(word: str) -> str:
    """Return a key without the ending that tells its unit elsewhere: here its value does."""
    for ending in ("_ms", "_s", "_sec", "_seconds", "_minutes", "_bytes"):
        word = word.removesuffix(ending)
    return word

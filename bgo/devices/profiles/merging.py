"""What a profile says together with all that it extends: the nearest says, and two that differ are told of.

Of two parents that say different things of one key, the one counts that itself extends where the other has it from:
`extends = ["android-13", "samsung"]` is a Samsung with Android 13, although `samsung` extends the newest Android.
Where neither does, the profile that extends both must decide.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bgo.devices.profiles import library, values
from bgo.devices.profiles.library import Shelf, Where
from bgo.devices.profiles.reading import PRESENT, Document, Path, Said
from bgo.errors import NotFoundError, UsageError
from bgo.model.profile import Os

OF_OS: Mapping[Os, frozenset[str]] = {
    "host": frozenset(),
    "android": frozenset(
        {"doze", "quota", "expedited", "standby", "batching", "maker"},
    ),
    "ios": frozenset({"refresh", "processing", "app"}),
}
"""The tables that only profiles of this system have; the others say something of every device."""
_NOT_INHERITED = ("summary",)


@dataclass
class Resolved:
    """A profile with all that it extends."""

    document: Document
    lineage: tuple[Document, ...]
    """What it extends, the nearest first."""
    said: dict[Path, Said] = field(default_factory=dict)
    faults: list[UsageError] = field(default_factory=list)
    ancestry: dict[str, frozenset[str]] = field(default_factory=dict)
    """Origin → the origins of all that it extends."""


def resolve(name: str, where: Where, known: dict[str, Resolved] | None = None) -> Resolved:
    """Return a profile with what is wrong in it. Raises UsageError where there is none, or it cannot be read.

    `known` keeps what was resolved before, for whoever asks for many.
    """
    found = library.shelf(where)
    return _resolve(library.open_document(name, found), found, (), {} if known is None else known)


def _resolve(document: Document, where: Shelf, path: tuple[Document, ...], known: dict[str, Resolved]) -> Resolved:
    if document.origin in known:
        return known[document.origin]
    faults = list(document.faults)
    parents: list[Resolved] = []
    for name in document.extends:
        try:
            opened = library.open_document(name, where, os.path.dirname(document.text.name))
            _refuse_circle(opened, (*path, document))
        except (UsageError, NotFoundError) as error:
            fault = UsageError(error.message, why=error.why, hint=error.hint)
            faults.append(fault.within(document.place(("extends",))))
        else:
            parents.append(_resolve(opened, where, (*path, document), known))
    found = Resolved(document, _lineage(parents))
    found.faults = [*dict.fromkeys(fault for parent in parents for fault in parent.faults), *faults]
    for each in parents:
        found.ancestry |= each.ancestry
    found.ancestry[document.origin] = frozenset(each.origin for each in found.lineage)
    found.said = _over(document, _inherited(found, parents))
    found.faults += [*_misfits(found, parents)]
    known[document.origin] = found
    return found


def _refuse_circle(parent: Document, path: Sequence[Document]) -> None:
    origins = [each.origin for each in path]
    if parent.origin in origins:
        ring = [*(each.name for each in path[origins.index(parent.origin) :]), parent.name]
        raise UsageError(
            f"{' extends '.join(ring)}", why="a profile cannot extend itself", hint="let one of them extend another"
        )


def _lineage(parents: Sequence[Resolved]) -> tuple[Document, ...]:
    found = {parent.document.origin: parent.document for parent in parents}
    for parent in parents:
        found |= {each.origin: each for each in parent.lineage if each.origin not in found}
    return tuple(found.values())


def _inherited(found: Resolved, parents: Sequence[Resolved]) -> dict[Path, Said]:
    """Return what the parents say; that they contradict each other is noted."""
    inherited: dict[Path, Said] = {}
    for path in dict.fromkeys(path for parent in parents for path in parent.said):
        if path == _NOT_INHERITED:
            continue
        said = _newest([parent.said[path] for parent in parents if path in parent.said], found.ancestry)
        inherited[path] = said[0]
        other = next((each for each in said if each.value != said[0].value), None)
        if other is not None and not _decides(found.document, path):
            found.faults.append(_contradiction(found.document, path, said[0], other))
    return _without_removed(inherited)


def _newest(said: Sequence[Said], ancestry: Mapping[str, frozenset[str]]) -> list[Said]:
    """Return what is not overruled by a profile that extends the one that says it."""
    return [
        each
        for each in said
        if not any(each.origin in ancestry.get(other.origin, ()) for other in said if other is not each)
    ]


def _decides(document: Document, path: Path) -> bool:
    """Say whether a profile says itself what its parents differ about, or takes the whole table away."""
    if path in document.said:
        return True
    return any(
        (said := document.said.get(path[:size])) is not None and said.value is None for size in range(1, len(path))
    )


def _contradiction(document: Document, path: Path, one: Said, other: Said) -> UsageError:
    name = ".".join(path)
    return UsageError(
        f"{document.place(('extends',))}: what it extends differs about {name}",
        why=f"{_told(one)} in {one.place}, {_told(other)} in {other.place}",
        hint=f"say {name} here: that decides",
    )


def _told(said: Said) -> str:
    if said.key is None:
        return "the table is there" if said.value == PRESENT else "the table is none"
    return values.write(said.key, said.value)


def _over(document: Document, inherited: dict[Path, Said]) -> dict[Path, Said]:
    removed = [path for path, said in document.said.items() if said.key is None and said.value is None]
    kept = {path: said for path, said in inherited.items() if not any(path[: len(each)] == each for each in removed)}
    return kept | document.said


def _without_removed(said: dict[Path, Said]) -> dict[Path, Said]:
    removed = [path for path, each in said.items() if each.key is None and each.value is None]
    return {
        path: each
        for path, each in said.items()
        if not any(len(path) > len(gone) and path[: len(gone)] == gone for gone in removed)
    }


def _misfits(found: Resolved, parents: Sequence[Resolved]) -> list[UsageError]:
    """Return where the system and the tables do not go together."""
    said = found.said.get(("os",))
    if said is None:
        why = "it extends nothing that says which system it is of"
        hint = 'write os = "android" (or ios, host), or extends = "android"'
        return [] if found.faults else [UsageError(f"{found.document.place()}: os is missing", why=why, hint=hint)]
    faults = []
    for parent in parents:
        before = parent.said.get(("os",))
        if before is not None and before.value not in ("host", said.value):
            faults.append(_other_os(found.document, said, parent, before))
    if not faults:
        told = {fault.message for parent in parents for fault in parent.faults}
        faults = [_other_table(said, path[0], each) for path, each in found.said.items() if _is_foreign(path, said)]
        faults = [fault for fault in faults if fault.message not in told]
    return faults


def _other_os(document: Document, said: Said, parent: Resolved, before: Said) -> UsageError:
    place = said.place if said.origin == document.origin else document.place(("extends",))
    return UsageError(
        f"{place}: os is {said.value}, and {parent.document.name}, which it extends, is of {before.value}",
        why="the rules of one system mean nothing to another",
        hint=f'extend a profile of {said.value}, or leave os = "{said.value}" out',
    )


def _is_foreign(path: Path, os_said: Said) -> bool:
    if len(path) > 1:
        return False
    return any(path[0] in tables for os, tables in OF_OS.items() if os != os_said.value)


def _other_table(said: Said, name: str, table: Said) -> UsageError:
    of = next(os for os, tables in OF_OS.items() if name in tables)
    return UsageError(
        f"{table.place}: [{name}] is a table of {of}",
        why=f"this profile is of {said.value} ({said.place})",
        hint=f'leave it out, or say os = "{of}"',
    )

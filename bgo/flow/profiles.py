"""The verbs of profiles: list, show, check and write them. None of them judges a task, or opens a store."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from bgo.devices.profiles import library
from bgo.devices.profiles.checking import examined, sound
from bgo.devices.profiles.library import Shelf
from bgo.devices.profiles.lint import Finding
from bgo.devices.profiles.merging import Resolved, resolve
from bgo.devices.profiles.telling import Line, as_toml, lines
from bgo.errors import RefusedError, UsageError
from bgo.model.options import check_name
from bgo.model.profile import Profile


class ProfileRow(NamedTuple):
    """One profile of a list."""

    name: str
    os: str
    extends: tuple[str, ...]
    summary: str
    path: str
    state: str
    """Empty, or why it cannot be used."""

    def to_json(self) -> dict[str, Any]:
        """Return the documented object."""
        return {"schema": 1, **self._asdict(), "extends": list(self.extends)}


class Shown(NamedTuple):
    """A profile in full."""

    profile: Profile
    path: str
    lines: list[Line]
    toml: str

    def to_json(self) -> dict[str, Any]:
        """Return the documented object."""
        rules = [
            {"key": line.name, "value": _plain(line), "written": line.written, "from": line.place}
            for line in self.lines
            if line.key is not None or line.value is None
        ]
        about = {"name": self.profile.name, "os": self.profile.os, "extends": list(self.profile.lineage)}
        return {"schema": 1, **about, "summary": self.profile.summary, "path": self.path, "rules": rules}


def _plain(line: Line) -> Any:
    value = line.value
    return sorted(value) if isinstance(value, frozenset) else list(value) if isinstance(value, tuple) else value


class Checked(NamedTuple):
    """What is to be said of a profile."""

    name: str
    profile: Profile | None
    """None: it cannot be used."""
    findings: list[Finding]

    @property
    def is_sound(self) -> bool:
        return not any(finding.is_error for finding in self.findings)


def listing(where: Shelf) -> list[ProfileRow]:
    """Return every profile that can be had by name: of bgo, then the user's own, then those of plugins."""
    ours, own = library.built_in(), where.own()
    places = [(name, str(library.BUILT_IN / f"{name}{library.ENDING}"), "") for name in ours]
    places += [(name, f"{where.folder}/{name}{library.ENDING}", "bgo" if name in ours else "") for name in own]
    for name, files in sorted(where.brought().items()):
        holder = "bgo" if name in ours else "your folder" if name in own else ""
        places += [(name, file, holder) for file in files]
    known: dict[str, Resolved] = {}
    return [_taken(*place) if place[2] else _row(*place[:2], where, known) for place in places]


def _taken(name: str, path: str, holder: str) -> ProfileRow:
    """Return the row of a profile that cannot be had by its name, which means another one."""
    return ProfileRow(name, "", (), "", path, f"not used: {holder} has a profile {name}; name this one by its path")


def _row(name: str, path: str, where: Shelf, known: dict[str, Resolved]) -> ProfileRow:
    try:
        resolved = resolve(name, where, known)
        profile, findings = examined(resolved)
    except UsageError as error:
        return ProfileRow(name, "", (), "", path, f"{error.message}: {error.why}")
    os_said = resolved.said.get(("os",))
    state = "" if profile is not None else f"{findings[0].place}: {findings[0].what}"
    summary = "" if profile is None else profile.summary
    return ProfileRow(name, "" if os_said is None else os_said.value, resolved.document.extends, summary, path, state)


def shown(name: str, where: Shelf) -> Shown:
    """Return a profile with where each of its values comes from. Raises UsageError for one that has faults."""
    resolved = resolve(name, where)
    profile = sound(resolved, name)
    told = lines(profile, resolved.said)
    return Shown(profile, _path(resolved), told, as_toml(profile, resolved.said))


def _path(resolved: Resolved) -> str:
    origin = resolved.document.origin
    return origin if os.path.isabs(origin) else str(library.BUILT_IN / f"{origin}{library.ENDING}")


def checked(name: str, where: Shelf) -> Checked:
    """Return all that is to be said of a profile. Raises UsageError where there is none, or it cannot be read."""
    try:
        resolved = resolve(name, where)
    except UsageError as error:
        if not (finding := Finding.of(error)).place:
            raise
        return Checked(name, None, [finding])  # it is no TOML
    profile, findings = examined(resolved)
    return Checked(resolved.document.name, profile, findings)


def new(name: str, where: Shelf, parent: str = "android") -> Path:
    """Write a profile of the user's own that extends `parent`, every rule of it as a comment; return its file.

    Raises UsageError for what is no name or no profile, RefusedError where there is one of that name.
    """
    from bgo.devices.profiles.template import template

    check_name(name, "profile")
    if name in library.built_in():
        why = "what comes with bgo is not replaced: everybody means the same by it"
        raise RefusedError(f"bgo has a profile {name!r}", why=why, hint=f"choose another name, such as my-{name}")
    path = (where.folder or Path()) / f"{name}{library.ENDING}"
    resolved = resolve(parent, where)
    told = lines(sound(resolved, parent), resolved.said)
    meant = os.path.abspath(os.path.expanduser(parent)) if library.is_path(parent) else parent
    _write(path, template(name, meant, told))
    return path


def _write(path: Path, text: str) -> None:
    """Write a file that is not there yet, whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "x", encoding="utf-8") as file:
            try:
                file.write(text)
                file.flush()
            except OSError:
                path.unlink(missing_ok=True)
                raise
    except OSError as error:
        if os.path.lexists(path):
            hint = f"bgo profiles show {path.stem}; or choose another name"
            raise RefusedError(f"{path} is there already", why="it may hold work of yours", hint=hint) from None
        why = error.strerror or str(error)
        raise RefusedError(f"cannot write {path}", why=why, hint="bgo config path says where it would lie") from None

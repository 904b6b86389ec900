"""Where profiles are: those of bgo, those in the user's folder, those of plugins, and files by their path."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bgo.devices.profiles.reading import Document, read
from bgo.errors import NotFoundError, UsageError
from bgo.model.options import NAME
from bgo.model.words import did_you_mean
from bgo.toml_text import read_text

BUILT_IN = Path(__file__).parent
ENDING = ".toml"
EXAMPLES = f"such as my-phone{ENDING}"


def built_in() -> tuple[str, ...]:
    """Return the names of the profiles that come with bgo."""
    return _names_in(BUILT_IN)


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where profiles are looked for by name, after those that come with bgo."""

    folder: Path | None = None
    """The user's own."""
    brought: Callable[[], Mapping[str, tuple[str, ...]]] = dict
    """What plugins bring, files by name; asked for names that are nowhere else."""

    def own(self) -> tuple[str, ...]:
        """Return the names in the user's folder. Those that bgo has too cannot be had by name."""
        return () if self.folder is None else _names_in(self.folder)


Where = Shelf | Path | None
"""A shelf, or its folder alone."""


def shelf(where: Where) -> Shelf:
    """Return what is meant by a folder alone."""
    return where if isinstance(where, Shelf) else Shelf(where)


def names(where: Where = None) -> tuple[str, ...]:
    """Return every name under which a profile can be had."""
    found = shelf(where)
    return tuple(sorted({*built_in(), *found.own(), *found.brought()}))


def _names_in(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in folder.glob(f"*{ENDING}") if NAME.fullmatch(path.stem)))


def is_path(name: str) -> bool:
    """Say whether a profile is meant by its file."""
    return name.endswith(ENDING) or "/" in name or os.sep in name


def open_document(name: str, where: Shelf, beside: str = "") -> Document:
    """Return the profile of a name, or in a file; a relative path is one from `beside`.

    Raises UsageError where there is none, or it cannot be read.
    """
    if is_path(name):
        shown = os.path.normpath(os.path.join(beside, os.path.expanduser(name)))
        return _open(shown, shown, os.path.realpath(shown))
    if name in built_in():
        path = BUILT_IN / f"{name}{ENDING}"
        return _open(path, path.name, name)
    if where.folder is not None and name in where.own():
        path = where.folder / f"{name}{ENDING}"
        return _open(path, str(path), os.path.realpath(path))
    return _brought(name, where)


def _brought(name: str, where: Shelf) -> Document:
    files = where.brought().get(name, ())
    if len(files) == 1:
        return _open(files[0], files[0], os.path.realpath(files[0]))
    if files:
        why = f"{' and '.join(files)} are both called so"
        raise UsageError(f"two plugins bring a profile {name!r}", why=why, hint="name the file that you mean")
    known = names(where)
    why = did_you_mean(name, known) or f"there are {', '.join(known)}"
    hint = f"a file is named by its path, {EXAMPLES}" if where.folder is None else "bgo profiles; bgo profiles new NAME"
    raise NotFoundError(f"no profile {name!r:.80}", why=why, hint=hint)


def _open(path: str | Path, shown: str, origin: str) -> Document:
    text = read_text(path, "profile")
    name = Path(path).stem
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{shown}: a profile cannot be called {name!r:.80}",
            why="a name starts with a letter and has at most 64 letters, digits, '.', '_' or '-'",
            hint=f"give its file another name, {EXAMPLES}",
        )
    return read(text.removeprefix("\ufeff"), shown, name, origin)

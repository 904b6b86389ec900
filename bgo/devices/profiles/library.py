"""Where profiles are: those that come with bgo, those in the user's folder, and files by their path."""

from __future__ import annotations

import os
from pathlib import Path

from bgo.devices.profiles.reading import Document, read
from bgo.errors import UsageError
from bgo.model.options import NAME
from bgo.model.words import did_you_mean
from bgo.toml_text import read_text

BUILT_IN = Path(__file__).parent
ENDING = ".toml"
EXAMPLES = f"such as my-phone{ENDING}"


def built_in() -> tuple[str, ...]:
    """Return the names of the profiles that come with bgo."""
    return _names_in(BUILT_IN)


def own(folder: Path | None) -> tuple[str, ...]:
    """Return the names of the user's profiles. Those that are called like a built-in one cannot be had by name."""
    return () if folder is None else _names_in(folder)


def _names_in(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in folder.glob(f"*{ENDING}") if NAME.fullmatch(path.stem)))


def is_path(name: str) -> bool:
    """Say whether a profile is meant by its file."""
    return name.endswith(ENDING) or "/" in name or os.sep in name


def open_document(name: str, folder: Path | None, beside: str = "") -> Document:
    """Return the profile of a name, or in a file; a relative path is one from `beside`.

    Raises UsageError where there is none, or it cannot be read.
    """
    if is_path(name):
        shown = os.path.normpath(os.path.join(beside, os.path.expanduser(name)))
        return _open(shown, shown, os.path.realpath(shown))
    path = BUILT_IN / f"{name}{ENDING}"
    if name in built_in():
        return _open(path, path.name, name)
    if name in own(folder) and folder is not None:
        path = folder / f"{name}{ENDING}"
        return _open(path, str(path), os.path.realpath(path))
    known = sorted({*built_in(), *own(folder)})
    why = did_you_mean(name, known) or f"there are {', '.join(known)}"
    hint = f"a file is named by its path, {EXAMPLES}" if folder is None else "bgo profiles; bgo profiles new NAME"
    raise UsageError(f"no profile {name!r:.80}", why=why, hint=hint)


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

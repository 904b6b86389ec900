"""Which distributions announce something to bgo: `entry_points.txt` read by hand, one to two milliseconds in all.

Nothing is imported here, neither the plugins nor `importlib.metadata`, which alone would cost 30 ms.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bgo.hooks.settings import dist_key

HOOKS = "bgo"
"""Entry-point group of modules (or objects) that implement hooks."""
HANDLERS = "bgo.handlers"
"""Entry-point group of single handlers: `name = "module:function"`."""


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """One announcement of an installed distribution."""

    group: str
    name: str
    value: str
    dist: str
    version: str
    folder: str = field(default="", compare=False)
    """The distribution's metadata; made anew when it is installed anew."""


def import_path() -> list[str]:
    """Return `sys.path` as a child process has it: without the entry that names this program's own directory.

    Children run with `-P`, so that a `json.py` in somebody's working directory is never imported by accident.
    """
    path = list(sys.path)
    if path and not sys.flags.safe_path:
        try:
            here = str(Path.cwd())
        except OSError:
            here = ""
        script = os.path.dirname(os.path.abspath(sys.argv[0])) if sys.argv and sys.argv[0] and here else ""
        if path[0] in ("", here, script):
            del path[0]
    return path


def scan(path: Sequence[str]) -> list[EntryPoint]:
    """Return the entry points of both groups on `path`; of a distribution found twice the first one counts."""
    found: list[EntryPoint] = []
    seen: set[str] = set()
    for entry in dict.fromkeys(path):
        for folder in _metadata_folders(entry):
            text = _text(os.path.join(folder, "entry_points.txt"))
            if HOOKS not in text:
                continue
            points = list(parse(text))
            if not points:
                continue
            dist, version = _identity(folder)
            if dist_key(dist) not in seen:
                seen.add(dist_key(dist))
                found += [EntryPoint(group, name, value, dist, version, folder) for group, name, value in points]
    return found


def parse(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield (group, name, value) of our two groups; extras in brackets belong to pip and are dropped."""
    group = ""
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("[") and line.endswith("]"):
            group = line[1:-1].strip()
        elif group in (HOOKS, HANDLERS) and line and line[0] not in "#;":
            name, equals, value = line.partition("=")
            if equals:
                yield group, name.strip(), value.partition("[")[0].strip()


def _metadata_folders(entry: str) -> Iterable[str]:
    try:
        with os.scandir(entry) as files:
            return sorted(f.path for f in files if f.name.endswith((".dist-info", ".egg-info")))
    except OSError:
        return ()


def _identity(folder: str) -> tuple[str, str]:
    """Return a distribution's name and version as its metadata spell them, else as the folder does."""
    stem = os.path.basename(folder).rpartition(".")[0]
    name, _, version = stem.partition("-")
    head = _text(os.path.join(folder, "METADATA")) or _text(os.path.join(folder, "PKG-INFO"))
    for line in head.partition("\n\n")[0].splitlines():
        if line.startswith("Name: "):
            name = line[6:].strip()
        elif line.startswith("Version: "):
            version = line[9:].strip()
    return name, version


def _text(file: str) -> str:
    try:
        with open(file, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""

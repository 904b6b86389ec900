"""`files.scan`: the files of a directory, as a list that a chain can fan out over."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bgo import TaskResult, task
from bgo_files.source import FileRefusedError, human, told

if TYPE_CHECKING:
    from bgo import TaskContext

LISTED_BYTES = 900 << 10
"""Bytes of paths that fit into an output, which bgo limits to 1 MiB."""


@task("files.scan", timeout="none")
def scan(ctx: TaskContext, path: str, pattern: str = "*") -> TaskResult:
    """List the regular files below a directory whose names fit a pattern, in order; the output has `files` and `size`.

    Links are not followed, what is hidden is left out. For more than some ten thousand files use `find … | bgo batch`.
    """
    return told(lambda: _scan(ctx, path, pattern))


def _scan(ctx: TaskContext, path: str, pattern: str) -> dict[str, Any]:
    if not os.path.isdir(path):
        raise FileRefusedError(f"{path}: it is no directory", retry=not os.path.lexists(path))
    files, size, room = [], 0, LISTED_BYTES
    for entry in _walk(path):
        ctx.check_cancelled()
        if fnmatch.fnmatchcase(entry.name, pattern):
            files.append(entry.path)
            size += entry.stat(follow_symlinks=False).st_size
            room -= len(os.fsencode(entry.path)) + 4
            if room < 0:
                raise FileRefusedError(f"{path}: its {len(files):,} and more files do not fit into one output")
    ctx.report_progress(1.0, f"{len(files):,} files, {human(size)}")
    return {"files": files, "size": size}


def _walk(path: str) -> Iterator[os.DirEntry[str]]:
    """Yield the regular files below a directory, each directory in the order of its names."""
    with os.scandir(path) as found:
        entries = sorted((entry for entry in found if not entry.name.startswith(".")), key=lambda entry: entry.name)
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path)
        elif entry.is_file(follow_symlinks=False):
            yield entry

"""The stamp of a file: how it is noticed that code or a folder has changed."""

from __future__ import annotations

import os


def stamp(file: str) -> tuple[int, int]:
    """Return a file's modification time and size, or (-1, -1) when it is gone."""
    try:
        found = os.stat(file)  # asked for every task: a Path would cost more than the call
    except OSError:
        return (-1, -1)
    return (found.st_mtime_ns, found.st_size)

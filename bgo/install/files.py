"""Writing and removing the files of an installation: whole or not at all, and never somebody else's."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from bgo.errors import PermissionRefusedError, RefusedError
from bgo.install.report import CHANGED, REMOVED, UNCHANGED, WROTE, File, Step


def write(file: File) -> Step:
    """Put the file in its place, making the directory; a link is followed. Raises RefusedError if it is not ours."""
    try:
        place = Path(os.path.realpath(file.path))
        old = _read(file)
        if old == file.data and place.stat().st_mode & 0o777 == file.mode:
            return Step(UNCHANGED, str(file.path))
        place.parent.mkdir(parents=True, exist_ok=True)
        _replace(place, file)
    except OSError as error:
        raise _failure("written", file.path, error) from error
    return Step(WROTE if old is None else CHANGED, str(file.path))


def remove(file: File) -> Step | None:
    """Remove the file if it is ours; None when there is none, or another's."""
    try:
        if not is_ours(file):
            return None
        file.path.unlink()
    except OSError as error:
        raise _failure("removed", file.path, error) from error
    return Step(REMOVED, str(file.path))


def is_ours(file: File) -> bool:
    """Say whether a file of bgo's is there."""
    try:
        return file.mark in file.path.read_bytes()
    except OSError:
        return False


def _read(file: File) -> bytes | None:
    try:
        old = file.path.read_bytes()
    except FileNotFoundError:
        return None
    if file.mark not in old:
        raise RefusedError(
            f"{file.path} is not bgo's",
            why="bgo's mark is not in it",
            hint="move it away, or see what bgo would write with --print",
        )
    return old


def _replace(place: Path, file: File) -> None:
    fd, temp = tempfile.mkstemp(prefix=f".{place.name}.", dir=place.parent)
    try:
        with os.fdopen(fd, "wb") as out:
            out.write(file.data)
            os.fchmod(out.fileno(), file.mode)
            out.flush()
            os.fsync(out.fileno())
        os.replace(temp, place)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temp)
        raise


def _failure(verb: str, path: Path, error: OSError) -> PermissionRefusedError:
    return PermissionRefusedError(
        f"{path} cannot be {verb}",
        why=error.strerror or str(error),
        hint="mend that, or see what bgo would write with --print",
    )

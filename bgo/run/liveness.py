"""Alive = holds its lock. Each worker flocks a file beside the store; dead means that the lock can be taken.

Right across containers, for stopped processes and milliseconds after kill -9; pids serve only for signalling.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

_LOCK, _FIFO, _STAGE = ".lock", ".fifo", ".stage"


class WorkerLock:
    """This worker's lock, held until `release` or the end of the process."""

    def __init__(self, run_dir: Path, worker: str, suffix: str = _LOCK) -> None:
        run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = run_dir / (worker + suffix)
        self._fd = self._take()
        os.write(self._fd, b"%d\n" % os.getpid())

    def _take(self) -> int:
        """Lock the file of our name; one that a sweep has removed between making and locking it is made again."""
        while True:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            fcntl.flock(fd, fcntl.LOCK_EX)  # nobody but a look or a sweep holds it, and those are over at once
            with suppress(FileNotFoundError):
                if os.path.samestat(os.stat(self._path), os.fstat(fd)):
                    return fd
            os.close(fd)

    def release(self) -> None:
        """Remove the file and let go."""
        self._path.unlink(missing_ok=True)
        os.close(self._fd)


def stage_lock(run_dir: Path, stage: str) -> WorkerLock:
    """Return the lock of somebody who brings a batch in; while it is held nobody removes what has come so far."""
    return WorkerLock(run_dir, stage, _STAGE)


def is_coming(run_dir: Path, stage: str) -> bool:
    """Say whether somebody still brings this batch in."""
    return is_alive(run_dir, stage, _STAGE)


def clear_stage(run_dir: Path, stage: str) -> None:
    """Remove the lock of a stage whose owner is gone."""
    (run_dir / (stage + _STAGE)).unlink(missing_ok=True)


def is_alive(run_dir: Path, worker: str, suffix: str = _LOCK) -> bool:
    """Say whether the worker still holds its lock."""
    try:
        fd = os.open(run_dir / (worker + suffix), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # it cannot be told now: nobody is declared dead for want of file descriptors
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(fd)


def living(run_dir: Path) -> list[str]:
    """Return the ids of the workers that live now."""
    return [worker for worker in _locked(run_dir) if is_alive(run_dir, worker)]


def _locked(run_dir: Path) -> list[str]:
    try:
        names = sorted(os.listdir(run_dir))
    except FileNotFoundError:
        return []
    return [name.removesuffix(_LOCK) for name in names if name.endswith(_LOCK)]


def clear(run_dir: Path, worker: str) -> None:
    """Remove what a dead worker left behind."""
    (run_dir / (worker + _FIFO)).unlink(missing_ok=True)
    _path(run_dir, worker).unlink(missing_ok=True)


def sweep(run_dir: Path, known: Collection[str]) -> None:
    """Remove the files of workers that died before they were `known` to the store, or after they had left it."""
    for worker in _locked(run_dir):
        if worker in known:
            continue
        with suppress(OSError):
            fd = os.open(_path(run_dir, worker), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                clear(run_dir, worker)
            finally:
                os.close(fd)


def _path(run_dir: Path, worker: str) -> Path:
    return run_dir / (worker + _LOCK)

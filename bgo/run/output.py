"""A run's captured output: one file per run, made only when something is printed, capped to its head and tail."""

from __future__ import annotations

import os
from pathlib import Path

from bgo.model.task import LOG_LIMIT

HALF = LOG_LIMIT // 2
CUT = b"\n[bgo: %d bytes left out here; a log keeps its first and last 512 KiB]\n"


def log_path(log_dir: Path, task_id: str, run: int) -> Path:
    """Return where the output of a run is kept."""
    return log_dir / task_id[:2] / f"{task_id}.{run}.log"


class Capture:
    """Writes a run's output as it comes; what exceeds the head is kept as a sliding tail and written at the end."""

    def __init__(self, log_dir: Path, task_id: str, run: int) -> None:
        self._place = (log_dir, task_id, run)
        self._fd: int | None = None
        self._written = 0
        self._tail = bytearray()
        self._skipped = 0

    def add(self, data: bytes) -> None:
        """Keep some output. A full disk loses log lines, never the task."""
        head = data[: max(0, HALF - self._written)]
        if head:
            self._write(head)
            self._written += len(head)
        self._tail += data[len(head) :]
        if len(self._tail) > 2 * HALF:
            self._skipped += len(self._tail) - HALF
            del self._tail[:-HALF]

    def _write(self, data: bytes) -> None:
        try:
            if self._fd is None:
                path = log_path(*self._place)
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
                self._fd = os.open(path, flags, 0o600)
            os.write(self._fd, data)
        except OSError:
            self._skipped += len(data)

    def close(self) -> None:
        """Write the tail and close the file."""
        if len(self._tail) > HALF:
            self._skipped += len(self._tail) - HALF
            del self._tail[:-HALF]
        if self._skipped:
            self._write(CUT % self._skipped)
        if self._tail:
            self._write(bytes(self._tail))
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def runs_with_output(log_dir: Path, task_id: str) -> list[int]:
    """Return the runs of a task that printed something, in order."""
    files = (log_dir / task_id[:2]).glob(f"{task_id}.*.log")
    return sorted(int(f.name.split(".")[1]) for f in files)


def remove(log_dir: Path, work_dir: Path, task_id: str) -> None:
    """Remove the files of a pruned task."""
    from shutil import rmtree  # only prune needs it

    for run in runs_with_output(log_dir, task_id):
        log_path(log_dir, task_id, run).unlink(missing_ok=True)
    rmtree(work_dir / task_id, ignore_errors=True)

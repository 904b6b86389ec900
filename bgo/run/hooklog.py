"""What became of hooks: a small file beside the workers' locks, for `bgo doctor`, and what hooks print.

It holds the last failure of each observer that has not worked since, and how much could not be told. Two workers that
write it in the same moment may lose a line of it, never the file.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FILE = "hooks.json"
LOG = "hooks.log"
LOG_LIMIT = 1 << 20
SHOWN = 500


@dataclass(slots=True)
class Fault:
    """The last failure of an observer that has not worked since."""

    hook: str
    error: str
    in_a_row: int
    at: int
    is_off: bool = False
    """Its worker calls it no more."""


@dataclass(slots=True)
class HookRecord:
    """All that is known to have gone wrong."""

    faults: dict[str, Fault] = field(default_factory=dict)
    """By observer."""
    dropped: int = 0
    """Calls that were not made because too much waited, or the worker ended, in all."""
    dropped_at: int = 0


def read(run_dir: Path) -> HookRecord:
    """Return what is kept; nothing where the file is not there or damaged."""
    try:
        with open(run_dir / FILE, encoding="utf-8") as stream:
            data: Any = json.load(stream)
        faults = {name: Fault(**fault) for name, fault in data["faults"].items()}
        return HookRecord(faults, int(data["dropped"]), int(data["dropped_at"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return HookRecord()


def note(run_dir: Path, observer: str, fault: Fault | None) -> None:
    """Keep the failure of an observer, or (None) forget it: it works again."""
    record = read(run_dir)
    if fault is None:
        if record.faults.pop(observer, None) is None:
            return
    else:
        fault.error = fault.error[:SHOWN]
        record.faults[observer] = fault
    _write(run_dir, record)


def note_dropped(run_dir: Path, count: int, at: int) -> None:
    """Count calls that were not made."""
    record = read(run_dir)
    record.dropped, record.dropped_at = record.dropped + count, at
    _write(run_dir, record)


def _write(run_dir: Path, record: HookRecord) -> None:
    temp = run_dir / f"{FILE}.{os.getpid()}"
    with suppress(OSError):  # a full disk costs the note, never the worker
        fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(fd, "w", encoding="utf-8") as stream:
            json.dump(asdict(record), stream)
        temp.replace(run_dir / FILE)


class HookOutput:
    """Keeps what hooks print in `hooks.log` beside the tasks' logs: the last one to two MiB of it."""

    def __init__(self, log_dir: Path) -> None:
        self._path = log_dir / LOG

    def add(self, data: bytes) -> None:
        """Append some output; a full disk loses it."""
        with suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
            fd = os.open(self._path, flags, 0o600)
            try:
                os.write(fd, data)
                is_full = os.fstat(fd).st_size > LOG_LIMIT
            finally:
                os.close(fd)
            if is_full:
                self._path.replace(self._path.with_suffix(".log.1"))

"""Wake-ups: a FIFO per worker gets one byte after a commit. A lost byte costs latency only: polling is the truth."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


class Bell:
    """A worker's end of its FIFO; `fd` becomes readable when somebody rings."""

    def __init__(self, run_dir: Path, worker: str) -> None:
        run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = run_dir / f"{worker}.fifo"
        os.mkfifo(self._path, 0o600)
        # Read and write: without a writer of its own, the FIFO would report end-of-file after each ring.
        self.fd = os.open(self._path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def silence(self) -> None:
        """Swallow the rings so far."""
        with suppress(BlockingIOError):
            os.read(self.fd, 4096)

    def close(self) -> None:
        """Remove the FIFO."""
        self._path.unlink(missing_ok=True)
        os.close(self.fd)


def ring(run_dir: Path) -> None:
    """Wake every worker of the store; workers that are gone or have rings waiting are skipped."""
    try:
        names = os.listdir(run_dir)
    except OSError:
        return
    for name in names:
        if name.endswith(".fifo"):
            with suppress(OSError):
                fd = os.open(run_dir / name, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
                try:
                    os.write(fd, b"!")
                finally:
                    os.close(fd)

"""Signals only write into a pipe and count; what they mean is decided in the loop."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any

HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """Catches SIGINT, SIGTERM and SIGHUP while entered; `fd` becomes readable when one arrives.

    A signal that was ignored when the program started (nohup, a background shell) stays ignored, but SIGTERM.
    Outside the main thread nothing is installed.
    """

    def __init__(self) -> None:
        self.fd, self._write_fd = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._count = 0
        self._name = ""
        self._old: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Signals:
        for number in HANDLED:
            with suppress(ValueError):  # not the main thread
                if number is signal.SIGTERM or signal.getsignal(number) is not signal.SIG_IGN:
                    self._old[number] = signal.signal(number, self._catch)
        return self

    def _catch(self, number: int, frame: FrameType | None) -> None:
        self._count += 1
        self._name = self._name or signal.Signals(number).name
        with suppress(BlockingIOError):
            os.write(self._write_fd, b"!")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        for number, old in self._old.items():
            signal.signal(number, old)
        os.close(self.fd)
        os.close(self._write_fd)

    def drain(self) -> None:
        """Swallow the wake-ups so far."""
        with suppress(BlockingIOError):
            os.read(self.fd, 512)

    def seen(self) -> tuple[int, str]:
        """Return how many signals came, and the name of the first."""
        return self._count, self._name

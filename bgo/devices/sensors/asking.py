"""Asking programs and files what they know, within limits of time and size: what does not answer is unreadable."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bgo.clock import SystemClock

if TYPE_CHECKING:
    import subprocess
    from typing import Any

MOST_BYTES = 1 << 20
"""More than that no sensor has to say; `ioreg` comes to 300 kB."""


class Unreadable(Exception):
    """Why a value cannot be read, in words for the user."""


class TooSlow(Unreadable):
    """It did not answer in time."""


class Limit:
    """An instant until which one may wait for programs; with none to wait for, they are not even started."""

    def __init__(self, limit_ms: int) -> None:
        self.was_passed = False
        """Something has been given up."""
        self._clock = SystemClock()
        self._limit_ms = limit_ms
        self._until = self._clock.awake_ms() + limit_ms

    def left_s(self) -> float:
        """Return the seconds that are left, 0 when there are none."""
        return max(0, self._until - self._clock.awake_ms()) / 1000

    def over(self, program: str) -> TooSlow:
        """Return the reason for giving up, and take note of it."""
        self.was_passed = True
        if self._limit_ms == 0:
            return TooSlow(f"{program} was too slow lately")
        return TooSlow(f"{program} took longer than {self._limit_ms / 1000:g} s")


def ask(limit: Limit, *words: str) -> str:
    """Return what a program prints, its messages not in it.

    Raises Unreadable when there is no such program, when it fails, or prints more than MOST_BYTES; TooSlow when it is
    not done in time. It is then ended with all that it has started.
    """
    import subprocess

    if limit.left_s() == 0:
        raise limit.over(words[0])
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, "LC_ALL": "C"},
        )
    except FileNotFoundError:
        raise Unreadable(f"{words[0]} is not here") from None
    except OSError as error:
        raise Unreadable(f"{words[0]}: {error.strerror}") from None
    with process.stdout as out, process.stderr as err:  # type: ignore[union-attr]  # both are pipes
        try:
            told, complaint = _drain(limit, words[0], out.fileno(), err.fileno())
            code = process.wait(limit.left_s())
        except BaseException as error:
            _end(process)
            raise limit.over(words[0]) if isinstance(error, subprocess.TimeoutExpired) else error from None
    if code:
        last = (complaint.decode("utf-8", "replace").strip().splitlines() or [f"exit code {code}"])[-1]
        raise Unreadable(f"{words[0]}: {brief(last)}")
    return told.decode("utf-8", "replace")


def _drain(limit: Limit, program: str, *fds: int) -> list[bytearray]:
    """Return what comes out of these descriptors until all are closed at the other end."""
    import selectors

    found = {fd: bytearray() for fd in fds}
    with selectors.DefaultSelector() as selector:
        for fd in fds:
            selector.register(fd, selectors.EVENT_READ)
        while selector.get_map():
            if not (ready := selector.select(limit.left_s())):
                raise limit.over(program)
            for key, _ in ready:
                if chunk := os.read(key.fd, 65536):
                    found[key.fd] += chunk
                else:
                    selector.unregister(key.fd)
            if sum(map(len, found.values())) > MOST_BYTES:
                raise Unreadable(f"{program} printed more than {MOST_BYTES >> 20} MiB")
            if limit.left_s() == 0:  # one that never stops printing is always ready
                raise limit.over(program)
    return list(found.values())


def _end(process: subprocess.Popen[Any]) -> None:
    """Kill a program and its whole group. Nobody has reaped it yet, so the group's number is still its own."""
    import signal
    import subprocess

    try:
        os.killpg(process.pid, signal.SIGKILL)
    except OSError:  # it had just been started, or belongs to somebody else by now
        process.kill()
    try:
        process.wait(0.1)
    except subprocess.TimeoutExpired:  # the kernel holds it; nobody can do more
        pass


def read_file(path: str, most: int = 4096) -> str:
    """Return a file's text, its first `most` bytes; raises Unreadable. Never waits: not even for a FIFO's writer."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise Unreadable(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    found = b""
    try:
        while len(found) < most and (chunk := os.read(fd, most - len(found))):
            found += chunk
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}") from None
    finally:
        os.close(fd)
    return found.decode("utf-8", "replace").strip()


def peek(*parts: str) -> str:
    """Return the text of a small file of the kernel's, "" when it cannot be read."""
    try:
        return read_file(os.path.join(*parts))
    except Unreadable:
        return ""


def whole_number(text: str) -> int | None:
    """Return a plain number of up to 18 digits, or None."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def brief(text: str) -> str:
    """Return foreign text as a reason can hold it: one line, 80 characters at most."""
    flat = " ".join("".join(char if char.isprintable() else " " for char in text[:400]).split())
    return flat if len(flat) <= 80 else flat[:79] + "…"


def span(ms: int) -> str:
    """Return how long something has lasted, roughly."""
    if ms < 60_000:
        return f"{ms // 1000} s"
    return f"{ms // 60_000} min" if ms < 7_200_000 else f"{ms // 3_600_000} h"

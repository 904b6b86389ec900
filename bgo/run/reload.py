"""Starting over in the same process: fresh code, the same pid, the same channel, no task lost.

When a plugin file has changed, or a task belongs to another program than the last one, the child execs itself and
takes along what it has received. The supervisor sees nothing of it but 50 ms.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from bgo.run.channel import Channel, Frame, encode

_FIRST_ENVIRONMENT = dict(os.environ)
"""What the spawner gave us, with room for a mark; what tasks have changed since is left behind."""


def restart(channel: Channel, frames: Iterable[Frame]) -> None:
    """Replace this process by a fresh child that begins with `frames`; return only when that is impossible."""
    luggage = b"".join(encode(frame) for frame in frames) + channel.unread
    fd = pack(luggage)
    own = len(sys.orig_argv) - len(sys.argv) + 1
    argv = [*sys.orig_argv[:own], *sys.argv[1:3], str(fd)]
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    try:
        os.set_inheritable(channel.fileno(), True)
        os.set_inheritable(fd, True)
        os.execve(sys.executable, argv, _FIRST_ENVIRONMENT)  # noqa: S606 - the same interpreter again
    except OSError:  # the interpreter has gone: the code we have is better than none
        os.set_inheritable(channel.fileno(), False)
        os.close(fd)


def pack(luggage: bytes) -> int:
    """Keep bytes where only this process and its successor see them: inputs never go into argv or environment."""
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("bgo")
    else:
        import tempfile

        with tempfile.TemporaryFile(buffering=0) as file:
            fd = os.dup(file.fileno())
    view = memoryview(luggage)
    while view:
        view = view[os.write(fd, view) :]
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def unpack(fd: int) -> bytes:
    """Return what the process before us has packed."""
    parts = []
    while part := os.read(fd, 1 << 20):
        parts.append(part)
    os.close(fd)
    return b"".join(parts)

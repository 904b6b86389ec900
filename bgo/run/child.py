"""The program of a child process: `python -P …/bgo/run/child.py FD PLUGINS [LUGGAGE]`.

FD is this child's end of the channel, PLUGINS the worker's plugin settings as JSON. LUGGAGE is a file descriptor
with bytes that a child which restarted itself had already received.
"""

from __future__ import annotations

import io
import os
import sys


def _find_bgo() -> None:
    """Run the same bgo as the supervisor, installed or not, without putting its directory before anybody's modules."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    if root in sys.path:
        return
    sys.path.insert(0, root)
    import bgo.run  # noqa: F401 - from here on the package is found without the path

    sys.path.remove(root)
    sys.path.append(root)


def main() -> None:
    """Serve the channel until it says exit."""
    _find_bgo()
    import json

    from bgo.clock import SystemClock
    from bgo.run.channel import Channel, ChannelClosed, WireError
    from bgo.run.guard import protect, vanish
    from bgo.run.loop import Worker

    fd, plugins = int(sys.argv[1]), json.loads(sys.argv[2])
    unread = b""
    if len(sys.argv) > 3:
        from bgo.run.reload import unpack

        unread = unpack(int(sys.argv[3]))
    clock = SystemClock()
    protect(fd)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    channel = Channel(fd, unread)
    try:
        worker = Worker(channel, plugins, clock)
        if len(sys.argv) == 3:
            channel.send({"t": "hello", "pid": os.getpid()})
        worker.serve()
    except (ChannelClosed, WireError):
        vanish(clock)


if __name__ == "__main__":
    main()

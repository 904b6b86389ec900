"""Processes of this host: starting children, knowing them again, and ending everything a run has started.

Everything that depends on the platform is here, in `stop.py`, `suspend.py`, `proctable.py` and `guard.py`. Linux is
served fully. macOS has no subreaper, no parent-death signal and no look into environments: there a run is its process
group and the tree below it, and what leaves both escapes.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Mapping

from bgo.model.task import Child
from bgo.run import child as child_program
from bgo.run.channel import Channel
from bgo.run.guard import MARK_ROOM, become_subreaper
from bgo.run.proctable import MARK, marked_processes, process_start_time
from bgo.run.stop import is_running, kill_run, reap_strangers, terminate_run
from bgo.run.suspend import continue_run, suspend_run

__all__ = [
    "ChildProcess",
    "become_subreaper",
    "boot_id",
    "continue_run",
    "host_id",
    "is_running",
    "kill_run",
    "marked_processes",
    "process_start_time",
    "reap_strangers",
    "spawn_child",
    "suspend_run",
    "terminate_run",
]

_CHANNEL_FD = 3
_READ_SIZE = 64 << 10


class ChildProcess:
    """A child of this process. Close it when it is over; it is reaped by `poll` alone."""

    def __init__(self, pid: int, start_time: int, channel: Channel, output_fd: int) -> None:
        self.pid = pid
        self.start_time = start_time
        """0 when it had ended before it could be asked."""
        self.channel = channel
        """Non-blocking."""
        self.output_fd = output_fd
        """What it and all it starts write to stdout and stderr; non-blocking, to be drained always."""
        self.returncode: int | None = None
        self.pidfd: int | None = None
        """Readable once it has ended; None where the system has no pidfds."""
        try:
            self.pidfd = os.pidfd_open(pid)
        except (AttributeError, OSError):
            pass

    @property
    def identity(self) -> Child:
        """Return how others may find and signal this child."""
        return Child(self.pid, self.start_time)

    def poll(self) -> int | None:
        """Reap it if it has ended; return its exit code, -N for signal N, or None while it lives.

        The end of a child is this, never the end of its pipes, which a descendant may hold open.
        """
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                self.returncode = 1  # somebody else has reaped it: gone, and nobody knows how
            else:
                if pid:
                    self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self) -> int:
        """Reap it, waiting for its end; return its exit code, -N for signal N."""
        while self.poll() is None:
            try:
                os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
            except ChildProcessError:
                pass
        return self.returncode or 0

    def read_output(self, limit: int = 1 << 20) -> bytes:
        """Return what it has written since, up to `limit` bytes; b'' when there is nothing now or ever.

        A child sends Done only after it has flushed, killed and reaped what the task started: what can be read when
        Done arrives is the output of that run, all of it.
        """
        parts = []
        size = 0
        while size < limit:
            try:
                part = os.read(self.output_fd, min(_READ_SIZE, limit - size))
            except BlockingIOError:
                break
            if not part:
                break
            parts.append(part)
            size += len(part)
        return b"".join(parts)

    def kill(self) -> None:
        """SIGKILL it and its process group; what has left the group is for `kill_run`."""
        if self.poll() is None:  # not reaped yet, so the pid, and with it the group's number, is still its own
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except OSError:
                pass

    def close(self) -> None:
        """Close our ends of its pipes: it ends, with all it has started, if it lives."""
        self.channel.close()
        fds, self.output_fd = [self.output_fd], -1
        if self.pidfd is not None:
            fds.append(self.pidfd)
            self.pidfd = None
        for fd in fds:
            if fd >= 0:
                os.close(fd)


def spawn_child(plugins_json: str, env: Mapping[str, str]) -> ChildProcess:
    """Start a child in its own session, with this environment and no open file but its channel and output.

    Call it from the main thread only: a child dies with the thread that started it.
    """
    ours, theirs = socket.socketpair()
    output, write_end = os.pipe()
    held = [theirs.detach(), write_end]
    try:
        # With four open already these are beyond 3, and so not overwritten while 0 to 3 are put in place.
        held += [os.dup(fd) for fd in held]
        channel_fd, output_fd = held[2:]
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-P", child_program.__file__, str(_CHANNEL_FD), plugins_json],
            {**env, MARK: "." * MARK_ROOM},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, output_fd, 1),
                (os.POSIX_SPAWN_DUP2, output_fd, 2),
                (os.POSIX_SPAWN_DUP2, channel_fd, _CHANNEL_FD),
            ],
            setsid=True,
            setsigmask=[],
            setsigdef=sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}),
        )
    except BaseException:
        ours.close()
        os.close(output)
        raise
    finally:
        for fd in held:
            os.close(fd)
    ours.setblocking(False)
    os.set_blocking(output, False)
    return ChildProcess(pid, process_start_time(pid) or 0, Channel(ours.detach()), output)


def host_id() -> str:
    """Return what tells this host from others: a hash of its machine id, or its name where it has none."""
    import hashlib

    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        try:
            with open(path, encoding="ascii") as file:
                name = file.read().strip()
        except (OSError, ValueError):
            continue
        if name:
            break
    else:
        name = _ask("sysctl", "-n", "kern.uuid") or socket.gethostname()
    return hashlib.sha256(f"bgo:{name}".encode()).hexdigest()[:16]


def boot_id() -> str:
    """Return what tells this boot of the machine from others: pids and start times mean nothing beyond it."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return _ask("sysctl", "-n", "kern.bootsessionuuid") or "unknown"


def _ask(*command: str) -> str:
    import subprocess

    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""

"""The crew: the children of one worker. Started when there is work, kept warm, replaced when they die; everything
they say and print is heard here, and handed on as frames and deaths."""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bgo.clock import Clock
from bgo.errors import ConfigError
from bgo.model.outcome import Crashed
from bgo.run import process
from bgo.run.channel import ChannelClosed, Frame, WireError
from bgo.run.process import ChildProcess

STARTS_BEFORE_GIVING_UP = 5
LAST_WORDS = 2_000
KILL_PATIENCE_S = 5.0
Print = Callable[[ChildProcess, bytes], None]


@dataclass(slots=True)
class Heard:
    """What one wait brought: frames in order, children that are gone (with why), other descriptors that are ready."""

    frames: list[tuple[ChildProcess, Frame]] = field(default_factory=list)
    gone: list[tuple[ChildProcess, str]] = field(default_factory=list)
    ready: set[int] = field(default_factory=set)


class Crew:
    """Children by what they do: starting (no hello yet), idle, busy."""

    def __init__(self, plugins: str, size: int, on_print: Print, clock: Clock) -> None:
        self._plugins = plugins
        self._size = size
        self._clock = clock
        self._print = on_print
        self._poll = select.poll()
        self._by_fd: dict[int, ChildProcess] = {}
        self._writing: set[int] = set()
        self.starting: list[ChildProcess] = []
        self.idle: list[ChildProcess] = []
        self.busy: set[ChildProcess] = set()
        self._failed_starts = 0
        self._last_words = b""

    def __iter__(self) -> Iterator[ChildProcess]:
        return iter([*self.starting, *self.idle, *self.busy])

    @property
    def count(self) -> int:
        """Return how many children there are."""
        return len(self.starting) + len(self.idle) + len(self.busy)

    def watch(self, fd: int) -> None:
        """Wait for another descriptor as well."""
        self._poll.register(fd, select.POLLIN)

    def grow(self, wanted: int) -> None:
        """Start children until `wanted` are idle or starting, within the crew's size."""
        while len(self.starting) + len(self.idle) < wanted and self.count < self._size:
            child = process.spawn_child(self._plugins, dict(os.environ))
            self.starting.append(child)
            for fd in self._fds(child):
                self._by_fd[fd] = child
                self._poll.register(fd, select.POLLIN)

    def _fds(self, child: ChildProcess) -> list[int]:
        return [fd for fd in (child.channel.fileno(), child.output_fd, child.pidfd) if fd is not None and fd >= 0]

    def assign(self, pid: int) -> ChildProcess:
        """Take the idle child with this pid for a run."""
        child = next(c for c in self.idle if c.pid == pid)
        self.idle.remove(child)
        self.busy.add(child)
        return child

    def free(self, child: ChildProcess) -> None:
        """The child's run is over, and it is ready for another."""
        self.busy.discard(child)
        self.idle.append(child)

    def send(self, child: ChildProcess, frame: Frame) -> None:
        """Tell a child something; a child that is gone is noticed by the next wait."""
        try:
            child.channel.send(frame)
        except ChannelClosed:
            return
        self._expect_room(child)

    def _expect_room(self, child: ChildProcess) -> None:
        """Listen for room in the channel exactly while something waits to be sent."""
        fd, waits = child.channel.fileno(), child.channel.wants_write
        if waits != (fd in self._writing):
            self._poll.modify(fd, select.POLLIN | (select.POLLOUT if waits else 0))
            self._writing ^= {fd}

    def wait(self, timeout_ms: int) -> Heard:
        """Wait for something to happen, at most `timeout_ms`, and return it."""
        heard = Heard()
        for fd, _ in self._poll.poll(timeout_ms):
            child = self._by_fd.get(fd)
            if child is None:
                heard.ready.add(fd)
            elif fd == child.output_fd:
                self.drain(child)
            elif fd == child.channel.fileno():
                self._receive(child, heard)
            elif child.poll() is not None:
                self._gone(heard, child, "")
        return heard

    def _receive(self, child: ChildProcess, heard: Heard) -> None:
        try:
            if child.channel.wants_write:
                child.channel.flush()
                self._expect_room(child)
            for frame in child.channel.receive():
                if frame["t"] == "hello":
                    self._hello(child)
                heard.frames.append((child, frame))
        except ChannelClosed:
            self._gone(heard, child, "")
        except WireError as error:
            self._gone(heard, child, str(error))

    def _gone(self, heard: Heard, child: ChildProcess, why: str) -> None:
        if all(child is not other for other, _ in heard.gone):
            heard.gone.append((child, why))

    def _hello(self, child: ChildProcess) -> None:
        if child not in self.starting:
            return  # it has restarted itself to load changed code, and goes on with its run
        self.starting.remove(child)
        self.idle.append(child)
        self._failed_starts = 0

    def drain(self, child: ChildProcess) -> None:
        """Read what the child has printed so far."""
        while data := child.read_output():
            self._last_words = data[-LAST_WORDS:]
            self._print(child, data)
        if child.poll() is not None and child.output_fd in self._by_fd:
            self._unwatch(child.output_fd)

    def _unwatch(self, fd: int) -> None:
        self._writing.discard(fd)
        if self._by_fd.pop(fd, None) is not None:
            self._poll.unregister(fd)

    def bury(self, child: ChildProcess, mark: str, why: str = "") -> Crashed:
        """End a child with everything that carries the mark, and forget it; return how it ended.

        Raises ConfigError when children die again and again before they are up.
        """
        process.kill_run(child.identity, mark, 0, self._clock)
        child.kill()
        self.drain(child)
        code = _end_of(child)
        for fd in self._fds(child):
            self._unwatch(fd)
        if child in self.starting:
            self._failed_starts += 1
        for group in (self.starting, self.idle):
            if child in group:
                group.remove(child)
        self.busy.discard(child)
        child.close()
        self._complain()
        return Crashed(None if code < 0 else code, -code if code < 0 else None, why)

    def _complain(self) -> None:
        if self._failed_starts < STARTS_BEFORE_GIVING_UP:
            return
        last = self._last_words.decode("utf-8", "replace").strip().splitlines()
        raise ConfigError(
            f"children cannot start: {self._failed_starts} in a row died before they were ready",
            why=last[-1] if last else "they said nothing",
            hint="bgo doctor checks the installation",
        )

    def disband(self) -> None:
        """End every child."""
        for child in self:
            child.kill()
            _end_of(child)
            child.close()


def _end_of(child: ChildProcess) -> int:
    """Wait for a killed child and return its exit code, -N for signal N."""
    if child.poll() is None and child.pidfd is not None:
        select.select([child.pidfd], [], [], KILL_PATIENCE_S)
    while (code := child.poll()) is None:  # without pidfds, or stuck in the kernel
        select.select([], [], [], 0.01)
    return code

"""The crew: the children of one worker. Started when there is work, kept warm, replaced when they die; everything
they say and print is heard here, and handed on as frames and deaths."""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from bgo.clock import Clock
from bgo.errors import ConfigError
from bgo.model.outcome import Crashed
from bgo.model.task import Child
from bgo.run import process
from bgo.run.channel import ChannelClosed, Frame, WireError
from bgo.run.process import ChildProcess
from bgo.run.strays import Strays

STARTS_BEFORE_GIVING_UP = 5
START_LIMIT_MS = 60_000
"""How long a child may take to say hello; it runs no user code before."""
BREATH_MS = 250
"""After a process could not be started, the next one is tried this much later."""
LAST_WORDS = 2_000
LAST_BREATH_MS = 100
KILL_PATIENCE_MS = 5_000
READ_LIMIT = 1 << 20
"""Most bytes of output read from a child at a time: one that floods must not keep the loop from its timers."""
HEAR_LIMIT = 300
CLOSED = "it closed its channel to the worker"
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
        self.starting: dict[ChildProcess, int] = {}
        """Since when, in awake milliseconds."""
        self.idle: list[ChildProcess] = []
        self.busy: set[ChildProcess] = set()
        self._strays = Strays(clock)
        self.spared: set[int] = set()
        """Processes that were started on purpose and are not of the crew."""
        self._failed_starts = 0
        self._start_again_at = 0
        self._last_words = b""
        self.unheard: list[Frame] = []
        """What the child that was buried last had said and nobody had read."""

    def __iter__(self) -> Iterator[ChildProcess]:
        return iter([*self.starting, *self.idle, *self.busy])

    def __contains__(self, child: object) -> bool:
        return child in self.busy or child in self.idle or child in self.starting

    @property
    def count(self) -> int:
        """Return how many children there are."""
        return len(self.starting) + len(self.idle) + len(self.busy)

    def watch(self, fd: int) -> None:
        """Wait for another descriptor as well."""
        self._poll.register(fd, select.POLLIN)

    def unwatch(self, fd: int) -> None:
        """Wait for it no more."""
        self._poll.unregister(fd)

    # Starting and assigning.

    def grow(self, wanted: int) -> None:
        """Start children until `wanted` are idle or starting, within the crew's size.

        Raises ConfigError when children die again and again before they are up.
        """
        awake = self._clock.awake_ms()
        for child, since in list(self.starting.items()):
            if awake - since > START_LIMIT_MS:
                self.bury(child, "")
        while len(self.starting) + len(self.idle) < wanted and self.count < self._size:
            if awake < self._start_again_at:
                return
            try:
                child = process.spawn_child(self._plugins, dict(os.environ))
            except OSError as error:
                self._start_again_at = awake + BREATH_MS
                self._last_words = str(error).encode()
                self._complain()
                return
            self.starting[child] = awake
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
        """The child's run is over; it is ready for another, unless a handler has closed its output."""
        self.busy.discard(child)
        self.idle.append(child)
        if child.output_fd not in self._by_fd:
            self.bury(child, "")

    # Talking.

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
        if fd in self._by_fd and waits != (fd in self._writing):
            self._poll.modify(fd, select.POLLIN | (select.POLLOUT if waits else 0))
            self._writing ^= {fd}

    def wait(self, timeout_ms: int) -> Heard:
        """Wait for something to happen, at most `timeout_ms`, and return it."""
        heard = Heard()
        for fd, event in self._poll.poll(timeout_ms):
            child = self._by_fd.get(fd)
            if child is None:
                heard.ready.add(fd)
            elif fd == child.output_fd:
                self.drain(child)
                if event & select.POLLHUP and not event & select.POLLIN:
                    self._unwatch(fd)  # nobody is left to write: it would be ready for ever
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
            self._take(heard, child, child.channel.receive())
        except ChannelClosed:
            self._gone(heard, child, "" if ends_within(child, LAST_BREATH_MS) else CLOSED)
        except WireError as error:
            self._gone(heard, child, f"it sent something else than frames: {error}")

    def _take(self, heard: Heard, child: ChildProcess, frames: list[Frame]) -> None:
        for frame in frames:
            if frame["t"] == "hello":
                self._hello(child)
            heard.frames.append((child, frame))

    def _gone(self, heard: Heard, child: ChildProcess, why: str) -> None:
        if all(child is not other for other, _ in heard.gone):
            self._take(heard, child, self.hear(child))  # what it had said before counts
            heard.gone.append((child, why))

    def hear(self, child: ChildProcess) -> list[Frame]:
        """Return what the child has said and nobody has read, without waiting for more."""
        frames: list[Frame] = []
        probe = select.poll()
        if child.channel.fileno() in self._by_fd:
            probe.register(child.channel.fileno(), select.POLLIN)
        with suppress(ChannelClosed, WireError):
            for _ in range(HEAR_LIMIT):
                if not probe.poll(0):
                    break
                frames += child.channel.receive()
        return frames

    def _hello(self, child: ChildProcess) -> None:
        if self.starting.pop(child, None) is None:
            return  # it has restarted itself to load changed code, and goes on with its run
        self.idle.append(child)
        self._failed_starts = 0

    def drain(self, child: ChildProcess) -> None:
        """Take what the child has printed, as much as a pipe holds."""
        data = child.read_output(READ_LIMIT)
        if child in self.starting:
            self._last_words = (self._last_words + data[-LAST_WORDS:])[-LAST_WORDS:]
        elif data:
            self._print(child, data)

    def _unwatch(self, fd: int) -> None:
        self._writing.discard(fd)
        if self._by_fd.pop(fd, None) is not None:
            self._poll.unregister(fd)

    # Ending.

    def dismiss(self, children: Collection[Child]) -> None:
        """End these children if they are idle."""
        for child in [c for c in self.idle if c.identity in children]:
            self.bury(child, "")

    def retire(self, child: ChildProcess) -> None:
        """Listen no more to a child that has ended, while what it has started still has its grace."""
        for fd in (child.channel.fileno(), child.pidfd):
            if fd is not None:
                self._unwatch(fd)

    def bury(self, child: ChildProcess, mark: str, why: str = "") -> Crashed | None:
        """End a child with everything that carries the mark, and forget it; return how it ended.

        None when something of it will not die: call again later. Raises ConfigError when children die again and again
        before they are up.
        """
        is_over = process.kill_run(child.identity, mark, 0, self._clock)
        child.kill()
        self._strays.end([*self.spared, *(other.pid for other in self)])
        self.drain(child)
        code = end_of(child)
        self.unheard = self.hear(child)
        if not is_over or code is None:
            self.retire(child)
            return None
        for fd in self._fds(child):
            self._unwatch(fd)
        was_starting = self.starting.pop(child, None) is not None
        if child in self.idle:
            self.idle.remove(child)
        self.busy.discard(child)
        child.close()
        if was_starting:
            self._complain()
        return Crashed(None if code < 0 else code, -code if code < 0 else None, why)

    def _complain(self) -> None:
        """Count a start that failed, and give up when they all do."""
        self._failed_starts += 1
        if self._failed_starts < STARTS_BEFORE_GIVING_UP:
            return
        last = self._last_words.decode("utf-8", "replace").strip().splitlines()
        raise ConfigError(
            f"children cannot start: {self._failed_starts} in a row died before they were ready",
            why=last[-1] if last else "they said nothing",
            hint="bgo doctor checks the installation",
        )

    def disband(self) -> None:
        """End every child; what runs has been stopped before."""
        for child in self:
            child.kill()
        for child in self:
            end_of(child)
            child.close()
        self._strays.end(())


def end_of(child: ChildProcess) -> int | None:
    """Wait for a killed child and return its exit code, -N for signal N; None when it is stuck in the kernel."""
    if child.pidfd is None:
        return child.wait()
    return child.poll() if ends_within(child, KILL_PATIENCE_MS) else None


def ends_within(child: ChildProcess, patience_ms: int) -> bool:
    """Wait for a child's end, at most so long; without pidfds only look."""
    if child.poll() is None and child.pidfd is not None:
        end = select.poll()
        end.register(child.pidfd, select.POLLIN)
        end.poll(patience_ms)
    return child.poll() is not None

"""The observer process as its worker holds it: started when it is needed, told one thing at a time, ended when it must.

It is a child like those that run tasks, and nothing waits for it: what it says and prints is taken when it comes.
"""

from __future__ import annotations

import os
import signal
from typing import NamedTuple

from bgo.clock import Clock
from bgo.run import process
from bgo.run.channel import ChannelClosed, Frame, WireError
from bgo.run.crew import START_LIMIT_MS, Crew, end_of, ends_within
from bgo.run.hooklog import HookOutput
from bgo.run.process import ChildProcess

LAST_BREATH_MS = 100
RETRY_SEND_MS = 10
READ_STEP = 64 << 10
OUTPUT_LIMIT = 1 << 20
"""A call that prints more than so much is not read any further: it then waits, and runs into its limit."""
LAST_WORDS = 300


class Answer(NamedTuple):
    """How a call ended: `error` is '' when all went well."""

    error: str = ""
    is_late: bool = False
    """It took too long."""
    is_start: bool = False
    """It never came up: no call is to blame."""


class Ear:
    """At most one observer process."""

    def __init__(self, plugins: str, mark: str, crew: Crew, output: HookOutput, clock: Clock) -> None:
        self._plugins, self._mark, self._crew = plugins, mark, crew
        self._output, self._clock = output, clock
        self._child: ChildProcess | None = None
        self._watched: set[int] = set()
        self._is_up = False
        self._until: int | None = None
        """When the start or the call under way has taken too long; awake milliseconds."""
        self._limit_ms = 0
        self._printed = 0
        self._words = b""

    @property
    def pid(self) -> int | None:
        return None if self._child is None else self._child.pid

    @property
    def is_free(self) -> bool:
        """Say whether it can be told something now."""
        return self._is_up and self._until is None

    def next_timer(self, awake: int) -> int | None:
        """Return when the call under way, or the start, must be over."""
        if self._child is not None and self._child.channel.wants_write:
            return awake + RETRY_SEND_MS
        return self._until

    def start(self, awake: int) -> bool:
        """Start it if it is not there; return False when the system has no process for us now."""
        if self._child is not None:
            return True
        try:
            self._child = process.spawn_child(self._plugins, dict(os.environ))
        except OSError:
            return False
        self._until, self._limit_ms = awake + START_LIMIT_MS, START_LIMIT_MS
        self._crew.spared.add(self._child.pid)
        for fd in (self._child.channel.fileno(), self._child.output_fd, self._child.pidfd):
            if fd is not None:
                self._watch(fd)
        return True

    def tell(self, frame: Frame, awake: int, limit_ms: int) -> None:
        """Make one call, which may take so long."""
        if self._child is None:
            return
        self._until, self._limit_ms = awake + limit_ms, limit_ms
        self._printed, self._words = 0, b""
        self._watch(self._child.output_fd)
        try:
            self._child.channel.send({**frame, "mark": self._mark})
        except ChannelClosed:
            pass  # its end is noticed by the next look

    def hasten(self, until: int) -> None:
        """Let the call under way take until then at most."""
        if self._is_up and self._until is not None:
            self._limit_ms -= max(0, self._until - until)
            self._until = min(self._until, until)

    def listen(self, awake: int, ready: set[int]) -> Answer | None:
        """Take what it says; return how the call under way has ended, or None while it goes on."""
        child = self._child
        if child is None:
            return None
        if child.channel.wants_write:
            self._flush(child)
        if child.output_fd in ready:
            self._drain(child)
        if child.channel.fileno() in ready:
            try:
                for frame in child.channel.receive():
                    if (answer := self._take(frame)) is not None:
                        return answer
            except (ChannelClosed, WireError):
                return self._gone(child, "")
        if child.pidfd in ready or (child.pidfd is None and child.poll() is not None):
            return self._gone(child, "")
        if self._until is not None and awake >= self._until:
            return self._gone(child, f"it took longer than {self._limit_ms / 1000:g} s")
        return None

    def _take(self, frame: Frame) -> Answer | None:
        if frame["t"] == "hello":
            if not self._is_up:
                self._is_up, self._until = True, None
        elif frame["t"] == "told" and self._until is not None:
            self._until = None
            error = str(frame.get("error", ""))
            if error and frame.get("printed") and self._child is not None:  # a command says why in its last line
                self._drain(self._child)
                error = ": ".join([error, *self._last_line])
            return Answer(error)
        return None

    @property
    def _last_line(self) -> list[str]:
        return self._words.decode("utf-8", "replace").strip().splitlines()[-1:]

    def _flush(self, child: ChildProcess) -> None:
        try:
            child.channel.flush()
        except ChannelClosed:
            pass

    def _drain(self, child: ChildProcess) -> None:
        data = child.read_output(READ_STEP)
        if not data:  # nobody is left to write: it would be ready for ever
            self._unwatch(child.output_fd)
        self._printed += len(data)
        self._words = (self._words + data)[-LAST_WORDS:]
        self._output.add(data)
        if self._printed > OUTPUT_LIMIT:
            self._unwatch(child.output_fd)

    def _gone(self, child: ChildProcess, why: str) -> Answer | None:
        """It has ended or must end: clear up after it, and say what that means for the call under way."""
        was_up, had_call, is_late = self._is_up, self._until is not None, bool(why)
        if not why:
            ends_within(child, LAST_BREATH_MS)
            why = _ending(child.poll())
        self.end()
        if not was_up:
            return Answer(": ".join([why, *self._last_line]), is_start=True)
        return Answer(why, is_late=is_late) if had_call else None

    def end(self) -> None:
        """End it with all that it has started."""
        child, self._child = self._child, None
        self._is_up, self._until = False, None
        if child is None:
            return
        process.kill_run(child.identity, self._mark, 0, self._clock)
        child.kill()
        self._output.add(child.read_output(READ_STEP))
        end_of(child)
        for fd in list(self._watched):
            self._unwatch(fd)
        self._crew.spared.discard(child.pid)
        child.close()

    def _watch(self, fd: int) -> None:
        if fd not in self._watched:
            self._watched.add(fd)
            self._crew.watch(fd)

    def _unwatch(self, fd: int) -> None:
        if fd in self._watched:
            self._watched.remove(fd)
            self._crew.unwatch(fd)


def _ending(code: int | None) -> str:
    if code is None:
        return "it closed its channel to the worker"
    if code < 0:
        return f"its process was killed ({signal.Signals(-code).name})"
    return f"it ended its process (exit code {code})"

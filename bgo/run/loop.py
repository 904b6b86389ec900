"""The life of a child: wait for a start frame, run the task, clean up, answer; until told to exit or left alone.

The main thread runs the handlers and reads the channel itself while it is idle: handing frames over between threads
would cost a task some 15 µs. The watcher is a second thread that reads while a handler keeps running.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections import deque
from collections.abc import Sequence
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from bgo.clock import Clock
from bgo.errors import ConfigError
from bgo.hooks.middleware import Layer, ordered
from bgo.model.handler import Source
from bgo.model.outcome import Outcome, Rejected
from bgo.run.channel import Channel, ChannelClosed, Frame, WireError
from bgo.run.context import TaskContext, flush_progress, tell_cancelled, tell_soft_timeout
from bgo.run.guard import Mark, forget_in_forks, kill_descendants, vanish
from bgo.run.invoke import Invoker, Terminated, describe, rejected
from bgo.run.reload import restart
from bgo.run.wire import StartFrame, outcome_json, start_from

if TYPE_CHECKING:
    from bgo.hooks.handler import Handler
    from bgo.hooks.registry import Registry

WATCH_AFTER_MS = 20
"""A handler that is done sooner is never watched, and costs no switch between threads."""
_WATCH_EVERY_MS = 100


class Watcher:
    """Reads the channel while a handler runs, in a thread of its own: cancel, soft timeout, and the end of it all."""

    def __init__(self, channel: Channel, clock: Clock) -> None:
        self._channel = channel
        self._clock = clock
        self._gate: SimpleQueue[None] = SimpleQueue()
        self._asleep = False
        self._current: TaskContext | None = None
        self._reading = threading.Lock()
        self.inbox: deque[Frame] = deque()
        """Frames that are not for the running task."""
        threading.Thread(target=self._watch, name="bgo-watcher", daemon=True).start()

    def begin(self, ctx: TaskContext) -> None:
        """From now on the channel is the watcher's."""
        self._current = ctx
        if self._asleep:
            self._asleep = False
            self._gate.put(None)

    def end(self) -> None:
        """From now on the channel is the main thread's again."""
        with self._reading:
            self._current = None

    def _watch(self) -> NoReturn:
        while True:
            # In this order: a task that begins in between either sees us asleep or is seen here.
            self._asleep = True
            if self._current is None:
                self._gate.get()
            self._asleep = False
            self._look_around()

    def _look_around(self) -> None:
        """Attend to whatever runs longer than one nap; return when nothing runs at the end of one."""
        seen = self._current
        while True:
            self._clock.sleep_ms(WATCH_AFTER_MS)
            current = self._current
            if current is None:
                return
            if current is seen:
                self._attend(current)
            seen = current

    def _attend(self, ctx: TaskContext) -> None:
        poll = select.poll()
        poll.register(self._channel.fileno(), select.POLLIN)
        while self._current is ctx:
            if poll.poll(_WATCH_EVERY_MS):
                with self._reading:
                    if self._current is ctx:
                        self._read(ctx)
            self._speak(ctx)

    def _read(self, ctx: TaskContext) -> None:
        try:
            frames = self._channel.receive()
        except (ChannelClosed, WireError):
            vanish(self._clock)
        for frame in frames:
            if not tell(ctx, frame):
                self.inbox.append(frame)

    def _speak(self, ctx: TaskContext) -> None:
        """Send what the handler reported last and was too soon for."""
        try:
            flush_progress(ctx)
        except ChannelClosed:
            vanish(self._clock)


def tell(ctx: TaskContext, frame: Frame) -> bool:
    """Pass a frame on to the running handler; return False for one that is not for it."""
    match frame["t"]:
        case "cancel":
            tell_cancelled(ctx)
        case "soft_timeout":
            tell_soft_timeout(ctx)
        case _:
            return False
    return True


class Worker:
    """Runs tasks one after another in the main thread."""

    def __init__(self, channel: Channel, plugins: dict[str, Any], clock: Clock) -> None:
        from bgo.hooks.registry import Registry, realm

        self._channel = channel
        self._clock = clock
        self._registry = Registry.for_child(plugins)
        self._realm_of = realm
        self._realm = ""
        self._spoiled = False
        self._invoker = Invoker()
        self._mark = Mark()
        self._pid = os.getpid()
        self._phase: Literal["idle", "handler", "finishing"] = "idle"
        self._terminated = False
        self._watcher = Watcher(channel, clock)
        signal.signal(signal.SIGTERM, self._on_term)
        forget_in_forks(channel.close)

    def serve(self) -> None:
        """Run what the channel brings until it brings `exit`."""
        try:
            self._serve()
        except Terminated:  # it came in the few instructions between a handler's end and ours
            _die_of_term()

    def _serve(self) -> None:
        inbox = self._watcher.inbox
        inbox.extend(self._channel.take_unread())
        while True:
            while inbox:
                frame = inbox.popleft()
                if frame["t"] == "exit":
                    return
                if frame["t"] == "start":
                    self._run(frame)
                if frame["t"] == "tell":
                    self._tell(frame)
            inbox.extend(self._channel.receive())

    def _run(self, frame: Frame) -> None:
        start = start_from(frame)
        inbox = self._watcher.inbox
        if self._needs_restart(start.source):
            restart(self._channel, [frame, *inbox])
        # A thread that a handler leaves behind may speak on when the next task runs: its words name their run.
        about = {"task": start.task_id, "run": start.run}
        ctx = TaskContext(start, lambda said: self._send({**said, **about}), self._clock)
        while inbox and tell(ctx, inbox[0]):
            inbox.popleft()
        self._mark.set(start.mark)
        outcome = self._perform(ctx, start)
        flush_progress(ctx)
        flush_output()
        is_clean = kill_descendants(self._clock)
        self._mark.clear()
        self._send({"t": "done", "task": start.task_id, "run": start.run, "outcome": outcome_json(outcome)})
        if self._terminated or not is_clean:
            _die_of_term()
        self._phase = "idle"

    def _tell(self, frame: Frame) -> None:
        """Call one hook: this process was started for hooks, not for tasks."""
        from bgo.run.observing import call

        place = Source(*frame["source"]) if frame["source"] else None
        wanted = place.path if place is not None and place.kind == "flow" else ""
        # Programs of one directory share their modules; a script stands alone, and so does another directory.
        if self._registry.is_stale() or (wanted and self._realm and wanted != self._realm):
            restart(self._channel, [frame, *self._watcher.inbox])
        self._realm = wanted or self._realm
        self._mark.set(frame["mark"])
        error = call(self._registry, frame)
        flush_output()
        self._send({"t": "told", "error": error, "printed": bool(frame["argv"])})

    def _perform(self, ctx: TaskContext, start: StartFrame) -> Outcome:
        try:
            os.chdir(start.cwd or "/")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            return rejected("WorkingDirectoryGone", f"cannot run in {start.cwd}: {reason}")
        self._send({"t": "started", "task": start.task_id, "run": start.run})
        self._watcher.begin(ctx)
        try:
            self._phase = "handler"
            return self._call(ctx, start)
        except Terminated:
            _die_of_term()
        finally:
            if os.getpid() != self._pid:
                os._exit(0)  # a fork that came back out of the handler has no business here
            self._phase = "finishing"
            self._watcher.end()

    def _call(self, ctx: TaskContext, start: StartFrame) -> Outcome:
        try:
            handler = self._registry.resolve(start.handler, start.source)
            layers = layers_of(self._registry, handler, start)
        except Terminated:
            raise
        except BaseException as error:
            self._spoiled = True  # what half of an import left behind is not to meet the next task
            return Rejected(describe(error))
        return self._invoker.invoke(handler, ctx, layers)

    def _needs_restart(self, source: Source) -> bool:
        """Say whether the code in this process is not, or may not be, what the task should run."""
        wanted = self._realm_of(source)
        if wanted and self._realm and wanted != self._realm:
            return True
        self._realm = wanted or self._realm
        return self._spoiled or self._registry.is_stale()

    def _send(self, frame: Frame) -> None:
        try:
            self._channel.send(frame)
        except ChannelClosed:
            if os.getpid() == self._pid:
                vanish(self._clock)
            raise

    def _on_term(self, _number: int, _frame: object) -> None:
        self._terminated = True
        if self._phase == "handler":
            raise Terminated
        if self._phase == "idle":
            _die_of_term()


def layers_of(registry: Registry, handler: Handler, start: StartFrame) -> Sequence[Layer]:
    """Return all the middleware around a run. Raises ConfigError where any of it is missing: none is ever skipped."""
    own = handler.layers
    if len(own) < start.layers:
        raise ConfigError(
            f"{start.source.target} has {len(own)} middleware here, and its program had {start.layers}",
            why="what is not used at the top level of the module is not there when a child imports it",
            hint="call flow.use(…) at the top level, outside of functions and of if __name__ == '__main__'",
        )
    if not start.middleware:
        return own if len(own) < 2 else ordered(own)
    return ordered(registry.middleware(start.middleware), own)


def _die_of_term() -> NoReturn:
    """End as SIGTERM ends a process. Descendants got the signal too, and have their grace: they are left alone."""
    flush_output()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)
    os._exit(1)


def flush_output() -> None:
    """Write out what a handler has printed, as far as it has left us something to write to."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            pass

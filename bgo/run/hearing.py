"""What a worker does for hooks: nothing at all, until there is one. Then it feeds what happens to the observers."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from bgo.hooks.snapshot import extras_of
from bgo.model.handler import Catalogue, Source
from bgo.model.hooks import Observer
from bgo.model.state import State
from bgo.model.task import Task
from bgo.run.bench import Bench
from bgo.run.report import HookEvent, HookListener, RunReport

if TYPE_CHECKING:
    from bgo.run.crew import Crew
    from bgo.run.desk import Desk
    from bgo.run.observers import Observers
    from bgo.run.tail import Tail

END_MS = 5_000
"""How long the end of a worker waits for what is still to be told."""
NOW = 2
"""So many signals mean: end now."""
LIVE = {"started": "task_started", "progress": "task_progressed", "soft_timeout": "task_soft_timed_out"}


class Hearing:
    """The observers of one worker, made when there is somebody to hear."""

    def __init__(self, bench: Bench, worker: str, crew: Crew, desk: Desk, report: RunReport) -> None:
        self._bench, self._worker, self._crew, self._desk, self._report = bench, worker, crew, desk, report
        self.listener: HookListener | None = None
        self._handlers: Catalogue = {}
        self._known: tuple[Observer, ...] = ()
        self._observers: Observers | None = None
        self._has_begun = False
        self.waits = False
        """The history may hold something to tell."""

    def learn(self, handlers: Catalogue) -> tuple[Source, ...]:
        """Take note of who hears now; return the middleware that stands around every task."""
        extras = extras_of(handlers)
        self._handlers = handlers
        known = tuple(who for who in extras.observers if who.store in ("", self._bench.hooks.store))
        if known != self._known or (self._bench.hooks.shell and self._observers is None):
            self._known = known
            self._made().learn(known, self._bench.hooks.shell)
            self._has_begun, self.waits = False, True
        return extras.middleware

    def _made(self) -> Observers:
        if self._observers is None:
            from bgo.run.ear import Ear
            from bgo.run.hooklog import HookOutput
            from bgo.run.observers import Observers

            bench = self._bench
            ear = Ear(bench.plugins, f"hooks.{self._worker}", self._crew, HookOutput(bench.log_dir), bench.clock)
            self._observers = Observers(ear, bench, self._report.hooks, self._say)
        return self._observers

    def _say(self, event: HookEvent) -> None:
        if self.listener is not None:
            self.listener(event)

    # What happens here.

    def live(self, kind: str, task: Task, state: State, fields: dict[str, Any]) -> None:
        """Feed what no history keeps: starts, progress and soft timeouts of this worker's runs."""
        hook = LIVE.get(kind)
        if hook is None:
            return
        name = task.wish.timeout.on_soft_timeout
        if kind == "soft_timeout" and name is not None:
            self._call(name, task)
        if self._observers is None or not self._observers.wants(hook):
            return
        from bgo.model.entry import entry_json
        from bgo.run.tail import entry_now

        entry = entry_now(task, kind, str(state), self._bench.clock.now_ms(), self._worker)
        given: dict[str, Any] = {"entry": entry_json(entry)}
        if kind == "progress":
            given |= {"fraction": fields.get("fraction"), "message": fields.get("message", "")}
        self._observers.hear(hook, given, task.id)

    def _call(self, name: str, task: Task) -> None:
        """Have the function called that a task's own timeout names."""
        from bgo.run.observers import soft_timeout_target

        target, _, path = name.partition("@")
        handler = self._handlers.get(task.handler)
        if not path and handler is not None and handler.source.kind == "flow":
            home = handler.source
            is_script = home.target.startswith("__main__:") and not target.startswith("__main__:")
            path = os.path.dirname(home.path) if is_script else home.path  # a module beside the script
        source = Source("flow", target, path)
        self._made().call(soft_timeout_target(target, source), {"id": task.id}, task.id)

    # What the history tells.

    @property
    def wanted(self) -> int:
        """Return how many entries of the history the next commit may take."""
        return self._observers.room if self._observers is not None and self._known_or_shell else 0

    @property
    def _known_or_shell(self) -> bool:
        return bool(self._known or self._bench.hooks.shell)

    @property
    def is_new(self) -> bool:
        """Say whether there is somebody who has not begun to listen to the history."""
        return self._known_or_shell and not self._has_begun

    @property
    def is_behind(self) -> bool:
        """Say whether a commit should be made for the history's sake alone."""
        return self.waits and self.wanted > 0

    def look(self) -> None:
        """Somebody else may have ended something: look whether the history has grown."""
        if not self._observers or not self._known_or_shell:
            return
        if not self._has_begun:
            self._desk.begin_tail()
            self._has_begun = True
        self.waits = self.waits or self._desk.tail_waits()

    def wants(self, hook: str) -> bool:
        """Say whether anybody hears of it."""
        return self._observers is not None and self._observers.wants(hook)

    def heard(self, tail: Tail | None) -> None:
        """Feed what a commit has taken from the history."""
        if tail is None or self._observers is None:
            return
        self.waits = tail.more
        for told in tail.told:
            self._observers.hear(*told)

    # The loop.

    def next_timer(self, awake: int) -> int | None:
        """Return the awake instant of the next thing to do."""
        return None if self._observers is None else self._observers.next_timer(awake)

    def turn(self, awake: int, ready: set[int]) -> None:
        """Hear what the observers said, and go on telling them."""
        if self._observers is not None:
            self._observers.turn(awake, ready)

    def see_off(self, commit: Callable[[], None], signals: Callable[[], int], fds: Collection[int]) -> None:
        """The work is over: tell what is left, for five seconds at most, or until one more signal comes."""
        observers = self._observers
        if observers is None:
            return
        clock, crew = self._bench.clock, self._crew
        awake = clock.awake_ms()
        until, count = awake + END_MS, signals()
        observers.expect_end(until, awake)
        while awake < until and signals() == count < NOW:
            self.turn(awake, set())
            if self.is_behind:
                commit()
                self.turn(awake, set())
            elif observers.is_idle:
                return
            timer = observers.next_timer(awake)
            heard = crew.wait(max(0, min(until, until if timer is None else timer) - awake))
            for child, _ in heard.gone:
                crew.bury(child, "")
            awake = clock.awake_ms()
            self.turn(awake, heard.ready - set(fds))

    def close(self) -> None:
        """End the observers' process."""
        if self._observers is not None:
            self._observers.close()

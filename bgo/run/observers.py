"""The observers of one worker: what they are to hear waits in a bounded queue and is told to them one by one.

The worker's loop only puts things in and looks in once a turn. An observer that raises, hangs or ends the process is
reported and the next one is called; after five failures in a row it is not called any more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from bgo.model.handler import Source
from bgo.model.hooks import HOOKS, SOFT_TIMEOUT, Argv, Observer
from bgo.run.bench import Bench
from bgo.run.channel import Frame
from bgo.run.ear import Answer, Ear
from bgo.run.reckoning import Reckoning
from bgo.run.report import HookCounts, HookEvent

QUEUE = 1_000
"""Things to tell that may wait; more are dropped, and counted."""
AHEAD = 250
"""Entries of the history that are taken in advance; the rest stays there until there is room."""
STARTS = 3
BREATH_MS = 250
SHARE_MS = 2_500
"""At the end of a worker: how long one call may take while others wait behind it."""
QUIET_MS = 60_000
"""A process that has had nothing to hear for so long is ended."""


class Target(NamedTuple):
    """One function or command that hears of one hook."""

    name: str
    hook: str
    at: int = 0
    """Which of the functions for this hook, from 0."""
    source: Source | None = None
    argv: Argv = ()
    as_of: tuple[str, int, int] | None = None

    @property
    def label(self) -> str:
        """Return what it is called in reports; unique."""
        return f"{self.name} {self.hook}" + (f" ({self.at + 1})" if self.at else "")


@dataclass(slots=True)
class Happening:
    """Something to tell, and who still has to hear of it."""

    hook: str
    given: dict[str, Any]
    about: str
    left: deque[Target]


class Observers:
    """Told through one process, in the order of what happens, at most once each."""

    def __init__(self, ear: Ear, bench: Bench, counts: HookCounts, say: Callable[[HookEvent], None]) -> None:
        self._ear, self._timeout_ms = ear, bench.hooks.timeout_ms
        self._reckoning = Reckoning(bench, counts, say)
        self._targets: dict[str, list[Target]] = {}
        self._queue: deque[Happening] = deque()
        self._progress: dict[tuple[str, int], Happening] = {}
        self._now: Target | None = None
        """Who is being told."""
        self._failed_starts = 0
        self._is_dead = False
        """Its process does not start: nothing is told any more."""
        self._start_at = 0
        self._quiet_at: int | None = None
        self._end_at: int | None = None
        """When the worker will wait no more; awake milliseconds."""

    # Who hears, and of what.

    def learn(self, observers: Sequence[Observer], shell: Mapping[str, Sequence[Argv]]) -> None:
        """From now on these hear; what waits is still told to those it was meant for."""
        found: dict[str, list[Target]] = {hook: [] for hook in HOOKS}
        for who in observers:
            for hook, count in who.hooks.items():
                places = [Target(who.name, hook, i, who.source, as_of=who.as_of) for i in range(count)]
                found.setdefault(hook, []).extend(places)
        for hook, argvs in shell.items():
            found[hook] += [Target("config", hook, i, argv=argv) for i, argv in enumerate(argvs)]
        self._targets = {} if self._is_dead else found

    def wants(self, hook: str) -> bool:
        """Say whether anybody hears of it."""
        return any(not self._reckoning.is_off(target.label) for target in self._targets.get(hook, ()))

    @property
    def room(self) -> int:
        """Return how many entries of the history may be taken; not a few at a time, for each taking is a commit."""
        free = AHEAD - len(self._queue)
        return free if free >= AHEAD // 2 else 0

    @property
    def is_idle(self) -> bool:
        """Say whether everything has been told."""
        return not self._queue and self._now is None

    def hear(self, hook: str, given: dict[str, Any], about: str) -> None:
        """Have it told to all who listen; dropped where too much waits already."""
        targets = [target for target in self._targets.get(hook, ()) if not self._reckoning.is_off(target.label)]
        if hook == "task_progressed" and targets:
            key = (about, given["entry"]["run"])
            if (held := self._progress.get(key)) is not None:
                held.given = given
                return
        if not targets:
            return
        self._put(Happening(hook, given, about, deque(targets)))

    def call(self, target: Target, given: dict[str, Any], about: str) -> None:
        """Have one function called: what a task's own timeout names."""
        if not self._reckoning.is_off(target.label) and not self._is_dead:
            self._put(Happening(target.hook, given, about, deque([target])))

    def _put(self, happening: Happening) -> None:
        if len(self._queue) >= QUEUE:
            self._drop(happening.hook, len(happening.left))
            return
        self._queue.append(happening)
        if happening.hook == "task_progressed":
            self._progress[happening.about, happening.given["entry"]["run"]] = happening

    # Telling.

    def next_timer(self, awake: int) -> int | None:
        """Return the awake instant of the next thing to do."""
        times = [self._ear.next_timer(awake), self._quiet_at]
        if self._queue and self._now is None:
            times.append(max(awake, self._start_at) if self._ear.pid is None else awake if self._ear.is_free else None)
        return min((at for at in times if at is not None), default=None)

    def turn(self, awake: int, ready: set[int]) -> None:
        """Hear how the call under way went, and make the next one."""
        answer = self._ear.listen(awake, ready)
        if answer is not None:
            self._judge(answer, awake)
        if self._now is None:
            self._next(awake)

    def _next(self, awake: int) -> None:
        target = self._pick()
        if target is None:
            self._rest(awake)
            return
        self._quiet_at = None
        if self._ear.pid is None and (awake < self._start_at or not self._ear.start(awake)):
            self._start_at = max(self._start_at, awake + BREATH_MS)
            return
        if self._ear.is_free:
            self._failed_starts = 0
            self._reckoning.started()
            happening = self._queue[0]
            happening.left.popleft()
            self._progress.pop((happening.about, happening.given.get("entry", {}).get("run", 0)), None)
            self._now = target
            self._ear.tell(_frame(target, happening), awake, self._limit(awake))

    def _pick(self) -> Target | None:
        """Return who is next, passing over those that are called no more."""
        while self._queue:
            happening = self._queue[0]
            while happening.left:
                target = happening.left[0]
                is_over = self._end_at is not None and self._reckoning.was_late(target.label)
                if not self._reckoning.is_off(target.label) and not is_over:
                    return target
                happening.left.popleft()
                self._drop(happening.hook, 1)
            self._forget(self._queue.popleft())
        return None

    def _forget(self, happening: Happening) -> None:
        if happening.hook == "task_progressed":
            key = (happening.about, happening.given["entry"]["run"])
            if self._progress.get(key) is happening:
                del self._progress[key]

    def _limit(self, awake: int) -> int:
        limit = self._timeout_ms
        if self._end_at is None:
            return limit
        others = len(self._queue) > 1 or bool(self._queue and self._queue[0].left)
        return max(1, min(limit, SHARE_MS if others else limit, self._end_at - awake))

    def _rest(self, awake: int) -> None:
        """Nothing is to be told: after a while the process is not kept."""
        if not self._ear.is_free:
            self._quiet_at = None
        elif self._quiet_at is None:
            self._quiet_at = awake + QUIET_MS
        elif awake >= self._quiet_at:
            self._quiet_at = None
            self._ear.end()

    def _judge(self, answer: Answer, awake: int) -> None:
        target, self._now = self._now, None
        if answer.is_start:
            self._start_failed(answer.error, awake)
        elif target is not None:
            about = self._queue[0].about if self._queue else ""
            self._reckoning.heard(target.label, target.hook, about, answer)

    def _start_failed(self, why: str, awake: int) -> None:
        self._failed_starts += 1
        self._start_at = awake + BREATH_MS
        if self._failed_starts >= STARTS:
            self._is_dead, self._targets = True, {}
            self._reckoning.gave_up(why)
            self._drop_all()

    def _drop(self, hook: str, count: int) -> None:
        why = "too much waits to be told" if self._end_at is None else "the worker ends"
        self._reckoning.dropped(hook, count, why)

    def _drop_all(self) -> None:
        for happening in self._queue:
            if happening.left:
                self._drop(happening.hook, len(happening.left))
        self._queue.clear()
        self._progress.clear()

    # The end.

    def expect_end(self, end_at: int, awake: int) -> None:
        """The worker waits until then at most: no single call may take all of that."""
        self._end_at = end_at
        self._ear.hasten(min(end_at, awake + self._limit(awake)))

    def close(self) -> None:
        """End the process; what was not told is dropped, counted and noted."""
        if self._now is not None and self._queue:
            self._queue[0].left.appendleft(self._now)
            self._now = None
        self._drop_all()
        self._ear.end()
        self._reckoning.close()


def _frame(target: Target, happening: Happening) -> Frame:
    source = target.source
    return {
        "t": "tell",
        "hook": happening.hook,
        "index": target.at,
        "source": None if source is None else [source.kind, source.target, source.path],
        "argv": list(target.argv),
        "as_of": None if target.as_of is None else list(target.as_of),
        "given": happening.given,
    }


def soft_timeout_target(name: str, source: Source) -> Target:
    """Return the function that a task's timeout names."""
    return Target(name, SOFT_TIMEOUT, source=source)

"""The log of a store's life by other words than the engine's, in true time, and what must hold in each of its prefixes.

True time is a counter that only goes forward; no clock that the store sees is asked. A run begins when its user code
does, not when somebody hears of it: that may be later, or never.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bgo.clock import Moment
from bgo.engine.settle import RunKey
from bgo.model.limits import ConcurrencyStrategy, NamedLimit
from bgo.model.state import ACTIVE, CLAIMABLE, State
from bgo.model.task import Task, TaskSpec
from tests.engine.checks import ensure
from tests.hours import is_open

Rate = tuple[str, int, int]
"""Key, starts, window."""


@dataclass(eq=False)
class Job:
    """A task as it was enqueued, and where it was last seen."""

    spec: TaskSpec
    seq: int
    step: int
    """When it got its place: a pause of its tag that came later must move it first."""
    row: Task
    begun: bool = False
    """Somebody has heard that user code of it ran, since it was enqueued or revived."""

    @property
    def name(self) -> str:
        return self.spec.name or self.spec.handler

    def is_over(self, now: int) -> bool:
        """Say whether its time to begin has passed while it waits."""
        wish, waits = self.spec.wish, self.row.state in CLAIMABLE or self.row.state is State.BLOCKED
        late = wish.start_before is not None and not self.begun and wish.start_before <= now
        return waits and (late or (wish.finish_before is not None and wish.finish_before <= now))

    def is_outside(self, now: int) -> bool:
        """Say whether its window is closed."""
        return not is_open(self.spec.wish.window, now)

    def place(self, strategy: ConcurrencyStrategy) -> tuple[float, ...]:
        """Return where it stands under its concurrency key."""
        row = self.row
        match strategy:
            case _ if row.bump:
                return (0, -row.bump, row.seq)
            case ConcurrencyStrategy.FIFO:
                return (1, row.seq)
            case ConcurrencyStrategy.LIFO:
                return (1, -row.seq)
            case ConcurrencyStrategy.RANDOM:
                return (1, self.spec.random_order, row.seq)
            case ConcurrencyStrategy.BY_PRIORITY:
                return (1, -row.priority, row.due_at, row.seq)


@dataclass(eq=False)
class Run:
    """One run: when it was claimed, when its user code began, who may still write of it."""

    job: Job
    key: RunKey
    number: int
    """In the order of claims."""
    room: tuple[str, int] | None
    """Its concurrency key and the limit that acted on it."""
    rate: Rate | None
    began: int | None = None
    heard: Moment | None = None
    told: bool = False
    over: bool = False
    dead: bool = False
    """Its processes are gone: user code can begin no more."""


@dataclass
class Proof:
    """All jobs and runs, and the checks."""

    jobs: dict[str, Job] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    owners: dict[str, tuple[str, int | None]] = field(default_factory=dict)
    """Dedup key → the id that holds it, and until when."""
    named: dict[str, NamedLimit] = field(default_factory=dict)
    asked: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    """Rate key → (since when, a window this long acts): what began before a longer window was asked for may be
    forgotten."""
    paused: dict[tuple[str, str], int] = field(default_factory=dict)
    """What is paused → since which step."""

    def live(self) -> list[Run]:
        return [run for run in self.runs if not run.over]

    # What acts.

    def room(self, spec: TaskSpec) -> tuple[str, int] | None:
        limit = spec.wish.concurrency
        if limit is None:
            return None
        key = limit.key or spec.name or spec.handler
        named = self.named.get(key)
        return key, (named and named.max_concurrent) or limit.max_concurrent

    def rate(self, spec: TaskSpec) -> Rate | None:
        limit = spec.wish.rate
        if limit is None:
            return None
        key = limit.key or spec.name or spec.handler
        named = self.named.get(key)
        acting = (named and named.rate) or limit
        return key, acting.max_executions, acting.window_ms

    def ask(self, at: int) -> None:
        """Note the windows that act from now on."""
        for job in self.jobs.values():
            if (rate := self.rate(job.spec)) is not None:
                known = self.asked.setdefault(rate[0], [])
                if not known or known[-1][1] < rate[2]:
                    known.append((at, rate[2]))

    def used(self, key: str) -> int:
        """Return how many runs there are under a concurrency key."""
        return sum(run.room is not None and run.room[0] == key for run in self.live())

    def is_paused(self, job: Job, *, moving: bool) -> bool:
        row = job.row
        if ("name", job.name) in self.paused or ("queue", row.queue) in self.paused:
            return True
        since = [at for tag in job.spec.tags if (at := self.paused.get(("tag", tag))) is not None]
        return any(job.step >= at or not moving for at in since)

    # Events.

    def claimed(self, job: Job, key: RunKey, now: int, ready: Mapping[str, Job], *, moving: bool) -> Run:
        """A worker has claimed a task; `ready` are those that could have been instead."""
        spec = job.spec
        ensure(not self.is_paused(job, moving=moving), "what is paused never starts", spec.id)
        ensure(not job.is_over(now), "what has expired never starts", spec.id)
        ensure(not job.is_outside(now), "nothing starts outside its window", (spec.id, spec.wish.window))
        late = [i for i in spec.after if i in self.jobs and self.jobs[i].row.state is not State.SUCCEEDED]
        ensure(not late, "nothing starts before what it comes after has succeeded", (spec.id, late))
        if spec.wish.unique is not None:
            twins = [r.key for r in self.live() if r.job.spec.wish.unique and r.job.row.unique_id == job.row.unique_id]
            ensure(not twins, "one of a unique id runs at a time", (spec.id, twins))
        room = self.room(spec)
        if room is not None:
            ensure(self.used(room[0]) < room[1], "running under a key stays in the starter's limit", (spec.id, room))
            self._first_of_key(job, ready, now, moving)
        run = Run(job, key, len(self.runs), room, self.rate(spec))
        self.runs.append(run)
        return run

    def _first_of_key(self, job: Job, ready: Mapping[str, Job], now: int, moving: bool) -> None:
        limit, room = job.spec.wish.concurrency, self.room(job.spec)
        assert limit is not None
        alike = [
            other
            for other in ready.values()
            if (control := other.spec.wish.concurrency) is not None
            and (control.strategy, self.room(other.spec)) == (limit.strategy, room)
        ]
        if moving or any(other.spec.wish.rate for other in alike):
            return  # others may go first while those before them wait for something else
        for other in alike:
            is_held = other.is_outside(now) or self.is_paused(other, moving=False)
            if other.row.ready and not other.is_over(now) and not is_held:
                first = job.place(limit.strategy) <= other.place(limit.strategy)
                ensure(first, "the first under a key by its strategy goes first", (job.spec.id, other.spec.id))

    def began(self, run: Run, at: int) -> None:
        """User code has begun."""
        run.began = at
        if run.rate is None:
            return
        key = run.rate[0]
        for one in self.runs[run.number :]:
            if one.rate is not None and one.rate[0] == key and one.began is not None:
                self._in_window(one)

    def _in_window(self, run: Run) -> None:
        """Whoever was claimed no later and began in any window with it: no more than its own limit says."""
        assert run.rate is not None
        assert run.began is not None
        key, most, window = run.rate
        since = next((at for at, asked in self.asked[key] if asked >= window), 0)
        since = max(since, run.began - window)
        near = [
            other.began
            for other in self.runs[: run.number + 1]
            if other.rate is not None and other.rate[0] == key and other.began is not None and other.began >= since
        ]
        ensure(len(near) <= most, "starts in any window stay in the starter's limit", (run.job.spec.id, run.rate, near))

    def enqueued(self, spec: TaskSpec, found_id: str, now: int) -> None:
        """An enqueue was answered with that id."""
        if spec.dedup_key is not None:
            owner = self.owner(spec.dedup_key, now)
            ensure(found_id == (owner or spec.id), "the same work is let in once", (spec.id, found_id, owner))
            if owner is None:
                policy = spec.wish.dedup
                ttl = None if policy is None else policy.ttl_ms
                self.owners[spec.dedup_key] = (spec.id, None if ttl is None else now + ttl)

    def owner(self, key: str, now: int) -> str | None:
        """Return who holds a dedup key."""
        task_id, until = self.owners.get(key, ("", None))
        if task_id not in self.jobs:
            return None
        job = self.jobs[task_id]
        if job.row.state in (State.FAILED, State.CANCELLED) or job.is_over(now):
            return None
        held = job.row.state in ACTIVE if until is None else now < until
        return task_id if held else None

    # States.

    def compare(self, rows: Mapping[str, Task], now: int, may: Mapping[str, frozenset[str]]) -> None:
        """Judge what has changed since the last step; `may` says whom the step was about: settled, cancelled, revived,
        claimed."""
        ensure(rows.keys() == self.jobs.keys(), "every acknowledged task exists", rows.keys() ^ self.jobs.keys())
        before = {task_id: job.row.state for task_id, job in self.jobs.items()}
        over = {task_id for task_id, job in self.jobs.items() if job.is_over(now)}
        for task_id, row in rows.items():
            self.jobs[task_id].row = row
        for task_id, row in rows.items():
            if before[task_id] != row.state:
                self._moved(row, before[task_id], task_id in over, may)
        solo = [
            job.spec.id
            for job in self.jobs.values()
            if job.row.unique_id == "solo" and job.row.state in ACTIVE and not job.is_over(now)
        ]
        ensure(len(solo) <= 1, "one unfinished task of a unique id that is kept", solo)

    def _moved(self, row: Task, old: State, over: bool, may: Mapping[str, frozenset[str]]) -> None:
        job, told = self.jobs[row.id], (row.id, old, row.state, row.reason)
        if old not in ACTIVE:
            ensure(row.id in may.get("revived", ()), "what has ended comes back by a revive alone", told)
        elif old is State.RUNNING:
            ensure(row.id in may.get("settled", ()), "a run ends by its outcome alone", told)
        elif row.state is State.RUNNING:
            ensure(row.id in may.get("claimed", ()), "only a claim makes a task run", told)
        elif row.state in ACTIVE:
            ensure(old is State.BLOCKED, "what waits goes on waiting", told)
        else:
            others = [self.jobs[i].row.state for i in job.spec.after if i in self.jobs]
            unique = job.spec.wish.unique
            why = {
                "expired": over,
                "replaced": unique is not None,
                "upstream_failed": State.FAILED in others or unique is not None,
                "upstream_cancelled": State.CANCELLED in others or unique is not None,
            }
            ensure(
                why.get(row.reason, row.id in may.get("cancelled", ())), "what ends without a run has a reason", told
            )

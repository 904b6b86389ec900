"""The simulator: the second motor of the same engine. A copy of the store, a clock that jumps, a scripted device, and
children that answer after the time such a task usually takes. Nothing sleeps and nothing is executed.

The same store, start and seed give the same bytes. RUNNING tasks count as just started. A task takes the median of its
earlier successes (by name), else what `durations` says, else a second; a `sleep` takes what its input says. A task that
would take longer than its hard timeout is killed by it, as it would be in life; one that loses a constraint is stopped
as a worker stops it, and takes as long again. Other failures happen only where `failures` asks for them. Nobody knows
what a task would put out: a step that fans out over an output gets one item.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from bgo import ids
from bgo.clock import Moment, VirtualClock, moment
from bgo.engine import cycle, explain, platform
from bgo.engine import settle as settling
from bgo.engine.closing import closing
from bgo.engine.cycle import Asker, Claim, Memory
from bgo.engine.fire import OVER
from bgo.engine.occasions import following
from bgo.engine.settle import RunKey, Settled
from bgo.errors import UsageError
from bgo.model import payload as payloads
from bgo.model.device import DeviceChange, DeviceState, View
from bgo.model.handler import Catalogue
from bgo.model.outcome import CancelledRun, Outcome, Succeeded
from bgo.model.plan import Gate
from bgo.model.platform import RunBegan, Stop
from bgo.model.profile import HOST, Profile
from bgo.model.schedule import Counters, ScheduleState
from bgo.model.task import Child, Task
from bgo.policy import loss, relax
from bgo.policy.gates import Offer
from bgo.policy.lease import LEASE_MS
from bgo.policy.loss import Loss
from bgo.run.fates import Fates
from bgo.run.leftover import leftover, waits_since
from bgo.run.script import Script
from bgo.run.timeline import SimRun, SimSchedule, SimTask, Timeline
from bgo.store.port import Session
from bgo.store.sqlite import SqliteStore

__all__ = ["SimOptions", "Timeline", "floor_to_minute", "simulate"]

WEEK_MS = 7 * 86_400_000
PROGRESS_STEPS = 64
"""Steps between two words of progress."""
WORKER = "simulator"
UNKNOWN = DeviceState()


@dataclass(frozen=True, slots=True)
class SimOptions:
    """What to play. `start_ms` is the first instant (see `floor_to_minute`)."""

    start_ms: int
    for_ms: int = WEEK_MS
    seed: int = 1
    slots: int | None = None
    """None: as many as are configured."""
    device: tuple[DeviceChange, ...] | DeviceState = UNKNOWN
    """A script (before its first change everything is unknown), or what the device says all the time."""
    durations: Mapping[str, int] = field(default_factory=dict)
    """Task name → milliseconds, for tasks that have never been measured."""
    failures: Mapping[str, int] = field(default_factory=dict)
    """Task name → how many first attempts of each task fail."""
    profile: Profile = HOST
    is_ahead: bool = False
    """It starts later than now: of schedules, what comes before that start is left to the time until then."""

    def __post_init__(self) -> None:
        if self.for_ms < 1 or (self.slots is not None and self.slots < 1):
            raise UsageError("nothing to simulate", why="time and slots must be more than none", hint="--for 7d")
        if any(value < 0 for value in (*self.durations.values(), *self.failures.values())):
            raise UsageError("a duration and a number of failures cannot be negative")


def floor_to_minute(now_ms: int) -> int:
    """Return the full minute at or before an instant: where a simulation starts when nobody says."""
    return now_ms - now_ms % 60_000


def simulate(
    store: SqliteStore,
    catalogue: Catalogue | None,
    slots: int,
    options: SimOptions,
    on_progress: Callable[[int], None] | None = None,
) -> Timeline:
    """Return what a worker with these handlers (None: every handler) and slots would do; `store` stays as it is.

    `on_progress` hears now and then which instant of the play has come.
    """
    copy = store.copy_to_memory(as_of=options.start_ms)
    try:
        with copy.write() as session:
            return _Play(session, catalogue, options.slots or slots, options).play(on_progress)
    finally:
        copy.close()


def _released_at(task: Task, held: Mapping[str, int], now: int) -> int:
    """Return when a task could have started: what waits for others is not late before they have ended."""
    upstream = held.get(Gate.UPSTREAM)
    return task.due_at if upstream is None else max(task.due_at, now - sum(held.values()) + upstream)


@dataclass(frozen=True, slots=True)
class _Part:
    """A run in play: how and when its child will answer."""

    key: RunKey
    outcome: Outcome
    child: Child | None
    """None: it ran before the play began, on a child that is not ours."""


@dataclass(slots=True)
class _Watched:
    """A run in play that is stopped when a constraint is lost, or when its platform gives it no more time."""

    part: _Part
    task: Task
    began: RunBegan | None = None
    """Its start as its platform knows it, where that may stop it."""
    loss: Loss | None = None


class _Play:
    """One simulation, in one transaction of the copy."""

    def __init__(self, session: Session, catalogue: Catalogue | None, slots: int, options: SimOptions) -> None:
        self._session, self._options, self._slots = session, options, slots
        self._until = options.start_ms + options.for_ms
        # It begins with the play: the starts before it are as old as the wall clock says.
        self._clock = VirtualClock(options.start_ms, boot_ms=0)
        self._script = Script(options.device, options.start_ms, self._until)
        offer = Offer(None if catalogue is None else frozenset(catalogue))
        # Leases are counted by worker: the runs we take over are ours, those of other hosts need none of our slots.
        self._asker = Asker(WORKER, WORKER, WORKER, offer, slots, own_slots=True)
        self._memory = Memory(keeper=platform.InMemory())
        self._idle = [Child(number, 0) for number in range(1, slots + 1)]
        self._parts: list[tuple[int, int, _Part]] = []
        """(ends at, number, part): a heap; the number keeps what ends together in the order of its start."""
        self._watched: dict[RunKey, _Watched] = {}
        self._runs: dict[int, list[SimRun]] = {}
        self._heads: dict[int, tuple[str, str, str]] = {}
        self._fates = Fates(session, options.durations, options.failures)
        self._number = self._steps = 0
        self._rng = ids.seeded_rng(options.seed, "settle")

    def play(self, on_progress: Callable[[int], None] | None = None) -> Timeline:
        before = {schedule.id: schedule.counters for schedule in self._session.schedules.all()}
        self._take_over()
        wake: int | None = self._clock.now_ms()
        while wake is not None and wake < self._until:
            self._clock.jump_to_ms(wake)
            self._steps += 1
            if on_progress is not None and self._steps % PROGRESS_STEPS == 0:
                on_progress(wake)
            wake = self._step()
        self._clock.jump_to_ms(self._until)
        self._settle(self._until)  # what ends with the play has ended; nothing starts any more
        segments = self._script.segments()
        ground = explain.Ground(self._asker, self._view(segments[-1].state, self._until), 1, self._moment)
        never, again = leftover(self._session, ground, self._until, self._runs)
        rows = [SimTask(*self._heads[seq], tuple(runs), again.get(seq)) for seq, runs in self._runs.items()]
        start, fired = self._options.start_ms, tuple(self._fired(before))
        return Timeline(start, self._until, self._options.seed, self._slots, tuple(rows), never, segments, fired)

    def _fired(self, before: Mapping[str, Counters]) -> Iterator[SimSchedule]:
        """Yield what became of each schedule's occurrences in the play."""
        for schedule in self._session.schedules.all():
            was = before.get(schedule.id, Counters())
            counts = Counters(*(now - then for now, then in zip(schedule.counters, was, strict=True)))
            ended = "" if schedule.state is ScheduleState.ACTIVE else f"{schedule.state}: {schedule.reason}"
            yield SimSchedule(schedule.id, schedule.key, schedule.name, counts, ended)

    def _step(self) -> int | None:
        """Let happen what is due now, and return when something happens next."""
        now = self._clock.now_ms()
        self._settle(now)
        view = self._view(self._script.at(now), now)
        stop_at, has_ended = self._watch(view, now)
        if has_ended:
            view = self._view(self._script.at(now), now)
        until = self._clock.awake_ms() + LEASE_MS
        tick = cycle.tick(
            self._session, self._asker, view, self._memory, tuple(self._idle),
            lease_until=until, moment=self._moment,
        )  # fmt: skip
        for claim in tick.claims:
            self._start(claim, now)
        if tick.claims and self._watched:  # what has just begun may have to end before anything else happens
            stop_at, _ = self._watch(self._view(self._script.at(now), now), now)
        # More may be due than one tick touches: then its next wake is not after now, and we step again.
        ends = self._parts[0][0] if self._parts else None
        rate_at = None if tick.wake_in is None else now + tick.wake_in
        times = (tick.next_wake, rate_at, ends, stop_at, self._script.next_at())
        return min((at for at in times if at is not None), default=None)

    def _view(self, device: DeviceState, now: int) -> View:
        return platform.view(self._session, self._options.profile, device, now, self._memory.keeper)

    @property
    def _moment(self) -> Moment:
        return moment(self._clock, WORKER)

    # Runs begin and end.

    def _take_over(self) -> None:
        """Runs that are live in the store count as just started; what a cancel was asked for ends at once."""
        start = self._options.start_ms
        self._learn()
        self._session.schedules.set_boot(WORKER)  # the computer does not start anew for a play
        if self._options.is_ahead:
            self._begin_schedules(start)
        for lease in self._session.leases.list_all():
            task = self._session.tasks.find_seq(lease.seq)
            if task is None or not self._session.leases.adopt(lease, WORKER, self._clock.awake_ms() + LEASE_MS):
                continue
            began = SimRun(task.run, task.attempt, task.due_at, start, json.loads(lease.waited), was_running=True)
            data = None if task.input_ref is None else self._session.payloads.get(task.input_ref)
            length, outcome = self._fates.of(task, data or payloads.EMPTY)
            if task.cancel_reason is not None:
                length, outcome = 0, CancelledRun()
            elif lease.paused:
                length = self._options.for_ms + 1  # it stands still, and nobody resumes it here
            part = _Part(RunKey(task.seq, task.run, WORKER), outcome, None)
            self._enter(task, began, start + length, part)
            if lease.paused:
                self._watched.pop(part.key, None)

    def _learn(self) -> None:
        """Let the platform draw by the seed, and tell it what the device said before, unless the store remembers
        how it came there."""
        profile, keeper, before = self._options.profile, self._memory.keeper, self._script.before
        if not profile.remembers:
            return
        platform.begin(self._session, profile, keeper, self._options.start_ms, self._options.seed)
        known = keeper.read(self._session, profile.name)
        if known.android is not None or (known.ios is not None and known.ios.facts is not None) or not before:
            return
        platform.begin(self._session, profile, keeper, before[0].at_ms, self._options.seed)
        for change in before:
            keeper.write(self._session, profile.name, self._view(change.state, change.at_ms).platform)

    def _begin_schedules(self, start: int) -> None:
        """Let schedules fire from the start on; what lies before it is not counted, as nobody knows what became of it.

        A schedule of which nothing is left then is finished."""
        for schedule in self._session.schedules.all():
            if schedule.next_at is None or schedule.next_at >= start:
                continue
            to = following(schedule.id, schedule.wish, start - 1)
            ends = to.at is None
            state, reason = (ScheduleState.FINISHED, OVER) if ends else (ScheduleState.ACTIVE, "")
            self._session.schedules.set(schedule, state, reason, to)

    def _start(self, claim: Claim, now: int) -> None:
        task = claim.task
        lease = self._session.leases.find(task.seq)
        held = {} if lease is None or lease.waited == "{}" else json.loads(lease.waited)
        length, outcome = self._fates.of(task, claim.input)
        self._idle.remove(claim.child)
        part = _Part(RunKey(task.seq, task.run, WORKER), outcome, claim.child)
        runs = self._runs.get(task.seq)
        planned = _released_at(task, held, now) if not runs else waits_since(task, runs)
        self._enter(task, SimRun(task.run, task.attempt, planned, now, held), now + length, part, claim.began)

    def _enter(self, task: Task, run: SimRun, ends_at: int, part: _Part, began: RunBegan | None = None) -> None:
        self._number += 1
        heapq.heappush(self._parts, (ends_at, self._number, part))
        self._heads.setdefault(task.seq, (task.id, task.name, task.queue))
        self._runs.setdefault(task.seq, []).append(run)
        if began is not None or task.wish.window_strict or loss.is_watched(task.wish.constraints):
            self._watched[part.key] = _Watched(part, task, began)
        if task.wish.rate is not None:
            settling.begun(self._session, part.key, self._moment)

    def _settle(self, now: int) -> None:
        while self._parts and self._parts[0][0] <= now:
            self._end(heapq.heappop(self._parts)[2], now)

    def _watch(self, view: View, now: int) -> tuple[int | None, bool]:
        """Stop what has lost a constraint for long enough, or may not go on, as a worker would; return when the next of
        it is due, and whether anything was stopped.

        Nobody knows how long a child takes to end: here it is gone at once.
        """
        stops, has_ended = [], False
        for one in list(self._watched.values()):
            stop = self._stop_of(one, view, now)
            if stop is None:
                continue
            if stop.at > now:
                stops.append(stop.at)
                continue
            self._parts = [entry for entry in self._parts if entry[2] is not one.part]
            heapq.heapify(self._parts)
            stopped = loss.outcome(one.task.wish.constraints, stop.hold, view.profile, started=True)
            self._end(replace(one.part, outcome=stopped), now, str(stop.hold.gate))
            has_ended = True
        return min(stops, default=None), has_ended

    def _stop_of(self, one: _Watched, view: View, now: int) -> Stop | None:
        """Return when a run ends unless something happens before, and why; None: it goes on to its end."""
        found = []
        if one.began is not None:
            from bgo.policy import platform as rules  # a computer stops nothing by itself

            if (stop := rules.stop(view.profile, view.platform, view.device, one.began, now)) is not None:
                found.append(stop)
        asked = relax.asked(one.task.wish, one.task.created_at, now)
        one.loss = loss.observe(asked, view, one.loss, now, wall_ms=now) if loss.is_watched(asked) else None
        if one.loss is not None:
            found.append(Stop(one.loss.settles_at, one.loss.hold))
        if (stop := closing(one.task.wish, now)) is not None:
            found.append(stop)
        return min(found, key=lambda stop: stop.at, default=None)

    def _end(self, part: _Part, now: int, stopped_by: str = "") -> None:
        self._watched.pop(part.key, None)
        seq, run = part.key.seq, part.key.run
        # Every failure draws from its own source, so that one more of them never shifts the others.
        sure = isinstance(part.outcome, Succeeded)
        rng = self._rng if sure else ids.seeded_rng(self._options.seed, f"{self._heads[seq][0]}.{run}")
        done = settling.settle(self._session, part.key, part.outcome, self._moment, rng, profile=self._options.profile)
        if part.child is not None:
            self._idle.append(part.child)
        if isinstance(done, Settled):
            runs = self._runs[seq]
            state, reason = str(done.to.state), str(done.to.reason)
            runs[-1] = replace(runs[-1], ended_at=now, state=state, reason=reason, stopped_by=stopped_by)

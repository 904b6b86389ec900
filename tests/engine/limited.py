"""A world of limits: the real store and its workers, driven in true time, every deed judged by `proof.py`.

The machine of random lives and the stories behind the planted bugs share it. Steps of the engine are tiny here, so that
whatever is left for a later tick is left by many of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest

from bgo.clock import Moment, VirtualClock, moment
from bgo.engine import alarms, cycle, relane, wave
from bgo.engine.cancel import cancel
from bgo.engine.cycle import Asker, Memory, Tick, look, tick
from bgo.engine.edit import Changes, bump, edit
from bgo.engine.enqueue import enqueue
from bgo.engine.rescue import adopt
from bgo.engine.revive import BarredError, revive
from bgo.engine.settle import RunKey, Settled, begun, settle
from bgo.ids import seeded_rng
from bgo.model.limits import NamedLimit
from bgo.model.outcome import Lost, Outcome, Rejected, Released, Succeeded
from bgo.model.query import Selector
from bgo.model.state import ACTIVE, CLAIMABLE, Reason, State
from bgo.model.task import Enqueued, Lease, Task, TaskSpec
from bgo.policy.gates import Offer
from bgo.policy.lease import Verdict
from bgo.store.sql import parking
from bgo.store.sqlite import SqliteStore
from tests.build import START, a_child, a_view
from tests.engine.checks import BrokenError, check_rows, ensure
from tests.engine.proof import Job, Proof, Run

MANY = 10_000
ROUNDS = 500
"""More than any life here needs to come to its end."""
WINDOW = 60_000
"""The longest window of any rate here."""


@contextmanager
def small_steps() -> Iterator[None]:
    """Let every step of the engine touch only a few."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name, size in (
            (relane, "STEP", 1), (wave, "STEP", 2), (cycle, "PARK_STEP", 3), (alarms, "STEP", 3),
            (alarms, "RATE_STEP", 1), (parking, "OPENED_AT_A_TIME", 2),
        ):  # fmt: skip
            patch.setattr(module, name, size)
        yield


class Limited:
    """One store, its workers, and true time."""

    def __init__(self) -> None:
        self.store = SqliteStore(None)
        self.clock = VirtualClock(START)
        self.true = 0
        self.boot = 1
        self.stepped = self.booted = -WINDOW - 1
        """When the wall clock was last set forwards, and when the machine last came up."""
        self.step = 0
        self.rng = seeded_rng(1, "limited")
        self.proof = Proof()
        self.workers: dict[str, tuple[Asker, Memory]] = {}
        self.dead: set[str] = set()
        for name, slots, queues in (("w1", 4, None), ("w2", 2, None), ("w3", 3, frozenset({"default"}))):
            asker = Asker(name, "here", "boot1", Offer(queues=queues), slots, own_slots=True)
            self.workers[name] = (asker, Memory())

    @property
    def now(self) -> int:
        return self.clock.now_ms()

    @property
    def moment(self) -> Moment:
        return moment(self.clock, f"boot{self.boot}")

    def rows(self) -> dict[str, Task]:
        with self.store.read() as session:
            return {task.id: task for task in session.tasks.select(Selector(), limit=MANY)}

    def judge(self, **may: Sequence[str]) -> None:
        """Compare what there is with what may be; `may` says what the step was about."""
        self.step += 1
        self.proof.compare(self.rows(), self.now, {what: frozenset(ids) for what, ids in may.items()})
        check_rows(self.store.connection)

    def moving(self) -> bool:
        """Say whether any tag's tasks are still being moved."""
        with self.store.read() as session:
            return session.moves.next() is not None

    # Users.

    def enqueue(self, *specs: TaskSpec) -> list[Enqueued]:
        """Enqueue in one transaction."""
        with self.store.write() as session:
            found = enqueue(session, specs, self.now)
        rows = self.rows()
        for spec, answer in zip(specs, found, strict=True):
            self.proof.enqueued(spec, answer.id, self.now)
            if answer.id == spec.id:
                row = rows[spec.id]
                self.proof.jobs[spec.id] = Job(spec, row.seq, self.step, row)
        self.proof.ask(self.true)
        self.judge()
        return found

    def cancel(self, *ids: str) -> None:
        with self.store.write() as session:
            cancel(session, [task for i in ids if (task := session.tasks.find(i))], Reason.USER, self.now)
        self.judge(cancelled=ids)

    def revive(self, task_id: str) -> bool:
        """Put a task back if that may be; say whether it was."""
        proof, job = self.proof, self.proof.jobs[task_id]
        begun_before, job.begun = job.begun, False
        key = job.spec.dedup_key
        owner = None if key is None else proof.owner(key, self.now)
        try:
            with self.store.write() as session:
                task = session.tasks.find(task_id)
                assert task is not None
                revive(session, task, self.now)
        except BarredError:
            job.begun = begun_before
            self.judge()
            return False
        ensure(owner in (None, task_id), "a revive takes no key that is taken", (task_id, owner))
        if key is not None:
            ttl = job.spec.wish.dedup.ttl_ms if job.spec.wish.dedup else None
            proof.owners[key] = (task_id, None if ttl is None else job.row.created_at + ttl)
        job.step = self.step
        self.judge(revived=[task_id])
        return True

    def pause(self, kind: str, value: str, *, paused: bool = True, steps: int = MANY) -> None:
        """Pause or resume; of a tag's tasks only so many steps are moved."""
        with self.store.write() as session:
            session.pauses.set(kind, value, paused=paused, now=self.now)
        self.step += 1
        if paused:
            self.proof.paused[kind, value] = self.step
        else:
            self.proof.paused.pop((kind, value), None)
        self.relane(steps)

    def relane(self, steps: int) -> None:
        """Go on with the moves of tags, a transaction each."""
        more = True
        while more and steps > 0:
            with self.store.write() as session:
                more = relane.step(session, self.now)
            steps -= 1
        self.judge()

    def name_limits(self, limits: Mapping[str, NamedLimit]) -> None:
        """Have a configuration name these limits and no others."""
        with self.store.write() as session:
            session.limits.sync("config", limits)
        self.proof.named = dict(limits)
        self.proof.ask(self.true)
        self.judge()

    def edit(self, task_id: str, changes: Changes) -> None:
        with self.store.write() as session:
            task = session.tasks.find(task_id)
            assert task is not None
            edit(session, task, changes, self.now)
        self.judge()

    def bump(self, task_id: str) -> None:
        with self.store.write() as session:
            task = session.tasks.find(task_id)
            assert task is not None
            bump(session, task, self.now)
        self.judge()

    # Workers.

    def tick(self, name: str = "w1", children: int = 4) -> Tick:
        """Look and tick; judge every claim in its order, and whether a slot stayed idle for nothing."""
        asker, memory = self.workers[name]
        moving = self.moving()
        with self.store.read() as session:
            seen = look(session, asker, a_view(), memory, children, self.moment)
        with self.store.write() as session:
            done = tick(
                session, asker, a_view(), memory, [a_child() for _ in range(children)],
                lease_until=self.clock.awake_ms() + 30_000, moment=self.moment,
            )  # fmt: skip
        ensure(not done.claims or seen.has_work, "a look sees the work a tick finds")
        waiting = self._waiting(asker)
        claims = [self.proof.jobs[claim.task.id] for claim in done.claims]
        for job, claim in zip(claims, done.claims, strict=True):
            key = RunKey(claim.task.seq, claim.task.run, name)
            self.proof.claimed(job, key, self.now, waiting, moving=moving)
            waiting.pop(job.spec.id, None)
        self.judge(claimed=[job.spec.id for job in claims])
        room = min(children, asker.slots - sum(run.key.worker == name for run in self.proof.live()) + len(claims))
        if len(claims) < room and not done.again and not moving:
            left = [i for i, job in waiting.items() if self._may_start(job)]
            ensure(not left, "no slot stays idle while something may start", left)
        return done

    def _waiting(self, asker: Asker) -> dict[str, Job]:
        """Return what is ready for a worker, as it was seen last."""
        return {
            task_id: job
            for task_id, job in self.proof.jobs.items()
            if job.row.state in CLAIMABLE
            and (job.row.ready or job.row.due_at <= self.now)
            and (asker.offer.queues is None or job.row.queue in asker.offer.queues)
        }

    def _may_start(self, job: Job) -> bool:
        """Say whether nothing holds a task; of those under a rate, the end of all things will tell."""
        room = self.proof.room(job.spec)
        return (
            job.row.state in CLAIMABLE
            and job.spec.wish.rate is None
            and not self.proof.is_paused(job, moving=False)
            and not job.is_over(self.now)
            and not job.is_outside(self.now)
            and (room is None or self.proof.used(room[0]) < room[1])
        )

    def begin(self, run: Run) -> None:
        """User code begins; nobody has heard of it yet."""
        self.proof.began(run, self.true)

    def hear(self, run: Run, *, tell: bool = True) -> None:
        """The worker hears of the start, and tells the store at once or later."""
        run.heard = run.heard or self.moment
        if tell and not run.told:
            with self.store.write() as session:
                begun(session, run.key, run.heard)
            run.told = run.job.begun = True
            self.judge()

    def finish(self, run: Run, outcome: Outcome | None = None) -> None:
        """A run ends, its start told with it if it was not before; what never began is released or turned away."""
        outcome = outcome or Succeeded()
        if run.began is None and not isinstance(outcome, (Rejected, Lost)):
            outcome = Released(Reason.SHUTDOWN, started=False)
        if run.began is not None and not isinstance(outcome, Lost):
            run.heard = run.heard or self.moment
            run.job.begun = True
        started = None if run.told or isinstance(outcome, Lost) else run.heard
        with self.store.write() as session:
            found = settle(session, run.key, outcome, self.moment, self.rng, started)
        ensure(isinstance(found, Settled), "the holder of a run may end it", run.key)
        run.over = run.dead = True
        self.judge(settled=[run.job.spec.id])

    # Fate.

    def wait(self, ms: int, *, asleep: bool = False) -> None:
        self.true += ms
        (self.clock.suspend_ms if asleep else self.clock.advance_ms)(ms)

    def step_wall(self, ms: int) -> None:
        """Set the wall clock."""
        if ms > 0:
            self.stepped = self.true
        self.clock.step_wall_ms(ms)

    def die(self, name: str) -> None:
        """A worker dies; its children may go on until somebody comes."""
        self.dead.add(name)
        for run in self.proof.live():
            if run.key.worker == name:
                run.heard = run.heard if run.told else None

    def reboot(self, down: int) -> None:
        """The machine goes down and comes up again after a while, its boot clock near 0."""
        self.true += down
        self.boot += 1
        # It cannot have been up for longer than the reboot took.
        self.clock = VirtualClock(self.now + down, boot_ms=min(500, down))
        for name, (asker, _) in self.workers.items():
            self.die(name)
            self.workers[name] = (replace(asker, boot_id=f"boot{self.boot}"), Memory())
        for run in self.proof.live():
            run.dead = True
        self.booted = self.true

    def rescue(self, by: str = "rescuer", *, late: int = 0) -> None:
        """Take over what dead workers left, stop it, and settle it a little later; the dead are back then."""

        def verdict(lease: Lease) -> Verdict:
            rebooted = lease.boot_id != f"boot{self.boot}"
            return Verdict(rebooted or lease.worker in self.dead, rebooted)

        with self.store.write() as session:
            orphans = {orphan.key.seq: orphan for orphan in adopt(session, verdict, by, 1 << 60)}
        runs = [run for run in self.proof.live() if run.key.seq in orphans]
        for run in runs:
            run.dead, run.key = True, orphans[run.key.seq].key
        self.wait(late)
        for run in runs:
            self.finish(run, Lost(run.told, orphans[run.key.seq].rebooted))
        self.dead.clear()

    # The end of all things.

    def drain(self) -> None:
        """Let everything go that may, waiting only as long as ticks say; then nothing is left but what has a reason."""
        self.rescue()
        for kind, value in list(self.proof.paused):
            self.pause(kind, value, paused=False, steps=0)
        asker, _ = self.workers["w1"]
        self.workers["w1"] = (replace(asker, slots=99), Memory())
        coming: list[int] = []
        for _ in range(ROUNDS):
            for run in self.proof.live():
                if run.began is None:
                    self.begin(run)
                self.finish(run)
            done = self.tick("w1", 9)
            if not done.claims and not done.again:
                waits = [done.wake_in, None if done.next_wake is None else done.next_wake - self.now]
                coming = [wait for wait in waits if wait is not None]
                if not coming:
                    break
                self.wait(max(1, min(coming)))
        else:
            raise BrokenError("waiting comes to an end", (done, coming))
        self._check_left()

    def _check_left(self) -> None:
        for job in self.proof.jobs.values():
            if job.row.state in ACTIVE:
                with self.store.read() as session:
                    needs = session.links.upstreams(job.seq, 9)
                waits = any(need.state in (State.FAILED, State.CANCELLED, State.BLOCKED) for need in needs)
                told = (job.spec.id, job.row.state, [(need.id, need.state) for need in needs])
                ensure(job.row.state is State.BLOCKED and waits, "nothing is forgotten", told)

"""Random lives of limited work: several workers, their deaths, reboots, sleep, clock steps, and all that users may do.

What must hold in every prefix is in `proof.py`, which reckons in true time; at the end of each life everything is let
go, and what then still waits must have a reason. `test_machine.py` compares states, attempts and rows; this one does
not: it asks whether limits hold and nothing is forgotten.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import Any

from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from bgo.engine.edit import Changes
from bgo.model.limits import (
    ConcurrencyControl,
    ConcurrencyStrategy,
    DedupPolicy,
    NamedLimit,
    RateLimit,
    Unique,
    UniquePolicy,
)
from bgo.model.options import RetryPolicy
from bgo.model.outcome import CancelledRun, Crashed, Failed, Rejected, Released, Snoozed, Succeeded, TaskError
from bgo.model.state import ACTIVE, CLAIMABLE, Reason, State
from bgo.model.task import TaskSpec, Wish
from tests.build import a_spec
from tests.engine.limited import WINDOW, Limited, small_steps
from tests.engine.proof import Run
from tests.hours import hours

ERROR = TaskError("ValueError", "no")
STEPS = [1, 400, 1_000, 9_000, 10_001, WINDOW]

rooms = st.builds(
    ConcurrencyControl, st.integers(1, 3), st.sampled_from(ConcurrencyStrategy), st.sampled_from([None, "net", "net"])
)
rates = st.builds(
    RateLimit, st.integers(1, 3), st.sampled_from([1, 10, WINDOW // 1000]), st.sampled_from([None, "api", "api"])
)
windows = st.sampled_from([
    "15:07-15:08", "15:00-15:08", "22:00-15:07@6", "22:00-16:00@7", "17:07-17:09 Europe/Berlin", "15:07-15:08@1",
]).map(hours)  # fmt: skip
"""Around the start of every life, a Sunday at 15:06:40 UTC."""
wishes = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"window": windows}),
    st.fixed_dictionaries({"window": windows, "concurrency": rooms}),
    st.fixed_dictionaries({"window": windows, "rate": rates}),
    st.fixed_dictionaries({"concurrency": rooms}),
    st.fixed_dictionaries({"rate": rates}),
    st.fixed_dictionaries({"concurrency": rooms, "rate": rates}),
)
basics = st.fixed_dictionaries({
    "handler": st.sampled_from(["work", "rare"]),
    "name": st.sampled_from(["", "alias"]),
    "queue": st.sampled_from(["default", "high"]),
    "priority": st.integers(-1, 1),
    "tags": st.sampled_from([(), ("s",), ("t",), ("s", "t")]),
    "random_order": st.sampled_from([0.1, 0.5, 0.9]),
})  # fmt: skip
retries = st.sampled_from([RetryPolicy.NONE, RetryPolicy.NONE, RetryPolicy.custom(delays=[0, 5])])
delays = st.sampled_from([None, None, None, -5, 3_000])
outcomes = st.sampled_from([
    Succeeded(), Succeeded(), Succeeded(), Failed(ERROR), Failed(ERROR, retry=False), Snoozed(2_000), Crashed(signal=9),
    CancelledRun(), Released(Reason.SHUTDOWN), Rejected(ERROR),
])  # fmt: skip
ties = st.sampled_from(["dedup", "unique", "after", "after", "expires", "dedup-after"])


class Machine(RuleBasedStateMachine):
    """Users, workers and fate."""

    def __init__(self) -> None:
        super().__init__()
        self.world = Limited()
        self.small = ExitStack()
        self.small.enter_context(small_steps())

    def teardown(self) -> None:
        try:
            self.world.drain()
        finally:
            self.small.close()
            self.world.store.close()

    def ids(self, *states: State) -> list[str]:
        return [i for i, job in self.world.proof.jobs.items() if job.row.state in states]

    def runs(self, *, began: bool) -> list[Run]:
        return [run for run in self.world.proof.live() if (run.began is not None) is began and not run.dead]

    def spec(self, fields: dict[str, Any], wish: dict[str, Any], delay: int | None) -> TaskSpec:
        due = None if delay is None else self.world.now + delay
        return a_spec(**fields, due_at=due, wish=Wish(**wish))

    @initialize(batch=st.lists(st.tuples(basics, wishes, delays), min_size=2, max_size=6))
    def populate(self, batch: list[Any]) -> None:
        self.enqueue(batch, RetryPolicy.NONE)

    # Users.

    @rule(batch=st.lists(st.tuples(basics, wishes, delays), min_size=1, max_size=4), retry=retries)
    def enqueue(self, batch: list[Any], retry: RetryPolicy) -> None:
        self.world.enqueue(*(self.spec(fields, {**wish, "retry": retry}, delay) for fields, wish, delay in batch))

    @rule(data=st.data(), tie=ties, fields=basics, wish=wishes, delay=delays, twice=st.booleans())
    def enqueue_tied(
        self,
        data: st.DataObject,
        tie: str,
        fields: dict[str, Any],
        wish: dict[str, Any],
        delay: int | None,
        twice: bool,
    ) -> None:
        known = sorted(self.world.proof.jobs)
        more: dict[str, Any] = {}
        if "dedup" in tie:
            more["dedup_key"] = data.draw(st.sampled_from(["k", "l"]))
            wish = {**wish, "dedup": DedupPolicy(None, data.draw(st.sampled_from([None, None, 9_000])))}
        if tie == "unique":
            policy = data.draw(st.sampled_from(UniquePolicy))
            wish = {**wish, "unique": Unique("solo" if policy is UniquePolicy.KEEP else "shared", policy)}
        if "after" in tie and known:
            more["after"] = tuple(data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=2, unique=True)))
        if tie == "expires":
            limit = self.world.now + data.draw(st.sampled_from([1, 5_000, WINDOW]))
            wish = {**wish, data.draw(st.sampled_from(["start_before", "finish_before"])): limit}
            wish["retry"] = RetryPolicy.custom(delays=[0, 5])
        for _ in range(1 + twice):
            self.world.enqueue(self.spec({**fields, **more}, wish, delay))

    @precondition(lambda self: self.ids(*ACTIVE))
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        self.world.cancel(*data.draw(st.lists(st.sampled_from(self.ids(*ACTIVE)), min_size=1, max_size=3, unique=True)))

    @precondition(lambda self: self.ids(State.FAILED, State.CANCELLED))
    @rule(data=st.data())
    def revive(self, data: st.DataObject) -> None:
        done = self.world.revive(data.draw(st.sampled_from(self.ids(State.FAILED, State.CANCELLED))))
        event("revived" if done else "barred")

    @rule(
        what=st.sampled_from([("name", "alias"), ("name", "work"), ("queue", "high"), ("tag", "s"), ("tag", "t")]),
        steps=st.sampled_from([0, 1, 2, 99]),
    )
    def pause_or_resume(self, what: tuple[str, str], steps: int) -> None:
        self.world.pause(*what, paused=what not in self.world.proof.paused, steps=steps)

    @precondition(lambda self: self.world.moving())
    @rule(steps=st.sampled_from([1, 99]))
    def relane(self, steps: int) -> None:
        self.world.relane(steps)

    @rule(most=st.sampled_from([None, 1, 2]), rate=st.sampled_from([None, (1, 10), (2, 1), (1, WINDOW // 1000)]))
    def name_limits(self, most: int | None, rate: tuple[int, int] | None) -> None:
        limits = {} if most is None else {"net": NamedLimit("net", most)}
        if rate is not None:
            limits["api"] = NamedLimit("api", rate=RateLimit(*rate))
        self.world.name_limits(limits)

    @precondition(lambda self: self._waiting())
    @rule(
        data=st.data(), priority=st.sampled_from([None, -5, 5]), queue=st.sampled_from([None, "default", "high"]),
        delay=st.sampled_from([None, -1, 2_000]), bumps=st.booleans(),
    )  # fmt: skip
    def edit(
        self, data: st.DataObject, priority: int | None, queue: str | None, delay: int | None, bumps: bool
    ) -> None:
        one = data.draw(st.sampled_from(self._waiting()))
        if bumps:
            self.world.bump(one)
        else:
            self.world.edit(one, Changes(priority, queue, None if delay is None else self.world.now + delay))

    def _waiting(self) -> list[str]:
        jobs, now = self.world.proof.jobs, self.world.now
        return [i for i in self.ids(*CLAIMABLE, State.BLOCKED) if not jobs[i].is_over(now)]

    # Workers.

    @rule(name=st.sampled_from(["w1", "w2", "w3"]), children=st.integers(0, 4), begin=st.integers(0, 4))
    def tick(self, name: str, children: int, begin: int) -> None:
        """One worker looks for work; some of what it gets begins at once."""
        if name in self.world.dead:
            return
        self.world.tick(name, children)
        for run in self.runs(began=False)[:begin]:
            self.world.begin(run)
            self.world.hear(run)

    @precondition(lambda self: self.runs(began=False))
    @rule(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        """User code begins, in silence: perhaps its worker is dead, or busy."""
        self.world.begin(data.draw(st.sampled_from(self.runs(began=False))))

    @precondition(lambda self: self.runs(began=True))
    @rule(data=st.data(), tell=st.booleans())
    def hear(self, data: st.DataObject, tell: bool) -> None:
        self.world.hear(data.draw(st.sampled_from(self.runs(began=True))), tell=tell)

    @precondition(lambda self: self.world.proof.live())
    @rule(data=st.data(), ended=st.lists(outcomes, min_size=1, max_size=4))
    def finish(self, data: st.DataObject, ended: list[Any]) -> None:
        for run, outcome in zip(self.world.proof.live(), ended, strict=False):
            if run.key.worker not in self.world.dead:
                self.world.finish(run, outcome)

    @rule(name=st.sampled_from(["w1", "w3"]), ms=st.sampled_from(STEPS))
    def busy(self, name: str, ms: int) -> None:
        """A round of a busy worker: what ran ends, time passes, others start."""
        for run in self.world.proof.live():
            if run.key.worker == name and name not in self.world.dead:
                if run.began is None:
                    self.world.begin(run)
                self.world.finish(run)
        self.world.wait(ms)
        self.tick(name, 4, 2)

    # Fate.

    @rule(name=st.sampled_from(["w1", "w2"]))
    def die(self, name: str) -> None:
        self.world.die(name)

    @precondition(lambda self: self.world.dead)
    @rule(late=st.sampled_from([0, 700]))
    def rescue(self, late: int) -> None:
        self.world.rescue(late=late)

    @rule(ms=st.sampled_from(STEPS), asleep=st.booleans())
    def wait(self, ms: int, asleep: bool) -> None:
        self.world.wait(ms, asleep=asleep)

    # Across a reboot only the wall clock says how long it was: set forwards on the same way it says too much, and
    # nobody could know. So these two never come within one window of each other. Set back it only says too little.

    @precondition(lambda self: self.world.true - self.world.stepped > WINDOW)
    @rule(down=st.sampled_from([10, 20_000]))
    def reboot(self, down: int) -> None:
        self.world.reboot(down)
        event("rebooted")

    @precondition(lambda self: self.world.true - self.world.booted > WINDOW)
    @rule(ms=st.sampled_from([2_000, 3_600_000]))
    def step_the_wall_forwards(self, ms: int) -> None:
        self.world.step_wall(ms)

    @rule(ms=st.sampled_from([-2_000, -3_600_000]))
    def step_the_wall_back(self, ms: int) -> None:
        self.world.step_wall(ms)


Machine.TestCase.settings = settings(
    max_examples=int(os.environ.get("BGO_TEST_LIVES", "100")),
    stateful_step_count=40,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
TestMachine = Machine.TestCase

"""The state machine: any order of deeds and disasters over the real store, compared with the ledger after each.

What must hold after every step is in `checks.py` (recounted from the rows) and in `World` (judged by other words than
the engine's); the examples that Hypothesis finds shrink to a few lines that can be pasted into a test.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bgo.engine.edit import Changes
from bgo.engine.enqueue import enqueue
from bgo.engine.settle import RunKey, Settled, settle
from bgo.model.device import DeviceState, Level, Network, NetworkKind, Reading, Span, Tri, View
from bgo.model.limits import ConcurrencyControl, ConcurrencyStrategy
from bgo.model.options import NetworkConstraint, RetryPolicy, TaskConstraints
from bgo.model.outcome import (
    CancelledRun,
    Crashed,
    Failed,
    Rejected,
    Released,
    RetryAsked,
    Snoozed,
    Succeeded,
    TaskError,
    TimedOut,
)
from bgo.model.query import Retention, Selector
from bgo.model.state import CLAIMABLE, FINAL, Reason, State
from bgo.policy.gates import Offer
from tests.build import a_spec, a_view, a_wish
from tests.engine.checks import dump
from tests.engine.world import World

WORKERS = ("w1", "w2", "far")
DAY = 86_400_000
ERROR = TaskError("ValueError", "no", "trace", ("ValueError", "Exception"))

retries = st.sampled_from([
    RetryPolicy.NONE,
    RetryPolicy.linear(3, 5),
    RetryPolicy.exponential(4, 2, 60, jitter=True),
    RetryPolicy.custom(delays=[0, 1]),
    RetryPolicy.linear(3, 5, give_up_on=["ValueError"]),
])  # fmt: skip
limits = st.none() | st.builds(
    ConcurrencyControl,
    st.integers(1, 3),
    st.sampled_from(ConcurrencyStrategy),
    st.sampled_from([None, "shared"]),
)
constraints = st.builds(
    TaskConstraints,
    network=st.sampled_from([NetworkConstraint.NONE, *NetworkConstraint]),
    battery_not_low=st.sampled_from([False, False, True]),
    requires_charging=st.sampled_from([False, False, True]),
    device_idle=st.sampled_from([False, False, False, True]),
    storage_not_low=st.sampled_from([False, False, False, True]),
    cpu_below=st.sampled_from([None, None, None, 50]),
    unused_for=st.sampled_from([None, None, None, 60]),
    on_network=st.sampled_from([(), (), (), "Home"]),
)
devices = st.builds(
    DeviceState,
    charging=st.builds(Reading, st.sampled_from(Tri), st.just("test")),
    battery=st.builds(Level, st.sampled_from([None, 0, 15, 16, 19, 20, 100]), st.just("test")),
    network=st.builds(Network, st.sampled_from(NetworkKind), st.just("test"), st.sampled_from(["", "Home", "Cafe"])),
    load=st.builds(Level, st.sampled_from([None, 49, 50]), st.just("test")),
    unused=st.builds(Span, st.sampled_from([None, 0, 59_999, 60_000]), st.just("test")),
    idle=st.builds(Reading, st.sampled_from(Tri), st.just("test")),
    storage_low=st.builds(Reading, st.sampled_from(Tri), st.just("test")),
)
specs = st.fixed_dictionaries({
    "handler": st.sampled_from(["work", "rare"]),
    "name": st.sampled_from(["", "alias"]),
    "queue": st.sampled_from(["default", "high"]),
    "priority": st.integers(-2, 2),
    "tags": st.sampled_from([(), ("t",)]),
    "input": st.sampled_from([b"{}", b'{"a":1}']),
    "random_order": st.sampled_from([0.1, 0.5, 0.9]),
    "delay_ms": st.sampled_from([None, None, 0, 1, 5_000, DAY]),
    "wish": st.builds(
        a_wish, retry=retries, limit=limits, at_most_once=st.sampled_from([False, False, False, True]),
        constraints=constraints,
    ),
})  # fmt: skip
outcomes = st.one_of(
    st.sampled_from([Succeeded(), Succeeded({"n": 1})]),
    st.builds(Failed, st.just(ERROR), st.booleans()),
    st.builds(RetryAsked, st.sampled_from([None, 0, 3_000])),
    st.builds(Snoozed, st.sampled_from([0, 4_000])),
    st.just(TimedOut(60_000)),
    st.just(Crashed(signal=11)),
    st.just(CancelledRun()),
    st.builds(Released, st.sampled_from([Reason.SHUTDOWN, Reason.DEVICE]), st.booleans()),
    st.just(Rejected(ERROR)),
)


class Torn(Exception):
    """The process dies in the middle of a transaction."""


class Machine(RuleBasedStateMachine):
    """Deeds of users, workers and fate, in any order."""

    def __init__(self) -> None:
        super().__init__()
        memory = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(prefix="bgo-", dir=memory if memory.is_dir() else None))
        self.world = World(self.folder / "store.db")

    def teardown(self) -> None:
        self.world.store.close()
        shutil.rmtree(self.folder)

    @initialize(slots=st.integers(1, 3), reserve=st.integers(0, 1), batch=st.lists(specs, min_size=3, max_size=6))
    def populate(self, slots: int, reserve: int, batch: list[dict[str, Any]]) -> None:
        self.world.worker("w2", slots=slots, offer=Offer(frozenset({"work"})), own_slots=True)
        self.world.worker("far", slots=2, offer=Offer(queues=frozenset({"default"})), host="there").view = a_view(True)
        self.world.reserve("high", reserve)
        self.enqueue(batch)

    @invariant()
    def everything_holds(self) -> None:
        self.world.verify()

    def in_state(self, *states: State) -> list[str]:
        return [i for i, row in self.world.ledger.rows.items() if row.state in states]

    # Users.

    @rule(batch=st.lists(specs, min_size=1, max_size=3))
    def enqueue(self, batch: list[dict[str, Any]]) -> None:
        for fields in batch:
            self.world.enqueue(**fields)

    @rule(fields=specs, count=st.integers(2, 4))
    def enqueue_alike(self, fields: dict[str, Any], count: int) -> None:
        rest = {k: v for k, v in fields.items() if k != "delay_ms"}
        self.world.enqueue_all([a_spec(**rest) for _ in range(count)])

    @precondition(lambda self: self.world.ledger.rows)
    @rule(
        data=st.data(),
        many=st.sampled_from(
            [None, None, Selector(names=("alias",)), Selector(tags=("t",)), Selector(queues=("high",))]
        ),
        reason=st.sampled_from([Reason.USER, Reason.TAG]),
    )
    def cancel(self, data: st.DataObject, many: Selector | None, reason: Reason) -> None:
        one = data.draw(st.sampled_from(sorted(self.world.ledger.rows)))
        self.world.cancel(Selector(ids=(one,)) if many is None else many, reason)

    @precondition(lambda self: self.in_state(State.FAILED, State.CANCELLED))
    @rule(data=st.data())
    def revive(self, data: st.DataObject) -> None:
        self.world.revive(data.draw(st.sampled_from(self.in_state(State.FAILED, State.CANCELLED))))

    @rule(
        what=st.sampled_from(
            [("name", "alias"), ("name", "work"), ("queue", "default"), ("queue", "high"), ("tag", "t")]
        ),
        running=st.booleans(),
    )
    def pause_or_resume(self, what: tuple[str, str], running: bool) -> None:
        self.world.pause(*what, paused=what not in self.world.ledger.paused, running=running)

    @precondition(lambda self: self.in_state(*CLAIMABLE))
    @rule(
        data=st.data(),
        priority=st.sampled_from([None, -5, 0, 5]),
        queue=st.sampled_from([None, "default", "high"]),
        delay=st.sampled_from([None, None, -1, 0, 3_000, DAY]),
        input=st.sampled_from([None, b'{"a":2}']),
    )
    def edit(
        self, data: st.DataObject, priority: int | None, queue: str | None, delay: int | None, input: bytes | None
    ) -> None:
        due = None if delay is None else self.world.now + delay
        one = data.draw(st.sampled_from(self.in_state(*CLAIMABLE)))
        self.world.edit(one, Changes(priority, queue, due, input))

    @precondition(lambda self: self.in_state(*CLAIMABLE))
    @rule(data=st.data())
    def bump(self, data: st.DataObject) -> None:
        self.world.bump(data.draw(st.sampled_from(self.in_state(*CLAIMABLE))))

    @precondition(lambda self: self.in_state(*FINAL))
    @rule(age=st.sampled_from([0, 10_000, DAY]), failed=st.sampled_from([0, DAY]), rows=st.sampled_from([0, 1, 3, 99]))
    def prune(self, age: int, failed: int, rows: int) -> None:
        self.world.prune(Retention(age, failed, rows))

    # Workers.

    @rule(name=st.sampled_from(WORKERS), children=st.integers(0, 4))
    def tick(self, name: str, children: int) -> None:
        if self.world.tick(name, children):
            event("claimed")

    @rule(order=st.permutations(WORKERS), children=st.integers(1, 3))
    def tick_in_turn(self, order: list[str], children: int) -> None:
        for name in order:
            self.tick(name, children)

    @precondition(lambda self: self.in_state(*CLAIMABLE))
    @rule(data=st.data(), name=st.sampled_from(WORKERS), children=st.integers(1, 3))
    def tick_for_some(self, data: st.DataObject, name: str, children: int) -> None:
        """Somebody runs just these tasks."""
        named = data.draw(st.sets(st.sampled_from(self.in_state(*CLAIMABLE)), min_size=1, max_size=3))
        self.world.tick(name, children, frozenset(self.world.ledger.rows[i].seq for i in named))

    @precondition(lambda self: self.in_state(State.RUNNING))
    @rule(data=st.data(), fraction=st.sampled_from([None, None, 0.5]))
    def begin(self, data: st.DataObject, fraction: float | None) -> None:
        task_id = data.draw(st.sampled_from(self.in_state(State.RUNNING)))
        self.world.start(task_id)
        if fraction is not None:
            self.world.report(task_id, fraction)

    @precondition(lambda self: self.in_state(State.RUNNING))
    @rule(data=st.data(), outcome=outcomes)
    def finish(self, data: st.DataObject, outcome: Any) -> None:
        self.world.finish(data.draw(st.sampled_from(self.in_state(State.RUNNING))), outcome)

    @precondition(lambda self: self.in_state(State.RUNNING))
    @rule(ms=st.sampled_from([0, 2_000]), ended=st.lists(outcomes, min_size=1, max_size=4))
    def finish_and_claim(self, ms: int, ended: list[Any]) -> None:
        """The round of a busy worker: some runs end, time passes, others start."""
        for task_id, outcome in zip(self.in_state(State.RUNNING), ended, strict=False):
            self.world.finish(task_id, outcome)
        self.world.clock.advance_ms(ms)
        self.tick("w1", 4)

    @precondition(lambda self: self.world.tokens)
    @rule(data=st.data(), outcome=outcomes, kept=st.booleans())
    def late_finish(self, data: st.DataObject, outcome: Any, kept: bool) -> None:
        """Whoever once held a run may believe that it still does, even when its task is pruned long since."""
        task_id, key = data.draw(st.sampled_from(self.world.tokens))
        if kept:
            self.world.checkpoint(task_id, key, b'{"at":1}')
        live = isinstance(self.world.finish(task_id, outcome, key), Settled)
        event("the token was still good" if live else "late finish refused")

    # Fate.

    @rule(name=st.sampled_from(WORKERS), zombie=st.booleans(), outcome=outcomes)
    def crash_and_rescue(self, name: str, zombie: bool, outcome: Any) -> None:
        """A worker dies; another adopts its runs, perhaps hears a late word of the dead, and settles them."""
        self.world.crash(name)
        by = "w1" if name != "w1" else "w2"
        for task_id, key, lost in self.world.adopt(by):
            if zombie:
                self.world.finish(task_id, outcome, RunKey(key.seq, key.run, name))
            self.world.finish(task_id, lost, key)
            event("rescued")
        self.world.restart(name)

    @rule()
    def reboot(self) -> None:
        self.world.reboot()
        self.world.rescue("init")

    @rule(ms=st.sampled_from([1, 900, 5_000, 60_000, DAY]))
    def wait(self, ms: int) -> None:
        self.world.clock.advance_ms(ms)

    @rule(ms=st.sampled_from([-DAY, -3_600_000, -1_000, 1_000, 3_600_000]))
    def step_the_wall(self, ms: int) -> None:
        self.world.clock.step_wall_ms(ms)

    @rule(name=st.sampled_from(WORKERS), device=devices, forgets=st.booleans())
    def carry(self, name: str, device: DeviceState, forgets: bool) -> None:
        """The device is plugged in, carried away, used; or the worker left and is back, and has forgotten it all."""
        self.world.worker(name).view = View(device=device)
        if forgets:
            self.world.crash(name)
            self.world.restart(name)

    @rule(outcome=outcomes, reopens=st.booleans())
    def torn(self, outcome: Any, reopens: bool) -> None:
        """The process dies between BEGIN and COMMIT: not a trace is left, for it or for the next one."""
        world = self.world
        before = dump(world.store.connection)
        with suppress(Torn), world.store.write() as session:
            enqueue(session, [a_spec()], world.now)
            for row in world.ledger.running():
                settle(session, RunKey(row.seq, row.run, row.holder), outcome, world.moment, world.rng)
            raise Torn
        if reopens:
            world.reopen()
        assert dump(world.store.connection) == before


Machine.TestCase.settings = settings(
    max_examples=150,
    stateful_step_count=40,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
TestMachine = Machine.TestCase

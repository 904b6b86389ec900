"""Random lives of tied work: whatever happens in whatever order, nobody starts too early, twice, or waits for ever."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest

from bgo.engine import upstream
from bgo.engine.prune import prune
from bgo.errors import NotFoundError, RefusedError
from bgo.model.limits import DedupPolicy, UniquePolicy
from bgo.model.outcome import Outcome, Succeeded
from bgo.model.query import Retention, Selector
from bgo.model.state import ACTIVE, FINAL, State
from bgo.model.task import Task, TaskSpec
from bgo.store.check import check
from bgo.store.invariants import RULES
from bgo.store.sqlite import SqliteStore
from tests.build import START, a_spec
from tests.engine.tied import ERROR, STOPPED, after, by, cancel, expire, once, put_one, revive, sole
from tests.store import drive

OUTCOMES: tuple[Outcome, ...] = (Succeeded(), Succeeded(), Succeeded(), ERROR, STOPPED)


class Walk:
    """One store, and what chance does to it."""

    def __init__(self, seed: int) -> None:
        self.store = SqliteStore(None)
        self.chance = random.Random(seed)
        self.now = START

    def tasks(self, *states: State) -> list[Task]:
        with self.store.read() as session:
            return session.tasks.select(Selector(states=states), limit=1_000)

    def some(self, *states: State) -> list[str]:
        ids = [task.id for task in self.tasks(*states)]
        return self.chance.sample(ids, min(len(ids), self.chance.choice((1, 1, 2, 3))))

    def enqueue(self) -> None:
        policy = self.chance.choice(list(UniquePolicy))
        ttl = self.chance.choice((None, 40))
        others = tuple(self.some(*ACTIVE)) if self.chance.random() < 0.3 else ()
        specs: list[TaskSpec] = [
            a_spec(),
            once(DedupPolicy(None, ttl), input={"n": self.chance.randrange(2)}, after=others),
            sole(policy, self.chance.choice("uv"), after=others),
            after(*self.some()),
            after(*self.some(*ACTIVE)),
            by(self.now + self.chance.randrange(1, 60), after=tuple(self.some(*ACTIVE))),
        ]
        made = put_one(self.store, self.chance.choice(specs), self.now)
        assert made.id in {task.id for task in self.tasks()} or made.outcome == "deduplicated"

    def work(self) -> None:
        claims = drive.tick(self.store, 1, now=self.now)
        for claim in claims:
            with self.store.read() as session:
                assert not session.links.needs(claim.task.seq)
            assert claim.task.expires_at is None or claim.task.expires_at > self.now
        running = self.tasks(State.RUNNING)
        if running and self.chance.random() < 0.7:
            task = self.chance.choice(running)
            outcome = STOPPED if task.cancel_reason else self.chance.choice(OUTCOMES)
            drive.finish_key(self.store, drive.RunKey(task.seq, task.run, "w"), outcome, now=self.now)

    def call_off(self) -> None:
        cancel(self.store, *self.some(*ACTIVE), now=self.now)

    def put_back(self) -> None:
        for task_id in self.some(State.FAILED, State.CANCELLED):
            with suppress(RefusedError):
                revive(self.store, task_id, now=self.now)

    def pass_time(self) -> None:
        self.now += self.chance.randrange(30)
        if self.chance.random() < 0.5:
            expire(self.store, self.now, limit=2)

    def forget(self) -> None:
        list(prune(self.store, Retention(finished_ms=60, failed_ms=60, rows=30), self.now))

    def step(self) -> None:
        deeds = (self.enqueue, self.work, self.call_off, self.put_back, self.pass_time, self.forget)
        with suppress(NotFoundError):
            self.chance.choices(deeds, (6, 6, 1, 2, 2, 1))[0]()
        for rule in RULES:
            assert self.store.connection.execute(rule.statement).fetchall() == [], rule.code

    def finish(self) -> None:
        """Let everything come to its end; what then still waits, waits for a revival."""
        for _ in range(300):
            self.now += 1
            drive.tick(self.store, 4, now=self.now)
            for task in self.tasks(State.RUNNING):
                drive.finish_key(self.store, drive.RunKey(task.seq, task.run, "w"), Succeeded(), now=self.now)
        for task in self.tasks(*ACTIVE):
            assert task.state is State.BLOCKED
            with self.store.read() as session:
                others = session.links.upstreams(task.seq, 9)
            assert any(other.state in FINAL or other.state is State.BLOCKED for other in others)


@pytest.mark.parametrize("seed", range(25))
def test_whatever_happens(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "STEP", 2)
    walk = Walk(seed)
    for _ in range(200):
        walk.step()
    walk.finish()
    assert check(walk.store) == []

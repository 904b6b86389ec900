"""Chains and batches under kill -9: of the workers that run them, and of those who bring them in."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time

import pytest

from bgo.flow.chaining import Member
from bgo.flow.entering import sweep
from bgo.model.query import Selector
from bgo.model.state import FINAL, State
from bgo.model.task import FOLLOW_UP, Task
from bgo.store.admin import check
from tests.run.kit import wait_until
from tests.run.yard import Yard, a_yard

pytestmark = pytest.mark.slow

SEED = int(os.environ.get("BGO_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
KILLS = 12
ITEMS = 20_000
MOMENTS = 4
ENDS = ("succeed", "exhaust", "cancel", "skip", "skip_failed")


def everything(yard: Yard) -> list[Task]:
    with yard.flow.store.read() as session:
        return session.tasks.select(Selector(match_all=True, kinds=()), limit=1 << 30)


def a_chain(yard: Yard) -> None:
    chain = yard.flow.chain("chain").then("work", as_="a", input={"ms": 40})
    chain.then_all([Member("work", as_="b", input={"ms": 60}), Member("work", as_="c", input={"ms": 20})])
    chain.then_batch("work", as_="d", items=[{"ms": 10}, {"ms": 30}, {"ms": 20}]).then("work", as_="e").enqueue()


def test_workers_are_killed_and_every_step_keeps_its_turn() -> None:
    rng = random.Random(SEED)
    print(f"BGO_TEST_SEED={SEED}")
    with a_yard(lease_s=1) as yard:
        for _ in range(4):
            a_chain(yard)
        batch = yard.flow.batch("work", items=[{"ms": 30}] * 25, then="work", finally_="work")
        crew = [yard.worker(watch=True, slots=2) for _ in range(2)]
        for _ in range(KILLS):
            time.sleep(rng.uniform(0.1, 0.5))
            victim = rng.randrange(len(crew))
            crew[victim].kill()
            crew[victim] = yard.worker(watch=True, slots=2)
        wait_until(lambda: all(task.state in FINAL for task in everything(yard)), "everything has ended", 60)
        assert check(yard.flow.store) == []
        _judge(yard, batch.id)


def _judge(yard: Yard, batch_id: str) -> None:
    rows = everything(yard)
    begun = {line.id: line.at for line in reversed(yard.lines("S"))}
    ended = {line.id: line.at for line in yard.lines("F")}
    assert {task.state for task in rows} == {State.SUCCEEDED}
    for node in (task for task in rows if task.kind != "task"):
        ends = [entry.event for entry in yard.history(node.id) if entry.event in ENDS]
        assert ends == ["succeed"], node
        members = [task for task in rows if task.parent == node.seq]
        for one in members:
            for other in members:
                if one.step > other.step and FOLLOW_UP not in (one.step, other.step):
                    _comes_after(one, other, rows, begun, ended)
    batch = next(task for task in rows if task.id == batch_id)
    calls = sorted(task.step - FOLLOW_UP for task in rows if task.parent == batch.seq and task.step >= FOLLOW_UP)
    assert calls == [0, 2]


def _comes_after(one: Task, other: Task, rows: list[Task], begun: dict[str, float], ended: dict[str, float]) -> None:
    """User code of a step begins after that of the steps before has ended for good."""

    def tasks(member: Task) -> list[Task]:
        return [member] if member.kind == "task" else [task for task in rows if task.parent == member.seq]

    first, last = min(begun[t.id] for t in tasks(one)), max(ended[t.id] for t in tasks(other))
    assert last <= first, (one.name, other.name)


def test_who_brings_a_batch_in_is_killed_and_it_is_there_as_a_whole_or_not_at_all() -> None:
    rng = random.Random(SEED)
    print(f"BGO_TEST_SEED={SEED}")
    with a_yard() as yard:
        yard.flow.enqueue("work", {"ms": 0})
        (alone,) = everything(yard)
        whole = 0
        for moment in range(MOMENTS):
            took = _bring_in(yard, None if moment == 0 else rng.uniform(0, _took[0]))
            if moment == 0:
                _took[0] = took
            whole = _looked_at(yard, alone, whole, sure=moment == 0)


_took = [0.0]
"""How long one that nobody killed took."""


def _bring_in(yard: Yard, after_s: float | None) -> float:
    argv = [sys.executable, "-m", "tests.run.people", "batcher", json.dumps({"items": ITEMS})]
    acks = yard.place / "acks"
    before = acks.read_text().count("B begins")
    person = subprocess.Popen(argv, env=yard.env, stdin=subprocess.DEVNULL, start_new_session=True)
    yard.helpers.append(person)
    wait_until(lambda: acks.read_text().count("B begins") > before, "it has begun")
    began = time.monotonic()
    if after_s is None:
        assert person.wait() == 0
        return time.monotonic() - began
    time.sleep(after_s)
    person.kill()
    person.wait()
    return 0.0


def _looked_at(yard: Yard, alone: Task, whole: int, *, sure: bool) -> int:
    """Compare all that shows what there is: lists, counts, @last, selectors; then remove what nobody will seal."""
    flow = yard.flow
    acked = [line.split()[1] for line in (yard.place / "acks").read_text().splitlines() if line.startswith("A")]
    with flow.store.read() as session:
        nodes = session.tasks.select(Selector(kinds=("batch",), match_all=True), limit=99)
        counts, newest = session.tasks.counts(), session.tasks.newest(1)
        members = len(session.tasks.select(Selector(names=("work",)), limit=1 << 30))
        inside = [len(session.tasks.select(Selector(under=(node.id,)), limit=1 << 30)) for node in nodes]
    assert whole + sure <= len(nodes) <= whole + 1
    assert set(acked) <= {node.id for node in nodes}
    assert inside == [ITEMS] * len(nodes)
    assert (members, counts) == (1 + ITEMS * len(nodes), {State.QUEUED: 1 + ITEMS * len(nodes)})
    assert newest == [nodes[0].id if nodes else alone.id]
    sweep(flow)
    with flow.store.read() as session:
        assert session.stages.list() == []
        assert session.tasks.counts() == counts
    assert check(flow.store) == []
    return len(nodes)

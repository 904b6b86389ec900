"""Enqueue: what was asked for is what stands in the store, all of it or nothing; and who shares a lane."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import Any

import pytest

from bgo.engine.enqueue import enqueue, lane_key
from bgo.errors import BgoError
from bgo.model.limits import ConcurrencyControl, ConcurrencyStrategy
from bgo.model.options import RetryPolicy, TaskConstraints, TaskTimeout
from bgo.model.query import Selector
from bgo.model.state import Reason, State
from bgo.model.task import TaskSpec
from tests.build import START, a_spec, a_wish
from tests.engine.checks import dump
from tests.engine.world import World


@pytest.fixture
def world() -> World:
    return World()


def test_a_task_stands_as_it_was_wished(world: World) -> None:
    wish = a_wish(retry=RetryPolicy.linear(3, 5), limit=2, timeout=TaskTimeout.QUICK, at_most_once=True)
    spec = a_spec(
        "sync", name="mine", queue="high", priority=7, tags=("a", "b"), wish=wish, input=b'{"path":"x"}',
        setup=b'{"argv":["ls","-l"],"env":{}}', cwd="/tmp", random_order=0.25, due_at=START + 5_000,
    )  # fmt: skip
    world.enqueue_all([spec])
    task = world.task(spec.id)
    assert (task.name, task.handler, task.queue, task.priority, task.tags) == ("mine", "sync", "high", 7, ("a", "b"))
    assert (task.wish, task.cwd, task.draw) == (wish, "/tmp", 0.25)
    assert (task.state, task.reason, task.ready) == (State.QUEUED, Reason.NEW, False)
    assert (task.due_at, task.created_at, task.ready_at) == (START + 5_000, START, None)
    assert (task.run, task.attempt, task.losses, task.epoch) == (0, 0, 0, 1)
    view = world.view(spec.id)
    assert (view.input, view.argv, view.output, view.error) == ({"path": "x"}, ("ls", "-l"), None, None)
    world.verify()


def test_the_name_is_the_handlers_unless_said(world: World) -> None:
    assert world.task(world.enqueue("sync")).name == "sync"


def test_empty_inputs_cost_no_payload(world: World) -> None:
    first, second = world.enqueue(input=b"{}"), world.enqueue(input=b'{"a":1}')
    assert world.task(first).input_ref is None
    assert world.task(second).input_ref is not None
    assert len(dump(world.store.connection)["payload"]) == 1


@pytest.mark.parametrize(("delay", "ready"), [(None, True), (0, True), (-60_000, True), (1, False)])
def test_what_is_due_is_ready_at_once(world: World, delay: int | None, ready: bool) -> None:
    task = world.task(world.enqueue(delay_ms=delay))
    assert task.ready is ready
    assert task.ready_at == (START if ready else None), "a wait is counted from the enqueue, however old the due time"


def test_many_at_once_keep_their_order(world: World) -> None:
    specs = [a_spec(priority=n % 3, input=b'{"n":%d}' % n) for n in range(600)]
    world.enqueue_all(specs)
    world.verify()
    assert [world.task(s.id).seq for s in specs[:3]] == [1, 2, 3]
    found = [claim.input for claim in world.tick(children=600)]
    assert len(found) == 4
    with world.store.read() as session:
        assert [t.id for t in session.tasks.select(Selector(), limit=2)] == [specs[-1].id, specs[-2].id]


def test_a_taken_id_refuses_the_whole_call(world: World) -> None:
    taken = world.enqueue()
    before = dump(world.store.connection)
    with pytest.raises((BgoError, sqlite3.IntegrityError)), world.store.write() as session:
        enqueue(session, [a_spec(), a_spec(id=taken), a_spec()], world.now)
    assert dump(world.store.connection) == before


def test_nothing_to_enqueue_is_fine(world: World) -> None:
    world.enqueue_all([])
    world.verify()


BASE = a_spec("work", id="0" * 12, wish=a_wish(limit=3))
SAME_LANE: dict[str, dict[str, Any]] = {
    "priority": {"priority": 9},
    "tags": {"tags": ("t",)},
    "due": {"due_at": START + 1},
    "input": {"input": b'{"a":1}'},
    "directory": {"cwd": "/"},
    "draw": {"random_order": 0.9},
    "timeout": {"wish": a_wish(limit=3, timeout=TaskTimeout.NONE)},
    "retry": {"wish": a_wish(limit=3, retry=RetryPolicy.linear())},
    "at most once": {"wish": a_wish(limit=3, at_most_once=True)},
    "the key that is the default": {"wish": a_wish(limit=ConcurrencyControl(3, key="work"))},
    "the name that is the default": {"name": "work"},
}
OTHER_LANE: dict[str, dict[str, Any]] = {
    "name": {"name": "other"},
    "handler": {"handler": "other", "name": "work"},
    "queue": {"queue": "high"},
    "limit": {"wish": a_wish(limit=4)},
    "no limit": {"wish": a_wish()},
    "key": {"wish": a_wish(limit=ConcurrencyControl(3, key="k"))},
    "strategy": {"wish": a_wish(limit=ConcurrencyControl(3, ConcurrencyStrategy.LIFO))},
    "constraints": {"wish": a_wish(limit=3, constraints=TaskConstraints(requires_charging=True))},
}


def _lanes(world: World, spec: TaskSpec) -> tuple[int, int]:
    world.enqueue_all([BASE, replace(spec, id="1" * 12)])
    return world.task(BASE.id).lane, world.task("1" * 12).lane


@pytest.mark.parametrize("change", SAME_LANE)
def test_what_belongs_to_the_single_task_opens_no_lane(world: World, change: str) -> None:
    spec = replace(BASE, **SAME_LANE[change])
    assert lane_key(spec) == lane_key(BASE)
    first, second = _lanes(world, spec)
    assert first == second


@pytest.mark.parametrize("change", OTHER_LANE)
def test_what_opens_or_closes_gates_does(world: World, change: str) -> None:
    spec = replace(BASE, **OTHER_LANE[change])
    assert lane_key(spec) != lane_key(BASE)
    first, second = _lanes(world, spec)
    assert first != second


def test_lanes_outlive_their_tasks(world: World) -> None:
    lanes = []
    for _ in range(3):
        task = world.enqueue()
        lanes.append(world.task(task).lane)
        world.tick()
        world.finish(task)
    assert len(set(lanes)) == 1

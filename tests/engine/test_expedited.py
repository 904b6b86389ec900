"""Expedited work: its first attempt alone is, whatever it wished for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bgo.model.lane import Traits
from bgo.model.options import RetryPolicy
from bgo.model.outcome import Failed, Released, TaskError
from bgo.model.state import Reason, State
from tests.build import a_spec, a_wish
from tests.engine.world import World

QUICK = replace(a_wish(retry=RetryPolicy.linear(max_attempts=3)), expedited="run")


@pytest.fixture
def world() -> World:
    return World()


def traits(world: World, task_id: str) -> Traits:
    lane = world.task(task_id).lane
    with world.store.read() as session:
        return session.lanes.key(lane).view.traits


def test_another_attempt_is_plain_work(world: World) -> None:
    spec = a_spec(wish=QUICK)
    world.enqueue_all([spec])
    assert traits(world, spec.id).expedited == "run"
    world.tick()
    world.finish(spec.id, Failed(TaskError("E", "no")))
    assert world.task(spec.id).state is State.RETRYING
    assert traits(world, spec.id).expedited == ""
    world.verify()


def test_what_its_platform_has_stopped_comes_back_as_plain_work(world: World) -> None:
    spec = a_spec(wish=QUICK)
    world.enqueue_all([spec])
    world.tick()
    world.finish(spec.id, Released(Reason.DEVICE, started=True))
    assert world.task(spec.id).state is State.QUEUED
    assert traits(world, spec.id).expedited == ""
    world.verify()


def test_what_was_only_handed_back_stays_expedited(world: World) -> None:
    spec = a_spec(wish=QUICK)
    world.enqueue_all([spec])
    world.tick()
    world.finish(spec.id, Released(Reason.SHUTDOWN, started=False))
    assert traits(world, spec.id).expedited == "run"
    world.verify()

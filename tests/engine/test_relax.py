"""Relax in the store: tasks move to the lanes of those who ask less, at their instant, in steps, in their order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bgo.engine import relane
from bgo.engine import relax as relaxing
from bgo.engine.explain import Ground, explain
from bgo.model.options import NO_CONSTRAINTS, ConstraintLoss, NetworkConstraint, TaskConstraints, TaskTimeout
from bgo.model.outcome import Failed, TaskError
from bgo.model.plan import Gate
from bgo.model.task import Task, TaskSpec, Wish
from bgo.model.window import RelaxStep
from bgo.run.simulator import SimOptions, simulate
from bgo.store.check import check
from bgo.store.sqlite import SqliteStore
from tests.build import START, a_moment, a_spec, a_view
from tests.store import drive

HOUR = 3_600_000
CHARGED = TaskConstraints(requires_charging=True)
STEP = RelaxStep(HOUR, NO_CONSTRAINTS)


def a_wish(*steps: RelaxStep, constraints: TaskConstraints = CHARGED) -> Wish:
    return Wish(TaskTimeout.NONE, constraints=constraints, relax=steps or (STEP,))


@pytest.fixture
def store() -> Iterator[SqliteStore]:
    found = SqliteStore(None)
    yield found
    assert check(found) == []
    found.close()


def queue(store: SqliteStore, *specs: TaskSpec, now: int = START) -> list[str]:
    drive.enqueue(store, *specs, now=now)
    return [spec.id for spec in specs]


def constraints_of(store: SqliteStore, task: Task) -> TaskConstraints:
    with store.read() as session:
        return session.lanes.key(task.lane).view.constraints


def test_a_task_moves_at_its_instant_and_not_before(store: SqliteStore) -> None:
    (task,) = queue(store, a_spec(wish=a_wish()))
    assert not drive.tick(store, 1, now=START, charging=False)
    with store.read() as session:
        assert session.alarms.next(a_moment()).next_wake == START + HOUR
    assert not drive.tick(store, 1, now=START + HOUR - 1, charging=False)
    (claim,) = drive.tick(store, 1, now=START + HOUR, charging=False)
    assert claim.task.id == task
    assert claim.task.relax_at is None
    assert constraints_of(store, claim.task) is NO_CONSTRAINTS


def test_the_wait_is_told_by_what_held_it(store: SqliteStore) -> None:
    queue(store, a_spec(wish=a_wish()))
    drive.tick(store, 1, now=START, charging=False)
    (claim,) = drive.tick(store, 1, now=START + HOUR, charging=False)
    with store.read() as session:
        lease = session.leases.find(claim.task.seq)
    assert lease is not None
    assert lease.waited == f'{{"charging": {HOUR}}}'


def test_many_move_in_steps_and_keep_their_order(store: SqliteStore) -> None:
    wish = a_wish()
    ids = queue(store, *(a_spec(wish=wish, priority=n % 3) for n in range(1_100)))
    drive.tick(store, 1, now=START, charging=False)
    wanted = sorted(range(1_100), key=lambda n: (-(n % 3), n))
    moved = []
    now = START + HOUR
    for _ in range(3):
        with store.write() as session:
            moved.append(relaxing.step(session, now, 500))
    assert moved == [500, 500, 100]
    started = [claim.task.id for claim in drive.tick(store, 1_100, now=now, charging=False)]
    assert started == [ids[n] for n in wanted]


def test_a_tick_says_that_there_is_more(store: SqliteStore) -> None:
    wish = a_wish()
    queue(store, *(a_spec(wish=wish) for _ in range(501)))
    drive.tick(store, 1, now=START, charging=False)
    first = drive.tick(store, 600, now=START + HOUR, charging=False)
    second = drive.tick(store, 600, now=START + HOUR, charging=False)
    assert (len(first), len(second)) == (500, 1)


def test_what_does_not_wait_yet_moves_too(store: SqliteStore) -> None:
    """Delayed, blocked, running and retrying ones: when they come to wait, they ask what their age says."""
    (first, second) = (a_spec(wish=a_wish()) for _ in range(2))
    queue(store, first)
    late = a_spec("late", wish=a_wish(), due_at=START + 2 * HOUR)
    queue(store, a_spec(id=second.id, wish=a_wish(), after=(first.id,)), late)
    (claim,) = drive.tick(store, 1, now=START, charging=True)
    assert not drive.tick(store, 1, now=START + HOUR, charging=False)
    with store.read() as session:
        assert session.alarms.next(a_moment()).relax is None
    drive.finish(store, claim, Failed(TaskError("E", "no")), now=START + HOUR + 1)
    (other,) = drive.tick(store, 1, now=START + 3 * HOUR, charging=False)
    assert other.task.handler == "late"
    for task_id in (first.id, second.id):
        assert constraints_of(store, drive.get(store, task_id)) is NO_CONSTRAINTS


def test_steps_follow_each_other(store: SqliteStore) -> None:
    both = TaskConstraints(NetworkConstraint.CONNECTED, requires_charging=True, on_loss=ConstraintLoss.FINISH)
    steps = (RelaxStep(HOUR, CHARGED), RelaxStep(3 * HOUR, NO_CONSTRAINTS))
    (task_id,) = queue(store, a_spec(wish=a_wish(*steps, constraints=both)))
    found = []
    for hour in range(4):
        with store.write() as session:
            relaxing.step(session, START + hour * HOUR, 9)
            task = drive.found(session, task_id)
            found.append((session.lanes.key(task.lane).view.constraints, task.relax_at))
    charged = TaskConstraints(requires_charging=True, on_loss=ConstraintLoss.FINISH)
    assert found == [
        (both, START + HOUR), (charged, START + 3 * HOUR), (charged, START + 3 * HOUR), (NO_CONSTRAINTS, None)
    ]  # fmt: skip


def test_steps_that_were_slept_through_are_one_move(store: SqliteStore) -> None:
    both = TaskConstraints(battery_not_low=True, requires_charging=True)
    steps = (RelaxStep(1, TaskConstraints(battery_not_low=True)), RelaxStep(2, NO_CONSTRAINTS))
    queue(store, a_spec(wish=a_wish(*steps, constraints=both)))
    (claim,) = drive.tick(store, 1, now=START + HOUR, charging=False)
    assert claim.task.relax_at is None


def test_a_paused_tag_keeps_what_has_moved(store: SqliteStore) -> None:
    queue(store, a_spec(wish=a_wish(), tags=("t",)))
    with store.write() as session:
        session.pauses.set("tag", "t", paused=True, now=START)
        while relane.step(session, START):
            pass
    assert not drive.tick(store, 1, now=START + HOUR, charging=False)
    with store.write() as session:
        session.pauses.set("tag", "t", paused=False, now=START)
        while relane.step(session, START + HOUR):
            pass
    assert len(drive.tick(store, 1, now=START + HOUR, charging=False)) == 1


def test_explain_tells_when_the_gate_asks_no_more(store: SqliteStore) -> None:
    (task_id,) = queue(store, a_spec(wish=a_wish()))
    with store.read() as session:
        task = session.tasks.find(task_id)
        assert task is not None
        found = explain(session, task, Ground(drive.an_asker(), a_view(False), 1, a_moment()))
    (line,) = [line for line in found.gates if line.gate == Gate.CHARGING]
    assert line.hold is not None
    assert line.hold.until_ms == START + HOUR


def test_the_simulator_starts_it_then(store: SqliteStore) -> None:
    queue(store, a_spec(wish=a_wish()), a_spec(wish=a_wish(RelaxStep(2 * HOUR, NO_CONSTRAINTS))))
    timeline = simulate(store, None, 2, SimOptions(START, 24 * HOUR, device=a_view(False).device))
    assert [row.started_at - START for row in timeline.rows] == [HOUR, 2 * HOUR]


def forgets_the_lanes(session: object, now: int, limit: int) -> int:
    """The bug: tasks are moved, and nobody tells the lanes."""
    real = session.lanes.refresh  # type: ignore[attr-defined]
    session.lanes.refresh = lambda *_, **__: False  # type: ignore[attr-defined]
    try:
        return STEP_OF(session, now, limit)  # type: ignore[arg-type]
    finally:
        session.lanes.refresh = real  # type: ignore[attr-defined]


STEP_OF = relaxing.step


def test_a_planted_bug_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relaxing, "step", forgets_the_lanes)
    broken = SqliteStore(None)
    queue(broken, a_spec(wish=a_wish()))
    assert not drive.tick(broken, 1, now=START + HOUR, charging=False) or check(broken)

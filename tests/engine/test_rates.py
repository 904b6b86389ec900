"""Rates: starts per window over workers, boots and clock steps, counted when they truly began."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bgo.clock import Moment
from bgo.engine import cycle
from bgo.engine import settle as settling
from bgo.engine.explain import Ground, explain
from bgo.engine.settle import RunKey
from bgo.model.limits import NamedLimit, RateLimit
from bgo.model.outcome import Lost, Outcome, Released, Succeeded
from bgo.model.plan import Gate
from bgo.model.state import Reason
from bgo.model.task import TaskSpec, Wish
from bgo.store.sqlite import SqliteStore
from tests.build import START, a_child, a_moment, a_spec, a_view
from tests.engine.checks import check_all
from tests.store import drive
from tests.store.drive import RNG

MINUTE = 60_000


class Scene:
    """A store, and a moment that a test sets."""

    def __init__(self) -> None:
        self.store = SqliteStore(None)
        self.at = a_moment()

    def later(self, ms: int) -> None:
        self.at = Moment(self.at.now_ms + ms, self.at.boot_ms + ms, self.at.boot_id)

    def enqueue(self, count: int = 1, limit: str | RateLimit = "2/1m", **fields: object) -> list[TaskSpec]:
        if isinstance(limit, str):
            starts, _, minutes = limit.partition("/")
            limit = RateLimit(int(starts), timedelta(minutes=int(minutes[:-1])), str(fields.pop("key", "k")))
        specs = [a_spec(wish=Wish(rate=limit), **fields) for _ in range(count)]
        drive.enqueue(self.store, *specs, now=self.at.now_ms)
        return specs

    def tick(self, slots: int = 9, worker: str = "w") -> list[cycle.Claim]:
        asker = drive.an_asker(worker, slots=99)
        with self.store.write() as session:
            done = cycle.tick(
                session, asker, a_view(), cycle.Memory(), [a_child() for _ in range(slots)],
                lease_until=30_000, moment=self.at,
            )  # fmt: skip
        self.last = done
        return list(done.claims)

    def begin(self, claim: cycle.Claim, worker: str = "w") -> None:
        with self.store.write() as session:
            settling.begun(session, RunKey(claim.task.seq, claim.task.run, worker), self.at)

    def finish(self, claim: cycle.Claim, outcome: Outcome | None = None, worker: str = "w") -> None:
        with self.store.write() as session:
            key = RunKey(claim.task.seq, claim.task.run, worker)
            settling.settle(session, key, outcome or Succeeded(), self.at, RNG)

    def run(self, slots: int = 9) -> int:
        """Claim, begin and end; return how many ran."""
        claims = self.tick(slots)
        for claim in claims:
            self.begin(claim)
            self.finish(claim)
        return len(claims)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_no_window_sees_more_starts(scene: Scene) -> None:
    scene.enqueue(5)
    assert scene.run() == 2
    scene.later(MINUTE)
    assert scene.run() == 0, "the window is closed at both ends"
    assert scene.last.wake_in == 1
    scene.later(1)
    assert scene.run() == 2
    scene.later(MINUTE + 1)
    assert scene.run() == 1
    check_all(scene.store.connection)


def test_the_window_slides(scene: Scene) -> None:
    scene.enqueue(6)
    starts = []
    for second in range(0, 200, 10):
        ran = scene.run(slots=1)
        starts += [second] * ran
        scene.later(10_000)
    assert starts == [0, 10, 70, 80, 140, 150]


def test_a_start_counts_from_its_receipt_and_as_now_until_then(scene: Scene) -> None:
    scene.enqueue(3, "1/1m")
    (claim,) = scene.tick()
    scene.later(10 * MINUTE)
    assert scene.tick() == [], "it has not told its start yet: it may begin any moment"
    scene.begin(claim)
    scene.finish(claim)
    scene.later(MINUTE)
    assert scene.tick() == []
    scene.later(1)
    assert len(scene.tick()) == 1


def test_a_run_released_before_it_began_gives_its_place_back(scene: Scene) -> None:
    scene.enqueue(2, "1/1m")
    (claim,) = scene.tick()
    assert scene.tick() == []
    scene.finish(claim, Released(Reason.SHUTDOWN, started=False))
    assert len(scene.tick()) == 1
    check_all(scene.store.connection)


def test_a_lost_run_may_have_begun_just_before(scene: Scene) -> None:
    scene.enqueue(2, "1/1m")
    (claim,) = scene.tick()
    scene.finish(claim, Lost(started=False))
    assert scene.tick() == []
    scene.later(MINUTE + 1)
    assert len(scene.tick()) == 1


@pytest.mark.parametrize("step", [-3_600_000, 3_600_000, 10**10])
def test_setting_the_wall_clock_changes_nothing(scene: Scene, step: int) -> None:
    scene.enqueue(3, "1/1m")
    assert scene.run() == 1
    scene.at = scene.at._replace(now_ms=scene.at.now_ms + step)
    scene.later(MINUTE)
    assert scene.run() == 0
    scene.later(1)
    assert scene.run() == 1


def test_after_a_reboot_the_wall_clock_says_how_long_it_was(scene: Scene) -> None:
    scene.enqueue(3, "1/60m")
    assert scene.run() == 1
    scene.at = Moment(scene.at.now_ms + 59 * MINUTE, 10_000, "boot2")
    assert scene.run() == 0
    scene.later(MINUTE + 1)
    assert scene.run() == 1


def test_after_a_reboot_with_a_lost_clock_the_time_since_then_counts(scene: Scene) -> None:
    scene.enqueue(3, "1/60m")
    assert scene.run() == 1
    scene.at = Moment(0, 10_000, "boot2")
    assert scene.run() == 0
    scene.later(60 * MINUTE - 10_000)
    assert scene.run() == 0
    scene.later(1)
    drive.enqueue(scene.store, now=scene.at.now_ms)
    assert scene.run() == 2, "one under the rate, and the one that has none"


def test_each_task_is_judged_by_its_own_limit_against_all_starts_of_the_key(scene: Scene) -> None:
    scene.enqueue(4, "1/1m", name="narrow")
    scene.enqueue(4, "3/1m", name="wide")
    names = [claim.task.name for claim in scene.tick()]
    assert sorted(names) == ["narrow", "wide", "wide"]


def test_a_rate_of_one_key_holds_over_queues_names_and_workers(scene: Scene) -> None:
    for queue in ("critical", "low"):
        scene.enqueue(2, "2/1m", name=queue, queue=queue)
    assert len(scene.tick(1, "one")) + len(scene.tick(9, "two")) == 2


def test_ten_lanes_under_one_rate_are_let_in_one_after_another_oldest_first(scene: Scene) -> None:
    for number in range(10):
        scene.enqueue(1, "1/1m", name=f"n{number}", due_at=START - number)
    served = []
    for _ in range(10):
        served += [claim.task.name for claim in scene.tick()]
        scene.begin(scene.last.claims[0])
        scene.finish(scene.last.claims[0])
        assert scene.tick() == []
        scene.later(MINUTE + 1)
    assert served == [f"n{number}" for number in reversed(range(10))]
    check_all(scene.store.connection)


def test_a_lane_parked_before_its_rate_lets_others_have_the_room_under_its_key(scene: Scene) -> None:
    from bgo.model.limits import ConcurrencyControl

    slow = Wish(rate=RateLimit(1, 60, "slow"), concurrency=ConcurrencyControl(1, key="net"))
    free = Wish(concurrency=ConcurrencyControl(1, key="net"))
    first, second = a_spec(name="slow", wish=slow, due_at=START - 9), a_spec(name="slow", wish=slow, due_at=START - 8)
    other = a_spec(name="free", wish=free)
    drive.enqueue(scene.store, first, second, other)
    (claim,) = scene.tick()
    assert claim.task.id == first.id
    scene.begin(claim)
    scene.finish(claim)
    assert [c.task.id for c in scene.tick()] == [other.id], "the second waits for its rate, and not in the way"


def test_a_named_limit_overrides_and_its_end_restores(scene: Scene) -> None:
    scene.enqueue(9, "1/1m")
    assert len(scene.tick(1)) == 1
    scene.begin(scene.last.claims[0])
    assert scene.tick() == []
    with scene.store.write() as session:
        session.limits.sync("config", {"k": NamedLimit("k", rate=RateLimit(3, 60))})
    assert len(scene.tick()) == 2
    scene.enqueue(2, "1/1m", name="later")
    assert scene.tick() == []
    with scene.store.write() as session:
        session.limits.sync("elsewhere", {})
        session.limits.sync("config", {})
    scene.later(2 * MINUTE)
    assert scene.tick() == [], "two that were claimed have not begun: they count as now"
    check_all(scene.store.connection)


def test_a_named_concurrency_overrides_present_and_future_lanes() -> None:
    from bgo.model.limits import ConcurrencyControl

    store = SqliteStore(None)
    wish = Wish(concurrency=ConcurrencyControl(1, key="net"))
    drive.enqueue(store, *(a_spec(name=f"n{n}", wish=wish) for n in range(4)))
    assert len(drive.tick(store, 9)) == 1
    with store.write() as session:
        session.limits.sync("config", {"net": NamedLimit("net", max_concurrent=3)})
    drive.enqueue(store, a_spec(name="new", wish=wish))
    assert len(drive.tick(store, 9)) == 2
    check_all(store.connection)
    with store.write() as session:
        session.limits.sync("config", {})
    assert drive.tick(store, 9) == ()


def test_explain_says_when_the_window_has_slid(scene: Scene) -> None:
    held = scene.enqueue(3, "2/1m")[2]
    scene.run()
    scene.later(20_000)
    with scene.store.read() as session:
        task = session.tasks.find(held.id)
        assert task is not None
        found = explain(session, task, Ground(drive.an_asker("w"), a_view(), 1, scene.at))
    (line,) = [line for line in found.gates if line.gate == Gate.RATE]
    assert line.hold is not None
    assert line.hold.until_ms == START + MINUTE + 1
    assert line.needed == "fewer than 2 in 1m under k"
    assert "rate key k" in line.hold.holder


def test_waiting_for_a_rate_is_told_as_such(scene: Scene) -> None:
    scene.enqueue(2, "1/1m")
    assert scene.run() == 1
    scene.tick()
    scene.later(MINUTE + 1)
    (claim,) = scene.tick()
    with scene.store.read() as session:
        lease = session.leases.find(claim.task.seq)
    assert lease is not None
    assert lease.waited == '{"rate": 60001}'


def test_starts_that_no_window_needs_are_forgotten(scene: Scene) -> None:
    scene.enqueue(50, "1/1m")
    for _ in range(50):
        assert scene.run() == 1
        scene.later(MINUTE + 1)
    (kept,) = scene.store.connection.execute("SELECT count(*) FROM rate_start").fetchone()
    assert kept <= 2 * 16

"""What a step costs does not grow with what waits: counted in steps of SQLite's machine, which no load blurs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from bgo.engine import cycle
from bgo.engine import settle as settling
from bgo.model.limits import ConcurrencyControl, ConcurrencyStrategy, RateLimit
from bgo.model.options import TaskConstraints
from bgo.model.task import TaskSpec, Wish
from bgo.store.sqlite import SqliteStore
from tests.build import START, a_moment, a_spec, a_view, a_wish
from tests.store import drive

pytestmark = pytest.mark.slow
RATIO = 1.5
FEW, MANY, LANES = 1_000, 100_000, 10_000


def steps(store: SqliteStore, do: Callable[[], object]) -> int:
    """Return how many machine steps SQLite takes for what `do` asks of it."""
    count = 0

    def one() -> int:
        nonlocal count
        count += 1
        return 0

    store.connection.set_progress_handler(one, 1)
    try:
        do()
    finally:
        store.connection.set_progress_handler(None, 0)
    return count


@dataclass(frozen=True)
class Cost:
    """Machine steps of each thing that happens to one task, beside others that wait."""

    enqueue: int
    look: int
    claim: int
    settle: int

    def grew_from(self, small: Cost) -> dict[str, float]:
        """Return by how much each step grew."""
        return {name: getattr(self, name) / getattr(small, name) for name in ("enqueue", "look", "claim", "settle")}


def cost(store: SqliteStore, spec: Callable[[], TaskSpec]) -> Cost:
    """Measure a task on its way through the store, after another one has gone before."""

    def look() -> None:
        with store.read() as session:
            found = cycle.look(session, drive.an_asker(slots=99), a_view(), cycle.Memory(), 1, a_moment())
            assert found.has_work

    drive.enqueue(store, spec())
    drive.finish(store, drive.claim(store))
    claims: list[cycle.Claim] = []
    return Cost(
        enqueue=steps(store, lambda: drive.enqueue(store, spec())),
        look=steps(store, look),
        claim=steps(store, lambda: claims.extend(drive.tick(store, 1))),
        settle=steps(store, lambda: drive.finish(store, claims[0])),
    )


def filled(specs: Iterator[TaskSpec]) -> SqliteStore:
    """Return a store in which these tasks wait."""
    store = SqliteStore(None)
    batch: list[TaskSpec] = []
    for spec in specs:
        batch.append(spec)
        if len(batch) == 5_000:
            drive.enqueue(store, *batch)
            batch = []
    if batch:
        drive.enqueue(store, *batch)
    return store


def plain() -> TaskSpec:
    return a_spec("work")


def keyed(limit: int) -> Wish:
    return a_wish(limit=ConcurrencyControl(limit, ConcurrencyStrategy.FIFO, "k"))


@pytest.fixture(scope="module")
def small() -> Cost:
    """Return what it costs beside a thousand of its like."""
    return cost(filled(plain() for _ in range(FEW)), plain)


def assert_alike(big: Cost, small: Cost) -> None:
    grew = big.grew_from(small)
    assert all(ratio <= RATIO for ratio in grew.values()), (grew, big, small)


def test_beside_a_hundred_thousand_of_its_like(small: Cost) -> None:
    assert_alike(cost(filled(plain() for _ in range(MANY)), plain), small)


def test_beside_a_hundred_thousand_that_the_device_holds(small: Cost) -> None:
    charging = a_wish(constraints=TaskConstraints(requires_charging=True))
    store = filled(a_spec("photo", wish=charging) for _ in range(MANY))
    assert drive.tick(store, 1) == (), "an unknown charger holds them"
    assert_alike(cost(store, plain), small)


def test_beside_a_hundred_thousand_that_are_paused(small: Cost) -> None:
    store = filled(a_spec("photo") for _ in range(MANY))
    with store.write() as session:
        session.pauses.set("name", "photo", paused=True, now=START)
    assert_alike(cost(store, plain), small)


def test_beside_a_hundred_thousand_that_are_not_due(small: Cost) -> None:
    store = filled(a_spec("later", due_at=START + 1_000 + n) for n in range(MANY))
    assert_alike(cost(store, plain), small)


def test_beside_a_hundred_thousand_that_have_ended(small: Cost) -> None:
    store = filled(plain() for _ in range(MANY))
    store.connection.execute("UPDATE task SET state = 'succeeded', ready = 0, finished_at = created_at")
    store.connection.execute("UPDATE lane SET head = NULL, turn = NULL")
    assert_alike(cost(store, plain), small)


def test_beside_ten_thousand_open_lanes(small: Cost) -> None:
    assert_alike(cost(filled(a_spec("work", name=f"n{n}") for n in range(LANES)), plain), small)


def test_beside_ten_thousand_lanes_before_a_full_key(small: Cost) -> None:
    """They are parked once, in steps, and then cost nothing."""
    store = filled(a_spec("photo", name=f"n{n}", wish=keyed(1)) for n in range(LANES))
    assert len(drive.tick(store, 1)) == 1
    while (held := closed(store)) < LANES - 1:
        drive.tick(store, 4)
        assert held < closed(store) <= held + 2 * cycle.PARK_STEP, "a tick parks so many and no more"
    assert_alike(cost(store, plain), small)


def closed(store: SqliteStore) -> int:
    with store.read() as session:
        return sum(session.lanes.closed().values())


@pytest.mark.parametrize("limit", [1, 3])
def test_keyed_work_itself_costs_the_same_among_ten_thousand_parked_lanes(limit: int) -> None:
    """An end under the key lets the best of all parked lanes in, without looking at each."""

    def parked(lanes: int) -> tuple[SqliteStore, list[cycle.Claim]]:
        store = filled(a_spec("photo", name=f"n{n}", wish=keyed(limit)) for n in range(lanes))
        running = list(drive.tick(store, limit))
        while closed(store) < lanes - limit:
            drive.tick(store, 4)
        return store, running

    def turn(store: SqliteStore, running: list[cycle.Claim]) -> int:
        """Let the key go round twice; return the steps of the second time."""
        for _ in range(2):
            taken = steps(store, lambda: drive.finish(store, running.pop(0)))
            taken += steps(store, lambda: running.extend(drive.tick(store, 2)))
            assert len(running) == limit
        return taken

    assert turn(*parked(LANES)) <= RATIO * turn(*parked(100))


def test_rated_work_itself_costs_the_same_among_ten_thousand_parked_lanes() -> None:
    """When the window has slid the best of all parked lanes is let in, without looking at each."""

    def begin(store: SqliteStore, claim: cycle.Claim, now: int) -> None:
        with store.write() as session:
            settling.begun(session, settling.RunKey(claim.task.seq, 1, "w"), a_moment(now))

    def turn(lanes: int) -> int:
        """Let the window slide three times; return the steps of the last time."""
        store = filled(a_spec("photo", name=f"n{n}", wish=Wish(rate=RateLimit(1, 60, "k"))) for n in range(lanes))
        now, running = START, list(drive.tick(store, 1))
        begin(store, running[0], now)
        while closed(store) < lanes - 1:
            drive.tick(store, 4)
        for _ in range(3):
            now += 60_001
            taken = steps(store, lambda now=now: drive.finish(store, running.pop(), now=now))
            taken += steps(store, lambda now=now: running.extend(drive.tick(store, 2, now=now)))
            assert len(running) == 1
            begin(store, running[0], now)
        return taken

    assert turn(LANES) <= RATIO * turn(100)


def test_the_count_sees_a_step_that_reads_all(small: Cost) -> None:
    """Without the index of ready tasks the same claim is far over the bound: the test can fail."""
    store = filled(plain() for _ in range(FEW * 5))
    store.connection.execute("DROP INDEX task_ready")
    assert cost(store, plain).claim > 5 * small.claim


def test_statistics_do_not_change_it(small: Cost) -> None:
    store = filled(a_spec("work", name=f"n{n % 50}") for n in range(20_000))
    store.connection.execute("ANALYZE")
    assert_alike(cost(store, plain), small)


@pytest.mark.parametrize("kind", ["concurrency", "rate"])
def test_beside_ten_thousand_keys_with_waiting_work(small: Cost, kind: str) -> None:
    def wish(number: int) -> Wish:
        if kind == "rate":
            return Wish(rate=RateLimit(1, 60, f"k{number}"))
        return Wish(concurrency=ConcurrencyControl(1, ConcurrencyStrategy.FIFO, f"k{number}"))

    store = filled(a_spec("photo", name=f"n{n}", due_at=START, wish=wish(n)) for n in range(LANES))
    grew = cost(store, lambda: a_spec("work", priority=9)).grew_from(small)
    assert all(ratio <= 2 for ratio in grew.values()), grew

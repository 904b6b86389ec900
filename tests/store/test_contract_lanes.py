"""The contract of every store: lanes, their turn, concurrency keys, pauses, and the log of holds."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest

from bgo.engine import cycle
from bgo.model.lane import Rate
from bgo.model.limits import ConcurrencyControl, ConcurrencyStrategy
from bgo.model.options import TaskConstraints
from bgo.model.plan import Gate, Head, Hold, LaneKey, ViewKey
from bgo.model.query import Pause
from bgo.model.task import TaskSpec
from bgo.store.port import Session, Store
from tests.build import START, a_moment, a_spec, a_wish
from tests.hours import hours
from tests.store import drive

MINUTE = 60_000
CHARGING = TaskConstraints(requires_charging=True)
FULL = Hold(Gate.CONCURRENCY, "1 running", "fewer than 1")
_names = count()


def keyed(limit: int, *, key: str = "k", strategy: ConcurrencyStrategy | None = None, name: str = "") -> TaskSpec:
    """Return a spec of a lane of its own under a concurrency key."""
    control = ConcurrencyControl(limit, strategy or ConcurrencyStrategy.FIFO, key)
    return a_spec("work", name=name or f"n{next(_names)}", wish=a_wish(limit=control))


def lane_of(session: Session, spec: TaskSpec) -> int:
    return drive.found(session, spec.id).lane


def turns(session: Session) -> list[int]:
    """Return the open lanes of all views, best first."""
    return [heads.lane for heads in session.lanes.heads([v for v, _ in session.lanes.views()], 99)]


def test_gates_alike_are_one_lane(store: Store) -> None:
    view = ViewKey("default", "work", CHARGING)
    keys = [
        LaneKey("a", view),
        LaneKey("b", view),
        LaneKey("a", ViewKey("low", "work", CHARGING)),
        LaneKey("a", ViewKey("default", "play", CHARGING)),
        LaneKey("a", ViewKey("default", "work", TaskConstraints())),
        LaneKey("a", view, "k", 1, ConcurrencyStrategy.FIFO),
        LaneKey("a", view, "k", 2, ConcurrencyStrategy.FIFO),
        LaneKey("a", view, "k", 1, ConcurrencyStrategy.LIFO),
        LaneKey("a", replace(view, window=hours("09:00-17:00"))),
        LaneKey("a", replace(view, window=hours("09:00-17:00 Europe/Berlin"))),
        LaneKey("a", replace(view, window=hours("09:00-17:00")), rate=Rate("k", 1, 9)),
        LaneKey("a", replace(view, window=hours("09:00-17:00")), marks=("t",), stage="x"),
        LaneKey("a", view, marks=("t",), stage="x"),
    ]
    with store.write() as session:
        lanes = [session.lanes.ensure(key, START) for key in keys]
        assert len(set(lanes)) == len(keys)
        assert [session.lanes.ensure(key, START + 1) for key in keys] == lanes
        assert [session.lanes.key(lane) for lane in lanes] == keys


def test_only_views_with_ready_work_are_shown(store: Store) -> None:
    drive.enqueue(store, a_spec("a"), a_spec("b", wish=a_wish(constraints=CHARGING)), a_spec("c", due_at=START + 9))
    with store.read() as session:
        assert [key for _, key in session.lanes.views()] == [
            ViewKey("default", "a", TaskConstraints()),
            ViewKey("default", "b", CHARGING),
        ]
        assert session.lanes.ask_device()
    drive.run_all(store)
    with store.read() as session:
        assert [key.handler for _, key in session.lanes.views()] == ["b"]


def test_a_device_is_asked_only_for_ready_work(store: Store) -> None:
    (task_id,) = drive.enqueue(store, a_spec(wish=a_wish(constraints=CHARGING)))
    drive.enqueue(store)
    drive.cancel(store, [task_id])
    with store.read() as session:
        assert not session.lanes.ask_device()


def test_heads_come_in_the_order_of_their_lane(store: Store) -> None:
    late, early, urgent = a_spec(due_at=START - 1), a_spec(due_at=START - 9), a_spec(priority=5)
    drive.enqueue(store, late, early, urgent)
    with store.read() as session:
        (view, _), *_ = session.lanes.views()
        (lane,) = session.lanes.heads([view], 2)
        assert [h.seq for h in lane.heads] == [3, 2]
        assert lane.heads[0] == Head(3, START - 5 * MINUTE, START - 5 * MINUTE)
        assert session.lanes.heads([], 9) == []
        assert session.lanes.ready_under(view) == 3


@pytest.mark.parametrize(
    ("strategy", "order"),
    [
        (ConcurrencyStrategy.FIFO, [1, 2, 3]),
        (ConcurrencyStrategy.LIFO, [3, 2, 1]),
        (ConcurrencyStrategy.BY_PRIORITY, [2, 3, 1]),
        (ConcurrencyStrategy.RANDOM, [3, 1, 2]),
    ],
)
def test_strategies_order_a_lane(store: Store, strategy: ConcurrencyStrategy, order: list[int]) -> None:
    wish = a_wish(limit=ConcurrencyControl(9, strategy, "k"))
    specs = [(0, 0.5), (9, 0.9), (5, 0.1)]
    drive.enqueue(store, *(a_spec(priority=p, random_order=d, wish=wish) for p, d in specs))
    assert [c.task.seq for c in drive.tick(store, 3)] == order


def test_lanes_stand_in_the_order_of_their_heads(store: Store) -> None:
    specs = [a_spec("work", name=name, due_at=START - due) for name, due in (("a", 1), ("b", 3), ("c", 2))]
    drive.enqueue(store, *specs)
    with store.read() as session:
        assert turns(session) == [lane_of(session, specs[i]) for i in (1, 2, 0)]
        (view, _), *_ = session.lanes.views()
        assert len(session.lanes.heads([view], 2)) == 2


def test_a_served_lane_whose_order_says_nothing_of_age_goes_to_the_end(store: Store) -> None:
    """By lifo or random the head may always be young: lanes take turns by when they were served last."""
    lifo = {key: a_wish(limit=ConcurrencyControl(99, ConcurrencyStrategy.LIFO, key)) for key in "ab"}
    drive.enqueue(store, *(a_spec("work", name=n, wish=lifo[n]) for n in "aaabbb"))
    served = [drive.claim(store, now=START + n).task.name for n in range(1, 7)]
    assert served == ["a", "b", "a", "b", "a", "b"]


@pytest.mark.parametrize(
    ("strategy", "order"),
    [
        (ConcurrencyStrategy.FIFO, [1, 2, 3, 4]),
        (ConcurrencyStrategy.LIFO, [4, 3, 2, 1]),
        (ConcurrencyStrategy.BY_PRIORITY, [2, 4, 3, 1]),
        (ConcurrencyStrategy.RANDOM, [3, 1, 4, 2]),
    ],
)
@pytest.mark.parametrize("slots", [1, 4])
def test_a_strategy_acts_across_all_lanes_of_its_key(
    store: Store, strategy: ConcurrencyStrategy, order: list[int], slots: int
) -> None:
    """Whatever their names, queues and weights are: a key that is shared is one line."""
    wish = a_wish(limit=ConcurrencyControl(1, strategy, "k"))
    ranks = [("a", "low", 0, 0.5), ("b", "critical", 9, 0.9), ("c", "default", 5, 0.1), ("d", "high", 7, 0.6)]
    specs = [a_spec(name=n, queue=q, priority=p, random_order=d, wish=wish) for n, q, p, d in ranks]
    drive.enqueue(store, *specs)
    served = []
    for at in range(4):
        (claim,) = drive.tick(store, slots, now=START + at)
        served.append([s.id for s in specs].index(claim.task.id) + 1)
        drive.finish(store, claim, now=START + at)
    assert served == order


def test_chosen_tasks_are_shown_alone(store: Store) -> None:
    one, two, other = a_spec(), a_spec(), a_spec("other")
    drive.enqueue(store, one, two, other)
    with store.read() as session:
        views = [v for v, _ in session.lanes.views()]
        seqs = [drive.get_seq(session, s.id) for s in (two, other)]
        assert [[h.seq for h in lane.heads] for lane in session.lanes.heads_of(views, seqs)] == [[2], [3]]
        assert [lane.heads[0].seq for lane in session.lanes.heads_of(views[:1], seqs)] == [2]
        assert session.lanes.heads_of(views, [99]) == []


def test_a_full_key_parks_lanes_until_a_lease_ends(store: Store) -> None:
    specs = [keyed(1) for _ in range(3)]
    drive.enqueue(store, *specs)
    (first,) = drive.tick(store, 3)
    with store.read() as session:
        states = [session.lanes.state(lane_of(session, s)) for s in specs]
        assert [s.parked for s in states] == [False, True, True]
        assert [s.held_by for s in states[1:]] == ["concurrency"] * 2
        assert session.lanes.closed() == {"concurrency": 2}
    assert drive.tick(store, 3) == ()
    drive.finish(store, first)
    (second,) = drive.tick(store, 3)
    assert second.task.id == specs[1].id


def test_an_end_opens_one_lane_of_each_view_and_limit(store: Store) -> None:
    specs = [keyed(1), keyed(1), keyed(2), keyed(2)]
    other = a_spec("play", name="p", wish=a_wish(limit=ConcurrencyControl(1, ConcurrencyStrategy.FIFO, "k")))
    drive.enqueue(store, *specs, other)
    with drive.undone(store) as session:
        lanes = [lane_of(session, s) for s in (*specs, other)]
        for lane in lanes:
            session.lanes.park(lane, FULL, a_moment())
        assert turns(session) == []
        session.lanes.open_key("k", START)
        assert set(turns(session)) == {lanes[0], lanes[2], lanes[4]}


def test_a_full_lane_lets_in_one_whose_own_limit_is_higher(store: Store) -> None:
    """Each start is judged by its own limit: the first lane's does not bind the second's."""
    narrow, wide = [keyed(1, name="narrow") for _ in range(3)], [keyed(3, name="wide") for _ in range(3)]
    drive.enqueue(store, *narrow)
    (running,) = drive.tick(store, 1)
    drive.enqueue(store, *wide)
    claims = drive.tick(store, 4)
    assert [c.task.name for c in claims] == ["wide", "wide"]
    drive.finish(store, claims[0])
    drive.finish(store, claims[1])
    assert [c.task.name for c in drive.tick(store, 4)] == ["wide"]
    drive.finish(store, running)


def test_a_parked_lane_overtakes_one_that_fell_behind(store: Store) -> None:
    """While the key has room, the older head goes first, though its lane was parked and the other is open."""
    a = [keyed(2, name="a", strategy=ConcurrencyStrategy.BY_PRIORITY) for _ in range(4)]
    b = [keyed(2, name="b", strategy=ConcurrencyStrategy.BY_PRIORITY) for _ in range(2)]
    drive.enqueue(store, a[0], a[1], now=START)
    drive.enqueue(store, *b, now=START + MINUTE)
    drive.enqueue(store, *a[2:], now=START + 2 * MINUTE)
    later = START + 3 * MINUTE
    both = drive.tick(store, 4, now=later)
    assert [c.task.name for c in both] == ["a", "a"]
    drive.finish(store, both[0], now=later)
    drive.finish(store, both[1], now=later)
    assert [drive.claim(store, now=later).task.name for _ in range(1)] == ["b"]


def test_room_passes_on_when_the_open_lane_is_emptied(store: Store) -> None:
    specs = [keyed(2) for _ in range(4)]
    drive.enqueue(store, *specs)
    running = drive.tick(store, 4)
    assert len(running) == 2
    drive.cancel(store, [specs[2].id])
    drive.finish(store, running[0])
    assert [c.task.id for c in drive.tick(store, 4)] == [specs[3].id]


def test_one_tick_fills_a_key_from_many_lanes(store: Store) -> None:
    drive.enqueue(store, *(keyed(3) for _ in range(5)))
    assert len(drive.tick(store, 5)) == 3


def test_one_tick_parks_only_so_many_lanes(store: Store) -> None:
    drive.enqueue(store, *(keyed(1) for _ in range(cycle.PARK_STEP * 2)))
    with store.write() as session:
        asker, children = drive.an_asker(slots=4), [drive.a_child() for _ in range(4)]
        done = cycle.tick(
            session, asker, drive.a_view(), cycle.Memory(), children, lease_until=1, moment=drive.a_moment()
        )
        assert done.again
        assert len(done.claims) == 1
        assert sum(session.lanes.closed().values()) < cycle.PARK_STEP * 2 - 1
    assert drive.tick(store, 4) == ()
    assert drive.tick(store, 4) == ()
    with store.read() as session:
        assert session.lanes.views() == []


def test_new_work_in_a_parked_lane_waits_or_opens_it(store: Store) -> None:
    first, second = keyed(1, name="a"), keyed(1, name="b")
    drive.enqueue(store, first, second)
    (running,) = drive.tick(store, 2)
    drive.enqueue(store, keyed(1, name="b"))
    assert drive.tick(store, 2) == ()
    drive.cancel(store, [second.id])
    drive.finish(store, running)
    assert drive.claim(store).task.name == "b"


def test_a_pause_holds_present_and_future_lanes(store: Store) -> None:
    old, new = a_spec("work", name="a"), a_spec("play", name="a")
    drive.enqueue(store, old)
    with store.write() as session:
        assert session.pauses.set("name", "a", paused=True, now=START) == 1
        assert session.pauses.set("name", "a", paused=True, now=START) == 0
        assert session.pauses.list() == [Pause("name", "a", START)]
    drive.enqueue(store, new)
    assert drive.tick(store, 4) == ()
    with store.write() as session:
        assert session.lanes.state(lane_of(session, new)) == (True, False, "paused")
        assert session.lanes.closed() == {"paused": 2}
        assert session.pauses.set("name", "a", paused=False, now=START) == 2
        assert session.pauses.list() == []
    assert len(drive.tick(store, 4)) == 2


def test_two_pauses_must_both_end(store: Store) -> None:
    drive.enqueue(store, a_spec("work", queue="low"))
    with store.write() as session:
        assert session.pauses.set("queue", "low", paused=True, now=START) == 1
        assert session.pauses.set("name", "work", paused=True, now=START) == 1
        assert session.pauses.set("queue", "low", paused=False, now=START) == 1
    assert drive.tick(store) == ()
    with store.write() as session:
        session.pauses.set("name", "work", paused=False, now=START)
    assert len(drive.tick(store)) == 1


def test_a_paused_lane_gives_its_room_away(store: Store) -> None:
    specs = [keyed(1, name="a"), keyed(1, name="b")]
    drive.enqueue(store, *specs)
    (running,) = drive.tick(store, 2)
    drive.enqueue(store, keyed(1, name="a"))
    drive.finish(store, running)
    with store.write() as session:
        session.pauses.set("name", "b", paused=True, now=START)
    assert drive.claim(store).task.name == "a"
    with store.write() as session:
        session.pauses.set("name", "b", paused=False, now=START)


def test_waited_time_is_told_by_reason(store: Store) -> None:
    spec = a_spec()
    drive.enqueue(store, spec)
    with store.write() as session:
        lane, ((view, _),) = lane_of(session, spec), session.lanes.views()
        session.pauses.set("name", "work", paused=True, now=START + 10_000)
        session.lanes.log_view(view, "charging", START + 30_000)
        session.pauses.set("name", "work", paused=False, now=START + 40_000)
        session.lanes.log_view(view, None, START + 45_000)
    with store.read() as session:
        waited = session.lanes.waited
        assert waited(lane, START, START + 60_000) == {"paused": 30_000, "charging": 15_000, "slots": 15_000}
        assert waited(lane, START + 20_000, START + 25_000) == {"paused": 5_000}
        assert waited(lane, START + 50_000, START + 60_000) == {"slots": 10_000}
        assert waited(lane, START, START) == {}
        held = [session.lanes.held_at(lane, START + at) for at in (0, 20_000, 35_000, 40_000, 59_000)]
        assert held == [(), ("paused",), ("paused", "charging"), ("charging",), ()]


def test_a_flutter_within_a_second_is_one_entry(store: Store) -> None:
    drive.enqueue(store)
    with store.write() as session:
        ((view, _),) = session.lanes.views()
        for n in range(100):
            session.lanes.log_view(view, "charging" if n % 2 == 0 else None, START + n * 9)
        session.lanes.log_view(view, "charging", START + 5_000)
        assert session.lanes.forget(START + 9_000, 99) == 1, "two entries, and the last one stays"


def test_a_clock_that_was_set_back_does_not_tear_the_log(store: Store) -> None:
    spec = a_spec()
    drive.enqueue(store, spec)
    with store.write() as session:
        lane, ((view, _),) = lane_of(session, spec), session.lanes.views()
        session.lanes.log_view(view, "charging", START + 100_000)
        session.lanes.log_view(view, None, START + 50_000)  # now stands before the last entry
        assert session.lanes.waited(lane, START, START + 200_000) == {"slots": 200_000}


def test_forgetting_keeps_the_sums_right(store: Store) -> None:
    spec = a_spec()
    drive.enqueue(store, spec)
    with store.write() as session:
        lane, ((view, _),) = lane_of(session, spec), session.lanes.views()
        for n in range(10):
            session.lanes.log_view(view, "charging" if n % 2 == 0 else None, START + n * 10_000)
        before = session.lanes.waited(lane, START + 60_000, START + 90_000)
        assert before == {"charging": 20_000, "slots": 10_000}
        assert session.lanes.forget(START + 60_000, 2) == 2
        assert session.lanes.forget(START + 60_000, 99) == 4
        assert session.lanes.forget(START + 60_000, 99) == 0
        assert session.lanes.waited(lane, START + 60_000, START + 90_000) == before
        told = session.lanes.waited(lane, START, START + 90_000)
        assert told == {"charging": 20_000, "slots": 70_000}, "what came before counts as no hold any more"


def test_a_lane_that_no_task_belongs_to_is_dropped_unless_one_has_come_since(store: Store) -> None:
    drive.enqueue(store, a_spec("old"), a_spec("kept", due_at=START + 3_600_000))
    drive.run_all(store)
    with store.write() as session:
        session.tasks.delete(session.tasks.ended_beyond(0, 10))
        last, empty = session.tasks.next_seq() - 1, session.lanes.unused()
    assert len(empty) == 1
    drive.enqueue(store, a_spec("old", due_at=START + 3_600_000))
    with store.write() as session:
        session.lanes.drop(empty, last)
        assert session.lanes.unused() == []
        assert session.lanes.key(empty[0]).name == "old"
    drive.enqueue(store, a_spec("gone"))
    drive.run_all(store)
    with store.write() as session:
        session.tasks.delete(session.tasks.ended_beyond(0, 10))
        last, empty = session.tasks.next_seq() - 1, session.lanes.unused()
        session.lanes.drop(empty, last)
        assert session.lanes.unused() == []
        assert len(empty) == 1

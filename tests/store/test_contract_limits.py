"""The contract of every store: rates, named limits, queues with slots of their own, and all alarms in one look."""

from __future__ import annotations

from datetime import timedelta

from bgo.engine.settle import RunKey
from bgo.model.lane import Rate
from bgo.model.limits import ConcurrencyControl, NamedLimit, RateLimit
from bgo.model.plan import Gate, Hold
from bgo.model.task import TaskSpec, Wish
from bgo.store.port import Store
from tests.build import START, a_moment, a_spec, a_wish
from tests.store import drive

MINUTE = 60_000
RATE = Rate("k", 2, MINUTE)
WAIT = Hold(Gate.RATE, "2 starts", "fewer", until_ms=START + 500)


def rated(starts: int = 2, **fields: object) -> TaskSpec:
    return a_spec(wish=Wish(rate=RateLimit(starts, timedelta(minutes=1), "k")), **fields)


def test_starts_are_counted_from_their_stamp_and_as_now_until_then(store: Store) -> None:
    drive.enqueue(store, rated(), rated(), rated())
    claims = drive.tick(store, 1)
    with store.write() as session:
        assert session.rates.waits(RATE, a_moment(), 3) == (0, MINUTE + 1, MINUTE + 1)
        session.rates.stamp(claims[0].task.seq, 1, "k", a_moment(START + 10))
        assert session.rates.waits(RATE, a_moment(START + 20), 3) == (0, MINUTE - 9, MINUTE + 1)
        assert session.rates.waits(RATE, a_moment(START + 11 + MINUTE), 2) == (0, 0)
        assert session.rates.waits(Rate("other", 1, 5), a_moment(), 1) == (0,)


def test_stamps_of_one_boot_never_go_back(store: Store) -> None:
    """Workers write in bundles: one may come after another that is younger."""
    drive.enqueue(store, rated(), rated())
    first, second = drive.tick(store, 2)
    with store.write() as session:
        session.rates.stamp(first.task.seq, 1, "k", a_moment(START + 100))
        session.rates.stamp(second.task.seq, 1, "k", a_moment(START + 50))
        assert session.rates.waits(RATE, a_moment(START + 51 + MINUTE), 2) == (50, 50)


def test_a_key_is_looked_at_when_asked_and_after_a_boot(store: Store) -> None:
    drive.enqueue(store, rated())
    with drive.undone(store) as session:
        lane = session.tasks.find_seq(1)
        assert lane is not None
        assert session.alarms.next(a_moment()).rate_in is None
        session.rates.wake("k")
        assert session.rates.due(a_moment(), 9) == [], "nothing waits"
        session.lanes.park(lane.lane, WAIT, a_moment())
        assert session.alarms.next(a_moment()).rate_in == 500
        assert session.rates.due(a_moment(), 9) == []
        assert session.rates.due(a_moment(START + 500), 9) == ["k"]
        assert session.rates.due(a_moment(boot="next"), 9) == ["k"]
        session.rates.wake("k", if_asleep=True)
        assert session.alarms.next(a_moment()).rate_in == 500
        session.rates.wake("k")
        assert session.alarms.next(a_moment()).is_due(START)
        session.lanes.open_rate("k", a_moment())
        assert session.alarms.next(a_moment()).rate_in is None
        assert session.lanes.state(lane.lane).parked == 0


def test_waiting_for_a_rate_is_told_by_queue(store: Store) -> None:
    drive.enqueue(store, rated(1, queue="low"), rated(1, queue="low"))
    drive.tick(store, 2)
    with store.read() as session:
        assert session.lanes.wait_for_rate(None)
        assert session.lanes.wait_for_rate({"low", "high"})
        assert not session.lanes.wait_for_rate({"high"})


def test_keys_are_forgotten_when_no_lane_has_them_and_their_last_start_is_old(store: Store) -> None:
    drive.enqueue(store, rated())
    claim = drive.claim(store)
    with store.write() as session:
        session.rates.count("k", a_moment())
        assert session.rates.forget(START + 1, 9) == 0
    drive.finish(store, claim)
    with store.write() as session:
        assert session.rates.forget(START + 1, 9) == 0
        session.tasks.delete([1])
        session.lanes.drop(session.lanes.unused(), 1)
        assert session.rates.forget(START, 9) == 0
        assert session.rates.forget(START + 1, 9) == 1
        assert session.rates.waits(RATE, a_moment(), 1) == (0,)


def test_named_limits_belong_to_their_source(store: Store) -> None:
    wanted = {"k": NamedLimit("k", 7, RateLimit(9, 5))}
    wish = Wish(concurrency=ConcurrencyControl(1, key="k"), rate=RateLimit(1, 60, "k"))
    drive.enqueue(store, a_spec(wish=wish))
    with store.write() as session:
        lane = session.tasks.find_seq(1)
        assert lane is not None
        assert session.limits.differ("mine", wanted)
        session.limits.sync("mine", wanted)
        assert not session.limits.differ("mine", wanted)
        assert session.limits.names("k")
        assert not session.limits.names("other")
        assert session.lanes.limits(lane.lane) == (7, Rate("k", 9, 5_000))
        session.limits.sync("yours", {})
        assert session.lanes.limits(lane.lane) == (7, Rate("k", 9, 5_000))
        session.limits.sync("mine", {})
        assert session.lanes.limits(lane.lane) == (1, Rate("k", 1, MINUTE))
        assert session.lanes.key(lane.lane).rate == Rate("k", 1, MINUTE)


def test_a_queue_with_slots_of_its_own_is_full_when_they_are_used(store: Store) -> None:
    with store.write() as session:
        session.queues.ensure("narrow", 1.0, 0)
        store.connection.execute("UPDATE queue SET slots = 1 WHERE name = 'narrow'")  # type: ignore[attr-defined]
    drive.enqueue(store, *(a_spec(queue="narrow") for _ in range(3)))
    (claim,) = drive.tick(store, 3)
    with store.read() as session:
        assert session.queues.full() == {"narrow": 1}
        assert {s.name: s.room for s in session.queues.shares()}["narrow"] == 0
    assert drive.tick(store, 3) == ()
    drive.finish(store, claim)
    assert len(drive.tick(store, 3)) == 1


def test_who_runs_under_a_key_is_told_the_longest_first(store: Store) -> None:
    drive.enqueue(store, *(a_spec(name=n, wish=a_wish(limit=ConcurrencyControl(9, key="k"))) for n in "ab"))
    first = drive.claim(store)
    second = drive.claim(store, now=START + 5)
    with store.write() as session:
        session.leases.mark_started(second.task.seq, 1, START + 6)
        assert session.leases.under("k") == [
            (first.task.id, "a", START, None), (second.task.id, "b", START + 5, START + 6)
        ]  # fmt: skip
        assert session.leases.under("other") == []


def test_the_run_key_of_a_stamp_is_its_own(store: Store) -> None:
    drive.enqueue(store, rated(1), rated(1))
    claim = drive.claim(store)
    drive.finish_key(store, RunKey(claim.task.seq, 99, "w"), drive.Succeeded())
    assert drive.tick(store, 1) == ()


def test_paused_runs_are_told_to_their_worker(store: Store) -> None:
    drive.enqueue(store, a_spec(name="a"), a_spec(name="b"))
    first, _ = drive.tick(store, 2)
    with store.write() as session:
        session.pauses.set("name", "a", paused=True, running=True, now=START)
        assert session.leases.stopped("w") == {(first.task.seq, 1)}
        assert session.leases.stopped("other") == set()
        session.pauses.set("name", "a", paused=False, now=START)
        assert session.leases.stopped("w") == set()


def test_what_a_queue_was_told_is_told_back(store: Store) -> None:
    with store.write() as session:
        session.queues.ensure("own", 2.5, 1)
        found = session.queues.settings()
    assert found["own"] == (2.5, 1, None)
    assert found["critical"] == (100.0, 0, None)

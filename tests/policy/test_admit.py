"""Admit: never more than the slots, never past a limit, never idle with startable work, and fair by weight."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.model.options import QUEUE_WEIGHTS
from bgo.model.plan import Budget, Gate, Head, LaneHeads, Plan, QueueShare
from bgo.policy.admit import admit
from tests.build import a_lane, a_share

QUEUES = ("critical", "default", "low")
SHARES = tuple(a_share(q, QUEUE_WEIGHTS[q]) for q in QUEUES)


@dataclass(frozen=True)
class Case:
    """One admission as it is asked for."""

    shares: tuple[QueueShare, ...]
    lanes: tuple[LaneHeads, ...]
    usage: Mapping[str, int]
    budget: Budget

    def admit(self) -> Plan:
        return admit(self.shares, self.lanes, self.usage, self.budget)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    count = st.integers(0, 3)
    lanes = tuple(
        a_lane(
            number,
            tuple(draw(st.lists(st.integers(-5, 5), max_size=4))),
            queue=draw(st.sampled_from([*QUEUES, "unknown"])),
            key=draw(st.sampled_from([None, "a", "b"])),
            limit=draw(st.integers(1, 4)),
        )
        for number in range(1, draw(st.integers(0, 7)) + 1)
    )
    shares = tuple(a_share(q, QUEUE_WEIGHTS[q], reserve=draw(count), pass_at=draw(st.floats(0, 2e4))) for q in QUEUES)
    running = {q: draw(count) for q in QUEUES}
    total = sum(running.values()) + draw(st.integers(0, 6))
    free = draw(st.integers(0, total - sum(running.values())))
    return Case(shares, lanes, {k: draw(count) for k in ("a", "b")}, Budget(free, total, running))


@given(cases())
def test_never_more_picks_than_slots_and_none_twice(case: Case) -> None:
    picks = case.admit().picks
    assert len(picks) <= case.budget.free
    assert len({p.seq for p in picks}) == len(picks)


@given(cases())
def test_no_pick_passes_its_lanes_own_limit(case: Case) -> None:
    lanes, running = {lane.lane: lane for lane in case.lanes}, Counter(case.usage)
    for pick in case.admit().picks:
        lane = lanes[pick.lane]
        if lane.concurrency_key is not None and lane.concurrency_max is not None:
            assert running[lane.concurrency_key] < lane.concurrency_max
            running[lane.concurrency_key] += 1


@given(cases())
def test_parked_lanes_are_really_full(case: Case) -> None:
    plan, lanes = case.admit(), {lane.lane: lane for lane in case.lanes}
    started = Counter(lanes[p.lane].concurrency_key for p in plan.picks)
    for number, hold in plan.parked.items():
        key, limit = lanes[number].concurrency_key, lanes[number].concurrency_max
        assert hold.gate is Gate.CONCURRENCY
        assert key is not None
        assert limit is not None
        assert case.usage.get(key, 0) + started[key] >= limit


@given(cases())
def test_picks_follow_each_lanes_order(case: Case) -> None:
    picks = case.admit().picks
    for lane in case.lanes:
        mine = [p.seq for p in picks if p.lane == lane.lane]
        assert mine == [h.seq for h in lane.heads][: len(mine)]


@given(cases())
def test_lanes_of_a_queue_go_by_the_rank_of_their_heads(case: Case) -> None:
    plan = case.admit()
    ranks = {head.seq: head.rank for lane in case.lanes for head in lane.heads}
    position = {lane.lane: 0 for lane in case.lanes}
    queue = {lane.lane: lane.queue for lane in case.lanes}
    for pick in plan.picks:
        rivals = [
            lane.heads[position[lane.lane]].rank
            for lane in case.lanes
            if lane.queue == queue[pick.lane] and lane.lane not in plan.parked and position[lane.lane] < len(lane.heads)
        ]
        assert ranks[pick.seq] <= min(rivals, default=ranks[pick.seq])
        position[pick.lane] += 1


def kept_for_others(case: Case, running: Counter[str], queue: str) -> int:
    """Return how many free slots a queue must leave: reserved elsewhere and not in use there; never all of them."""
    kept = sum(max(0, s.reserve - running[s.name]) for s in case.shares if s.name != queue)
    return min(kept, case.budget.total - 1)


@given(cases())
def test_reserved_slots_are_left_alone(case: Case) -> None:
    running = Counter(case.budget.running)
    queue = {lane.lane: lane.queue for lane in case.lanes}
    for pick in case.admit().picks:
        running[queue[pick.lane]] += 1
        left = case.budget.total - running.total()
        assert left >= kept_for_others(case, running, queue[pick.lane])


@given(cases())
def test_no_slot_stays_idle_while_something_may_start(case: Case) -> None:
    plan = case.admit()
    running, queue = Counter(case.budget.running), {lane.lane: lane.queue for lane in case.lanes}
    for pick in plan.picks:
        running[queue[pick.lane]] += 1
    taken = Counter(p.lane for p in plan.picks)
    left = case.budget.total - running.total()
    for lane in case.lanes:
        waits = taken[lane.lane] < len(lane.heads) and lane.lane not in plan.parked and lane.queue in QUEUES
        if waits and len(plan.picks) < case.budget.free:
            assert left <= kept_for_others(case, running, lane.queue), "only a reserve may keep it waiting"


@given(cases(), st.randoms(use_true_random=False))
def test_the_plan_depends_on_nothing_but_its_arguments(case: Case, rng: object) -> None:
    lanes, shares = list(case.lanes), list(case.shares)
    rng.shuffle(lanes)  # type: ignore[attr-defined]
    rng.shuffle(shares)  # type: ignore[attr-defined]
    assert Case(tuple(shares), tuple(lanes), case.usage, case.budget).admit() == case.admit() == case.admit()


@given(cases())
def test_only_queues_that_were_served_move_and_only_forwards(case: Case) -> None:
    plan, before = case.admit(), {s.name: s for s in case.shares}
    queue = {lane.lane: lane.queue for lane in case.lanes}
    assert {s.name for s in plan.shares} == {queue[p.lane] for p in plan.picks}
    for share in plan.shares:
        assert share.pass_at > before[share.name].pass_at
        assert share.start >= before[share.name].start


def serve(shares: list[QueueShare], queues: tuple[str, ...], picks: int, step: int = 1) -> list[str]:
    """Return which queue got each pick while all of them always have work; `shares` move in place."""
    lanes = [a_lane(i, tuple(range(step)), queue=q) for i, q in enumerate(queues, start=1)]
    served: list[str] = []
    while len(served) < picks:
        plan = admit(shares, lanes, {}, Budget(step, step))
        served += [queues[p.lane - 1] for p in plan.picks]
        moved = {s.name: s for s in plan.shares}
        shares[:] = [moved.get(s.name, s) for s in shares]
    return served


@pytest.mark.parametrize("step", [1, 4, 7])
def test_weights_are_kept_within_a_fifth_over_ten_thousand_picks(step: int) -> None:
    served = Counter(serve([a_share(q, w) for q, w in QUEUE_WEIGHTS.items()], tuple(QUEUE_WEIGHTS), 10_000, step))
    for queue, weight in QUEUE_WEIGHTS.items():
        expected = 10_000 * weight / sum(QUEUE_WEIGHTS.values())
        assert 0.8 * expected <= served[queue] <= 1.2 * expected + 1


def test_low_never_starves_beside_an_endless_critical_stream() -> None:
    served = serve([a_share(q, w) for q, w in QUEUE_WEIGHTS.items()], tuple(QUEUE_WEIGHTS), 10_000)
    turns = [i for i, queue in enumerate(served) if queue == "low"]
    longest = max(b - a for a, b in zip([0, *turns], [*turns, len(served)], strict=True))
    assert longest <= 1.2 * sum(QUEUE_WEIGHTS.values()) / QUEUE_WEIGHTS["low"]


def test_a_queue_that_was_away_cannot_cash_in_its_absence() -> None:
    shares = [a_share("high", 10), a_share("default", 10)]
    serve(shares, ("high",), 500)
    served = serve(shares, ("high", "default"), 100)
    assert 45 <= served.count("default") <= 55


def test_an_idle_queue_leaves_its_share_to_the_others() -> None:
    assert serve(list(SHARES), ("low",), 50) == ["low"] * 50


def test_a_child_too_few_does_not_count_as_a_slot_that_is_reserved() -> None:
    """Four slots, one reserved for critical, one child at hand: low may have it, three slots stay free."""
    shares = [a_share("critical", 100, reserve=1), a_share("low", 0.1)]
    plan = admit(shares, [a_lane(queue="low")], {}, Budget(free=1, total=4))
    assert len(plan.picks) == 1
    plan = admit(shares, [a_lane(queue="low")], {}, Budget(free=1, total=4, running={"low": 3}))
    assert plan.picks == ()
    plan = admit(shares, [a_lane(queue="critical")], {}, Budget(free=1, total=4, running={"low": 3}))
    assert len(plan.picks) == 1


def test_a_reserve_of_everything_still_lets_one_through() -> None:
    shares = [a_share("critical", 100, reserve=9), a_share("low", 0.1)]
    lanes = [a_lane(queue="low", ranks=(1, 2, 3))]
    assert len(admit(shares, lanes, {}, Budget(4, 4)).picks) == 1


def test_two_limits_on_one_key_are_each_judged_by_their_own() -> None:
    narrow = a_lane(1, (1, 2, 3), key="net", limit=2)
    wide = a_lane(2, (4, 5, 6), key="net", limit=4)
    plan = admit([a_share()], [narrow, wide], {"net": 1}, Budget(9, 9))
    assert [p.lane for p in plan.picks] == [1, 2, 2]
    assert set(plan.parked) == {1, 2}


def test_equal_tasks_asked_for_by_name_do_not_clash() -> None:
    """`run --run ID ID`: lanes then come with equal ranks."""
    lanes = [LaneHeads(n, "default", None, None, (Head(seq, 7),)) for n, seq in ((1, 11), (2, 12))]
    assert [p.seq for p in admit([a_share()], lanes, {}, Budget(2, 2)).picks] == [11, 12]


def test_nothing_to_give_or_nobody_to_take() -> None:
    assert admit(SHARES, [a_lane()], {}, Budget(0, 4)) == Plan()
    assert admit(SHARES, [], {}, Budget(4, 4)) == Plan()
    assert admit(SHARES, [a_lane(ranks=())], {}, Budget(4, 4)) == Plan()

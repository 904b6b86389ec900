"""Cases of chains and batches that random walks have stumbled over, each told once more by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bgo.engine import batch as batches
from bgo.engine import chain as chains
from bgo.engine import prune as pruning
from bgo.engine import upstream, wave
from bgo.engine.expire import expire
from bgo.engine.revive import BarredError
from bgo.errors import RefusedError
from bgo.model.flow import BatchPlan, ChainPlan, ChainSpec, MemberSpec, Over, Step
from bgo.model.limits import DedupPolicy, Unique
from bgo.model.query import Retention
from bgo.model.state import State
from bgo.model.task import FOLLOW_UP, TaskSpec, Wish
from bgo.policy.dedup import key_of
from bgo.store.check import check
from bgo.store.sqlite import SqliteStore
from tests.build import START, a_spec
from tests.engine.graphs import a_chain, a_node, a_template, items
from tests.engine.tied import ERROR, cancel, put_one, revive, run, stands
from tests.store import drive


@pytest.fixture
def store() -> Iterator[SqliteStore]:
    opened = SqliteStore(None)
    yield opened
    assert check(opened) == []


def stage(
    store: SqliteStore, count: int = 3, plan: BatchPlan | None = None, *, is_open: bool = False, **node: object
) -> TaskSpec:
    """Bring a batch in, unseen."""
    spec = a_node("batch", **node)
    with store.write() as session:
        seq = batches.open_stage(session, spec, plan or BatchPlan(a_template("i")), "me", START, is_open=is_open)
        batches.add(session, seq, spec.id, items(*range(count)), 0, START)
    return spec


def seal(store: SqliteStore, spec: TaskSpec) -> str:
    with store.write() as session:
        batches.seal(session, spec.id, spec, START)
    return spec.id


def more(store: SqliteStore, batch_id: str, stage_id: str, count: int = 2) -> None:
    """Begin to bring more items into a batch."""
    with store.write() as session:
        node = drive.found(session, batch_id)
        batches.more(session, node, stage_id, "me", START)
        batches.add(session, node.seq, stage_id, items(*range(count)), 0, START)


def seal_more(store: SqliteStore, stage_id: str) -> None:
    with store.write() as session:
        batches.seal(session, stage_id, None, START)


def a_fan_out() -> ChainSpec:
    """Return a chain of one step: a fan-out over a list in its input."""
    each = BatchPlan(a_template("x"), over=Over("input", ("list",)))
    inner = MemberSpec(a_template("b", handler=""), 0, each)
    return ChainSpec(a_template("chain", handler=""), ChainPlan((Step("b", ("b",)),)), (inner,))


def small(monkeypatch: pytest.MonkeyPatch, step: int = 1) -> None:
    for module in (wave, upstream, pruning):
        monkeypatch.setattr(module, "STEP", step)


def claims(store: SqliteStore) -> list[str]:
    """Return the names of all that can be claimed, tick by tick."""
    found = [claim.task.name for _ in range(30) for claim in drive.tick(store, 9)]
    return sorted(found)


def test_a_batch_that_was_called_off_half_and_is_retried_starts_all(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = put_one(store, a_spec("first"))
    batch = seal(store, stage(store, after=(first.id,)))
    small(monkeypatch)
    cancel(store, batch)
    run(store)
    revive(store, batch)
    assert claims(store) == ["i", "i", "i"]


def test_more_items_that_are_coming_in_are_not_begun(store: SqliteStore) -> None:
    batch = seal(store, stage(store, 0, BatchPlan(chain=a_fan_out()), is_open=True))
    with store.write() as session:
        node = drive.found(session, batch)
        batches.more(session, node, "0" * 12, "me", START)
        batches.add(session, node.seq, "0" * 12, items({"list": [1, 2]}), 0, START)
    assert claims(store) == []
    with store.write() as session:
        chains.set_going(session, (drive.get_seq(session, batch),), START)
    assert claims(store) == []
    seal_more(store, "0" * 12)
    assert claims(store) == ["x", "x"]


def test_what_is_cancelled_starts_nothing_meanwhile(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = seal(store, stage(store, 9))
    small(monkeypatch)
    cancel(store, batch)
    assert claims(store) == []
    assert stands(store, batch) == ["cancelled user"]


def test_what_a_prune_has_begun_to_remove_cannot_be_retried(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = seal(store, stage(store, 5))
    for _ in range(5):
        run(store, ERROR)
    small(monkeypatch, 2)
    turns = iter([True, False])
    keep = Retention(finished_ms=0, failed_ms=0)
    gone = [len(page) for page in pruning.prune(store, keep, START + 1, lambda: next(turns, False))]
    assert gone == [2]
    assert check(store) == []
    with pytest.raises(RefusedError):
        revive(store, batch)
    assert sum(len(page) for page in pruning.prune(store, keep, START + 1)) == 4


def test_a_member_never_goes_before_its_chain(store: SqliteStore) -> None:
    with store.write() as session:
        chains.enqueue(session, a_chain("a", "b"), START)
    run(store)
    assert list(pruning.prune(store, Retention(finished_ms=0, failed_ms=0, rows=0), START + 9)) == []


def test_more_items_of_a_batch_that_waits_wait_with_it(store: SqliteStore) -> None:
    first = put_one(store, a_spec("first", due_at=START + 9))
    batch = seal(store, stage(store, is_open=True, after=(first.id,)))
    more(store, batch, "0" * 12)
    seal_more(store, "0" * 12)
    assert claims(store) == []
    drive.tick(store, 0, now=START + 9)
    run(store, now=START + 9)
    assert claims(store) == ["i"] * 5


def test_a_batch_that_has_ended_takes_nothing_more(store: SqliteStore) -> None:
    batch = seal(store, stage(store, is_open=True))
    more(store, batch, "0" * 12)
    cancel(store, batch)
    with pytest.raises(RefusedError):
        seal_more(store, "0" * 12)
    with store.write() as session:
        (left,) = session.stages.list()
        while batches.discard(session, left, 1, START):
            pass
    assert claims(store) == []


def test_an_open_batch_waits_for_what_is_coming_and_no_longer(store: SqliteStore) -> None:
    batch = seal(store, stage(store, 1, is_open=True))
    more(store, batch, "0" * 12)
    with store.write() as session:
        assert batches.close(session, drive.found(session, batch), START)
    run(store)
    assert stands(store, batch) == ["running new"]
    with store.write() as session:
        (left,) = session.stages.list()
        while batches.discard(session, left, 9, START):
            pass
    assert stands(store, batch) == ["succeeded done"]


@pytest.mark.parametrize("wish", [Wish(unique=Unique("u")), Wish(dedup=DedupPolicy())])
def test_a_batch_that_is_coming_in_stands_in_nobodys_way_not_even_its_own(store: SqliteStore, wish: Wish) -> None:
    key = None if wish.dedup is None else key_of("batch", {}, wish.dedup, None, "")
    one, two = (stage(store, wish=wish, dedup_key=key) for _ in range(2))
    assert check(store) == []
    seal(store, one)
    with store.write() as session:
        made = batches.seal(session, two.id, two, START)
        assert made is not None
        assert (made.id, made.outcome) == (one.id, "kept" if key is None else "deduplicated")
        (left,) = session.stages.list()
        while batches.discard(session, left, 2, START):
            pass
    assert claims(store) == ["i"] * 3


def test_a_member_does_not_bring_its_chain_back_past_what_stands_in_its_way(store: SqliteStore) -> None:
    wish = Wish(unique=Unique("u"))
    first, second = (a_chain("a", wish=wish) for _ in range(2))
    with store.write() as session:
        chains.enqueue(session, first, START)
    failed = run(store, ERROR)
    with store.write() as session:
        chains.enqueue(session, second, START)
    with pytest.raises(BarredError):
        revive(store, failed)
    assert stands(store, first.spec.id, second.spec.id) == ["failed member_failed", "running new"]


def test_a_finally_that_is_named_late_still_comes_last(store: SqliteStore) -> None:
    batch = seal(store, stage(store, 1, BatchPlan(a_template("i"), callbacks={"then": a_template("t")})))
    run(store)
    with store.write() as session:
        batches.set_callback(session, drive.found(session, batch), "finally", a_template("f"), START)
    assert claims(store) == ["t"]


def test_a_batch_that_never_began_calls_nobody_late_or_soon(store: SqliteStore) -> None:
    first = put_one(store, a_spec("first"))
    plan = BatchPlan(a_template("i"), callbacks={"catch": a_template("c")})
    batch = seal(store, stage(store, 1, plan, after=(first.id,)))
    run(store, ERROR)
    with store.write() as session:
        batches.set_callback(session, drive.found(session, batch), "finally", a_template("f"), START)
    assert claims(store) == []
    assert stands(store, batch) == ["failed upstream_failed"]


def test_a_retried_batch_keeps_no_output_of_its_last_end(store: SqliteStore) -> None:
    batch = seal(store, stage(store, 1))
    for _ in range(3):
        run(store, ERROR)
        revive(store, batch)
    run(store)
    assert stands(store, batch) == ["succeeded done"]


def test_a_cancel_leaves_the_callback_of_an_earlier_end_alone(store: SqliteStore) -> None:
    batch = seal(store, stage(store, 1, BatchPlan(a_template("i"), callbacks={"catch": a_template("c")})))
    run(store, ERROR)
    assert len(drive.tick(store, 9)) == 1
    revive(store, batch)
    cancel(store, batch)
    assert stands(store, batch) == ["cancelled user"]
    with store.read() as session:
        (callback,) = session.flows.of_step(drive.get_seq(session, batch), FOLLOW_UP + 1, limit=9)
    assert (callback.state, callback.cancel_reason) == (State.RUNNING, None)


def test_a_delay_of_a_batch_is_that_of_its_items(store: SqliteStore) -> None:
    seal(store, stage(store, 2, BatchPlan(a_template("i", due_at=START + 50))))
    assert drive.tick(store, 9) == ()
    assert len(drive.tick(store, 9, now=START + 50)) == 2


def test_a_list_that_comes_later_is_no_news_before_the_seal(store: SqliteStore) -> None:
    """A chain that begins with a fan-out over its input makes no members while its batch is coming in."""
    spec = a_node("batch")
    with store.write() as session:
        seq = batches.open_stage(session, spec, BatchPlan(chain=a_fan_out()), "me", START, is_open=False)
        batches.add(session, seq, spec.id, items({"list": [1, 2]}), 0, START)
    assert claims(store) == []
    seal(store, spec)
    assert claims(store) == ["x", "x"]


def test_more_than_a_step_of_expired_work_under_a_limit_ends_a_tick(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be claimed any more is not picked again and again by one tick."""
    from bgo.engine import alarms

    monkeypatch.setattr(alarms, "STEP", 1)
    wish = Wish(start_before=START + 5, concurrency=drive.limit(9, "k"))
    drive.enqueue(store, *(a_spec(wish=wish) for _ in range(4)))
    assert drive.tick(store, 9, now=START + 5) == ()
    with store.write() as session:
        expire(session, START + 5, 9)

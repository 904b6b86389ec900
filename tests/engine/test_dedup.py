"""Dedup: a second enqueue of the same work is answered with the first one's id."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bgo.engine import dedup
from bgo.engine.prune import prune
from bgo.errors import RefusedError, UsageError
from bgo.model.limits import DedupPolicy
from bgo.model.query import Retention
from bgo.model.state import State
from bgo.model.task import Enqueued, Wish
from bgo.store.check import check
from bgo.store.sqlite import SqliteStore
from tests.build import START, a_spec
from tests.engine.tied import ERROR, STOPPED, cancel, once, put, put_one, revive, run, told
from tests.store import drive

HOUR = 3_600_000
TTL = DedupPolicy(None, HOUR)
NOTHING = Retention(finished_ms=0, failed_ms=0)


@pytest.fixture
def store() -> Iterator[SqliteStore]:
    opened = SqliteStore(None)
    yield opened
    assert check(opened) == []


def test_the_same_work_is_queued_once(store: SqliteStore) -> None:
    first, second = put_one(store, once()), put_one(store, once(), START + 5)
    assert (first.state, first.outcome) == (State.QUEUED, "new")
    assert second == Enqueued(first.id, State.QUEUED, "deduplicated", "new")
    assert drive.ids(store) == {first.id}
    (entry,) = told(store, first.id)
    assert (entry.event, entry.at, entry.detail) == ("deduplicated", START + 5, {"deduplicated": True, "suppressed": 1})


def test_rows_of_one_call_see_those_before_them(store: SqliteStore) -> None:
    plain, other = a_spec(), once(input={"n": 2})
    found = put(store, once(), plain, once(), other, once(input={"n": 2}), once())
    assert [made.outcome for made in found] == ["new", "new", "deduplicated", "new", *["deduplicated"] * 2]
    assert [made.id for made in found[2:]] == [found[0].id, other.id, other.id, found[0].id]
    assert drive.ids(store) == {found[0].id, plain.id, other.id}


def test_without_a_ttl_it_is_the_same_work_until_its_end(store: SqliteStore) -> None:
    first = put_one(store, once())
    claim = drive.claim(store)
    assert put_one(store, once()).state is State.RUNNING
    drive.finish(store, claim)
    assert put_one(store, once()).outcome == "new"
    assert put_one(store, once()).id != first.id


def test_with_a_ttl_what_succeeded_stands_in_until_it_is_over(store: SqliteStore) -> None:
    first = put_one(store, once(TTL))
    run(store)
    late = put_one(store, once(TTL), START + HOUR - 1)
    assert late == Enqueued(first.id, State.SUCCEEDED, "deduplicated", "done")
    assert put_one(store, once(TTL), START + HOUR).outcome == "new"


@pytest.mark.parametrize("policy", [DedupPolicy(), TTL])
@pytest.mark.parametrize("outcome", [ERROR, STOPPED])
def test_what_was_not_done_stands_in_for_nothing(store: SqliteStore, policy: DedupPolicy, outcome: object) -> None:
    put_one(store, once(policy))
    run(store, outcome)  # type: ignore[arg-type]
    assert put_one(store, once(policy)).outcome == "new"


def test_what_was_called_off_before_it_began_stands_in_for_nothing(store: SqliteStore) -> None:
    first = put_one(store, once())
    cancel(store, first.id)
    assert put_one(store, once()).outcome == "new"


def test_what_has_expired_stands_in_for_nothing_even_unrecorded(store: SqliteStore) -> None:
    spec = once()
    wish = Wish(dedup=spec.wish.dedup, start_before=START + 10)
    first = put_one(store, a_spec(wish=wish, dedup_key=spec.dedup_key))
    assert put_one(store, once(), START + 9).id == first.id
    assert put_one(store, once(), START + 10).outcome == "new"
    assert drive.get(store, first.id).reason == "expired"


def test_history_keeps_the_first_thousand_and_the_store_counts_on(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dedup, "EVENTS", 3)
    first = put_one(store, once())
    put(store, *(once() for _ in range(5)))
    assert [entry.detail["suppressed"] for entry in told(store, first.id)] == [1, 2, 3]
    with store.read() as session:
        row = session.dedup.find(once().dedup_key or "")
    assert row is not None
    assert row.suppressed == 5


def test_a_pruned_success_stands_in_for_its_ttl_and_no_longer(store: SqliteStore) -> None:
    first = put_one(store, once(TTL))
    run(store)
    list(prune(store, NOTHING, START + 1))
    assert put_one(store, once(TTL), START + 2) == Enqueued(first.id, State.SUCCEEDED, "deduplicated", "done")
    list(prune(store, NOTHING, START + HOUR))
    assert store.connection.execute("SELECT count(*) FROM dedup").fetchone() == (0,)


@pytest.mark.parametrize("policy", [DedupPolicy(), TTL])
def test_a_pruned_failure_leaves_no_key(store: SqliteStore, policy: DedupPolicy) -> None:
    put_one(store, once(policy))
    run(store, ERROR)
    list(prune(store, NOTHING, START + 1))
    assert store.connection.execute("SELECT count(*) FROM dedup").fetchone() == (0,)
    assert put_one(store, once(policy), START + 1).outcome == "new"


def test_prune_forgets_keys_in_steps_and_no_others(store: SqliteStore) -> None:
    specs = [once(DedupPolicy(None, HOUR * (1 + n % 2)), input={"n": n}) for n in range(450)]
    put(store, *specs)
    list(prune(store, NOTHING, START + HOUR))
    held = {key for (key,) in store.connection.execute("SELECT key FROM dedup")}
    assert held == {spec.dedup_key for spec in specs[1::2]}


def test_a_revived_task_holds_its_key_again(store: SqliteStore) -> None:
    first = put_one(store, once())
    run(store, ERROR)
    revive(store, first.id)
    assert put_one(store, once()).id == first.id


def test_a_revive_into_a_taken_key_is_refused(store: SqliteStore) -> None:
    first = put_one(store, once())
    run(store, ERROR)
    second = put_one(store, once())
    with pytest.raises(RefusedError, match=first.id) as caught:
        revive(store, first.id)
    assert second.id in caught.value.why
    run(store)
    assert revive(store, first.id).state is State.QUEUED
    assert put_one(store, once()).id == first.id


def test_a_revive_with_a_new_input_has_a_new_key(store: SqliteStore) -> None:
    first, other = put(store, once(), once(input={"n": 2}))
    cancel(store, first.id)
    with pytest.raises(RefusedError, match="cannot be retried"):
        revive(store, first.id, input=b'{"n":2}')
    assert drive.get(store, first.id).state is State.CANCELLED
    revive(store, first.id, input=b'{"n":3}')
    assert put_one(store, once(input={"n": 3})).id == first.id
    assert put_one(store, once()).outcome == "new"
    assert put_one(store, once(input={"n": 2})).id == other.id


def test_a_new_input_must_have_the_fields(store: SqliteStore) -> None:
    first = put_one(store, once(DedupPolicy(("n",))))
    cancel(store, first.id)
    with pytest.raises(UsageError, match="the input has no n"):
        revive(store, first.id, input=b'{"m":3}')
    assert drive.get(store, first.id).state is State.CANCELLED


def test_a_ttl_counts_from_the_first_enqueue(store: SqliteStore) -> None:
    first = put_one(store, once(TTL))
    run(store, ERROR)
    revive(store, first.id, now=START + HOUR - 1)
    assert put_one(store, once(TTL), START + HOUR - 1).id == first.id
    assert put_one(store, once(TTL), START + HOUR).outcome == "new"

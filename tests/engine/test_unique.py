"""Unique: what becomes of new work whose unique id is taken, and of the work that holds it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bgo.engine import unique
from bgo.errors import RefusedError
from bgo.model.limits import Unique, UniquePolicy
from bgo.model.state import State
from bgo.model.task import Enqueued, Wish
from bgo.store.check import check
from bgo.store.sqlite import SqliteStore
from tests.build import START, a_spec
from tests.engine.tied import ERROR, STOPPED, after, cancel, put, put_one, revive, run, sole, stands, told
from tests.store import drive

KEEP, REPLACE = UniquePolicy.KEEP, UniquePolicy.REPLACE
APPEND, OR_REPLACE = UniquePolicy.APPEND, UniquePolicy.APPEND_OR_REPLACE


@pytest.fixture
def store() -> Iterator[SqliteStore]:
    opened = SqliteStore(None)
    yield opened
    assert check(opened) == []


@pytest.mark.parametrize("policy", UniquePolicy)
def test_a_free_id_stands_in_nobodys_way(store: SqliteStore, policy: UniquePolicy) -> None:
    assert put_one(store, sole(policy)).outcome == "new"
    run(store)
    made = put_one(store, sole(policy))
    assert (made.state, made.outcome) == (State.QUEUED, "new")
    assert put_one(store, sole(policy, "other")).state is State.QUEUED


def test_keep_answers_with_the_unfinished_one(store: SqliteStore) -> None:
    first = put_one(store, sole())
    assert put_one(store, sole(), START + 5) == Enqueued(first.id, State.QUEUED, "kept", "new")
    assert [(e.event, e.at, e.detail) for e in told(store, first.id)] == [("kept", START + 5, {"kept": True})]
    drive.claim(store)
    assert put_one(store, sole(handler="other")).state is State.RUNNING
    assert drive.ids(store) == {first.id}


def test_keep_sees_rows_of_the_same_call(store: SqliteStore) -> None:
    found = put(store, sole(), a_spec(), sole())
    assert [made.outcome for made in found] == ["new", "new", "kept"]
    assert found[2].id == found[0].id


def test_a_kept_tasks_history_stays_small(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unique, "EVENTS", 2)
    first = put_one(store, sole())
    assert {made.id for made in put(store, *(sole() for _ in range(5)))} == {first.id}
    assert len(told(store, first.id)) == 2


def test_what_has_expired_is_not_kept(store: SqliteStore) -> None:
    old = put_one(store, a_spec(wish=Wish(unique=Unique("u"), start_before=START + 10)))
    assert put_one(store, sole(), START + 10).outcome == "new"
    assert stands(store, old.id) == ["cancelled expired"]


@pytest.mark.parametrize("policy", [APPEND, OR_REPLACE, REPLACE])
def test_expired_chains_stand_in_nobodys_way(store: SqliteStore, policy: UniquePolicy) -> None:
    old = put_one(store, a_spec(wish=Wish(unique=Unique("u"), start_before=START + 10)))
    newer = put_one(store, sole(APPEND))
    made = put_one(store, sole(policy), START + 10)
    assert stands(store, old.id, newer.id) == ["cancelled expired", "cancelled upstream_cancelled"]
    assert made.state is (State.CANCELLED if policy is APPEND else State.QUEUED)


def test_replace_takes_the_place_of_what_waits(store: SqliteStore) -> None:
    old = put_one(store, sole())
    new = put_one(store, sole(REPLACE))
    assert (new.state, new.outcome) == (State.QUEUED, "new")
    assert stands(store, old.id) == ["cancelled replaced"]
    assert run(store) == new.id


def test_replace_waits_for_the_end_of_what_runs(store: SqliteStore) -> None:
    old = put_one(store, sole())
    claim = drive.claim(store)
    new = put_one(store, sole(REPLACE), START + 5)
    assert new.state is State.BLOCKED
    assert drive.get(store, old.id).cancel_reason == "replaced"
    assert drive.tick(store, 4, now=START + 6) == ()
    drive.finish(store, claim, STOPPED, now=START + 9)
    assert stands(store, old.id, new.id) == ["cancelled replaced", "queued upstream_done"]
    assert drive.claim(store, now=START + 9).task.id == new.id


@pytest.mark.parametrize("outcome", [None, ERROR])
def test_replace_is_content_with_any_end(store: SqliteStore, outcome: object) -> None:
    put_one(store, sole())
    claim = drive.claim(store)
    new = put_one(store, sole(REPLACE))
    drive.finish(store, claim, outcome)  # type: ignore[arg-type]
    assert stands(store, new.id) == ["queued upstream_done"]


def test_a_replacement_that_waits_is_replaced_itself(store: SqliteStore) -> None:
    old = put_one(store, sole())
    claim = drive.claim(store)
    between, new = put_one(store, sole(REPLACE)), put_one(store, sole(REPLACE))
    assert stands(store, old.id, between.id, new.id) == ["running claimed", "cancelled replaced", "blocked new"]
    drive.finish(store, claim, STOPPED)
    assert stands(store, between.id, new.id) == ["cancelled replaced", "queued upstream_done"]
    assert len(drive.tick(store, 4)) == 1


def test_those_after_a_replaced_task_go_with_it(store: SqliteStore) -> None:
    old = put_one(store, sole())
    waiter = put_one(store, after(old.id))
    put_one(store, sole(REPLACE))
    assert stands(store, waiter.id) == ["cancelled upstream_cancelled"]


def test_append_comes_after_the_newest(store: SqliteStore) -> None:
    made = put(store, *(sole(APPEND) for _ in range(4)))
    assert [m.state for m in made] == [State.QUEUED, *[State.BLOCKED] * 3]
    assert [run(store) for _ in range(4)] == [m.id for m in made]


@pytest.mark.parametrize(("outcome", "reason"), [(ERROR, "failed"), (STOPPED, "cancelled")])
def test_append_shares_the_lot_of_the_newest_before_and_after_its_end(
    store: SqliteStore, outcome: object, reason: str
) -> None:
    put_one(store, sole(APPEND))
    before = put_one(store, sole(APPEND))
    run(store, outcome)  # type: ignore[arg-type]
    later = put_one(store, sole(APPEND))
    assert stands(store, before.id, later.id) == [f"{reason} upstream_{reason}"] * 2
    assert (later.state, later.reason, later.outcome) == (State(reason), f"upstream_{reason}", "new")


def test_append_or_replace_does_not_mind_what_was_not_done(store: SqliteStore) -> None:
    put_one(store, sole(OR_REPLACE))
    run(store, ERROR)
    assert put_one(store, sole(OR_REPLACE)).state is State.QUEUED
    assert put_one(store, sole(OR_REPLACE)).state is State.BLOCKED


def test_append_or_replace_waits_for_what_runs_behind_a_cancelled_one(store: SqliteStore) -> None:
    put_one(store, sole(OR_REPLACE))
    claim = drive.claim(store)
    between = put_one(store, sole(OR_REPLACE))
    cancel(store, between.id)
    new = put_one(store, sole(OR_REPLACE))
    assert new.state is State.BLOCKED
    drive.finish(store, claim)
    assert stands(store, new.id) == ["queued upstream_done"]


def test_append_waits_for_an_older_one_that_was_revived(store: SqliteStore) -> None:
    old = put_one(store, sole(OR_REPLACE))
    run(store, ERROR)
    put_one(store, sole(OR_REPLACE))
    run(store)
    revive(store, old.id)
    new = put_one(store, sole(APPEND))
    assert new.state is State.BLOCKED
    assert [run(store), run(store)] == [old.id, new.id]


def test_a_revive_beside_an_unfinished_one_is_refused(store: SqliteStore) -> None:
    old = put_one(store, sole())
    cancel(store, old.id)
    new = put_one(store, sole())
    with pytest.raises(RefusedError, match="cannot be retried") as caught:
        revive(store, old.id)
    assert new.id in caught.value.why
    run(store)
    assert revive(store, old.id).state is State.QUEUED

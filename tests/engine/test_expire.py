"""Expiry: what waits past its time is called off; it is shown as soon as it is true, and recorded by the next tick."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bgo.engine.edit import Changes, bump, edit
from bgo.engine.expire import as_shown
from bgo.engine.explain import Ground, explain, holds
from bgo.engine.query import overview, tasks, view_of
from bgo.engine.settle import RunKey, begun
from bgo.errors import RefusedError
from bgo.model.options import RetryPolicy
from bgo.model.outcome import Released
from bgo.model.query import CancelEffect, Selector
from bgo.model.state import Reason, State
from bgo.model.task import Wish
from bgo.store.check import check
from bgo.store.sqlite import SqliteStore
from tests.build import START, a_moment, a_spec, a_view
from tests.engine.tied import ERROR, after, by, expire, put, put_one, revive, run, stands, told
from tests.store import drive

SOON = START + 100


@pytest.fixture
def store() -> Iterator[SqliteStore]:
    opened = SqliteStore(None)
    yield opened
    assert check(opened) == []


@pytest.mark.parametrize("limits", [(SOON, None), (None, SOON), (SOON + 9, SOON), (SOON, SOON + 9)])
def test_what_has_not_begun_in_time_is_called_off(store: SqliteStore, limits: tuple[int | None, int | None]) -> None:
    made = put_one(store, by(*limits))
    assert drive.get(store, made.id).expires_at == SOON
    assert expire(store, SOON - 1) == 0
    assert expire(store, SOON + 7) == 1
    assert stands(store, made.id) == ["cancelled expired"]
    assert drive.get(store, made.id).finished_at == SOON
    (entry,) = told(store, made.id)
    assert (entry.event, entry.reason, entry.at) == ("cancel", "expired", SOON + 7)
    assert expire(store, SOON + 8) == 0


def test_a_tick_records_it_and_claims_nothing_of_it(store: SqliteStore) -> None:
    made = put_one(store, by(SOON))
    assert drive.tick(store, 4, now=SOON) == ()
    assert stands(store, made.id) == ["cancelled expired"]


def test_what_runs_is_not_touched(store: SqliteStore) -> None:
    put_one(store, by(SOON))
    claim = drive.claim(store, now=SOON - 1)
    assert expire(store, SOON + 9) == 0
    drive.finish(store, claim, now=SOON + 9)
    assert stands(store, claim.task.id) == ["succeeded done"]


LINEAR = RetryPolicy.linear(3, 60)


@pytest.mark.parametrize(
    ("wish", "state"),
    [
        (Wish(retry=LINEAR, start_before=SOON), "retrying"),
        (Wish(retry=LINEAR, finish_before=SOON), "cancelled"),
    ],
)
def test_what_has_begun_keeps_its_start_and_not_its_finish(store: SqliteStore, wish: Wish, state: str) -> None:
    made = put_one(store, a_spec(wish=wish))
    claim = drive.claim(store)
    with store.write() as session:
        session.leases.mark_started(claim.task.seq, claim.task.run, START)
    drive.finish(store, claim, ERROR, now=START + 1)
    expire(store, SOON)
    assert drive.get(store, made.id).state == state


def test_in_steps_the_earliest_first(store: SqliteStore) -> None:
    ids = [made.id for made in put(store, *(by(SOON - n) for n in range(5)))]
    assert expire(store, SOON, limit=2) == 2
    assert stands(store, *ids[3:]) == ["cancelled expired"] * 2
    with store.read() as session:
        assert session.tasks.next_expiry() == SOON - 2
    assert [expire(store, SOON, limit=2) for _ in range(2)] == [2, 1]


def test_delayed_and_blocked_tasks_expire_too_and_their_waiters_hear_of_it(store: SqliteStore) -> None:
    first = put_one(store, a_spec())
    delayed, blocked = put(store, by(SOON, due_at=SOON + 9_000), by(SOON, after=(first.id,)))
    waiter = put_one(store, after(blocked.id))
    assert expire(store, SOON) == 2
    assert stands(store, delayed.id, blocked.id) == ["cancelled expired"] * 2
    assert stands(store, waiter.id) == ["cancelled upstream_cancelled"]


def test_it_is_shown_before_it_is_recorded(store: SqliteStore) -> None:
    made = put_one(store, by(SOON))
    with store.read() as session:
        task = drive.found(session, made.id)
        assert as_shown(task, SOON - 1) is task
        view = view_of(session, task, now=SOON + 50)
        ground = Ground(drive.an_asker(), a_view(), 1, a_moment(SOON))
        assert explain(session, task, ground).verdict == "cancelled (expired)"
        assert holds(session, task, ground) == ()
        assert [t.state for t in tasks(session, Selector(), 5, SOON)] == [State.CANCELLED]
        assert tasks(session, Selector(states=(State.QUEUED,)), 5, SOON) == []
        counts = overview(session, SOON).counts
    assert (view.state, view.task.reason, view.task.finished_at, view.is_final) == ("cancelled", "expired", SOON, True)
    assert (counts[State.QUEUED], counts[State.CANCELLED]) == (0, 1)
    assert stands(store, made.id) == ["queued new"]


def test_a_cancel_comes_too_late_for_it(store: SqliteStore) -> None:
    made = put_one(store, by(SOON))
    (reply,) = drive.cancel(store, [made.id], now=SOON)
    assert (reply.effect, reply.state) == (CancelEffect.TOO_LATE, State.CANCELLED)
    assert stands(store, made.id) == ["cancelled expired"]


def test_it_cannot_be_revived_when_its_time_is_over(store: SqliteStore) -> None:
    made = put_one(store, by(SOON))
    drive.cancel(store, [made.id])
    assert revive(store, made.id, now=SOON - 1).state is State.QUEUED
    with pytest.raises(RefusedError, match="cannot be retried") as caught:
        revive(store, made.id, now=SOON)
    assert "is over" in caught.value.why


def test_it_can_be_neither_edited_nor_bumped_when_its_time_is_over(store: SqliteStore) -> None:
    made = put_one(store, by(SOON))
    for verb in (lambda s, t: edit(s, t, Changes(priority=3), SOON), lambda s, t: bump(s, t, SOON)):
        with drive.undone(store) as session, pytest.raises(RefusedError, match="cannot be"):
            verb(session, drive.found(session, made.id))


def test_an_upstream_that_has_expired_counts_as_cancelled(store: SqliteStore) -> None:
    first = put_one(store, by(SOON))
    made = put_one(store, after(first.id), SOON)
    assert (made.state, made.reason) == (State.CANCELLED, "upstream_cancelled")


def test_others_of_its_lane_go_on(store: SqliteStore) -> None:
    put(store, by(SOON), by(SOON), by(None))
    expire(store, SOON)
    assert run(store, now=SOON)
    assert drive.tick(store, 4, now=SOON) == ()


def test_what_has_begun_once_is_in_time_for_good(store: SqliteStore) -> None:
    """A later run that is handed back before it began brings the start-before not back."""
    spec = by(SOON)
    made = put_one(store, replace(spec, wish=replace(spec.wish, retry=RetryPolicy.custom(delays=[0, 0]))))
    first = drive.claim(store)
    with store.write() as session:
        begun(session, RunKey(first.task.seq, 1, "w"), a_moment())
    drive.finish(store, first, ERROR)
    second = drive.claim(store, now=START + 1)
    drive.finish(store, second, Released(Reason.SHUTDOWN, started=False), now=START + 2)
    assert expire(store, SOON) == 0
    assert drive.claim(store, now=SOON).task.id == made.id

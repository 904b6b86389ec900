"""Ids as people type them, selectors that must narrow something, queues that must exist, and what queries open."""

from __future__ import annotations

import pytest

from bgo.engine import query, resolve
from bgo.errors import AmbiguousError, NotFoundError, UsageError
from bgo.model.outcome import Failed, Released, Succeeded, TaskError
from bgo.model.query import Selector
from bgo.model.state import Reason, State
from tests.build import a_spec
from tests.engine.world import World

IDS = ("1aaaaaaaaaaa", "1aaaabbbbbbb", "2cccccdddddd")


@pytest.fixture
def world() -> World:
    world = World()
    world.enqueue_all([a_spec(id=i, tags=("t",) if i[0] == "1" else (), queue="high" if i == IDS[0] else "default")
                       for i in IDS])  # fmt: skip
    return world


def find(world: World, word: str) -> str:
    with world.store.read() as session:
        found = resolve.task_id(session, word)
        assert resolve.task(session, word).id == found
    return found


@pytest.mark.parametrize(
    ("word", "expected"),
    [(IDS[0], IDS[0]), ("2ccc", IDS[2]), ("1aaaaa", IDS[0]), ("2CCCCC", IDS[2]), ("@last", IDS[2]), ("@LAST", IDS[2])],
)
def test_an_id_or_enough_of_it(world: World, word: str, expected: str) -> None:
    assert find(world, word) == expected


def test_a_prefix_of_several_names_them(world: World) -> None:
    with pytest.raises(AmbiguousError) as caught:
        find(world, "1aaa")
    assert IDS[0] in caught.value.why
    assert IDS[1] in caught.value.why
    assert caught.value.exit_code == 3


def test_of_many_candidates_five_are_named(world: World) -> None:
    world.enqueue_all([a_spec(id=f"3{n:011d}") for n in range(9)])
    with pytest.raises(AmbiguousError) as caught:
        find(world, "3000")
    assert caught.value.why.count("3000000") == 5
    assert "6+" in caught.value.message


@pytest.mark.parametrize("word", ["9zzz", "1aaaaaaaaaab"])
def test_an_id_that_nothing_has(world: World, word: str) -> None:
    with pytest.raises(NotFoundError):
        find(world, word)


@pytest.mark.parametrize(
    "word", ["", "1", "1aa", "echo", "1aaa%", "1aaaaaaaaaaaa", "1a'--", "1il0", "%", "_", "x" * 9999]
)
def test_what_is_no_id(world: World, word: str) -> None:
    with pytest.raises(UsageError) as caught:
        find(world, word)
    assert len(caught.value.message) < 100


def test_the_last_of_nothing() -> None:
    with pytest.raises(NotFoundError):
        find(World(), "@last")


def test_a_selector_must_narrow_something_or_say_all() -> None:
    with pytest.raises(UsageError):
        resolve.checked(Selector(), "cancel")
    for selector in (Selector(match_all=True), Selector(names=("a",)), Selector(since=0)):
        assert resolve.checked(selector, "cancel") is selector


def test_every_id_of_a_selector_must_exist(world: World) -> None:
    with world.store.read() as session:
        assert resolve.selector(session, Selector(ids=("2ccc", "@last"))).ids == (IDS[2], IDS[2])
        with pytest.raises(NotFoundError):
            resolve.selector(session, Selector(ids=("2ccc", "9999")))


def test_a_typo_makes_no_queue(world: World) -> None:
    with world.store.read() as session:
        assert resolve.known_queue(session, "critical") == "critical"
        with pytest.raises(NotFoundError, match="hihg") as caught:
            resolve.known_queue(session, "hihg")
    assert "high" in caught.value.hint
    assert "critical, high, default, low" in caught.value.why


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (Selector(), [IDS[2], IDS[1], IDS[0]]),
        (Selector(ids=(IDS[0], "2ccc")), [IDS[2], IDS[0]]),
        (Selector(tags=("t",)), [IDS[1], IDS[0]]),
        (Selector(tags=("t",), queues=("high",)), [IDS[0]]),
        (Selector(tags=("t", "u")), []),
        (Selector(queues=("high", "default")), [IDS[2], IDS[1], IDS[0]]),
        (Selector(names=("work",), states=(State.RUNNING,)), []),
        (Selector(names=("wor",)), []),
    ],
)  # fmt: skip
def test_queries_narrow_and_tell_the_newest_first(world: World, selector: Selector, expected: list[str]) -> None:
    with world.store.read() as session:
        assert [task.id for task in query.tasks(session, selector, 50, world.now)] == expected
        assert [task.id for task in query.all_tasks(session, selector)] == expected
        assert [task.id for task in query.tasks(session, selector, 1, world.now)] == expected[:1]


def test_paging_leaves_nobody_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "PAGE", 7)
    world.enqueue_all([a_spec() for _ in range(30)])
    with world.store.read() as session:
        seqs = [task.seq for task in query.all_tasks(session, Selector())]
    assert seqs == list(range(33, 0, -1))


def test_history_is_runs_unless_everything_is_asked_for(world: World) -> None:
    world.tick(children=1)
    (first,) = (row.spec.id for row in world.ledger.running())
    world.cancel(Selector(ids=(first,)))
    world.finish(first, Failed(TaskError("E", "no")))
    with world.store.read() as session:
        runs = query.history(session, Selector(ids=(first[:8],)), limit=9)
        every = query.history(session, Selector(ids=(first,)), limit=9, runs_only=False)
        failed = query.history(session, Selector(states=(State.FAILED,)), limit=9)
        none = query.history(session, Selector(states=(State.SUCCEEDED,)), limit=9)
    assert [entry.event for entry in runs] == ["exhaust"]
    assert [entry.event for entry in every] == ["exhaust", "cancel_requested"]
    assert (failed, none) == (runs, [])


def test_the_overview_counts_every_state(world: World) -> None:
    world.enqueue(delay_ms=9_000)
    world.tick(children=2)
    first, second = (row.spec.id for row in world.ledger.running())
    world.finish(first, Succeeded({"n": 1}))
    world.finish(second, Released(Reason.SHUTDOWN))
    with world.store.read() as session:
        found = query.overview(session, world.now)
    wanted = dict.fromkeys(State, 0) | {State.QUEUED: 3, State.SUCCEEDED: 1}
    assert (found.counts, found.next_due, found.workers) == (wanted, world.now + 9_000, 0)

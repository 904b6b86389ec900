"""The follower of a store: every change is told, however many come between two looks."""

from __future__ import annotations

from collections import Counter

from bgo.engine.cancel import cancel
from bgo.engine.monitor import QUEUED, Follower
from bgo.engine.query import PAGE, all_tasks
from bgo.model.query import Selector
from bgo.model.state import Reason
from tests.engine.world import World

MANY = 2 * PAGE + 7


def test_more_changes_than_a_page_holds_are_all_told_once_and_in_order() -> None:
    world = World()
    with world.store.read() as session:
        follower = Follower(session, Selector(match_all=True))
    ids = [world.enqueue() for _ in range(MANY)]
    with world.store.read() as session:
        told = follower.changes(session, world.now)
    assert [(change.type, change.task_id) for change in told] == [(QUEUED, task_id) for task_id in ids]
    with world.store.write() as session:
        cancel(session, list(all_tasks(session, Selector(match_all=True))), Reason.ALL, world.now)
    with world.store.read() as session:
        told = follower.changes(session, world.now)
        assert Counter(change.type for change in told) == {"cancel": MANY}
        assert {change.task_id for change in told} == set(ids)
        assert follower.changes(session, world.now) == []

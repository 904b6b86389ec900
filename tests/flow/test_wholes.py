"""Wholes and their members: counted once, walked page by page, answered for once; words and commands in Python."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import bgo
from bgo.errors import RefusedError, UsageError
from bgo.flow.wholes import LOOKED_AT, PAGE
from bgo.testing import drain
from tests.flow import kitchen

EVERYTHING = bgo.Selector(match_all=True, kinds=())


@pytest.fixture
def flow(bgo_isolate: Callable[[bgo.TaskFlow], bgo.TaskFlow]) -> bgo.TaskFlow:
    """Return the kitchen's flow on a store of its own."""
    return bgo_isolate(kitchen.flow)


def test_members_are_walked_inwards_in_their_order(flow: bgo.TaskFlow) -> None:
    chain = flow.chain("c").then("scan").then_map("shout", over="scan.files", as_="each").then("tell").enqueue({"n": 3})
    drain(flow)
    assert [task.name for task in flow.members(chain)] == ["scan", "shout", "shout", "shout", "tell"]


def test_members_and_results_are_read_by_the_page(flow: bgo.TaskFlow) -> None:
    count = 2 * PAGE + 10
    batch = flow.batch("shout", items=(f"p{n}" for n in range(count)))
    assert sum(1 for _ in flow.members(batch.id)) == count
    last = flow.batch_results(batch.id, limit=count)[-1]
    flow.cancel_execution(last.id)
    assert [view.id for view in flow.batch_results(batch.id, states=[bgo.State.CANCELLED], limit=5)] == [last.id]
    assert flow.batch_results(batch.id, states=[bgo.State.FAILED]) == []
    assert len(flow.batch_results(batch.id, states=[bgo.State.QUEUED], limit=PAGE + 1)) == PAGE + 1


def test_what_a_whole_brings_is_not_counted_beside_it(flow: bgo.TaskFlow) -> None:
    flow.enqueue("scan", tags=["t"])
    flow.chain("c").then("scan").then("tell").enqueue(tags=["t"])
    flow.batch("shout", items=["a", "b"], tags=["u"])
    assert flow.count_wholes(EVERYTHING, 10) == 3
    assert flow.count_wholes(bgo.Selector(tags=("t",), kinds=()), 10) == 2
    assert flow.count_wholes(bgo.Selector(names=("scan",), kinds=()), 10) == 2, "a member whose chain has another name"
    assert flow.count_wholes(bgo.Selector(match_all=True), 10) == 5, "tasks alone were asked for"
    assert flow.count_wholes(EVERYTHING, 1) == 2
    assert len(flow.cancel_all()) == 3


def test_counting_ends_where_too_much_would_be_looked_at(flow: bgo.TaskFlow) -> None:
    flow.batch("shout", items=(f"p{n}" for n in range(LOOKED_AT + 10)))
    assert flow.count_wholes(EVERYTHING, 7) == 8


def test_steps_as_words_and_commands(flow: bgo.TaskFlow) -> None:
    chain = flow.chain("c").then_words("scan", "one=shout@scan.files+tell").with_input({"n": 2, "x": 1})
    chain.then_commands("echo 'a b'", ["printf", "%s", "c"], env={"PATH": "/bin"})
    assert chain.handlers == ["scan", "shout", "tell", "shell", "shell"]
    spec = chain.spec({"x": 2})
    assert [step.name for step in spec.plan.steps] == ["scan", "one+tell", "echo", "printf"]
    assert spec.spec.input == b'{"n":2,"x":2}'
    with pytest.raises(UsageError, match="a shell would be needed"):
        chain.then_commands("a | b")


def test_commands_keep_the_environment_that_is_given_to_all(flow: bgo.TaskFlow) -> None:
    chain = flow.chain("c").then("scan").then_commands("true").with_options(env={"A": "1"})
    setups = [member.spec.setup for member in chain.spec().members]
    assert setups == [None, b'{"argv":["true"],"env":{"A":"1"}}']


def test_a_whole_is_not_edited_bumped_or_copied(flow: bgo.TaskFlow) -> None:
    chain = flow.chain("c").then("scan").enqueue()
    for verb in (lambda: flow.edit(chain, priority=1), lambda: flow.bump(chain), lambda: flow.request_like(chain)):
        with pytest.raises(RefusedError):
            verb()
    assert flow.explain(chain).task.state == "queued"

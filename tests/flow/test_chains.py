"""Chains from Python: how they are built, what flows through them, what is refused and what becomes of failures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import bgo
from bgo.testing import drain
from tests.flow import kitchen

Chain = Any


@pytest.fixture
def flow(bgo_isolate: Callable[[bgo.TaskFlow], bgo.TaskFlow]) -> bgo.TaskFlow:
    """Return the kitchen's flow on a store of its own."""
    return bgo_isolate(kitchen.flow)


def states(flow: bgo.TaskFlow, chain_id: str) -> dict[str, str]:
    """Return the state of each member and follow-up, by name."""
    node = flow.graph(chain_id)
    nodes = [*(m for step in node.steps for m in step.members), *node.follow_ups]
    return {each.task.name: str(each.task.state) for each in nodes}


def test_a_step_gets_the_input_and_the_outputs_before_it(flow: bgo.TaskFlow) -> None:
    chain = flow.chain("c").then("scan", input={"n": 1}).then("shout", input={"path": "p"}).then("tell", as_="last")
    chain_id = chain.enqueue({"dir": "/data", "by": "me"})
    drain(flow)
    said = flow.wait(chain_id)
    assert said["input"] == {"dir": "/data", "by": "shout", "loud": "P"}
    assert said["chain"] == {"scan": {"files": ["f0"], "by": "scan"}, "shout": {"loud": "P", "by": "shout"}}
    assert flow.get(chain_id).counts == {"total": 3, "succeeded": 3, "failed": 0, "cancelled": 0}


@pytest.mark.parametrize(("merge", "loud"), [("overwrite", "B"), ("array", ["A", "B"])])
def test_parallel_outputs_come_together(flow: bgo.TaskFlow, merge: Any, loud: object) -> None:
    both = [bgo.Member("shout", as_="one", input={"path": "a"}), bgo.Member("shout", as_="two", input={"path": "b"})]
    chain_id = flow.chain("c").then_all(both).then("tell", merge=merge).enqueue({"loud": "beneath"})
    drain(flow)
    assert flow.wait(chain_id)["input"]["loud"] == loud


@pytest.mark.parametrize("n", [0, 1, 3])
def test_a_fan_out_runs_once_for_each_item(flow: bgo.TaskFlow, n: int) -> None:
    chain = flow.chain("c").then("scan").then_map("shout", over="scan.files", as_="each").then("tell")
    chain_id = chain.enqueue({"n": n})
    drain(flow)
    each = [{"loud": f"F{i}", "by": "shout"} for i in range(n)]
    assert flow.wait(chain_id)["input"] == {"n": n, "each": each}


def test_an_item_sees_the_outputs_before_it_and_of_its_own_list_the_item(flow: bgo.TaskFlow) -> None:
    chain = flow.chain("c").then("shout").then("scan").then_map("look", over="scan.files", as_="each")
    chain_id = chain.enqueue({"path": "a"})
    drain(flow)
    seen = {"shout": {"loud": "A", "by": "shout"}}
    assert flow.wait(chain_id) == {"each": [{"path": f"f{i}", "chain": seen} for i in range(2)]}


@pytest.mark.parametrize(("over", "why"), [("scan.nothing", "has no nothing"), ("scan.by", "is str, not a list")])
def test_a_fan_out_over_what_is_no_list_fails_with_the_reason(flow: bgo.TaskFlow, over: str, why: str) -> None:
    chain_id = flow.chain("c").then("scan").then_map("shout", over=over, as_="each").then("tell").enqueue()
    drain(flow)
    assert states(flow, chain_id) == {"scan": "succeeded", "each": "failed", "tell": "failed"}
    with pytest.raises(bgo.TaskFailedError, match=why):
        flow.wait(chain_id)


def test_a_batch_is_a_step(flow: bgo.TaskFlow) -> None:
    chain = flow.chain("c").then_batch("shout", items=["a", {"path": "b"}], as_="both").then("tell")
    chain_id = chain.enqueue()
    drain(flow)
    assert [each["loud"] for each in flow.wait(chain_id)["input"]["both"]] == ["A", "B"]


def test_a_large_batch_as_a_step_comes_in_by_the_page(flow: bgo.TaskFlow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bgo.flow.entering.AT_ONCE", 3)
    monkeypatch.setattr("bgo.flow.entering.PAGE", 2)
    items = [f"i{number}" for number in range(7)]
    chain_id = flow.chain("c").then("scan").then_batch("shout", items=items, as_="all").then("tell").enqueue()
    assert flow.graph(chain_id).steps[1].members[0].counts == {"total": 7, "succeeded": 0, "failed": 0, "cancelled": 0}
    drain(flow)
    assert [each["loud"] for each in flow.wait(chain_id)["input"]["all"]] == [item.upper() for item in items]


def test_a_failure_fails_the_rest(flow: bgo.TaskFlow) -> None:
    chain_id = flow.chain("c").then_all(["fail", "scan"]).then("tell").enqueue()
    drain(flow)
    assert states(flow, chain_id) == {"fail": "failed", "scan": "succeeded", "tell": "failed"}
    assert flow.get_tasks_by_tag("none") == []
    with pytest.raises(bgo.TaskFailedError, match=r"step fail .* failed: ValueError: no"):
        flow.wait(chain_id)


def test_a_chain_goes_on_after_a_failure_if_it_is_told_to(flow: bgo.TaskFlow) -> None:
    chain_id = flow.chain("c").then("fail", on_failure="continue").then("tell").enqueue()
    drain(flow)
    assert states(flow, chain_id) == {"fail": "failed", "tell": "succeeded"}
    assert flow.wait(chain_id)["chain"] == {"fail": None}


def test_a_compensation_makes_good_for_a_step(flow: bgo.TaskFlow) -> None:
    chain = flow.chain("c").then("scan").then("fail", on_failure="undo").then("shout", input={"path": "x"})
    chain_id = chain.compensation("tell", as_="undo", input={"why": "cleanup"}).enqueue({"dir": "/d"})
    drain(flow)
    assert states(flow, chain_id) == {"scan": "succeeded", "fail": "failed", "shout": "failed", "undo": "succeeded"}
    (undo,) = flow.graph(chain_id).follow_ups
    said = flow.get(undo.task.id).output["input"]
    assert said == {
        "dir": "/d", "why": "cleanup", "failed_step": "fail", "error": {"type": "ValueError", "message": "no"},
    }  # fmt: skip
    assert str(flow.get(chain_id).state) == "failed"


def test_a_retried_chain_goes_on_from_the_step_that_failed(flow: bgo.TaskFlow) -> None:
    chain_id = flow.chain("c").then("scan").then("once_more").then("tell").enqueue()
    drain(flow)
    flow.retry_where(bgo.Selector(ids=(chain_id,)))
    ran = [run.name for run in drain(flow)]
    assert ran == ["once_more", "tell"]
    assert flow.wait(chain_id)["input"] == {"ok": True}


def test_retrying_the_step_brings_its_chain_back(flow: bgo.TaskFlow) -> None:
    chain_id = flow.chain("c").then("once_more").then("tell").enqueue()
    drain(flow)
    step = flow.graph(chain_id).steps[0].members[0].task.id
    flow.retry_where(bgo.Selector(ids=(step,)))
    drain(flow)
    assert states(flow, chain_id) == {"once_more": "succeeded", "tell": "succeeded"}


def test_a_cancelled_chain_starts_nothing_more(flow: bgo.TaskFlow) -> None:
    chain_id = flow.chain("c").then("scan").then("fail", on_failure="undo").compensation("tell", as_="undo").enqueue()
    assert flow.cancel_chain(chain_id).effect == "prevented"
    assert [run.name for run in drain(flow)] == []
    assert states(flow, chain_id) == {"scan": "cancelled", "fail": "cancelled"}
    assert flow.get(chain_id).task.reason == "chain"


def test_options_go_to_each_step_and_a_step_stands_over_them(flow: bgo.TaskFlow) -> None:
    power, retry = bgo.TaskConstraints(requires_charging=True), bgo.RetryPolicy.linear(2)
    chain = (
        flow.chain("c").then("scan", priority=5).then("tell", retry="none").with_constraints(power).with_retry(retry)
    )
    graph = flow.graph(chain.enqueue(tags=["t"], queue="low"))
    first, last = (flow.get(step.members[0].task.id).task for step in graph.steps)
    assert (first.priority, first.wish.retry, last.wish.retry) == (5, retry, bgo.RetryPolicy.NONE)
    assert first.wish.constraints == last.wish.constraints == power
    assert {(task.queue, task.tags) for task in (first, last, graph.task)} == {("low", ("t",))}


def test_a_start_time_is_that_of_the_first_step(flow: bgo.TaskFlow, bgo_clock: Any) -> None:
    chain_id = flow.chain("c").then("scan").then("tell").enqueue(delay=60)
    assert [run.name for run in drain(flow)] == []
    bgo_clock.advance(60)
    assert [run.name for run in drain(flow)] == ["scan", "tell"]
    assert flow.get(chain_id).is_final


def test_work_comes_after_a_chain_and_a_chain_after_work(flow: bgo.TaskFlow) -> None:
    first = flow.chain("c").then("scan").then("tell").enqueue()
    second = flow.chain("d").then("tell", as_="second").enqueue(after=[first])
    flow.enqueue("tell", after=[second], as_="third")
    assert flow.explain(second).verdict == f"waits for {first}"
    assert [run.name for run in drain(flow)] == ["scan", "tell", "second", "third"]


def test_what_comes_after_a_chain_that_fails_fails_whole(flow: bgo.TaskFlow) -> None:
    first = flow.chain("c").then("fail").enqueue()
    second = flow.chain("d").then_all(["scan", "shout"]).then("tell").enqueue({"path": "p"}, after=[first])
    drain(flow)
    assert set(states(flow, second).values()) == {"failed"}
    assert flow.get(second).task.reason == "upstream_failed"


def test_a_chain_is_one_of_a_kind_as_a_whole(flow: bgo.TaskFlow) -> None:
    chain = flow.chain("c").then("scan").then("tell")
    first = chain.enqueue({"n": 1}, dedup="input")
    assert chain.enqueue({"n": 1}, dedup="input") == first != chain.enqueue({"n": 2}, dedup="input")
    kept = chain.enqueue(unique_id="u")
    assert chain.enqueue(unique_id="u") == kept
    replaced = chain.enqueue(unique_id="u", unique_policy="replace")
    assert str(flow.get(kept).state) == "cancelled" != str(flow.get(replaced).state)


def build(flow: bgo.TaskFlow) -> Chain:
    return flow.chain("c")


REFUSED: list[tuple[Callable[[Chain], Any], str]] = [
    (lambda c: c.enqueue(), "a chain needs a step"),
    (lambda c: c.then("scan").then("scan").enqueue(), "step scan appears twice"),
    (lambda c: c.then_all([]), "then_all: no step"),
    (lambda c: c.then("scan", on_failure="undo").enqueue(), "on_failure names no step"),
    (lambda c: c.then_map("shout", over="later.x").then("scan", as_="later").enqueue(), "no earlier step is called"),
    (lambda c: c.then_map("shout", over="input.paths").enqueue({"paths": "a"}), "is str, not a list"),
    (lambda c: c.then("shout").enqueue(), "path is missing"),
    (lambda c: c.then("shout", input={"path": 1}).enqueue(), "does not accept 1"),
    (lambda c: c.then("scan").then("shout", input={"pth": "x"}).enqueue(), "unknown input"),
    (lambda c: c.then("scan", dedup="input").enqueue(), "dedup is not for one of its members"),
    (lambda c: c.then("scan", merge="sum").enqueue(), "neither overwrite nor array"),
    (lambda c: c.then_batch("shout", items=[]).enqueue(), "no items"),
    (lambda c: c.then_batch("shout", items=["a", 1]).enqueue(), "item 2: .* does not accept 1"),
    (lambda c: c.then("scan", as_="input").enqueue(), "cannot be called input"),
]


@pytest.mark.parametrize(("make", "said"), REFUSED)
def test_what_makes_no_sense_is_refused_and_nothing_is_left(
    flow: bgo.TaskFlow, make: Callable[[Chain], Any], said: str
) -> None:
    with pytest.raises(bgo.BgoError, match=said) as caught:
        make(build(flow))
    assert caught.value.exit_code == 2
    assert caught.value.why
    assert flow.store.connection.execute("SELECT count(*) FROM task").fetchone() == (0,)

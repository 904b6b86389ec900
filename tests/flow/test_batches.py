"""Batches from Python: streamed whole or not at all, open ones, callbacks, results, one of a kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import bgo
from bgo.model.query import Selector
from bgo.testing import drain
from tests.flow import kitchen


@pytest.fixture
def flow(bgo_isolate: Callable[[bgo.TaskFlow], bgo.TaskFlow], monkeypatch: pytest.MonkeyPatch) -> bgo.TaskFlow:
    """Return the kitchen's flow on a store of its own; its batches come in by small pages."""
    monkeypatch.setattr("bgo.flow.entering.PAGE", 3)
    return bgo_isolate(kitchen.flow)


def ran(flow: bgo.TaskFlow) -> list[str]:
    """Execute what is due and return the names in order."""
    return [run.name for run in drain(flow)]


def test_each_item_becomes_a_task_over_the_input_beneath(flow: bgo.TaskFlow) -> None:
    items = ["a", {"path": "b"}, {"path": "c", "n": 9}]
    batch = flow.batch("photos", items, handler="tell", field="path", input={"n": 1, "x": True}, tags=["t"])
    assert ran(flow) == ["photos"] * 3
    assert [view.output["input"] for view in batch.results] == [
        {"path": "a", "n": 1, "x": True}, {"path": "b", "n": 1, "x": True}, {"path": "c", "n": 9, "x": True},
    ]  # fmt: skip
    assert batch.wait() == {"total": 3, "succeeded": 3, "failed": 0, "cancelled": 0}
    assert {view.task.tags for view in flow.get_tasks_by_tag("t")} == {("t",)}


def test_a_plain_item_goes_where_the_handler_needs_one(flow: bgo.TaskFlow) -> None:
    batch = flow.batch("shout", ["a"])
    drain(flow)
    assert batch.results[0].output == {"loud": "A", "by": "shout"}


def test_callbacks_follow_the_end(flow: bgo.TaskFlow) -> None:
    good = flow.batch("shout", ["a", "b"], then="count", catch="tell", finally_="tell")
    assert ran(flow) == ["shout", "shout", "count", "tell"]
    bad = flow.batch("mixed", [{"n": 1}], handler="fail", then="tell", catch="count", finally_="tell")
    assert ran(flow) == ["mixed", "count", "tell"]
    assert [node.task.name for node in flow.graph(good.id).follow_ups] == ["count", "tell"]
    assert str(bad.status.state) == "failed"


def test_a_callback_may_come_after_the_end(flow: bgo.TaskFlow) -> None:
    batch = flow.batch("shout", ["a"])
    drain(flow)
    batch.then("count").catch("tell")
    assert ran(flow) == ["count"]
    with pytest.raises(bgo.BgoError, match="called already"):
        batch.then("count")


def test_callables_run_where_it_is_waited_for(flow: bgo.TaskFlow) -> None:
    heard: list[Any] = []
    batch = flow.batch("shout", ["a", "b"])
    drain(flow)
    batch.then(lambda results: heard.append(len(results))).finally_(lambda: heard.append("done")).wait()
    failed = flow.batch("broken", ["a"], handler="fail").catch(heard.append)
    drain(flow)
    failed.wait()
    assert heard[:2] == [2, "done"]
    assert "1 of 1 failed" in str(heard[2])


def test_a_retried_batch_runs_what_failed_and_calls_nobody_twice(flow: bgo.TaskFlow) -> None:
    batch = flow.batch("b", [{"k": 1}, {"k": 2}], handler="once_more", then="count", catch="tell", finally_="tell")
    assert ran(flow) == ["b", "b", "tell", "tell"]
    flow.retry_where(bgo.Selector(ids=(batch.id,)))
    assert ran(flow) == ["b", "b", "count"]
    assert batch.wait() == {"total": 2, "succeeded": 2, "failed": 0, "cancelled": 0}


def test_a_retry_takes_back_the_callbacks_that_have_not_begun(flow: bgo.TaskFlow) -> None:
    batch = flow.batch("tell", [{"n": n} for n in range(2)], catch="count", finally_="count")
    flow.cancel_where(Selector(ids=(batch.id,)), "user")
    asked = flow.graph(batch.id).follow_ups
    assert [str(node.task.state) for node in asked] == ["queued", "blocked"]
    flow.retry_where(Selector(ids=(batch.id,)))
    assert [flow.get(node.task.id).task.reason for node in asked] == ["replaced", "replaced"]
    assert ran(flow) == ["tell", "tell", "count"]
    (last,) = [node for node in flow.graph(batch.id).follow_ups if node.task.state == "succeeded"]
    assert flow.get(last.task.id).output == {"total": 2, "failed": 0}


def test_a_cancelled_batch_is_called_off_whole(flow: bgo.TaskFlow) -> None:
    batch = flow.batch("shout", [str(number) for number in range(8)], catch="count")
    batch.cancel()
    assert ran(flow) == ["count"]
    assert (batch.status.counts or {})["cancelled"] == 8


def test_an_open_batch_takes_items_until_it_is_closed(flow: bgo.TaskFlow) -> None:
    batch = flow.batch("shout", ["a"], open=True, then="count")
    assert (ran(flow), batch.add(["b", "c", "d", "e"]), ran(flow)) == (["shout"], 4, ["shout"] * 4)
    assert str(batch.status.state) == "running"
    assert (batch.close(), batch.close(), ran(flow)) == (True, False, ["count"])
    with pytest.raises(bgo.BgoError, match="takes no more items"):
        batch.add(["f"])


def test_an_open_batch_closed_empty_succeeds(flow: bgo.TaskFlow) -> None:
    batch = flow.batch("shout", open=True, then="tell")
    batch.close()
    assert (str(batch.status.state), ran(flow)) == ("succeeded", ["tell"])


def test_a_chain_of_each_item(flow: bgo.TaskFlow) -> None:
    each = flow.chain("per").then("scan").then_map("shout", over="scan.files", as_="loud").then("tell")
    batch = flow.batch("trees", [{"n": 0}, {"n": 2}], chain=each, then="count")
    drain(flow)
    assert [len(view.output["input"]["loud"]) for view in batch.results] == [0, 2]
    assert batch.wait()["succeeded"] == 2
    assert [node.task.name for node in flow.graph(batch.id).follow_ups] == ["count"]


def broken() -> Iterator[Any]:
    yield from ("a", "b", "c", "d")
    raise RuntimeError("the source has failed")


def test_lists_and_the_monitor_are_of_what_stands_alone(flow: bgo.TaskFlow) -> None:
    batch = flow.batch("each", [{"n": n} for n in range(3)], chain=flow.chain("one").then("tell"), open=True)
    assert ([view.id for view in flow.batches()], flow.chains()) == ([batch.id], [])
    assert [view.task.name for view in flow.chains(Selector(under=(batch.id,)))] == ["one"] * 3
    assert flow.snapshot(Selector(match_all=True), rows=5).wholes == ()
    drain(flow)
    assert [view.id for view in flow.snapshot(Selector(match_all=True), rows=5).wholes] == [batch.id]


@pytest.mark.parametrize(
    ("items", "said"),
    [([], "needs items"), (["a", "b", "c", "d", 5], "item 5: .* does not accept 5"), ([{"nope": 1}], "unknown input")],
)
def test_what_does_not_fit_leaves_nothing(flow: bgo.TaskFlow, items: list[Any], said: str) -> None:
    with pytest.raises(bgo.BgoError, match=said) as caught:
        flow.batch("shout", items)
    assert caught.value.exit_code == 2
    assert_nothing_is_left(flow)


def test_a_source_that_fails_leaves_nothing(flow: bgo.TaskFlow) -> None:
    with pytest.raises(RuntimeError, match="the source has failed"):
        flow.batch("shout", broken())
    assert_nothing_is_left(flow)


def assert_nothing_is_left(flow: bgo.TaskFlow) -> None:
    for table in ("task", "flow", "stage", "payload", "task_tag", "history"):
        assert flow.store.connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
    assert not list(flow.settings.run_dir.glob("*.stage"))


def test_nobody_sees_a_batch_before_it_is_whole(flow: bgo.TaskFlow) -> None:
    other = flow.enqueue("scan")

    def items() -> Iterator[str]:
        for number in range(10):
            if number == 9:
                assert [view.id for view in flow.get_all_tasks()] == [other]
                assert flow.overview().counts["queued"] == 1
                assert [row.waiting for row in flow.queues() if row.name == "default"] == [1]
                assert (flow.get("@last").id, flow.batches()) == (other, [])
                flow.cancel_all()
            yield str(number)

    batch = flow.batch("shout", items())
    assert str(flow.get(other).state) == "cancelled"
    assert (flow.get("@last").id, len(batch.results), ran(flow)) == (batch.id, 10, ["shout"] * 10)


def test_equal_batches_are_one(flow: bgo.TaskFlow) -> None:
    first = flow.batch("shout", ["a", "b"], dedup="input")
    second = flow.batch("shout", ["a", "b"], dedup="input")
    third = flow.batch("shout", ["a", "c"], dedup="input")
    assert (second.id, second.outcome, third.outcome) == (first.id, "deduplicated", "new")
    assert len(flow.get_all_tasks()) == 4


def test_a_unique_batch_is_kept_appended_or_replaced_whole(flow: bgo.TaskFlow) -> None:
    first = flow.batch("shout", ["a", "b"], unique_id="u")
    assert flow.batch("shout", ["c"], unique_id="u").id == first.id
    waits = flow.batch("shout", ["d", "e"], unique_id="u", unique_policy="append")
    assert flow.explain(waits.id).verdict == f"waits for {first.id}"
    assert flow.explain(waits.results[0].id).verdict == "held by staging"
    assert ran(flow) == ["shout"] * 4
    last = flow.batch("shout", ["f"], unique_id="u", unique_policy="append")
    new = flow.batch("shout", ["g"], unique_id="u", unique_policy="replace")
    assert (str(last.status.state), ran(flow), str(new.status.state)) == ("cancelled", ["shout"], "succeeded")


def test_results_are_read_page_by_page(flow: bgo.TaskFlow) -> None:
    batch = flow.batch("shout", [str(number) for number in range(7)])
    page = flow.batch_results(batch.id, limit=3)
    rest = flow.batch_results(batch.id, after=page[-1].id)
    assert [view.input["path"] for view in (*page, *rest)] == [str(number) for number in range(7)]
    assert [view.id for view in batch.results[2:4]] == [page[2].id, rest[0].id]
    with pytest.raises(IndexError):
        _ = batch.results[7]

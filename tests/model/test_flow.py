"""Plans of chains and batches come back from their stored bytes as they went in, however deep."""

from __future__ import annotations

from bgo.model import payload as payloads
from bgo.model.flow import (
    CALLBACKS,
    BatchPlan,
    ChainPlan,
    ChainSpec,
    MemberSpec,
    Over,
    Step,
    batch_plan_from,
    batch_plan_json,
    chain_plan_from,
    chain_plan_json,
    spec_from,
    spec_json,
    with_callback,
)
from bgo.model.limits import ConcurrencyControl, DedupPolicy, RateLimit, Unique
from bgo.model.options import RetryPolicy, TaskConstraints
from bgo.model.task import TaskSpec, Wish

FULL = TaskSpec(
    id="", handler="work", input=b'{"a":"\xc3\xa9"}', name="alias", queue="high", priority=-3, tags=("x", "y"),
    due_at=17, setup=b'{"argv":["a b"],"env":{}}', cwd="/srv",
    wish=Wish(
        retry=RetryPolicy.custom(delays=[1, 2]), constraints=TaskConstraints(requires_charging=True),
        concurrency=ConcurrencyControl(3, key="k"), at_most_once=True, rate=RateLimit(2, 1_000, "r"),
        dedup=DedupPolicy(), unique=Unique("u"), start_before=5, finish_before=9,
    ),
)  # fmt: skip
PLAIN = TaskSpec(id="", handler="work", input=b"{}")


def through_bytes(plan: BatchPlan) -> BatchPlan:
    return batch_plan_from(payloads.dump(batch_plan_json(plan), "the plan"))


def test_a_template_comes_back() -> None:
    for spec in (FULL, PLAIN):
        assert spec_from(spec_json(spec)) == spec


def test_a_chains_plan_comes_back() -> None:
    steps = (Step("a", ("a",)), Step("b+c", ("b", "c"), "undo", "array"), Step("d", ("d",), "continue"))
    for plan in (ChainPlan(steps, {"undo": FULL, "other": PLAIN}), ChainPlan(steps)):
        assert chain_plan_from(payloads.dump(chain_plan_json(plan), "the plan")) == plan


def test_a_batchs_plan_comes_back_however_deep() -> None:
    inner = BatchPlan(FULL, over=Over("scan", ("a", "b")), callbacks={"then": FULL})
    members = (
        MemberSpec(PLAIN, 0),
        MemberSpec(FULL, 1, inner),
        MemberSpec(PLAIN, 1, BatchPlan(PLAIN), (b'{"n":1}', b"{}")),
    )
    chain = ChainSpec(PLAIN, ChainPlan((Step("a", ("a",)), Step("b+c", ("b", "c"), "undo")), {"undo": PLAIN}), members)
    for plan in (
        BatchPlan(),
        BatchPlan(FULL, callbacks=dict.fromkeys(CALLBACKS, PLAIN)),
        BatchPlan(PLAIN, over=Over("input")),
        BatchPlan(PLAIN, field_="path"),
        BatchPlan(chain=chain, callbacks={"finally": FULL}),
        BatchPlan(chain=ChainSpec(PLAIN, ChainPlan(()), (MemberSpec(PLAIN, 0, BatchPlan(chain=chain), (b"{}",)),))),
    ):
        assert through_bytes(plan) == plan


def test_a_callback_is_added_beside_the_others() -> None:
    plan = with_callback(BatchPlan(PLAIN, callbacks={"then": PLAIN}), "catch", FULL)
    assert plan == BatchPlan(PLAIN, callbacks={"then": PLAIN, "catch": FULL})
    assert with_callback(plan, "catch", PLAIN).callbacks["catch"] == PLAIN
    assert through_bytes(plan) == plan


def test_a_list_is_named_as_people_write_it() -> None:
    assert str(Over("scan", ("a", "b"))) == "scan.a.b"
    assert str(Over("scan")) == "scan"

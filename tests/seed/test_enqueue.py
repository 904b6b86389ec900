"""The seed's first example, and its chapters on rates, limits, queues and duplicates: in a shell and in Python.

Encryption, which the first example also asks for, is not in this version; that it is refused by name is tested too.
"""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from bgo import ConcurrencyControl, ConcurrencyStrategy, DedupPolicy, RateLimit, RunOptions, TaskFlow, TaskQueue
from bgo import TaskTimeout as Timeout
from bgo.errors import UsageError
from bgo.model.task import Wish
from tests.seed.conftest import Sh, most_at_once, objects, runs, states

MINUTE = 60_000
SYNC = "bgo enqueue syncData userId=123 --timeout moderate --dedup input --dedup-ttl 5m --concurrency limited"
EVERYTHING = f"{SYNC} --rate moderate --queue high"
KEPT = Wish(
    timeout=Timeout.MODERATE,
    dedup=DedupPolicy.by_input(ttl=timedelta(minutes=5)),
    concurrency=ConcurrencyControl.LIMITED,
    rate=RateLimit.MODERATE,
)


def test_1_basic_task_in_a_shell(sh: Sh, flow: TaskFlow) -> None:
    (task_id,) = sh("bgo enqueue syncData userId=123 && bgo run --quiet")
    assert flow.wait(task_id) == {"synced": True}


def test_1_basic_task_in_python(flow: TaskFlow) -> None:
    task_id = flow.enqueue("syncData", input={"userId": "123"})
    flow.run()
    assert flow.wait(task_id) == {"synced": True}


def test_1_with_timeout_dedup_concurrency_rate_and_queue_in_a_shell(sh: Sh, flow: TaskFlow) -> None:
    first, again = objects(sh(f"{EVERYTHING} --json; {EVERYTHING} --json"))
    assert (first["deduplicated"], again["deduplicated"], again["id"]) == (False, True, first["id"])
    assert flow.get(first["id"]).task.wish == KEPT
    assert sh(f"{EVERYTHING}; bgo run --quiet; bgo status {first['id']} -q") == [first["id"], first["id"]]
    assert states(flow) == {first["id"]: "succeeded"}


def test_1_with_timeout_dedup_concurrency_rate_and_queue_in_python(flow: TaskFlow) -> None:
    def enqueue() -> str:
        return flow.enqueue(
            "syncData",
            input={"userId": "123"},
            timeout=Timeout.MODERATE,
            dedup=DedupPolicy.by_input(ttl=timedelta(minutes=5)),
            concurrency=ConcurrencyControl.LIMITED,
            rate_limit=RateLimit.MODERATE,
            queue=TaskQueue.HIGH,
        )

    task_id = enqueue()
    assert enqueue() == task_id
    task = flow.get(task_id).task
    assert (task.queue, task.wish) == ("high", KEPT)
    flow.run()
    assert states(flow) == {task_id: "succeeded"}


def test_encryption_is_refused_by_name(sh: Sh, flow: TaskFlow) -> None:
    assert sh("bgo enqueue syncData --encrypt || echo $?") == ["2"]
    with pytest.raises(UsageError, match="encryption is not available in this version"):
        flow.enqueue("syncData", encryption="aes256")  # type: ignore[call-arg]
    assert states(flow) == {}


def test_11_max_3_uploads_at_once_in_a_shell(sh: Sh, flow: TaskFlow) -> None:
    sh("for n in 1 2 3 4 5 6; do bgo enqueue uploadFile n=$n --concurrency limited; done; bgo run --slots 6 --quiet")
    assert (len(runs(flow)), most_at_once(flow)) == (6, 3)


def test_11_max_3_uploads_at_once_in_python(flow: TaskFlow) -> None:
    for n in range(6):
        flow.enqueue("uploadFile", {"n": n}, concurrency=ConcurrencyControl.LIMITED)
    flow.run(RunOptions(slots=6))
    assert (len(runs(flow)), most_at_once(flow)) == (6, 3)


def test_11_five_by_priority_in_a_shell(sh: Sh, flow: TaskFlow) -> None:
    options = "--concurrency 5:by-priority --concurrency-key uploads"
    sh(f"for n in 1 2 3; do bgo enqueue uploadFile --priority $n --as p$n {options}; done; bgo run --slots 1 --quiet")
    assert [entry.name for entry in runs(flow)] == ["p3", "p2", "p1"]


def test_11_five_by_priority_in_python(flow: TaskFlow) -> None:
    control = ConcurrencyControl(max_concurrent=5, strategy=ConcurrencyStrategy.BY_PRIORITY)
    for n in range(7):
        flow.enqueue("uploadFile", {"n": n}, concurrency=control, priority=n)
    flow.run(RunOptions(slots=7))
    assert most_at_once(flow) == 5
    first = [flow.get(entry.task_id).input["n"] for entry in runs(flow)[:5]]
    assert sorted(first) == [2, 3, 4, 5, 6]


def test_12_max_10_calls_a_minute_in_a_shell(sh: Sh, flow: TaskFlow) -> None:
    *_, last = sh("for n in $(seq 12); do bgo enqueue apiCall n=$n --rate 10/1m; done; bgo run --json")
    report = json.loads(last)
    assert (report["succeeded"], report["waiting"]["held"]) == (10, {"rate": 2})
    (line,) = [line for line in json.loads("".join(sh("bgo explain @last --json")))["gates"] if line["gate"] == "rate"]
    assert line["open"] is False


def test_12_max_10_calls_a_minute_in_python(flow: TaskFlow) -> None:
    limit = RateLimit(max_executions=10, window=timedelta(minutes=1))
    flow.enqueue_many("apiCall", [{"n": n} for n in range(12)], rate_limit=limit)
    flow.run()
    assert len(runs(flow)) == 10
    assert sorted(states(flow).values()) == ["queued"] * 2 + ["succeeded"] * 10


PRESETS = [
    ("conservative", 5, MINUTE),
    ("moderate", 10, MINUTE),
    ("aggressive", 50, MINUTE),
    ("hourly", 100, 60 * MINUTE),
]


@pytest.mark.parametrize(("preset", "count", "window"), PRESETS)
def test_12_presets(sh: Sh, flow: TaskFlow, preset: str, count: int, window: int) -> None:
    (task_id,) = sh(f"bgo enqueue apiCall --rate {preset}")
    other = flow.enqueue("apiCall", rate_limit=getattr(RateLimit, preset.upper()))
    for view in map(flow.get, (task_id, other)):
        assert view.task.wish.rate == RateLimit(count, timedelta(milliseconds=window))
    flow.enqueue_many("apiCall", [{}] * count, rate_limit=preset)
    flow.run(RunOptions(slots=4))
    assert len(runs(flow)) == count


def assert_paid_first(flow: TaskFlow) -> None:
    """All payments go before the analytics."""
    names = [entry.name for entry in runs(flow)]
    assert names == ["processPayment"] * 3 + ["trackAnalytics"] * 3


def test_13_payments_before_analytics_in_a_shell(sh: Sh, flow: TaskFlow) -> None:
    sh("for n in 1 2 3; do bgo enqueue trackAnalytics n=$n --queue low; done")
    sh("for n in 1 2 3; do bgo enqueue processPayment n=$n --queue critical; done; bgo run --slots 1 --quiet")
    assert_paid_first(flow)


def test_13_payments_before_analytics_in_python(flow: TaskFlow) -> None:
    for n in range(3):
        flow.enqueue("trackAnalytics", {"n": n}, queue=TaskQueue.LOW)
    for n in range(3):
        flow.enqueue("processPayment", {"n": n}, queue=TaskQueue.CRITICAL)
    flow.run(RunOptions(slots=1))
    assert_paid_first(flow)


def test_13_weights(sh: Sh, flow: TaskFlow) -> None:
    (line,) = sh("bgo queues --json | tr -d '\\n' && echo")
    assert {row["name"]: row["weight"] for row in json.loads(line)} == {
        "critical": 100,
        "high": 10,
        "default": 1,
        "low": 0.1,
    }
    assert {row.name: row.weight for row in flow.queues()} == {"critical": 100, "high": 10, "default": 1, "low": 0.1}


def test_14_by_input_within_five_minutes_in_a_shell(sh: Sh, flow: TaskFlow) -> None:
    command = "bgo enqueue syncUser --dedup input --dedup-ttl 5m"
    first, again, other = sh(f"{command} userId=123; bgo run --quiet; {command} userId=123; {command} userId=124")
    assert (again, other != first) == (first, True)
    assert states(flow) == {first: "succeeded", other: "queued"}


def test_14_by_input_within_five_minutes_in_python(flow: TaskFlow) -> None:
    def enqueue(user: str) -> str:
        return flow.enqueue("syncUser", input={"userId": user}, dedup=DedupPolicy.by_input(ttl=timedelta(minutes=5)))

    first = enqueue("123")
    flow.run()
    assert (enqueue("123"), enqueue("124") != first) == (first, True)


def test_14_only_by_the_user_in_a_shell(sh: Sh, flow: TaskFlow) -> None:
    command = "bgo enqueue syncUser --dedup userId --dedup-ttl 5m"
    first, again = sh(f"{command} userId=123 force:=true; {command} userId=123 force:=false")
    assert again == first
    assert flow.get(first).input == {"userId": "123", "force": True}
    assert sh("bgo enqueue syncUser --dedup userid userId=123 || echo $?") == ["2"]


def test_14_only_by_the_user_in_python(flow: TaskFlow) -> None:
    policy = DedupPolicy.by_fields(ttl=timedelta(minutes=5), fields=["userId"])
    first = flow.enqueue("syncUser", input={"userId": "123", "force": True}, dedup=policy)
    assert flow.enqueue("syncUser", input={"userId": "123", "force": False}, dedup=policy) == first
    with pytest.raises(UsageError):
        flow.enqueue("syncUser", input={"force": True}, dedup=policy)

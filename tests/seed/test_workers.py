"""Limits and rates hold over all workers on a store: two real ones side by side, as two crontabs would start them."""

from __future__ import annotations

from bgo import ConcurrencyControl, RateLimit, TaskFlow
from tests.seed.conftest import Sh, most_at_once, runs

TWO_WORKERS = "bgo run {options} --quiet & bgo run {options} --quiet; wait"


def work(sh: Sh, options: str) -> None:
    sh(TWO_WORKERS.format(options=options))


def test_three_at_once_by_their_own_limit(sh: Sh, flow: TaskFlow) -> None:
    for _ in range(9):
        flow.enqueue("uploadFile", concurrency=ConcurrencyControl.LIMITED)
    assert_three_over_two(sh, flow)


def test_three_at_once_by_the_slots_of_their_queue(sh: Sh, flow: TaskFlow) -> None:
    sh("bgo queues add own --slots 3")
    for _ in range(9):
        flow.enqueue("uploadFile", queue="own")
    assert_three_over_two(sh, flow)


def assert_three_over_two(sh: Sh, flow: TaskFlow) -> None:
    work(sh, "--slots 2")
    work(sh, "--slots 2")  # a worker ends when what is left is held by what another one runs
    assert (len(runs(flow)), most_at_once(flow)) == (9, 3)
    assert len({entry.worker for entry in runs(flow)}) >= 2


def test_no_window_sees_more_starts_over_two_workers(sh: Sh, flow: TaskFlow) -> None:
    for _ in range(7):
        flow.enqueue("apiCall", rate_limit=RateLimit(3, 1.5))
    work(sh, "--until-empty --slots 2")
    starts = [entry.started_at or 0 for entry in runs(flow)]
    assert len(starts) == 7
    assert all(later - early > 1500 for early, later in zip(starts, starts[3:], strict=False))


def test_a_limit_of_the_config_holds_for_both(sh: Sh, flow: TaskFlow) -> None:
    sh("printf '[limits.uploadFile]\\nconcurrency = 2\\n' > $BGO_HOME/config.toml")
    for _ in range(6):
        flow.enqueue("uploadFile", concurrency=5)
    work(sh, "--slots 4")
    work(sh, "--slots 4")
    assert (len(runs(flow)), most_at_once(flow)) == (6, 2)


def test_equal_work_is_queued_once_by_four_shells_at_once(sh: Sh, flow: TaskFlow) -> None:
    command = "bgo enqueue syncUser userId=123 --dedup input --dedup-ttl 5m"
    assert len(set(sh(f"{command} & {command} & {command} & {command} & wait"))) == 1
    assert len(flow.get_all_tasks()) == 1

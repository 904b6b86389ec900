"""Planted bugs: each, put into real workers, must turn the named check red. A check that stays green checks nothing.

The workers alone are changed (`bugs.py`); the checks are those of the other files, with the patience of a few seconds.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from bgo.errors import BgoError
from tests.run import kit, test_device_loss, test_leases, test_stopping, test_store_trouble, test_worker
from tests.run.chaos import Chaos
from tests.run.harness import findings
from tests.run.yard import a_yard

pytestmark = pytest.mark.slow

Check = Callable[..., None]

STOPPED = test_leases.test_a_worker_that_was_stopped_past_its_lease_can_write_nothing
LOSES = test_device_loss.test_what_loses_its_power_is_stopped_held_and_runs_again
BUGS: list[tuple[str, Check, dict[str, Any]]] = [
    # bug, the check that must turn red, its other arguments
    ("settle_without_the_run", STOPPED, {}),
    ("count_at_the_finish", test_leases.test_a_task_that_kills_its_worker_is_counted_each_time, {}),
    ("rescue_by_id_alone", test_leases.test_a_rescue_that_was_slow_robs_nobody, {}),
    (
        "stop_the_child_alone",
        test_stopping.test_a_stopped_command_leaves_no_process_behind,
        {"stop": test_stopping.kill_child},
    ),
    ("rescue_without_a_stop", STOPPED, {}),
    ("normal_sync", test_store_trouble.test_every_commit_of_a_worker_is_synced, {}),
    ("no_turnstile", test_store_trouble.test_a_worker_queues_at_the_turnstile, {}),
    ("no_renewal", test_leases.test_a_task_of_many_leases_runs_once, {}),
    ("no_hand_back", test_stopping.test_what_is_not_done_within_the_grace_is_handed_back_uncharged, {}),
    ("alive_by_pid", test_leases.test_a_pid_that_is_used_again_is_not_taken_for_the_worker, {}),
    ("trust_every_child", test_leases.test_a_child_that_an_heir_has_killed_gets_no_new_task, {}),
    ("believe_every_frame", test_worker.test_what_a_thread_left_behind_says_is_not_taken_for_the_next_task, {}),
    ("charge_losses", test_leases.test_losses_are_counted_uncharged_and_forgotten_after_a_checkpoint, {}),
    ("charge_stops", LOSES, {"how": "polite"}),
    ("watch_the_gate_only", LOSES, {"how": "rude"}),
    ("undo_stops", test_device_loss.test_power_that_comes_back_too_late_does_not_undo_the_stop, {}),
    ("forget_what_failed_to_commit", test_store_trouble.test_a_busy_store_delays_an_ending_and_loses_nothing, {}),
]


@pytest.mark.parametrize(("bug", "check", "more"), BUGS, ids=[f"{bug}->{check.__name__}" for bug, check, _ in BUGS])
def test_a_planted_bug_turns_its_check_red(
    bug: str, check: Check, more: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kit, "LIMIT", 5.0)
    wanted = inspect.signature(check).parameters
    lease_s = 3600 if "long" in wanted else 1 if check.__module__ == test_leases.__name__ else 30
    with a_yard(lease_s=lease_s) as yard:
        yard.bug = bug
        given = {"yard": yard, "long": yard, "gate": "", **more}
        if "gate" in wanted:
            given["gate"] = yard.fifo("gate")
        if "power" in wanted:
            given["power"] = test_device_loss.powered(yard)
        with pytest.raises((AssertionError, BgoError)) as caught:
            check(**{name: given[name] for name in wanted})
        print(f"{bug}: {check.__name__}: {str(caught.value).splitlines()[0][:150]}")
        for worker in yard.workers:
            assert "Traceback" not in worker.said, f"the bug shows by itself: {worker.said[-2000:]}"


@pytest.mark.parametrize(("bug", "check"), [("stop_the_child_alone", "overlap"), ("charge_losses", "charged")])
def test_the_crash_harness_finds_a_planted_bug(bug: str, check: str) -> None:
    with a_yard(lease_s=1) as yard:
        chaos = Chaos(yard, seed=1, plant=bug)
        for blows in range(20, 160, 20):
            chaos.run(blows)
            if findings(yard, set())[check]:
                return
        pytest.fail(f"{check} is still green after {blows} blows")

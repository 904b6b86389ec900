"""Hooks in real workers: heard once each, in a process of their own, and never at a task's expense."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.run.hook_kit import WORK, Home
from tests.run.kit import is_alive, wait_until

GOOD = """
@bgo.hookimpl
def bgo_task_started(entry): say("started", entry.id)
@bgo.hookimpl
def bgo_task_succeeded(entry): say("succeeded", entry.id)
@bgo.hookimpl
def bgo_task_failed(entry): say("failed", entry.id, str(entry.error))
@bgo.hookimpl
def bgo_task_cancelled(entry): say("cancelled", entry.id, entry.reason)
@bgo.hookimpl
def bgo_task_retrying(entry): say("retrying", entry.id, entry.attempt)
@bgo.hookimpl
def bgo_task_progressed(entry, fraction, message): say("progressed", entry.id, fraction, message)
@bgo.hookimpl
def bgo_task_soft_timed_out(entry): say("soft", entry.id)
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path)
    found.plugin("tasks", WORK)
    return found


def queue(home: Home, count: int, *words: str) -> list[str]:
    with home.flow() as flow:
        return flow.enqueue_many("work", [{} for _ in range(count)])


def test_everything_that_happens_is_heard_once(home: Home) -> None:
    home.plugin("good", GOOD)
    home.plugin(
        "more",
        """
@bgo.task
def steps(ctx):
    ctx.report_progress(0.5, "half")
    raise bgo_error("again") if ctx.attempt == 1 else ValueError("for good")
def bgo_error(text): return ConnectionError(text)
@bgo.task
def slow(ctx):
    while not ctx.soft_timed_out: time.sleep(0.01)
""",
    )
    home.run()
    (fine,) = queue(home, 1)
    broken = home.bgo("enqueue", "steps", "-q", "--retry", "custom:0s").strip()
    slow = home.bgo("enqueue", "slow", "-q", "--timeout", "100ms/30s").strip()
    gone = home.bgo("enqueue", "work", "-q", "--delay", "1h").strip()
    home.bgo("cancel", gone)
    report, events = home.run("--until-empty")
    heard = home.heard
    assert Counter(map(tuple, heard)) == Counter(
        [
            ("started", fine),
            ("succeeded", fine),
            ("started", broken),
            ("started", broken),
            ("progressed", broken, 0.5, "half"),
            ("progressed", broken, 0.5, "half"),
            ("retrying", broken, 1),
            ("failed", broken, "ValueError: for good"),
            ("started", slow),
            ("soft", slow),
            ("succeeded", slow),
            ("cancelled", gone, "user"),
        ]
    )
    of_broken = [line[0] for line in heard if line[1] == broken]
    assert (of_broken[0], of_broken[-1]) == ("started", "failed")
    assert report["hooks"] == {"told": 12, "failed": 0, "dropped": 0, "off": []}
    assert not [event for event in events if event["type"].startswith("hook")]
    home.run()
    assert home.heard == heard


TEMPERS = {
    "raises": "raise RuntimeError('no good')",
    "hangs": "time.sleep(1000)",
    "spins": "\n    while True: pass",
    "exits": "os._exit(3)",
    "sys-exits": "sys.exit(3)",
    "is killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "closes all": "os.closerange(0, 100); time.sleep(1000)",
    "floods and hangs": "\n    while True: os.write(1, b'x' * 65536)",
}


@pytest.mark.parametrize("temper", TEMPERS)
def test_an_observer_that_goes_wrong_costs_nobody_else_anything(home: Home, temper: str) -> None:
    home.config('[hooks]\ntimeout = "300ms"\n')
    home.plugin("bad", f"@bgo.hookimpl\ndef bgo_task_succeeded(entry): {TEMPERS[temper]}\n")
    home.plugin("good", GOOD)
    home.run()
    ids = queue(home, 7)
    worker = home.start("run", "--json", "--watch")
    try:
        wait_until(lambda: len(home.heard) == 14, "the good one has heard everything")
    finally:
        worker.send_signal(signal.SIGTERM)
        out, _ = worker.communicate(timeout=60)
    *events, report = map(json.loads, out.splitlines())
    assert set(home.states().values()) == {"succeeded"}
    assert sorted(home.heard) == sorted([[word, task] for task in ids for word in ("started", "succeeded")])
    name = f"{home.place}/bad.py task_succeeded"
    failures = [event for event in events if event["type"] == "hook_failed"]
    assert [event["observer"] for event in failures] == [name] * 5
    assert all(event["message"] and event["id"] in ids for event in failures)
    assert [event["observer"] for event in events if event["type"] == "hook_off"] == [name]
    assert (report["hooks"]["failed"], report["hooks"]["off"]) == (5, [name])
    doctor = json.loads(home.bgo("doctor", "--json", code=None))
    (note,) = [check for check in doctor if check["what"] == "hook" and "dropped" not in check["found"]]
    assert "called it no more" in note["found"]


def test_an_observer_that_works_again_is_no_fault_any_more(home: Home) -> None:
    bad = "@bgo.hookimpl\ndef bgo_task_succeeded(entry): raise RuntimeError('no good')\n"
    home.plugin("bad", bad)
    home.run()
    queue(home, 1)
    home.run()
    assert "no good" in home.bgo("doctor", "--json", code=None)
    home.plugin("bad", bad.replace("raise", "say").replace("RuntimeError", ""))
    queue(home, 1)
    home.run()
    assert "no good" not in home.bgo("doctor", "--json", code=None)
    assert home.heard == [["no good"]]


def test_prints_are_kept_and_a_flood_is_cut(home: Home) -> None:
    home.plugin("loud", "@bgo.hookimpl\ndef bgo_task_succeeded(entry):\n    print('x' * 9_000_000)\n    say('done')\n")
    home.run()
    queue(home, 3)
    report, _ = home.run()
    assert home.heard == [["done"]] * 3
    assert report["hooks"] == {"told": 3, "failed": 0, "dropped": 0, "off": []}
    log = (home.place / "home" / "bgo.db.logs" / "hooks.log").read_bytes()
    assert 100_000 < len(log) < 300_000
    assert b"left out" in log


def test_a_kill_of_the_observer_process_in_the_middle_of_a_call(home: Home) -> None:
    home.plugin(
        "victim",
        "@bgo.hookimpl\ndef bgo_task_succeeded(entry):\n    say(os.getpid())\n"
        "    while len(open(os.environ['HEARD']).readlines()) == 1: time.sleep(0.01)\n",
    )
    home.plugin("zgood", "@bgo.hookimpl\ndef bgo_task_succeeded(entry): say('good', entry.id)\n")
    home.run()
    ids = queue(home, 3)
    worker = home.start("run", "--json", "--watch")
    try:
        wait_until(lambda: home.heard, "the first call has begun")
        pid = home.heard[0][0]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: len([line for line in home.heard if line[0] == "good"]) == 3, "all the others are told")
        assert not is_alive(pid)
    finally:
        worker.send_signal(signal.SIGTERM)
        out, _ = worker.communicate(timeout=60)
    failures = [event for event in map(json.loads, out.splitlines()) if event["type"] == "hook_failed"]
    assert [event["message"] for event in failures] == ["its process was killed (SIGKILL)"]
    assert {line[1] for line in home.heard if line[0] == "good"} == set(ids)
    pids = {line[0] for line in home.heard if line[0] != "good"}
    assert len(pids) == 2
    wait_until(lambda: not any(map(is_alive, pids)), "nothing is left of the observers")


def test_two_workers_tell_each_ending_once(home: Home) -> None:
    home.plugin("good", "@bgo.hookimpl\ndef bgo_task_succeeded(entry): say(entry.id, os.getppid())\n")
    home.run()
    ids = queue(home, 200)
    workers = [home.start("run", "--quiet", "--slots", "2") for _ in range(2)]
    assert [worker.wait(120) for worker in workers] == [0, 0]
    for worker in workers:
        worker.communicate()
    home.run()
    assert Counter(line[0] for line in home.heard) == Counter(ids)


def test_a_cancel_of_another_process_is_heard_by_a_worker_that_watches(home: Home) -> None:
    home.plugin("good", GOOD)
    home.run()
    worker = home.start("run", "--quiet", "--watch")
    try:
        task = home.bgo("enqueue", "work", "-q", "--delay", "1h").strip()
        home.bgo("cancel", task)
        wait_until(lambda: home.heard == [["cancelled", task, "user"]], "the cancel was told")
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=60)


def test_what_ended_before_anybody_listened_is_not_told(home: Home) -> None:
    queue(home, 2)
    home.run()
    home.plugin("good", GOOD)
    home.run()
    (later,) = queue(home, 1)
    home.run()
    assert home.heard == [["started", later], ["succeeded", later]]


def test_a_hook_that_comes_while_a_worker_runs_is_heard_from_then_on(home: Home) -> None:
    home.plugin("late", "")
    queue(home, 1)
    worker = home.start("run", "--quiet", "--watch")
    try:
        wait_until(lambda: "succeeded" in home.states().values(), "the first has ended")
        home.plugin("late", GOOD)

        def heard() -> bool:
            queue(home, 1)
            return bool(home.heard)

        wait_until(heard, "it is heard")
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=60)


def test_what_does_not_fit_the_queue_is_dropped_and_counted(home: Home) -> None:
    home.config('[hooks]\ntimeout = "60s"\n')
    home.plugin(
        "stuck",
        "@bgo.hookimpl\ndef bgo_task_started(entry):\n    say(entry.id)\n    time.sleep(1000)\n",
    )
    home.run()
    ids = queue(home, 1_100)
    report, events = home.run()
    assert report["succeeded"] == 1_100
    assert len(home.heard) == 1
    assert home.heard[0][0] in ids
    assert report["hooks"]["failed"] <= 1
    assert report["hooks"]["dropped"] >= 1_099
    assert len([event for event in events if event["type"] == "hook_dropped"]) == 1
    doctor = json.loads(home.bgo("doctor", "--json", code=None))
    assert any("calls of hooks were dropped" in check["found"] for check in doctor)


def test_of_progress_the_latest_is_told(home: Home) -> None:
    home.plugin(
        "watch",
        """
@bgo.task
def steps(ctx):
    for number in range(4):
        ctx.report_progress(number / 4, str(number))
        time.sleep(0.12)
@bgo.hookimpl
def bgo_task_progressed(entry, fraction):
    if fraction < 0.75:
        while "task_succeeded" not in open(os.environ["HEARD"]).read(): time.sleep(0.01)
    say("at", fraction)
""",
    )
    home.run()
    task = home.bgo("enqueue", "steps", "-q").strip()
    worker = home.start("run", "--quiet", "--watch")
    try:
        wait_until(lambda: home.states() == {task: "succeeded"}, "it has ended")
        with open(home.heard_file, "a") as file:
            file.write('["task_succeeded"]\n')
        wait_until(lambda: len(home.heard) == 3, "the last report is told")
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=60)
    assert [home.heard[0], home.heard[-1]] == [["task_succeeded"], ["at", 0.75]]


def test_a_worker_that_is_killed_leaves_no_observer_and_nothing_is_told_twice(home: Home) -> None:
    home.plugin(
        "slow",
        "@bgo.hookimpl\ndef bgo_task_succeeded(entry):\n    say(entry.id, os.getpid())\n"
        "    while not os.path.exists('go'): time.sleep(0.01)\n",
    )
    home.run()
    ids = queue(home, 3)
    worker = home.start("run", "--quiet", "--watch")
    wait_until(lambda: home.heard, "the first call has begun")
    wait_until(lambda: set(home.states().values()) == {"succeeded"}, "all have ended")
    worker.kill()
    worker.communicate()
    wait_until(lambda: not is_alive(home.heard[0][1]), "the observer has gone with its worker")
    (home.place / "go").touch()
    (later,) = queue(home, 1)
    home.run()
    told = [line[0] for line in home.heard]
    assert told[-1] == later
    assert max(Counter(told).values()) == 1
    assert set(told) <= {*ids, later}


def test_an_observer_that_never_comes_back_does_not_keep_a_worker(home: Home) -> None:
    home.config('[hooks]\ntimeout = "1h"\n')
    home.plugin("stuck", "@bgo.hookimpl\ndef bgo_task_succeeded(entry):\n    say(os.getpid())\n    time.sleep(10000)\n")
    home.run()
    queue(home, 1)
    report, _ = home.run()
    assert (report["succeeded"], report["hooks"]["told"] + report["hooks"]["dropped"]) == (1, 1)
    assert not is_alive(home.heard[0][0])


def test_a_second_signal_ends_the_wait_for_hooks(home: Home) -> None:
    home.config('[hooks]\ntimeout = "1h"\n')
    home.plugin("stuck", "@bgo.hookimpl\ndef bgo_task_succeeded(entry):\n    say(os.getpid())\n    time.sleep(10000)\n")
    home.run()
    queue(home, 1)
    worker = home.start("run", "--json", "--watch")
    wait_until(lambda: home.heard, "the call has begun")
    worker.send_signal(signal.SIGTERM)
    worker.send_signal(signal.SIGTERM)
    out, _ = worker.communicate(timeout=60)
    assert worker.returncode == 143
    assert json.loads(out.splitlines()[-1])["succeeded"] == 1
    assert not is_alive(home.heard[0][0])


def test_the_end_of_a_child_is_not_the_end_of_the_observers(home: Home) -> None:
    """The worker ends what a dead child leaves to it; the process of the hooks is none of that."""
    home.plugin(
        "crash",
        """
@bgo.task
def crash(ctx): os._exit(9)
@bgo.hookimpl
def bgo_task_started(entry):
    say(entry.name, os.getpid())
    while not os.path.exists(os.environ["HEARD"] + ".go"): time.sleep(0.01)
""",
    )
    home.run()
    queue(home, 1)
    worker = home.start("run", "--json", "--watch")
    try:
        wait_until(lambda: home.heard, "the call has begun")
        ids = [home.bgo("enqueue", "crash", "-q").strip() for _ in range(2)]
        wait_until(lambda: all(home.states()[task] == "failed" for task in ids), "the children have died")
        Path(f"{home.heard_file}.go").touch()
        wait_until(lambda: len(home.heard) == 3, "all is told")
    finally:
        worker.send_signal(signal.SIGTERM)
        out, _ = worker.communicate(timeout=60)
    assert json.loads(out.splitlines()[-1])["hooks"] == {"told": 3, "failed": 0, "dropped": 0, "off": []}
    assert len({pid for _, pid in home.heard}) == 1

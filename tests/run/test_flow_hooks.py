"""Hooks and middleware of a user's own program, heard by workers that were started without it; soft timeouts too."""

from __future__ import annotations

import json
import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.run.hook_kit import Home
from tests.run.kit import wait_until

APP = """
flow = bgo.TaskFlow()

class Count(bgo.TaskMiddleware):
    def execute(self, task_name, ctx, next):
        say("around", task_name)
        return next()

flow.use(Count())

@flow.task
def work(ctx, fail: bool = False):
    if fail: raise ValueError("it was to fail")

flow.on_task_start(lambda entry: say("start", entry.task_name, entry.status))

@flow.on_task_complete
async def complete(entry):
    say("complete", entry.task_name, entry.status, entry.duration_ms >= 0)

@flow.on_task_failed
def failed(entry): say("failed", str(entry.error), entry.handler, list(entry.tags))

@flow.on_task_cancelled
def cancelled(entry): say("cancelled", entry.reason)
"""
MAIN = """
if __name__ == "__main__":
    work.enqueue()
    flow.enqueue("work", {"fail": True}, tags=["nightly"])
    gone = flow.enqueue("work", delay=3600)
    flow.cancel_execution(gone)
    print(flow.settings.store_path)
"""
HEARD = Counter(
    [
        ("around", "work"),
        ("around", "work"),
        ("start", "work", "running"),
        ("start", "work", "running"),
        ("complete", "work", "succeeded", True),
        ("failed", "ValueError: it was to fail", "work", "nightly"),
        ("cancelled", "user"),
    ]
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path)
    found.config("[hooks]\ntask_retrying = ['true']\n")  # somebody listens from the beginning
    found.run()
    return found


def flat(home: Home) -> Counter[tuple[object, ...]]:
    return Counter(tuple(w[0] if isinstance(w, list) else w for w in line) for line in home.heard)


def test_the_hooks_of_a_script_are_heard_by_a_worker_from_cron(home: Home) -> None:
    home.python(home.program("app", APP + MAIN))
    home.run()
    assert flat(home) == HEARD


def test_the_hooks_of_a_module_are_heard_too(home: Home) -> None:
    home.program("myapp", APP)
    home.python(home.program("main", "import myapp\nfrom myapp import flow, work\n" + MAIN))
    home.run()
    assert flat(home) == HEARD


def test_two_scripts_with_hooks_both_hear_of_their_store(home: Home) -> None:
    for name in ("one", "two"):
        home.python(home.program(name, f"flow = bgo.TaskFlow()\nflow.on_task_complete(lambda e: say({name!r}, e.id))\n"
                                       f"@flow.task\ndef {name}_task(ctx): ...\n"
                                       f"if __name__ == '__main__': {name}_task.enqueue()\n"))  # fmt: skip
    report, _ = home.run()
    assert Counter(line[0] for line in home.heard) == {"one": 2, "two": 2}
    assert report["hooks"]["failed"] == 0


def test_a_flow_hears_of_no_other_store(home: Home) -> None:
    home.python(home.program("app", APP + MAIN))
    home.run()
    before = home.heard
    home.bgo("--store", "other.db", "enqueue", "echo", "-q")
    out = home.bgo("--store", "other.db", "run", "--json")
    assert json.loads(out.splitlines()[-1])["succeeded"] == 1
    assert home.heard == before


def test_a_hook_that_an_import_does_not_find_is_reported(home: Home) -> None:
    program = """
flow = bgo.TaskFlow()
@flow.task
def work(ctx): ...
if __name__ == "__main__":
    flow.on_task_complete(lambda entry: say("never"))
    work.enqueue()
"""
    home.python(home.program("app", program))
    report, events = home.run()
    (failure,) = [event for event in events if event["type"] == "hook_failed"]
    assert "has 0 hooks for task_succeeded here" in failure["message"]
    assert (report["succeeded"], home.heard) == (1, [])


def test_middleware_that_an_import_does_not_find_is_not_skipped(home: Home) -> None:
    program = """
flow = bgo.TaskFlow()
@flow.task
def work(ctx): say("ran")
if __name__ == "__main__":
    flow.use(bgo.TaskMiddleware())
    work.enqueue()
"""
    file = home.program("app", program)
    home.python(file)
    report, events = home.run()
    assert (report["failed"], home.heard) == (1, [])
    error = next(event["error"] for event in events if event["type"] == "exhaust")
    assert "0 middleware here, and its program had 1" in error["message"]
    # A program that was changed since may have less of it: then what is imported counts.
    file.write_text(file.read_text().replace("    flow.use(bgo.TaskMiddleware())\n", ""))
    home.bgo("retry", "--all", "--yes")
    report, _ = home.run()
    assert (report["succeeded"], home.heard) == (1, [["ran"]])


SLOW = """
flow = bgo.TaskFlow()

def warn(execution_id): say("slow", execution_id)

@flow.task(timeout=bgo.TaskTimeout(soft=0.1, hard=30, on_soft_timeout=warn))
def slow(ctx):
    while not ctx.soft_timed_out: time.sleep(0.01)

@flow.task
def plain(ctx):
    while not ctx.soft_timed_out: time.sleep(0.01)
"""
SLOW_MAIN = """
if __name__ == "__main__":
    print(slow.enqueue(), flow.enqueue("plain", timeout=bgo.TaskTimeout(soft=0.1, on_soft_timeout=warn)),
          flow.enqueue("plain", timeout=bgo.TaskTimeout(soft=0.1, on_soft_timeout="slowapp:warn")))
"""


@pytest.mark.parametrize("as_script", [True, False])
def test_a_soft_timeout_calls_its_function(home: Home, as_script: bool) -> None:
    home.program("slowapp", SLOW)
    if as_script:
        home.program("script", SLOW + SLOW_MAIN)
    else:
        home.program("script", "from slowapp import *\n" + SLOW_MAIN)
    ids = home.python(home.place / "script.py").split()
    report, _ = home.run("--slots", "3")
    assert Counter(map(tuple, home.heard)) == Counter(("slow", task) for task in ids)
    assert (report["succeeded"], report["hooks"]["failed"]) == (3, 0)
    history = json.loads(home.bgo("history", ids[0], "--all-events", "--json"))
    assert [entry["event"] for entry in history][::-1] == ["soft_timeout", "succeed"]


def test_a_soft_timeout_whose_function_is_gone_is_reported(home: Home) -> None:
    home.python(home.program("script", SLOW + SLOW_MAIN))
    home.program("script", SLOW.replace("warn)", "None)").replace("def warn", "def other"))
    report, events = home.run("--slots", "3")
    assert report["succeeded"] == 3
    assert report["hooks"]["failed"] == 3
    assert all(event["hook"] == "on_soft_timeout" for event in events if event["type"].startswith("hook"))


def test_a_program_that_is_changed_is_loaded_anew(home: Home) -> None:
    home.python(home.program("app", APP + MAIN))
    worker = home.start("run", "--quiet", "--watch")
    try:
        wait_until(lambda: ["complete", "work", "succeeded", True] in home.heard, "the first is heard")
        home.program("app", APP.replace('say("complete"', 'say("anew"').replace('say("around"', 'say("around anew"'))
        home.bgo("enqueue", "work", "-q")
        wait_until(lambda: ["anew", "work", "succeeded", True] in home.heard, "the new hook is called")
        assert ["around anew", "work"] in home.heard
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=60)


def test_a_program_that_is_a_plugin_too_hears_once(home: Home) -> None:
    file = home.program("app", APP + MAIN)
    home.plugins.append(str(file))
    home.run()
    home.bgo("enqueue", "work", "-q")
    home.run()
    wanted = [["around", "work"], ["start", "work", "running"], ["complete", "work", "succeeded", True]]
    assert sorted(home.heard) == sorted(wanted)
    home.heard_file.write_text("")
    home.python(file)
    home.run()
    assert flat(home) == HEARD

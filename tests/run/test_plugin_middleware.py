"""Middleware of plugins: around every task, in a fixed order, and never skipped."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.run.hook_kit import WORK, Home
from tests.run.kit import wait_until

AROUND = """
class Around(bgo.TaskMiddleware):
    def __init__(self, name): self.name = name
    def execute(self, task_name, ctx, next):
        say(self.name, task_name)
        return next()
@bgo.hookimpl
def bgo_middleware(use):
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path)
    found.plugin("tasks", WORK)
    return found


def one(home: Home, *words: str) -> dict[str, object]:
    task = home.bgo("enqueue", *(words or ("work",)), "-q").strip()
    home.run()
    found: dict[str, object] = json.loads(home.bgo("status", task, "--json"))
    return found


def test_it_wraps_every_task_by_order_then_by_name(home: Home) -> None:
    home.plugin("b", AROUND + "    use(Around('b1'))\n    use(Around('b2'))\n    use(Around('out'), order=-5)\n")
    home.plugin("a", AROUND + "    use(Around('a'))\n    use(Around('in'), order=9)\n")
    assert one(home)["state"] == "succeeded"
    assert home.heard == [[name, "work"] for name in ("out", "a", "b1", "b2", "in")]
    home.heard_file.write_text("")
    assert one(home, "shell", "--", "true")["state"] == "succeeded"
    assert [line[1] for line in home.heard] == ["true"] * 5


@pytest.mark.parametrize(
    "broken", ["    raise RuntimeError('no key')\n", "    use(Around)\n", "    use(Around('x'))\nraise SystemExit(3)\n"]
)
def test_a_task_is_rejected_where_it_cannot_be_loaded(home: Home, broken: str) -> None:
    home.plugin("auth", AROUND + "    use(Around('x'))\n")
    assert one(home)["state"] == "succeeded"
    worker = home.start("run", "--quiet", "--watch")
    try:
        home.heard_file.write_text("")
        home.plugin("auth", AROUND + broken)
        task = home.bgo("enqueue", "work", "-q").strip()
        wait_until(lambda: home.states()[task] == "failed", "it is rejected")
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=60)
    status = json.loads(home.bgo("status", task, "--json"))
    assert status["reason"] == "rejected"
    assert "middleware" in status["error"]["message"]
    assert home.heard == []


def test_a_broken_one_of_the_beginning_is_not_skipped_either(home: Home) -> None:
    home.plugin("auth", AROUND + "    raise RuntimeError('no key')\n")
    found = one(home)
    assert (found["state"], found["reason"]) == ("failed", "rejected")
    assert "RuntimeError: no key" in str(found["error"])
    report = next(r for r in json.loads(home.bgo("plugins", "list", "--json")) if r["name"].endswith("auth.py"))
    assert (report["hooks"], report["error"]) == ({"middleware": 1}, "RuntimeError: no key")


def test_a_change_of_it_is_seen_by_children_that_run(home: Home) -> None:
    home.plugin("a", AROUND + "    use(Around('old'))\n")
    worker = home.start("run", "--quiet", "--watch")
    try:
        home.bgo("enqueue", "work", "-q", "--wait")
        home.plugin("a", AROUND + "    use(Around('the new one'))\n")
        home.bgo("enqueue", "work", "-q", "--wait")
        assert home.heard == [["old", "work"], ["the new one", "work"]]
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=60)


def test_a_cancel_arrives_through_plain_middleware_around_an_asynchronous_handler(home: Home) -> None:
    home.plugin(
        "a",
        AROUND
        + "    use(Around('out'))\n    use(Later())\n    use(Around('in'))\n"
        + """
import asyncio
class Later(bgo.TaskMiddleware):
    async def execute(self, task_name, ctx, next):
        try:
            return await next()
        finally:
            say("cleaned")
@bgo.task
async def forever(ctx):
    say("begun")
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        say("cancelled")
        raise
""",
    )
    task = home.bgo("enqueue", "forever", "-q").strip()
    worker = home.start("run", "--quiet")
    wait_until(lambda: ["begun"] in home.heard, "it runs")
    home.bgo("cancel", task)
    worker.communicate(timeout=60)
    assert home.states()[task] == "cancelled"
    assert home.heard == [["out", "forever"], ["in", "forever"], ["begun"], ["cancelled"], ["cleaned"]]


def test_lists_say_what_a_plugin_brings_beside_handlers(home: Home) -> None:
    home.plugin("a", AROUND + "    use(Around('x'))\n@bgo.hookimpl\ndef bgo_task_failed(entry): ...\n")
    shown = home.bgo("plugins", "show", "a.py")
    assert "around every task" in shown
    assert "task_failed" in shown
    assert "middleware, on task_failed" in home.bgo("doctor", code=None)

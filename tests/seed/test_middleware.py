"""The seed's middleware: logging around every task, several in the order in which they are used."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.run.hook_kit import Home

PROGRAM = """
flow = bgo.TaskFlow()

class LoggingMiddleware(bgo.TaskMiddleware):
    {async_}def execute(self, task_name, ctx, next):
        say(f"📋 {{task_name}} started")
        result = {await_}next()
        say(f"✅ {{task_name}} completed: {{result.status}}")
        return result

class AuthRefreshMiddleware(bgo.TaskMiddleware):
    def execute(self, task_name, ctx, next):
        ctx.input["token"] = "fresh"
        return next()

class AnalyticsMiddleware(bgo.TaskMiddleware):
    def execute(self, task_name, ctx, next):
        say("analytics", ctx.input["token"])
        return next()

flow.use(LoggingMiddleware())
flow.use(AuthRefreshMiddleware())
flow.use(AnalyticsMiddleware())

@flow.task("syncData")
{handler_}def sync_data(ctx):
    say("handler", ctx.input["token"])
    if ctx.input.get("fail"):
        return bgo.TaskResult.failure("offline", retry=False)

if __name__ == "__main__":
    flow.enqueue("syncData", {{"userId": "123"}})
"""


@pytest.mark.parametrize("handler_", ["", "async "])
@pytest.mark.parametrize(("async_", "await_"), [("", ""), ("async ", "await ")])
def test_logging_auth_and_analytics_around_every_task(tmp_path: Path, async_: str, await_: str, handler_: str) -> None:
    home = Home(tmp_path)
    home.python(home.program("app", PROGRAM.format(async_=async_, await_=await_, handler_=handler_)))
    report, _ = home.run()
    assert report["succeeded"] == 1
    around = [["📋 syncData started"], ["analytics", "fresh"], ["handler", "fresh"], ["✅ syncData completed: success"]]
    assert home.heard == around
    home.bgo("enqueue", "syncData", "fail:=true", "-q")
    report, _ = home.run()
    assert report["failed"] == 1
    assert home.heard[4:] == [*around[:3], ["✅ syncData completed: failure"]]

"""The seed's lifecycle hooks and its soft timeout, heard by a real `bgo run` of another process."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.run.hook_kit import Home

PROGRAM = """
flow = bgo.TaskFlow()

class Metrics:
    def record_task_start(self, name): say("start", name)
    def record_task_complete(self, name, ms): say("complete", name, isinstance(ms, int))

class Sentry:
    def capture_exception(self, error): say("sentry", type(error).__name__, str(error))

metrics, sentry = Metrics(), Sentry()

flow.on_task_start(lambda entry: metrics.record_task_start(entry.task_name))
flow.on_task_complete(lambda entry: metrics.record_task_complete(entry.task_name, entry.duration_ms))
flow.on_task_failed(lambda entry: sentry.capture_exception(Exception(entry.error)))
flow.on_chain_complete(lambda chain_id, status: say(f"Chain {chain_id}: {status}"))
flow.on_batch_complete(lambda batch_id, status: say(f"Batch {batch_id}: {status}"))

def slow(execution_id):
    say("slow", execution_id)

@flow.task("syncData")
def sync_data(ctx):
    if ctx.input["userId"] == "0":
        raise LookupError("no such user")

@flow.task("cleanup")
def cleanup(ctx): ...

@flow.task("longTask")
def long_task(ctx):
    while not ctx.soft_timed_out:
        time.sleep(0.01)

if __name__ == "__main__":
    flow.enqueue("syncData", {"userId": "123"})
    flow.enqueue("syncData", {"userId": "0"})
    print(flow.enqueue("longTask", timeout=bgo.TaskTimeout(soft=0.2, hard=60, on_soft_timeout=slow)))
"""


def test_metrics_and_sentry_hear_what_happens(tmp_path: Path) -> None:
    home = Home(tmp_path)
    slow = home.python(home.program("app", PROGRAM)).strip()
    home.run("--slots", "3")
    # The program has listened to nothing before its first worker: that one hears all that it runs itself.
    assert Counter(map(tuple, home.heard)) == Counter(
        [
            ("start", "syncData"),
            ("start", "syncData"),
            ("start", "longTask"),
            ("complete", "syncData", True),
            ("complete", "longTask", True),
            ("sentry", "Exception", "LookupError: no such user"),
            ("slow", slow),
        ]
    )


def test_history_answers_to_the_names_of_the_seed(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.python(home.program("app", PROGRAM))
    home.run("--slots", "3")
    with home.flow() as flow:
        entries = flow.get_history("syncData", limit=20)
        told = {f"{entry.task_name}: {entry.status} in {entry.duration_ms}ms" for entry in entries}
        errors = [f"Error: {entry.error}" for entry in entries if entry.error is not None]
    assert {line.rpartition(" in ")[0] for line in told} == {"syncData: succeeded", "syncData: failed"}
    assert errors == ["Error: LookupError: no such user"]


GROUPS = """
if __name__ == "__main__":
    print(flow.chain("multiSync").then("syncData", input={"userId": "1"}).then("cleanup").enqueue({"userId": "2"}))
    print(flow.chain("brokenSync").then("syncData").then("cleanup").enqueue({"userId": "0"}))
    print(flow.batch("syncData", items=[{"userId": "1"}, {"userId": "2"}]).id)
    gone = flow.chain("lateSync").then("syncData").enqueue({"userId": "2"}, delay=3600)
    flow.cancel_execution(gone)
    print(gone)
"""


def test_chains_and_batches_are_heard_once_when_all_of_them_has_ended(tmp_path: Path) -> None:
    home = Home(tmp_path)
    file = home.program("app", PROGRAM.replace('if __name__ == "__main__":', "def unused():") + GROUPS)
    home.config("[hooks]\ntask_retrying = ['true']\n")
    home.run()  # somebody has listened before
    well, broken, batch, gone = home.python(file).split()
    home.run("--until-empty")
    heard = Counter(line[0] for line in home.heard)
    wanted = [
        f"Chain {well}: succeeded",
        f"Chain {broken}: failed",
        f"Batch {batch}: succeeded",
        f"Chain {gone}: cancelled",
    ]
    assert {line: count for line, count in heard.items() if line.startswith(("Chain", "Batch"))} == dict.fromkeys(
        wanted, 1
    )
    told_of = Counter(tuple(line) for line in home.heard if line[0] in ("start", "complete"))
    assert told_of == {
        ("start", "syncData"): 4,
        ("complete", "syncData", True): 3,
        ("start", "cleanup"): 1,
        ("complete", "cleanup", True): 1,
    }

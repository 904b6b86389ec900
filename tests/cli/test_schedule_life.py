"""Schedules from outside: one process per call, a worker that stays, and what the hot commands load."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bgo.api import TaskFlow
from tests.cli.conftest import Bgo, environment
from tests.cli.test_whole import HEAVY

SECOND = 1000


def test_each_command_in_a_process_of_its_own(shell: Bgo, tmp_path: Path) -> None:
    done = shell("schedule", "shell", "--every", "1h", "--key", "hourly", "--", "sh", "-c", "echo $0", "said")
    (schedule,) = done.lines
    assert (done.code, done.err.partition(";")[0]) == (0, "every 1 h")
    assert shell("reschedule", "hourly", "--every", "2h", "-q").lines == [schedule]
    assert shell("schedules").lines[1].split()[:5] == [schedule, "●", "active", "sh", "hourly"]
    assert shell("schedules", "list", "-q").lines == [schedule]
    assert shell("schedules", "show", "hourly").lines[0].split()[0] == schedule
    assert len(shell("schedules", "preview", "hourly", "-n", "3", "--json").json) == 3
    assert shell("schedules", "pause", "hourly", "-q").lines == [schedule]
    assert shell("schedules", "resume", "hourly", "-q").lines == [schedule]
    file = tmp_path / "schedules.toml"
    file.write_text('[nightly]\nhandler = "echo"\ndaily-at = "02:00"\n')
    assert shell("schedules", "apply", str(file), "-q").code == 0
    crontab = tmp_path / "crontab"
    crontab.write_text("0 3 * * * true\n")
    assert shell("schedules", "import", str(crontab), "-q").code == 0
    assert len(shell("schedules", "-q").lines) == 3
    assert shell("unschedule", "hourly").out == f"{schedule} (hourly) is removed\n"
    assert shell("unschedule", "hourly").code == 3


def test_a_run_fires_once_what_is_due(shell: Bgo) -> None:
    schedule = shell("schedule", "echo", "message=hi", "--every", "1h", "-q").out.strip()
    for _ in range(3):
        assert shell("run", "--quiet").code == 0
    (task,) = shell("tasks", "--schedule", schedule, "--json").json
    assert (task["state"], task["output"], task["schedule_id"]) == ("succeeded", {"message": "hi"}, schedule)
    shown = shell("schedules", "show", schedule, "--json").json
    assert (shown["counts"]["fired"], shown["last_at"]) == (1, task["scheduled_for"])
    assert [(row["outcome"], row["number"], row["task"]) for row in shown["occurrences"]] == [("fired", 1, task["id"])]
    assert [entry["task_id"] for entry in shell("history", "--schedule", schedule, "--json").json] == [task["id"]]
    assert shell("history", "--schedule", schedule, "-q").lines == [task["id"]]


def test_a_watching_worker_fires_each_second(known: None) -> None:
    """It was waiting for nothing when the schedule was made, and fires by itself until it is told to stop."""
    command = [sys.executable, "-m", "bgo", "run", "--watch", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as worker:
        assert worker.stdout is not None
        try:
            with TaskFlow() as flow:
                schedule = flow.schedule("echo", {"message": "tick"}, interval=1, overlap="allow")
                ended: list[Any] = []
                while len(ended) < 3:
                    event = json.loads(worker.stdout.readline())
                    ended += [event["id"]] if event["type"] == "succeed" else []
                flow.unschedule(schedule)
                tasks = [flow.get(task_id).task for task_id in ended]
        finally:
            worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=60)
    assert worker.returncode in {0, 143}
    times = [task.occurrence for task in tasks]
    assert all(task.schedule == schedule for task in tasks)
    assert None not in times
    steps = [b - a for a, b in pairwise(times) if a is not None and b is not None]
    assert all(step > 0 and step % SECOND == 0 for step in steps), "each is a whole number of intervals behind the last"


@pytest.fixture
def scheduled(known: None) -> None:
    """A store with schedules of every kind that are not due, and a cron expression that is."""
    with TaskFlow() as flow:
        flow.schedule("echo", {}, interval=3600, start=flow.clock.now_ms() + 3_600_000)
        flow.schedule("echo", {}, cron="0 3 1 1 *", window="off-peak", tz="Europe/Berlin")
        flow.schedule("echo", {}, reboot=True, key="boot")


@pytest.mark.parametrize(
    "words",
    [
        ["enqueue", "echo", "message=hi"],
        ["status", "--json"],
        ["status", "-q"],
        ["tasks", "-q"],
        ["tasks", "--json"],
        ["tasks", "--schedule", "boot", "--json"],
        ["cancel", "--all", "-q"],
        ["cancel", "--all", "--schedules", "--yes", "-q"],
        ["schedules", "-q"],
        ["schedules", "--json"],
        ["schedules", "show", "boot", "--json"],
        ["schedule", "echo", "--every", "1h", "-q"],
        ["unschedule", "boot", "-q"],
        ["run", "--quiet"],
        ["run", "--json"],
    ],
    ids=" ".join,
)
def test_no_heavy_module_beside_schedules(scheduled: None, words: list[str]) -> None:
    assert not HEAVY & loaded(words)


def test_a_cron_schedule_fires_without_croniter(scheduled: None) -> None:
    with TaskFlow() as flow:
        schedule = flow.schedule("echo", {}, cron="* * * * *", tz="Europe/Berlin")
        with flow.store.write() as session:
            there = session.schedules.find(schedule)
            assert there is not None
            past = (there.next_at or 0) - 60_000
            session.schedules._db.execute(  # type: ignore[attr-defined]
                "UPDATE schedule SET next_at = ?1, fire_at = ?1 WHERE id = ?2", (past, schedule)
            )
    assert not HEAVY & loaded(["run", "--quiet"])
    with TaskFlow() as flow:
        assert flow.get_schedule(schedule).schedule.counters.fired == 1


def loaded(words: list[str]) -> set[str]:
    """Return the modules that a call of the command line has loaded by its end."""
    code = f"import sys; from bgo.cli.app import main; main({words!r}); print('\\n' + ' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment())
    return set(done.stdout.splitlines()[-1].split())

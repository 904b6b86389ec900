"""`bgo run`: what it says to people, to programs and to cron, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from bgo.cli import tell
from bgo.model.state import Event
from bgo.run.report import RunReport
from tests.cli.conftest import Bgo, Lived, environment

NOW = 1_795_424_400_000


def test_a_line_per_event_and_a_closing_sentence(bgo: Bgo) -> None:
    bgo("enqueue", "echo", "message=hi")
    bgo("enqueue", "shell", "--", "false")
    bgo("enqueue", "echo", "--delay", "1h", "-q")
    done = bgo("run")
    assert (done.code, done.err) == (0, "")
    assert len(done.lines) == 5
    assert all(re.match(r"\d\d:\d\d:\d\d [0-9a-z]{12} (echo|false) ", line) for line in done.lines[:4])
    assert sum("started" in line for line in done.lines) == 2
    assert any("failed after" in line and "TaskFailure: exit code 1" in line for line in done.lines)
    assert done.lines[-1].startswith("1 done, 1 failed; 1 waits for its time (next in ")


def test_cron_hears_nothing_when_nothing_happened(bgo: Bgo) -> None:
    assert bgo("run").out == ""
    bgo("enqueue", "echo", "--delay", "1h", "-q")
    done = bgo("run")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_quiet_says_nothing_and_check_tells_by_code(bgo: Bgo) -> None:
    bgo("enqueue", "shell", "--", "false")
    done = bgo("run", "--quiet", "--check")
    assert (done.code, done.out, done.err) == (1, "", "")
    assert bgo("run", "--check").code == 0
    bgo("enqueue", "shell", "--retry", "custom:1h", "--", "false")
    retried = bgo("run", "--check")
    assert retried.code == 0
    assert "again in 59 min" in retried.out or "again in 1 h" in retried.out
    assert retried.lines[-1].startswith("1 waits for a retry (next in ")


def test_events_for_programs(bgo: Bgo) -> None:
    task_id = bgo("enqueue", "sleep", "seconds=0").out.strip()
    done = bgo("run", "--json")
    *events, report = done.events
    assert {event["type"] for event in events} >= {"started", "succeed"}
    assert {(event["schema"], event["id"], event["name"]) for event in events} == {(1, task_id, "sleep")}
    assert (report["type"], report["schema"], report["started"], report["succeeded"]) == ("report", 1, 1, 1)
    assert set(report["waiting"]) == {"retrying", "delayed", "next_due", "held"}
    (nothing,) = bgo("run", "--json").events
    assert (nothing["type"], nothing["started"]) == ("report", 0)


def test_limits(bgo: Bgo, lived: Lived) -> None:
    bgo("enqueue", "echo", "--queue", "low")
    assert [e["name"] for e in bgo("run", "--queue", "low", "--json").events if e["type"] == "started"] == ["echo"]
    bgo("enqueue", "echo")
    assert bgo("run", "--max-tasks", "1", "--json").events[-1]["started"] == 1
    assert bgo("run", "--for", "0s", "--json").events[-1]["started"] == 0
    assert bgo("run", "--slots", "1", "--grace", "1s", "--json").events[-1]["failed"] == 0


def test_charging_is_a_fact_at_run(bgo: Bgo) -> None:
    bgo("enqueue", "echo", "--charging")
    bgo("enqueue", "echo")
    assert bgo("run", "--charging", "no").lines[-1] == "1 done; 1 held by charging"
    assert bgo("run", "--charging", "yes").lines[-1] == "1 done"


def test_until_empty_stays_for_the_retries(bgo: Bgo, tmp_path: Path) -> None:
    script = f"test -e {tmp_path}/flag || {{ touch {tmp_path}/flag; exit 1; }}"
    bgo("enqueue", "shell", "--retry", "custom:10ms", "--", "sh", "-c", script)
    done = bgo("run", "--until-empty")
    assert done.lines[-1] == "1 done"
    assert any("(attempt 1 of 2), again" in line for line in done.lines)


def report_of(**fields: object) -> RunReport:
    report = RunReport()
    for name, value in fields.items():
        setattr(report, name, value)
    return report


@pytest.mark.parametrize(
    ("report", "sentence"),
    [
        (report_of(), "nothing to do"),
        (report_of(counts={Event.SUCCEED: 3, Event.EXHAUST: 1}), "3 done, 1 failed"),
        (
            report_of(counts={Event.SUCCEED: 3}, retrying=2, next_due=NOW + 5000, held={"charging": 4}),
            "3 done; 2 wait for a retry (next in 5 s); 4 held by charging",
        ),
        (report_of(retrying=1, delayed=2, next_due=NOW), "1 waits for a retry; 2 wait for their time (next now)"),
        (report_of(held={"paused": 1, "handler": 2}), "2 held for want of their handler; 1 held by a pause"),
        (
            report_of(counts={Event.RELEASE: 1}, rescued=1, stopped_by="SIGTERM"),
            "1 handed back, 1 rescued from a dead worker (stopped by SIGTERM)",
        ),
    ],
)
def test_closing_sentences(report: RunReport, sentence: str) -> None:
    assert tell.summary(report, NOW) == sentence


def start(*words: str, out: IO[str] | int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bgo", *words], stdout=out, stderr=subprocess.PIPE, text=True, env=environment()
    )


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_hands_back(bgo: Bgo, number: signal.Signals, code: int) -> None:
    task_id = bgo("enqueue", "sleep", "seconds=60").out.strip()
    with start("run", "--watch", "--grace", "0s", out=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        assert worker.stderr is not None
        assert "started" in worker.stdout.readline()
        worker.send_signal(number)
        rest = worker.stdout.read()
        assert worker.stderr.read() == ""
    assert worker.returncode == code
    assert rest.splitlines()[-1].startswith(f"1 handed back (stopped by {number.name})") or "1 handed back" in rest
    assert bgo("status", task_id, "--json").json["state"] == "queued"


def test_ctrl_c_during_run_here_hands_back(bgo: Bgo) -> None:
    with start("enqueue", "shell", "--run", "--", "sh", "-c", "echo bgo:progress 0.5; sleep 60",
               out=subprocess.PIPE) as client:  # fmt: skip
        assert client.stdout is not None
        assert client.stderr is not None
        task_id = client.stdout.readline().strip()
        while bgo("status", task_id, "--json").json["state"] != "running":
            pass
        client.send_signal(signal.SIGINT)
        assert "handed back" in client.stderr.read()
    assert client.returncode == 130
    assert bgo("status", task_id, "--json").json["state"] == "queued"


def test_ctrl_c_while_waiting_detaches(bgo: Bgo) -> None:
    with start("enqueue", "echo", "--wait", out=subprocess.PIPE) as client:
        assert client.stdout is not None
        assert client.stderr is not None
        task_id = client.stdout.readline().strip()
        assert "no worker runs now" in client.stderr.readline()
        client.send_signal(signal.SIGINT)
        assert client.stderr.read() == f"detached; the work goes on: bgo wait {task_id}\n"
    assert client.returncode == 130


def test_a_reader_that_leaves_ends_the_run_and_no_task_is_harmed(bgo: Bgo) -> None:
    for _ in range(3):
        bgo("enqueue", "echo")
    reading, writing = os.pipe()
    os.close(reading)
    with start("run", "--slots", "1", out=writing) as worker:
        os.close(writing)
        assert worker.stderr is not None
        assert worker.stderr.read() == ""
    assert worker.returncode == 141
    found = bgo("tasks", "--json").json
    assert {task["state"] for task in found} <= {"succeeded", "queued"}
    assert {task["losses"] for task in found} == {0}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_behind_the_output_is_told_and_no_task_is_harmed(bgo: Bgo) -> None:
    bgo("enqueue", "echo")
    with open("/dev/full", "w") as full, start("run", out=full) as worker:
        assert worker.stderr is not None
        assert worker.stderr.readline() == "error: cannot write the output\n"
        worker.stderr.read()
    assert worker.returncode == 74
    assert bgo("tasks", "--json").json[0]["state"] in {"succeeded", "queued"}

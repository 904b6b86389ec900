"""Looking: status, tasks, history, logs, and the shapes that programs read."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from bgo.api import TaskFlow
from bgo.engine.spec import Request
from tests.cli.conftest import Bgo, Lived

TASK_KEYS = """
schema id name handler kind state reason paused queue priority tags run attempt losses max_attempts progress input
argv output error cwd options cancel_requested created_at due_at expires_at unique_id started_at finished_at duration_ms
chain_id batch_id schedule_id scheduled_for holds
"""
HISTORY_KEYS = """
schema task_id name event run attempt state reason at started_at finished_at duration_ms error worker waited
detail
"""


def test_status_of_an_id_is_one_object(bgo: Bgo, lived: Lived) -> None:
    found = bgo("status", lived.failed, "--json").json
    assert list(found) == TASK_KEYS.split()
    assert (found["schema"], found["id"], found["state"], found["reason"]) == (1, lived.failed, "failed", "error")
    assert set(found["error"]) == {"type", "message", "trace"}
    assert set(found["progress"]) == {"fraction", "message"}
    assert found["created_at"].endswith("Z")
    assert bgo("status", "@last", "--json").json["id"] == lived.ready
    assert bgo("status", lived.done[:6], "-q").lines == [lived.done]


def test_status_of_a_name_is_an_array_newest_first(bgo: Bgo, lived: Lived) -> None:
    ids = [task["id"] for task in bgo("status", "echo", "--json").json]
    assert ids == [lived.charging, lived.delayed, lived.cancelled, lived.done]
    assert bgo("show", "echo", "-q", "--limit", "2").lines == ids[:2]


def test_status_in_words(bgo: Bgo, lived: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = bgo("status", lived.failed)
    assert done.lines[0] == f"{lived.failed}  backup  ✗ failed"
    text = " ".join(done.out.split())
    assert "error TaskFailure: exit code 3: before" in text
    assert "command sh -c 'echo before; exit 3'" in text
    assert f"bgo retry {lived.failed}" in text
    assert all(len(line) <= 80 and line == line.rstrip() for line in done.lines)
    waiting = " ".join(bgo("status", lived.delayed).out.split())
    assert "held by due: due" in waiting
    assert "output" in bgo("status", lived.done).out


def test_the_trace_is_for_those_who_ask(bgo: Bgo, tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "import bgo\n\n@bgo.hookimpl\ndef bgo_register_handlers(register):\n    register('boom', boom)\n\n"
        "def boom(ctx):\n    raise RuntimeError('no')\n"
    )
    done = bgo("enqueue", "boom", "--run", "--plugin", str(plugin))
    assert done.code == 1
    assert "RuntimeError: no" in done.err
    assert "Traceback" not in bgo("status", "@last").out
    assert "Traceback" in bgo("status", "@last", "-v").out


def test_the_overview(bgo: Bgo, lived: Lived) -> None:
    found = bgo("status", "--json").json
    assert found["counts"]["queued"] == 3
    assert (found["counts"]["succeeded"], found["counts"]["failed"], found["workers"]) == (1, 1, 0)
    assert found["next_due"] is not None
    bgo("pause", "--queue", "low")
    text = bgo("status").out
    assert "3 queued, 1 succeeded, 1 failed, 1 cancelled" in text
    assert "paused    queue low: bgo resume --queue low\n" in text
    assert "bgo run executes what is due" in text
    assert "bgo tasks --state failed" in text


def test_an_empty_store_says_how_to_begin(bgo: Bgo) -> None:
    assert "bgo enqueue echo message=hello --run" in bgo("status").out
    assert bgo("tasks").err == "no task yet: bgo enqueue echo message=hello\n"
    assert bgo("history").err == "nothing has run yet\n"
    for words in (["tasks"], ["history"]):
        assert bgo(*words, "--json").json == []
        assert bgo(*words, "-q").out == ""


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], "ready charging delayed cancelled failed done"),
        (["--state", "failed", "--state", "cancelled"], "cancelled failed"),
        (["--name", "backup", "--name", "sleep"], "ready failed"),
        (["--tag", "nightly"], "ready done"),
        (["--tag", "nightly", "--tag", "big"], "ready"),
        (["--queue", "high"], "failed"),
        (["--since", "1h", "--limit", "2"], "ready charging"),
        (["--until", "1h"], ""),
        (["backup"], "failed"),
        (["--state", "queued", "echo"], "charging delayed"),
    ],
)
def test_which_tasks_are_listed(bgo: Bgo, lived: Lived, words: list[str], found: str) -> None:
    expected = [getattr(lived, name) for name in found.split()]
    assert bgo("tasks", "-q", *words).lines == expected
    assert [task["id"] for task in bgo("tasks", "--json", *words).json] == expected
    assert bgo("ls", *words).code == 0


def test_the_list_in_words(bgo: Bgo, lived: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    text = bgo("tasks").out
    assert "TaskFailure: exit code 3: before" in text
    assert "message=hello" in text
    assert re.search(r"in (5\d min|1 h)", text)
    monkeypatch.setenv("COLUMNS", "40")
    lines = bgo("tasks").lines
    assert max(map(len, lines)) <= 40
    assert lived.failed in " ".join(lines)
    assert "✗ failed" in " ".join(lines)


def test_history_entries(bgo: Bgo, lived: Lived) -> None:
    found = bgo("history", "--json").json
    assert {entry["task_id"]: entry["state"] for entry in found} == {lived.done: "succeeded", lived.failed: "failed"}
    assert list(found[0]) == HISTORY_KEYS.split()
    everything = bgo("history", "--all-events", "--json").json
    assert {entry["event"] for entry in everything} >= {"cancel", "succeed", "exhaust"}
    assert bgo("history", "backup", "-q").lines == [lived.failed]
    assert bgo("history", lived.done, "-q").lines == [lived.done]
    assert bgo("history", "--state", "succeeded", "--since", "1h", "-q").lines == [lived.done]
    assert bgo("history", "--tag", "nightly", "-q").lines == [lived.done]
    text = bgo("history").out
    assert "exit code 3" in text
    assert "✓ succeeded" in text


def test_logs(bgo: Bgo, lived: Lived) -> None:
    assert bgo("logs", lived.done).out == "hello\n"
    assert bgo("logs", lived.failed, "--run", "1").out == "before\n"
    nothing = bgo("logs", lived.ready)
    assert (nothing.code, nothing.out) == (0, "")
    assert nothing.err == f"task {lived.ready} has printed nothing; it is queued\n"
    assert bgo("logs", "-f", lived.done).out == "hello\n"
    assert bgo("logs", lived.done, "--run", "2").error[1] == "  why: it has had 1 run"


def test_followed_logs_go_from_run_to_run(bgo: Bgo, tmp_path: Path) -> None:
    script = f"echo try; test -e {tmp_path}/flag || {{ touch {tmp_path}/flag; exit 1; }}"
    bgo("enqueue", "shell", "--run", "-q", "--retry", "custom:1ms", "--", "sh", "-c", script)
    assert bgo("logs", "@last", "--run", "1").out == "try\n"
    assert bgo("logs", "@last", "--run", "2").out == "try\n"
    with TaskFlow() as flow:
        assert b"".join(flow.follow_logs("@last", 1)) == b"try\n"
        assert b"".join(flow.follow_logs("@last")) == b"try\n"


def test_a_pipe_gets_the_output_byte_for_byte(bgo: Bgo) -> None:
    bgo("enqueue", "shell", "--run", "-q", "--", "printf", "\\033[31mred\\377")
    with TaskFlow() as flow:
        assert flow.logs("@last") == b"\x1b[31mred\xff"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["status", "nothing"], 3, "nothing is called nothing"),
        (["status", "sleep"], 3, "nothing is called sleep"),
        (["status", "4zzz"], 3, "no task 4zzz"),
        (["status", "4z"], 2, "too short for an id: '4z'"),
        (["status", "@last"], 3, "@last: there is no task yet"),
        (["logs", "4zzz"], 3, "no task 4zzz"),
        (["logs", "echo"], 2, "not an id: 'echo'"),
        (["tasks", "4zzz", "echo"], 2, "ids and names in one call"),
        (["tasks", "4zzz"], 3, "no task 4zzz"),
        (
            ["tasks", "--state", "done"],
            2,
            "invalid value for '--state': 'done' is not one of blocked, queued, running, "
            "retrying, succeeded, failed, cancelled",
        ),
        (["tasks", "--limit", "0"], 2, "invalid value for '--limit': 0 is not 1 or more"),
        (["tasks", "--since", "soon"], 2, "not a time: 'soon'"),
        (["tasks", "--since", "in 5m"], 2, "not a time in the past: 'in 5m'"),
        (["tasks", "--schedule", "x"], 3, "no schedule x"),
        (["history", "--schedule", "x"], 3, "no schedule x"),
        (["history", "--until", "99:99"], 2, "not a time: '99:99'"),
    ],
)
def test_what_cannot_be_looked_at(bgo: Bgo, words: list[str], code: int, message: str) -> None:
    done = bgo(*words)
    assert done.code == code
    assert done.error[0] == f"error: {message}"
    assert len(done.error) == 3


def test_ambiguous_ids_name_the_candidates(bgo: Bgo) -> None:
    with TaskFlow() as flow:
        spec = flow.spec_of(Request("echo"))
        made = [flow.submit(replace(spec, id=f"44444444444{ending}")).id for ending in "ab"]
    done = bgo("status", "4444")
    assert done.code == 3
    assert done.error[0] == "error: 4444 could be 2 tasks"
    assert all(task_id in done.error[1] for task_id in made)


def test_history_tells_in_words_why_a_run_without_an_error_ended(bgo: Bgo) -> None:
    from bgo.cli.history import WORDS
    from bgo.model.state import Event, Reason

    assert WORDS[Event.RELEASE, Reason.SNOOZE] == "snoozed"
    assert all((Event(event), Reason(reason)) for event, reason in WORDS)

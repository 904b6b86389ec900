"""Changing: wait, cancel, retry, prune, pause, resume, and the lists of queues, handlers and plugins."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from bgo.api import TaskFlow
from bgo.cli.params import confirm
from bgo.run.report import WorkerEvent
from tests.cli.conftest import Bgo, Done, Lived


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())


HANDLER_KEYS = ("schema name summary params accepts_extra takes_argv defaults origin source example").split()  # noqa: SIM905 - a column of words reads worse


class Answer(io.StringIO):
    """A person at a terminal."""

    def isatty(self) -> bool:
        return True


def states(bgo: Bgo) -> dict[str, str]:
    return {task["id"]: task["state"] for task in bgo("tasks", "--json").json}


def test_wait_exits_with_the_result(bgo: Bgo, lived: Lived) -> None:
    good = bgo("wait", lived.done)
    assert (good.code, good.err) == (0, "")
    assert good.out.startswith(f"{lived.done} ✓ succeeded in ")
    bad = bgo("wait", lived.failed)
    assert bad.code == 1
    assert bad.err.splitlines()[0] == f"error: task {lived.failed} (backup) failed: TaskFailure: exit code 3: before"
    both = bgo("wait", lived.done, lived.failed, lived.cancelled)
    assert (both.code, len(both.lines)) == (1, 3)
    assert "2 of 3 did not succeed" in both.err


def test_wait_for_programs(bgo: Bgo, lived: Lived) -> None:
    one = bgo("wait", lived.failed, "--json")
    assert (one.code, one.json["state"], one.err) == (1, "failed", "")
    many = bgo("wait", lived.done, lived.cancelled, "--json")
    assert (many.code, [task["id"] for task in many.json]) == (1, [lived.done, lived.cancelled])
    assert bgo("wait", lived.done, "-q").lines == [lived.done]


def test_wait_ends_in_time(bgo: Bgo, lived: Lived) -> None:
    done = bgo("wait", lived.ready, lived.done, "--timeout", "10ms")
    assert (done.code, len(done.error)) == (124, 3)
    assert done.error[0] == f"error: still waiting for {lived.ready}"


def test_cancel_one(bgo: Bgo, lived: Lived) -> None:
    done = bgo("cancel", lived.ready[:8])
    assert (done.code, done.out, done.err) == (0, f"{lived.ready} prevented\n", "")
    late = bgo("cancel", lived.done)
    assert (late.code, len(late.error)) == (4, 3)
    assert late.error[1] == "  why: too late: it has succeeded already"
    again = bgo("cancel", lived.ready)
    assert again.error[1] == "  why: too late: it has been cancelled already"


def test_cancel_for_programs(bgo: Bgo, lived: Lived) -> None:
    one = bgo("cancel", lived.ready, "--json").json
    assert one == {"schema": 1, "id": lived.ready, "effect": "prevented", "state": "cancelled"}
    late = bgo("cancel", lived.done, "--json")
    assert (late.code, late.json["effect"], late.err) == (4, "too_late", "")
    two = bgo("cancel", lived.done, lived.delayed, "--yes", "--json")
    assert two.code == 0
    assert {reply["id"]: reply["effect"] for reply in two.json} == {lived.done: "too_late", lived.delayed: "prevented"}
    assert bgo("cancel", "echo", "-q").lines == [lived.charging]


def test_cancel_of_a_running_task_says_stopping(bgo: Bgo) -> None:
    bgo("enqueue", "sleep", "seconds=30")
    said: list[Done] = []

    def hear(event: WorkerEvent) -> None:
        if event.type == "progress" and not said:
            said.append(bgo("cancel", "@last"))

    with TaskFlow() as flow:
        flow.run(listener=hear)
    assert said[0].code == 0
    assert said[0].out.endswith(" stopping\n")
    (task,) = bgo("tasks", "--json").json
    assert (task["state"], task["reason"]) == ("cancelled", "user")


def test_the_question_does_not_pretend_to_have_counted_them_all(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for count, words in ((1000, "That is 1,000 of them"), (1001, "That is more than 1,000 of them")):
        monkeypatch.setattr(sys, "stdin", Answer("y\n"))
        confirm("Really?", count, yes=False, most=1000)
        assert words in capsys.readouterr().err


def test_cancel_by_selection_asks_first(bgo: Bgo, lived: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = bgo("cancel", "--all")
    assert (refused.code, len(refused.error)) == (2, 3)
    assert "That is 3 of them" in refused.error[0]
    assert refused.error[2] == " hint: say --yes to go ahead"
    monkeypatch.setattr(sys, "stdin", Answer("n\n"))
    assert bgo("cancel", "--name", "echo").code == 1
    assert states(bgo)[lived.delayed] == "queued"
    monkeypatch.setattr(sys, "stdin", Answer("y\n"))
    assert bgo("cancel", "--name", "echo").code == 0
    assert states(bgo)[lived.delayed] == "cancelled"
    assert bgo("cancel", "--tag", "nightly").lines == [f"{lived.ready} prevented"]
    nothing = bgo("cancel", "--all")
    assert (nothing.code, nothing.out, nothing.err) == (0, "", "nothing to cancel\n")


def test_retry(bgo: Bgo, lived: Lived) -> None:
    done = bgo("retry", lived.failed)
    assert (done.code, done.out) == (0, f"{lived.failed} queued\n")
    assert states(bgo)[lived.failed] == "queued"
    for task_id, why in ((lived.done, "it succeeded"), (lived.failed, "it is queued already")):
        refused = bgo("retry", task_id)
        assert (refused.code, refused.error[1]) == (4, f"  why: {why}")
    assert bgo("retry", "echo", "--json").json == [{"schema": 1, "id": lived.cancelled, "state": "queued"}]
    assert "nothing to retry" in bgo("retry", "--all").err


def test_retry_with_another_input(bgo: Bgo, lived: Lived) -> None:
    assert bgo("retry", lived.cancelled, "-i", "message=changed", "-i", "more:=1").code == 0
    found = bgo("status", lived.cancelled, "--json").json
    assert found["input"] == {"message": "changed", "more": 1}
    bgo("cancel", lived.cancelled)
    assert bgo("retry", lived.cancelled, "--input", '{"whole": true}').code == 0
    assert bgo("status", lived.cancelled, "--json").json["input"] == {"whole": True}
    bgo("cancel", lived.cancelled)
    many = bgo("retry", "--all", "--yes", "-i", "a=1")
    assert (many.code, many.error[0]) == (2, "error: a new input is for one task")


def test_prune(bgo: Bgo, lived: Lived, home: Path) -> None:
    assert bgo("prune").out == "removed 0 ended tasks\n"
    assert bgo("prune", "--keep", "1", "--dry-run").out == "would remove 2 ended tasks\n"
    assert bgo("prune", "--older-than", "0s", "--dry-run", "--json").json == {
        "schema": 1,
        "removed": 0,
        "would_remove": 3,
        "dry_run": True,
    }
    refused = bgo("prune", "--older-than", "0s")
    assert (refused.code, len(refused.error)) == (2, 3)
    assert len(states(bgo)) == 6
    assert bgo("prune", "--older-than", "0s", "--yes").out == "removed 3 ended tasks\n"
    assert set(states(bgo)) == {lived.delayed, lived.charging, lived.ready}
    assert not list(home.glob("bgo.db.logs/*/*.log"))


def test_pause_and_resume(bgo: Bgo, lived: Lived) -> None:
    assert bgo("pause", "sleep").out == "paused name sleep; undo: bgo resume sleep\n"
    assert bgo("pause", "--queue", "low", "--json").json == {
        "schema": 1,
        "kind": "queue",
        "value": "low",
        "paused": True,
        "running": False,
    }
    assert "no task and no handler is called tipo yet" in bgo("pause", "tipo").err
    assert {row["name"]: row["paused"] for row in bgo("queues", "--json").json}["low"] is True
    bgo("cancel", "echo", "--yes")
    assert bgo("run").out == ""
    assert states(bgo)[lived.ready] == "queued"
    assert bgo("resume", "sleep").out == "resumed name sleep\n"
    assert "was not paused" in bgo("resume", "sleep").err
    assert bgo("run", "-q").out == ""
    assert states(bgo)[lived.ready] == "succeeded"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["cancel"], 2, "cancel: which tasks?"),
        (["cancel", "4zzz"], 3, "no task 4zzz"),
        (["cancel", "4zzz", "echo"], 2, "ids and names in one call"),
        (["cancel", "--queue", "lo"], 3, "no queue 'lo'"),
        (["tasks", "--queue", "lo"], 3, "no queue 'lo'"),
        (["explain", "nobody"], 3, "nothing is called nobody"),
        (["cancel", "--schedule", "x"], 3, "no schedule x"),
        (["retry"], 2, "retry: which tasks?"),
        (["retry", "4zzz"], 3, "no task 4zzz"),
        (["wait"], 2, "missing argument 'ID'"),
        (["wait", "4zzz"], 3, "no task 4zzz"),
        (["wait", "echo"], 2, "not an id: 'echo'"),
        (["pause"], 2, "pause what?"),
        (["pause", "a", "--queue", "low"], 2, "pause what?"),
        (["pause", "--queue", "lo"], 3, "no queue 'lo'"),
        (["pause", "a b"], 2, "not a task name: 'a b'"),
        (["pause", "--tag", "a b"], 2, "not a tag name: 'a b'"),
        (["pause", "--tag", "x", "--queue", "low"], 2, "pause what?"),
        (["resume"], 2, "resume what?"),
        (["edit"], 2, "missing argument 'ID'"),
        (["edit", "@last"], 2, "edit: nothing to change"),
        (["edit", "4zzz", "--queue", "low"], 3, "no task 4zzz"),
        (["edit", "@last", "--queue", "lo"], 3, "no queue 'lo'"),
        (["edit", "@last", "--at", "noonish"], 2, "--at: not a time: 'noonish'"),
        (["edit", "@last", "--at", "14:30", "--delay", "5m"], 2, "delay and at contradict each other"),
        (["edit", "@last", "--priority", "300"], 2, "--priority: not a priority: '300'"),
        (["bump"], 2, "bump: which tasks?"),
        (["bump", "4zzz"], 3, "no task 4zzz"),
        (["bump", "echo"], 2, "not an id: 'echo'"),
        (
            ["prune", "--older-than", "1 month"],
            2,
            "--older-than: not a duration: '1 month' (try 90s, 5m, 1h30m, 2d or PT5M)",
        ),
        (["prune", "--keep", "-1"], 2, "invalid value for '--keep': -1 is not 0 or more"),
        (["handlers", "show", "ech"], 3, "unknown handler: 'ech'"),
        (["plugins", "show", "nothing"], 3, "no plugin 'nothing'"),
        (["queues", "shew"], 2, "no such command 'shew'"),
        (["run", "--watch", "--until-empty"], 2, "--watch and --until-empty contradict each other"),
        (["run", "--queue", "lo"], 3, "no queue 'lo'"),
        (["run", "--slots", "0"], 2, "invalid value for '--slots': 0 is not from 1 to 1000"),
        (["run", "--for", "ever"], 2, "--for: not a duration: 'ever' (try 90s, 5m, 1h30m, 2d or PT5M)"),
        (["run", "--charging", "maybe"], 2, "invalid value for '--charging': 'maybe' is not one of yes, no"),
        (["run", "--trace", "x"], 2, "bgo run has no --trace"),
    ],
)
def test_refusals_have_three_lines(bgo: Bgo, words: list[str], code: int, message: str) -> None:
    done = bgo(*words)
    assert (done.code, len(done.error)) == (code, 3), done.err
    assert done.error[0] == f"error: {message}"
    assert bgo("tasks", "-q").lines == []


def test_queues(bgo: Bgo, lived: Lived) -> None:
    rows = {row["name"]: row for row in bgo("queues", "list", "--json").json}
    assert rows["default"] == {
        "schema": 1,
        "name": "default",
        "weight": 1.0,
        "reserve": 0,
        "paused": False,
        "waiting": 3,
        "running": 0,
        "slots": None,
    }
    assert bgo("queues", "-q").lines == ["critical", "high", "default", "low"]
    assert "0.1" in bgo("queues").out


def test_own_queues(bgo: Bgo) -> None:
    assert bgo("enqueue", "echo", "--queue", "backups").error[2] == " hint: bgo queues add backups makes it"
    assert bgo("queues", "add", "night", "--weight", "2.5", "--reserve", "1").code == 0
    assert bgo("enqueue", "echo", "--queue", "night").code == 0
    row = next(row for row in bgo("queues", "--json").json if row["name"] == "night")
    assert (row["weight"], row["reserve"], row["waiting"]) == (2.5, 1, 1)
    assert bgo("queues", "add", "night").code == 4
    for words in (["a b"], ["x", "--weight", "0"], ["x", "--weight", "-1"], ["x", "--reserve", "99999"]):
        refused = bgo("queues", "add", *words)
        assert (refused.code, len(refused.error)) == (2, 3)


def test_handlers(bgo: Bgo) -> None:
    assert {"echo", "shell", "sleep"} <= set(bgo("handlers", "-q").lines)
    found = {row["name"]: row for row in bgo("handlers", "--json").json}
    assert list(found["sleep"]) == HANDLER_KEYS
    (seconds,) = found["sleep"]["params"]
    assert seconds == {
        "name": "seconds",
        "type": "float",
        "required": False,
        "nullable": False,
        "default": 1,
        "choices": None,
    }
    assert bgo("handlers", "show", "sleep", "--json").json == found["sleep"]
    text = bgo("handlers", "show", "sleep").out
    assert "a number, default 1" in text
    assert "bgo enqueue sleep seconds:=1" in text
    assert "takes one after --" in bgo("handlers", "show", "shell").out


def test_the_example_of_a_handler_is_accepted(bgo: Bgo) -> None:
    import shlex

    for row in bgo("handlers", "--json").json:
        words = shlex.split(row["example"])
        assert words[:2] == ["bgo", "enqueue"]
        assert bgo(*words[1:], "--dry-run").code == 0, row["example"]


def test_plugins_tell_what_failed(bgo: Bgo, tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("import no_such_module_at_all\n")
    rows = bgo("plugins", "--json", "--plugin", str(broken)).json
    (bad,) = [row for row in rows if row["error"]]
    assert (bad["schema"], bad["name"], bad["handlers"]) == (1, str(broken), [])
    assert "no_such_module_at_all" in bad["error"]
    assert "failed: " in bgo("plugins", "--plugin", str(broken)).out
    shown = bgo("plugins", "show", "broken.py", "--plugin", str(broken))
    assert "no_such_module_at_all" in shown.out
    assert bgo("handlers", "show", "echo", "--plugin", str(broken)).code == 0
    assert bgo("plugins", "-q").lines[0] == "bgo"


def test_a_plugin_that_was_named_and_did_not_load_is_told(bgo: Bgo, tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("import no_such_module_at_all\n")
    reason = f"{broken}: ModuleNotFoundError: No module named 'no_such_module_at_all'"
    assert reason in bgo("plugins", "--plugin", str(broken)).lines
    queued = bgo("enqueue", "echo", "--plugin", str(broken))
    assert (queued.code, len(queued.lines)) == (0, 1)
    assert f"{broken} did not load: ModuleNotFoundError" in queued.err
    assert f"{broken} did not load" in bgo("run", "--plugin", str(broken)).err
    refused = bgo("enqueue", "zzz", "--plugin", str(broken)).error
    assert refused[-2] == f"  why: no plugin, file or program brings it; {broken} did not load (bgo plugins)"


def test_work_is_refused_without_a_required_plugin(bgo: Bgo, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[plugins]\nrequired = ["bgo", "nowhere"]\n')
    for words in (["enqueue", "echo"], ["run"]):
        done = bgo("--config", str(config), *words)
        assert done.code == 78
        assert done.error[:2] == ["error: the required plugin nowhere did not load", "  why: it is not there"]
    looked = bgo("--config", str(config), "doctor")
    assert looked.code == 1
    assert "✗ fault  plugin    nowhere is required: it is not there" in looked.lines
    assert bgo("--config", str(config), "tasks").code == 0

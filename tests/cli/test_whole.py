"""The command line from outside: one process per call, as shells and scripts use it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bgo.cli import app
from tests.cli.conftest import Bgo, Lived, environment

MINE = [
    "enqueue", "run", "wait", "cancel", "retry", "edit", "bump", "pause", "resume", "status", "tasks", "history",
    "logs", "queues", "handlers", "plugins", "prune", "schedule", "reschedule", "unschedule", "schedules", "install",
]  # fmt: skip
SCHEDULES = ("list", "show", "preview", "pause", "resume", "apply", "import")
VERBS = [["queues", "list"], ["queues", "add"], ["queues", "set"], ["handlers", "list"], ["handlers", "show"],
         ["plugins", "list"], ["plugins", "show"], *(["schedules", verb] for verb in SCHEDULES)]  # fmt: skip
HEAVY = {"rich", "pydantic", "sqlmodel", "sqlalchemy", "croniter", "cryptography", "keyring", "asyncio", "pluggy"}


@pytest.mark.parametrize("words", [*([name] for name in MINE), *VERBS], ids=" ".join)
def test_every_command_has_a_help_page_that_fits(shell: Bgo, words: list[str]) -> None:
    done = shell(*words, "-h", env={"COLUMNS": "80"})
    assert (done.code, done.err) == (0, "")
    assert done.lines[1].startswith(f" Usage: bgo {' '.join(words)}")
    assert max(len(line.rstrip()) for line in done.lines) <= 80


def test_help_pages_at_40_columns(bgo: Bgo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    for name in MINE:
        assert max(len(line.rstrip()) for line in bgo(name, "-h").lines) <= 40, name


def test_a_day_in_the_life(shell: Bgo, tmp_path: Path) -> None:
    task_id = shell("enqueue", "shell", "--as", "report", "--", "sh", "-c", "pwd; echo done", cwd=tmp_path).out.strip()
    bad = shell("enqueue", "shell", "-q", "--", "false").out.strip()
    assert shell("status", task_id, "--json").json["state"] == "queued"
    run = shell("run", "--check")
    assert (run.code, run.lines[-1]) == (1, "1 done, 1 failed")
    assert shell("status", task_id[:6], "--json").json["state"] == "succeeded"
    assert shell("logs", task_id).lines == [os.path.realpath(tmp_path), "done"]
    assert [entry["state"] for entry in shell("history", "report", "--json").json] == ["succeeded"]
    assert shell("wait", task_id).code == 0
    assert shell("wait", bad).code == 1
    assert shell("retry", bad).code == 0
    assert shell("cancel", bad).out == f"{bad} prevented\n"
    assert shell("prune", "--older-than", "0s", "--yes").out == "removed 2 ended tasks\n"


@pytest.mark.parametrize(
    "words",
    [
        ["enqueue", "echo", "message=hi"],
        ["enqueue", "sleep", "seconds=1", "--delay", "5m", "--retry", "linear", "--tag", "x", "--json"],
        ["status", "--json"],
        ["status", "@last", "--json"],
        ["tasks", "-q"],
        ["tasks", "--json"],
        ["history", "--json"],
        ["cancel", "@last"],
        ["run", "--json"],
    ],
    ids=" ".join,
)
def test_no_heavy_module_on_the_hot_commands(lived: Lived, words: list[str]) -> None:
    code = f"import sys; from bgo.cli.app import main; main({words!r}); print('\\n' + ' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment())
    assert not HEAVY & set(done.stdout.splitlines()[-1].split())


def test_enqueue_loads_little(known: None) -> None:
    """What costs a cold enqueue: judgement, outcomes, the worker. None of it is needed to keep a task."""
    code = "import sys; from bgo.cli.app import main; main(['enqueue', 'echo', 'a=1']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment())
    loaded = set(done.stdout.splitlines()[-1].split())
    assert {"bgo.api", "bgo.store.sqlite"} <= loaded
    unwanted = (
        "policy.gates policy.admit model.outcome model.query model.plan run.worker run.process cli.render cli.live"
    )
    assert not {f"bgo.{name}" for name in unwanted.split()} & loaded
    assert not {"tomllib", "zoneinfo", "difflib", "multiprocessing"} & loaded - base_modules()


def base_modules() -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", "import sys, typer, sqlite3; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("words", [["tasks"], ["history"], ["status"], ["tasks", "--json"], ["logs", "@last"]])
def test_head_closes_the_pipe_without_a_word(lived: Lived, words: list[str]) -> None:
    bgo = f"'{sys.executable}' -m bgo {' '.join(words)}"
    done = subprocess.run(
        ["sh", "-c", f"{bgo} | head -1"], capture_output=True, text=True, check=True, env=environment()
    )
    assert (done.stderr.replace(f"task {lived.ready} has printed nothing; it is queued\n", "")) == ""
    assert len(done.stdout.splitlines()) <= 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
@pytest.mark.parametrize(
    "words",
    [["tasks"], ["tasks", "--json"], ["status"], ["enqueue", "echo"], ["queues"], ["tasks", "-q"]],
    ids=" ".join,
)
def test_a_full_output_is_told(lived: Lived, words: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "bgo", *words], stdout=full, stderr=subprocess.PIPE, text=True, env=environment()
        )
    assert done.returncode == 74
    assert "cannot write the output" in done.stderr.splitlines()[0]
    assert "Traceback" not in done.stderr


def test_an_id_that_could_not_be_printed_was_kept_all_the_same(known: None, bgo: Bgo) -> None:
    with open("/dev/full", "w") as full:
        subprocess.run([sys.executable, "-m", "bgo", "enqueue", "echo"], stdout=full, stderr=subprocess.DEVNULL,
                       env=environment())  # fmt: skip
    assert len(bgo("tasks", "-q").lines) == 1


def test_pipes_get_no_colour_and_whole_lines(shell: Bgo, lived: Lived) -> None:
    for words in (["tasks"], ["history"], ["status", lived.failed], ["queues"], ["handlers"], ["plugins"]):
        done = shell(*words, env={"FORCE_COLOR": "1"})
        assert "\x1b" not in done.out + done.err
        assert "…" not in done.out
    shown = shell("tasks").out
    assert "TaskFailure: exit code 3: before" in shown


def test_two_commands_agree_on_the_store_named_by_a_flag(shell: Bgo, tmp_path: Path) -> None:
    store = str(tmp_path / "own.db")
    task_id = shell("enqueue", "echo", "--store", store).out.strip()
    assert shell("--store", store, "tasks", "-q").lines == [task_id]
    assert shell("tasks", "-q").lines == []


def test_every_command_of_the_table_is_loadable_and_named() -> None:
    assert set(MINE) <= set(app.TABLE)


def test_json_of_lists_is_a_bare_array(shell: Bgo, lived: Lived) -> None:
    for words in (["tasks"], ["history"], ["queues"], ["handlers"], ["plugins"], ["status", "echo"]):
        found = json.loads(shell(*words, "--json").out)
        assert isinstance(found, list)
        assert all(item["schema"] == 1 for item in found)

"""`bgo run` as cron starts it: any number at once, not a word when nothing happened, and its exit codes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.cli.conftest import Bgo, environment

RUNS = 8


def together(count: int, *words: str) -> list[tuple[int, bytes, bytes]]:
    """Start so many at once, with nothing of a terminal, and return how each ended and what it said."""
    runs = [
        subprocess.Popen(
            [sys.executable, "-m", "bgo", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
        )
        for _ in range(count)
    ]
    said = [run.communicate(timeout=120) for run in runs]
    return [(run.returncode, *words) for run, words in zip(runs, said, strict=True)]


def lines(path: Path) -> list[str]:
    return sorted(path.read_text().split())


def queue(bgo: Bgo, marks: Iterable[object], path: Path, *, pause: str = "") -> list[str]:
    """Queue commands that each write their mark into the file; return the marks."""
    for mark in marks:
        assert bgo("enqueue", "shell", "--", "sh", "-c", f"echo {mark} >> {path}; {pause}").code == 0
    return sorted(map(str, marks))


@pytest.mark.parametrize("words", [("run", "--quiet"), ("run", "--quiet", "--slots", "4")], ids=" ".join)
def test_runs_that_overlap_execute_each_task_once_and_say_nothing(
    bgo: Bgo, tmp_path: Path, words: tuple[str, ...]
) -> None:
    wanted = queue(bgo, range(RUNS), tmp_path / "done", pause="sleep 0.2")
    assert together(RUNS, *words) == [(0, b"", b"")] * RUNS
    while len(lines(tmp_path / "done")) < RUNS:  # a run ends as soon as others have all that is due
        assert together(1, *words) == [(0, b"", b"")]
    assert lines(tmp_path / "done") == wanted
    found = bgo("tasks", "--json").json
    assert [(task["state"], task["run"], task["losses"]) for task in found] == [("succeeded", 1, 0)] * RUNS


def test_the_very_first_runs_overlap_too(bgo: Bgo, home: Path) -> None:
    """No store, no directory, no catalogue: all of them find that out at once."""
    shutil.rmtree(home)
    assert together(RUNS, "run") == [(0, b"", b"")] * RUNS
    assert together(RUNS, "run") == [(0, b"", b"")] * RUNS
    assert bgo("store", "check").out == "The store is sound.\n"


def test_what_waits_is_nothing_that_happened(bgo: Bgo) -> None:
    bgo("enqueue", "echo", "--delay", "1h")
    bgo("pause", "echo")
    bgo("enqueue", "echo")
    bgo("enqueue", "shell", "--retry", "custom:1h", "--", "false")
    assert together(1, "run", "--quiet") == [(0, b"", b"")]
    assert together(2, "run") == [(0, b"", b"")] * 2


def test_a_failure_is_told_to_a_plain_run_and_by_code_to_those_who_ask(bgo: Bgo) -> None:
    bgo("enqueue", "shell", "--", "false")
    ((code, out, err),) = together(1, "run")
    assert (code, err) == (0, b"")
    assert out.splitlines()[-1] == b"1 failed"
    bgo("enqueue", "shell", "--", "false")
    assert together(1, "run", "--quiet", "--check") == [(1, b"", b"")]


@pytest.mark.parametrize("quiet", [(), ("--quiet",)], ids=["plain", "quiet"])
def test_a_broken_store_is_told_in_any_case(bgo: Bgo, home: Path, quiet: tuple[str, ...]) -> None:
    bgo("enqueue", "echo")
    (home / "bgo.db").write_bytes(b"this is no store" * 1000)
    ((code, out, err),) = together(1, "run", *quiet)
    assert (code, out) == (74, b"")
    assert err.startswith(b"error: ")


def test_a_run_that_is_to_end_soon_lets_running_tasks_finish(bgo: Bgo, tmp_path: Path) -> None:
    """--for ends the claims, not the work; the task that comes later is the next run's."""
    path = tmp_path / "done"
    bgo("enqueue", "shell", "--", "sh", "-c", f"echo begun >> {path}; sleep 1.5; echo over >> {path}")
    bgo("enqueue", "echo", "--delay", "1s")
    ended = together(1, "run", "--watch", "--for", "700ms", "--slots", "1", "--quiet")
    assert ended == [(0, b"", b"")]
    if path.exists():  # a slow machine may not get to it
        assert lines(path) == ["begun", "over"]
    states = {task["name"]: task["state"] for task in bgo("tasks", "--json").json}
    assert states == {"sh": "succeeded" if path.exists() else "queued", "echo": "queued"}


def test_grace_caps_what_may_finish(bgo: Bgo) -> None:
    task_id = bgo("enqueue", "sleep", "seconds=60").out.strip()
    with subprocess.Popen(
        [sys.executable, "-m", "bgo", "run", "--for", "5s", "--grace", "0s", "--json"],
        stdout=subprocess.PIPE,
        env=environment(),
        text=True,
    ) as run:
        assert run.stdout is not None
        told = run.stdout.read()
    assert run.returncode == 0
    assert '"handed_back": 1' in told or '"started": 0' in told  # a slow machine may not get to it
    assert bgo("status", task_id, "--json").json["state"] == "queued"

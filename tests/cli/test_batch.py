"""`bgo batch` and `bgo batches`: items from files and pipes, whole or not at all, callbacks, results, open batches."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Bgo, environment


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "items.txt").write_text("a\n\nb\nc\n", encoding="utf-8")
    (tmp_path / "items.jsonl").write_text('{"n": 1}\n"two"\n', encoding="utf-8")
    (tmp_path / "bad.jsonl").write_text('{"n": 1}\n{"n"}\n', encoding="utf-8")
    (tmp_path / "empty").write_text("\n\n", encoding="utf-8")
    (tmp_path / "nul").write_bytes(b"a\nb\0c\0")
    (tmp_path / "each.toml").write_text(
        "[[step]]\nrun='echo'\n[[step]]\nrun='sleep'\ninput={seconds=0}\n", encoding="utf-8"
    )
    return tmp_path


def inputs(bgo: Bgo, batch: str) -> list[dict[str, object]]:
    return [view["input"] for view in bgo("batches", "results", batch, "--json").events]


def test_lines_become_tasks(bgo: Bgo, files: Path) -> None:
    made = bgo("batch", "echo", "--items", "items.txt", "-i", "by=me", "--then", "echo", "--finally", "echo", "--json")
    assert made.json == made.json | {
        "schema": 1, "kind": "batch", "name": "echo", "state": "queued", "items": 3, "open": False,
    }  # fmt: skip
    batch = made.json["id"]
    assert inputs(bgo, batch) == [{"by": "me", "item": item} for item in "abc"]
    assert bgo("run", "-q").code == 0
    view = bgo("status", batch, "--json").json
    assert (view["state"], view["counts"]) == ("succeeded", {"total": 3, "succeeded": 3, "failed": 0, "cancelled": 0})
    shown = bgo("batches", "show", batch)
    assert "████████████ 100%  3 of 3 done" in shown.out
    assert shown.out.count("(then)") == shown.out.count("(finally)") == 1
    assert "callbacks  then: echo, finally: echo" in shown.out
    assert len(bgo("history", batch, "-q").lines) == 5


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--items", "items.jsonl"], [{"n": 1}, {"item": "two"}]),
        (["--items", "items.jsonl", "--format", "lines"], [{"item": '{"n": 1}'}, {"item": '"two"'}]),
        (["--items", "nul", "--format", "null"], [{"item": "a\nb"}, {"item": "c"}]),
        (["--items", "items.txt", "--field", "letter"], [{"letter": "a"}, {"letter": "b"}, {"letter": "c"}]),
    ],
)
def test_what_an_item_becomes(bgo: Bgo, files: Path, words: list[str], found: list[object]) -> None:
    assert inputs(bgo, bgo("batch", "b", "--handler", "echo", *words, "-q").lines[0]) == found


def test_a_pipe(files: Path, shell: Bgo) -> None:
    import subprocess
    import sys

    made = subprocess.run(
        [sys.executable, "-m", "bgo", "batch", "echo", "--items", "-", "-q"],
        input=b"x\ny", capture_output=True, env=environment(), timeout=60,
    )  # fmt: skip
    assert (made.returncode, made.stderr) == (0, b"")
    (batch,) = made.stdout.decode().split()
    assert shell("batches", "results", batch, "-q").out.count("\n") == 2


def test_a_chain_for_each_item(bgo: Bgo, files: Path) -> None:
    batch = bgo("batch", "b", "--chain", "each.toml", "--items", "items.txt", "-q").lines[0]
    assert bgo("run", "-q").code == 0
    assert bgo("status", batch, "--json").json["counts"]["succeeded"] == 3
    assert len(bgo("tasks", "--batch", batch, "-q").lines) == 6
    assert (bgo("chains", "-q").lines, len(bgo("chains", "list", "--batch", batch, "-q").lines)) == ([], 3)


def test_an_open_batch(bgo: Bgo, files: Path) -> None:
    batch = bgo("batch", "echo", "--open", "-q").lines[0]
    assert "open for more items" in bgo("status", batch).out
    assert bgo("batches", "add", batch, "--items", "items.txt").lines == [f"{batch} has 3 more items"]
    assert bgo("batches", "add", batch, "--items", "items.jsonl", "--json").json == {
        "schema": 1, "id": batch, "added": 2,
    }  # fmt: skip
    bgo("run", "-q")
    assert bgo("status", batch, "--json").json["state"] == "running"
    assert "open: waits for more items" in bgo("explain", batch).out
    assert bgo("batches", "close", batch).lines == [f"{batch} is closed"]
    assert bgo("batches", "close", batch, "--json").json["closed_now"] is False
    assert bgo("status", batch, "--json").json["state"] == "succeeded"
    late = bgo("batches", "add", batch, "--items", "items.txt")
    assert (late.code, len(late.error)) == (4, 3)


def test_results_by_page_and_state(bgo: Bgo, files: Path) -> None:
    batch = bgo("batch", "b", "--handler", "sleep", "--items", "items.jsonl", "--format", "ndjson", "-q")
    assert batch.code == 2, "sleep takes no n"
    (files / "s.jsonl").write_text('{"seconds": 0}\n{"seconds": 0, "x": 1}\n'.replace(', "x": 1', ""), encoding="utf-8")
    made = bgo("batch", "b", "--handler", "sleep", "--items", "s.jsonl", "-q").lines[0]
    first, second = bgo("batches", "results", made, "-q").lines
    assert bgo("batches", "results", made, "-q", "--limit", "1").lines == [first]
    assert bgo("batches", "results", made, "-q", "--after", first).lines == [second]
    bgo("cancel", second)
    assert bgo("batches", "results", made, "-q", "--state", "cancelled").lines == [second]
    assert bgo("batches", "results", made, "-q", "--state", "failed").out == ""
    assert second in bgo("batches", "results", made).out


def test_dry_run_reads_every_item(bgo: Bgo, files: Path) -> None:
    plan = bgo("batch", "echo", "--items", "items.txt", "-i", "by=me", "--then", "echo", "--dry-run", "--json").json
    assert (plan["items"], plan["field"], plan["callbacks"]) == (3, "item", {"then": "echo"})
    assert [one["input"] for one in plan["first"]] == [{"by": "me", "item": "a"}]
    assert "items  3" in bgo("batch", "echo", "--items", "items.txt", "-n").out
    assert bgo("batch", "b", "--chain", "each.toml", "--items", "items.txt", "-n", "--json").json["items"] == 3
    assert bgo("batch", "echo", "--items", "bad.jsonl", "-n").code == 2
    assert bgo("batches", "-q").lines == []


REFUSED = [
    (["batch", "echo"], 2, "a batch of which items?"),
    (["batch", "ecko", "--items", "items.txt"], 3, "unknown handler: 'ecko'"),
    (["batch", "echo", "--items", "none"], 2, "cannot read 'none'"),
    (["batch", "echo", "--items", "empty"], 2, "a batch needs items"),
    (["batch", "echo", "--items", "bad.jsonl"], 2, "bad.jsonl:2: not JSON"),
    (["batch", "echo", "--items", "items.txt", "--format", "csv"], 2, "'csv' is not one of lines, ndjson, null"),
    (["batch", "b", "--items", "items.txt", "--handler", "echo", "--chain", "each.toml"], 2, "--handler and --chain"),
    (["batch", "b", "--items", "items.txt", "--chain", "none.toml"], 2, "cannot read 'none.toml'"),
    (["batch", "sleep", "--items", "items.txt"], 2, "item 1: "),
    (["batch", "echo", "--items", "items.txt", "--then", "ecko"], 3, "unknown handler: 'ecko'"),
    (["batch", "echo", "--items", "items.txt", "--queue", "hihg"], 3, "no queue 'hihg'"),
    (["batch", "echo", "--items", "items.txt", "--encrypt"], 2, "--encrypt is not available in this version"),
    (["batches", "show", "0zzz0zzz"], 3, "no task 0zzz0zzz"),
    (["batches", "add", "@last", "--items", "items.txt"], 3, "@last: there is no task yet"),
]


@pytest.mark.parametrize(("words", "code", "said"), REFUSED)
def test_what_does_not_fit_is_refused_and_nothing_is_queued(
    bgo: Bgo, files: Path, words: list[str], code: int, said: str
) -> None:
    done = bgo(*words)
    assert (done.code, len(done.error)) == (code, 3), done.err
    assert said in done.error[0]
    assert bgo("batches", "-q").lines == bgo("tasks", "-q").lines == []

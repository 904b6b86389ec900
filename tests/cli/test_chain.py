"""`bgo chain`: steps as words, as commands and from a file; what it answers, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Bgo

TOML = """
name = "nightly"
input = { message = "from the file" }
[[step]]
run = "echo"
on_failure = "rollback"
[[step]]
parallel = [{ run = "echo", name = "b" }, { command = "false", name = "bad" }]
on_failure = "rollback"
[[step]]
run = "echo"
name = "last"
[[step]]
name = "rollback"
command = "echo rolled back"
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "chain.toml"
    path.write_text(TOML, encoding="utf-8")
    return str(path)


def test_steps_are_words(bgo: Bgo) -> None:
    done = bgo("chain", "sync", "echo", "a=echo+b=sleep", "-i", "message=hi", "-i", "seconds=0", "--tag", "t", "--json")
    assert done.json == done.json | {
        "schema": 1, "kind": "chain", "name": "sync", "state": "queued", "steps": 2, "members": 3,
        "deduplicated": False, "kept": False,
    }  # fmt: skip
    assert bgo("run", "-q").code == 0
    (chain,) = bgo("chains", "--tag", "t", "--json").json
    assert (chain["id"], chain["state"], chain["input"]) == (
        done.json["id"],
        "succeeded",
        {"message": "hi", "seconds": 0},
    )
    assert [task["name"] for task in bgo("tasks", "--chain", chain["id"], "--json").json] == ["b", "a", "echo"]
    assert bgo("status", "@last", "-q").lines == [chain["id"]]


def test_the_id_is_printed_and_words_are_typed_by_whoever_takes_them(bgo: Bgo) -> None:
    (chain,) = bgo("chain", "s", "echo", "sleep", "-i", "seconds=0.5", "-i", "n=3").lines
    assert bgo("status", chain, "--json").json["input"] == {"seconds": 0.5, "n": "3"}
    assert bgo("chain", "s", "sleep", "-i", "seconds=x").err.startswith("error: sleep: seconds does not accept")


def test_commands_run_here(bgo: Bgo) -> None:
    good = bgo(
        "chain", "build", "--commands", "echo one", "sh -c 'echo $WHO'", "echo three", "--env", "WHO=two", "--run"
    )
    assert good.code == 0
    assert [line for line in good.lines[1:] if line and not line.startswith("==>")] == ["one", "two", "three"]
    assert [line.split()[1] for line in good.lines if line.startswith("==>")] == ["echo", "sh", "echo-2"]
    assert "✓ succeeded in" in good.err
    bad = bgo("chain", "build", "--commands", "echo one", "false", "echo never", "--run")
    assert bad.code == 1
    assert "never" not in bad.out
    assert "failed: step false (task " in bad.err
    assert "goes on from where it failed" in bad.err


def test_a_file_with_a_compensation(bgo: Bgo, file: str) -> None:
    chain = bgo("chain", "--file", file, "-i", "message=from here", "-q").lines[0]
    bgo("run", "-q")
    node = bgo("chains", "show", chain, "--json").json
    assert (node["name"], node["state"], node["schema"]) == ("nightly", "failed", 1)
    assert [(step["name"], step["state"]) for step in node["steps"]] == [
        ("echo", "succeeded"), ("b+bad", "failed"), ("last", "failed"),
    ]  # fmt: skip
    assert [(aside["name"], aside["state"]) for aside in node["follow_ups"]] == [("rollback", "succeeded")]
    assert bgo("logs", chain).out.count("==>") == 3
    assert "from here" in bgo("logs", chain).out
    shown = bgo("chains", "show", chain).out
    assert "b+bad  2 in parallel; if it fails: rollback" in shown
    assert "(compensation)" in shown
    assert bgo("chain", "other", "--file", file, "--json").json["name"] == "other"


def test_options_of_the_file_and_of_the_call(bgo: Bgo, tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("[options]\nretry='custom:1s'\nqueue='low'\n[[step]]\nrun='echo'\n", encoding="utf-8")
    bgo("chain", "c", "--file", str(path), "--queue", "high", "--priority", "5", "--delay", "1h", "--timeout", "9s")
    (task,) = bgo("tasks", "--json").json
    assert (task["queue"], task["priority"], task["options"]["timeout"]["hard_ms"]) == ("high", 5, 9000)
    assert task["options"]["retry"]["max_attempts"] == 2
    assert "due" in bgo("status", "@last").out


def test_dedup_unique_and_after(bgo: Bgo) -> None:
    first = bgo("chain", "c", "echo", "--dedup", "input", "-i", "n=1", "-q").lines[0]
    again = bgo("chain", "c", "echo", "--dedup", "input", "-i", "n=1")
    assert (again.lines, "nothing new was queued" in again.err) == ([first], True)
    assert bgo("chain", "c", "echo", "--dedup", "input", "-i", "n=1", "--json").json["deduplicated"] is True
    behind = bgo("chain", "d", "echo", "--after", first, "-q").lines[0]
    assert bgo("status", behind, "--json").json["state"] == "blocked"
    assert bgo("explain", behind, "--json").json["gates"][0]["current"] == f"{first} is queued"


def test_dry_run_shows_steps_inputs_options_and_gates(bgo: Bgo) -> None:
    words = [
        "chain",
        "c",
        "echo",
        "a=echo+b=echo@input.names",
        "--retry",
        "custom:1s",
        "-i",
        'names:=["x"]',
        "--dry-run",
    ]
    plan = bgo(*words, "--json").json
    assert (plan["dry_run"], plan["kind"], plan["name"]) == (True, "chain", "c")
    first, (one, two) = plan["steps"][0]["members"][0], plan["steps"][1]["members"]
    assert (first["input"], first["options"]["retry"]["max_attempts"]) == ({"names": ["x"]}, 2)
    assert (one["kind"], two["kind"], two["over"], two["handler"]) == ("task", "batch", "input.names", "echo")
    assert [gate["gate"] for gate in plan["gates"]] == ["due", "paused", "handler", "slots"]
    told = bgo(*words)
    assert "step 2  a: echo" in told.out
    assert "b: echo, once for each of input.names" in told.out
    assert told.err == "dry run: nothing was queued\n"
    assert bgo("chains", "-q").lines == []


def test_wait_tells_the_result(bgo: Bgo) -> None:
    done = bgo("chain", "c", "echo", "--wait-timeout", "10ms", "-q")
    assert (done.code, len(done.lines)) == (124, 1)
    end = bgo("chain", "c", "echo", "--run", "--json")
    assert (end.code, end.json["state"], end.json["counts"]["succeeded"]) == (0, "succeeded", 1)


def test_run_says_what_holds_it(bgo: Bgo) -> None:
    bgo("pause", "echo")
    done = bgo("chain", "c", "echo", "--run")
    assert done.code == 75
    assert "cannot go on now; it stays queued" in done.err


REFUSED = [
    (["chain"], 2, "which chain?"),
    (["chain", "c"], 2, "a chain needs a step"),
    (["chain", "a b", "echo"], 2, "not a chain name"),
    (["chain", "c", "ecko"], 3, "unknown handler: 'ecko'"),
    (["chain", "c", "ls"], 3, "unknown handler: 'ls'"),
    (["chain", "c", "shell"], 2, "shell: which command?"),
    (["chain", "c", "echo", "echo"], 2, "step echo appears twice"),
    (["chain", "c", "echo++sleep"], 2, "not a step"),
    (["chain", "c", "x=echo@scan.files"], 2, "no earlier step is called 'scan'"),
    (["chain", "c", "echo", "--commands", "ls -l"], 2, "--commands and STEP 'echo' contradict each other"),
    (["chain", "c", "--commands", "a && b"], 2, "a shell would be needed for 'a && b'"),
    (["chain", "c", "--commands"], 2, "a chain needs a step"),
    (["chain", "c", "echo", "--env", "A=1"], 2, "--env: no step is a command"),
    (["chain", "--file", "/nowhere.toml"], 2, "cannot read '/nowhere.toml'"),
    (["chain", "c", "echo", "--file", "x.toml"], 2, "--file and STEP 'echo' contradict each other"),
    (["chain", "c", "--commands", "ls", "--file", "x"], 2, "--file and --commands contradict each other"),
    (["chain", "c", "echo", "--run", "--wait"], 2, "--run and --wait contradict each other"),
    (["chain", "c", "echo", "--queue", "hihg"], 3, "no queue 'hihg'"),
    (["chain", "c", "echo", "--rate-key", "k"], 2, "--rate-key needs --rate"),
    (["chain", "c", "echo", "--at", "soon"], 2, "--at: not a time"),
    (["chain", "c", "echo", "--encrypt"], 2, "--encrypt is not available in this version"),
    (["chain", "c", "echo", "--delay", "1h", "--at", "14:30"], 2, "delay and at contradict each other"),
    (["chain", "c", "echo", "--after", "0zzz0zzz"], 3, "no task 0zzz0zzz"),
]


@pytest.mark.parametrize(("words", "code", "said"), REFUSED)
def test_what_does_not_fit_is_refused_in_three_lines(bgo: Bgo, words: list[str], code: int, said: str) -> None:
    done = bgo(*words)
    assert (done.code, len(done.error)) == (code, 3)
    assert said in done.error[0]
    assert bgo("chains", "-q").lines == []


def test_a_refused_file_names_its_line_as_json_too(bgo: Bgo, tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("name='c'\n[[step]]\nrun='echo'\ntimeoot='2m'\n", encoding="utf-8")
    done = bgo("chain", "--file", str(path), "--json")
    error = json.loads(done.err)["error"]
    assert (done.code, error["message"], error["hint"]) == (
        2, f"{path}:4: unknown key 'timeoot'", "did you mean 'timeout'?",
    )  # fmt: skip

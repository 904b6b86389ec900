"""`bgo enqueue`: what is typed is what is kept, or it is refused in three lines and nothing is kept."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from bgo.api import TaskFlow
from bgo.cli import later
from tests.cli.conftest import Bgo, Lived

HOUR = 3_600_000


def kept(task_id: str) -> dict[str, Any]:
    with TaskFlow() as flow:
        return flow.get(task_id).to_json()


def test_it_prints_the_id_and_nothing_else(bgo: Bgo) -> None:
    for words in (["enqueue", "echo"], ["enqueue", "echo", "-q"], ["add", "echo"]):
        done = bgo(*words)
        assert (done.code, done.err, len(done.lines), len(done.out)) == (0, "", 1, 13)
        assert kept(done.out.strip())["handler"] == "echo"


def test_json_is_one_object(bgo: Bgo) -> None:
    done = bgo("enqueue", "echo", "--as", "hello", "--queue", "high", "--json")
    found = done.json
    assert (found["schema"], found["name"], found["handler"], found["queue"]) == (1, "hello", "echo", "high")
    assert (found["state"], found["deduplicated"]) == ("queued", False)
    assert kept(found["id"])["name"] == "hello"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["message=hi", "n:=1", "user.id=7"], {"message": "hi", "n": 1, "user": {"id": "7"}}),
        (["-i", "message=hi", "-i", "n=1"], {"message": "hi", "n": "1"}),
        (["--input", '{"a": 1, "b": 2}', "b=3"], {"a": 1, "b": "3"}),
        (["--input", "@in.json"], {"from": "file"}),
        (["text=@note.txt", "data:=@in.json"], {"text": "hello\n", "data": {"from": "file"}}),
    ],
)
def test_inputs(bgo: Bgo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], found: Any) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.json").write_text('{"from": "file"}')
    (tmp_path / "note.txt").write_text("hello\n")
    assert kept(bgo("enqueue", "echo", *words).out.strip())["input"] == found


def test_words_take_the_types_of_the_handler(bgo: Bgo) -> None:
    assert kept(bgo("enqueue", "sleep", "seconds=3").out.strip())["input"] == {"seconds": 3.0}


def test_options_are_kept(bgo: Bgo, tmp_path: Path) -> None:
    words = ["--queue", "low", "--priority", "high", "--tag", "a", "--tag", "b", "--timeout", "30s/60s"]
    words += ["--retry", "linear:attempts=3,delay=5s", "--concurrency", "2:lifo", "--concurrency-key", "disk"]
    words += ["--charging", "--cwd", str(tmp_path), "--delay", "1h"]
    done = bgo("enqueue", "echo", *words)
    found = kept(done.out.strip())
    assert (found["queue"], found["priority"], found["tags"], found["cwd"]) == ("low", 10, ["a", "b"], str(tmp_path))
    options = found["options"]
    assert options["timeout"] == {"soft_ms": 30_000, "hard_ms": 60_000}
    assert (options["retry"]["kind"], found["max_attempts"]) == ("linear", 3)
    assert options["concurrency"] == {"max": 2, "strategy": "lifo", "key": "disk"}
    assert options["constraints"] == {"requires_charging": True}
    assert kept(bgo("enqueue", "echo", "--at-most-once").out.strip())["options"] == {"at_most_once": True}


def test_the_understood_time_is_told_to_people_only(bgo: Bgo) -> None:
    done = bgo("enqueue", "echo", "--at", "2099-12-24 18:00")
    assert "not before Thu 24 Dec 2099 18:00:00" in done.err
    assert bgo("enqueue", "echo", "--delay", "5m").err.endswith("(in 5 min)\n")
    assert "due at once" in bgo("enqueue", "echo", "--at", "2001-01-01").err
    assert "not before" in bgo("enqueue", "echo", "--at", "tomorrow 9:00").err
    assert bgo("enqueue", "echo", "--delay", "5m", "-q").err == ""
    assert bgo("enqueue", "echo", "--delay", "5m", "--json").err == ""


def test_a_command_keeps_path_lang_and_what_is_named(bgo: Bgo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "hunter2")
    monkeypatch.setenv("LEVEL", "1")
    monkeypatch.delenv("LANG", raising=False)
    words = ["enqueue", "shell", "--env", "LEVEL", "--env", "MODE=fast", "--", "rsync", "-a", "--json", "x=1"]
    plan = bgo("enqueue", "--dry-run", "--json", *words[1:]).json
    assert (plan["argv"], plan["env"], plan["name"]) == (
        ["rsync", "-a", "--json", "x=1"],
        ["LEVEL", "MODE", "PATH"],
        "rsync",
    )
    done = bgo(*words)
    found = kept(done.out.strip())
    assert (found["name"], found["handler"], found["argv"]) == ("rsync", "shell", ["rsync", "-a", "--json", "x=1"])
    assert found["cwd"] == str(Path.cwd())


def test_like_copies_and_options_override(bgo: Bgo, lived: Lived) -> None:
    copy = kept(bgo("enqueue", "--like", lived.failed).out.strip())
    old = kept(lived.failed)
    for key in ("name", "handler", "argv", "queue", "cwd", "options", "input"):
        assert copy[key] == old[key]
    assert (copy["state"], copy["run"]) == ("queued", 0)
    other = kept(bgo("enqueue", "--like", lived.done, "message=other", "--queue", "low", "--tag", "x").out.strip())
    assert (other["input"], other["queue"], other["tags"]) == ({"message": "other"}, "low", ["x"])
    whole = kept(bgo("enqueue", "echo", "--like", lived.done, "--input", "{}").out.strip())
    assert (whole["input"], whole["tags"]) == ({}, ["nightly"])


def test_like_gives_a_copied_command_another_variable(bgo: Bgo, lived: Lived) -> None:
    plan = bgo("enqueue", "--like", lived.failed, "--env", "MODE=fast", "--dry-run", "--json").json
    assert plan["env"] == ["MODE", "PATH"]
    assert plan["argv"] == ["sh", "-c", "echo before; exit 3"]


def test_a_command_that_lacks_its_shell_is_told_so(bgo: Bgo) -> None:
    assert bgo("enqueue", "ls").error[2] == " hint: it is a command of this computer: bgo enqueue shell -- ls …"


def test_unknown_handlers_may_be_queued_on_purpose(bgo: Bgo) -> None:
    done = bgo("enqueue", "not.yet", "n=1", "--allow-unknown")
    assert kept(done.out.strip())["input"] == {"n": "1"}


REFUSED: list[tuple[list[str], int, str]] = [
    ([], 2, "enqueue what?"),
    (["message=hi"], 2, "enqueue what?"),
    (["ech"], 3, "unknown handler: 'ech'"),
    (["no such"], 3, "unknown handler: 'no such'"),
    (["echo", "message"], 2, "not an input: 'message'"),
    (["echo", "-i", "=x"], 2, "not an input: '=x'"),
    (["echo", "n:={"], 2, "n (after :=) is not acceptable JSON"),
    (["echo", "text=@/no/such/file"], 2, "cannot read '/no/such/file'"),
    (["echo", "--input", "[1]"], 2, "--input is not a JSON object"),
    (["echo", "--input", "{"], 2, "--input is not acceptable JSON"),
    (["echo", "--input", '{"a":' + "[" * 200 + "]" * 200 + "}"], 2, "the input is not acceptable JSON"),
    (["echo", "--input", json.dumps({"a": "x" * (1 << 20)})], 2, "the input is too large: 1,048,584 bytes"),
    (["echo", "--input"], 2, "option '--input' requires an argument"),
    (["sleep", "seconds=many"], 2, 'sleep: seconds does not accept "many"'),
    (["sleep", "second=1"], 2, 'sleep: unknown input "second"'),
    (["sleep", "--", "x"], 2, "sleep takes no command line"),
    (["sleep", "--env", "HOME"], 2, "sleep takes no command line"),
    (["shell"], 2, "shell: which command?"),
    (["shell", "--"], 2, "shell: which command?"),
    (["shell", "--env", "PATH"], 2, "shell: which command?"),
    (["shell", "--env", "NOT_SET_HERE", "--", "ls"], 2, "NOT_SET_HERE is not set here"),
    (["echo", "--queue", "hgh"], 3, "no queue 'hgh'"),
    (["echo", "--queue", "hgh", "--at", "10:00"], 3, "no queue 'hgh'"),
    (["echo", "--queue", "../x"], 2, "not a queue name: '../x'"),
    (["echo", "--priority", "500"], 2, "--priority: not a priority: '500'"),
    (["echo", "--priority", "hihg"], 2, "--priority: not a priority: 'hihg'"),
    (["echo", "--tag", "a b"], 2, "not a tag name: 'a b'"),
    (["echo", "--as", "1abc"], 2, "not a task name: '1abc'"),
    (["echo", "--as", "\x1b[2Jx"], 2, "not a task name: '\\x1b[2Jx'"),
    (["echo", "--delay", "5x"], 2, "--delay: not a duration: '5x' (try 90s, 5m, 1h30m, 2d or PT5M)"),
    (["echo", "--delay", "-5m"], 2, "--delay: not a duration: '-5m' (try 90s, 5m, 1h30m, 2d or PT5M)"),
    (["echo", "--at", "soon"], 2, "--at: not a time: 'soon'"),
    (["echo", "--at", "25:00"], 2, "--at: not a time: '25:00'"),
    (["echo", "--at", "10:00", "--delay", "5m"], 2, "delay and at contradict each other"),
    (["echo", "--timeout", "60s/30s"], 2, "--timeout: not a timeout: '60s/30s'"),
    (["echo", "--timeout", "0"], 2, "--timeout: not a timeout: '0'"),
    (["echo", "--retry", "often"], 2, "--retry: not a retry policy: 'often'"),
    (["echo", "--retry", "linear:attempts=0"], 2, "--retry: retry: attempts=0 is out of range"),
    (["echo", "--concurrency", "0"], 2, "concurrency: 0 is out of range"),
    (["echo", "--concurrency", "3:filo"], 2, "not a concurrency limit: '3:filo'"),
    (["echo", "--concurrency-key", "disk"], 2, "--concurrency-key needs --concurrency"),
    (["echo", "--at-most-once", "--retry", "linear"], 2, "at-most-once and retries contradict each other"),
    (["echo", "--cwd", "/no/such/folder"], 2, "no such directory: '/no/such/folder'"),
    (["echo", "--like", "4zzzzz"], 3, "no task 4zzzzz"),
    (["echo", "--like", "4z"], 2, "not an id: '4z'"),
    (["echo", "--run", "--wait"], 2, "--run and --wait contradict each other"),
    (
        ["echo", "--network", "wifi"],
        2,
        "invalid value for '--network': 'wifi' is not one of none, connected, unmetered, not-roaming, metered",
    ),
    (["echo", "--rate", "0/1m"], 2, "rate: not a number of starts: 0"),
    (["echo", "--rate", "5/0s"], 2, "not a rate: '5/0s'"),
    (["echo", "--rate", "often"], 2, "not a rate: 'often'"),
    (["echo", "--rate-key", "api"], 2, "--rate-key needs --rate"),
    (["echo", "a=1", "--dedup", "b"], 2, "dedup: the input has no b"),
    (["echo", "a=1", "--dedup", "a,,b"], 2, "dedup: not a list of fields: 'a,,b'"),
    (["echo", "--dedup-ttl", "5m"], 2, "--dedup-ttl needs --dedup"),
    (["echo", "--dedup", "input", "--dedup-ttl", "0s"], 2, "dedup ttl: 0s is out of range"),
    (["echo", "--dedup", "input", "--unique", "u"], 2, "dedup and unique contradict each other"),
    (["echo", "--unique-policy", "keep"], 2, "--unique-policy needs --unique"),
    (["echo", "--unique", "u", "--unique-policy", "kepe"], 2, "not a unique policy: 'kepe'"),
    (["echo", "--start-before", "2020-01-01"], 2, "start-before: that time is past"),
    (["echo", "--delay", "2h", "--finish-before", "1h"], 2, "finish-before comes before the task may begin"),
    (["echo", "--after", "4zzzzz"], 3, "no task 4zzzzz"),
    (["echo", "--encrypt"], 2, "--encrypt is not available in this version"),
    (["echo", "--no-such-thing"], 2, "no such option: --no-such-thing"),
    (["echo", "--profile", "androd"], 3, "no profile 'androd'"),
    (["echo", "--store", "http://x/y"], 78, "--store: store = 'http://x/y' is not usable"),
    (["echo", "--store", "/dev/null"], 77, "/dev/null is not a plain file"),
]


@pytest.mark.parametrize(("words", "code", "message"), REFUSED, ids=[f"{m} {c}"[:60] for w, c, m in REFUSED])
def test_bad_input_is_three_lines_and_nothing_is_kept(bgo: Bgo, words: list[str], code: int, message: str) -> None:
    done = bgo("enqueue", *words)
    assert done.code == code
    assert len(done.error) == 3, done.err
    first, why, hint = done.error
    assert first == f"error: {message}"
    assert why.startswith("  why: ")
    assert hint.startswith(" hint: ")
    assert bgo("tasks", "-q").lines == []


def test_with_json_a_refusal_is_one_object_on_stderr(bgo: Bgo) -> None:
    done = bgo("enqueue", "ech", "--json")
    assert done.out == ""
    error = json.loads(done.err)["error"]
    assert (error["code"], error["exit_code"], error["hint"]) == ("not_found", 3, "did you mean echo?")


def test_options_to_come_are_refused_and_not_advertised(bgo: Bgo) -> None:
    page = bgo("enqueue", "--help").out
    for name in later.ENQUEUE.split():
        assert f"--{name} " not in page
        assert "not available in this version" in bgo("enqueue", "echo", f"--{name}", "x").err


def test_nothing_is_written_by_a_dry_run(bgo: Bgo, home: Path) -> None:
    done = bgo("enqueue", "echo", "message=hi", "--dry-run", "--charging", "--concurrency", "2")
    assert done.code == 0
    assert "a charging device" in done.out
    assert "at most 2 under echo (fifo)" in done.out
    assert "dry run" in done.err
    assert not (home / "bgo.db").exists()


def test_a_dry_run_shows_the_gates_as_they_stand(bgo: Bgo, lived: Lived) -> None:
    before = bgo("tasks", "--json").json
    assert bgo("pause", "echo").code == 0
    done = bgo("enqueue", "echo", "a=1", "--dry-run", "--json", "--delay", "1h", "--as", "x")
    plan = done.json
    assert (plan["dry_run"], plan["input"], plan["lane"]["queue"]) == (True, {"a": "1"}, "default")
    gates = {gate["gate"]: gate["open"] for gate in plan["gates"]}
    assert (gates["due"], gates["paused"], gates["handler"]) == (False, True, True)
    paused = bgo("enqueue", "echo", "--dry-run", "--json").json
    assert {gate["gate"]: gate["open"] for gate in paused["gates"]}["paused"] is False
    assert bgo("tasks", "--json").json == before


def test_own_queues_work_in_a_dry_run_without_a_store(bgo: Bgo, home: Path) -> None:
    (home / "config.toml").write_text("[queues]\nnight = { weight = 2 }\n")
    assert bgo("enqueue", "echo", "--queue", "night", "--dry-run").code == 0
    assert kept(bgo("enqueue", "echo", "--queue", "night").out.strip())["queue"] == "night"


def test_waiting_without_a_worker_says_so_and_ends_in_time(bgo: Bgo) -> None:
    done = bgo("enqueue", "echo", "--wait", "--wait-timeout", "1.2s")
    assert done.code == 124
    assert len(done.lines) == 1
    assert "no worker runs now" in done.err
    assert "bgo run" in done.err
    assert "still waiting for" in done.err
    assert kept(done.lines[0])["state"] == "queued"


def test_run_executes_it_here_and_exits_with_its_result(bgo: Bgo) -> None:
    good = bgo("enqueue", "echo", "message=hello", "--run")
    assert (good.code, good.lines[1:]) == (0, ["hello"])
    assert "succeeded" in good.err
    bad = bgo("enqueue", "shell", "--run", "--", "sh", "-c", "echo out; exit 3")
    assert (bad.code, bad.lines[1:]) == (1, ["out"])
    assert bad.err.splitlines()[0].endswith("(sh) failed: TaskFailure: exit code 3: out")
    assert len(bad.err.splitlines()) == 3


def test_run_runs_nothing_else(bgo: Bgo) -> None:
    other = bgo("enqueue", "echo").out.strip()
    done = bgo("enqueue", "echo", "--run", "--json")
    assert (done.code, done.json["state"], done.err) == (0, "succeeded", "")
    assert kept(other)["state"] == "queued"


def test_run_stays_for_the_retries(bgo: Bgo, tmp_path: Path) -> None:
    script = f"test -e {tmp_path}/flag || {{ touch {tmp_path}/flag; exit 1; }}"
    done = bgo("enqueue", "shell", "--run", "--retry", "custom:10ms", "-q", "--", "sh", "-c", script)
    assert (done.code, done.err, len(done.lines)) == (0, "", 1)
    assert kept(done.lines[0])["run"] == 2


def test_run_says_what_holds_it(bgo: Bgo) -> None:
    bgo("pause", "echo")
    done = bgo("enqueue", "echo", "--run")
    assert done.code == 75
    assert "cannot run now" in done.err
    assert "hint: bgo resume echo" in done.err
    assert kept(done.lines[0])["state"] == "queued"


def test_the_task_runs_where_it_was_queued(bgo: Bgo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert bgo("enqueue", "shell", "--run", "--", "pwd").lines[1:] == [os.path.realpath(tmp_path)]


def test_only_a_shell_task_is_named_after_its_command(bgo: Bgo) -> None:
    names = [bgo("enqueue", handler, "--json", "--", "/bin/ls", "-l").json["name"] for handler in ("echo", "shell")]
    assert names == ["echo", "ls"]

"""Commands of the configuration: words are words, whatever a task is called or says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bgo.errors import ConfigError, UsageError
from bgo.model.hooks import commands, fill
from tests.run.hook_kit import Home

HOSTILE = "--rm=$(touch owned) `touch owned`; touch owned & \"'\\ {id} \n\0 𝔘"
PLUGIN = f"""
@bgo.task
def hostile(ctx):
    raise RuntimeError({HOSTILE!r})
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path)
    found.plugin("tasks", PLUGIN)
    return found


def test_a_hostile_error_stays_one_word(home: Home) -> None:
    script = home.place / "show.py"
    script.write_text(f"import json, os, sys\nopen({str(home.place / 'seen')!r}, 'w').write("
                      "json.dumps([sys.argv[1:], dict(os.environ), json.load(sys.stdin)]))\n")  # fmt: skip
    argv = [
        "python3",
        str(script),
        "{error}",
        "{name} failed: {error}",
        "{{name}}",
        '{"json": 1}',
        "-x{state}",
        "{run}",
    ]
    home.config(f"[hooks]\ntask_failed = {json.dumps(argv)}\n")
    task = home.bgo("enqueue", "hostile", "-q", "--as", "sh.-c", "--tag", "x").strip()
    report, _ = home.run()
    assert report["hooks"] == {"told": 1, "failed": 0, "dropped": 0, "off": []}
    words, env, entry = json.loads((home.place / "seen").read_text())
    said = HOSTILE.replace("\0", "�")
    assert words == [
        f"RuntimeError: {said}",
        f"sh.-c failed: RuntimeError: {said}",
        "{name}",
        '{"json": 1}',
        "-xfailed",
        "1",
    ]
    assert (env["BGO_ID"], env["BGO_NAME"], env["BGO_STATE"], env["BGO_HOOK"]) == (
        task,
        "sh.-c",
        "failed",
        "task_failed",
    )
    assert env["BGO_ERROR"] == f"RuntimeError: {said}"
    assert env["BGO_RUN"].startswith("hooks.")
    assert (entry["id"], entry["state"], entry["tags"], entry["handler"]) == (task, "failed", ["x"], "hostile")
    assert entry["error"]["message"] == HOSTILE
    assert not list(home.place.rglob("owned"))


def test_several_commands_each_report_for_themselves(home: Home) -> None:
    home.config(
        "[hooks]\ntask_failed = [['sh', '-c', 'echo why >&2; exit 7'], ['no-such-program'], ['sh', '-c', 'kill -9 $$'],"
        f" ['touch', '{home.place}/touched']]\n"
    )
    home.bgo("enqueue", "hostile", "-q")
    report, events = home.run()
    messages = [event["message"] for event in events if event["type"] == "hook_failed"]
    assert messages == [
        "sh: exit code 7: why",
        "no-such-program: No such file or directory",
        "sh: killed by signal 9",
    ]
    assert (home.place / "touched").exists()
    assert report["hooks"]["told"] == 4


def test_a_command_that_hangs_is_ended_with_all_it_has_started(home: Home) -> None:
    hanging = f"['sh', '-c', 'sleep 1000 & echo $! > {home.place}/pid; wait']"
    home.config(f"[hooks]\ntimeout = 0.3\ntask_failed = [{hanging}, ['touch', '{home.place}/touched']]\n")
    home.bgo("enqueue", "hostile", "-q")
    report, events = home.run()
    (failure,) = [event for event in events if event["type"] == "hook_failed"]
    assert failure["message"] == "it took longer than 0.3 s"
    assert (home.place / "touched").exists()
    assert not Path(f"/proc/{(home.place / 'pid').read_text().strip()}").exists()
    assert report["failed"] == 1


def test_a_word_that_would_become_an_option_does_not() -> None:
    assert fill(["mail", "{error}", "-s{name}"], {"error": "-rf /", "name": "-x"}) == ["mail", " -rf /", "-s-x"]


@pytest.mark.parametrize(
    ("raw", "part"),
    [
        ("notify-send", "a list of words"),
        ([], "a list of words"),
        ([[]], "a list of words"),
        (["x", 1], "a list of words"),
        ([["x"], "y"], "a list of words"),
        (["{name}", "x"], "must not choose the program"),
        (["x", "{nmae}"], "did you mean 'name'?"),
        (["x", "a\0b"], "first word"),
    ],
)
def test_what_is_no_command_is_refused(raw: object, part: str) -> None:
    with pytest.raises(UsageError) as caught:
        commands(raw)
    assert part in caught.value.why


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("task_faild = ['x']", "did you mean 'hooks.task_failed'?"),
        ("task_failed = 'x'", "a list of words"),
        ("task_failed = ['x', '{nmae}']", "did you mean 'name'?"),
        ("timeout = 0", "must lie between"),
        ("timeout = '2h'", "an hour at most"),
    ],
)
def test_the_configuration_is_checked_when_it_is_read(home: Home, text: str, part: str) -> None:
    home.config(f"[hooks]\n{text}\n")
    with pytest.raises(ConfigError) as caught:
        home.flow()
    assert part in caught.value.why
    assert "config.toml:2" in caught.value.message


def test_the_configuration_is_shown(home: Home) -> None:
    home.config("[hooks]\ntimeout = '3s'\ntask_failed = ['x', '{id}']\n")
    shown = {row["key"]: row["value"] for row in json.loads(home.bgo("config", "show", "--json"))}
    assert (shown["hooks.timeout"], shown["hooks.task_failed"]) == (3.0, [["x", "{id}"]])

"""The skeleton: options anywhere, one door for errors, exit codes, and nothing heavy on the way."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from bgo.cli import app
from bgo.cli.lazy import Row
from bgo.model.state import State
from bgo.version import VERSION

HEAVY = {"sqlmodel", "sqlalchemy", "pydantic", "croniter", "cryptography", "keyring", "asyncio", "rich"}
ROWS = {
    "probe": Row("tests.cli.probe:probe", "Show what arrived.", argv=True),
    "fail": Row("tests.cli.probe:fail", "Fail in a chosen way."),
    "pick": Row("tests.cli.probe:pick", "Select."),
    "things": Row("tests.cli.probe:app", "A noun with verbs."),
    "broken": Row("tests.cli.no_such_module:x", "Cannot be imported."),
}


@pytest.fixture(autouse=True)
def _probes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, row in ROWS.items():
        monkeypatch.setitem(app.TABLE, name, row)
    monkeypatch.setitem(app.ALIASES, "prb", "probe")
    monkeypatch.setenv("COLUMNS", "100")


def bgo(*words: str) -> int:
    return app.main(words)


def run(*words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "bgo", *words], capture_output=True, text=True, timeout=60, **more)


def seen(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


def test_values_arrive_converted(capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "files.hash",
        "path=a",
        "n:=1",
        "--timeout",
        "60s",
        "--network",
        "unmetered",
        "--count",
        "5",
        "--share",
        "0.5",
    ]
    assert bgo("probe", *words, "--tag", "a", "--tag", "b", "-q") == 0
    found = seen(capsys)
    assert (found["name"], found["words"], found["hard_ms"]) == ("files.hash", ["path=a", "n:=1"], 60_000)
    assert (found["network"], found["count"], found["share"]) == ("unmetered", 5, 0.5)
    assert (found["tags"], found["quiet"]) == (["a", "b"], True)


def test_defaults_arrive_as_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert bgo("probe", "x") == 0
    found = seen(capsys)
    assert (found["words"], found["hard_ms"], found["count"], found["tags"], found["argv"]) == (
        None,
        None,
        3,
        None,
        None,
    )


def test_global_options_may_stand_anywhere(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for words in (
        ["--store", "a.db", "probe", "x", "-v", "--profile", "ios", "--plugin", "p.py"],
        ["probe", "--profile=ios", "x", "--plugin=p.py", "--store=a.db", "--verbose"],
    ):
        assert bgo(*words) == 0
        found = seen(capsys)
        assert (found["store"], found["profile"]) == (str(Path.cwd() / "a.db"), "ios")
        assert (found["plugins"], found["verbose"]) == (["p.py"], 1)


def test_words_after_two_dashes_are_not_ours(capsys: pytest.CaptureFixture[str]) -> None:
    assert bgo("probe", "shell", "--", "rsync", "--store", "x", "-v", "--", "--json") == 0
    found = seen(capsys)
    assert found["argv"] == ["rsync", "--store", "x", "-v", "--", "--json"]
    assert (found["words"], found["verbose"]) == (None, 0)
    assert bgo("probe", "shell", "--") == 0
    assert seen(capsys)["argv"] == []


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["prob"], "no such command 'prob'", "did you mean 'probe'? (bgo --help)"),
        (["probe", "x", "--timout", "5s"], "no such option: --timout", "did you mean --timeout? (bgo probe --help)"),
        (["probe", "--json"], "missing argument 'NAME'", "bgo probe --help"),
        (["probe", "x", "--count", "12"], "invalid value for '--count': 12 is not from 1 to 9", "bgo probe --help"),
        (
            ["probe", "x", "--count", "many"],
            "invalid value for '--count': 'many' is not a whole number",
            "bgo probe --help",
        ),
        (["probe", "x", "--share", "nan"], "invalid value for '--share': 'nan' is not a number", "bgo probe --help"),
        (["things", "lok"], "no such command 'lok'", "did you mean 'look'? (bgo things --help)"),
        (["things", "look", "extra"], "got unexpected extra argument(s) (extra)", "bgo things look --help"),
    ],
)
def test_usage_errors(capsys: pytest.CaptureFixture[str], words: list[str], message: str, hint: str) -> None:
    assert bgo(*words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    if "--json" in words:
        error = json.loads(captured.err)["error"]
        assert (error["message"], error["hint"], error["exit_code"]) == (message, hint, 2)
    else:
        first, second, third = captured.err.splitlines()
        assert (first, third) == (f"error: {message}", f" hint: {hint}")
        assert second.startswith("  why: usage: bgo")


def test_a_bad_choice_lists_the_choices(capsys: pytest.CaptureFixture[str]) -> None:
    assert bgo("probe", "x", "--network", "wifi") == 2
    assert "'wifi' is not one of none, connected, unmetered" in lines(capsys)[0]


def test_a_parser_refusal_names_its_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert bgo("probe", "x", "--timeout", "5x") == 2
    assert lines(capsys)[0] == "error: --timeout: not a timeout: '5x'"


def test_expected_errors_are_three_clean_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert bgo("fail", "expected") == 3
    assert lines(capsys) == [
        "error: no such task: ␛[31m4abc",
        "  why: nothing answers to that id",
        " hint: bgo tasks",
    ]


def test_with_json_an_error_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert bgo("fail", "expected", "--json") == 3
    (line,) = lines(capsys)
    found = json.loads(line)
    assert found["schema"] == 1
    assert set(found["error"]) == {"code", "message", "why", "hint", "exit_code"}
    assert (found["error"]["code"], found["error"]["exit_code"]) == ("not_found", 3)


def test_a_bug_leaves_a_crash_file_without_values(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    assert bgo("fail", "bug", "--store", "hunter2.db") == 70
    first, _, hint = lines(capsys)
    assert first == "error: bgo itself failed: KeyError"
    (path,) = (home / "crashes").iterdir()
    assert str(path) in hint
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text()
    assert "probe.py" in text
    assert "\ncommand fail --store\n" in text, text
    assert "hunter2.db" not in text
    assert "the key is hunter2" not in text


def test_a_traceback_is_shown_only_when_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bgo("fail", "bug")
    assert not any("Traceback" in text for text in lines(capsys))
    bgo("fail", "bug", "--debug")
    assert any("Traceback" in text for text in lines(capsys))
    monkeypatch.setenv("BGO_DEBUG", "1")
    bgo("fail", "expected")
    assert any("Traceback" in text for text in lines(capsys))


def test_a_crash_file_that_cannot_be_written_is_no_second_crash(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BGO_HOME", "/dev/null/x")
    assert bgo("fail", "bug") == 70
    assert "--debug" in lines(capsys)[2]


def test_a_command_that_cannot_be_imported_harms_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert bgo("--help") == 0
    assert "Cannot be imported." in capsys.readouterr().out
    assert bgo("probe", "x") == 0
    capsys.readouterr()
    assert bgo("broken") == 70


def test_full_disk_and_interrupt(capsys: pytest.CaptureFixture[str]) -> None:
    assert bgo("fail", "full") == 74
    assert lines(capsys)[0] == "error: cannot write /var/x"
    assert bgo("fail", "interrupt") == 130


def test_aliases_work_and_stay_hidden(capsys: pytest.CaptureFixture[str]) -> None:
    assert bgo("prb", "x") == 0
    capsys.readouterr()
    assert bgo("-h") == 0
    assert "prb" not in capsys.readouterr().out


def test_help_is_a_word_too(capsys: pytest.CaptureFixture[str]) -> None:
    for words, usage in ((["help"], "Usage: bgo "), (["help", "probe"], "Usage: bgo probe ")):
        assert bgo(*words) == 0
        assert usage in capsys.readouterr().out


def test_help_names_its_values(capsys: pytest.CaptureFixture[str]) -> None:
    assert bgo("probe", "-h") == 0
    shown = capsys.readouterr().out
    assert "Usage: bgo probe [OPTIONS] {NAME} [KEY=VALUE]..." in shown
    assert not [noise for noise in ("<bool>", "<str>", "<list[str]>") if noise in shown]
    assert bgo("pick", "-h") == 0
    assert "[ID]..." in capsys.readouterr().out


def test_nothing_asked_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert bgo() == 2
    assert "Usage: bgo" in capsys.readouterr().out


def test_groups_and_their_default_verb(capsys: pytest.CaptureFixture[str]) -> None:
    for words, out in (
        (["things"], "looked False"),
        (["things", "--json"], "looked True"),
        (["things", "at", "x"], "at x"),
    ):
        assert bgo(*words) == 0
        assert capsys.readouterr().out.strip() == out
    assert bgo("things", "-h") == 0
    assert "Look at one." in capsys.readouterr().out


def test_selections(capsys: pytest.CaptureFixture[str]) -> None:
    assert bgo("pick", "4abc", "files.hash", "@last", "--name", "b", "--state", "failed", "--yes") == 0
    assert seen(capsys) == ["4abc", "@last", "b", "files.hash", str(State.FAILED), 3_600_000]


@pytest.mark.parametrize("words", [["pick"], ["pick", "--tag", "x"], ["pick", "4abc", "5abc"], ["pick", "4a"]])
def test_destructive_verbs_need_a_selection_and_a_yes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert bgo(*words) == 2
    assert len(lines(capsys)) == 3 or words[1:] == ["4a"]


def all_commands() -> Iterator[Any]:
    """Yield the root, every command and every verb, loaded."""
    root: Any = get_command(app.app)
    for name in ROWS:
        del root.commands[name]
    root.load_all()
    waiting = [root]
    while waiting:
        command = waiting.pop()
        yield command
        waiting += getattr(command, "commands", {}).values()


def test_every_row_can_be_loaded() -> None:
    names = [command.name for command in all_commands()]
    assert set(app.TABLE) - set(ROWS) <= set(names)
    assert not [command for command in all_commands() if type(command).__name__.startswith("_")]


def test_every_command_and_option_has_help_that_survives_markup() -> None:
    """Rich reads `[word]` in help as a style; a bracket that is meant is written `\\[`."""
    for command in all_commands():
        texts = [command.help, *(param.help for param in command.params if not getattr(param, "hidden", False))]
        assert all(texts), f"{command.name}: something has no help"
        eaten = [text for text in texts if re.search(r"(?<!\\)\[[a-z/@#]", text)]
        assert not eaten, f"{command.name}: {eaten}"


def modules_after(*words: str) -> set[str]:
    code = f"import sys; from bgo.cli.app import main; main({list(words)!r}); print('\\n' + ' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("words", [["config", "path"], ["config", "show", "--json"]])
def test_no_heavy_module_is_loaded(words: list[str]) -> None:
    assert not HEAVY & modules_after(*words)


def test_help_needs_no_pydantic() -> None:
    assert not (HEAVY - {"rich"}) & modules_after("config", "show", "--help")


def test_the_private_attribute_we_set_still_exists() -> None:
    root: Any = get_command(app.app)
    assert all(hasattr(param, "_runtime_param") for param in root.params)


def test_version_needs_no_typer() -> None:
    code = "import sys; sys.argv = ['bgo', '-V']; from bgo.__main__ import main; main(); print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[0] == f"bgo {VERSION}"
    assert "typer" not in out.split()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
@pytest.mark.parametrize("words", [["config"], ["config", "path"], ["-h"], ["-V"], ["-V", "-v"]])
def test_a_full_output_is_told_without_a_traceback(words: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-m", "bgo", *words], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 74
    assert done.stderr.splitlines()[0] == "error: cannot write the output"
    assert "Exception ignored" not in done.stderr


def test_a_closed_pipe_is_141_and_silent() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([sys.executable, "-m", "bgo", "config"], stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def test_closed_streams_and_narrow_locales() -> None:
    shut = f"exec {sys.executable} -m bgo config path >&- 2>&-"
    assert subprocess.run(["sh", "-c", shut]).returncode == 0
    done = run("-h", env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert (done.returncode, done.stderr) == (0, "")


def test_40_columns() -> None:
    for words in (["-h"], ["config", "-h"], ["config"]):
        done = run(*words, env={**os.environ, "COLUMNS": "40"})
        assert done.returncode == 0
        assert max(len(text.rstrip()) for text in done.stdout.splitlines()) <= 40


def test_no_escape_codes_in_a_pipe() -> None:
    done = run("config", env={**os.environ, "FORCE_COLOR": ""})
    assert "\x1b" not in done.stdout + done.stderr


def test_what_is_piped_is_not_cut(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 150) / "store.db"
    clean = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    assert str(long) in run("config", "--store", str(long), env=clean).stdout


def test_the_config_commands(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "config.toml").write_text("slots = 3\n")
    assert bgo("config", "path") == 0
    assert capsys.readouterr().out == f"{home}/config.toml\n"
    assert bgo("config", "show", "--json", "--profile", "ios") == 0
    rows = {row["key"]: row for row in seen(capsys)}
    assert rows["slots"] == {"schema": 1, "key": "slots", "value": 3, "origin": f"{home}/config.toml:1"}
    assert (rows["profile"]["value"], rows["profile"]["origin"]) == ("ios", "--profile")
    assert rows["retention.days"]["value"] == 30
    assert bgo("config") == 0
    assert "critical" in capsys.readouterr().out


def test_a_wrong_configuration_is_78(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "config.toml").write_text("slot = 3\n")
    assert bgo("config") == 78
    assert lines(capsys)[1] == "  why: did you mean 'slots'?"


def test_the_command_is_installed_under_its_name() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert project["project"]["scripts"] == {"bgo": "bgo.__main__:main"}

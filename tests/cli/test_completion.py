"""What a shell asks at TAB, where the scripts go, and the manual: quick, silent, and nobody's file is overwritten."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import bgo
from bgo.cli import app, candidates, man, shipped
from bgo.cli.completion import MARK, Shell, target
from bgo.config import load
from bgo.errors import NotFoundError

PAGE = "\n".join(
    (
        r".TH X 1",
        r".SH NAME",
        r"x \- a \fBbold\fR page",
        r".SS \-\-one",
        ".TP",
        r"\fI\-o\fR",
        r"it\(aqs \[u2026]",
        r"\&.dot \e",
    )
)


def asked(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bgo", "__complete", *words], capture_output=True, text=True, timeout=60
    )


def test_an_answer_is_a_word_and_a_note_a_line(capfd: pytest.CaptureFixture[str]) -> None:
    with bgo.TaskFlow() as flow:
        task = flow.enqueue("echo", {"message": "hi"}, tags=["nightly"])
    assert asked("ids", task[:3]).stdout == f"{task}\techo, queued\n"
    assert asked("ids,names", "").stdout == f"{task}\techo, queued\necho\n"
    assert asked("tags", "").stdout == "nightly\n"
    assert asked("queues", "c").stdout == "critical\n"
    assert asked("schedules", "").stdout == ""


def test_schedules_answer_to_their_ids_keys_and_names() -> None:
    with bgo.TaskFlow() as flow:
        first = flow.schedule("echo", interval=3600)
        second = flow.schedule("echo", interval=3600, key="eve")
        third = flow.schedule("sleep", {"seconds": 0}, interval=3600)
        flow.pause_schedule(third)
    rows = [line.split("\t") for line in asked("schedules", "").stdout.splitlines()]
    ids = sorted([first, second, third])
    assert [row[0] for row in rows][:4] == [*ids, "eve"]
    assert sorted(row[0] for row in rows[4:]) == ["echo", "sleep"]
    assert dict(rows)[third] == "sleep, paused"
    assert dict(rows)["eve"] == "echo, active"
    assert asked("schedules", "e").stdout == "eve\techo, active\necho\tall of this name\n"
    assert asked("schedules", second[:4]).stdout == f"{second}\techo, active\n"


def test_handlers_are_known_before_and_after_the_first_catalogue() -> None:
    assert asked("handlers", "sh").stdout == "shell\n"
    subprocess.run([sys.executable, "-m", "bgo", "handlers"], check=True, capture_output=True)
    answer = asked("handlers", "s").stdout.splitlines()
    assert [line.partition("\t")[0] for line in answer] == ["shell", "sleep"]
    assert all(0 < len(line.partition("\t")[2]) <= candidates.NOTE + 2 for line in answer)


@pytest.mark.parametrize("words", [(), ("ids",), ("nonsense", "x"), ("ids", "'; rm -rf /"), ("ids", "\udcff")])
def test_silence_instead_of_trouble(words: tuple[str, ...], home: Path) -> None:
    (home / "bgo.db").write_bytes(b"no database")
    (home / "config.toml").write_text("not = [toml", encoding="utf-8")
    done = asked(*words)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_queues_are_those_of_the_configuration_while_there_is_no_store() -> None:
    assert {word for word, _ in candidates.candidates("queues", "", load())} == set(load().queues)


def test_hostile_words_are_not_offered(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [("$(reboot)", ""), ("good", "a\tb\x1b[31m\nc"), ("`x`", ""), ("a b", "")]
    monkeypatch.setattr(candidates, "candidates", lambda *_: rows)
    assert candidates.main(["names", ""]) == 0
    assert capfd.readouterr().out == "good\ta b [31m c\n"


def test_typer_is_not_loaded() -> None:
    code = "import sys; sys.argv = ['bgo', '__complete', 'ids', '']; from bgo.__main__ import main; main()\n"
    code += "assert not {'typer', 'rich', 'sqlmodel', 'pluggy', 'asyncio'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("shell", list(Shell))
def test_install_writes_to_the_usual_place_and_says_so(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SHELL", f"/usr/bin/{shell}")
    for words in ([], [str(shell)]):
        assert app.main(["completion", "install", *words]) == 0
        assert str(target(shell)) in capsys.readouterr().out
    assert target(shell).is_relative_to(tmp_path)
    assert MARK in target(shell).read_text(encoding="utf-8")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [target(shell)]


def test_install_spares_a_file_of_somebody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    target(Shell.ZSH).parent.mkdir(parents=True)
    target(Shell.ZSH).write_text("mine", encoding="utf-8")
    assert app.main(["completion", "install", "zsh"]) == 4
    assert target(Shell.ZSH).read_text(encoding="utf-8") == "mine"
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    assert app.main(["completion", "install", "--json"]) == 2


def test_a_page_has_several_names() -> None:
    assert man.find(None).name == man.find("bgo.1").name == "bgo.1"
    assert man.find("run").name == man.find("bgo-run").name == man.find("bgo-run.1").name == "bgo-run.1"
    with pytest.raises(NotFoundError) as caught:
        man.find("enqeue")
    assert "enqueue" in caught.value.hint
    with pytest.raises(NotFoundError):
        man.find("../../etc/passwd")


def test_a_page_without_man(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert man.plain(PAGE) == "NAME\n    x - a bold page\n\n  --one\n\n    -o\n    it's …\n    .dot \\"
    monkeypatch.setenv("PATH", "")
    assert app.main(["man", "status"]) == 0
    out = capsys.readouterr().out
    assert "SYNOPSIS\n    bgo status [OPTIONS]" in out
    assert "\\" not in out


def test_an_installation_without_the_files_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bgo, "__file__", str(tmp_path / "bgo" / "__init__.py"))
    with pytest.raises(NotFoundError):
        shipped.shipped("man")

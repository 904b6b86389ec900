"""What all four have in common: what is written down, --print, refusals, files that are whole, and doctor."""

from __future__ import annotations

import os
import plistlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bgo.cli import app
from bgo.config import Flags, load
from bgo.errors import PermissionRefusedError, RefusedError, UsageError
from bgo.install import files
from bgo.install.program import program
from bgo.install.report import File
from tests.cli.conftest import Done
from tests.install.conftest import Fakes

ALL = ("--cron", "--systemd", "--launchd", "--termux")


def test_what_is_in_force_is_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.toml").touch()
    env = {
        "BGO_HOME": "home",
        "BGO_CONFIG": "c.toml",
        "BGO_SLOTS": "3",
        "BGO_PLUGINS": f"{tmp_path}/p.py{os.pathsep}some.module",
        "PATH": "/bin",
        "BGO_DEBUG": "1",
    }
    made = program(load(Flags(), env), Flags(), env)
    assert made.words == (sys.executable, "-P", "-m", "bgo", "--store", f"{tmp_path}/home/bgo.db")
    assert {name: value for name, value in made.env.items() if name != "PYTHONPATH"} == {
        "BGO_HOME": f"{tmp_path}/home",
        "BGO_CONFIG": f"{tmp_path}/c.toml",
        "BGO_SLOTS": "3",
        "BGO_PLUGINS": f"{tmp_path}/p.py{os.pathsep}some.module",
    }
    flags = Flags("s.db", "c.toml", "host", ("./p.py", "some.module"), no_plugins=True)
    made = program(load(flags, env), flags, env)
    assert made.words[4:] == (
        *("--store", f"{tmp_path}/s.db", "--config", f"{tmp_path}/c.toml", "--profile", "host"),
        *("--plugin", f"{tmp_path}/p.py", "--plugin", "some.module", "--no-plugins"),
    )
    assert set(made.env) - {"PYTHONPATH"} == {"BGO_HOME", "BGO_SLOTS"}


def test_the_usual_store_has_the_plain_names(tmp_path: Path) -> None:
    xdg = {"XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    usual = program(load(Flags(), xdg), Flags(), xdg)
    assert (usual.named("bgo"), set(usual.env) - {"PYTHONPATH"}) == ("bgo", set(xdg))
    other = program(load(Flags("/x.db"), xdg), Flags("/x.db"), xdg)
    assert other.named("bgo") == f"bgo-{other.id}"
    assert len(other.id) == 8
    assert other.id != usual.id


def test_a_store_that_cannot_be_written_down_is_refused(install: Callable[..., Done], fakes: Fakes) -> None:
    for option in ALL:
        for extra in ([], ["--print"]):
            done = install(option, *extra, "--store", "/tmp/a\nb.db")
            assert done.code == 78
            assert "is not usable" in done.error[0]
    assert fakes.calls == []


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "one of --cron, --systemd, --launchd and --termux is needed"),
        (["--cron", "--launchd"], "one of --cron, --systemd, --launchd and --termux is needed"),
        (["--cron", "--timer"], "it is a form of --systemd"),
        (["--cron", "--print", "--uninstall"], "--print changes nothing"),
    ],
)
def test_contradictions(install: Callable[..., Done], fakes: Fakes, words: list[str], why: str) -> None:
    done = install(*words)
    assert (done.code, done.error[1]) == (2, f"  why: {why}")
    assert fakes.calls == []


@pytest.mark.parametrize("option", ALL)
def test_print_writes_nothing_and_prints_what_would_be_written(
    install: Callable[..., Done], fakes: Fakes, user_home: Path, option: str
) -> None:
    shown = install(option, "--print")
    data = install(option, "--print", "--json").json
    assert (shown.code, shown.err, fakes.calls, list(user_home.iterdir())) == (0, "", [], [])
    for file in data["files"]:
        assert file["path"] in shown.out
        assert all(line in shown.lines for line in file["text"].splitlines())
    assert all(f"then: {command}" in shown.out.replace("- -", "--") for command in data["commands"])
    install(option)
    for file in data["files"]:
        if option == "--cron":
            assert file["text"].encode() == fakes.crontab
        else:
            assert Path(file["path"]).read_text() == file["text"]
            assert f"{Path(file['path']).stat().st_mode & 0o777:04o}" == file["mode"]


def test_what_is_printed_can_be_used_as_it_is(install: Callable[..., Done], user_home: Path) -> None:
    done = install("--launchd", "--print", "--store", "/a--b.db")
    assert plistlib.loads(done.out.encode())["ProgramArguments"][5] == "/a--b.db"
    assert install("--termux", "--print").lines[0].startswith("#!/")
    both = install("--systemd", "--timer", "--print").out
    assert both.count("[Unit]") == 2
    assert both.index("-run.service\n") < both.index("[Timer]")


def test_a_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = File(tmp_path / "new" / "f", b"mark 1", b"mark")
    assert files.write(file).did == "wrote"

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        with pytest.raises(PermissionRefusedError, match="cannot be written") as caught:
            files.write(file._replace(data=b"mark 2"))
    assert caught.value.why == "No space left on device"
    assert [path.read_bytes() for path in file.path.parent.iterdir()] == [b"mark 1"]
    assert files.write(file).did == "unchanged"
    assert files.write(file._replace(data=b"mark 2")).did == "changed"
    with pytest.raises(RefusedError):
        files.write(file._replace(mark=b"other"))
    assert files.remove(file._replace(mark=b"other")) is None
    step = files.remove(file)
    assert step is not None
    assert (step.did, file.path.exists(), files.remove(file)) == ("removed", False, None)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"mark 1")
    link.symlink_to(real)
    files.write(File(link, b"mark 2", b"mark"))
    assert (link.is_symlink(), real.read_bytes()) == (True, b"mark 2")


def test_a_python_that_does_not_know_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(Exception, match="does not know its own path"):
        program(load(), Flags())


def test_a_tool_that_cannot_be_executed(
    install: Callable[..., Done], fakes: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BGO_CRONTAB", str(fakes.folder))
    assert "Permission denied" in install("--cron").error[1]


def test_an_interpreter_with_a_line_break_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/opt/a\nb/python")
    with pytest.raises(UsageError, match="cannot be written down"):
        program(load(), Flags())


def test_doctor_says_what_runs_bgo_here(install: Callable[..., Done], capsys: pytest.CaptureFixture[str]) -> None:
    def doctor() -> str:
        capsys.readouterr()
        app.main(["doctor"])
        return capsys.readouterr().out

    assert "nothing runs bgo here by itself" in doctor()
    install("--cron")
    assert "the crontab of" in doctor()
    install("--systemd")
    both = doctor()
    assert "the crontab of" in both
    assert ".service" in both

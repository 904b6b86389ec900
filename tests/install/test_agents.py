"""launchd and Termux: the list reads back as it was meant, the script runs, and the tools are told what is needed."""

from __future__ import annotations

import os
import plistlib
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bgo.api import TaskFlow
from bgo.config import Flags, load
from bgo.install import launchd, termux
from bgo.install.program import program
from tests.cli.conftest import Done
from tests.install.conftest import Fakes
from tests.install.people import HOSTILE


@pytest.mark.parametrize("name", HOSTILE)
def test_the_list_reads_back(name: str, tmp_path: Path) -> None:
    env = {"BGO_HOME": str(tmp_path / name)}
    made = program(load(Flags(), env), Flags(), env)
    (file,) = launchd.Launchd(made, {}).files()
    found = plistlib.loads(file.data)
    assert found == launchd.agent(made)
    assert (found["StartInterval"], found["ProcessType"]) == (60, "Background")
    assert found["ProgramArguments"] == list(made.command("--quiet"))
    assert found["EnvironmentVariables"]["BGO_HOME"] == str(tmp_path / name)
    assert file.mark in file.data


def test_launchd(install: Callable[..., Done], fakes: Fakes, user_home: Path) -> None:
    done = install("--launchd")
    (place,) = (user_home / "Library/LaunchAgents").iterdir()
    domain = f"gui/{os.geteuid()}"
    bootstrap = f"launchctl bootstrap {domain} {place}"
    assert (done.code, done.err) == (0, "")
    assert done.lines[:2] == [f"Wrote {place}", f"Ran {bootstrap}"]
    fakes.take_calls()
    assert install("--launchd", "--json").json["changed"] is False
    assert fakes.take_calls() == [f"launchctl print {domain}/{place.stem}"]
    assert install("--launchd", "--no-plugins", "--json").json["ran"] == [
        f"launchctl bootout {domain}/{place.stem}",
        bootstrap,
    ]
    gone = install("--launchd", "--uninstall", "--json").json
    assert (gone["ran"], gone["steps"]) == (
        [f"launchctl bootout {domain}/{place.stem}"],
        [{"did": "removed", "what": str(place)}],
    )
    assert install("--launchd", "--uninstall").out.startswith("Nothing of bgo was there")


def test_without_a_login_at_the_screen_the_rest_is_told(
    install: Callable[..., Done], fakes: Fakes, user_home: Path
) -> None:
    fakes.set("nobus")
    done = install("--launchd", "--json").json
    (place,) = (user_home / "Library/LaunchAgents").iterdir()
    assert done["todo"] == [f"launchctl bootstrap gui/{os.geteuid()} {place}"]
    assert done["why"] == "Could not find domain"


def test_termux(install: Callable[..., Done], fakes: Fakes, user_home: Path) -> None:
    done = install("--termux")
    (place,) = (user_home / ".bgo").iterdir()
    assert (done.code, done.err) == (0, "")
    assert place.stat().st_mode & 0o777 == 0o755
    call = shlex.split(done.lines[1].removeprefix("Ran "))
    assert call[:4] == ["termux-job-scheduler", "--script", str(place), "--job-id"]
    assert call[5:] == shlex.split("--period-ms 900000 --persisted true --network none --battery-not-low false")
    assert 0 < int(call[4]) < 1 << 31
    assert install("--termux", "--json").json["changed"] is False
    place.chmod(0o644)
    assert install("--termux", "--json").json["changed"] is True
    assert place.stat().st_mode & 0o777 == 0o755
    gone = install("--termux", "--uninstall", "--json").json
    assert gone["ran"] == [f"termux-job-scheduler --cancel --job-id {call[4]}"]
    assert list((user_home / ".bgo").iterdir()) == []


def test_without_termux_api_the_rest_is_told(
    install: Callable[..., Done], fakes: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BGO_TERMUX_JOB_SCHEDULER", "/nonexistent/tool")
    done = install("--termux", "--json").json
    assert done["todo"][0].startswith("termux-job-scheduler --script ")
    assert "pkg install termux-api" in done["why"]


@pytest.mark.parametrize("name", ["plain", 'it\'s "100%" $HOME `id` \\ ü'])
def test_the_script_runs_a_task_in_an_empty_environment(name: str, tmp_path: Path) -> None:
    env = {"BGO_HOME": str(tmp_path / name)}
    settings = load(Flags(), env)
    script = tmp_path / "run.sh"
    with TaskFlow(settings=settings) as flow:
        task_id = flow.enqueue("echo", {"message": "hi"})
        script.write_text(termux.script(program(settings, Flags(), env), "/"))
        script.chmod(0o755)
        clean = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
        done = subprocess.run([script], env=clean, cwd="/", capture_output=True, timeout=60)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        assert flow.get(task_id).state == "succeeded"

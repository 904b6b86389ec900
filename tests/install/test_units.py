"""systemd: what is written passes systemd's own check, and systemctl is told what is needed and no more."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bgo.config import Flags, load
from bgo.install.program import Program, program
from bgo.install.systemd import Systemd, command
from tests.cli.conftest import Done
from tests.install.conftest import Fakes
from tests.install.people import HOSTILE
from tests.install.test_quoting import systemd

ANALYZE = shutil.which("systemd-analyze")


def verify(folder: Path, *names: str) -> tuple[int, str]:
    """Return what systemd-analyze says; a word it does not know is only a line on stderr.

    Other units put sockets into the runtime directory, whose paths have 107 bytes at most: it needs a short name.
    """
    assert ANALYZE
    paths = [str(folder / name) for name in names]
    with tempfile.TemporaryDirectory() as runtime:
        env = {**os.environ, "XDG_RUNTIME_DIR": runtime, "LC_ALL": "C"}
        words = [ANALYZE, "--user", "verify", *paths]
        done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=60)
    ours = [line for line in done.stderr.splitlines() if any(name in line for name in names) or "ignoring" in line]
    return done.returncode, "\n".join(ours)


@pytest.mark.skipif(not ANALYZE, reason="systemd-analyze is not here")
@pytest.mark.parametrize("name", HOSTILE)
def test_systemd_reads_the_units_without_a_word(name: str, tmp_path: Path) -> None:
    config = tmp_path / "config"
    settings = load(Flags(), {"BGO_HOME": str(tmp_path / name)})
    made = program(settings, Flags(), {"BGO_HOME": str(tmp_path / name)})
    for timed in (False, True):
        units = Systemd(made, {"XDG_CONFIG_HOME": str(config)}, timed=timed).files()
        for unit in units:
            unit.path.parent.mkdir(parents=True, exist_ok=True)
            unit.path.write_bytes(unit.data)
        names = [unit.path.name for unit in units]
        assert verify(config / "systemd" / "user", *names) == (0, "")
    written = [line for line in units[0].data.decode().splitlines() if line.startswith("ExecStart=")]
    words = systemd(written[0].removeprefix("ExecStart="))
    assert [word.replace("$$", "$") for word in words] == list(made.command("--quiet"))


@pytest.mark.skipif(not ANALYZE, reason="systemd-analyze is not here")
def test_the_check_sees_a_word_that_systemd_does_not_know(tmp_path: Path) -> None:
    (tmp_path / "x.service").write_text("[Service]\nType=notify\nWatchdogSecs=60\nExecStart=/bin/true\n")
    _, said = verify(tmp_path, "x.service")
    assert "WatchdogSecs" in said


@pytest.mark.skipif(not ANALYZE, reason="systemd-analyze is not here")
@pytest.mark.parametrize("name", HOSTILE)
def test_systemd_finds_an_interpreter_of_any_name(name: str, tmp_path: Path) -> None:
    """It says so when there is none: this is how it tells how it has read the first word."""
    python = tmp_path / name / "python"
    python.parent.mkdir()
    made = Program((str(python), "-m", "bgo"), {}, Path("/s"), "1", is_usual=True, stop_s=1)
    unit = tmp_path / "x.service"
    unit.write_text(f"[Service]\n{command(made)}\n")
    if not set(name) & set("$\"'\\"):  # else a shell starts it
        assert f"Command {python} is not executable" in verify(tmp_path, unit.name)[1]
    python.symlink_to(sys.executable)
    assert verify(tmp_path, unit.name) == (0, "")


def units(user_home: Path) -> list[str]:
    return sorted(path.name for path in (user_home / ".config/systemd/user").iterdir())


def test_the_service(install: Callable[..., Done], fakes: Fakes, user_home: Path) -> None:
    done = install("--systemd")
    (name,) = units(user_home)
    place = user_home / ".config/systemd/user" / name
    assert done.code == 0
    assert done.lines[:3] == [
        f"Wrote {place}",
        "Ran systemctl --user daemon-reload",
        f"Ran systemctl --user enable --now {name}",
    ]
    assert "loginctl enable-linger" in done.err
    assert place.stat().st_mode & 0o777 == 0o644
    assert "run --watch --quiet\n" in place.read_text()
    fakes.take_calls()
    again = install("--systemd")
    assert again.lines[0] == f"Unchanged: {place}"
    assert fakes.take_calls() == [f"systemctl --user {word} --quiet {name}" for word in ("is-enabled", "is-active")]
    fakes.set("lingers")
    changed = install("--systemd", "--no-plugins")
    assert changed.err == ""
    assert changed.lines[0] == f"Changed {place}"
    assert f"systemctl --user restart {name}" in fakes.take_calls()
    gone = install("--systemd", "--uninstall")
    assert f"Removed {place}" in gone.lines
    assert fakes.calls == [f"systemctl --user disable --now {name}", "systemctl --user daemon-reload"]
    assert units(user_home) == []
    assert install("--systemd", "--uninstall").out.startswith("Nothing of bgo was there")


def test_one_store_has_one_form(install: Callable[..., Done], user_home: Path) -> None:
    install("--systemd")
    (service,) = units(user_home)
    base = service.removesuffix(".service")
    done = install("--systemd", "--timer", "--json").json
    assert units(user_home) == [f"{base}-run.service", f"{base}-run.timer"]
    assert f"systemctl --user disable --now {service}" in done["ran"]
    assert done["ran"][-1] == f"systemctl --user enable --now {base}-run.timer"
    assert done["ran"].count("systemctl --user daemon-reload") == 1
    assert install("--systemd", "--timer", "--json").json["changed"] is False
    install("--systemd", "--uninstall")
    assert units(user_home) == []


@pytest.mark.parametrize("missing", [True, False])
def test_without_systemd_the_rest_is_told(
    install: Callable[..., Done], fakes: Fakes, user_home: Path, monkeypatch: pytest.MonkeyPatch, missing: bool
) -> None:
    if missing:
        monkeypatch.setenv("BGO_SYSTEMCTL", "/nonexistent/systemctl")
    else:
        fakes.set("nobus")
    done = install("--systemd")
    (name,) = units(user_home)
    assert done.code == 0
    why = "/nonexistent/systemctl is not here" if missing else "Failed to connect to bus: No medium found"
    assert done.err.splitlines()[:3] == [
        f"still to be done ({why}):",
        "  systemctl --user daemon-reload",
        f"  systemctl --user enable --now {name}",
    ]
    assert install("--systemd", "--json").json["todo"] == [
        "systemctl --user daemon-reload",
        f"systemctl --user enable --now {name}",
    ]
    gone = install("--systemd", "--uninstall", "--json").json
    assert (units(user_home), gone["todo"][0]) == ([], f"systemctl --user disable --now {name}")


def test_a_unit_that_systemd_refuses_is_an_error(install: Callable[..., Done], fakes: Fakes) -> None:
    fakes.set("refuses")
    done = install("--systemd")
    assert (done.code, done.error[1]) == (1, "  why: Unit is masked.")


def test_xdg_config_home_is_respected(
    install: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    install("--systemd")
    assert len(list((tmp_path / "xdg/systemd/user").iterdir())) == 1


def test_somebody_else_s_unit_is_left_alone(
    install: Callable[..., Done], fakes: Fakes, user_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BGO_HOME")
    theirs = user_home / ".config/systemd/user/bgo.service"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("[Service]\nExecStart=/home/me/bgo\n")
    done = install("--systemd")
    assert (done.code, done.error[0]) == (4, f"error: {theirs} is not bgo's")
    assert install("--systemd", "--uninstall").out.startswith("Nothing of bgo was there")
    assert theirs.read_text() == "[Service]\nExecStart=/home/me/bgo\n"
    assert fakes.calls == []
    theirs.unlink()
    install("--systemd")
    assert units(user_home) == ["bgo.service"]

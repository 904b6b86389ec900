"""Stand-ins for crontab, systemctl, launchctl and others, which keep a state and a list of their calls."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bgo.cli import app
from tests.cli.conftest import Done

CRONTAB = """
case "$1" in
-l) [ ! -e broken ] || { echo "crontab: no go" >&2; exit 1; }
    [ -e crontab ] || { echo "no crontab for somebody" >&2; exit 1; }; cat crontab;;
-) cat > crontab;;
esac
"""
SYSTEMCTL = """
[ ! -e nobus ] || { echo "Failed to connect to bus: No medium found" >&2; exit 1; }
shift
for unit; do :; done
case "$1" in
enable) [ ! -e refuses ] || { echo "Unit is masked." >&2; exit 1; }; touch "on $unit";;
disable) rm -f "on $unit";;
is-enabled|is-active) [ -e "on $unit" ];;
esac
"""
LOGINCTL = "[ ! -e lingers ] || echo yes"
LAUNCHCTL = """
[ ! -e nobus ] || { echo "Could not find domain" >&2; exit 1; }
for word; do :; done
case "$1" in
bootstrap) touch "on $(basename "$word" .plist)";;
bootout) rm "on ${word##*/}";;
print) case "$2" in */*/*) [ -e "on ${2##*/}" ];; esac;;
esac
"""
TERMUX = """
case "$1" in
--pending) cat pending 2>/dev/null;;
--cancel) rm -f pending;;
--script) echo "Pending Job $4: $2" > pending;;
esac
"""
TOOLS = {
    "crontab": CRONTAB,
    "systemctl": SYSTEMCTL,
    "loginctl": LOGINCTL,
    "launchctl": LAUNCHCTL,
    "termux-job-scheduler": TERMUX,
}


@dataclass
class Fakes:
    """Where the stand-ins keep what they know."""

    folder: Path

    @property
    def calls(self) -> list[str]:
        """The calls so far that change something or ask for it."""
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def take_calls(self) -> list[str]:
        calls = self.calls
        (self.folder / "calls").unlink(missing_ok=True)
        return calls

    @property
    def crontab(self) -> bytes | None:
        path = self.folder / "crontab"
        return path.read_bytes() if path.exists() else None

    @crontab.setter
    def crontab(self, data: bytes) -> None:
        (self.folder / "crontab").write_bytes(data)

    def set(self, flag: str) -> None:
        """Have a stand-in fail: broken, nobus, refuses; or have it know something: lingers."""
        (self.folder / flag).touch()


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fakes:
    """Replace every tool, and give this test a home directory of its own."""
    folder = tmp_path / "fakes"
    folder.mkdir()
    for name, script in TOOLS.items():
        path = folder / f"{name}.sh"
        path.write_text(f'#!/bin/sh\ncd "{folder}"\necho "{name} $*" >> calls\n{script}')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv(f"BGO_{name.upper().replace('-', '_')}", str(path))
    (tmp_path / "user").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    return Fakes(folder)


@pytest.fixture
def user_home(fakes: Fakes, tmp_path: Path) -> Path:
    return tmp_path / "user"


@pytest.fixture
def install(capsys: pytest.CaptureFixture[str], fakes: Fakes) -> Callable[..., Done]:
    """Call `bgo install` in this process."""

    def call(*words: str) -> Done:
        capsys.readouterr()
        code = app.main(["install", *words])
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return call

"""An installed bgo with its example plugins: built from this checkout, unpacked once, on PATH and PYTHONPATH."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.readme import ROOT


@dataclass(frozen=True, slots=True)
class Installed:
    """Where it lies, and how to run it."""

    folder: Path

    @property
    def program(self) -> Path:
        return self.folder / "bin" / "bgo"

    def env(self, home: Path) -> dict[str, str]:
        """Return the environment of somebody whose home is empty."""
        path = [str(self.program.parent), os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)]
        return {
            "PATH": os.pathsep.join(path),
            "PYTHONPATH": str(self.folder),
            "HOME": str(home),
            "BGO_HOME": str(home / "bgo"),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
        }


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Return the installation; the test processes of one run share it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "installed"
    with open(f"{folder}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _install(folder)
    return Installed(folder)


def _install(folder: Path) -> None:
    wheels = folder.with_name("wheels")
    for project in (ROOT, *(file.parent for file in ROOT.glob("plugins/*/pyproject.toml"))):
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)]
        subprocess.run(build, cwd=project, check=True, capture_output=True)
    for wheel in wheels.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
    program = folder / "bin" / "bgo"
    program.parent.mkdir()
    start = "import sys\nfrom bgo.__main__ import main\nsys.exit(main())\n"
    program.write_text(f"#!{sys.executable}\n{start}", encoding="utf-8")
    program.chmod(0o755)


@pytest.fixture
def person(tmp_path: Path, installed: Installed) -> tuple[Path, dict[str, str]]:
    """Return an empty working directory and the environment of somebody who has never used bgo."""
    for name in ("home", "here"):
        (tmp_path / name).mkdir()
    return tmp_path / "here", installed.env(tmp_path / "home")

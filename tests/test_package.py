"""What is shipped: the wheel's content, the lock file, and where dependencies may come from."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import bgo
from bgo.version import VERSION

ROOT = Path(__file__).resolve().parents[1]
PUBLIC = ("https://pypi.org/simple", "https://files.pythonhosted.org/packages/")


def test_the_wheel_holds_the_package_and_nothing_else(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name == f"bg_orchestrator-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        head = archive.read(metadata).decode()
    stem = f"bg_orchestrator-{VERSION}"
    assert {name.partition("/")[0] for name in names} == {"bgo", f"{stem}.dist-info", f"{stem}.data"}
    assert "bgo/py.typed" in names
    for place in ("bgo/_share/completions/bgo.bash", "bgo/_share/man/bgo-run.1"):
        assert place in names
    for place in ("bash-completion/completions/bgo", "zsh/site-functions/_bgo", "man/man1/bgo.1"):
        assert f"{stem}.data/data/share/{place}" in names
    assert any(name.startswith("bgo/store/migrations/") for name in names)
    assert not [name for name in names if name.startswith("bgo/") and "__pycache__" in name]
    assert "License-Expression: MIT" in head


def test_the_lock_names_public_registries_only() -> None:
    text = (ROOT / "uv.lock").read_text(encoding="utf-8")
    addresses = re.findall(r'"((?:\w+://|file:)[^"]*)"', text)
    assert addresses
    assert [address for address in addresses if not address.startswith(PUBLIC)] == []
    assert all(set(source) <= {"registry", "editable"} for source in _sources(text))


def _sources(text: str) -> list[dict[str, str]]:
    return [package["source"] for package in tomllib.loads(text)["package"]]


def test_the_lock_knows_every_dependency_with_its_hashes() -> None:
    locked = {package["name"]: package for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + [word for group in project["optional-dependencies"].values() for word in group]
    for word in wanted:
        name = re.match(r"[\w.-]+", word)
        assert name is not None
        assert name[0] in locked
    for package in locked.values():
        if "registry" in package["source"]:
            assert all(wheel["hash"].startswith("sha256:") for wheel in package["wheels"])


def test_every_plugin_of_the_workspace_is_locked() -> None:
    locked = {package["name"] for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}
    plugins = [tomllib.loads(path.read_text())["project"]["name"] for path in ROOT.glob("plugins/*/pyproject.toml")]
    assert set(plugins) <= locked


def test_every_public_name_is_there() -> None:
    """Names are looked up lazily: one that has moved would be missed by the first user only."""
    assert [name for name in bgo.__all__ if getattr(bgo, name, None) is None] == []
    assert set(bgo.__all__) <= set(dir(bgo))
    assert sorted(bgo.__all__) == bgo.__all__

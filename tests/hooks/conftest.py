"""A context that remembers what a handler told it, and a home for plugins made by a test."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


class Cancelled(BaseException):
    """What `check_cancelled` raises."""


class FakeContext:
    """The part of a task's context that the built-in handlers use."""

    def __init__(self, **given: Any) -> None:
        self.task_id = "0testtask000"
        self.input: dict[str, Any] = {}
        self.argv: list[str] | None = None
        self.env: dict[str, str] | None = None
        self.cwd = ""
        self.deadline: float | None = None
        self.schedule: str | None = None
        self.cancelled = False
        self.progress: list[tuple[float, str]] = []
        self.__dict__.update(given)

    def report_progress(self, fraction: float, message: str = "") -> None:
        self.progress.append((fraction, message))

    def check_cancelled(self) -> None:
        if self.cancelled:
            raise Cancelled


@pytest.fixture
def make_ctx() -> Callable[..., FakeContext]:
    return FakeContext


@pytest.fixture
def cancelled() -> type[BaseException]:
    return Cancelled


@pytest.fixture
def fresh_modules() -> Iterator[None]:
    """Forget every module that a test brings in."""
    before = set(sys.modules)
    path = list(sys.path)
    yield
    for name in set(sys.modules) - before:
        if not name.startswith("bgo."):
            del sys.modules[name]
    sys.path[:] = path


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_modules: None) -> Path:
    """A directory on the import path, of this process and of those it starts."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder


@pytest.fixture
def install(site: Path) -> Callable[..., None]:
    """Install a distribution: its modules' source by name, and its entry points by group."""

    def run(dist: str, modules: dict[str, str], version: str = "1.0", **groups: dict[str, str]) -> None:
        for name, source in modules.items():
            (site / f"{name}.py").write_text(source)
        info = site / f"{dist.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist}\nVersion: {version}\n")
        lines = []
        for group, points in groups.items():
            lines.append(f"[{group.replace('__', '.')}]")
            lines += [f"{key} = {value}" for key, value in points.items()]
        (info / "entry_points.txt").write_text("\n".join(lines))

    return run

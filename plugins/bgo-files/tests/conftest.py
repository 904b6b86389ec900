"""A context that behaves as a worker's does: it keeps the checkpoint, and can be cancelled or killed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SOURCES = str(Path(__file__).resolve().parents[1] / "src")
if SOURCES not in sys.path:
    sys.path.insert(0, SOURCES)


class Killed(BaseException):
    """The process is told to stop, as by SIGTERM: no error and no cancel."""


class Cancelled(BaseException):
    """What `check_cancelled` raises."""


class FakeContext:
    """One run of a task; `again()` is the next one."""

    def __init__(self, task_id: str = "0files00000a", restored: Any = None) -> None:
        self.task_id = task_id
        self.restored = restored
        self.saved: Any = restored
        self.checkpoints = 0
        self.cancelled = False
        self.progress: list[tuple[float, str]] = []
        self.logs: list[str] = []
        self.on_checkpoint: Callable[[FakeContext], None] = lambda ctx: None
        self.on_progress: Callable[[FakeContext], None] = lambda ctx: None

    def report_progress(self, fraction: float, message: str = "") -> None:
        assert 0 <= fraction <= 1
        self.progress.append((fraction, message))
        self.on_progress(self)

    def log(self, message: str, level: str = "info") -> None:
        self.logs.append(message)

    def checkpoint(self, data: Any) -> None:
        self.saved = json.loads(json.dumps(data))
        self.checkpoints += 1
        self.on_checkpoint(self)

    def check_cancelled(self) -> None:
        if self.cancelled:
            raise Cancelled

    def again(self) -> FakeContext:
        return FakeContext(self.task_id, self.saved)


@pytest.fixture
def ctx() -> FakeContext:
    return FakeContext()


@pytest.fixture
def killed() -> type[BaseException]:
    return Killed


@pytest.fixture
def cancelled() -> type[BaseException]:
    return Cancelled

"""Stub programs, and an empty PATH where none may be found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.devices.stubs import Stub, maker


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stub:
    """Return what puts a program on PATH."""
    return maker(tmp_path / "bin", monkeypatch)

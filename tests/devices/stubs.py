"""Programs that replay what real ones have printed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

Stub = Callable[..., None]


def maker(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Stub:
    """Return what puts a program before all others on PATH: one that prints a text, or does what a script says."""
    folder.mkdir(exist_ok=True)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def stub(name: str, told: str | bytes = "", *, does: str = "", complains: str = "", code: int = 0) -> None:
        data = told.encode() if isinstance(told, str) else told
        (folder / f"{name}.out").write_bytes(data)
        (folder / f"{name}.err").write_text(complains)
        body = does or f'cat "{folder}/{name}.out"\ncat "{folder}/{name}.err" >&2\nexit {code}'
        program = folder / name
        program.write_text(f'#!/bin/sh\necho "$*" >> "{folder}/{name}.asked"\n{body}\n')
        program.chmod(0o755)

    return stub

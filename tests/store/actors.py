"""Python programs that the tests run as other processes: each prints one JSON line with what became of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[2]
PRELUDE = """
import json, os, sys
from pathlib import Path
from bgo.errors import BgoError
from bgo.store.sqlite import SqliteStore
from tests.build import START, a_spec, an_id
from tests.store import drive

path = Path(sys.argv[1])

def tell(**what):
    print(json.dumps(what), flush=True)

def attempt(do):
    try:
        result = do()
    except BgoError as error:
        tell(error=type(error).__name__, code=error.exit_code, message=error.message, why=error.why, hint=error.hint)
    else:
        tell(ok=True, result=result)
"""


def start(
    program: str, *args: object, before: Callable[[], None] | None = None, env: dict[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start a program; `before` runs in the new process ahead of the interpreter."""
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + program, *map(str, args)],
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=before,  # noqa: PLW1509 - the tests that use it have no threads
    )


def results(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """Wait for a program and return the lines it told; a traceback fails the test."""
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "Traceback" not in err, err
    return [json.loads(line) for line in out.splitlines()]


def run(program: str, *args: object, **more: Any) -> list[dict[str, Any]]:
    """Run a program to its end and return the lines it told."""
    return results(start(program, *args, **more))


def line(stream: IO[str] | None) -> dict[str, Any]:
    """Return the next line that a running program tells."""
    assert stream is not None
    found: dict[str, Any] = json.loads(stream.readline())
    return found


def run_all(programs: Sequence[subprocess.Popen[str]]) -> list[list[dict[str, Any]]]:
    """Wait for programs that run side by side."""
    return [results(p) for p in programs]

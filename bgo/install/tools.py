"""Calling the programs that know the schedulers; each can be replaced by a variable such as BGO_CRONTAB."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from typing import NamedTuple

PATIENCE_S = 60


class Done(NamedTuple):
    """How a call of a program ended."""

    code: int
    out: bytes
    err: str

    @property
    def is_missing(self) -> bool:
        """Say whether there is no such program."""
        return self.code == MISSING

    @property
    def why(self) -> str:
        """Return the last line it complained with."""
        return (self.err.strip().splitlines() or [f"exit code {self.code}"])[-1]


MISSING = 127


def call(env: Mapping[str, str], *words: str, given: bytes = b"") -> Done:
    """Run a program with these words, in plain C so that its messages can be read; never raises for what it does."""
    program = env.get(variable(words[0])) or words[0]
    try:
        done = subprocess.run(
            [program, *words[1:]],
            input=given,
            capture_output=True,
            env={**os.environ, **env, "LC_ALL": "C"},
            timeout=PATIENCE_S,
            check=False,
        )
    except FileNotFoundError:
        return Done(MISSING, b"", f"{program} is not here")
    except OSError as error:
        return Done(126, b"", f"{program}: {error.strerror}")
    except subprocess.TimeoutExpired:
        return Done(124, b"", f"{program} took longer than {PATIENCE_S} s")
    return Done(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))


def variable(program: str) -> str:
    """Return the variable that names another program to call instead."""
    return f"BGO_{program.upper().replace('-', '_')}"


def spoken(*words: str) -> str:
    """Return a command as a shell would be told."""
    return shlex.join(words)

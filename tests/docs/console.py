"""Console blocks: commands after `$ `, and below each what it prints.

A block is one session of bash in an empty directory. Ids, times, durations and the width of columns may differ; `...`
stands for anything, inside a line or across lines, and on a line of its own for any number of lines, none included.
Every command must succeed, unless the next one is `echo $?`.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MARK = "=== end of a command, exit code"
FAILURE_IS_SHOWN = "echo $?"
VARYING = (
    (re.compile(r"\b\d[0-9a-hjkmnp-tv-z]{11}\b"), "<id>"),
    (
        re.compile(r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d\d [A-Z][a-z][a-z](?: \d{4})? (?=\d\d:\d\d)"),
        "",
    ),  # today has none
    (re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"), "<time>"),
    (re.compile(r"\b\d?\d:\d\d(?::\d\d(?:\.\d+)?)?\b"), "<time>"),
    (re.compile(r" {2,}"), "  "),
    (re.compile(r"\b\d+(?:\.\d+)?\s?(?:ms|s|min|m|h|d)\b(?:\s?\d+(?:\.\d+)?\s?(?:ms|s|min|m|h|d)\b)*"), "<duration>"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """A command and what it should print."""

    command: str
    expected: str


@dataclass(frozen=True, slots=True)
class Done:
    """What a command did."""

    code: int
    output: str


def steps(text: str) -> list[Step]:
    """Return the commands of a block; `> ` goes on with the command above it."""
    found: list[Step] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append(Step(line[2:], ""))
        else:
            assert found, f"output before the first command: {line!r}"
            last = found.pop()
            if line.startswith("> ") and not last.expected:
                found.append(Step(f"{last.command}\n{line[2:]}", ""))
            else:
                found.append(Step(last.command, f"{last.expected}{line}\n"))
    return found


def play(commands: list[str], cwd: Path, env: Mapping[str, str], timeout_s: float = 120) -> list[Done]:
    """Run commands in one bash and return what each of them did; fewer when the shell itself ended."""
    script = "_code=0\n" + "".join(
        f"{{ (exit $_code); eval \"$STEP_{n}\"; }} 2>&1 </dev/null; _code=$?; printf '\\n{MARK} %d\\n' $_code\n"
        for n in range(len(commands))
    )
    words = {f"STEP_{n}": command for n, command in enumerate(commands)}
    with subprocess.Popen(
        ["bash", "-c", script],
        cwd=cwd,
        env={**env, **words},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as shell:
        try:
            text, _ = shell.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(shell.pid, signal.SIGKILL)
            raise
    parts = re.split(rf"\n{MARK} (\d+)\n", text)
    return [Done(int(code), output) for output, code in zip(parts[::2], parts[1::2], strict=False)]


def fits(expected: str, actual: str) -> bool:
    """Say whether the output is what the block shows."""
    pattern = ""
    for line in _lines(expected):
        if line == "...":
            pattern += r"(?:.*\n)?"
        else:
            pattern += ".*".join(re.escape(part) for part in line.split("...")) + r"\n"
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _lines(actual)), re.DOTALL) is not None


def _lines(text: str) -> list[str]:
    for pattern, name in VARYING:
        text = pattern.sub(name, text)
    return [line.rstrip() for line in text.rstrip("\n").split("\n")] if text.strip() else []


def check(text: str, cwd: Path, env: Mapping[str, str]) -> None:
    """Play a block; raises AssertionError with both texts at the first command that does something else."""
    wanted = steps(text)
    done = play([step.command for step in wanted], cwd, env)
    assert len(done) == len(wanted), "the shell ended early"
    following = [step.command for step in wanted[1:]] + [""]
    for step, seen, after in zip(wanted, done, following, strict=True):
        told = f"$ {step.command}\nexpected:\n{step.expected}\nprinted (exit code {seen.code}):\n{seen.output}"
        assert fits(step.expected, seen.output), told
        assert seen.code == 0 or after == FAILURE_IS_SHOWN, told

"""Termux: a script, and Android's job scheduler that starts it every quarter of an hour, the shortest it allows."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from bgo.errors import BgoError
from bgo.install import files
from bgo.install.program import Program
from bgo.install.report import UNCHANGED, File, Report
from bgo.install.tools import call, spoken

NAME = "termux"
PREFIX = "/data/data/com.termux/files/usr"
PERIOD_MS = 900_000
MARK = "# Made by bgo install --termux; bgo install --termux --uninstall takes it away."
TOOL = "termux-job-scheduler"


def script(program: Program, prefix: str = PREFIX) -> str:
    """Return the script that runs what is due."""
    words = [shlex.quote(word) for word in program.command("--quiet")]
    env = [f"export {name}={shlex.quote(value)}" for name, value in program.env.items()]
    return "\n".join([f"#!{prefix}/bin/sh", MARK, *env, " ".join(["exec", *words]), ""])


class Termux:
    """The script of this user, and its number at Android's job scheduler."""

    def __init__(self, program: Program, env: Mapping[str, str] = os.environ) -> None:
        self._program, self._env = program, env
        self._number = str(int(program.id, 16) & 0x7FFFFFFF or 1)

    def files(self) -> Sequence[File]:
        path = Path(os.path.expanduser(f"~/.bgo/{self._program.named('run')}.sh"))
        text = script(self._program, self._env.get("PREFIX") or PREFIX)
        return [File(path, text.encode(), MARK.encode(), 0o755)]

    @property
    def _schedule(self) -> tuple[str, ...]:
        """Android's own conditions are switched off: bgo judges for each task what it needs."""
        script = str(self.files()[0].path)
        when = ("--period-ms", str(PERIOD_MS), "--persisted", "true", "--network", "none", "--battery-not-low", "false")
        return (TOOL, "--script", script, "--job-id", self._number, *when)

    def commands(self) -> Sequence[str]:
        return [spoken(*self._schedule)]

    def install(self) -> Report:
        report = Report(NAME, self._program, [files.write(file) for file in self.files()])
        if report.steps[0].did != UNCHANGED or not self._is_scheduled():
            self._tell(report, self._schedule)
        return report

    def uninstall(self) -> Report:
        report = Report(NAME, self._program)
        if files.is_ours(self.files()[0]):
            self._tell(report, (TOOL, "--cancel", "--job-id", self._number))
            report.steps += [step for file in self.files() if (step := files.remove(file)) is not None]
        return report

    def is_installed(self) -> str:
        (file,) = self.files()
        return f"Android's job scheduler, {file.path}" if files.is_ours(file) else ""

    def _is_scheduled(self) -> bool:
        done = call(self._env, TOOL, "--pending")
        return not done.code and self._number.encode() in done.out

    def _tell(self, report: Report, words: Sequence[str]) -> None:
        done = call(self._env, *words)
        if not done.code:
            report.ran.append(spoken(*words))
        elif done.is_missing:
            report.todo.append(spoken(*words))
            report.why = f"{done.why}: pkg install termux-api, and the Termux:API app"
        else:
            raise BgoError(f"{TOOL} failed", why=done.why, hint=f"{TOOL} --pending shows what is scheduled")

"""launchd: an agent of this user that runs what is due every minute."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bgo.errors import BgoError
from bgo.install import files
from bgo.install.program import Program
from bgo.install.report import CHANGED, UNCHANGED, File, Report
from bgo.install.tools import call, spoken

NAME = "launchd"
EVERY_S = 60


def label(program: Program) -> str:
    """Return the name of the agent."""
    return program.named("dev.bgo.run", ".")


def agent(program: Program) -> dict[str, Any]:
    """Return the content of the property list.

    launchd starts no second one while it runs, so a run is not cut off before the next minute.
    """
    log = os.path.expanduser(f"~/Library/Logs/{label(program)}.log")
    found: dict[str, Any] = {
        "Label": label(program),
        "ProgramArguments": list(program.command("--quiet")),
        "StartInterval": EVERY_S,
        "RunAtLoad": True,
        "ProcessType": "Background",
        "LowPriorityIO": True,
        "ExitTimeOut": program.stop_s,
        "StandardErrorPath": log,
        "StandardOutPath": log,
    }
    return {**found, "EnvironmentVariables": dict(program.env)} if program.env else found


class Launchd:
    """The agent of this user, loaded by `launchctl`."""

    def __init__(self, program: Program, env: Mapping[str, str] = os.environ) -> None:
        self._program, self._env = program, env
        self._domain = f"gui/{os.geteuid()}"
        self._label = label(program)

    def files(self) -> Sequence[File]:
        import plistlib

        data = plistlib.dumps(agent(self._program), sort_keys=False)
        return [self._file(data)]

    def _file(self, data: bytes = b"") -> File:
        path = Path(os.path.expanduser(f"~/Library/LaunchAgents/{self._label}.plist"))
        return File(path, data, f"<string>{self._label}</string>".encode())

    def commands(self) -> Sequence[str]:
        return [spoken(*self._bootstrap)]

    @property
    def _bootstrap(self) -> tuple[str, ...]:
        return ("launchctl", "bootstrap", self._domain, str(self._file().path))

    @property
    def _bootout(self) -> tuple[str, ...]:
        return ("launchctl", "bootout", f"{self._domain}/{self._label}")

    def install(self) -> Report:
        report = Report(NAME, self._program, [files.write(file) for file in self.files()])
        did = report.steps[0].did
        if did == UNCHANGED and self._is_loaded():
            return report
        if did == CHANGED and self._is_loaded():
            self._tell(report, self._bootout)
        self._tell(report, self._bootstrap)
        return report

    def uninstall(self) -> Report:
        report = Report(NAME, self._program)
        if files.is_ours(self._file()):
            if self._is_loaded():
                self._tell(report, self._bootout)
            report.steps += [step for step in [files.remove(self._file())] if step is not None]
        return report

    def is_installed(self) -> str:
        return f"launchd, {self._file().path}" if files.is_ours(self._file()) else ""

    def _is_loaded(self) -> bool:
        return not call(self._env, "launchctl", "print", f"{self._domain}/{self._label}").code

    def _tell(self, report: Report, words: Sequence[str]) -> None:
        """Have launchd do it; without it, or without a login at its screen, what remains is told."""
        done = call(self._env, *words)
        if not done.code:
            report.ran.append(spoken(*words))
        elif done.is_missing or call(self._env, "launchctl", "print", self._domain).code:
            report.todo.append(spoken(*words))
            report.why = done.why
        else:
            raise BgoError(f"{spoken(*words)} failed", why=done.why, hint=f"launchctl print {self._domain}")

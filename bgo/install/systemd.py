"""systemd: a user service that stays and takes work as it comes, or a timer that runs what is due every minute."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from bgo.errors import BgoError
from bgo.install import files
from bgo.install.program import Program
from bgo.install.quoting import unit_assignment, unit_word
from bgo.install.report import CHANGED, UNCHANGED, File, Report, user
from bgo.install.tools import call, spoken

NAME = "systemd"
MARK = "# Made by bgo install --systemd; bgo install --systemd --uninstall takes it away."
WATCHDOG_S = 60
"""A worker whose loop stands still for so long is ended and started anew; its tasks are taken up again."""

SERVICE = """{mark}
[Unit]
Description=bgo: run queued tasks when they are due ({store})
StartLimitIntervalSec=300
StartLimitBurst=5

[Service]
Type=notify
NotifyAccess=main
{command}
WatchdogSec={watchdog}
TimeoutStartSec=10min
KillMode=mixed
TimeoutStopSec={stop}
SuccessExitStatus=143
Restart=on-failure
RestartSec=5
RestartPreventExitStatus=2 77 78

[Install]
WantedBy=default.target
"""
ONESHOT = """{mark}
[Unit]
Description=bgo: run what is due ({store})

[Service]
Type=oneshot
{command}
KillMode=mixed
TimeoutStopSec={stop}
SuccessExitStatus=143
"""
TIMER = """{mark}
[Unit]
Description=bgo: run what is due, every minute ({store})

[Timer]
OnCalendar=minutely
Persistent=true
AccuracySec=1s

[Install]
WantedBy=timers.target
"""


_UNLIKED = frozenset("$\"'\\")
"""systemd starts no program with one of these in its path, and does not read $$ there as $."""


def command(program: Program, *how: str) -> str:
    """Return the lines of a unit that say what is run, and in which environment."""
    words = program.command(*how)
    if set(words[0]) & _UNLIKED:
        words = ("/bin/sh", "-c", 'exec "$0" "$@"', *words)
    lines = [f"Environment={unit_assignment(*item)}" for item in program.env.items()]
    return "\n".join([*lines, "ExecStart=" + " ".join(map(unit_word, words))])


def service(program: Program) -> str:
    """Return the unit of a worker that stays."""
    return _filled(SERVICE, program, "--watch", "--quiet")


def oneshot(program: Program) -> str:
    """Return the unit that the timer starts.

    It is not cut off before the next minute: systemd starts no second one while it runs, so it must go on taking
    what comes.
    """
    return _filled(ONESHOT, program, "--quiet")


def timer(program: Program) -> str:
    """Return the unit of the timer."""
    return _filled(TIMER, program)


def _filled(unit: str, program: Program, *how: str) -> str:
    store = str(program.store).replace("%", "%%")
    return unit.format(mark=MARK, store=store, command=command(program, *how), watchdog=WATCHDOG_S, stop=program.stop_s)


class Systemd:
    """The units of this user. One store has one form of them: installing the service takes away the timer."""

    def __init__(self, program: Program, env: Mapping[str, str] = os.environ, *, timed: bool = False) -> None:
        self._program, self._env, self._timed = program, env, timed
        config = env.get("XDG_CONFIG_HOME", "")
        base = Path(config) if os.path.isabs(config) else Path(os.path.expanduser("~/.config"))
        self._folder = base / "systemd" / "user"
        self._base = program.named("bgo")

    def files(self) -> Sequence[File]:
        return self._form(timed=self._timed)

    def _form(self, *, timed: bool) -> list[File]:
        if not timed:
            return [self._file(f"{self._base}.service", service(self._program))]
        run = f"{self._base}-run"
        return [
            self._file(f"{run}.service", oneshot(self._program)),
            self._file(f"{run}.timer", timer(self._program)),
        ]

    def _file(self, name: str, text: str) -> File:
        return File(self._folder / name, text.encode(), MARK.encode())

    def _unit(self, *, timed: bool) -> str:
        return f"{self._base}-run.timer" if timed else f"{self._base}.service"

    def commands(self) -> Sequence[str]:
        unit = self._unit(timed=self._timed)
        return [_ctl("daemon-reload"), _ctl("enable", "--now", unit)]

    def install(self) -> Report:
        report = Report(NAME, self._program)
        unit = self._unit(timed=self._timed)
        self._take_away(report, timed=not self._timed)  # systemd reads its units again below
        report.steps += [files.write(file) for file in self.files()]
        dids = {step.did for step in report.steps}
        if dids == {UNCHANGED} and self._is_on(unit):
            return report
        calls = [("daemon-reload",), ("enable", "--now", unit)]
        if CHANGED in dids:
            calls.append(("restart", unit))
        self._tell(report, calls)
        self._look_at_lingering(report)
        return report

    def uninstall(self) -> Report:
        report = Report(NAME, self._program)
        for timed in (False, True):
            if self._take_away(report, timed=timed):
                self._tell(report, [("daemon-reload",)])
        return report

    def is_installed(self) -> str:
        there = (self._folder / self._unit(timed=timed) for timed in (False, True))
        found = [str(path) for path in there if files.is_ours(File(path, b"", MARK.encode()))]
        return f"systemd, {found[0]}" if found else ""

    def _take_away(self, report: Report, *, timed: bool) -> bool:
        """Stop a form and remove its units; say whether there was anything of it."""
        form = self._form(timed=timed)
        if not any(map(files.is_ours, form)):
            return False
        unit = self._unit(timed=timed)
        self._tell(report, [("disable", "--now", unit)])
        report.steps += [step for file in form if (step := files.remove(file)) is not None]
        return True

    def _is_on(self, unit: str) -> bool:
        return all(not call(self._env, "systemctl", "--user", word, "--quiet", unit).code for word in _ASKED)

    def _tell(self, report: Report, calls: Sequence[tuple[str, ...]]) -> None:
        """Have systemd do it; where it cannot be reached, what remains is told.

        Raises BgoError when it can be reached and refuses.
        """
        for number, words in enumerate(calls):
            done = call(self._env, "systemctl", "--user", *words)
            if not done.code:
                report.ran.append(_ctl(*words))
                continue
            if done.is_missing or call(self._env, "systemctl", "--user", "show-environment").code:
                report.todo += [_ctl(*left) for left in calls[number:]]
                report.why = report.why or done.why
                return
            raise BgoError(f"{_ctl(*words)} failed", why=done.why, hint=f"systemctl --user status {words[-1]}")

    def _look_at_lingering(self, report: Report) -> None:
        done = call(self._env, "loginctl", "show-user", user(), "--property=Linger", "--value")
        if done.code or done.out.strip() != b"yes":
            report.hints.append("so that it also runs while you are not logged in: loginctl enable-linger")


_ASKED = ("is-enabled", "is-active")


def _ctl(*words: str) -> str:
    return spoken("systemctl", "--user", *words)

"""A crontab, read line by line into schedules of commands, with what cannot be carried over exactly. Nothing is
written."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

from bgo.errors import UsageError
from bgo.flow.crontab_lines import Entry, command_of, drawn, entry, setting
from bgo.flow.crontab_read import Became, Crontab, Line, Owner
from bgo.flow.schedule_written import WrittenSchedule
from bgo.hooks.commandline import FALLBACK_NAME, default_name
from bgo.model.options import NAME
from bgo.zones import zone

SHELL, PATH = "/bin/sh", "/usr/bin:/bin"
"""What Debian's cron and cronie set for a command when its crontab does not."""
REBOOT = "@reboot"
BEGIN, END = re.compile(r"#\s*BEGIN bgo\b"), re.compile(r"#\s*END bgo\b")
SYSTEM_FILES = ("/etc/crontab", "/etc/cron.d/")
OWN_COMMAND = r"(?:^|[\s/;&|])bgo\s+(?:-\S+\s+(?:(?!run\b)[^-\s]\S*\s+)?)*run\b"
DELAY, DELAY_MAX = "RANDOM_DELAY", 1440
"""cronie's random delay of a run, in minutes."""
WITH_STDIN = 'exec "$1" -c "$2" <<END\n$3\nEND'
"""Gives a command its stdin as cron does: nothing in it is expanded, and it ends with a line feed."""
_ABOUT_SETTINGS: Mapping[str, str] = {
    "MAILTO": "no mail is sent: bgo keeps output and history, and [hooks] can send mail",
    "MAILFROM": "no mail is sent",
    "TZ": "the command sees it; when it runs is told by this computer's zone, or by CRON_TZ",
    "CRON_TZ": "times below it are read in this zone, as cronie does; Debian's cron passes it over",
}


def is_system_file(path: str) -> bool:
    """Say whether cron reads a user's name before the command in this file: /etc/crontab, and those in /etc/cron.d."""
    whole = os.path.abspath(path)
    return whole == SYSTEM_FILES[0] or whole.startswith(SYSTEM_FILES[1])


def read(text: str, owner: Owner, *, is_system: bool = False) -> Crontab:
    """Return what a crontab says. `is_system`: a user's name stands before each command.

    A key is made of a line's time and command, so that a second reading of the same line yields the same key.
    """
    lines = text.removesuffix("\n").split("\n") if text else []
    reader = _Reader(owner, is_system, _own_blocks(lines))
    return Crontab(tuple(reader.line(number, line) for number, line in enumerate(lines, start=1)))


def _own_blocks(lines: list[str]) -> frozenset[int]:
    """Return the numbers of the lines that bgo has put there itself, their marks included."""
    found, begun = set[int](), 0
    for number, line in enumerate(lines, start=1):
        if BEGIN.match(line.strip()):
            begun = number
        elif begun and END.match(line.strip()):
            found.update(range(begun, number + 1))
            begun = 0
    return frozenset(found)


class _Left(Exception):
    """A line that cannot be carried over, and why."""


@dataclass(slots=True)
class _Reader:
    owner: Owner
    is_system: bool
    own: frozenset[int]
    env: dict[str, str] = field(default_factory=dict)
    jitter: timedelta | None = None
    keys: dict[str, int] = field(default_factory=dict)

    def line(self, number: int, text: str) -> Line:
        said = text.lstrip(" \t")
        if number in self.own:
            return Line(number, text, Became.SKIPPED, ("bgo put it there itself",))
        if not said or said.startswith("#"):
            return Line(number, text, Became.NOTHING)
        try:
            self._check_text(said)
            if (found := setting(said)) is not None:
                return Line(number, text, Became.SETTING, tuple(self._set(*found)))
            return self._entry(number, text, said)
        except _Left as left:
            return Line(number, text, Became.LEFT, (str(left),))

    @staticmethod
    def _check_text(said: str) -> None:
        if "\0" in said:
            raise _Left("there is a zero byte in it")
        try:
            said.encode()
        except UnicodeEncodeError:
            raise _Left("it is not UTF-8 text") from None

    def _set(self, name: str, value: str) -> Iterator[str]:
        if not name:
            raise _Left("a variable without a name")
        if name in ("LOGNAME", "USER"):
            yield f"cron sets {name} itself: {self.owner.name}"
            return
        self.env[name] = value
        if name == DELAY:
            yield from self._set_delay(value)
        elif name in _ABOUT_SETTINGS:
            yield _ABOUT_SETTINGS[name]
        elif "$" in value:
            yield "the $ stays as it is: neither cron nor bgo expands it"

    def _set_delay(self, value: str) -> Iterator[str]:
        self.jitter = None
        if not re.fullmatch(r"[0-9]{1,4}", value) or int(value) > DELAY_MAX:
            yield f"no number of minutes from 0 to {DELAY_MAX}: cronie passes it over, and so does bgo"
        elif int(value):
            self.jitter = timedelta(minutes=int(value))
            yield "drawn anew for each run (jitter); cronie draws once, and Debian's cron passes it over"

    def _entry(self, number: int, text: str, said: str) -> Line:
        found = entry(said, is_system=self.is_system)
        if isinstance(found, str):
            raise _Left(found)
        if found.user is not None and found.user != self.owner.name:
            raise _Left(f"it runs as {found.user}: import it as {found.user}")
        command, stdin = command_of(found.command)
        if re.search(OWN_COMMAND, command):
            return Line(number, text, Became.SKIPPED, ("it starts bgo, and stays in the crontab",))
        differs: list[str] = []
        if "\\\\" in found.command.partition("%")[0]:
            differs.append("two backslashes are one, as in the crons of Debian and the BSDs; cronie keeps both")
        keywords = {**self._when(found, differs), **self._command(command, stdin)}
        keywords |= {"missed": "skip", "overlap": "skip" if "s" in found.options else "allow"}
        made = WrittenSchedule(self._key(found), "shell", keywords, number)
        became = Became.DIFFERS if differs else Became.CARRIED
        return Line(number, text, became, (*differs, *self._remarks(found, command)), made)

    def _remarks(self, found: Entry, command: str) -> Iterator[str]:
        if found.is_unlogged or "q" in found.options:
            yield "bgo keeps a history of its runs, too; cron would not log them"
        if found.user is None and command.partition(" ")[0] in ("root", self.owner.name):
            yield "its command begins with a user's name: --system reads a system's crontab"

    def _when(self, found: Entry, differs: list[str]) -> dict[str, Any]:
        """Return when it fires, as keywords; what differs from cron is added to the list."""
        if found.when == REBOOT:
            differs.append("it runs when the first worker of a boot looks, not when cron starts")
            return {"reboot": True}
        keywords: dict[str, Any] = {} if self.jitter is None else {"jitter": self.jitter}
        if name := self.env.get("CRON_TZ"):
            try:
                zone(name)
            except UsageError as error:
                raise _Left(f"CRON_TZ: {error.message}") from None
            keywords["tz"] = name
        when = drawn(found.when, f"{found.when}\n{found.command}")
        if when != found.when:
            differs.append(f"what ~ stands for was drawn once: {when}; cron draws whenever it reads the crontab")
        return keywords | {"cron": _schedule(when)}

    def _command(self, command: str, stdin: str | None) -> dict[str, Any]:
        """Return the command and its surroundings as cron makes them."""
        env = {"SHELL": SHELL, "PATH": PATH, "HOME": self.owner.home, **self.env}
        env |= {"LOGNAME": self.owner.name, "USER": self.owner.name}
        for name in ("HOME", "SHELL"):
            if not os.path.isabs(env[name]):
                raise _Left(f"{name} is no absolute path: {env[name]!r:.80}")
        argv: tuple[str, ...] = (env["SHELL"], "-c", command)
        if stdin is not None:
            argv = (SHELL, "-c", WITH_STDIN, "sh", env["SHELL"], command, stdin.removesuffix("\n"))
        return {"argv": argv, "env": env, "cwd": env["HOME"], "as_": name_of(command)}

    def _key(self, found: Entry) -> str:
        digest = sha256(f"{found.when}\n{found.command}".encode()).hexdigest()[:10]
        count = self.keys[digest] = self.keys.get(digest, 0) + 1
        return f"crontab-{digest}" if count == 1 else f"crontab-{digest}-{count}"


def name_of(command: str) -> str:
    """Return what tasks of a command are called: the basename of its first word, if that is a name, else `shell`."""
    word = re.sub(r"^(?:[A-Za-z_]\w*=\S*\s+)+", "", command).split(maxsplit=1)[:1]
    return default_name(word) if word and NAME.fullmatch(os.path.basename(word[0])) else FALLBACK_NAME


def _schedule(when: str) -> Any:
    from bgo.model.cron import CronSchedule

    try:
        return CronSchedule(when)
    except UsageError as error:
        raise _Left(f"{error.message} ({error.why})" if error.why else error.message) from None

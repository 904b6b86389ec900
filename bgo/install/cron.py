"""cron: a marked block in the user's crontab, one for each store; everything else stays byte for byte as it was."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bgo.errors import BgoError, RefusedError
from bgo.install.program import Program
from bgo.install.quoting import cron_word
from bgo.install.report import CHANGED, REMOVED, UNCHANGED, WROTE, File, Report, Step, user
from bgo.install.tools import Done, call, spoken

NAME = "cron"
_NONE = ("no crontab", "no such file")
"""How `crontab -l` says, with exit code 1, that the user has none; the second is busybox."""
_UNENDED = b" (the line above had no end)"


def line(program: Program) -> str:
    """Return the crontab line that runs what is due, every minute.

    A run is not cut off before the next minute: while something runs it goes on taking what comes, and the runs that
    cron starts meanwhile find the slots taken and end.
    """
    words = [cron_word(word) for word in program.command("--quiet")]
    env = [f"{name}={cron_word(value)}" for name, value in program.env.items()]
    return " ".join(["* * * * *", *env, *words])


def block(program: Program) -> bytes:
    """Return the marked block of this store."""
    return (
        f"# BEGIN bgo {program.id}\n"
        f"# Runs what is due in {program.store}; bgo install --cron --uninstall takes this block away.\n"
        f"{line(program)}\n"
        f"# END bgo {program.id}\n"
    ).encode()


class Place(NamedTuple):
    """Where a block stands in a crontab."""

    start: int
    end: int
    is_unended: bool
    """The line above it was the last one and had no end: the line break before the block is ours."""


def find(crontab: bytes, name: str) -> Place | None:
    """Return where the block of that id stands. Raises RefusedError when its end is missing."""
    mark = re.escape(name.encode())
    begun = re.search(rb"^# BEGIN bgo " + mark + rb"\b([^\n]*)\n", crontab, re.M)
    if begun is None:
        return None
    ended = re.compile(rb"^# END bgo " + mark + rb"\b[^\n]*(?:\n|\Z)", re.M).search(crontab, begun.end())
    if ended is None:
        raise RefusedError(
            "bgo's block in the crontab has no end",
            why=f"'# BEGIN bgo {name}' stands there without '# END bgo {name}'",
            hint="crontab -e: remove the block, or put the line back",
        )
    return Place(begun.start(), ended.end(), _UNENDED.strip() in begun[1])


def with_block(crontab: bytes, program: Program) -> bytes:
    """Return the crontab with this store's block in it: in its old place, else at the end."""
    made = block(program)
    place = find(crontab, program.id)
    is_unended = bool(crontab) and not crontab.endswith(b"\n") if place is None else place.is_unended
    if is_unended:
        first, rest = made.split(b"\n", 1)
        made = first + _UNENDED + b"\n" + rest
    if place is None:
        return crontab + (b"\n" if is_unended else b"") + made
    return crontab[: place.start] + made + crontab[place.end :]


def without_block(crontab: bytes, program: Program) -> bytes:
    """Return the crontab as it was before `with_block`."""
    place = find(crontab, program.id)
    if place is None:
        return crontab
    rest = crontab[place.end :]
    return crontab[: place.start - (1 if place.is_unended and not rest else 0)] + rest


class Cron:
    """The crontab of this user, read and written by `crontab`."""

    def __init__(self, program: Program, env: Mapping[str, str] = os.environ) -> None:
        self._program, self._env = program, env

    def files(self) -> Sequence[File]:
        return [File(Path(f"crontab of {user()}"), block(self._program), b"# BEGIN bgo")]

    def commands(self) -> Sequence[str]:
        return []

    def install(self) -> Report:
        old = self._read()
        new = with_block(old, self._program)
        self._write(old, new)
        did = UNCHANGED if new == old else WROTE if find(old, self._program.id) is None else CHANGED
        return Report(NAME, self._program, [Step(did, self._block)])

    def uninstall(self) -> Report:
        old = self._read()
        new = without_block(old, self._program)
        self._write(old, new)
        return Report(NAME, self._program, [Step(REMOVED, self._block)] if new != old else [])

    def is_installed(self) -> str:
        try:
            return f"the crontab of {user()}, every minute" if find(self._read(), self._program.id) else ""
        except BgoError:
            return ""

    @property
    def _block(self) -> str:
        return f"block {self._program.id} in the crontab of {user()}"

    def _read(self) -> bytes:
        done = call(self._env, "crontab", "-l")
        if done.code == 1 and any(word in done.err.lower() for word in _NONE):
            return b""
        return _checked(done, "-l").out

    def _write(self, old: bytes, new: bytes) -> None:
        if new != old:
            _checked(call(self._env, "crontab", "-", given=new), "-")


def _checked(done: Done, option: str) -> Done:
    if done.code:
        raise BgoError(
            f"{spoken('crontab', option)} failed",
            why=done.why,
            hint="install a cron, or try --systemd" if done.is_missing else "crontab -l shows whether it works at all",
        )
    return done

"""The one door for errors: three lines for people, one object for programs, a crash file for bgo's own faults."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from bgo.cli.later import refusal
from bgo.cli.render import clean, dumps, line, wants_color
from bgo.clock import SystemClock, to_iso
from bgo.errors import BgoError, StoreError, UsageError
from bgo.version import VERSION

WRITE_FAILED = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS})


class OutputError(StoreError):
    """What bgo had to say could not be written."""

    code = "output"


def report(error: BgoError, *, as_json: bool = False) -> int:
    """Print an error on stderr and return its exit code; an unwritable stderr changes nothing."""
    try:
        if as_json:
            body = {"code": error.code, "message": error.message, "why": error.why, "hint": error.hint}
            print(dumps({"error": body | {"exit_code": error.exit_code}, "schema": 1}, sys.stderr), file=sys.stderr)
        else:
            _print_lines(error)
    except OSError:
        pass  # nobody is left to tell
    return error.exit_code


def _print_lines(error: BgoError) -> None:
    bold, end = ("\x1b[1;31m", "\x1b[0m") if wants_color(sys.stderr) else ("", "")
    print(f"{bold}error:{end} {line(error.message)}", file=sys.stderr)
    for note in getattr(error, "__notes__", ()):
        for drawn in note.splitlines():  # carets under a word: the blanks are what it says
            print(f"       {clean(drawn)}", file=sys.stderr)
    if error.why:
        print(f"  why: {line(error.why)}", file=sys.stderr)
    if error.hint:
        print(f" hint: {line(error.hint)}", file=sys.stderr)


def from_typer(error: typer.TyperException, command: str = "") -> BgoError:
    """Return one of Typer's own complaints (unknown option, missing argument …) as a usage error.

    `command` is used where the complaint does not know its own.
    """
    context: Any = getattr(error, "ctx", None)
    if context is not None and (later := refusal(str(context.command.name), getattr(error, "option_name", ""))):
        return later
    near: Sequence[str] = getattr(error, "possibilities", None) or ()
    message = error.message if near else error.format_message()
    message, _, suggestion = message.partition(" Did you mean ")
    if near:
        suggestion = f"{near[0]}?"
    path = context.command_path if context is not None else f"bgo {command}".strip()
    help_line = f"{path} --help"
    return UsageError(
        _lowered(message.strip().rstrip(".")),
        why=" ".join(context.get_usage().split()).replace("Usage:", "usage:")
        if context is not None
        else "something is missing in the call",
        hint=f"did you mean {suggestion} ({help_line})" if suggestion else help_line,
    )


def _lowered(message: str) -> str:
    return message[:1].lower() + message[1:]


def from_os(error: OSError) -> BgoError | None:
    """Return an OSError that means 'nothing more can be written' as an error with its exit code; else None."""
    if error.errno not in WRITE_FAILED:
        return None
    where = error.filename if isinstance(error.filename, str) else "the output"
    return OutputError(f"cannot write {where}", why=error.strerror or "", hint="free some space, or write elsewhere")


def crash(error: BaseException, folder: Path | None, *, command: str, debug: bool) -> BgoError:
    """Return the error to show for a fault of bgo's own, after writing its crash file.

    The file has the version, `command` (its options without values) and the stack: source lines, no values, no
    messages, no environment.
    """
    import traceback

    if debug:
        traceback.print_exception(error)
    path = None if folder is None else _crash_file(error, folder, command)
    found = BgoError(
        f"bgo itself failed: {type(error).__name__}",
        why="this is a fault in bgo, not in what you asked",
        hint=f"please report it with {path}" if path else "run it again with --debug and please report what you see",
    )
    found.exit_code, found.code = 70, "bug"
    return found


def _crash_file(error: BaseException, folder: Path, command: str) -> Path | None:
    import platform
    import sqlite3
    import traceback

    now = SystemClock().now_ms()
    chain: list[str] = []
    current: BaseException | None = error
    while current is not None and len(chain) < 10:
        stack = "".join(traceback.format_tb(current.__traceback__)[-50:])
        chain.append(f"{type(current).__module__}.{type(current).__qualname__}\n{stack}")
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    text = (
        f"bgo {VERSION}\n{to_iso(now)}\nPython {platform.python_version()} on {platform.platform()}\n"
        f"SQLite {sqlite3.sqlite_version}\ncommand {command}\n\n" + "\ncaused by:\n".join(chain)
    )
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"crash-{now}-{os.getpid()}.txt"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as file:
            file.write(text)
    except OSError:
        return None
    return path


def stdout_is_closed() -> bool:
    """Say whether nobody reads our stdout any more."""
    import select

    try:
        poll = select.poll()
        poll.register(1, 0)
        return bool(poll.poll(0) and poll.poll(0)[0][1] & (select.POLLERR | select.POLLHUP | select.POLLNVAL))
    except (AttributeError, OSError):
        return True


def silence_stdout() -> None:
    """Point the real stdout at nothing, so that the interpreter's last flush cannot fail again."""
    if sys.stdout is not sys.__stdout__:
        return
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)

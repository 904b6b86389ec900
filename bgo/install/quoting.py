"""Words as a crontab line, a script and a unit of systemd want them: each comes out as it went in, or is refused."""

from __future__ import annotations

import re
import shlex

from bgo.errors import UsageError

_PLAIN = re.compile(r"[\w@+=:,./-]+", re.ASCII)
"""What needs no quotes in a unit."""


def check(word: str) -> str:
    """Return the word, or refuse what no crontab, unit or plist can hold: control characters, and bytes not UTF-8."""
    if not word.isprintable() and any(ord(char) < 32 or ord(char) == 127 for char in word):
        raise _refusal(word, "it has a line break or another control character in it")
    try:
        word.encode()
    except UnicodeEncodeError:
        raise _refusal(word, "it is not UTF-8") from None
    return word


def _refusal(word: str, why: str) -> UsageError:
    return UsageError(f"cannot be written down: {word!r:.200}", why=why, hint="rename it, or use another --store")


def cron_word(word: str) -> str:
    r"""Return a word for the command of a crontab line.

    cron turns % into a line break and \% into %; some crons also turn \\ into \, others do neither. So a % stands
    outside the quotes, where the shell drops the backslash if cron has not, and two backslashes never touch.
    """
    if not word:
        return "''"
    pieces = (shlex.quote(piece) if piece else "" for piece in word.split("%"))
    return r"\%".join(re.sub(r"\\(?=\\)", r"\\''", piece) for piece in pieces)


def unit_word(word: str) -> str:
    """Return a word for ExecStart= of a unit: no specifier, no variable and no quote of it means anything."""
    return _unit_quoted(word.replace("$", "$$"))


def unit_assignment(name: str, value: str) -> str:
    """Return NAME=value for Environment= of a unit, where $ is only itself."""
    return _unit_quoted(f"{name}={value}")


def _unit_quoted(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    for char, written in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%")):
        text = text.replace(char, written)
    return f'"{text}"'

"""Where a crontab comes from: the `crontab` program, a file, or a pipe."""

from __future__ import annotations

import os
import subprocess
import sys

from bgo.errors import BgoError, NotFoundError, UsageError
from bgo.toml_text import SIZE_LIMIT

PROGRAM, PIPE = "crontab", "-"
ANSWER_S = 30
"""A crontab that is asked for this long is not coming: the directory server that knows the user is gone."""
_NONE = ("no crontab", "no such file")
"""How `crontab -l` says that there is none; the second is busybox."""


def text_of(source: str) -> str:
    """Return this user's crontab for the word `crontab`, what stdin brings for `-`, else what is in that file.

    Bytes that are no UTF-8 are kept as lone surrogates: they cost their line alone. Raises NotFoundError where the user
    has no crontab, UsageError for what cannot be read, BgoError when `crontab` fails.
    """
    if source == PROGRAM:
        data = _listed()
    elif source == PIPE:
        data = sys.stdin.buffer.read(SIZE_LIMIT + 1)
    else:
        try:
            with open(os.path.expanduser(source), "rb") as file:
                data = file.read(SIZE_LIMIT + 1)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            hint = "'crontab' reads yours, - a pipe, anything else a file"
            raise UsageError(f"cannot read {source!r:.200}", why=why, hint=hint) from None
    if len(data) > SIZE_LIMIT:
        raise UsageError(f"{source!r:.200} is larger than {SIZE_LIMIT:,} bytes", why="no crontab is that long",
                         hint="is it another file?")  # fmt: skip
    return data.decode("utf-8", "surrogateescape")


def _listed() -> bytes:
    """Return what `crontab -l` prints."""
    hint = "bgo schedules import FILE reads a saved one"
    try:
        env = {**os.environ, "LC_ALL": "C"}
        done = subprocess.run(
            [PROGRAM, "-l"], env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=ANSWER_S, check=False
        )
    except FileNotFoundError:
        raise NotFoundError("there is no crontab command here", why="no cron is installed", hint=hint) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BgoError("crontab -l did not answer", why=str(error), hint=hint) from None
    said = done.stderr.decode("utf-8", "replace").strip()
    if done.returncode and any(word in said.lower() for word in _NONE):
        raise NotFoundError("you have no crontab", why=said, hint=hint)
    if done.returncode:
        raise BgoError("crontab -l failed", why=said or f"exit code {done.returncode}", hint=hint)
    return done.stdout

"""What an enqueuer must know of the shell handler without loading it: a task's name and the environment it keeps."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence

from bgo.errors import UsageError
from bgo.model.options import NAME

KEPT_VARIABLES = ("PATH", "LANG")
"""What a shell task keeps of the enqueuer's environment beside what `--env` names. Nothing else: no HOME, no tokens."""

FALLBACK_NAME = "shell"
NAME_LENGTH = 64


def default_name(argv: Sequence[str]) -> str:
    """Return a legal task name for a command line: the basename of its first word, `shell` where nothing is left."""
    word = os.path.basename(argv[0].rstrip("/")) if argv else ""
    word = re.sub(r"[^A-Za-z0-9._-]+", "-", word).lstrip("0123456789._-")[:NAME_LENGTH].rstrip("-")
    return word if NAME.fullmatch(word) else FALLBACK_NAME


def kept_environment(environ: Mapping[str, str], named: Iterable[str] = ()) -> dict[str, str]:
    """Return the variables a task keeps: PATH, LANG, and what `--env K=V` sets or `--env K` takes over.

    Raises UsageError for a name that no environment could hold and for one that is to be taken over and is not set.
    """
    kept = {name: environ[name] for name in KEPT_VARIABLES if name in environ}
    for word in named:
        name, equals, value = word.partition("=")
        if not name or "\0" in word:
            raise UsageError(f"not an environment variable: {word[:80]!r}", hint="--env HOME or --env LEVEL=3")
        if not equals and name not in environ:
            raise UsageError(f"{name} is not set here", why="--env NAME keeps its value", hint=f"--env {name}=VALUE")
        kept[name] = value if equals else environ[name]
    return kept

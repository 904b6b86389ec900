"""Hooks: what can be heard of, who hears it, and the commands a configuration may name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bgo.errors import UsageError
from bgo.model.handler import Source

HOOKS: dict[str, tuple[str, ...]] = {
    "task_started": ("entry",),
    "task_progressed": ("entry", "fraction", "message"),
    "task_soft_timed_out": ("entry",),
    "task_succeeded": ("entry",),
    "task_failed": ("entry",),
    "task_retrying": ("entry",),
    "task_stopped": ("entry",),
    "task_cancelled": ("entry",),
    "chain_finished": ("chain_id", "status"),
    "batch_finished": ("batch_id", "status"),
}
"""What can be heard of, and what a hook is given. A plugin's hook has `bgo_` in front."""
SOFT_TIMEOUT = "on_soft_timeout"
"""Called for one task alone: what its timeout names."""
TIMEOUT_MS = 10_000
PLACEHOLDERS = (
    "id", "name", "task_name", "state", "status", "error", "reason", "run", "attempt", "duration_ms", "worker",
    "fraction", "message", "chain_id", "batch_id", "hook",
)  # fmt: skip

Argv = tuple[str, ...]


class Observer(NamedTuple):
    """Somebody who hears: a plugin or a flow, with how many functions it has for each hook."""

    name: str
    """For people: a distribution, a file, `module:flow`."""
    source: Source
    hooks: Mapping[str, int]
    store: str = ""
    """The only store a flow hears of; '' is any."""
    as_of: tuple[str, int, int] | None = None
    """A program's file as it was when it was run last: while it is the same, its hooks must be found again."""


class Extras(NamedTuple):
    """What plugins and programs bring beside handlers."""

    middleware: tuple[Source, ...] = ()
    """Plugins with middleware, the outermost first."""
    observers: tuple[Observer, ...] = ()


NO_EXTRAS = Extras()


def check_hook(fn: object) -> None:
    """Refuse what cannot be called."""
    if not callable(fn):
        raise UsageError(
            f"not a hook: {type(fn).__name__}",
            why="a hook is a function that is called with an entry",
            hint="@flow.on_task_failed above def NAME(entry)",
        )


_PLACE = re.compile(r"\{\{|\}\}|\{([A-Za-z_]\w*)\}")


def commands(raw: object) -> tuple[Argv, ...]:
    """Return the commands of a shell hook: an argv list, or a list of them. Raises UsageError for anything else."""
    rows = raw if isinstance(raw, list) and raw and isinstance(raw[0], list) else [raw]
    return tuple(_command(row) for row in rows)


def _command(row: object) -> Argv:
    example = 'task_failed = ["notify-send", "bgo", "{name} failed: {error}"]'
    if not isinstance(row, list) or not row or not all(isinstance(word, str) for word in row):
        raise UsageError("not a command", why="a hook is a list of words, and no shell reads them", hint=example)
    if not row[0] or any("\0" in word for word in row):
        raise UsageError("not a command", why="its first word names a program", hint=example)
    for at, word in enumerate(row):
        for name in (found[1] for found in _PLACE.finditer(word) if found[1]):
            if name not in PLACEHOLDERS:
                from bgo.model.words import did_you_mean  # every enqueue loads this module, and no hook

                near = did_you_mean(name, PLACEHOLDERS)
                hint = f"{{{{{name}}}}} stands for the text itself; known are {', '.join(PLACEHOLDERS)}"
                raise UsageError(f"unknown placeholder {{{name}}}", why=f"{{{name}}} is unknown; {near}", hint=hint)
            if at == 0:
                why = "what a task says must not choose the program"
                raise UsageError("a placeholder in the first word", why=why, hint=example)
    return tuple(row)


def fill(argv: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """Return a command with its placeholders filled in, each word still one word.

    A word that would begin with a dash through what was filled in gets a space before it: it must not be an option.
    """
    return [_fill(word, values) for word in argv]


def _fill(word: str, values: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        return values.get(found[1], "") if found[1] else found[0][0]

    filled = _PLACE.sub(value, word).replace("\0", "�")
    return f" {filled}" if filled.startswith("-") and not word.startswith("-") else filled

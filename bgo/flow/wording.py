"""Steps as people write them on one line: step words for `bgo chain NAME a b+c`, and commands for `--commands`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence

from bgo.errors import UsageError
from bgo.flow.drafts import Draft
from bgo.hooks.commandline import default_name
from bgo.model import steps as grammar
from bgo.model.flow import INPUT

OPERATORS = frozenset("|&;<>()`\n")
"""What only a shell understands, when it stands there unquoted."""
VARIABLE = re.compile(r"\$[A-Za-z_{(]")


def drafts_of(word: str) -> list[Draft]:
    """Return the members that a step word names. Raises UsageError for what is no step."""
    return [Draft(one.handler, one.alias, {}, {}, over=one.over) for one in grammar.step(word)]


def command_drafts(commands: Iterable[str | Sequence[str]], env: Mapping[str, str] | None = None) -> list[Draft]:
    """Return a draft of a shell task for each command: a line as `argv_of` reads it, or a list of words."""
    taken = {INPUT}
    found = []
    for command in commands:
        argv = argv_of(command) if isinstance(command, str) else list(command)
        name = free_name(argv, taken)
        taken.add(name)
        found.append(command_draft(argv, name, env))
    return found


def command_draft(argv: Sequence[str], name: str | None, env: Mapping[str, str] | None) -> Draft:
    """Return a shell task as a member of a chain."""
    if not argv or not argv[0]:
        raise UsageError("an empty command", why="there is nothing to run in it", hint="--commands 'make' 'make test'")
    return Draft("shell", name, {}, {"argv": tuple(argv)} | ({} if env is None else {"env": env}))


def free_name(argv: Sequence[str], taken: Collection[str]) -> str:
    """Return a command's own name, with a number behind it where another has it already."""
    name = default_name(argv)
    if name not in taken:
        return name
    number = next(n for n in range(2, len(taken) + 3) if f"{name}-{n}" not in taken)
    return f"{name}-{number}"


def argv_of(command: str) -> list[str]:
    """Return the words of a command as a shell would split them; it is run without one.

    Raises UsageError for what only a shell could do with it: `a && b`, pipes, redirections, variables.
    """
    if (found := _for_a_shell(command)) is not None:
        quoted = shlex.quote(command)
        raise UsageError(
            f"a shell would be needed for {command.strip()!r:.100}",
            why=f"{found!r} means something to a shell only, and a command is run without one",
            hint=f"as one command: sh -c {quoted}" if len(quoted) < 100 else "as one command: sh -c '…'",
        )
    try:
        return shlex.split(command)
    except ValueError as error:
        raise UsageError(
            f"not a command: {command!r:.100}", why=str(error).lower(), hint="close what you quote: 'echo \"a b\"'"
        ) from None


def _for_a_shell(command: str) -> str | None:
    """Return what in a command only a shell would understand; what is quoted or escaped is a word's own."""
    quote, at = "", 0
    while at < len(command):
        char = command[at]
        if char == "\\" and quote != "'":
            at += 2
            continue
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in OPERATORS:
            run = command[at]
            return run * 2 if command[at : at + 2] == run * 2 and run in "&|;<>" else run
        if quote != "'" and (char == "`" or VARIABLE.match(command, at)):
            return char if char == "`" else "$"
        at += 1
    return None

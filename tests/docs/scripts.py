"""The completion scripts: an argparse mirror of the Typer tree, handed to shtab. The mirror never parses anything."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from typing import Any

import shtab

from bgo.cli.app import TABLE
from bgo.cli.completion import FILES, MARK
from tests.docs.tree import Command, Param, root

HEADER = f"# Completion of bgo, {MARK} by `python -m tests.docs.regenerate` with shtab; not to be edited."
KINDS = {
    "ID": "ids",
    "ID|NAME": "ids,names",
    "TAG": "tags",
    "QUEUE": "queues",
    "STEP": "handlers",
    "HANDLER": "handlers",
    "PROFILE": "profiles",
    "DEVICE": "devices",
}
"""What a metavar stands for, in the words of `bgo __complete`."""
SCHEDULES = ("schedules", "reschedule", "unschedule")
"""Commands whose ID is a schedule's id, key or name."""
ALSO_SCHEDULES = ("status", "explain")
HANDLERS = {("bgo", "enqueue"), ("bgo", "batch"), ("bgo", "schedule"), ("bgo", "handlers", "show")}
"""Commands whose NAME is a handler's."""
MADE_UP = {("bgo", "profiles", "new")}
"""Commands whose NAME is one that there is not yet."""
PAGES = tuple(name for name, row in TABLE.items() if not row.hidden)
PLACES = {"FILE": shtab.FILE, "DIR": shtab.DIRECTORY}
BASH = """NAME() {
  compgen -W "$("${COMP_WORDS[0]/#\\~/$HOME}" __complete KINDS "$1" 2>/dev/null | cut -f1)" -- "$1"
}"""
BASH_ENTRY = """
# readline splits words at '=': put `--option=value` together again as the two words it means
_bgo() {
  local IFS=$' \\t\\n'
  local -a words=()
  local i at=0
  for i in "${!COMP_WORDS[@]}"; do
    if [[ ${COMP_WORDS[i]} == = && $i -gt 0 && ${COMP_WORDS[i-1]} == --* ]]; then
      (( i == COMP_CWORD )) && at=${#words[@]} && words+=("")
      continue
    fi
    (( i == COMP_CWORD )) && at=${#words[@]}
    words+=("${COMP_WORDS[i]}")
  done
  local -a COMP_WORDS=("${words[@]}")
  local COMP_CWORD=$at
  _shtab_bgo
}

complete -o bashdefault -o default -F _bgo bgo
"""
FISH = "(command -q bgo; and bgo __complete KINDS (commandline -ct | string replace -r '^--[^=]+=' '') 2>/dev/null)"
ZSH = """NAME() {
  local -a found
  found=(${(f)"$(bgo __complete KINDS "$PREFIX" 2>/dev/null)"})
  found=(${found//:/\\\\:})
  found=(${found/$'\\t'/:})
  _describe -V NAME found
}"""


def scripts() -> dict[str, str]:
    """Return every script by its file's name."""
    tree = root()
    mirror = _mirror(tree)
    kinds = sorted({kind for command in tree.walk() for p in command.params if (kind := _kind(command, p))})
    preamble: Any = _preamble(kinds)
    return {FILES[shell]: _finished(shell, shtab.complete(mirror, shell, preamble=preamble)) for shell in FILES}


def _preamble(kinds: list[str]) -> dict[str, str]:
    def all_of(template: str) -> str:
        return "\n".join(template.replace("NAME", _function(kind)).replace("KINDS", kind) for kind in kinds)

    return {"bash": all_of(BASH), "zsh": all_of(ZSH), "fish": ""}


def _function(kind: str) -> str:
    return f"_bgo_{kind.replace(',', '_')}"


def _finished(shell: str, text: str) -> str:
    """Replace shtab's usage notes by ours, and in bash its entry by one that knows `--option=value`."""
    lines = list(_without_notes(text))
    at = 1 if lines[0].startswith("#compdef") else 0
    text = re.sub(r"\n{3,}", "\n\n", "\n".join([*lines[:at], HEADER, *lines[at:]])).strip() + "\n"
    if shell == "bash":
        text, found = re.subn(r"\ncomplete -o bashdefault -F _shtab_bgo bgo\n", lambda _: BASH_ENTRY, text)
        assert found == 1
    return text


def _without_notes(text: str) -> Iterator[str]:
    in_notes = False
    for line in text.strip().splitlines():
        in_notes = line.startswith("# AUTOMATICALLY GENERATED") or (in_notes and line.startswith("#"))
        if not in_notes:
            yield line.rstrip()


def _mirror(command: Command, parser: argparse.ArgumentParser | None = None) -> argparse.ArgumentParser:
    parser = parser or argparse.ArgumentParser(command.name, add_help=False)
    for param in command.params:
        _add(parser, command, param)
    if command.verbs:
        below = parser.add_subparsers(metavar="COMMAND")
        for verb in command.verbs:
            _mirror(verb, below.add_parser(verb.name, help=_short(verb.summary), add_help=False))
    return parser


def _add(parser: argparse.ArgumentParser, command: Command, param: Param) -> None:
    note = _short(param.help)
    if param.is_option and not param.takes_value:
        parser.add_argument(*param.flags, action="store_true", help=note)
        return
    names = param.flags or (param.name,)
    many = {"nargs": "*"} if param.repeats and not param.is_option else {}
    choices = PAGES if param.metavar == "PAGE" else param.choices or None
    action = parser.add_argument(*names, metavar=param.metavar, choices=choices, help=note, **many)  # type: ignore[arg-type]
    if kind := _kind(command, param):
        fish = FISH.replace("KINDS", kind)
        action.complete = {"bash": _function(kind), "zsh": _function(kind), "fish": fish}  # type: ignore[attr-defined]
    elif param.metavar in PLACES:
        action.complete = PLACES[param.metavar]  # type: ignore[attr-defined]


def _kind(command: Command, param: Param) -> str:
    """Return what completes a parameter, or an empty string."""
    metavar = param.metavar.strip("[].")
    if metavar == "ID" and (param.flags == ("--schedule",) or command.path[1] in SCHEDULES):
        return "schedules"
    if metavar == "ID" and param.repeats and not param.is_option:
        return KINDS["ID|NAME"]  # every selection takes names as well
    if metavar == "ID|NAME" and command.path[1] in ALSO_SCHEDULES:
        return KINDS["ID|NAME"] + ",schedules"
    if metavar == "NAME":
        if param.is_option:
            return "names" if "--name" in param.flags else ""
        return "handlers" if command.path in HANDLERS else "" if command.path in MADE_UP else "names"
    return KINDS.get(metavar, "")


def _short(text: str) -> str:
    """Return one line without brackets, which zsh would read as its own."""
    return text.partition("\n")[0].rstrip(".").replace("[", "(").replace("]", ")")

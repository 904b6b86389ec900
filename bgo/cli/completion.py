"""`bgo completion`: hand out the scripts that complete bgo's commands, options, ids and names at TAB."""

from __future__ import annotations

import os
import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bgo.cli.lazy import group
from bgo.cli.shipped import shipped
from bgo.errors import RefusedError, UsageError


class Shell(StrEnum):
    """A shell that can complete."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


FILES = {Shell.BASH: "bgo.bash", Shell.ZSH: "_bgo", Shell.FISH: "bgo.fish"}
MARK = "made from bgo's commands"
"""Stands in each script; a file without it is somebody else's and is not overwritten."""

app = group("Complete bgo's commands, ids and names at TAB: bash, zsh, fish.")


def script(shell: Shell) -> str:
    """Return the script for a shell."""
    return (shipped("completions") / FILES[shell]).read_text(encoding="utf-8")


@app.command("bash")
def bash() -> None:
    """Print the script for bash."""
    print(script(Shell.BASH), end="")


@app.command("zsh")
def zsh() -> None:
    """Print the script for zsh."""
    print(script(Shell.ZSH), end="")


@app.command("fish")
def fish() -> None:
    """Print the script for fish."""
    print(script(Shell.FISH), end="")


@app.command("install")
def install(
    shell: Annotated[
        Shell | None,
        typer.Argument(metavar="SHELL", help="bash, zsh or fish; default: yours.", show_default=False),
    ] = None,
) -> None:
    """Put the script where your shell looks for it; nothing else is touched."""
    shell = shell or _own_shell()
    place = target(shell)
    _write(place, script(shell))
    print(f"Wrote {place}")
    print(_next(shell, place))


def _own_shell() -> Shell:
    name = os.path.basename(os.environ.get("SHELL", ""))
    if name not in list(Shell):
        why = f"SHELL is {name}, which has no completion here" if name else "SHELL does not say"
        raise UsageError("which shell?", why=why, hint="bgo completion install bash (or zsh, or fish)")
    return Shell(name)


def target(shell: Shell) -> Path:
    """Return the user's standard place for a shell's completions of bgo."""
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    config = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    bash = os.environ.get("BASH_COMPLETION_USER_DIR") or f"{data}/bash-completion"
    place = {
        Shell.BASH: f"{bash}/completions/bgo",
        Shell.ZSH: "~/.zfunc/_bgo",
        Shell.FISH: f"{config}/fish/completions/bgo.fish",
    }
    return Path(os.path.expanduser(place[shell]))


def _next(shell: Shell, place: Path) -> str:
    quoted, folder = shlex.quote(str(place)), shlex.quote(str(place.parent))
    return {
        Shell.BASH: "New shells with the bash-completion package know it; without it, add to ~/.bashrc:\n"
        f"  source {quoted}",
        Shell.ZSH: f"If it is not there yet, add to ~/.zshrc, before compinit:\n  fpath=({folder} $fpath)",
        Shell.FISH: "New shells know it.",
    }[shell]


def _write(place: Path, text: str) -> None:
    if place.exists() and MARK not in place.read_text(encoding="utf-8", errors="replace"):
        raise RefusedError(
            f"{place} is not bgo's", why="it holds something else", hint="move it away, or write elsewhere with >"
        )
    place.parent.mkdir(parents=True, exist_ok=True)
    temp = place.with_name(f"{place.name}.{os.getpid()}.tmp")
    temp.write_text(text, encoding="utf-8")
    temp.replace(place)

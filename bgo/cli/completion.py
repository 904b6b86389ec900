"""`bgo completion`: hand out the scripts that complete bgo's commands, options, ids and names at TAB."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from bgo.cli.lazy import group
from bgo.cli.shipped import shipped
from bgo.errors import RefusedError, UsageError

FILES = {"bash": "bgo.bash", "zsh": "_bgo", "fish": "bgo.fish"}
MARK = "made from bgo's commands"
"""Stands in each script; a file without it is somebody else's and is not overwritten."""

app = group("Complete bgo's commands, ids and names at TAB: bash, zsh, fish.")


def script(shell: str) -> str:
    """Return the script for a shell."""
    return (shipped("completions") / FILES[shell]).read_text(encoding="utf-8")


@app.command("bash")
def bash() -> None:
    """Print the script for bash."""
    print(script("bash"), end="")


@app.command("zsh")
def zsh() -> None:
    """Print the script for zsh."""
    print(script("zsh"), end="")


@app.command("fish")
def fish() -> None:
    """Print the script for fish."""
    print(script("fish"), end="")


@app.command("install")
def install(
    shell: Annotated[
        str | None,
        typer.Argument(metavar="SHELL", help="bash, zsh or fish; default: yours.", show_default=False),
    ] = None,
) -> None:
    """Put the script where your shell looks for it; nothing else is touched."""
    shell = shell or os.path.basename(os.environ.get("SHELL", ""))
    if shell not in FILES:
        raise UsageError(
            f"no completion for {shell!r}" if shell else "which shell?",
            why="SHELL does not say" if not shell else "",
            hint="bgo completion install bash, zsh or fish",
        )
    place = target(shell)
    _write(place, script(shell))
    print(f"Wrote {place}")
    print(_next(shell, place))


def target(shell: str) -> Path:
    """Return the user's standard place for a shell's completions of bgo."""
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    config = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    bash = os.environ.get("BASH_COMPLETION_USER_DIR") or f"{data}/bash-completion"
    place = {"bash": f"{bash}/completions/bgo", "zsh": "~/.zfunc/_bgo", "fish": f"{config}/fish/completions/bgo.fish"}
    return Path(os.path.expanduser(place[shell]))


def _next(shell: str, place: Path) -> str:
    if shell == "zsh":
        return f"If it is not there yet, add to ~/.zshrc, before compinit:\n  fpath=({place.parent} $fpath)"
    if shell == "bash":
        return f"New shells with the bash-completion package know it; without it, add to ~/.bashrc:\n  source {place}"
    return "New shells know it."


def _write(place: Path, text: str) -> None:
    if place.exists() and MARK not in place.read_text(encoding="utf-8", errors="replace"):
        raise RefusedError(
            f"{place} is not bgo's", why="it holds something else", hint="move it away, or write elsewhere with >"
        )
    place.parent.mkdir(parents=True, exist_ok=True)
    temp = place.with_name(f"{place.name}.{os.getpid()}.tmp")
    temp.write_text(text, encoding="utf-8")
    temp.replace(place)

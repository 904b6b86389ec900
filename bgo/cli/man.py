"""`bgo man`: the manual pages, wherever man itself would not find them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from bgo.cli.parse import did_you_mean
from bgo.cli.shipped import shipped
from bgo.errors import NotFoundError


def man(
    page: Annotated[
        str | None, typer.Argument(metavar="PAGE", help="A command; without one, bgo itself.", show_default=False)
    ] = None,
    path: Annotated[bool, typer.Option("--path", help="Print where the page lies.", metavar="")] = False,
) -> None:
    """Show a manual page: bgo(1), or the one of a command."""
    file = find(page)
    if path:
        print(file)
        return
    sys.stdout.flush()
    reader = shutil.which("man") or shutil.which("mandoc")
    if reader is None or subprocess.run([reader, str(file)], check=False).returncode != 0:
        print(plain(file.read_text(encoding="utf-8")))


def find(page: str | None) -> Path:
    """Return the file of a page: `enqueue`, `bgo-enqueue` and `bgo-enqueue.1` are the same."""
    pages = {file.stem: file for file in shipped("man").glob("*.1")}
    word = (page or "bgo").removesuffix(".1")
    for name in (word, f"bgo-{word}"):
        if name in pages:
            return pages[name]
    short = sorted(name.removeprefix("bgo-") for name in pages)
    raise NotFoundError(
        f"no manual page {page!r:.80}",
        why=f"there is one each for: {', '.join(short)}",
        hint=did_you_mean(word, short) or "bgo man",
    )


def plain(text: str) -> str:
    """Return a page without its markup, for a machine that has no man."""
    found: list[str] = []
    for line in text.splitlines():
        macro, _, rest = line.partition(" ") if line.startswith(".") else ("", "", line)
        words = re.sub(r"\\\[u([0-9A-F]{4})\]", lambda c: chr(int(c[1], 16)), re.sub(r"\\f[BIR]|\\&", "", rest))
        words = re.sub(r"\\(-|e|\((?:aq|ga|ha|ti))", lambda c: SIGNS[c[1]], words)
        if macro in (".SH", ".SS"):
            found += ["", words.strip('"') if macro == ".SH" else "  " + words.strip('"')]
        elif macro in (".TP", ".PP", ".RS"):
            found.append("")
        elif not macro:
            found.append("    " + words)
    return "\n".join(found).strip("\n")


SIGNS = {"-": "-", "e": "\\", "(aq": "'", "(ga": "`", "(ha": "^", "(ti": "~"}

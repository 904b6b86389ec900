"""Text as man(7) markup: escaped, in paragraphs, tagged."""

from __future__ import annotations

import re
from collections.abc import Iterable

SPECIAL = {"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti"}


def escape(text: str) -> str:
    """Return text in which nothing means anything to roff."""
    found = "".join(SPECIAL.get(c, c if c.isascii() else f"\\[u{ord(c):04X}]") for c in text)
    return re.sub(r"(?m)^\.", r"\\&.", found)


def bold(text: str) -> str:
    return rf"\fB{escape(text)}\fR"


def italic(text: str) -> str:
    return rf"\fI{escape(text)}\fR"


def prose(text: str) -> str:
    """Return a sentence; what stands between backticks is bold."""
    return re.sub(r"\\\(ga(.+?)\\\(ga", r"\\fB\1\\fR", escape(" ".join(text.split())))


def title(name: str, version: str, day: str) -> str:
    """Return the head of a page. Lines are not stretched: options and commands are copied from them."""
    return f'.TH {escape(name.upper())} 1 {day} "bgo {escape(version)}" "bgo manual"\n.ad l\n.nh'


def section(name: str) -> str:
    return f".SH {name.upper()}"


def subsection(name: str) -> str:
    return f'.SS "{escape(name)}"'


def paragraphs(text: str) -> list[str]:
    """Return prose, filled anew."""
    found: list[str] = []
    for part in re.split(r"\n\s*\n", text.strip()):
        words = " ".join(part.split())
        if words:
            found += [".PP", prose(words)]
    return found[1:]  # a section opens its first paragraph itself


def tagged(tag: str, text: str) -> list[str]:
    """Return an indented text under a tag that is markup already."""
    return [".TP", tag, prose(text)]


def literal(lines: Iterable[str]) -> list[str]:
    """Return lines as they are, indented."""
    return [".RS 4", ".nf", *(escape(line) for line in lines), ".fi", ".RE"]


def page(parts: Iterable[str]) -> str:
    """Return the finished page."""
    return "\n".join(['.\\" Made by `python -m tests.docs.regenerate`; not to be edited.', *parts]) + "\n"

"""Pieces of an SVG: texts that are safe in it, numbers that are short, and bars that are one path."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

Bar = tuple[float, float]
"""From one place to another on the horizontal axis, in pixels."""
_ODD = re.compile(r"[^\t\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
GAP = 0.4
"""Bars that near to each other are one: nobody could see between them."""
LEAST = 1.5
"""A bar is never less wide: what is short is seen, too."""


def safe(text: str, length: int = 0) -> str:
    """Return foreign text as it may stand in XML, cut to `length` characters when that is not 0."""
    flat = _ODD.sub("\ufffd", text.replace("\n", " "))
    if length and len(flat) > length:
        flat = flat[: length - 1] + "…"
    return re.sub(r'[&<>"]', lambda found: _ESCAPED[found[0]], flat)


def number(value: float) -> str:
    """Return a number with one decimal at most."""
    return f"{value:.1f}".removesuffix(".0")


def merged(bars: Iterable[Bar]) -> list[Bar]:
    """Return bars from left to right, each at least so wide that it is seen, those that touch as one."""
    found: list[Bar] = []
    for left, right in sorted((left, max(right, left + LEAST)) for left, right in bars):
        if found and left <= found[-1][1] + GAP:
            found[-1] = (found[-1][0], max(found[-1][1], right))
        else:
            found.append((left, right))
    return found


def boxes(bars: Sequence[Bar], top: float, height: float, kind: str) -> str:
    """Return bars of one kind as one path; an empty text of none."""
    if not bars:
        return ""
    path = "".join(
        f"M{number(left)} {number(top)}h{number(right - left)}v{number(height)}h-{number(right - left)}z"
        for left, right in bars
    )
    return f'<path class="{kind}" d="{path}"/>'


def box(left: float, top: float, width: float, height: float, kind: str, title: str = "") -> str:
    """Return one rectangle; its title is shown where a pointer rests on it."""
    place = f'x="{number(left)}" y="{number(top)}" width="{number(width)}" height="{number(height)}"'
    inner = f"><title>{safe(title)}</title></rect>" if title else "/>"
    return f'<rect class="{kind}" {place}{inner}'


def words(left: float, top: float, text: str, kind: str = "", anchor: str = "") -> str:
    """Return a line of text; `top` is where it stands on."""
    more = (f' class="{kind}"' if kind else "") + (f' text-anchor="{anchor}"' if anchor else "")
    return f'<text x="{number(left)}" y="{number(top)}"{more}>{safe(text)}</text>'


def row(title: str, parts: Iterable[str]) -> str:
    """Return parts as a group that has a title for those who cannot see it."""
    return f"<g><title>{safe(title)}</title>{''.join(parts)}</g>"

"""The words and colours of a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bgo.model.words import DAY_MS

if TYPE_CHECKING:
    from bgo.run.plays import Figures, Part, Play, Range

_LIGHT = {
    "paper": "#ffffff", "ink": "#1d2530", "faint": "#5d6875", "grid": "#e2e6eb", "blue": "#2f6fdb",
    "yellow": "#d99a00", "red": "#c93434", "green": "#3f9d5d", "none": "#d5dae0", "on": "#ffffff",
}  # fmt: skip
_DARK = {
    "paper": "#14181d", "ink": "#e4e8ed", "faint": "#9aa5b1", "grid": "#2a313a", "blue": "#6ea0ff",
    "yellow": "#e8b53a", "red": "#ff7070", "green": "#62c587", "none": "#3a434d", "on": "#14181d",
}  # fmt: skip


def _set(colours: dict[str, str]) -> str:
    return "svg.bgo{" + ";".join(f"--{name}:{value}" for name, value in colours.items()) + "}"


STYLE = "".join(
    (
        _set(_LIGHT),
        "@media (prefers-color-scheme:dark){" + _set(_DARK) + "}",
        ".bgo text{font:12px system-ui,sans-serif;fill:var(--ink)}.bgo .head{font-size:16px;font-weight:600}",
        ".bgo .under{font-weight:600}.bgo .dim,.bgo .small{fill:var(--faint)}.bgo .small{font-size:10px}",
        ".bgo .in{font-size:9px;fill:var(--on)}.bgo .paper{fill:var(--paper)}",
        ".bgo .grid{stroke:var(--grid);fill:none}.bgo .base{stroke:var(--none);fill:none}",
        "".join(f".bgo .{name}{{fill:var(--{name})}}" for name in ("blue", "yellow", "red", "green")),
        ".bgo .none{fill:var(--none)}.bgo .cross,.bgo .median,.bgo .spread{fill:none;stroke:var(--red)}",
        ".bgo .cross{stroke-width:1.5}.bgo .median,.bgo .spread{stroke:var(--ink)}.bgo .median{stroke-width:2}",
        "".join(f".bgo .p{n}{{fill:var(--blue);fill-opacity:{n / 8:g}}}" for n in range(1, 9)),
    )
)


def told_ms(ms: int) -> str:
    """Return a length of time in its two largest units: `1 d 8 h`, `20 s`."""
    units = (("d", DAY_MS), ("h", 3_600_000), ("min", 60_000), ("s", 1000))
    at = next((i for i, (_, size) in enumerate(units) if ms >= size), None)
    if at is None:
        return f"{ms} ms"
    found = f"{ms // units[at][1]} {units[at][0]}"
    rest = 0 if at + 1 == len(units) else ms % units[at][1] // units[at + 1][1]
    return found + (f" {rest} {units[at + 1][0]}" if rest else "")


def told(found: Range) -> str:
    """Return a range of numbers: `4`, `2–6`."""
    return f"{found.least:,}" if found.least == found.most else f"{found.least:,}–{found.most:,}"


def headline(play: Play) -> str:
    """Return what it is about."""
    names = {name for part in play.parts for name in part.names()}
    under = " and ".join(part.profile for part in play.parts)
    return f"Tasks of {len(names):,} name{'' if len(names) == 1 else 's'}, under {under}"


def described(play: Play) -> str:
    """Return in words what the picture shows, name by name: for those who cannot see it."""
    return " ".join(_described(part) for part in play.parts)


def _described(part: Part) -> str:
    rows = "; ".join(f"{row.name}: {counted(row, len(part.plays))}" for row in part.figures())
    return f"Under {part.profile}: {rows or 'nothing runs'}."


def counted(row: Figures, plays: int) -> str:
    """Return how many tasks of a name start and never do, the longest delay, what failed and was stopped."""
    words = [f"{told(row.starts)} start"]
    if row.never.most:
        words.append(f"{told(row.never)} never")
    if row.delay is not None and row.delay.most >= 60_000:
        words.append(f"up to {told_ms(row.delay.most)} late")
    if row.failed.most:
        words.append(f"{told(row.failed)} failed")
    if row.stopped.most:
        words.append("stopped once" if row.stopped.most == 1 else f"stopped {told(row.stopped)} times")
    if row.unended.most:
        words.append(f"{told(row.unended)} not ended")
    if plays > 1 and row.without:
        words.append(f"none in {row.without} of {plays}")
    return ", ".join(words)

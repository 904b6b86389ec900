"""What the marks of a picture mean, where they do not say it themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bgo.run.picture_device import KINDS
from bgo.run.strips import DIGITS, SIGNALS, drawn
from bgo.run.svg import box, number, words

if TYPE_CHECKING:
    from bgo.run.picture_rows import Plot
    from bgo.run.plays import Play

LINE, LETTER, BESIDE = 18, 6.6, 28
"""Height of a line, width of a letter, and how far from a mark its words stand."""
Entry = tuple[str, str]
"""A mark, drawn at the origin, and its words."""


def legend(play: Play, plot: Plot) -> Iterator[str]:
    """Yield what the marks mean, from the top of the plot on, and move that below it."""
    for entries in (list(_tasks(play)), list(_device(play))):
        x = float(plot.left)
        for shape, means in entries:
            width = BESIDE + 14 + len(means) * LETTER
            if x > plot.left and x + width > plot.right + 100:
                x, plot.top = float(plot.left), plot.top + LINE
            place = f"translate({number(x)} {number(plot.top)})"
            yield f'<g transform="{place}">{shape}{words(BESIDE, 10, means, "dim")}</g>'
            x += width
        plot.top += LINE if entries else 0


def _tasks(play: Play) -> Iterator[Entry]:
    if any(not part.is_range for part in play.parts):
        yield box(4, 1, 16, 10, "blue"), "runs"
        yield box(4, 4, 16, 4, "yellow"), "due, but held"
        yield '<path class="red" d="M9 2h6l-3 5z"/>', "starts a minute or more late"
        yield '<path class="cross" d="M9 3l6 6m0 -6l-6 6"/>', "an attempt fails"
    if any(part.is_range for part in play.parts):
        yield "".join(box(n * 3 - 5, 1, 3, 10, f"p{n}") for n in range(1, 9)), "runs in few of the plays, in all"
        yield (
            '<path class="spread" d="M2 11H22"/><path class="median" d="M12 0v12"/>',
            "first start: earliest, median, latest",
        )


def _device(play: Play) -> Iterator[Entry]:
    """Yield the words of strips that have several colours: where they are narrow, there is no room inside."""
    seen: dict[tuple[str, str], str] = {}
    for part in play.parts:
        for name, stretches in drawn(part.timeline.device):
            marks = SIGNALS[name][1]
            used = {marks[value].means: marks[value].style for _, _, value in stretches if value in marks}
            if name not in DIGITS and len(set(used.values()) - {"dim"}) > 1:
                seen |= {(name, means): style for means, style in used.items()}
    for (name, means), style in sorted(seen.items()):
        yield box(4, 1, 16, 10, KINDS[style]), f"{name} {means}"

"""The device in a picture: a strip for each signal that does not stay as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bgo.clock import to_local
from bgo.run.strips import DIGITS, SIGNALS, Stretch, drawn, names
from bgo.run.svg import box, number, row, safe, words

if TYPE_CHECKING:
    from bgo.run.picture_rows import Plot
    from bgo.run.timeline import Segment

HEIGHT, TALL, GAP = 11, 22, 4
LETTER = 5.2
"""About so wide is a letter of the words inside a strip."""
KINDS = {"green": "green", "yellow": "yellow", "red": "red", "blue": "blue", "dim": "none"}


def device_strips(segments: Sequence[Segment], plot: Plot) -> Iterator[str]:
    """Yield the strips, from the top of the plot on, and move that below them."""
    for name, stretches in drawn(segments):
        tall = TALL if name in DIGITS else HEIGHT
        base = plot.top + tall
        shown = [stretch for stretch in stretches if stretch[0] < plot.until]
        inner = _level(name, segments, plot) if name in DIGITS else _words(name, shown, plot)
        yield row(name, [words(plot.left - 8, base - tall / 2 + 4, name, "dim", "end"), *inner])
        plot.top = base + GAP


def _words(name: str, stretches: Sequence[Stretch], plot: Plot) -> Iterator[str]:
    """Yield a box for each stretch, with what it says inside where there is room."""
    marks = SIGNALS[name][1] or names({value for _, _, value in stretches})
    for since, until, value in stretches:
        mark = marks[value]
        left, right = plot.x(since), plot.x(min(until, plot.until))
        times = f"{to_local(since):%a %H:%M} to {to_local(until):%a %H:%M}"
        yield box(left, plot.top, max(0.5, right - left), HEIGHT, KINDS[mark.style], f"{name} {mark.means}, {times}")
        if mark.style != "dim" and right - left > len(mark.means) * LETTER + 4:
            yield words((left + right) / 2, plot.top + HEIGHT - 2.5, mark.means, "in", "middle")


def _level(name: str, segments: Sequence[Segment], plot: Plot) -> Iterator[str]:
    """Yield a level as steps of which the height is its percentage; where a battery is low, in the colour of that."""
    for is_low, kind in ((False, "green"), (True, "red")):
        path = ""
        for segment in segments:
            state = segment.state
            percent = state.battery.percent if name == "battery" else state.load.percent
            low = name == "battery" and str(SIGNALS[name][0](state)).endswith("!")
            if percent is None or low != is_low or segment.from_at >= plot.until:
                continue
            left, right = plot.x(segment.from_at), plot.x(min(segment.until_at, plot.until))
            height = max(1.0, TALL * percent / 100)
            path += f"M{number(left)} {number(plot.top + TALL)}v-{number(height)}H{number(right)}v{number(height)}z"
        if path:
            yield f'<path class="{kind}" d="{path}"><title>{safe(name)}{", low" if is_low else ""}</title></path>'

"""The picture of a play, as SVG: device strips above, one row for each name below, and what the marks mean.

It is one file that needs no other: no fonts, no scripts. The same plays give the same bytes. Light or dark is what its
reader prefers, and no mark is told from another by its colour alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bgo.clock import to_local
from bgo.model.words import DAY_MS
from bgo.run.picture_device import device_strips
from bgo.run.picture_legend import legend
from bgo.run.picture_rows import Plot, rows
from bgo.run.picture_words import STYLE, described, headline, told_ms
from bgo.run.strips import drawn
from bgo.run.svg import number, safe, words

if TYPE_CHECKING:
    from bgo.run.plays import Part, Play

WIDTH, LEFT, RIGHT = 980, 150, 840
"""Of the whole, and where the time axis begins and ends; names stand to the left, numbers to the right."""
HOUR_MS = 3_600_000
STEPS = (
    *(60_000 * n for n in (1, 2, 5, 10, 15, 30)), *(HOUR_MS * n for n in (1, 2, 3, 6, 12)),
    *(DAY_MS * n for n in (1, 2, 7, 14, 28, 91, 182, 364)),
)  # fmt: skip
"""Distances of the marks on the time axis."""
MOST_MARKS = 9


def picture(play: Play) -> str:
    """Return the SVG of a play."""
    start, until = play.parts[0].timeline.start_at, _end(play)
    plot = Plot(start, until, LEFT, RIGHT)
    parts = list(_body(play, plot))
    height = plot.top + 8
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="bgo" role="img" aria-labelledby="bgo-title bgo-desc" '
        f'viewBox="0 0 {WIDTH} {number(height)}" width="{WIDTH}" height="{number(height)}">',
        f'<title id="bgo-title">{safe(headline(play))}</title>',
        f'<desc id="bgo-desc">{safe(described(play))}</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{number(height)}"/>',
        *(part for part in parts if part),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _end(play: Play) -> int:
    """Return where the picture ends: with the play, or where all is quiet for more than half of it."""
    timelines = [timeline for part in play.parts for timeline in part.plays]
    until, start = timelines[0].until_at, timelines[0].start_at
    last = max(timeline.last_change_at for timeline in timelines)
    if any(row.planned_at < until for timeline in timelines for row in timeline.never) or last == start:
        return until
    return until if last - start > (until - start) // 2 else last + max(1000, (last - start) // 20)


def _body(play: Play, plot: Plot) -> Iterator[str]:
    """Yield what is drawn, from the top to the bottom."""
    plot.top = 26
    yield words(12, plot.top, headline(play), "head")
    plot.top += 18
    first = play.parts[0].timeline
    yield words(12, plot.top, _when(play), "dim")
    plot.top += 22
    yield from _axis(plot, _height(play, plot))
    is_same = len({tuple(drawn(part.timeline.device)) for part in play.parts}) == 1
    if is_same:
        yield from device_strips(first.device, plot)
    for part in play.parts:
        if len(play.parts) > 1:
            plot.top += 24
            yield words(12, plot.top - 6, f"under {part.profile}{_seeds(part)}", "under")
        else:
            plot.top += 8
        if not is_same:
            yield from device_strips(part.timeline.device, plot)
        yield from rows(part, plot)
    plot.top += 10
    yield from legend(play, plot)


def _height(play: Play, plot: Plot) -> float:
    """Return how far down the lines of the axis go, which are drawn first: what stands on them is measured."""
    probe = Plot(plot.start, plot.until, plot.left, plot.right, plot.top)
    is_same = len({tuple(drawn(part.timeline.device)) for part in play.parts}) == 1
    if is_same:
        list(device_strips(play.parts[0].timeline.device, probe))
    for part in play.parts:
        probe.top += 24 if len(play.parts) > 1 else 8
        if not is_same:
            list(device_strips(part.timeline.device, probe))
        list(rows(part, probe))
    return probe.top


def _when(play: Play) -> str:
    first = play.parts[0]
    timeline = first.timeline
    began = to_local(timeline.start_at).strftime("%a %d %b %Y %H:%M %Z")
    slots = f"{timeline.slots} slot{'s' if timeline.slots > 1 else ''}"
    seeds = _seeds(first) if len(play.parts) == 1 else f", seed {timeline.seed}"
    return f"from {began} for {told_ms(timeline.until_at - timeline.start_at)}; {slots}{seeds}"


def _seeds(part: Part) -> str:
    if not part.is_range:
        return f", seed {part.timeline.seed}"
    return f": {len(part.plays)} plays, as nobody promises these times"


def _axis(plot: Plot, bottom: float) -> Iterator[str]:
    """Yield the marks of the time axis, with lines down to the last row."""
    top = plot.top
    step = next((each for each in STEPS if (plot.until - plot.start) // each <= MOST_MARKS), STEPS[-1])
    form = "%a %d" if step >= DAY_MS else "%H:%M"
    path, at = [], plot.start - _past(plot.start, step)
    while at <= plot.until:
        if at >= plot.start:
            x = plot.x(at)
            path.append(f"M{number(x)} {number(top)}V{number(bottom)}")
            is_day = step < DAY_MS and to_local(at).strftime("%H:%M") == "00:00"
            yield words(x, top - 4, to_local(at).strftime("%a %d" if is_day else form), "dim", "middle")
        later = at + step
        at = later - _past(later, step) if _past(later, step) < step // 2 else later + step - _past(later, step)
    yield f'<path class="grid" d="{"".join(path)}"/>' if path else ""
    plot.top += 6


def _past(at: int, step: int) -> int:
    """Return how long ago by local time a mark was: clocks that change move marks, too."""
    offset = to_local(at).utcoffset()
    local = at + (0 if offset is None else int(offset.total_seconds() * 1000))
    return local % step

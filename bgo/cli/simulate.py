"""`bgo simulate`: the store as it is now, played into the future; nothing is executed and nothing changes."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from bgo.cli import device as about
from bgo.cli import parse
from bgo.cli.flow import flow_of
from bgo.cli.params import OUTPUT, Json
from bgo.errors import UsageError
from bgo.model.device import NO_FACTS, Facts

if TYPE_CHECKING:
    from bgo.clock import Clock
    from bgo.flow.playing import PlayOptions

PLAY = "Play"
REDRAW_MS = 200


def _length(text: str) -> int:
    return parse.duration_ms(text, minimum=1)


@about.device
def simulate(
    ctx: typer.Context,
    scenario: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Play the tasks, schedules and chains of this file, in place of the store's.",
            rich_help_panel=PLAY,
        ),
    ] = None,
    compare: Annotated[
        list[str] | None, typer.Option(metavar="PROFILE", help="Play it under this one, too.", rich_help_panel=PLAY)
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="When it begins; default: this full minute.", rich_help_panel=PLAY),
    ] = None,
    for_ms: Annotated[
        int | None,
        typer.Option(
            "--for", parser=_length, metavar="TIME", help="How much time to play; default: 7d.", rich_help_panel=PLAY
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="Repeats what chance decides; default: 1.", rich_help_panel=PLAY)
    ] = None,
    plays: Annotated[
        int | None,
        typer.Option(
            min=1, max=1000, metavar="N", help="So many seeds; default: 20 where the profile promises no times.",
            rich_help_panel=PLAY,
        ),
    ] = None,
    slots: Annotated[
        int | None,
        typer.Option(
            min=1, max=1000, metavar="N", help="So many at once; default: as configured.", rich_help_panel=PLAY
        ),
    ] = None,
    facts: Facts = NO_FACTS,
    as_json: Json = False,
    as_table: Annotated[
        bool, typer.Option("--table", help="List every task; no chart.", metavar="", rich_help_panel=OUTPUT)
    ] = False,
    svg: Annotated[
        str | None, typer.Option(metavar="FILE", help="Draw the picture into it, as SVG.", rich_help_panel=OUTPUT)
    ] = None,
) -> None:  # fmt: skip
    """Show when everything that waits would run, how late, what would hold it, and what would never run.

    The worker's own rules are applied to a copy of the store, in no time. A task takes as long as such tasks usually
    did, else a second; only a scenario's fail. Members of chains and batches are shown as the tasks they are; a step
    that fans out over an output nobody knows yet gets one item. Played under the profile in force, or that of
    --profile or --scenario. Where a profile promises no times (iOS), 20 seeds are
    played: rows are ranges then. The same start and seed give the same answer.
    """
    flow = flow_of(ctx)
    said: PlayOptions = {"facts": facts}
    if compare and len(compare) > 1:
        raise UsageError("--compare is said twice", why="two profiles are compared: --profile and this one",
                         hint=f"--profile {compare[0]} --compare {compare[1]}")  # fmt: skip
    for key, value in {
        "scenario": scenario, "compare": compare[0] if compare else None, "seed": seed, "plays": plays, "slots": slots,
        "start": None if start is None else parse.instant_ms(start, flow.clock.now_ms()),
        "for_": None if for_ms is None else timedelta(milliseconds=for_ms),
    }.items():  # fmt: skip
        if value is not None:
            said[key] = value  # type: ignore[literal-required]
    with _Progress(flow.clock) as progress:
        said["on_progress"] = progress.tell
        played = flow.play(**said)
    if svg is not None:
        _write(svg, played.to_svg())
    if as_json:
        from bgo.cli import render

        render.write_json(played.to_json())
    elif svg is None or as_table:
        from bgo.cli.played import show

        show(played, color=flow.settings.color, whole=as_table)


def _write(path: str, text: str) -> None:
    from bgo.cli import render
    from bgo.cli.errors import from_os

    try:
        with open(os.path.expanduser(path), "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        if from_os(error) is not None:  # a full disk is told as for any other output
            raise
        why = error.strerror or str(error)
        raise UsageError(f"cannot write {path!r:.200}", why=why, hint="--svg week.svg writes it here") from None
    render.say(f"drawn into {path}")


class _Progress:
    """Says on a terminal how far a long play is; a short one passes in silence."""

    def __init__(self, clock: Clock) -> None:
        from bgo.cli.live import is_terminal

        self._clock, self._is_told = clock, is_terminal()
        self._drawn_at = clock.awake_ms() + REDRAW_MS
        self._is_drawn = False

    def tell(self, part: float) -> None:
        """Show this part of the whole."""
        if not self._is_told or (now := self._clock.awake_ms()) < self._drawn_at:
            return
        self._drawn_at, self._is_drawn = now + REDRAW_MS, True
        self._say(f"{part:.0%} played")

    def _say(self, text: str) -> None:
        print(f"\r\x1b[2K{text}", end="", file=sys.stderr, flush=True)

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_drawn:
            self._say("")

"""`bgo devices`: what the device says, what may be said of it, and its day written down."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from bgo.cli import device as about
from bgo.cli import parse
from bgo.cli.flow import flow_of
from bgo.cli.lazy import group
from bgo.cli.params import Json, Quiet, settings_of
from bgo.errors import UsageError
from bgo.model.device import NO_FACTS, Facts

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.model.device import DeviceState

app = group("Show what the device says, and record its day.", default_verb="show")
LEAST_MS = 5_000
"""Sensors are asked no more often."""


@app.command("show")
@about.device
def show(ctx: typer.Context, facts: Facts = NO_FACTS, as_json: Json = False) -> None:
    """Show each signal as a worker would read it now: its value, its source, and how long its sensor took.

    bgo devices show --device adb:SERIAL/APP
    """
    from bgo.cli import render
    from bgo.devices.readings import spelled
    from bgo.devices.sensors import Row

    flow = flow_of(ctx)
    rows = flow.device(facts)
    if as_json:
        render.write_json([{"schema": 1, **row._asdict()} for row in rows])
        return
    columns = [
        render.Column("SIGNAL", least=8),
        render.Column("VALUE", least=8),
        render.Column("TOOK", right=True, drop=1),
        render.Column("SOURCE", least=20, folds=True),
    ]

    def took(row: Row) -> str:
        return "-" if row.latency_ms is None else f"{row.latency_ms} ms"

    out = render.console(color=flow.settings.color)
    out.print(
        render.table(
            columns, [(row.name, spelled(row.name, row.value), took(row), row.source) for row in rows], out.width
        )
    )


@app.command("signals")
def signals(ctx: typer.Context, as_json: Json = False) -> None:
    """List what may be said of a device: in scripts, by --signal, --assume and BGO_DEVICE."""
    from bgo.cli import render
    from bgo.devices.readings import EXAMPLES, MEANS

    if as_json:
        render.write_json([{"schema": 1, "name": key, "words": EXAMPLES[key], "means": MEANS[key]} for key in EXAMPLES])
        return
    columns = [
        render.Column("SIGNAL"),
        render.Column("WORDS", least=20, folds=True),
        render.Column("MEANS", least=20, drop=1, folds=True),
    ]
    out = render.console(color=settings_of(ctx).color)
    out.print(render.table(columns, [(key, EXAMPLES[key], MEANS[key]) for key in EXAMPLES], out.width))


@app.command("days")
def days(ctx: typer.Context, as_json: Json = False, quiet: Quiet = False) -> None:
    """List the days that come with bgo, each a script of a device that comes again.

    bgo simulate --device commuter
    """
    from bgo.cli import render
    from bgo.devices.traces import built_in, summary

    found = [(name, summary(name)) for name in built_in()]
    if as_json:
        render.write_json([{"schema": 1, "name": name, "summary": words} for name, words in found])
    elif quiet:
        print(*(name for name, _ in found), sep="\n")
    else:
        out = render.console(color=settings_of(ctx).color)
        columns = [render.Column("DAY", least=14), render.Column("WHAT IT IS", least=30, folds=True)]
        out.print(render.table(columns, found, out.width))


@app.command("record")
def record(
    ctx: typer.Context,
    device: about.Device = "",
    for_ms: Annotated[
        int | None, typer.Option("--for", parser=parse.duration_ms, metavar="TIME", help="For so long; default: on.")
    ] = None,
    every_ms: Annotated[
        int,
        typer.Option(
            "--every",
            parser=parse.duration_ms,
            metavar="TIME",
            help="How often; default: 30s, at least 5s.",
            show_default=False,
        ),
    ] = 30_000,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            show_default=False,
            help="A new file, as TOML or CSV by its ending; default: print it.",
        ),
    ] = "",
) -> None:
    """Write down what the sensors say as a script that plays it again; Ctrl-C ends it, and the script is whole.

    bgo devices record --for 1d -o my-day.toml
    """  # fmt: skip
    if every_ms < LEAST_MS:
        raise UsageError("--every is too short", why="sensors are asked every 5 s at most", hint="--every 5s")
    from bgo.model.profile import HOST

    flow = flow_of(ctx)
    sense = flow.sensing(Facts(device=device), HOST)  # what a profile says was never sensed
    with _opened(output) as file:
        count = _record(flow, sense, (every_ms, for_ms), (output, device, file))
    if output:
        from bgo.cli import render

        render.say(f"{count:,} line{'' if count == 1 else 's'} in {output}: bgo simulate --device {output}")


def _record(
    flow: TaskFlow, sense: Callable[[], DeviceState], times: tuple[int, int | None], where: tuple[str, str, TextIO]
) -> int:
    """Write a line for each change until the time is over, or Ctrl-C; return how many there are."""
    from bgo.devices.recording import Recorder, form, remark

    (every_ms, for_ms), (path, device, file) = times, where
    recorder, shape, count = Recorder(every_ms), form(path), 0
    start = flow.clock.awake_ms()
    until = None if for_ms is None else start + for_ms
    try:
        _write(file, shape.head(remark(device or flow.settings.sensors, flow.clock.now_ms(), every_ms)))
        due = start
        while True:
            if (line := recorder.line(sense(), flow.clock.now_ms())) is not None:
                _write(file, shape.line(*line))
                count += 1
            due = max(due + every_ms, flow.clock.awake_ms())
            if until is not None and due > until:
                return count
            flow.clock.sleep_ms(max(0, due - flow.clock.awake_ms()))
    except KeyboardInterrupt:
        return count


def _write(file: TextIO, text: str) -> None:
    """Write it at once: whatever ends the recording, what was seen is there."""
    file.write(text)
    file.flush()


@contextmanager
def _opened(path: str) -> Iterator[TextIO]:
    """A new file, or standard output."""
    if not path:
        yield sys.stdout
        return
    try:
        with open(path, "x", encoding="utf-8") as file:
            yield file
    except FileExistsError:
        why = "a record writes over nothing"
        raise UsageError(f"{path} is there already", why=why, hint="name another file") from None
    except OSError as error:  # or its disk runs full
        raise UsageError(f"cannot write {path}", why=error.strerror or "", hint="name another file") from None

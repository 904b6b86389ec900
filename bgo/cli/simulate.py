"""`bgo simulate`: the store as it is now, played into the future; nothing is executed and nothing changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bgo.cli import device as about
from bgo.cli import parse
from bgo.cli.flow import flow_of
from bgo.cli.params import OUTPUT, Json
from bgo.model.device import NO_FACTS, Facts

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.model.device import DeviceChange
    from bgo.run.timeline import NeverRan, Timeline

WEEK_MS = 7 * 86_400_000
TASKS, GROUPS = 20, 10
"""So many rows of the table, and groups of tasks that never start, stand below the chart."""
WIDEST = 120
"""A chart on a file or a pipe, or on a very wide window."""
ENDINGS = (
    ("failed", "fails", "fail"),
    ("waiting_again", "waits for another try at the end", "wait for another try at the end"),
    ("running", "still runs at the end", "still run at the end"),
    ("never", "never starts", "never start"),
)


def _length(text: str) -> int:
    return parse.duration_ms(text, minimum=1)


@about.device
def simulate(
    ctx: typer.Context,
    facts: Facts = NO_FACTS,
    start: Annotated[
        str | None, typer.Option(metavar="TIME", help="When it begins; default: this full minute.")
    ] = None,
    for_ms: Annotated[
        int,
        typer.Option(
            "--for", parser=_length, metavar="TIME", help="How much time to play; default: 7d.", show_default=False
        ),
    ] = WEEK_MS,
    seed: Annotated[int, typer.Option(metavar="N", help="Repeats what chance decides.")] = 1,
    slots: Annotated[
        int | None, typer.Option(min=1, max=1000, metavar="N", help="So many at once; default: as configured.")
    ] = None,
    as_json: Json = False,
    as_table: Annotated[
        bool, typer.Option("--table", help="List every task; no chart.", metavar="", rich_help_panel=OUTPUT)
    ] = False,
) -> None:
    """Show when everything that waits would run, how late, what would hold it, and what would never run.

    The worker's own rules are applied to a copy of the store, in no time. A task takes as long as such tasks usually
    did, else a second; failures are not simulated. Members of chains and batches are shown as the tasks they are; a
    step that fans out over an output nobody knows yet gets one item. The same start and seed give the same answer.
    """
    from bgo.run.simulator import SimOptions, floor_to_minute

    flow = flow_of(ctx)
    now = flow.clock.now_ms()
    start_ms = floor_to_minute(now) if start is None else parse.instant_ms(start, now)
    said = _device(flow, facts, (start_ms, start_ms + for_ms))
    timeline = flow.simulate(SimOptions(start_ms, for_ms, seed, slots, said))
    if as_json:
        from bgo.cli import render

        render.write_json(timeline.to_json())
        return
    _show(timeline, color=flow.settings.color, whole=as_table)


def _device(flow: TaskFlow, facts: Facts, span: tuple[int, int]) -> tuple[DeviceChange, ...]:
    """Return the device as flags tell it, where they leave it open a script, and where that never speaks the sensors.

    Without a script it stays as it is now.
    """
    from bgo.devices.sources import play

    return play(facts, span, flow.sensing)


def _show(timeline: Timeline, *, color: bool, whole: bool) -> None:
    from bgo.cli import render
    from bgo.cli.chart import chart
    from bgo.cli.strips import steady

    out = render.console(color=color)
    length = render.duration(timeline.until_at - timeline.start_at)
    slots = f"{timeline.slots} slot{'s' if timeline.slots > 1 else ''}"
    out.print(render.safe(f"From {render.local_time(timeline.start_at)} for {length}; {slots}, seed {timeline.seed}."))
    if stays := steady(timeline.device):
        out.print(render.safe(f"All the time: {render.line(', '.join(stays))}."))
    if not (timeline.rows or timeline.never or timeline.schedules):
        render.say("nothing waits and nothing runs: there is nothing to simulate")
        return
    if not whole:
        out.print()
        for line in chart(timeline, min(out.width, WIDEST)):
            out.print(line)
    if timeline.rows:
        out.print()
        _table(out, timeline, None if whole else TASKS)
    if timeline.never:
        out.print()
        for line in _never(timeline, None if whole else GROUPS):
            out.print(line)
    if timeline.schedules:
        out.print()
        _schedules(out, timeline)
    out.print()
    out.print(render.safe(_summary(timeline)))


def _table(out: Any, timeline: Timeline, limit: int | None) -> None:
    from bgo.cli import render
    from bgo.cli.chart import instant
    from bgo.cli.explain import held_words
    from bgo.cli.render import Column

    start = timeline.start_at
    columns = [
        Column("TASK", drop=3),
        Column("NAME", least=8),
        Column("PLANNED", drop=4),
        Column("STARTS"),
        Column("AFTER", drop=6, right=True),
        Column("DELAY", right=True),
        Column("HELD BY", least=8, drop=1),
        Column("ENDS", drop=7),
        Column("AS", drop=5),
    ]
    rows = [
        (
            row.task_id,
            row.name,
            instant(row.planned_at, start),
            "running" if row.runs[0].was_running else instant(row.started_at, start),
            "+" + render.duration(row.started_at - start),
            render.duration(row.delay_ms) if row.delay_ms else "-",
            held_words(row.held),
            "" if row.ended_at is None else instant(row.ended_at, start),
            render.state_text(row.runs[-1].state),
        )
        for row in timeline.rows[:limit]
    ]
    out.print(render.table(columns, rows, out.width))
    if limit is not None and len(timeline.rows) > limit:
        out.print(render.safe(f"… and {len(timeline.rows) - limit:,} more: --table lists every task", "dim"))


def _schedules(out: Any, timeline: Timeline) -> None:
    """Print what became of the occurrences of schedules."""
    from bgo.cli import render
    from bgo.cli.render import Column
    from bgo.cli.schedule_shown import told_counts

    columns = [
        Column("SCHEDULE"),
        Column("NAME", least=8),
        Column("FIRES", right=True),
        Column("NOT", least=8, drop=1),
        Column("ENDS", least=8, drop=2),
    ]
    rows = [
        (row.key or row.schedule_id, row.name, f"{row.counts.fired:,}", told_counts(row.counts), row.ended)
        for row in timeline.schedules
    ]
    out.print(render.table(columns, rows, out.width))


def _never(timeline: Timeline, limit: int | None) -> list[Any]:
    """Return what never starts, tasks with the same name and the same holds as one."""
    from bgo.cli import render

    groups: dict[tuple[str, tuple[str, ...]], list[NeverRan]] = {}
    for task in timeline.never:
        key = (task.name, tuple(h.gate for h in task.holds))
        groups.setdefault(key, []).append(task)
    lines = [render.safe(f"Never starts before {render.local_time(timeline.until_at)}:", "bold")]
    for (name, _), tasks in list(groups.items())[:limit]:
        lines += _never_group(name, tasks)
    if limit is not None and len(groups) > limit:
        lines.append(render.safe(f"… and {len(groups) - limit:,} more kinds: --table lists them", "dim"))
    return lines


def _never_group(name: str, tasks: Sequence[NeverRan]) -> list[Any]:
    from bgo.cli import render

    first = tasks[0]
    count = f"{len(tasks):,} tasks, such as {first.task_id}" if len(tasks) > 1 else first.task_id
    lines = [render.safe(f"  ✗ {render.line(name)} ({count})")]
    for hold in first.holds:
        lines.append(render.safe(f"      {hold.gate}: {render.line(hold.current)}; needs {render.line(hold.needed)}"))
        if hold.lift:
            lines.append(render.safe(f"      what lifts it: {render.line(hold.lift)}", "dim"))
    if not first.holds:
        lines.append(render.safe("      others go first until the time is over: try more --slots, or a longer --for"))
    return lines


def _summary(timeline: Timeline) -> str:
    from bgo.cli import render

    counts = timeline.summary()
    parts = [f"{counts['started']:,} of {_number(counts['tasks'], 'task starts', 'tasks start')}"]
    if counts["late"]:
        longest = render.duration(counts["longest_delay_ms"])
        parts.append(f"{counts['late']:,} of them a minute or more late, the latest by {longest}")
    for key, one, many in ENDINGS:
        if counts[key]:
            parts.append(_number(counts[key], one, many))
    return "; ".join(parts) + "."


def _number(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"

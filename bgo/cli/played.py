"""What a play tells, on the terminal: chart, table, what never starts, what became of schedules, one closing line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from bgo.run.plays import Part, Play
    from bgo.run.timeline import NeverRan, SimRun, Timeline

HOST = "host"
TASKS, GROUPS = 20, 10
"""So many rows of the table, and groups of tasks that never start, stand below the chart."""
WIDEST = 120
"""A chart on a file or a pipe, or on a very wide window."""
ENDINGS = (
    ("stops", "run is stopped", "runs are stopped"),
    ("failed", "fails", "fail"),
    ("waiting_again", "waits for another try at the end", "wait for another try at the end"),
    ("running", "still runs at the end", "still run at the end"),
    ("never", "never starts", "never start"),
)


def show(play: Play, *, color: bool, whole: bool) -> None:
    """Print a play, or two and their comparison; `whole`: every task, and no chart."""
    from bgo.cli import render

    out = render.console(color=color)
    for number, part in enumerate(play.parts):
        if number:
            out.print()
        _part(out, part, play, whole=whole)
    if len(play.parts) > 1:
        from bgo.cli.ranges import compared

        out.print()
        for thing in compared(play, out.width):
            out.print(thing)


def _part(out: Console, part: Part, play: Play, *, whole: bool) -> None:
    from bgo.cli import render
    from bgo.cli.chart import chart
    from bgo.cli.ranges import ranges
    from bgo.run.strips import drawn

    timeline = part.timeline
    _head(out, part, is_alone=len(play.parts) == 1)
    if not (timeline.rows or timeline.never or timeline.schedules):
        render.say("nothing waits and nothing runs: there is nothing to simulate")
        return
    if not whole:
        out.print()
        is_same = part is not play.parts[0] and drawn(timeline.device) == drawn(play.parts[0].timeline.device)
        for line in chart(timeline, min(out.width, WIDEST), part.plays, with_device=not is_same):
            out.print(line)
    if len(play.parts) > 1:
        return
    if part.is_range:
        out.print()
        for thing in ranges(part, out.width, timeline.start_at, whole=whole):
            out.print(thing)
        return
    _rest(out, timeline, whole=whole)


def _head(out: Console, part: Part, *, is_alone: bool) -> None:
    """Print what was played, and what the device says all the time."""
    from bgo.cli import render
    from bgo.cli.strips import steady

    timeline = part.timeline
    length = render.duration(timeline.until_at - timeline.start_at)
    slots = f"{timeline.slots} slot{'s' if timeline.slots > 1 else ''}"
    seeds = f"seed {timeline.seed}"
    if part.is_range:
        seeds = f"{len(part.plays)} plays, seeds {timeline.seed} to {part.plays[-1].seed}"
    under = "" if is_alone and part.profile == HOST else f"Under {part.profile}. "
    began = render.local_time(timeline.start_at)
    out.print(render.safe(f"{under}From {began} for {length}; {slots}, {seeds}."))
    if stays := steady(timeline.device):
        out.print(render.safe(f"All the time: {render.line(', '.join(stays))}."))


def _rest(out: Console, timeline: Timeline, *, whole: bool) -> None:
    """Print what stands below the chart of one play."""
    from bgo.cli import render
    from bgo.cli.ranges import troubles
    from bgo.run.plays import Part

    if timeline.rows:
        out.print()
        _table(out, timeline, None if whole else TASKS)
    if lines := troubles(Part("", (timeline,)).figures(), 1):
        out.print()
        for line in lines:
            out.print(line)
    never = [(task, "") for task in timeline.never]
    again = [(row.waits, _stopped(row.stops)) for row in timeline.rows if row.waits is not None]
    end = render.local_time(timeline.until_at)
    for title, tasks in ((f"Never starts before {end}:", never), (f"Still waits at the end, {end}:", again)):
        if tasks:
            out.print()
            for line in _held(title, tasks, None if whole else GROUPS):
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
            _ending(row.runs[-1]),
        )
        for row in timeline.rows[:limit]
    ]
    out.print(render.table(columns, rows, out.width))
    if limit is not None and len(timeline.rows) > limit:
        out.print(render.safe(f"… and {len(timeline.rows) - limit:,} more: --table lists every task", "dim"))


def _ending(run: SimRun) -> Any:
    """Return how a task stands at the end, and why where it failed."""
    from bgo.cli import render

    found = render.state_text(run.state)
    return found.append(f" ({run.reason})") if run.state in ("failed", "retrying") and run.reason else found


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


def _stopped(stops: int) -> str:
    return "" if not stops else "stopped once" if stops == 1 else f"stopped {stops:,} times"


def _held(title: str, waiting: Sequence[tuple[NeverRan, str]], limit: int | None) -> list[Any]:
    """Return what waits at the end and what is to be said of it, tasks with the same name and the same holds as one."""
    from bgo.cli import render

    groups: dict[tuple[str, str, tuple[str, ...]], list[NeverRan]] = {}
    for task, more in waiting:
        groups.setdefault((task.name, more, tuple(h.gate for h in task.holds)), []).append(task)
    lines = [render.safe(title, "bold")]
    for (_, more, _), tasks in list(groups.items())[:limit]:
        lines += _group(tasks, more)
    if limit is not None and len(groups) > limit:
        lines.append(render.safe(f"… and {len(groups) - limit:,} more kinds: --table lists them", "dim"))
    return lines


def _group(tasks: Sequence[NeverRan], more: str) -> list[Any]:
    from bgo.cli import render

    first = tasks[0]
    count = f"{len(tasks):,} tasks, such as {first.task_id}" if len(tasks) > 1 else first.task_id
    also = f", {more}" if more else ""
    lines = [render.safe(f"  ✗ {render.line(first.name)} ({count}){also}")]
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

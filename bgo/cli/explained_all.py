"""`bgo explain --all`: what waits for what, as two tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bgo.model.state import CLAIMABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bgo.cli.render import Column
    from bgo.engine.standing import Group, Standing
    from bgo.model.schedule_view import ScheduleExplanation
    from bgo.model.views import Explanation

LIFT = "TO LIFT IT"


def show(found: Standing, *, now: int, color: bool) -> None:
    """Print what waits for what: tasks with the same gates as one row, and schedules."""
    from bgo.cli import render

    if found.profile != "host":
        render.say(f"judged under profile {found.profile}")

    if not (found.groups or found.schedules):
        render.say("nothing waits and nothing runs")
    if found.groups:
        _show_groups(found, now=now, color=color)
    if found.groups and found.schedules:
        print()
    if found.schedules:
        _show_schedules(found, now=now, color=color)


def _show_groups(found: Standing, *, now: int, color: bool) -> None:
    from bgo.cli import render
    from bgo.cli.render import Column

    rows = [_row(group, now) for group in found.groups]
    columns = [
        Column("TASKS", right=True),
        Column("NAME", least=8),
        Column("STATE", drop=2),
        Column("WAITS FOR", least=9),
        Column("NOW", least=10, drop=4),
        Column("UNTIL", drop=3),
        Column(LIFT),
        Column("FIRST", drop=1),
    ]
    lifts = [(hold.gate, hold.lift) for group in found.groups for hold in group.first.holds if hold.lift]
    _print(columns, rows, lifts, color=color)
    if found.total > len(found.groups):
        render.say(f"{len(found.groups):,} of {found.total:,} groups; more with --limit N")


def _print(
    columns: list[Column], rows: list[tuple[Any, ...]], lifts: Sequence[tuple[str, str]], *, color: bool
) -> None:
    """Print a table whose column `TO LIFT IT` is told below it, line by line, where there is no room for the whole."""
    from bgo.cli import render
    from bgo.cli.facts import facts

    out = render.console(color=color)
    at = next(i for i, column in enumerate(columns) if column.heading == LIFT)
    wide = [
        max(len(str(cell)) for cell in (column.heading, *(row[i] for row in rows))) + 2
        for i, column in enumerate(columns)
    ]
    if lifts and sum(wide) - 2 <= out.width:
        out.print(render.table(columns, rows, out.width))
        return
    columns, rows = [*columns[:at], *columns[at + 1 :]], [(*row[:at], *row[at + 1 :]) for row in rows]
    out.print(render.table(columns, rows, out.width))
    if lifts:
        print("to lift it:")
        facts([(f"  {what}", lift) for what, lift in dict.fromkeys(lifts)], color=color)


def _show_schedules(found: Standing, *, now: int, color: bool) -> None:
    from bgo.cli import render
    from bgo.cli.render import Column
    from bgo.cli.schedule_shown import state_text

    columns = [
        Column("SCHEDULE", least=12),
        Column("NAME", least=8, drop=2),
        Column("STATE", drop=3),
        Column("FIRES", drop=1),
        Column("SO", least=16),
        Column(LIFT),
    ]
    rows: list[tuple[Any, ...]] = [
        (
            each.view.key or each.view.id,
            each.view.name,
            state_text(each.view.state),
            "" if each.view.schedule.fire_at is None else render.ago(each.view.schedule.fire_at, now),
            each.verdict,
            _lift(each),
        )
        for each in found.schedules
    ]
    lifts = [(str(row[0]), str(row[-1])) for row in rows if row[-1]]
    _print(columns, rows, lifts, color=color)
    if found.schedules_total > len(rows):
        render.say(f"{len(rows):,} of {found.schedules_total:,} schedules; more with --limit N")


def _lift(found: ScheduleExplanation) -> str:
    """Return what would lift the first hold that does not lift by itself."""
    lifts = (line.hold.lift for line in found.gates if line.hold is not None and line.hold.until_ms is None)
    return next((lift.partition(";")[0] for lift in lifts if lift), "")


def _row(group: Group, now: int) -> tuple[Any, ...]:
    from bgo.cli import render

    first = group.first
    until = [hold.until_ms for hold in first.holds if hold.until_ms is not None]
    return (
        group.tasks,
        first.task.name,
        render.state_text(first.task.state),
        ", ".join(hold.gate for hold in first.holds) or _unheld(first),
        ", ".join(hold.current for hold in first.holds),
        render.ago(max(until), now) if until else "",
        "; ".join(dict.fromkeys(hold.lift for hold in first.holds if hold.lift)),
        first.task.id,
    )


def _unheld(found: Explanation) -> str:
    if found.task.state not in CLAIMABLE:
        return found.verdict
    return "its turn" if found.workers else "a worker"

"""What schedules look like: a list of them, one of them in full, and occurrences that were and are to come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.cli.facts import Fact
    from bgo.model.schedule import Counters, OccurrenceRow, Schedule, ScheduleWish
    from bgo.model.schedule_view import Coming, ScheduleView

STYLES = {"active": ("●", "green"), "paused": ("⏸", "yellow"), "finished": ("■", "dim")}


def put_table(views: Sequence[ScheduleView], now: int, *, color: bool) -> None:
    from bgo import zones
    from bgo.cli import render
    from bgo.cli.scheduled import told_timing

    here = zones.local_name()
    found = [view.schedule for view in views]
    columns = [
        (render.Column("ID"), [each.id for each in found]),
        (render.Column("STATE"), [state_text(each.state) for each in found]),
        (render.Column("NAME", least=8), [each.name for each in found]),
        (render.Column("KEY", least=8, drop=5), [each.key or "" for each in found]),
        (render.Column("FIRES", least=12, drop=2), [told_timing(each.timing, here) for each in found]),
        (render.Column("NEXT", drop=3), [_next(each, now) for each in found]),
        (render.Column("FIRED", right=True, drop=4), [f"{each.counters.fired:,}" for each in found]),
        (render.Column("NOT FIRED", least=12, drop=1), [told_counts(each.counters) for each in found]),
    ]
    shown = [(column, cells) for column, cells in columns if any(cells)]
    out = render.console(color=color)
    out.print(render.table([column for column, _ in shown], list(zip(*(c for _, c in shown), strict=True)), out.width))


def state_text(state: str) -> Any:
    """Return a schedule's state as a coloured Rich Text."""
    from bgo.cli import render

    glyph, style = STYLES[state]
    return render.safe(f"{glyph} {state}", style)


def _next(schedule: Schedule, now: int) -> str:
    from bgo.cli import render

    if schedule.state != "active":
        return ""
    if schedule.fire_at is None:
        return "at a start"
    return ("" if schedule.fire_at > now - 1000 else "due ") + render.ago(schedule.fire_at, now)


def told_counts(counters: Counters) -> str:
    """Return in words which occurrences did not fire."""
    named = (("skipped", counters.skipped), ("missed", counters.missed), ("coalesced", counters.coalesced))
    return ", ".join(f"{number:,} {name}" for name, number in named if number)


def put_facts(flow: TaskFlow, view: ScheduleView) -> None:
    from bgo.cli import render
    from bgo.cli.facts import facts

    schedule = view.schedule
    title = render.safe(f"{view.id}  {render.line(schedule.name)}  ", "bold")
    title.append_text(state_text(schedule.state))
    title.append_text(render.safe(f"  makes a {schedule.kind}", "dim"))
    facts([*_when(view, flow.clock.now_ms()), *_what(view)], color=flow.settings.color, title=title)


def _when(view: ScheduleView, now: int) -> list[Fact]:
    from bgo.cli.scheduled import told_timing

    schedule = view.schedule
    return [
        ("key", schedule.key),
        ("fires", told_timing(schedule.timing)),
        ("next", _told_next(view, now)),
        *wish_facts(schedule.wish),
        ("fired", f"{schedule.counters.fired:,}"),
        ("not fired", told_counts(schedule.counters)),
    ]


def _told_next(view: ScheduleView, now: int) -> str:
    from bgo.cli.scheduled import told_next

    told = told_next(view.schedule, now).removeprefix("next ")
    return told if view.due < 2 else f"{told}, for {view.due:,} occurrences"


def wish_facts(wish: ScheduleWish) -> list[Fact]:
    """Return what a schedule was asked for beside its rule; what was not said is left out."""
    from bgo.cli import render

    timing = wish.timing
    return [
        ("from", None if timing.start_ms is None else render.local_time(timing.start_ms)),
        ("until", None if timing.end_ms is None else render.local_time(timing.end_ms)),
        ("jitter", None if not wish.jitter_ms else f"up to {render.duration(wish.jitter_ms)} later"),
        ("missed", MISSED[wish.missed.kind].format(render.duration(wish.missed.grace_ms), wish.missed.most)),
        ("overlap", OVERLAP[wish.overlap]),
        ("at most", None if wish.max_runs is None else times(wish.max_runs)),
        ("pauses", None if wish.pause_after is None else _told_pause(wish.pause_after)),
        ("starts by", None if not wish.start_before_ms else f"{render.duration(wish.start_before_ms)} after it fired"),
        ("ends by", None if not wish.finish_before_ms else f"{render.duration(wish.finish_before_ms)} after it fired"),
    ]


def times(number: int) -> str:
    """Return a number of times in words."""
    return "once" if number == 1 else f"{number:,} times"


def _told_pause(failures: int) -> str:
    return "after a failure" if failures == 1 else f"after {failures:,} failures in a row"


MISSED = {
    "one": "one: fires once for all that was missed",
    "skip": "skip: what is more than {0} late is dropped",
    "all": "all: made up for, the newest {1:,} at most",
}
OVERLAP = {
    "skip": "skip: while an earlier one is unfinished, nothing is made",
    "queue": "queue: waits for the earlier ones to end",
    "replace": "replace: calls the earlier ones off",
    "allow": "allow: runs beside the earlier ones",
}


def _what(view: ScheduleView) -> list[Fact]:
    from bgo.cli.schedule_made import facts_of

    schedule = view.schedule
    return [
        ("handler", schedule.handler if schedule.handler != schedule.name else None),
        *facts_of(view.made),
        ("unfinished", ", ".join(view.unfinished[:5]) + (" …" if len(view.unfinished) > 5 else "")),
        ("from file", schedule.source),
        ("more", f"bgo tasks --schedule {schedule.id}; bgo explain {schedule.id}"),
    ]


def put_done(rows: Sequence[OccurrenceRow], now: int, *, color: bool) -> None:
    from bgo.cli import render

    columns = [
        render.Column("OCCURRENCE"),
        render.Column("WHAT BECAME OF IT", least=12),
        render.Column("TASK", drop=1),
        render.Column("WHEN", drop=2),
    ]
    made = [
        (render.local_time(row.at), _told_outcome(row), row.task or "", render.ago(row.noted_at, now)) for row in rows
    ]
    out = render.console(color=color)
    out.print(render.table(columns, made, out.width))


def _told_outcome(row: OccurrenceRow) -> str:
    many = f"{row.number:,} " if row.number > 1 else ""
    match row.outcome:
        case "skipped":
            return "skipped: still unfinished"
        case "coalesced":
            return f"{many}coalesced into the next"
        case "missed":
            return f"{many}missed"
        case _:
            return str(row.outcome)


def put_coming(found: Sequence[Coming], now: int, zone: str, *, color: bool) -> None:
    """Print occurrences that are to come, by the clock of the schedule's zone."""
    from datetime import datetime

    from bgo import zones
    from bgo.cli import render

    if not found:
        return
    heading = "NEXT" if zone == zones.local_name() else f"NEXT, in {zone}"
    columns = [render.Column(heading), render.Column("FIRES", drop=2)]
    if any(each.note for each in found):
        columns.append(render.Column("NOTE", least=12, drop=1))
    rows = [
        (
            datetime.fromisoformat(each.local).strftime("%a %d %b %Y %H:%M:%S %z"),
            render.ago(each.fires_at, now),
            each.note,
        )[: len(columns)]
        for each in found
    ]
    out = render.console(color=color)
    out.print(render.table(columns, rows, out.width))

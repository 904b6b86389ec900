"""The monitor's screen: a picture of a snapshot that fits the terminal, redrawn only when something has changed."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bgo.cli import render
from bgo.model.query import Selector
from bgo.model.state import Event, State

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.engine.monitor import Snapshot
    from bgo.model.task import HistoryEntry
    from bgo.model.views import TaskView

MOVES = frozenset(Event)
SHOWN = (State.RUNNING, State.QUEUED, State.RETRYING, State.BLOCKED, State.SUCCEEDED, State.FAILED, State.CANCELLED)
RESERVED_ROWS = 10
"""Lines that are not running tasks or recent endings: head, headings, blank lines, the last line."""
BAR = 12
WHOLES = 5
"""Chains and batches that are shown at once."""


def watch(flow: TaskFlow, wanted: Selector, poll_ms: int) -> None:
    """Draw the store until Ctrl-C, or until the one task watched has ended; then leave its last picture behind."""
    from rich.console import Group
    from rich.live import Live

    out = render.console(color=flow.settings.color)
    last: tuple[Any, ...] | None = None
    picture = Group()
    with suppress(KeyboardInterrupt), Live(console=out, screen=True, auto_refresh=False) as live:
        while True:
            now = flow.clock.now_ms()
            seen = (flow.store.data_version(), out.size, now // 1000)
            if seen != last:
                last = seen
                snapshot = flow.snapshot(wanted, rows=max(3, out.height - RESERVED_ROWS))
                whole = flow.get(wanted.under[0]) if wanted.under else None
                picture = draw(snapshot, out.width, out.height, whole)
                live.update(picture, refresh=True)
                one = wanted.ids or wanted.under
                if one and all(flow.get(task_id).is_final for task_id in one):
                    break
            flow.clock.sleep_ms(poll_ms)
    out.print(picture)


def draw(shot: Snapshot, width: int, height: int, whole: TaskView | None = None) -> Any:
    """Return the picture of a snapshot; `height` 0 means as many rows as it has. `whole` is the chain or batch whose
    members are shown."""
    from rich.console import Group

    above = min(WHOLES + 1, len(shot.wholes)) + 2 if whole is None and shot.wholes else 0
    room = height - RESERVED_ROWS - above if height else len(shot.running) + len(shot.recent)
    running = shot.running[: max(1, room // 2)] if height else shot.running
    recent = shot.recent[: max(1, room - len(running))] if height else shot.recent
    parts: list[Any] = [_head(shot), _queues(shot), *([] if whole is None else [_whole(whole)]), render.safe("")]
    if whole is None and shot.wholes:
        parts += [*_wholes(shot.wholes[:WHOLES], len(shot.wholes), shot.at, width), render.safe("")]
    parts += _running(running, len(shot.running), shot.at, width)
    parts += [render.safe(""), *_recent(recent, shot.at, width)]
    return Group(*parts)


def _head(shot: Snapshot) -> Any:
    text = render.safe("bgo  ", "bold")
    for state in SHOWN:
        if shot.counts[state]:
            text.append_text(render.safe(f"{render.state_word(state)} {shot.counts[state]:,}  ", _style(state)))
    workers = (
        f"{shot.workers} worker{'s' if shot.workers != 1 else ''}" if shot.workers else "no worker: bgo run --watch"
    )
    text.append_text(render.safe(workers, "" if shot.workers else "yellow"))
    return text


def _whole(view: TaskView) -> Any:
    """One line: the chain or batch, with one bar for all its members."""
    from bgo.cli.tree import told_bar, told_counts

    text = render.safe(f"{view.task.kind} {view.id} {render.line(view.task.name, 30)}  ", "bold")
    text.append_text(render.state_text(view.state))
    counts = view.counts or {"total": 0}
    return text.append_text(render.safe(f"  {told_bar(counts)}  {told_counts(counts)}"))


def _wholes(views: tuple[TaskView, ...], total: int, now: int, width: int) -> list[Any]:
    from bgo.cli.tree import told_bar, told_counts

    columns = [
        render.Column("GOING ON"),
        render.Column("NAME", least=8),
        render.Column("PROGRESS", drop=2),
        render.Column("TIME", right=True),
        render.Column("DONE", least=8, drop=1),
    ]
    rows = [
        (v.id, v.task.name, told_bar(counts), _elapsed(v, now), told_counts(counts))
        for v in views
        for counts in [v.counts or {"total": 0}]
    ]
    return [render.table(columns, rows, width), *_more(total - len(views))]


def _more(hidden: int) -> list[Any]:
    return [render.safe(f"… and {hidden} more", "dim")] if hidden > 0 else []


def _style(state: State) -> str:
    return render.GLYPHS[state][1]


def _queues(shot: Snapshot) -> Any:
    """One line: what waits where, and what holds it."""
    words = [f"{q.name} {q.waiting:,}{' (paused)' if q.paused else ''}" for q in shot.queues if q.waiting or q.paused]
    if shot.held:
        words += [f"held by {gate}: {n:,}" for gate, n in sorted(shot.held.items()) if n]
    if shot.next_due is not None:
        words.append(f"next due {render.ago(shot.next_due, shot.at)}")
    if (coming := shot.schedules.next) is not None:
        verb = "due" if coming.fire_at is not None and coming.fire_at <= shot.at - 1000 else "fires"
        words.append(
            f"schedule {render.line(coming.key or coming.name, 20)} {verb} {render.ago(coming.fire_at, shot.at)}"
        )
    return render.safe("waiting: " + (" · ".join(words) or "nothing"), "dim")


def _running(views: tuple[TaskView, ...], total: int, now: int, width: int) -> list[Any]:
    if not views:
        return [render.safe("nothing runs", "dim")]
    columns = [
        render.Column("RUNNING"),
        render.Column("NAME", least=8),
        render.Column("PROGRESS", drop=2),
        render.Column("TIME", right=True),
        render.Column("MESSAGE", least=8, drop=1),
    ]
    rows = [(v.id, v.task.name, bar(v.task.progress), _elapsed(v, now), _message(v)) for v in views]
    return [render.table(columns, rows, width), *_more(total - len(views))]


def _message(view: TaskView) -> str:
    return f"paused: {view.task.progress_message}".rstrip(": ") if view.paused else view.task.progress_message


def _elapsed(view: TaskView, now: int) -> str:
    return render.so_far(0 if view.task.started_at is None else now - view.task.started_at)


def bar(fraction: float | None) -> str:
    """Return a progress bar in text, with its number; empty when nothing was reported."""
    if fraction is None:
        return ""
    eighths = round(fraction * BAR * 8)
    whole, part = divmod(eighths, 8)
    return ("█" * whole + (" ▏▎▍▌▋▊▉"[part] if part else "")).ljust(BAR, "·") + f" {fraction:4.0%}"


def _recent(entries: tuple[HistoryEntry, ...], now: int, width: int) -> list[Any]:
    if not entries:
        return [render.safe("nothing has ended yet", "dim")]
    columns = [
        render.Column("RECENT"),
        render.Column("NAME", least=8),
        render.Column("WHAT"),
        render.Column("WHEN", right=True, drop=1),
        render.Column("TOOK", right=True, drop=2),
        render.Column("ERROR", least=8, drop=3),
    ]
    rows = [
        (
            e.task_id,
            e.name,
            render.state_text(e.state) if e.event in MOVES else render.safe(e.event.replace("_", " ")),
            render.ago(e.at, now),
            render.duration(e.duration_ms),
            "" if e.error is None else f"{e.error.type}: {e.error.message}",
        )
        for e in entries
    ]
    return [render.table(columns, rows, width)]

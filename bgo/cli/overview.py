"""`bgo status` without an id: everything at a glance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bgo.model.state import State

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.cli.facts import Fact
    from bgo.engine.monitor import Snapshot
    from bgo.model.query import Pause, Selector
    from bgo.model.schedule_view import Glance


def overview_json(
    shot: Snapshot, store: str, paused: list[dict[str, Any]], unfinished: Mapping[str, int]
) -> dict[str, Any]:
    """Return the object of `status --json`."""
    from bgo.clock import to_iso

    return {
        "schema": 1,
        "counts": {str(state): shot.counts[state] for state in State},
        "workers": shot.workers,
        "next_due": to_iso(shot.next_due),
        "retrying": shot.retrying,
        "delayed": shot.delayed,
        "held": dict(shot.held),
        "paused": paused,
        "unfinished": dict(unfinished),
        "schedules": shot.schedules.to_json(),
        "store": store,
    }


def show(flow: TaskFlow, *, as_json: bool, quiet: bool) -> None:
    """Print everything at a glance."""
    from bgo.cli import render

    shot = flow.snapshot(rows=1)
    pauses = flow.pauses()
    whole = {kind: flow.count(_unfinished(kind), limit=LIMIT) for kind in ("chain", "batch")}
    if as_json:
        paused = [{"kind": pause.kind, "value": pause.value, "running": pause.running} for pause in pauses]
        return render.write_json(overview_json(shot, str(flow.settings.store_path), paused, whole))
    counts = [f"{shot.counts[state]:,} {state}" for state in State if shot.counts[state]]
    if quiet:
        return print("tasks    " + (", ".join(counts) or "none yet"))
    from bgo.cli.facts import facts

    now, due = shot.at, shot.next_due
    rows: list[Fact] = [
        ("tasks", ", ".join(counts) or "none yet"),
        ("chains", f"{whole['chain']:,} unfinished" if whole["chain"] else None),
        ("batches", f"{whole['batch']:,} unfinished" if whole["batch"] else None),
        ("schedules", _schedules(shot.schedules, now)),
        ("workers", f"{shot.workers} at work" if shot.workers else "none runs now"),
        ("next due", None if due is None else f"{render.ago(due, now)}: {render.local_time(due)}"),
        *(("held", f"{number:,} by {gate}") for gate, number in sorted(shot.held.items())),
        *(("paused", _pause(pause)) for pause in pauses),
        *(("hint", hint) for hint in _hints(shot)),
    ]
    facts(rows, color=flow.settings.color)
    return None


LIMIT = 100_000


def _unfinished(kind: str) -> Selector:
    from bgo.model.query import Selector
    from bgo.model.state import ACTIVE

    return Selector(kinds=(kind,), states=tuple(sorted(ACTIVE)))


def _schedules(found: Glance, now: int) -> str | None:
    """Return how many schedules there are, and which one fires next."""
    from bgo.cli import render
    from bgo.cli.scheduled import told_time

    told = ", ".join(f"{number:,} {state}" for state, number in sorted(found.counts.items()))
    coming = found.next
    if coming is None or coming.fire_at is None:
        return told or None
    return f"{told}; {told_time(coming.fire_at, now)}: {render.line(coming.key or coming.name)}"


def _pause(pause: Pause) -> str:
    flag = "" if pause.kind == "name" else f"--{pause.kind} "
    more = " and what runs" if pause.running else ""
    return f"{pause.kind} {pause.value}{more}: bgo resume {flag}{pause.value}"


def _hints(shot: Snapshot) -> list[str]:
    waiting = shot.counts[State.QUEUED] + shot.counts[State.RETRYING]
    hints = []
    if not any(shot.counts.values()) and not shot.schedules.counts:
        hints.append("bgo enqueue echo message=hello --run")
    if (waiting or shot.schedules.next) and not shot.workers:
        hints.append("bgo run executes what is due; bgo run --watch stays; bgo install starts one unattended")
    if shot.counts[State.FAILED]:
        hints.append("bgo tasks --state failed; bgo retry ID")
    return hints

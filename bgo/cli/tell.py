"""What a worker did, in words: one line per event, and the closing sentence of `bgo run`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bgo.cli import render
from bgo.model.state import Event, State

if TYPE_CHECKING:
    from rich.text import Text

    from bgo.run.report import HookEvent, RunReport, ScheduleEvent, WorkerEvent

STYLES = {
    "started": "dim",
    "soft_timeout": "yellow",
    "suspended": "yellow",
    "stopping": "yellow",
    "rescued": "yellow",
    "late_finish": "yellow",
}
HELD = {
    "handler": "for want of their handler",
    "paused": "by a pause",
    "concurrency": "by their concurrency limit",
    "queue": "by --queue",
    "slots": "for want of a slot",
}
"""Gate → how the closing sentence says it; others are 'by GATE'."""


def words(event: WorkerEvent) -> str:
    """Return what happened to the task, without its name."""
    took = render.duration(event.duration_ms)
    error = "" if event.error is None else render.line(f"{event.error.type}: {event.error.message}", 300)
    match event.type:
        case "started":
            return "started" if event.task.run == 1 else f"started (run {event.task.run})"
        case "soft_timeout":
            return "takes longer than its soft timeout"
        case "suspended":
            return "stands still: it was paused"
        case "continued":
            return "goes on"
        case "stopping":
            return f"is asked to stop: {render.line(event.message, 300)}"
        case "late_finish":
            return f"finished too late: it was already {event.state}"
        case "rescued":
            then = "is back in the queue" if event.state is State.QUEUED else f"is {event.state}"
            return f"was lost with its worker; it {then}"
        case Event.SUCCEED:
            return f"succeeded in {took}"
        case Event.RETRY:
            tries = f"attempt {event.task.attempt} of {event.task.max_attempts}"
            return f"failed ({tries}), again {_when(event)}: {error or event.reason}"
        case Event.EXHAUST:
            return f"failed after {took}: {error or event.reason}"
        case Event.CANCEL:
            return f"cancelled ({event.reason})" + (f": {render.line(event.message, 300)}" if event.message else "")
        case Event.RELEASE if event.reason == "snooze":
            return f"snoozes, again {_when(event)}"
        case Event.RELEASE if event.message:
            return f"stopped and handed back: {render.line(event.message, 300)}"
        case Event.RELEASE:
            return "handed back, it will run again"
    return event.type + (f" ({event.reason})" if event.reason else "")


def _when(event: WorkerEvent) -> str:
    return "now" if event.due_at is None else render.ago(event.due_at, event.at)


def plain(event: WorkerEvent) -> str:
    """Return the line of an event for pipes and logs."""
    from bgo.clock import to_local

    return f"{to_local(event.at):%H:%M:%S} {event.task.id} {render.line(event.task.name)} {words(event)}"


def hook(event: HookEvent) -> str:
    """Return what went wrong with a hook."""
    who, why = render.line(event.observer), render.line(event.message, 300)
    match event.type:
        case "hook_off":
            return f"hook {who} is called no more: {why}"
        case "hook_dropped":
            return f"hooks miss some of it: {why}"
    return f"hook {who} failed: {why}" + (f" (it heard of {event.about})" if event.about else "")


def schedule(event: ScheduleEvent) -> str:
    """Return which schedule has paused itself, and why."""
    found = event.schedule
    name = render.line(found.key or found.name)
    return f"schedule {found.id} ({name}) paused: {render.line(found.reason, 300)}; bgo schedules resume {found.id}"


def colored(event: WorkerEvent) -> Text:
    """Return the line of an event for a terminal."""
    glyph, style = render.GLYPHS.get(event.state, ("·", ""))
    if event.type in STYLES:
        glyph, style = "!", STYLES[event.type]
    text = render.safe("")
    text.append_text(render.safe(f"{glyph} ", style))
    text.append_text(render.safe(event.task.id, "dim"))
    text.append_text(render.safe(f" {render.line(event.task.name)} "))
    return text.append_text(render.safe(words(event), style if event.state is not State.SUCCEEDED else ""))


def summary(report: RunReport, now_ms: int) -> str:
    """Return the closing sentence: what was done, what still waits, and for what."""
    count = report.counts.get
    done = [
        (count(Event.SUCCEED, 0), "done"),
        (count(Event.EXHAUST, 0), "failed"),
        (count(Event.CANCEL, 0), "cancelled"),
        (count(Event.RELEASE, 0), "handed back"),
        (report.rescued, "rescued from a dead worker"),
    ]
    parts = [", ".join(f"{number:,} {what}" for number, what in done if number)]
    parts += _waiting(report, now_ms)
    if report.hooks.failed:
        parts.append(f"{report.hooks.failed:,} {_calls(report.hooks.failed)} of hooks failed")
    if report.hooks.dropped:
        parts.append(f"{report.hooks.dropped:,} {_calls(report.hooks.dropped)} of hooks dropped")
    text = "; ".join(part for part in parts if part) or "nothing to do"
    return f"{text} (stopped by {report.stopped_by})" if report.stopped_by else text


def _waiting(report: RunReport, now_ms: int) -> list[str]:
    parts = []
    if report.retrying:
        parts.append(f"{report.retrying:,} {_verb(report.retrying, 'wait')} for a retry")
    if report.delayed:
        parts.append(f"{report.delayed:,} {_verb(report.delayed, 'wait')} for {_its(report.delayed)} time")
    if parts and report.next_due is not None:
        parts[-1] += f" (next {render.ago(report.next_due, now_ms)})"
    parts += [f"{number:,} held {HELD.get(gate, f'by {gate}')}" for gate, number in sorted(report.held.items())]
    return parts


def _calls(number: int) -> str:
    return "call" if number == 1 else "calls"


def _verb(number: int, verb: str) -> str:
    return verb if number != 1 else f"{verb}s"


def _its(number: int) -> str:
    return "their" if number != 1 else "its"

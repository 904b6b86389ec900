"""What `bgo enqueue` answers: how times were understood, and which task there is now."""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.model.change import Change
    from bgo.model.task import Enqueued, TaskSpec
    from bgo.model.window import ZonedWindow

STANDS = {"deduplicated": "is equal", "kept": "has that unique id"}


def echo_times(spec: "TaskSpec", flow: "TaskFlow") -> None:
    """Say how --at or --delay, --window and the deadlines were understood, and whether the last can hardly be met."""
    wish = spec.wish
    if (spec.due_at, wish.start_before, wish.finish_before, wish.window, wish.relax) == (None, None, None, None, ()):
        return
    from bgo.cli import render

    now = flow.clock.now_ms()
    if spec.due_at is not None:
        when = "due at once, that time is past:" if spec.due_at < now - 1000 else "not before"
        render.say(f"{when} {_told(spec.due_at, now)}")
    if wish.window is not None:
        strict = "; stopped when it closes" if wish.window_strict else ""
        render.say(f"window {wish.window.told}, {_opening(wish.window, spec.due_at, now)}{strict}")
    for step in wish.relax:
        from bgo.model.specs import constraint_words

        what = ", ".join(constraint_words(step.constraints)) or "nothing of the device"
        render.say(f"from {_told(now + step.after_ms, now)} on it asks only for {what}")
    if wish.start_before is not None:
        render.say(f"cancelled if it has not begun by {_told(wish.start_before, now)}")
    if wish.finish_before is not None:
        render.say(f"cancelled if it does not run by {_told(wish.finish_before, now)}")
        _warn(flow, spec, wish.finish_before - max(now, spec.due_at or 0))


def _opening(window: "ZonedWindow", due_at: int | None, now: int) -> str:
    """Say when work that is due then may begin first."""
    from bgo.engine.deadlines import opens_at

    due = max(now, due_at or now)
    opening = opens_at(window, due_at, now)
    if opening is None:
        return "which does not open"
    if opening > due:
        return f"opens {_told(opening, now)}"
    return "open now" if due == now else "open then"


def _told(at: int, now: int) -> str:
    from bgo.cli import render

    return f"{render.local_time(at)} ({render.ago(at, now)})"


def _warn(flow: "TaskFlow", spec: "TaskSpec", left: int) -> None:
    """Say so when tasks of this name usually take longer than what is left until --finish-before."""
    from bgo.cli import render

    name = spec.name or spec.handler
    usual = flow.usual_ms(name)
    if usual is not None and usual > left:
        render.say(f"it can hardly finish in time: {name} usually takes {render.duration(usual)}")


def tell_changes(flow: "TaskFlow", made_id: str, *, is_schedule: bool = False) -> None:
    """Say what the profile in force has in another way than was asked for; this computer takes all as it is."""
    for change in changes(flow, made_id, is_schedule=is_schedule):
        from bgo.cli import render

        render.say(f"under {flow.profile.name}, {change.told}")


def changes(flow: "TaskFlow", made_id: str, *, is_schedule: bool = False) -> "tuple[Change, ...]":
    """Return what the profile in force has in another way than was asked for."""
    if flow.settings.profile == "host":
        return ()
    from bgo.flow import fitting

    return fitting.schedule_changes(flow, made_id) if is_schedule else fitting.changes(flow, made_id)


def changes_json(flow: "TaskFlow", made_id: str, *, is_schedule: bool = False) -> dict[str, Any]:
    """Return the same as part of an object: which profile, and what it changes; nothing on this computer."""
    if flow.settings.profile == "host":
        return {}
    found = changes(flow, made_id, is_schedule=is_schedule)
    return {"profile": flow.profile.name, "changes": [change._asdict() for change in found]}


def tell(flow: "TaskFlow", made: "Enqueued", *, quiet: bool) -> None:
    """Print the id, and beside it what is not as usual."""
    print(made.id)
    if quiet:
        return
    tell_survivor(made)
    if made.outcome != "new":
        return
    if made.state in ("failed", "cancelled"):
        print(f"{made.state} at once: what it was to wait for has {made.state}", file=sys.stderr)
    elif sys.stderr.isatty() and not flow.workers():
        print("no worker runs now: 'bgo run' executes it", file=sys.stderr)


def tell_survivor(made: "Enqueued") -> None:
    """Say so when another task stands in for the one that was asked for."""
    if made.outcome != "new":
        print(f"nothing new was queued: {made.id} {STANDS[made.outcome]} ({made.state})", file=sys.stderr)


def tell_json(flow: "TaskFlow", spec: "TaskSpec", made: "Enqueued") -> None:
    """Print one object, of the task that stands in for the new one where there is one."""
    from bgo.cli import render
    from bgo.clock import to_iso

    told: dict[str, Any] = {"schema": 1, "id": made.id, "name": spec.name or spec.handler, "handler": spec.handler}
    told |= {"state": made.state, "queue": spec.queue, "due_at": to_iso(spec.due_at or flow.clock.now_ms())}
    if made.outcome != "new":
        told |= _survivor(flow, made.id)
    told |= {"deduplicated": made.outcome == "deduplicated", "kept": made.outcome == "kept"}
    render.write_json(told | changes_json(flow, made.id))


def _survivor(flow: "TaskFlow", task_id: str) -> dict[str, Any]:
    from bgo.clock import to_iso
    from bgo.errors import NotFoundError

    try:
        task = flow.get(task_id).task
    except NotFoundError:  # pruned, while its key still counts
        return {"due_at": None}
    return {"name": task.name, "handler": task.handler, "queue": task.queue, "due_at": to_iso(task.due_at)}

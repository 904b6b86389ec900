"""What `bgo schedule` answers: the id, how its times were understood, and when it fires next."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.engine.schedules import Placed
    from bgo.model.schedule import Rule, Schedule, Timing


def tell(flow: TaskFlow, placed: Placed, *, as_json: bool, quiet: bool) -> None:
    """Print the id, or one object; beside it what was understood."""
    if as_json:
        from bgo.cli import enqueued, render

        told = {**flow.get_schedule(placed.id).to_json(), "outcome": placed.outcome}
        return render.write_json(told | enqueued.changes_json(flow, placed.id, is_schedule=True))
    print(placed.id)
    if not quiet:
        _echo(flow, placed)
    return None


def _echo(flow: TaskFlow, placed: Placed) -> None:
    from bgo.cli import enqueued, render

    schedule = flow.get_schedule(placed.id).schedule
    said = "" if placed.outcome == "added" else f"{placed.outcome}: "
    render.say(said + told_wish(schedule, flow.clock.now_ms()))
    enqueued.tell_changes(flow, placed.id, is_schedule=True)
    if placed.outcome == "added" and sys.stderr.isatty() and not flow.workers():
        render.say("no worker runs now: 'bgo run --watch' fires it, or 'bgo run' from cron (bgo install --cron)")


def told_wish(schedule: Schedule, now: int) -> str:
    """Return in one line how all that was said of its times was understood, in local time."""
    from bgo.cli import render

    wish = schedule.wish
    parts = [told_timing(wish.timing)]
    if wish.jitter_ms:
        parts.append(f"up to {exact(wish.jitter_ms)} later")
    if wish.max_runs is not None:
        parts.append("once" if wish.max_runs == 1 else f"{wish.max_runs:,} times at most")
    if wish.timing.end_ms is not None:
        parts.append(f"until {render.local_time(wish.timing.end_ms)}")
    return f"{', '.join(parts)}; {told_next(schedule, now)}"


def told_timing(timing: Timing, here: str = "") -> str:
    """Return when a schedule fires, in words; its zone is left out where that is `here`."""
    from bgo.model.schedule import Cron

    parts = [told_rule(timing.rule)]
    if timing.window is not None:
        parts.append(f"within {timing.window.told}")
    if timing.zone != here and (isinstance(timing.rule, Cron) or timing.window is not None):
        parts.append(f"in {timing.zone}")
    return " ".join(parts)


def told_rule(rule: Rule) -> str:
    """Return a rule in words."""
    from bgo.model.schedule import Every

    return f"every {exact(rule.every_ms)}" if isinstance(rule, Every) else rule.text


def exact(ms: int) -> str:
    """Return a length of time in all its units: `1 h 30 min 5 s`."""
    words = []
    for unit_ms, unit in ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"), (1, "ms")):
        whole, ms = divmod(ms, unit_ms)
        words += [f"{whole} {unit}"] if whole else []
    return " ".join(words)


def told_next(schedule: Schedule, now: int) -> str:
    """Return when it fires next, or why it does not."""
    if schedule.state != "active":
        said = schedule.reason.startswith(schedule.state)
        return schedule.reason if said else f"{schedule.state}: {schedule.reason}"
    if schedule.fire_at is None:
        return "at the next start of this computer"
    return told_time(schedule.fire_at, now)


def told_time(fire_at: int, now: int) -> str:
    """Return an instant at which something fires, or since which it is due."""
    from bgo.cli import render

    word = "next" if fire_at > now - 1000 else "due since"
    return f"{word} {render.local_time(fire_at)} ({render.ago(fire_at, now)})"

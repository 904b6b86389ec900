"""Explain: every gate of a task, recomputed under the asker's view, with what would lift each hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bgo.clock import Moment, to_local
from bgo.engine import explain_flow, limits
from bgo.engine.closing import closing
from bgo.engine.cycle import Asker
from bgo.engine.expire import as_shown
from bgo.model.device import View
from bgo.model.options import ConstraintLoss
from bgo.model.plan import Gate, Hold
from bgo.model.query import Pause
from bgo.model.state import CLAIMABLE, FINAL, State
from bgo.model.task import Task
from bgo.model.views import Explanation, GateLine
from bgo.policy import relax
from bgo.policy.admit import reserved
from bgo.policy.gates import device_holds, view_holds
from bgo.policy.loss import SETTLE_MS, lost
from bgo.store.port import Session

UPSTREAMS = 20
"""Tasks that must end first of which an explanation names so many."""


@dataclass(frozen=True, slots=True)
class Ground:
    """From where it is judged: who asks, under which view, how many workers live, and when."""

    asker: Asker
    view: View
    workers: int
    moment: Moment

    @property
    def now(self) -> int:
        """UTC milliseconds."""
        return self.moment.now_ms


def explain(session: Session, task: Task, ground: Ground) -> Explanation:
    """Return the ordered gates of a task and the time it has waited by reason."""
    from bgo.engine import explain_ended, explain_platform, explain_waits  # `status` needs this module, and not those

    task = as_shown(task, ground.now)
    lines, spent = _lines(session, task, ground), explain_waits.waited_for(session, task, ground.now)
    told = lines
    if task.state in FINAL and task.kind == "task":
        told = explain_ended.ledger(session, task, spent)
    return Explanation(
        task=task,
        verdict=_verdict(session, task, lines, ground),
        gates=explain_ended.held(told, spent),
        waited=spent,
        ahead=session.tasks.ahead(task) if task.ready else None,
        workers=ground.workers,
        profile=ground.view.profile.name,
        changes=explain_platform.changes(session, task, ground.view.profile),
        last_look=explain_waits.last_look(session, task, lines, ground.now),
    )


def holds(session: Session, task: Task, ground: Ground) -> tuple[Hold, ...]:
    """Return what holds a waiting task now."""
    lines = _lines(session, as_shown(task, ground.now), ground)
    return tuple(line.hold for line in lines if line.hold is not None)


def _lines(session: Session, task: Task, ground: Ground) -> tuple[GateLine, ...]:
    if task.state is State.BLOCKED:
        waits = [_upstream(session, other) for other in session.links.upstreams(task.seq, UPSTREAMS)]
        return tuple(waits if task.parent is None else [*waits, *explain_flow.turn(session, task)])
    if task.state is State.RUNNING and task.kind != "task":
        return explain_flow.going_on(session, task, lambda member: _held_by(session, member, ground))
    if task.state is State.RUNNING:
        from bgo.engine import explain_platform

        return (*_stopped(session, task), *_lost(task, ground), *explain_platform.going_on(session, task, ground))
    return _ledger(session, task, ground) if task.state in CLAIMABLE else ()


def _held_by(session: Session, task: Task, ground: Ground) -> str:
    """Return what holds a member that waits, in a few words."""
    if task.state not in CLAIMABLE:
        return ""
    closed = dict.fromkeys(line.gate for line in _ledger(session, task, ground) if not line.is_open)
    return f"held by {', '.join(closed)}" if closed else "" if ground.workers else "no worker runs: bgo run"


def _upstream(session: Session, other: Task) -> GateLine:
    """Return a line for a task that must end or succeed first."""
    ended = other.state in FINAL
    lift = f"bgo retry {other.id}" if ended else f"bgo explain {other.id}"
    holder = f"{other.kind} {other.id} ({other.name})"
    hold = Hold(Gate.UPSTREAM, f"{other.id} is {explain_flow.word(session, other)}", "done", holder, None, lift)
    return GateLine(Gate.UPSTREAM, False, hold.current, hold.needed, hold)


def _ledger(session: Session, task: Task, ground: Ground) -> tuple[GateLine, ...]:
    key = session.lanes.key(task.lane)
    lines = [_due(task, ground.now), *_paused(session, task)]
    if key.stage is not None:
        lines += explain_flow.staged(session, task)
    held = list(view_holds(key.view, ground.view, ground.asker.offer, ground.now))
    asked = {hold.gate: hold for hold in held}
    if ground.asker.offer.queues is not None:
        lines.append(GateLine.of(Gate.QUEUE, asked.get(Gate.QUEUE), key.view.queue, "served"))
    lines.append(GateLine.of(Gate.HANDLER, asked.get(Gate.HANDLER), f"{key.view.handler} is here", "its code"))
    if key.view.window is not None:
        told = key.view.window.told
        lines.append(GateLine.of(Gate.WINDOW, asked.get(Gate.WINDOW), f"inside {told}", f"a time in {told}"))
    from bgo.engine import explain_platform

    lines += explain_platform.lines(key.view.constraints, held, ground, lambda hold: _until(task, hold, ground))
    lines += limits.lines(session, task.lane, key.view.queue, ground.moment)
    lines.append(_slots(session, ground, key.view.queue))
    return tuple(lines)


def _until(task: Task, hold: Hold, ground: Ground) -> Hold:
    """Return the hold with the instant from which on the task does not ask for that any more, if there is one."""
    for step in task.wish.relax if hold.until_ms is None else ():
        at = task.created_at + step.after_ms
        if at > ground.now and all(
            h.gate != hold.gate for h in device_holds(step.constraints, ground.view, ground.now)
        ):
            is_asked = any(h.gate == hold.gate for h in device_holds(task.wish.constraints, ground.view, ground.now))
            return replace(hold, until_ms=at) if is_asked else hold
    return hold


def _due(task: Task, now: int) -> GateLine:
    when = f"{to_local(task.due_at):%Y-%m-%d %H:%M:%S}"
    if task.ready or task.due_at <= now:
        return GateLine(Gate.DUE, True, f"since {when}", "due")
    why = "retry delay" if task.state is State.RETRYING else "its own delay"
    hold = Hold(Gate.DUE, f"due {when}", "due", why, task.due_at, f"bgo run --until-empty, or wait until {when}")
    return GateLine(Gate.DUE, False, hold.current, hold.needed, hold)


def _paused(session: Session, task: Task) -> list[GateLine]:
    """Return a line for each pause: a name, its queue and its tags can all be paused, and all must be lifted."""
    found = [_pause(p) for p in session.pauses.list() if _meets(p, task)]
    return found or [GateLine(Gate.PAUSED, True, "not paused", "not paused")]


def _meets(pause: Pause, task: Task) -> bool:
    return pause.value in {"name": (task.name,), "queue": (task.queue,), "tag": task.tags}[pause.kind]


def _pause(pause: Pause) -> GateLine:
    lift = f"bgo resume {'' if pause.kind == 'name' else f'--{pause.kind} '}{pause.value}"
    hold = Hold(Gate.PAUSED, f"{pause.kind} {pause.value} is paused", "not paused", "a pause", None, lift)
    return GateLine(Gate.PAUSED, False, hold.current, hold.needed, hold)


def _stopped(session: Session, task: Task) -> tuple[GateLine, ...]:
    """Return a line for each pause that makes a running task stand still."""
    lease = session.leases.find(task.seq)
    if lease is None or not lease.paused:
        return ()
    return tuple(_pause(p) for p in session.pauses.list() if p.running and _meets(p, task))


def _lost(task: Task, ground: Ground) -> Iterator[GateLine]:
    """Yield a line for each constraint of a running task that does not hold now."""
    for hold in lost(relax.asked(task.wish, task.created_at, ground.now), ground.view, ground.now):
        yield GateLine(hold.gate, False, hold.current, hold.needed, hold)


def _slots(session: Session, ground: Ground, queue: str) -> GateLine:
    """Slots as a plain `bgo run` would count them now; without a worker that is the remedy to name."""
    asker = ground.asker
    running = session.leases.running_by_queue(asker.host, asker.worker if asker.own_slots else None)
    used = sum(running.values())
    kept = reserved(session.queues.shares(), running, queue, asker.slots)
    current, needed, holder = f"{used} of {asker.slots} in use", "a free slot", "running tasks of this host"
    if used + kept < asker.slots:
        return GateLine(Gate.SLOTS, True, current, needed)
    if used < asker.slots:
        current, holder = f"{current}, {kept} kept free for other queues", "the reserve of other queues"
    lift = f"bgo run --slots {used + kept + 1}"
    return GateLine(Gate.SLOTS, False, current, needed, Hold(Gate.SLOTS, current, needed, holder, None, lift))


def _verdict(session: Session, task: Task, lines: tuple[GateLine, ...], ground: Ground) -> str:
    if task.state in FINAL:
        return f"{task.state} ({task.reason})"
    if task.state is State.RUNNING and task.kind != "task":
        return explain_flow.verdict(session, task)
    if task.state is State.RUNNING:
        if task.cancel_reason is not None:
            return "running; a cancel was asked for"
        if any(line.gate == Gate.PAUSED for line in lines):
            return "running, but it stands still: it was paused"
        return "; ".join(["running", *_told_trouble(task, lines, ground), *_told_close(task, ground.now)])
    if task.state is State.BLOCKED:
        return f"waits for {', '.join(line.current.split()[0] for line in lines) or 'other tasks'}"
    holding = list(dict.fromkeys(line.gate for line in lines if not line.is_open))
    if holding:
        return f"held by {', '.join(holding)}"
    return "would start now" if ground.workers else "would start now, but no worker runs: bgo run"


def _told_trouble(task: Task, lines: tuple[GateLine, ...], ground: Ground) -> list[str]:
    """Return what becomes of a run that has lost a constraint, or that its platform stops."""
    closed = next((line for line in lines if not line.is_open), None)
    if closed is None:
        return []
    if any(line.gate == closed.gate for line in _lost(task, ground)):
        return [_told_loss(task)]
    return [f"{ground.view.profile.name} stops it: {closed.current}"]


def _told_loss(task: Task) -> str:
    """Return what becomes of a run that has lost a constraint."""
    match task.wish.constraints.on_loss:
        case ConstraintLoss.FINISH:
            return "it has lost a constraint and may finish without it"
        case ConstraintLoss.CANCEL:
            return f"it has lost a constraint and is cancelled once that has lasted {SETTLE_MS // 1000} s"
        case ConstraintLoss.STOP:
            return f"it has lost a constraint and is stopped once that has lasted {SETTLE_MS // 1000} s"


def _told_close(task: Task, now: int) -> Iterator[str]:
    """Yield when a run is stopped because its strict window closes."""
    stop = closing(task.wish, now)
    if stop is not None and stop.at > now:
        yield f"it is stopped at {to_local(stop.at):%Y-%m-%d %H:%M}, when its window closes"
    elif stop is not None:
        yield "it is stopped now: its window has closed"

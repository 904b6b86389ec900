"""Explaining what has ended: which of its gates had held it, for how long, and which did when it ended unrun."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

from bgo.clock import to_local
from bgo.engine.waiting import waited
from bgo.model.options import NO_CONSTRAINTS, TaskConstraints
from bgo.model.plan import Gate, LaneKey
from bgo.model.state import FINAL, State
from bgo.model.task import Task
from bgo.model.views import GateLine
from bgo.store.port import Session

_DEVICE = {
    "network": Gate.NETWORK,
    "battery_not_low": Gate.BATTERY,
    "requires_charging": Gate.CHARGING,
    "device_idle": Gate.IDLE,
    "storage_not_low": Gate.STORAGE,
    "cpu_below": Gate.LOAD,
    "unused_for": Gate.UNUSED,
    "on_network": Gate.NAMED_NETWORK,
}
"""What a task may ask of the device → the gate that asks it."""


def ledger(session: Session, task: Task, held_ms: Mapping[str, int]) -> tuple[GateLine, ...]:
    """Return the gates of a task that has ended, in the order in which they are asked; `held_ms`: what each of them
    held it for, over all of its runs."""
    at_end = _held_at_end(session, task)
    when = f"{to_local(task.due_at):%Y-%m-%d %H:%M:%S}"
    lines = []
    for gate, needed in _asked(session.lanes.key(task.lane), task, held_ms):
        if gate == Gate.DUE:
            has_come = task.finished_at is None or task.due_at <= task.finished_at
            lines.append(GateLine(gate, has_come, f"{'since' if has_come else 'it would have been'} {when}", needed))
        elif gate in at_end:
            lines.append(GateLine(gate, False, "it held it to the end", needed))
        else:
            lines.append(GateLine(gate, True, "open when it started" if task.run else "open when it ended", needed))
    return tuple(lines)


def last_wait(session: Session, task: Task) -> dict[str, int]:
    """Return what a task waited for after its last run, in milliseconds by gate, where it ended without another one."""
    if task.state is State.SUCCEEDED or task.ready_at is None or task.finished_at is None:
        return {}
    last = next(reversed(session.records.of_task(task.id)), None)
    if last is not None and last.worker is not None and last.state in FINAL:
        return {}  # a run of it ended so, and history knows
    if _was_blocked(session, task):
        return {**json.loads(task.waited), Gate.UPSTREAM: max(0, task.finished_at - task.ready_at)}
    return waited(session, task, max(task.ready_at, task.finished_at))


def _was_blocked(session: Session, task: Task) -> bool:
    if task.reason.startswith(("upstream", "member")):
        return True
    if any(other.state is not State.SUCCEEDED for other in session.links.upstreams(task.seq, 1)):
        return True
    return task.parent is not None and task.step > 0 and task.run == 0


def _held_at_end(session: Session, task: Task) -> tuple[str, ...]:
    """Return the gates that held it when it ended without a run; none where it ran last."""
    if not last_wait(session, task) or task.finished_at is None:
        return ()
    if _was_blocked(session, task):
        return (Gate.UPSTREAM,)
    return session.lanes.held_at(task.lane, task.finished_at)


def _asked(key: LaneKey, task: Task, held_ms: Mapping[str, int]) -> Iterator[tuple[Gate, str]]:
    """Yield the gates that it had to pass, with what each needs; those that seldom matter, where they did."""
    view = key.view
    needs = {
        Gate.DUE: "due",
        Gate.UPSTREAM: "what came before it" if Gate.UPSTREAM in held_ms else "",
        Gate.PAUSED: "not paused" if Gate.PAUSED in held_ms else "",
        Gate.STAGING: "begun" if Gate.STAGING in held_ms else "",
        Gate.QUEUE: "served" if Gate.QUEUE in held_ms else "",
        Gate.HANDLER: "its code" if Gate.HANDLER in held_ms else "",
        Gate.WINDOW: "" if view.window is None else f"a time in {view.window.told}",
        **dict.fromkeys(_device(task.wish.constraints), "what it asks of the device"),
        Gate.BATCHING: "company" if Gate.BATCHING in held_ms else "",
        Gate.CONCURRENCY: "" if key.concurrency_key is None else f"room under {key.concurrency_key}",
        Gate.RATE: "" if key.rate is None else f"room under {key.rate.key}",
        Gate.QUEUE_SLOTS: "a free slot of its queue" if Gate.QUEUE_SLOTS in held_ms else "",
        Gate.SLOTS: "a free slot",
    }
    others = [gate for gate in Gate if gate in held_ms and not needs.get(gate)]
    place = list(needs).index(Gate.WINDOW) + 1
    told = [*list(needs.items())[:place], *((gate, "its leave") for gate in others), *list(needs.items())[place:]]
    yield from ((gate, needed) for gate, needed in told if needed)


def _device(asked: TaskConstraints) -> Iterator[Gate]:
    for name, gate in _DEVICE.items():
        if getattr(asked, name, None) != getattr(NO_CONSTRAINTS, name, None):
            yield gate


def held(lines: tuple[GateLine, ...], held_ms: Mapping[str, int]) -> tuple[GateLine, ...]:
    """Return the lines, each with how long its gate has held the task so far; told once where a gate has several."""
    left = dict(held_ms)
    return tuple(replace(line, held_ms=left.pop(line.gate, 0)) for line in lines)

"""What a drain makes of a handler's answer is what a worker with real children makes of it."""

from __future__ import annotations

from typing import Any

import bgo
from bgo.model.device import DeviceState, Reading, Tri
from bgo.testing import drain, isolated
from tests.testing import shop

CASES: list[tuple[str, dict[str, Any]]] = [
    ("greet", {"user": "ann", "times": 2}),
    ("broken", {}),
    ("shaky", {}),
    ("slow", {"n": 4}),
    ("fan_out", {"count": 2}),
    ("nap", {}),
    ("heavy", {}),
    ("in_parts", {}),
    *[("odd", {"what": what}) for what in ("failure", "retry", "text", "set", "tuple", "exit", "unknown")],
    ("echo", {"message": "ü"}),
]


def _queue(flow: bgo.TaskFlow) -> None:
    for name, data in CASES:
        flow.enqueue(name, data)
    flow.enqueue("shell", argv=["sh", "-c", "echo out; exit 3"])


def _ends(flow: bgo.TaskFlow) -> list[tuple[Any, ...]]:
    """Return all that is recorded of each task but ids and times."""
    found = []
    for view in flow.get_all_tasks()[::-1]:
        task, error = view.task, view.error
        told = None if error is None else (error.type, error.message, error.kinds, error.trace)
        seen = (task.name, view.input, task.state, task.reason, task.run, task.attempt, task.progress)
        found.append((*seen, task.progress_message, view.output, told))
    return found


def test_a_drain_ends_as_a_run_in_children_does() -> None:
    with isolated(shop.flow):
        _queue(shop.flow)
        drain(shop.flow)
        inline = _ends(shop.flow)
        events = sorted((e.name, e.event, e.state, e.reason) for e in shop.flow.get_history(limit=100))
    with isolated(shop.flow):
        _queue(shop.flow)
        shop.flow.run(bgo.RunOptions(slots=1), device=DeviceState(charging=Reading(Tri.UNKNOWN, "nobody asked")))
        live = _ends(shop.flow)
        told = sorted((e.name, e.event, e.state, e.reason) for e in shop.flow.get_history(limit=100))
    assert inline == live
    assert events == told

"""Testing your own tasks: handlers called inline, queues drained on a clock that jumps, assertions on what is queued.

With pytest the fixtures `bgo_flow`, `bgo_isolate`, `bgo_clock`, `bgo_device` and `bgo_home` are there as soon as bgo is
installed. Without pytest, `with isolated(flow) as test:` does the same. Nothing here touches the user's own store.
Names are loaded when they are first used: pytest imports this package in every run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bgo.testing.asserting import assert_enqueued, enqueued, refute_enqueued
    from bgo.testing.clock import ManualClock
    from bgo.testing.device import ScriptedDevice
    from bgo.testing.draining import TooManyRunsError, drain
    from bgo.testing.inline import Performed
    from bgo.testing.isolation import Isolation, isolated
    from bgo.testing.performing import perform
    from bgo.testing.report import DrainedRun, DrainReport, LeftTask

_HOMES = {
    "asserting": "assert_enqueued enqueued refute_enqueued",
    "clock": "ManualClock",
    "device": "ScriptedDevice",
    "draining": "TooManyRunsError drain",
    "inline": "Performed",
    "isolation": "Isolation isolated",
    "performing": "perform",
    "report": "DrainReport DrainedRun LeftTask",
}
_WHERE = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = [
    "DrainReport",
    "DrainedRun",
    "Isolation",
    "LeftTask",
    "ManualClock",
    "Performed",
    "ScriptedDevice",
    "TooManyRunsError",
    "assert_enqueued",
    "drain",
    "enqueued",
    "isolated",
    "perform",
    "refute_enqueued",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'bgo.testing' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"bgo.testing.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

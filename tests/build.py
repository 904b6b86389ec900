"""Builders: values that are valid by construction. A test names only what it is about."""

from __future__ import annotations

import itertools
from typing import Any

from bgo.clock import Moment
from bgo.devices.signals import changed, pairs
from bgo.ids import ALPHABET, LENGTH
from bgo.model.device import DeviceState, Reading, Tri, View
from bgo.model.limits import ConcurrencyControl
from bgo.model.options import NO_CONSTRAINTS, RetryPolicy, TaskConstraints, TaskTimeout
from bgo.model.plan import Head, LaneHeads, QueueShare
from bgo.model.state import CLAIMABLE, FINAL, State
from bgo.model.task import Child, Lease, Task, TaskSpec, Wish

START = 1_750_000_000_000
"""A Sunday in June 2025, UTC milliseconds: where every virtual clock of the tests begins."""

_numbers = itertools.count(1)
_pids = itertools.count(10_000)


def a_moment(now_ms: int = START, boot: str = "boot1") -> Moment:
    """Return an instant whose boot clock goes as the wall clock does."""
    return Moment(now_ms, now_ms - START + 33_333_333, boot)


def an_id(number: int | None = None) -> str:
    """Return a well-formed id that no other call without a number returns."""
    left, chars = next(_numbers) if number is None else number, ""
    for _ in range(LENGTH - 1):
        left, digit = divmod(left, 32)
        chars = ALPHABET[digit] + chars
    return "0" + chars


def a_wish(
    *,
    retry: RetryPolicy = RetryPolicy.NONE,
    limit: ConcurrencyControl | int | None = None,
    constraints: TaskConstraints = NO_CONSTRAINTS,
    timeout: TaskTimeout = TaskTimeout.MODERATE,
    at_most_once: bool = False,
) -> Wish:
    """Return a wish; a number as `limit` means that many under the task's name."""
    control = ConcurrencyControl(limit) if isinstance(limit, int) else limit
    return Wish(timeout, retry, constraints, control, at_most_once)


def a_spec(handler: str = "work", *, wish: Wish | None = None, **fields: Any) -> TaskSpec:
    """Return a spec, due at once."""
    values: dict[str, Any] = {"id": an_id(), "input": b"{}", "wish": wish or Wish(), **fields}
    return TaskSpec(handler=handler, **values)


def a_task(state: State = State.RUNNING, *, wish: Wish | None = None, **fields: Any) -> Task:
    """Return a task as the store would hold it in this state: its first run if it runs or ran."""
    ran = state not in CLAIMABLE and state is not State.BLOCKED
    values: dict[str, Any] = {
        "seq": 1, "id": an_id(), "name": "work", "handler": "work", "kind": "task", "state": state, "reason": "new",
        "lane": 1, "queue": "default", "priority": 0, "tags": (), "wish": wish or Wish(),
        "ready": state in CLAIMABLE, "due_at": START, "run": int(ran), "attempt": int(ran), "losses": 0, "snoozes": 0,
        "epoch": 1, "draw": 0.0, "ready_at": START, "cwd": "", "input_ref": None, "setup_ref": None,
        "output_ref": None, "error_ref": None, "checkpoint_ref": None, "progress": None, "progress_message": "",
        "cancel_reason": None, "created_at": START, "started_at": START if ran else None,
        "finished_at": START if state in FINAL else None,
    }  # fmt: skip
    return Task(**{**values, **fields})


def a_lane(
    lane: int = 1, ranks: tuple[int, ...] = (0,), *, queue: str = "default", key: str | None = None, limit: int = 1
) -> LaneHeads:
    """Return a lane whose ready tasks have these ranks; its seqs are lane × 1000 and up."""
    heads = tuple(Head(lane * 1000 + i, rank) for i, rank in enumerate(ranks))
    return LaneHeads(lane, queue, key, None if key is None else limit, heads)


def a_share(name: str = "default", weight: float = 1.0, **fields: Any) -> QueueShare:
    """Return a queue that has not been served yet."""
    return QueueShare(name, weight, **fields)


def a_child() -> Child:
    """Return a child process that nobody else has."""
    return Child(next(_pids), 1)


def a_lease(**fields: Any) -> Lease:
    """Return a live lease of run 1, until awake second 30 of boot `boot`."""
    values: dict[str, Any] = {
        "task_id": an_id(), "seq": 1, "run": 1, "worker": "w", "host": "here", "boot_id": "boot",
        "until_ms": 30_000, "child": a_child(), "claimed_at": START, "started_at": None, "queue": "default",
        "concurrency_key": None,
    }  # fmt: skip
    return Lease(**{**values, **fields})


def a_device(words: str) -> DeviceState:
    """Return a device of which this is said, as a sensor would: `a_device("battery=17 network=metered")`.

    Whether its battery is low is left to the fold.
    """
    return changed(DeviceState(), pairs(words.split()), "test")


def a_view(charging: bool | None = None) -> View:
    """Return this computer's view, with power plugged in, unplugged, or (None) not known."""
    value = Tri.UNKNOWN if charging is None else Tri.YES if charging else Tri.NO
    return View(device=DeviceState(charging=Reading(value, "test")))

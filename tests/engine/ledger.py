"""The model beside the store: what every task should be, written down without SQL and judged by other words."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from bgo.model.device import DeviceState, Tri, View
from bgo.model.options import RetryPolicy
from bgo.model.outcome import (
    CancelledRun,
    Crashed,
    Failed,
    Lost,
    Outcome,
    Rejected,
    Released,
    RetryAsked,
    Snoozed,
    Succeeded,
    TimedOut,
)
from bgo.model.state import CLAIMABLE, FINAL, TRANSITIONS, Event, Reason, State
from bgo.model.task import Task, TaskSpec
from bgo.policy.gates import Offer
from tests.engine.checks import ensure
from tests.hours import is_open

MINUTE = 60_000
COMPARED = (
    "state", "reason", "run", "attempt", "losses", "snoozes", "epoch", "ready", "due_at", "cancel_reason", "progress",
    "finished_at",
)  # fmt: skip


NETWORKS = {
    "none": ["none", "connected", "unmetered", "metered", "roaming", "unknown"],
    "connected": ["connected", "unmetered", "metered", "roaming"],
    "unmetered": ["unmetered"],
    "not-roaming": ["unmetered", "metered"],
    "metered": ["metered", "roaming"],
}
"""What a task asks for, and the networks it may start on."""


@dataclass
class Row:
    """One task as it should be."""

    spec: TaskSpec
    seq: int
    due_at: int
    ready: bool
    state: State = State.QUEUED
    reason: str = Reason.NEW
    run: int = 0
    attempt: int = 0
    losses: int = 0
    snoozes: int = 0
    epoch: int = 1
    cancel_reason: str | None = None
    progress: float | None = None
    checkpoint: bytes | None = None
    finished_at: int | None = None
    holder: str = ""
    started: bool = False
    bump: int = 0
    events: list[tuple[str, int]] = field(default_factory=list)
    """(event, run) of every entry its history must have, in order."""

    @property
    def name(self) -> str:
        return self.spec.name or self.spec.handler

    @property
    def key(self) -> str | None:
        limit = self.spec.wish.concurrency
        return None if limit is None else limit.key or self.name

    @property
    def lane(self) -> tuple[Any, ...]:
        wish = self.spec.wish
        return (self.name, self.spec.queue, self.spec.handler, wish.constraints, wish.window, wish.concurrency)

    def place(self) -> tuple[float, int]:
        """Return what its lane sorts it by."""
        if self.bump:
            return -1e18 - self.bump, self.seq
        limit = self.spec.wish.concurrency
        match None if limit is None else limit.strategy.value:
            case "fifo":
                return self.seq, 0
            case "lifo":
                return -self.seq, 0
            case "random":
                return self.spec.random_order, self.seq
            case "by-priority":
                return -self.spec.priority * 1e15 + self.due_at, self.seq
            case _:
                return self.due_at - self.spec.priority * MINUTE, self.seq

    def move(self, event: Event, reason: str, now: int) -> None:
        """Go along an edge of the published table."""
        ensure((self.state, event) in TRANSITIONS, "only edges of the table occur", (self.spec.id, self.state, event))
        self.state, self.reason = TRANSITIONS[self.state, event], reason
        self.finished_at = now if self.state in FINAL else None
        self.ready = self.ready and self.state in CLAIMABLE

    def may_retry(self, kinds: tuple[str, ...]) -> bool:
        policy = self.spec.wish.retry
        if set(kinds) & set(policy.give_up_on) or (policy.retry_on and not set(kinds) & set(policy.retry_on)):
            return False
        return self.attempt < policy.max_attempts and not self.spec.wish.at_most_once

    def delays(self, policy: RetryPolicy) -> tuple[int, int]:
        """Return the least and the most milliseconds until the next try."""
        grown = {
            "linear": policy.delay_ms * self.attempt,
            "exponential": policy.delay_ms * policy.multiplier ** (self.attempt - 1),
            "custom": policy.delays_ms[self.attempt - 1] if self.attempt <= len(policy.delays_ms) else 0,
            "none": 0,
        }[policy.kind]
        top = int(min(grown, policy.max_delay_ms)) if policy.kind in ("linear", "exponential") else int(grown)
        return (top // 2 if policy.jitter else top), top

    def after(self, outcome: Outcome) -> tuple[Event, str, tuple[int, int] | None]:
        """Return event, reason and, for a task that lines up anew, the bounds of its delay (None: it keeps its due)."""
        once, policy = self.spec.wish.at_most_once, self.spec.wish.retry
        match outcome:
            case Succeeded():
                return Event.SUCCEED, "done", None
            case CancelledRun():
                return Event.CANCEL, self.cancel_reason or "user", None
            case Rejected():
                return Event.EXHAUST, "rejected", None
            case Failed(error, retry=again):
                return self._try_again("error", again and self.may_retry(error.kinds))
            case TimedOut():
                return self._try_again("hard_timeout", self.may_retry(("TimeoutError",)))
            case Crashed():
                return self._try_again("crash", self.may_retry(("Crash",)))
            case RetryAsked(after):
                used = policy if policy.kind != "none" else RetryPolicy.exponential(3, 30, 3600, 2)
                if self.attempt >= used.max_attempts:
                    return Event.EXHAUST, "asked", None
                return Event.RETRY, "asked", self.delays(used) if after is None else (after, after)
            case Snoozed(after):
                if self.snoozes >= 1000:
                    return Event.EXHAUST, "snooze", None
                return Event.RELEASE, "snooze", (after, after)
            case Released(reason, started):
                return (Event.EXHAUST, "lost", None) if once and started else (Event.RELEASE, reason, None)
            case Lost(started, rebooted):
                return self._lose(counts=started and not rebooted)

    def _try_again(self, reason: str, may: bool) -> tuple[Event, str, tuple[int, int] | None]:
        return (Event.RETRY, reason, self.delays(self.spec.wish.retry)) if may else (Event.EXHAUST, reason, None)

    def _lose(self, *, counts: bool) -> tuple[Event, str, tuple[int, int] | None]:
        if self.spec.wish.at_most_once or (counts and self.losses >= 19):
            return Event.EXHAUST, "lost", None
        wait = {0: 0, 1: 1_000, 2: 5_000, 3: 30_000, 4: MINUTE, 5: 2 * MINUTE}.get(self.losses, 5 * MINUTE)
        return Event.LOSE, "lost", (wait, wait) if counts and wait else None

    def settle(self, outcome: Outcome, now: int, found: Task) -> None:
        """Write down how the run ended; a due time that chance had a hand in is taken from `found`, if it is legal."""
        event, reason, delay = self.after(outcome)
        if self.cancel_reason is not None and event in (Event.RETRY, Event.LOSE, Event.RELEASE):
            event, reason, delay = Event.CANCEL, self.cancel_reason, None
        self.events.append((event, self.run))
        self.move(event, reason, now)
        self.cancel_reason = None
        if event in (Event.LOSE, Event.RELEASE):
            self.attempt -= 1
        self._count(event, outcome)
        if self.state in CLAIMABLE:
            if delay is not None:
                low, high = now + delay[0], now + delay[1]
                ensure(low <= found.due_at <= high, "a delay lies in its bounds", (low, found.due_at, high))
                self.due_at, self.bump = found.due_at, 0
            self.ready = delay is None or self.due_at <= now

    def _count(self, event: Event, outcome: Outcome) -> None:
        """Losses in a row of one boot, snoozes in a row: a release of another kind touches neither."""
        match event, outcome:
            case Event.LOSE, Lost(started, rebooted):
                self.losses = 0 if rebooted else self.losses + started
            case Event.RELEASE, Snoozed():
                self.losses, self.snoozes = 0, self.snoozes + 1
            case Event.RELEASE, _:
                pass
            case _:
                self.losses = self.snoozes = 0


@dataclass
class Ledger:
    """All tasks as they should be, and what is paused."""

    rows: dict[str, Row] = field(default_factory=dict)
    paused: set[tuple[str, str]] = field(default_factory=set)
    battery_low: bool = False
    """As the levels so far make it: once at 15 or less, until it was at 20 or more."""

    def see(self, device: DeviceState) -> None:
        """Follow what a battery says."""
        percent = device.battery.percent
        if percent is not None and percent <= 15:
            self.battery_low = True
        if percent is not None and percent >= 20:
            self.battery_low = False

    def running(self) -> list[Row]:
        return [row for row in self.rows.values() if row.state is State.RUNNING]

    def usage(self) -> Counter[str | None]:
        return Counter(row.key for row in self.running())

    def marks(self, row: Row) -> frozenset[str]:
        """Return the paused tags of a row."""
        return frozenset(tag for tag in row.spec.tags if ("tag", tag) in self.paused)

    def holds(self, row: Row, offer: Offer, view: View, now: int) -> list[str]:
        """Return why the row may not start for this asker, apart from its due time and slots."""
        limit = row.spec.wish.concurrency
        wishes = row.spec.wish.constraints
        device = view.device
        unused = device.unused
        alone = unused.ms if unused.ms is None or unused.at_ms is None else now - (unused.at_ms - unused.ms)
        return [
            name
            for name, held in (
                ("paused", ("name", row.name) in self.paused or ("queue", row.spec.queue) in self.paused),
                ("paused", bool(self.marks(row))),
                ("queue", offer.queues is not None and row.spec.queue not in offer.queues),
                ("handler", offer.handlers is not None and row.spec.handler not in offer.handlers),
                ("window", not is_open(row.spec.wish.window, now)),
                ("network", device.network.kind not in NETWORKS[wishes.network]),
                ("battery", wishes.battery_not_low and (device.battery.percent is None or self.battery_low)),
                ("charging", wishes.requires_charging and device.charging.value is not Tri.YES),
                ("idle", wishes.device_idle and device.idle.value is Tri.NO),
                ("storage", wishes.storage_not_low and device.storage_low.value is Tri.YES),
                ("load", (device.load.percent or 0) >= (wishes.cpu_below or 101)),
                ("unused", alone is not None and alone < (wishes.unused_ms or 0)),
                ("named_network", bool(wishes.networks) and device.network.name not in wishes.networks),
                ("concurrency", limit is not None and self.usage()[row.key] >= limit.max_concurrent),
            )
            if held
        ]

    def compare(self, tasks: dict[str, Task]) -> None:
        """Check that the store holds exactly these tasks, in exactly these states."""
        ensure(set(tasks) == set(self.rows), "every acknowledged task exists until pruned", set(self.rows) ^ set(tasks))
        for task_id, row in self.rows.items():
            task = tasks[task_id]
            for name in COMPARED:
                found, wanted = getattr(task, name), getattr(row, name)
                ensure(found == wanted, f"{name} is as expected", (task_id, task.state, found, wanted))

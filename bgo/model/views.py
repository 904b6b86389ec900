"""What bgo tells about a task: the stable JSON shapes, `"schema": 1`, as frozen values with `to_json`.

Every object has `"schema": 1`; lists are bare arrays; fields may be added, never renamed. Instants are ISO-8601 UTC
with Z, durations milliseconds, states lower case, what is absent null. With `--json`, refusals are one object on
stderr: `{"error": {code, message, why, hint, exit_code}, "schema": 1}`. Where `enqueue` says `deduplicated` or `kept`,
nothing new was queued: `id` and `state` are those of the task that stands in for it. Every `--dry-run` says, too, by
which `profile` it was judged, what that `changes` (what, asked, given, why), and what `bgo check` finds (`findings`);
under a profile other than host `enqueue`, `chain`, `batch` and `schedule` add `profile` and `changes`, too.

| command | answer |
|---|---|
| `enqueue` | `{id, name, handler, state, queue, due_at, deduplicated, kept}`; with `--wait` or `--run` the ended task |
| `chain` | `{id, kind, name, state, due_at, steps, members, deduplicated, kept}`; `--wait`, `--run`: as `status ID` |
| `batch` | `{id, kind, name, state, due_at, items, open, deduplicated, kept}`; with `--wait` as `status ID` |
| `chain --dry-run` | `planned_chain.plan_json`: the steps with what each member would get, the first one's gates |
| `batch --dry-run` | `planned_batch.plan_json`: how many items there are, what the first would become, its gates |
| `enqueue --dry-run` | `planned.plan_json` of the command line: what would be kept, its lane, its gates, the verdict |
| `schedule`, `reschedule`, `unschedule`, `schedules` and its verbs | as `model.schedule_view` tells |
| `status ID`, `tasks`, `status NAME`, `wait` | `TaskView.to_json`: an object for one id, else an array |
| `status` | `{counts, workers, next_due, retrying, delayed, held, paused, unfinished, schedules, store}` |
| `chains`, `batches` | an array of `TaskView.to_json`, each with `counts`: total, succeeded, failed, cancelled |
| `chains show`, `batches show` | `engine.graph.document`: the steps, their members, and so on inwards |
| `batches results` | NDJSON: `TaskView.to_json` per member |
| `batches add` | `{id, added}` |
| `batches close` | `{id, open, closed_now}` |
| `history` | an array of `history_json` |
| `run` | NDJSON: `WorkerEvent.to_json` per event, then `RunReport.to_json` with `"type": "report"` |
| `cancel` | `{id, effect, state}`, effect: prevented, stopping, too_late, removed (a schedule); one id: an object |
| `retry` | `{id, state}`; an object for one id, else an array |
| `pause`, `resume` | `{kind, value, paused, running}`; `running`: what runs is stopped as well |
| `edit` | `{id, state, changed}`, `changed` being names among priority, queue, due_at and input |
| `bump` | `{id, state}`; an object for one id, else an array |
| `prune` | `{removed, would_remove, dry_run}` |
| `queues` | an array of `{name, weight, reserve, slots, paused, waiting, running}` |
| `queues add`, `queues set`, `queues weight` | one of them, `slots` null for no limit of its own |
| `queues pause`, `queues resume` | as `pause` and `resume` |
| `handlers` | an array of `{name, summary, params, accepts_extra, takes_argv, defaults, origin, source, example}` |
| `handlers show` | one of them |
| `plugins`, `plugins show` | an array of `{name, source, version, handlers, error, ms, warnings, hooks, profiles}` |
| `profiles` | an array of `{name, os, extends, summary, path, state}`; `state`: why it cannot be used |
| `profiles show` | `{name, os, extends, summary, path, rules}`, rules being `{key, value, written, from}` |
| `profiles check` | an array of `{level, place, what, why, fix}`, level being ok, note, warning or error |
| `profiles new` | `{name, extends, path}` |
| `devices` | an array of `{name, value, source, latency_ms, age_ms}`; `latency_ms`: null where no sensor was asked |
| `devices signals` | an array of `{name, words, means}` |
| `devices days` | an array of `{name, summary}` |
| `explain` | `Explanation.to_json` |
| `check` | an array of `finding.Told.to_json`, each with `profile`; `--codes`: `{code, level, said}` |
| `simulate` | `run.plays.Part.to_json`, and with `--compare` `run.plays.Play.to_json` |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bgo.clock import to_iso
from bgo.model import wish as wishes
from bgo.model.outcome import TaskError
from bgo.model.plan import Hold
from bgo.model.state import FINAL, State
from bgo.model.task import HistoryEntry, Task

if TYPE_CHECKING:
    from bgo.model.change import Change

SCHEMA = 1


def error_json(error: TaskError | None) -> dict[str, str] | None:
    """Return type, message and trace."""
    return None if error is None else {"type": error.type, "message": error.message, "trace": error.trace}


def hold_json(hold: Hold) -> dict[str, Any]:
    """Return a hold's fields, its instant as ISO."""
    return {
        "gate": str(hold.gate),
        "current": hold.current,
        "needed": hold.needed,
        "holder": hold.holder,
        "until": to_iso(hold.until_ms),
        "lift": hold.lift,
    }


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task with its payloads opened, as `status` and `tasks` show it."""

    task: Task
    input: Any
    argv: tuple[str, ...] | None
    output: Any
    error: TaskError | None
    holds: tuple[Hold, ...] = ()
    paused: bool = False
    """It runs, and a pause has stopped it where it stands."""
    chain_id: str | None = None
    """The chain it belongs to, be it through a batch."""
    batch_id: str | None = None
    counts: Mapping[str, int] | None = None
    """Of a chain or batch: how many members it has, and how they have ended."""

    @property
    def id(self) -> str:
        return self.task.id

    @property
    def state(self) -> State:
        return self.task.state

    @property
    def is_final(self) -> bool:
        return self.task.state in FINAL

    def duration_ms(self) -> int | None:
        """Return how long the last run took, None before its end."""
        if self.task.finished_at is None or self.task.started_at is None:
            return None
        return max(0, self.task.finished_at - self.task.started_at)

    def to_json(self) -> dict[str, Any]:
        """Return the documented object."""
        t = self.task
        return {
            "schema": SCHEMA,
            "id": t.id,
            "name": t.name,
            "handler": t.handler,
            "kind": t.kind,
            "state": str(t.state),
            "reason": str(t.reason),
            "paused": self.paused,
            "queue": t.queue,
            "priority": t.priority,
            "tags": list(t.tags),
            "run": t.run,
            "attempt": t.attempt,
            "losses": t.losses,
            "max_attempts": t.max_attempts,
            "progress": {"fraction": t.progress, "message": t.progress_message},
            "input": self.input,
            "argv": None if self.argv is None else list(self.argv),
            "output": self.output,
            "error": error_json(self.error),
            "cwd": t.cwd,
            "options": wishes.to_json(t.wish),
            "cancel_requested": t.cancel_reason,
            "created_at": to_iso(t.created_at),
            "due_at": to_iso(t.due_at),
            "expires_at": to_iso(t.expires_at),
            "unique_id": t.unique_id,
            "started_at": to_iso(t.started_at),
            "finished_at": to_iso(t.finished_at),
            "duration_ms": self.duration_ms(),
            "chain_id": self.chain_id,
            "batch_id": self.batch_id,
            "schedule_id": t.schedule,
            "scheduled_for": to_iso(t.occurrence),
            "holds": [hold_json(h) for h in self.holds],
            **({} if self.counts is None else {"counts": dict(self.counts)}),
        }


def history_json(entry: HistoryEntry) -> dict[str, Any]:
    """Return a history entry as its documented object."""
    return {
        "schema": SCHEMA,
        "task_id": entry.task_id,
        "name": entry.name,
        "event": entry.event,
        "run": entry.run,
        "attempt": entry.attempt,
        "state": entry.state,
        "reason": entry.reason,
        "at": to_iso(entry.at),
        "started_at": to_iso(entry.started_at),
        "finished_at": to_iso(entry.finished_at),
        "duration_ms": entry.duration_ms,
        "error": error_json(entry.error),
        "worker": entry.worker,
        "waited": dict(entry.waited),
        "detail": dict(entry.detail),
    }


@dataclass(frozen=True, slots=True)
class GateLine:
    """One line of the ledger: a gate, whether it lets the task pass, and the hold if it does not."""

    gate: str
    is_open: bool
    current: str
    needed: str
    hold: Hold | None = None
    held_ms: int = 0
    """How long it has held the task, over all of its runs."""

    @classmethod
    def of(cls, gate: str, hold: Hold | None, current: str, needed: str) -> GateLine:
        """Return the line of a gate: what the hold says where there is one."""
        return cls(gate, True, current, needed) if hold is None else cls(gate, False, hold.current, hold.needed, hold)

    def to_json(self) -> dict[str, Any]:
        """Return the line with its hold's fields merged in."""
        rest = {"holder": "", "until": None, "lift": ""} if self.hold is None else hold_json(self.hold)
        return {
            "gate": self.gate,
            "open": self.is_open,
            "current": self.current,
            "needed": self.needed,
            "holder": rest["holder"],
            "until": rest["until"],
            "lift": rest["lift"],
            "held_ms": self.held_ms,
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a task is where it is: the ordered gates, the time waited by reason, and its place in line."""

    task: Task
    verdict: str
    gates: tuple[GateLine, ...]
    waited: Mapping[str, int]
    ahead: int | None
    """Ready tasks of its lane that go first; None when it does not wait."""
    workers: int
    profile: str = "host"
    """By which it was judged."""
    changes: tuple[Change, ...] = ()
    """What that profile has in another way than the task asked for."""
    last_look: str = ""
    """The gate that held it when a worker looked last, where that is none of those that hold it now."""

    @property
    def holds(self) -> tuple[Hold, ...]:
        return tuple(line.hold for line in self.gates if line.hold is not None)

    def to_json(self) -> dict[str, Any]:
        """Return the documented object."""
        return {
            "schema": SCHEMA,
            "id": self.task.id,
            "name": self.task.name,
            "state": str(self.task.state),
            "reason": str(self.task.reason),
            "verdict": self.verdict,
            "gates": [line.to_json() for line in self.gates],
            "waited_ms": dict(self.waited),
            "ahead": self.ahead,
            "workers": self.workers,
            "profile": self.profile,
            "changes": [change._asdict() for change in self.changes],
            "last_look": self.last_look or None,
        }

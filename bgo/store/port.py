"""The store as the engine sees it: what each verb changes and which guard it keeps. One contract for every backend.

All verbs run inside a transaction opened by `Store.write()` or `Store.read()`. A verb that moves a task is a
compare-and-set and says whether it hit. Instants are UTC milliseconds; `seq` is a task's number in order of enqueueing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bgo.clock import Moment
    from bgo.model.lane import Rate
    from bgo.model.limits import KeyHolder, NamedLimit
    from bgo.model.outcome import TaskError
    from bgo.model.plan import Hold, LaneHeads, LaneKey, QueueShare, Transition, ViewKey
    from bgo.model.query import Pause, QueueRow, Selector
    from bgo.model.schedule import Counters, OccurrenceRow, Schedule, ScheduleState
    from bgo.model.state import State
    from bgo.model.task import HistoryEntry, Lease, Task, WorkerRow
    from bgo.store.rows import (
        Alarms,
        FlowRow,
        Holder,
        LaneState,
        NewLease,
        NewSchedule,
        NewTask,
        Next,
        Place,
        Seat,
        StageRow,
    )


class Tasks(Protocol):
    """Task rows."""

    def next_seq(self) -> int:
        """Return the seq of the next task to insert; one that was given is never given again."""

    def insert(self, rows: Sequence[NewTask]) -> None:
        """Add tasks with their tags."""

    def find(self, task_id: str) -> Task | None:
        """Return the task with exactly this id."""

    def find_seq(self, seq: int) -> Task | None:
        """Return the task with this seq."""

    def find_prefix(self, prefix: str, limit: int) -> list[str]:
        """Return up to `limit` ids that start with `prefix`."""

    def newest(self, count: int) -> list[str]:
        """Return the ids of the newest tasks."""

    def select(self, selector: Selector, *, limit: int, before: int | None = None) -> list[Task]:
        """Return matching tasks, newest first, older than seq `before`."""

    def claim(self, seq: int, now: int) -> Task | None:
        """Move a ready task to RUNNING with a new run and attempt; None when it is not ready any more."""

    def settle(
        self, task: Task, to: Transition, now: int, *, output: int | None, error: int | None, place: Place | None
    ) -> bool:
        """Move a RUNNING task of exactly this run to where `to` says; False when run or state differ."""

    def move(self, task: Task, state: State, reason: str, now: int, place: Place | None) -> bool:
        """Move a task that is not running (cancel, revive), guarded by its state and run."""

    def unblock(self, task: Task, reason: str, now: int, waited: str) -> bool:
        """Move a BLOCKED task to QUEUED, ready if it is due, with what it has waited for; False when it is not."""

    def skip(self, task: Task, state: State, reason: str, now: int, error: int | None) -> bool:
        """End a BLOCKED task whose upstream has not succeeded; False when it is not blocked."""

    def set_input(self, task: Task, payload: int) -> None:
        """Give a task another input and drop the old one."""

    def set_dedup_key(self, task: Task, key: str) -> None:
        """Keep another dedup key for a task."""

    def unfinished_as(self, unique_id: str) -> list[Task]:
        """Return the unfinished tasks of a unique id, newest first."""

    def newest_as(self, unique_id: str) -> Task | None:
        """Return the newest task of a unique id."""

    def expired(self, now: int, limit: int) -> list[Task]:
        """Return up to `limit` waiting tasks whose time is over, the earliest first."""

    def expired_counts(self, now: int) -> Mapping[State, int]:
        """Return how many waiting tasks that can be seen stand in each state whose time is over."""

    def next_expiry(self) -> int | None:
        """Return the earliest instant at which a waiting task expires."""

    def request_cancel(self, task: Task, reason: str) -> bool:
        """Flag a RUNNING task of this run for cancellation; the first reason stays."""

    def report(self, seq: int, run: int, fraction: float | None, message: str) -> bool:
        """Keep the progress of a running run; resets the loss count."""

    def checkpoint(self, seq: int, run: int, payload: int) -> int | None:
        """Keep a running run's checkpoint, reset the loss count, and return the payload it replaces."""

    def promote(self, now: int, limit: int) -> set[int]:
        """Make up to `limit` tasks whose due time has come ready; return their lanes."""

    def next_due(self) -> int | None:
        """Return the earliest due time of a task that is not ready yet."""

    def waits_in(self, queues: Collection[str]) -> bool:
        """Say whether any task of these queues waits for its due time."""

    def not_due(self) -> tuple[int, int]:
        """Return how many tasks wait for a retry and how many for their delay."""

    def counts(self) -> Mapping[State, int]:
        """Return how many tasks stand in each state."""

    def groups(self) -> list[tuple[int, int]]:
        """Return unfinished tasks that share lane, state and readiness as (seq of the first due, how many)."""

    def alike(self, limit: int) -> list[tuple[int, int, int | None]]:
        """Return waiting tasks that share lane and wish as (seq of the first, how many, bytes of the largest input),
        the most first; the bytes are None where there is no input."""

    def cancel_requests(self, worker: str) -> list[tuple[int, int, str]]:
        """Return (seq, run, reason) of this worker's running tasks that somebody wants cancelled."""

    def ahead(self, task: Task) -> int:
        """Return how many ready tasks of its lane go before this one."""

    def ended(self, states: Collection[State], before: int, limit: int) -> list[int]:
        """Return seqs of tasks, chains and batches that stand alone and ended in these states before that instant,
        oldest first; none in which a callback has yet to end."""

    def ended_bytes(self) -> tuple[int, int]:
        """Return how many tasks have ended, and how many bytes their payloads hold."""

    def ended_beyond(self, keep: int, limit: int) -> list[int]:
        """Return seqs of those as in `ended` whose end is not among the newest `keep` ends, oldest first."""

    def going(self, limit: int) -> list[int]:
        """Return seqs of chains and batches that a prune has begun to remove."""

    def ended_rows(self) -> list[tuple[int, int, int]]:
        """Return (when it ended, its seq, the seq of the outermost that it is in) of all ended rows, newest first."""

    def inside(self, seq: int, limit: int) -> list[int]:
        """Return up to `limit` seqs of an ended task and what is in it, each behind all that is in itself."""

    def delete(self, seqs: Sequence[int]) -> list[str]:
        """Remove ended tasks with their payloads, tags and history; return their ids. A chain or batch goes last."""


class Lanes(Protocol):
    """Views, lanes, their turn, and the log of holds."""

    def ensure(self, key: LaneKey, now: int) -> int:
        """Return the lane of these gates, making it (and its view) if needed; a paused name or queue starts paused."""

    def key(self, lane: int) -> LaneKey:
        """Return the gates of a lane, as its tasks asked for them."""

    def limits(self, lane: int) -> tuple[int | None, Rate | None]:
        """Return a lane's concurrency limit and its rate as they act: a limit named in a config overrides its own."""

    def ask_device(self) -> bool:
        """Say whether any open lane with ready work asks something of the device."""

    def views(self) -> list[tuple[int, ViewKey]]:
        """Return all views that have an open lane with ready work."""

    def heads(self, views: Collection[int], width: int) -> list[LaneHeads]:
        """Return the `width` best open lanes of each view with up to `width` ready tasks each, and beside each lane
        that has a strategy those that go first by it under the same concurrency key."""

    def heads_of(self, views: Collection[int], seqs: Sequence[int]) -> list[LaneHeads]:
        """Return the open lanes of these views that hold these ready tasks, with no others."""

    def ready_under(self, view: int) -> int:
        """Return how many ready tasks wait in the open lanes of a view."""

    def wait_for_rate(self, queues: Collection[str] | None) -> bool:
        """Say whether ready work of these queues (None: of any) waits for its rate alone."""

    def closed(self) -> Mapping[str, int]:
        """Return how many ready tasks wait in paused or parked lanes, by what holds them."""

    def refresh(self, lanes: Iterable[int], now: int, *, served: bool = False) -> bool:
        """Recompute head and turn of these lanes after their ready tasks changed; `served`: one was just claimed.

        Returns whether lanes that wait for a rate may have to be looked at.
        """

    def park(self, lane: int, hold: Hold, moment: Moment) -> None:
        """Take a lane out of the running until its concurrency key or its rate has room."""

    def open_key(self, key: str, now: int) -> None:
        """Open the best parked lane of each view, limit and strategy under this key that has room."""

    def open_rate(self, key: str, moment: Moment) -> None:
        """Open as many of the best parked lanes of each view and rate under this key as starts may come now, and
        set when to look again."""

    def state(self, lane: int) -> LaneState:
        """Return a lane's gates as they stand."""

    def log_view(self, view: int, gate: str | None, now: int) -> None:
        """Record that the asker's side now holds a view by this gate (None: holds it no more)."""

    def waited(self, lane: int, since: int, until: int) -> dict[str, int]:
        """Return milliseconds by reason that a lane was held between two instants; the rest is 'slots'."""

    def held_at(self, lane: int, at: int) -> tuple[str, ...]:
        """Return the gates that held a lane, and its view, at an instant, as far as somebody looked and it is known."""

    def unused(self) -> list[int]:
        """Return the lanes that no task belongs to."""

    def drop(self, lanes: Sequence[int], last_seq: int) -> None:
        """Remove lanes that were unused when `last_seq` was the newest task, unless a newer one has come to them."""

    def forget(self, before: int, limit: int) -> int:
        """Drop up to `limit` entries of the log of holds that ended before that instant; return how many."""


class Pauses(Protocol):
    """What is paused: names, queues and tags."""

    def set(self, kind: str, value: str, *, paused: bool, running: bool = False, now: int) -> int:
        """Pause or resume a name or a queue, present lanes and future ones; return how many lanes it touched.

        A tag is only noted: its tasks are moved to other lanes afterwards, in steps. `running` stops live runs as
        well; a resume lets all run again that no other such pause stops.
        """

    def list(self) -> list[Pause]:
        """Return what is paused."""

    def let_run(self, kind: str, value: str) -> None:
        """Let go on what this pause has stopped; it still lets nothing start."""

    def stop_running(self) -> None:
        """Mark the live runs that a pause stops, and only these."""

    def marks(self, tags: Collection[str]) -> tuple[str, ...]:
        """Return the paused ones among these tags, in order."""


class Moves(Protocol):
    """Tasks that change their lane or their place, and how far the tags of a pause have been worked off."""

    def next(self) -> tuple[str, int] | None:
        """Return a tag whose tasks must change lanes, and the seq up to which they have."""

    def tagged(self, tag: str, after: int, limit: int) -> list[int]:
        """Return up to `limit` seqs above `after` of tasks with this tag, ended ones too, ascending."""

    def reached(self, tag: str, after: int) -> None:
        """Note that the tasks of this tag have been looked at up to this seq."""

    def done(self, tag: str) -> None:
        """Note that all tasks of this tag have been looked at."""

    def relane(self, task: Task, lane: int, ready_at: int | None, waited: str) -> bool:
        """Move a task to another lane; False when its state, run or lane differ. Both lanes want a refresh."""

    def relaxing(self, now: int, limit: int) -> list[Task]:
        """Return up to `limit` unfinished tasks that are to ask less of the device by now, the longest due first."""

    def relaxed(self, task: Task, next_at: int | None) -> None:
        """Note when a task asks for less the next time; None: it does not."""

    def reseat(self, task: Task, seat: Seat) -> bool:
        """Give a waiting task another place, priority, queue and lane; False when its state, run or lane differ."""


class Rates(Protocol):
    """Starts under rate keys, and when lanes that wait for one must be looked at."""

    def waits(self, rate: Rate, moment: Moment, width: int) -> tuple[int, ...]:
        """Return in how many milliseconds the next start may come, the one after it, and so on; 0: now."""

    def stamp(self, seq: int, run: int, key: str, start: Moment) -> None:
        """Write the start of a run under its key; before that its lease counts as a start at this moment."""

    def count(self, key: str, start: Moment) -> None:
        """Write a start of a run that has no lease any more."""

    def due(self, moment: Moment, limit: int) -> list[str]:
        """Return keys whose parked lanes must be looked at."""

    def wake(self, key: str, *, if_asleep: bool = False) -> None:
        """Have the key's parked lanes looked at by the next tick, if a look is set at all (`if_asleep`: if none is)."""

    def forget(self, before: int, limit: int) -> int:
        """Drop keys that no lane has and whose last start is older, with their starts; return how many."""


class AlarmBell(Protocol):
    """Everything the store knows to come."""

    def next(self, moment: Moment) -> Alarms:
        """Return the next alarms."""


class NamedLimits(Protocol):
    """Limits that a configuration names."""

    def names(self, key: str) -> bool:
        """Say whether a limit of this key is named."""

    def differ(self, source: str, wanted: Mapping[str, NamedLimit]) -> bool:
        """Say whether a source's limits are not these."""

    def sync(self, source: str, wanted: Mapping[str, NamedLimit]) -> None:
        """Make the limits of a source (a config file) these, for present lanes and future ones."""


class Leases(Protocol):
    """Live runs and the workers that hold them."""

    def insert(self, lease: NewLease) -> None:
        """Write the lease of a claimed run."""

    def delete(self, seq: int, run: int) -> bool:
        """Remove a run's lease."""

    def find(self, seq: int) -> Lease | None:
        """Return a task's live lease."""

    def list_all(self) -> list[Lease]:
        """Return every live lease."""

    def renew(self, worker: str, until: int) -> int:
        """Extend all leases of a worker; return how many it still has."""

    def adopt(self, lease: Lease, worker: str, until: int) -> bool:
        """Take over a lease from the owner it was judged under; False when it changed hands or ended meanwhile."""

    def renewed(self, worker: str) -> set[tuple[int, int]]:
        """Return the (seq, run) pairs a worker holds."""

    def stopped(self, worker: str) -> set[tuple[int, int]]:
        """Return the (seq, run) pairs of a worker that a pause stops."""

    def mark_started(self, seq: int, run: int, now: int) -> bool:
        """Note that the child reported Started."""

    def usage(self) -> Mapping[str, int]:
        """Return live leases by concurrency key."""

    def under(self, key: str) -> list[Holder]:
        """Return the running tasks under a concurrency key, the longest running first."""

    def running_by_queue(self, host: str, worker: str | None) -> Mapping[str, int]:
        """Return live leases by queue on a host, or of one worker."""

    def register(self, worker: WorkerRow) -> None:
        """Add a worker."""

    def unregister(self, worker: str) -> None:
        """Remove a worker."""

    def count_workers(self) -> int:
        """Return how many workers there are, dead ones that nobody has cleared away among them."""

    def workers(self) -> list[WorkerRow]:
        """Return all registered workers, dead ones not yet cleared included."""


class Records(Protocol):
    """History: append-only."""

    def add(
        self,
        task: Task,
        event: str,
        to: tuple[State, str, int],
        now: int,
        *,
        lease: Lease | None = None,
        error: int | None = None,
        detail: str = "{}",
        outcome: bool = False,
    ) -> None:
        """Append an entry; `to` is (state, reason, attempt) after the event. A second outcome of one run raises."""

    def of_task(self, task_id: str) -> list[HistoryEntry]:
        """Return a task's entries, oldest first."""

    def select(
        self, selector: Selector, *, runs_only: bool, limit: int, before: int | None = None
    ) -> list[HistoryEntry]:
        """Return entries of matching tasks, newest first; `states` match the state the entry led to."""

    def after(self, entry: int, limit: int) -> list[HistoryEntry]:
        """Return entries written after this one, oldest first."""

    def last(self) -> int:
        """Return the number of the newest entry, 0 when there is none."""

    def note(self, key: str) -> str | None:
        """Return what is noted under a key: how far a reader of the history has come."""

    def set_note(self, key: str, text: str) -> None:
        """Note something under a key."""

    def number(self, task_id: str, event: str) -> int:
        """Return how many entries of this event a task has."""

    def median_ms(self, handler_name: str, sample: int) -> int | None:
        """Return the median duration of the last `sample` successful runs under a name."""


class Payloads(Protocol):
    """Immutable byte strings behind a codec."""

    def put(self, data: bytes) -> int:
        """Store bytes and return their id."""

    def put_many(self, items: Sequence[bytes]) -> range:
        """Store many and return their ids, in order."""

    def get(self, payload: int) -> bytes:
        """Return the bytes."""

    def error(self, payload: int | None) -> TaskError | None:
        """Return a stored error."""

    def drop(self, payloads: Collection[int]) -> None:
        """Remove payloads that nothing refers to any more."""


class Queues(Protocol):
    """Queues: weights and their place in the stride."""

    def shares(self) -> list[QueueShare]:
        """Return every queue's share."""

    def full(self) -> Mapping[str, int]:
        """Return the queues that have as many tasks running as their own slots allow, with that number."""

    def move(self, shares: Sequence[QueueShare]) -> None:
        """Keep the passes that picks moved."""

    def ensure(
        self, name: str, weight: float | None = None, reserve: int | None = None, slots: int | None = None
    ) -> None:
        """Make a queue, or set what is given of it and leave the rest; `slots` 0 lifts its own limit."""

    def settings(self) -> Mapping[str, tuple[float, int, int | None]]:
        """Return weight, reserve and own slots (None: no limit of its own) of every queue."""

    def names(self) -> list[str]:
        """Return all queue names."""

    def rows(self) -> list[QueueRow]:
        """Return the queues with what stands in them."""


class Dedup(Protocol):
    """Dedup keys: each is held by one task."""

    def find(self, key: str) -> KeyHolder | None:
        """Return who holds or held a key; `policy.dedup.is_free` says whether it still counts."""

    def take(self, key: str, task_id: str, until: int | None) -> None:
        """Give a key to a task, until that instant or (None) its end, with its count of suppressed enqueues at 0."""

    def suppress(self, key: str) -> int:
        """Count one more enqueue that a key stood in the way of; return how many there were."""

    def release(self, task_id: str) -> None:
        """Give back whatever keys a task holds."""

    def forget(self, after: str, now: int, limit: int) -> str | None:
        """Drop keys that nothing holds any more among the next `limit` after this one; return where to go on."""


class Links(Protocol):
    """Dependencies: what a task still needs of others ('success' or 'end'). What was met is forgotten."""

    def add(self, seq: int, upstreams: Mapping[int, str]) -> None:
        """Make a task need others, by seq and kind; where it needs one already, 'success' outweighs 'end'."""

    def upstreams(self, seq: int, limit: int) -> list[Task]:
        """Return the first tasks that a task still needs something of."""

    def has_waiters(self, upstream: int) -> bool:
        """Say whether any blocked task needs something of this one."""

    def waiters(self, upstream: int, limit: int) -> list[tuple[Task, str]]:
        """Return the first blocked tasks that need something of this one, with what."""

    def meet(self, seq: int, upstream: int) -> bool:
        """Forget a need that was met; say whether it was the task's last."""

    def meet_ended(self, seq: int) -> bool:
        """Forget the needs of a task that were met while it did not wait; say whether none is left."""

    def needs(self, seq: int) -> bool:
        """Say whether a task still needs anything of others."""

    def put_off(self, upstream: int) -> None:
        """Note that an ended task has waiters that have not been told."""

    def is_pending(self) -> bool:
        """Say whether any ended task has waiters to tell."""

    def pending(self, limit: int) -> list[int]:
        """Return the first ended tasks that have waiters to tell."""

    def told(self, upstream: int) -> None:
        """Note that all waiters of an ended task have been told."""


class Flows(Protocol):
    """Chains and batches: their own facts, and their members."""

    def insert(self, seq: int, plan: int | None, *, at: int, is_open: bool) -> None:
        """Add the facts of a chain or a batch whose row as a task is there."""

    def find(self, seq: int) -> FlowRow | None:
        """Return them."""

    def set(self, seq: int, field: str, value: int | str | None) -> None:
        """Set `plan`, `at`, `ending`, `open`, `cursor` or `told`."""

    def count(self, seq: int, field: str, by: int) -> None:
        """Add to `total`, or to the number of members that have ended in a state."""

    def begin(self, seq: int, reason: str) -> bool:
        """Move a BLOCKED chain or batch to RUNNING; False when it is not blocked."""

    def hold_back(self, seq: int) -> None:
        """Move a RUNNING chain or batch, nothing of which can have begun, to BLOCKED."""

    def announce(self, seq: int, dedup_key: str | None, unique_id: str | None) -> None:
        """Let a chain or batch that came in unseen be found by its dedup key and its unique id."""

    def started(self, seq: int, at: int) -> None:
        """Note when a first member has started."""

    def end(self, seq: int, to: tuple[State, str], now: int, *, output: int | None, error: int | None) -> bool:
        """Move a RUNNING chain or batch to a final (state, reason); False when it does not run."""

    def is_open(self, seq: int, step: int | None = None) -> bool:
        """Say whether any member (of this step) has not ended."""

    def is_open_there(self, seq: int, below: int) -> bool:
        """Say whether any member of a step below this one has not ended, of those that are not still coming in."""

    def held(self, seq: int, steps: tuple[int, int], limit: int) -> list[Task]:
        """Return the first BLOCKED members of these steps, from the first number to the last."""

    def unstopped(self, seq: int, limit: int) -> list[Task]:
        """Return the first unfinished members but those that run and are asked to end."""

    def undone(self, seq: int, steps: tuple[int, int], limit: int, after: int = 0) -> list[Task]:
        """Return the first failed and cancelled members of these steps, of those behind seq `after`."""

    def members(self, seq: int, *, after: tuple[int, int] = (-1, 0), limit: int) -> list[Task]:
        """Return members in order, those behind (step, seq) `after`."""

    def of_step(self, seq: int, step: int, *, after: int = 0, limit: int) -> list[Task]:
        """Return members of one step in order, those behind seq `after`."""

    def tally(self, seq: int, step: int) -> Mapping[State, int]:
        """Return how many members of a step stand in each state."""

    def output_bytes(self, seq: int) -> int:
        """Return how many bytes the outputs of a batch's members have together."""

    def ready_under(self, seq: int, limit: int) -> list[int]:
        """Return seqs of ready tasks in a chain or a batch, of those inside it too."""

    def next_due_under(self, seq: int) -> int | None:
        """Return when the first of them that waits for its time is due."""

    def runs_under(self, seq: int) -> bool:
        """Say whether any task in it is running."""


class Stages(Protocol):
    """Members on their way into a chain or a batch, unseen until all are there."""

    def open(self, stage: str, flow: int, owner: str, now: int) -> None:
        """Begin: lanes with this stage are closed and unseen from now on."""

    def add(self, stage: str, count: int) -> bool:
        """Count members that came in; False when the stage is gone."""

    def seal(self, stage: str, now: int) -> tuple[int, int] | None:
        """Let all of it be seen and start; return its flow and how many came in, None when it is gone."""

    def show(self, stage: str) -> tuple[int, int] | None:
        """Let all of it be seen, and wait for what its flow waits for; as `seal` otherwise."""

    def release(self, flow: int, now: int) -> None:
        """Seal what was shown before, now that its flow need not wait any more."""

    def list(self) -> list[StageRow]:
        """Return what is still coming in, the oldest first."""

    def drop(self, stage: StageRow, limit: int, now: int) -> int:
        """Remove up to `limit` of its rows, and the stage itself when none is left (0)."""


class Schedules(Protocol):
    """Schedules, and what became of their occurrences."""

    def insert(self, row: NewSchedule) -> None:
        """Add a schedule."""

    def change(self, schedule: Schedule, row: NewSchedule) -> None:
        """Give it another wish and plan; its id, key, counters and state stay."""

    def set(
        self, schedule: Schedule, state: ScheduleState, reason: str, to: Next, since_seq: int | None = None
    ) -> bool:
        """Set state and next occurrence; False when somebody else has moved it on meanwhile."""

    def advance(
        self, schedule: Schedule, state: tuple[ScheduleState, str], to: Next, reached: tuple[int | None, str | None],
        more: Counters,
    ) -> bool:  # fmt: skip
        """Move an active one on, `reached` (last occurrence, boot), and count; False when somebody else has."""

    def set_boot(self, boot: str) -> None:
        """Take all schedules that fire at the start of the computer as having fired for this one."""

    def find(self, schedule_id: str) -> Schedule | None:
        """Return the schedule with exactly this id."""

    def find_key(self, key: str) -> Schedule | None:
        """Return the schedule with this key."""

    def find_prefix(self, prefix: str, limit: int) -> list[str]:
        """Return up to `limit` ids that start with `prefix`."""

    def all(self) -> list[Schedule]:
        """Return all, oldest first."""

    def counts(self) -> dict[ScheduleState, int]:
        """Return how many are in each state that any is in."""

    def due(self, now: int, limit: int) -> list[Schedule]:
        """Return those that fire now, the longest due first."""

    def ahead(self, of: int, limit: int) -> list[Schedule]:
        """Return those whose last occurrence lies behind that instant."""

    def reboots(self, boot: str, limit: int) -> list[Schedule]:
        """Return those that fire at the start of the computer and have not for this boot."""

    def delete(self, schedule: Schedule) -> None:
        """Remove it with its occurrences; what it made stays."""

    def note(self, schedule: Schedule, row: OccurrenceRow, keep: int) -> None:
        """Write down what became of an occurrence, and keep the newest `keep` of them."""

    def has_fired(self, schedule: Schedule, at: int, task_id: str) -> bool:
        """Say whether an occurrence is noted as fired, or what it makes is there."""

    def occurrences(self, schedule: Schedule, limit: int) -> list[OccurrenceRow]:
        """Return what became of the last occurrences, newest first."""

    def unfinished(self, schedule_id: str, limit: int) -> list[Task]:
        """Return unfinished tasks, chains and batches that a schedule made, newest first."""

    def last_ends(self, schedule: Schedule, limit: int) -> list[str]:
        """Return how the last ones of its tasks behind `since_seq` ended that succeeded or failed, newest first."""

    def newest_task(self) -> int:
        """Return the seq of the newest task there is, 0 for none."""


class Notes(Protocol):
    """Short texts by key: what outlives a worker and belongs to no task."""

    def read(self, key: str) -> str | None:
        """Return what was written under a key."""

    def write(self, key: str, value: str) -> None:
        """Keep a text, in place of the one before."""


class Overs(Protocol):
    """Runs that are over, until the rules of the profile under which they ran have taken note."""

    def add(self, profile: str, run: str, at: int) -> None:
        """Note that a run is over: at which instant, UTC milliseconds."""

    def pending(self, profile: str) -> Sequence[tuple[str, int, int]]:
        """Return (run, at, number) of those nobody has taken note of, in their order."""

    def drop(self, profile: str, upto: int) -> None:
        """Forget those up to a number."""


class Session(Protocol):
    """One transaction's verbs, grouped by what they are about."""

    @property
    def tasks(self) -> Tasks: ...
    @property
    def lanes(self) -> Lanes: ...
    @property
    def pauses(self) -> Pauses: ...
    @property
    def moves(self) -> Moves: ...
    @property
    def rates(self) -> Rates: ...
    @property
    def limits(self) -> NamedLimits: ...
    @property
    def alarms(self) -> AlarmBell: ...
    @property
    def leases(self) -> Leases: ...
    @property
    def records(self) -> Records: ...
    @property
    def payloads(self) -> Payloads: ...
    @property
    def queues(self) -> Queues: ...
    @property
    def dedup(self) -> Dedup: ...
    @property
    def links(self) -> Links: ...
    @property
    def flows(self) -> Flows: ...
    @property
    def stages(self) -> Stages: ...
    @property
    def schedules(self) -> Schedules: ...
    @property
    def notes(self) -> Notes: ...
    @property
    def overs(self) -> Overs: ...

    def savepoint(self) -> AbstractContextManager[None]:
        """Undo only the block on an exception, and let it through."""


class Store(Protocol):
    """An open store."""

    @property
    def path(self) -> Path | None: ...

    def write(self) -> AbstractContextManager[Session]:
        """Run one write transaction."""

    def read(self) -> AbstractContextManager[Session]:
        """Run one read transaction."""

    def data_version(self) -> int:
        """Return a number that changes when another connection commits."""

    def close(self) -> None:
        """Close the store."""

"""Settle: an outcome is applied once, in one transaction: verdict, guarded update, history, room under the key."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from bgo.clock import Moment
from bgo.engine import upstream
from bgo.engine.waiting import place_of
from bgo.errors import UsageError
from bgo.ids import Rng
from bgo.model import payload as payloads
from bgo.model.lane import LaneKey
from bgo.model.outcome import Failed, Lost, Outcome, Released, Succeeded, TaskError
from bgo.model.plan import Transition
from bgo.model.profile import HOST, Profile
from bgo.model.state import FINAL, Event
from bgo.model.task import ERROR_LIMIT, Lease, Task
from bgo.policy import order
from bgo.policy import settle as policy
from bgo.store.port import Session

LATE = "late_finish"
KINDS_LIMIT = 50


@dataclass(frozen=True, slots=True)
class Settled:
    """The outcome was recorded: the task as it was while running, and where it went."""

    task: Task
    to: Transition
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class LateFinish:
    """Somebody else had settled this run; the outcome is an event in the history and changes nothing."""

    task: Task | None


@dataclass(frozen=True, slots=True)
class RunKey:
    """One run in the hands of one worker: what a settle must still find to be allowed to write."""

    seq: int
    run: int
    worker: str


def settle(
    session: Session,
    key: RunKey,
    outcome: Outcome,
    moment: Moment,
    rng: Rng,
    started: Moment | None = None,
    profile: Profile = HOST,
) -> Settled | LateFinish:
    """Apply how a run ended. A refused late finish is recorded, never an overwrite.

    `started` is given for a run that began since the last commit: its lease need not be told first. The profile may
    raise or lower the delay of a retry.
    """
    now = moment.now_ms
    task = session.tasks.find_seq(key.seq)
    lease = session.leases.find(key.seq)
    if task is None or lease is None or (lease.run, lease.worker, task.run) != (key.run, key.worker, key.run):
        if task is not None:
            _record_late(session, task, key.run, outcome, now)
        return LateFinish(task)
    session.leases.delete(key.seq, key.run)
    if started is not None:
        lease = lease._replace(started_at=started.now_ms)
    if lease.rate_key is not None and not lease.stamped:
        _count_start(session, lease, outcome, started, moment)
    if lease.profile:
        session.overs.add(lease.profile, f"{task.id}.{task.run}", now)
    outcome, data = _readable(outcome)
    to = policy.settle(_fitted(task, outcome, profile), outcome, now, rng)
    error = _keep_error(session, policy.error_of(outcome, to.event))
    output = None if data is None else session.payloads.put(data)
    place = None
    if to.state not in FINAL:
        key_of = session.lanes.key(task.lane)
        if key_of.view.traits.expedited and _has_run(lease, outcome, to, started):
            task, key_of = _as_plain(session, task, key_of, now)
        place = place_of(task, key_of, to.due_at, now, begun=_has_begun(task, lease))
    if not session.tasks.settle(task, to, now, output=output, error=error, place=place):
        raise AssertionError("the guard was checked in this transaction")
    session.records.add(
        task, to.event, (to.state, to.reason, to.attempt), now,
        lease=lease, error=error, detail=_detail(outcome), outcome=True,
    )  # fmt: skip
    if place is None:
        upstream.ended(session, task, to.state, now)
    elif place.ready:
        session.lanes.refresh((task.lane,), now)
    if lease.concurrency_key is not None:
        session.lanes.open_key(lease.concurrency_key, now)
    return Settled(task, to, outcome)


def _fitted(task: Task, outcome: Outcome, profile: Profile) -> Task:
    """Return the task with the retries that the platform lets it have."""
    if isinstance(outcome, Succeeded) or not profile.work.bends_retries:
        return task
    from bgo.model.lane import PLAIN
    from bgo.policy import fit

    return replace(task, wish=fit.fitted(task.wish, PLAIN, profile).wish)


def _has_run(lease: Lease, outcome: Outcome, to: Transition, started: Moment | None) -> bool:
    """Say whether user code has begun in this run: then the next is another attempt, be it charged or not."""
    was_stopped = isinstance(outcome, Released) and outcome.started
    return to.event is Event.RETRY or was_stopped or started is not None or lease.started_at is not None


def _as_plain(session: Session, task: Task, key: LaneKey, now: int) -> tuple[Task, LaneKey]:
    """Return the task in the lane of plain work: only a first attempt is expedited (as in androidx.work's
    SystemJobInfoConverter)."""
    from bgo.engine import relane  # most work is not expedited

    plain = replace(key, view=replace(key.view, traits=key.view.traits._replace(expedited="")))
    return relane.move(session, task, session.lanes.ensure(plain, now), now), plain


def _detail(outcome: Outcome) -> str:
    """Return what the history keeps of an outcome beside its error: the constraint that was lost."""
    lost = policy.lost_of(outcome)
    if lost is None:
        return "{}"
    return json.dumps({"gate": lost.gate, "current": lost.current, "needed": lost.needed})


def _has_begun(task: Task, lease: Lease) -> bool:
    """Say whether user code has run, in this run or an earlier one: then its start-before is behind it."""
    return lease.started_at is not None or task.expires_at != order.expires_at(task.wish, begun=False)


def _count_start(session: Session, lease: Lease, outcome: Outcome, started: Moment | None, now: Moment) -> None:
    """Write the start of a run whose child was not heard of until now, or give its place in the window back.

    A run that was lost may have begun just before its worker died: then it began now at the latest.
    """
    if started is None and not isinstance(outcome, Lost):
        session.rates.wake(lease.rate_key or "")
    else:
        session.rates.count(lease.rate_key or "", started or now)


def _record_late(session: Session, task: Task, run: int, outcome: Outcome, now: int) -> None:
    detail = json.dumps({"run": run, "outcome": type(outcome).__name__})
    session.records.add(task, LATE, (task.state, task.reason, task.attempt), now, detail=detail)


def _keep_error(session: Session, error: TaskError | None) -> int | None:
    if error is None:
        return None
    data = {
        "type": _fit(error.type, 200),
        "message": _fit(error.message, ERROR_LIMIT // 4),
        "trace": _fit(error.trace, ERROR_LIMIT * 3 // 4),
        "kinds": [_fit(kind, 200) for kind in error.kinds[:KINDS_LIMIT]],
    }
    return session.payloads.put(payloads.dump(data, "the error"))


def _fit(text: str, limit: int) -> str:
    """Keep the end of a long text (a trace's last lines say most), free of lone surrogates."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= limit else "… " + text[-limit:]


def _readable(outcome: Outcome) -> tuple[Outcome, bytes | None]:
    """Return the outcome with its output as bytes. What is no JSON has failed, once: a settle never raises for it."""
    if not isinstance(outcome, Succeeded) or outcome.output is None:
        return outcome, None
    try:
        return outcome, payloads.dump(dict(outcome.output), "the output")
    except UsageError as error:
        return Failed(TaskError("UndecodableResult", error.why), retry=False), None


def begun(session: Session, key: RunKey, at: Moment) -> None:
    """Note that user code began: on the lease, and under its rate key."""
    session.leases.mark_started(key.seq, key.run, at.now_ms)
    lease = session.leases.find(key.seq)
    if lease is not None and lease.run == key.run and lease.rate_key is not None and not lease.stamped:
        session.rates.stamp(key.seq, key.run, lease.rate_key, at)


def checkpoint(session: Session, seq: int, run: int, data: bytes) -> None:
    """Keep a checkpoint for the next run, and drop the one before."""
    old = session.tasks.checkpoint(seq, run, session.payloads.put(data))
    if old is not None:
        session.payloads.drop((old,))

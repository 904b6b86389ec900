"""Where the drain meets the engine: the cycle and the settling of the live worker, on the flow's own clock and store.

Every call that moves a task in a test is here: one turn claims at most one task, and one ending is one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from weakref import WeakKeyDictionary

from bgo import ids
from bgo.api import TaskFlow
from bgo.clock import Moment, moment
from bgo.engine import cycle, explain, query, resolve
from bgo.engine import settle as settling
from bgo.engine.cycle import Asker, Claim, Memory
from bgo.engine.explain import Ground
from bgo.engine.settle import RunKey
from bgo.errors import BgoError, NotFoundError, StoreBusyError, StoreError
from bgo.model import payload as payloads
from bgo.model.device import DeviceState, View
from bgo.model.outcome import Outcome, Rejected, Released, TaskError
from bgo.model.query import Selector
from bgo.model.state import Reason, State
from bgo.model.task import Child
from bgo.model.views import TaskView
from bgo.policy.gates import Offer
from bgo.policy.lease import LEASE_MS
from bgo.run.tidy import remove_workdir
from bgo.store.port import Session
from bgo.testing.device import ScriptedDevice

WORKER = "testing"
WAITING = (State.BLOCKED, State.QUEUED, State.RETRYING)
_CHILD = Child(1, 0)
SEED = 1
"""Jitter is drawn from it: a test must do the same each time."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn of the cycle brought: a task to run, or when to look again."""

    claim: Claim | None
    again: bool
    """More is due than one turn may touch."""
    next_start: int | None
    """When something may start next, UTC milliseconds."""


_FOREIGN: WeakKeyDictionary[TaskFlow, dict[str, bool]] = WeakKeyDictionary()
"""Which handlers that are not the flow's own are installed: a miss costs a process that looks at every plugin."""


def forget(flow: TaskFlow) -> None:
    """Look again which handlers are installed."""
    _FOREIGN.pop(flow, None)


def _asker(flow: TaskFlow, queues: frozenset[str] | None = None) -> Asker:
    """Return who asks: a worker that is alone on its host. Handlers count that this process can call."""
    with flow.store.read() as session:
        wanted = {key.handler for _, key in session.lanes.views()}
    foreign = _FOREIGN.setdefault(flow, {})
    for name in wanted - flow.handlers.keys() - foreign.keys():
        foreign[name] = _is_known(flow, name)
    here = flow.handlers.keys() | {name for name, is_there in foreign.items() if is_there}
    return Asker(WORKER, WORKER, WORKER, Offer(frozenset(here), queues), flow.settings.slots, own_slots=True)


def _is_known(flow: TaskFlow, handler: str) -> bool:
    """Say whether anything installed brings this handler."""
    try:
        flow.handler(handler)
    except NotFoundError:
        return False
    return True


def ground(flow: TaskFlow, state: DeviceState, queues: frozenset[str] | None = None) -> Ground:
    """Return the ground that an isolated flow is judged on."""
    return Ground(_asker(flow, queues), View(device=state), 1, moment(flow.clock, WORKER))


class Motor:
    """Drives the engine for one drain."""

    def __init__(self, flow: TaskFlow, device: ScriptedDevice, queues: str | Iterable[str] | None) -> None:
        self._flow, self._device = flow, device
        named = (queues,) if isinstance(queues, str) else queues
        self._queues = None
        if named is not None:
            with flow.store.read() as session:
                self._queues = frozenset(resolve.known_queue(session, name) for name in named)
        with flow.store.write() as session:
            session.schedules.set_boot(WORKER)  # no computer starts anew within a test
        self._memory = Memory()
        self._rng = ids.seeded_rng(SEED, "settle")

    def turn(self) -> Turn:
        """Promote what is due, judge, and claim one task if any may start."""
        flow, asker = self._flow, _asker(self._flow, self._queues)
        until = flow.clock.awake_ms() + LEASE_MS
        with flow.store.write() as session:
            tick = cycle.tick(
                session, asker, View(device=self._device.state), self._memory, (_CHILD,),
                lease_until=until, moment=self._moment,
            )  # fmt: skip
            start = self._next_start(session, tick.opens_at)
            return Turn(tick.claims[0] if tick.claims else None, tick.again, start)

    def _next_start(self, session: Session, opens_at: int | None) -> int | None:
        """Return when the next task may become ready, have room under its rate, be in its window, or meet another
        device.

        What expires is not waited for, nor what comes due in queues that are not served.
        """
        coming = session.alarms.next(self._moment)
        is_ours = self._queues is None or session.tasks.waits_in(self._queues)
        rate_at = None if coming.rate_in is None else self._flow.clock.now_ms() + coming.rate_in
        change_at = self._device.next_change if session.lanes.ask_device() else None
        times = (coming.due if is_ours else None, rate_at, opens_at, change_at, coming.relax)
        return min((at for at in times if at is not None), default=None)

    @property
    def _moment(self) -> Moment:
        return moment(self._flow.clock, WORKER)

    def begin(self, claim: Claim) -> RunKey:
        """Note that user code begins."""
        key = _key(claim)
        with self._flow.store.write() as session:
            settling.begun(session, key, self._moment)
        return key

    def refuse(self, claim: Claim) -> None:
        """Put a task back that has not begun."""
        self.end(_key(claim), Released(Reason.SHUTDOWN, started=False))

    def report(self, key: RunKey, fraction: float | None, message: str) -> None:
        """Keep a progress report."""
        with self._flow.store.write() as session:
            session.tasks.report(key.seq, key.run, fraction, message)

    def checkpoint(self, key: RunKey, data: object) -> None:
        """Keep a checkpoint."""
        with self._flow.store.write() as session:
            settling.checkpoint(session, key.seq, key.run, payloads.dump(data, "the checkpoint"))

    def is_cancelled(self, key: RunKey) -> bool:
        """Say whether somebody wants this run cancelled."""
        with self._flow.store.read() as session:
            return any((seq, run) == (key.seq, key.run) for seq, run, _ in session.tasks.cancel_requests(WORKER))

    def end(self, key: RunKey, outcome: Outcome) -> TaskView:
        """Record how a run ended and return the task as it then stands."""
        with self._flow.store.write() as session:
            try:
                with session.savepoint():
                    self._settle(session, key, outcome)
            except (BgoError, ValueError, TypeError, OverflowError) as error:
                if isinstance(error, (StoreError, StoreBusyError)):
                    raise
                problem = TaskError("UnrecordableOutcome", f"{type(error).__name__}: {error}")
                self._settle(session, key, Rejected(problem))
            task = session.tasks.find_seq(key.seq)
            if task is None:
                raise AssertionError("a task that ran was removed from the store meanwhile")
            view = query.view_of(session, task)
        if view.state is State.SUCCEEDED:
            remove_workdir(self._flow.settings.work_dir, view.id)
        return view

    def hand_back(self, key: RunKey) -> None:
        """Put a run back that the test itself has interrupted."""
        self.end(key, Released(Reason.SHUTDOWN))

    def _settle(self, session: Session, key: RunKey, outcome: Outcome) -> None:
        settling.settle(session, key, outcome, self._moment, self._rng)

    def left(self, limit: int) -> list[TaskView]:
        """Return what still waits, in the order of enqueueing, each with its holds."""
        here = ground(self._flow, self._device.state, self._queues)
        with self._flow.store.read() as session:
            found = [
                query.view_of(session, task, explain.holds(session, task, here), now=here.now)
                for task in islice(query.all_tasks(session, Selector(states=WAITING)), limit)
            ]
        return [view for view in found[::-1] if not view.is_final]


def _key(claim: Claim) -> RunKey:
    return RunKey(claim.task.seq, claim.task.run, WORKER)

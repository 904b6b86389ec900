"""What a worker asks of the store: whether there is work, whose cancel is wanted, what waits and what holds it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from bgo.clock import Moment, moment
from bgo.engine import cycle, platform
from bgo.engine.cycle import Asker, Look, Memory
from bgo.errors import StoreBusyError, StoreError
from bgo.model.device import DeviceState, View
from bgo.model.state import CLAIMABLE, State
from bgo.policy.gates import view_hold
from bgo.run.bench import Bench
from bgo.run.report import RunReport
from bgo.store.port import Session, Store

BUSY_MS = 250
"""How long a store that was busy is left alone."""
BUSY_TRIES = 3
AT_HAND = 500
"""Ready tasks of a chain or batch that is to be executed here, of which so many are looked at."""


class Questions:
    """The reads of one worker; nothing here writes."""

    def __init__(self, bench: Bench, asker: Asker) -> None:
        self._bench = bench
        self._asker = asker
        self._memory = Memory()
        self._store: Store = bench.open_store()
        self._asks_device = False
        self._sensed: DeviceState | None = None
        self._began_at = bench.clock.now_ms()
        self._has_looked = False
        """Whether what this worker was told of the device is written down."""

    def seqs(self, task_ids: frozenset[str]) -> frozenset[int]:
        """Return the seqs of these tasks; of a chain or batch those of its tasks that are ready now."""
        with self._store.read() as session:
            found = [task for task_id in task_ids if (task := session.tasks.find(task_id)) is not None]
            own = {task.seq for task in found if task.kind == "task"}
            return frozenset(own.union(*(session.flows.ready_under(t.seq, AT_HAND) for t in found if t.kind != "task")))

    def come_back(self, task_ids: frozenset[str]) -> bool:
        """Say whether any of these tasks, or of these chains' and batches', waits for its time: a retry, or a delay."""
        with self._store.read() as session:
            found = [task for task_id in task_ids if (task := session.tasks.find(task_id)) is not None]
            if any(task.state in CLAIMABLE and not task.ready for task in found):
                return True
            return any(session.flows.next_due_under(task.seq) is not None for task in found if task.kind != "task")

    def has_more(self) -> bool:
        """Say whether there is more for us to come: work that waits for its time, or for a slot another worker has."""
        with self._store.read() as session:
            queues = self._asker.offer.queues
            if session.tasks.next_due() is not None if queues is None else session.tasks.waits_in(queues):
                return True
            if session.lanes.wait_for_rate(queues):
                return True  # a rate lifts by itself, as a delay does
            view, offer, now = self.view(session), self._asker.offer, self._bench.clock.now_ms()
            return any(view_hold(key, view, offer, now) is None for _, key in session.lanes.views())

    def data_version(self) -> int:
        """Return a number that changes when somebody else commits."""
        return self._store.data_version()

    def sense_ahead(self) -> None:
        """Read the device for the transaction to come, if waiting work has asked for it: sensors may take a second."""
        self._sensed = self._bench.sense() if self._asks_device else None

    def view(self, session: Session) -> View:
        """Return the view to judge under; the device is read only when waiting work asks something of it."""
        sensed, self._sensed = self._sensed, None
        self._asks_device = self._bench.profile.remembers or session.lanes.ask_device()
        device = (sensed or self._bench.sense()) if self._asks_device else DeviceState()
        return self._view(session, device)

    def _view(self, session: Session, device: DeviceState) -> View:
        """Return the view of a device that says this. How long facts have been so, and what was said before, counts
        until it is written down.
        """
        bench, now, keeper = self._bench, self._bench.clock.now_ms(), self._memory.keeper
        if self._has_looked:
            return platform.view(session, bench.profile, device, now, keeper)
        said = bench.facts
        if said.since_ms or said.firm:
            said = replace(said, since_ms=said.since_ms + now - self._began_at)
        return platform.view(session, bench.profile, device, now, keeper, facts=said, before=bench.before)

    def seen(self, device: DeviceState) -> View:
        """Return the view of a device that says this; what its rules remember is left out where no store answers.

        What is new is remembered: else each look would count from itself for how long that has been so.
        """
        with suppress(StoreBusyError, StoreError):
            with self._store.read() as session:
                view = self._view(session, device)
                if not (view.profile.remembers and platform.is_news(session, view, self._memory.keeper)):
                    return view
            with self._store.write() as session:
                view = self._view(session, device)
                platform.remember(session, view, self._memory.keeper)
                return view
        return View(self._bench.profile, device)

    @property
    def moment(self) -> Moment:
        """This instant, by the wall and by this boot."""
        return moment(self._bench.clock, self._asker.boot_id)

    def look(self, free: int, only: frozenset[int] | None) -> Look:
        """Read whether there is anything to do."""
        self.sense_ahead()
        with self._store.read() as session:
            view = self.view(session)
            return cycle.look(session, self._asker, view, self._memory, free, self.moment, only=only)

    def know(self, handlers: frozenset[str]) -> bool:
        """Take note of the handlers there are now; returns whether that changed."""
        if self._asker.offer.handlers == handlers:
            return False
        self._asker = replace(self._asker, offer=replace(self._asker.offer, handlers=handlers))
        return True

    def cancel_requests(self) -> list[tuple[int, int]]:
        """Return (seq, run) of our runs that somebody wants cancelled."""
        with self._store.read() as session:
            return [(seq, run) for seq, run, _ in session.tasks.cancel_requests(self._asker.worker)]

    def held(self) -> set[tuple[int, int]]:
        """Return (seq, run) of our runs that a pause stops."""
        with self._store.read() as session:
            return session.leases.stopped(self._asker.worker)

    def waiting(self, now: int) -> tuple[int, int, int | None, dict[str, int]]:
        """Return how many tasks wait for a retry, for their delay, the next due time, and held ones by gate."""
        with self._store.read() as session:
            return cycle.waiting(session, self._asker, self.view(session), now)

    def complete(self, report: RunReport) -> None:
        """Write down what waits; a store that is busy is asked again, one that fails leaves the report as it is."""
        for _ in range(BUSY_TRIES):
            try:
                waiting = self.waiting(self._bench.clock.now_ms())
            except StoreBusyError:
                self._bench.clock.sleep_ms(BUSY_MS)
            except StoreError:
                return
            else:
                report.retrying, report.delayed, report.next_due, report.held = waiting
                return

    def standing(self) -> tuple[int, int | None]:
        """Return how many tasks wait for a start, and when the next of them is due or the next schedule fires."""
        with self._store.read() as session:
            counts, alarms = session.tasks.counts(), session.alarms.next(self.moment)
        times = [at for at in (alarms.due, alarms.fire) if at is not None]
        return counts.get(State.QUEUED, 0) + counts.get(State.RETRYING, 0), min(times, default=None)

    def tail_waits(self) -> bool:
        """Say whether the history has something that nobody has told."""
        from bgo.run import tail

        with self._store.read() as session:
            return tail.waits(session)

"""Watch: the statuses of one task, or of all tasks of a name, from how they stand now on.

What happened between two looks is read from the history, so no change of state is missed however fast it passed; only
progress is told as it is found. A name costs a look by what has changed, not by how many tasks wait under it.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush

from bgo.engine import query
from bgo.engine.expire import as_shown
from bgo.engine.waiting import is_over
from bgo.model.query import Selector
from bgo.model.state import ACTIVE, FINAL, Event, Reason, State
from bgo.model.statuses import Status, TaskQueued, TaskRunning, status_of, status_then
from bgo.model.task import HistoryEntry, Task
from bgo.model.views import TaskView
from bgo.store.port import Session

NEVER = 1 << 62
_EVENTS = frozenset(Event)


@dataclass(slots=True)
class _Seen:
    """What was told of an unfinished task: its last status, and the last run that was told of."""

    status: Status
    run: int


class Watch:
    """Tells what changed since the last look. One transaction is one look: its parts must agree with each other."""

    def __init__(self, session: Session, now: int, *, task: Task | None = None, name: str = "") -> None:
        self._id = None if task is None else task.id
        self._name = name
        self._entry = session.records.last()
        self._seq = session.tasks.next_seq() - 1
        self._seen: dict[str, _Seen] = {}
        self._running: set[str] = set()
        """Those of them that were told to run: should one vanish without a word in the history, it is looked for."""
        self._expiries: list[tuple[int, str]] = []
        self._told: list[Status] = []
        for found in self._unfinished(session, now) if task is None else (task,):
            self._show(session, found, now)

    @property
    def is_over(self) -> bool:
        """Say whether nothing can come any more: the one task has ended, or is gone."""
        return self._id is not None and not self._seen

    @property
    def next_expiry(self) -> int:
        """Return when the next of these tasks ends without a commit, because its time to begin is over."""
        return self._expiries[0][0] if self._expiries else NEVER

    def take(self) -> list[Status]:
        """Return what was found and not yet taken, in the order in which it can be told."""
        told, self._told = self._told, []
        return told

    def look(self, session: Session, now: int) -> None:
        """Find what has changed since the last look."""
        for task in self._fresh(session):
            self._tell(TaskQueued(task_id=task.id, name=task.name), 0)
            self._note_expiry(task)
        while page := session.records.after(self._entry, query.PAGE):
            for entry in page:
                if self.is_over:  # a revive that came after the end is not told
                    return
                self._entry = entry.seq
                if entry.task_id == self._id or (self._id is None and entry.name == self._name):
                    self._replay(session, entry)
        for task_id in self._stirring(session, now):
            found = session.tasks.find(task_id)
            if found is None:
                self._forget(task_id)  # pruned: then it had ended
            elif task_id in self._seen or found.state is State.RUNNING:
                self._show(session, found, now)

    def _unfinished(self, session: Session, now: int) -> list[Task]:
        wanted = Selector(names=(self._name,), states=tuple(sorted(ACTIVE)), kinds=())
        return [task for task in query.all_tasks(session, wanted) if not is_over(task, now)][::-1]

    def _fresh(self, session: Session) -> list[Task]:
        """Return the tasks that were enqueued since the last look, oldest first."""
        fresh: list[Task] = []
        last, before = session.tasks.next_seq() - 1, None
        while self._id is None and (most := min(query.PAGE, last - self._seq - len(fresh))) > 0:
            page = session.tasks.select(Selector(names=(self._name,), kinds=()), limit=most, before=before)
            fresh += (task for task in page if task.seq > self._seq)
            if len(page) < most or page[-1].seq <= self._seq:
                break
            before = page[-1].seq
        self._seq = last
        return fresh[::-1]

    def _stirring(self, session: Session, now: int) -> list[str]:
        """Return the tasks whose rows may say more than the history: the one, or those that run, ran or expired."""
        if self._id is not None:
            self._expiries.clear()  # it is shown each time, and noted again
            return [] if self.is_over else [self._id]
        running = query.all_tasks(session, Selector(states=(State.RUNNING,), kinds=()))
        found = [task.id for task in running if task.name == self._name][::-1]
        found += self._running
        while self.next_expiry <= now:
            found.append(heappop(self._expiries)[1])
        return list(dict.fromkeys(found))

    def _replay(self, session: Session, entry: HistoryEntry) -> None:
        """Tell what an entry says; a run that began and ended between two looks began first."""
        seen, state = self._seen.get(entry.task_id), State(entry.state)
        if seen is None and state in FINAL and not _is_end(entry):
            return
        if entry.event == Event.BEGIN:
            return  # a chain or batch may begin now; it runs when something in it does
        if state is State.RUNNING:
            if seen is None or not isinstance(seen.status, TaskRunning):
                self._tell(TaskRunning(task_id=entry.task_id, name=entry.name), entry.run)
            return
        if entry.worker is not None and (seen is None or entry.run > seen.run):
            self._tell(TaskRunning(task_id=entry.task_id, name=entry.name), entry.run)
        task = session.tasks.find(entry.task_id)
        next_at, output = entry.at, None
        if state is State.RETRYING:
            next_at = _retry_at(session, entry, task)
        elif state is State.SUCCEEDED and task is not None:
            output = query.view_of(session, task).output
        self._tell(status_then(entry, next_at=next_at, output=output), entry.run)
        if task is not None and state not in FINAL:
            self._note_expiry(task)

    def _show(self, session: Session, task: Task, now: int) -> None:
        """Tell how a task stands. Payloads are opened only for an end."""
        shown = as_shown(task, now)
        is_opened = shown.state in FINAL or task.kind != "task"
        view = query.view_of(session, shown) if is_opened else TaskView(shown, None, None, None, None)
        self._tell(status_of(view), task.run)
        self._note_expiry(task)

    def _tell(self, status: Status, run: int) -> None:
        seen = self._seen.get(status.task_id)
        if seen is None or seen.status != status:
            self._told.append(status)
        self._forget(status.task_id)
        if not status.is_final:
            self._seen[status.task_id] = _Seen(status, run)
        if isinstance(status, TaskRunning):
            self._running.add(status.task_id)

    def _forget(self, task_id: str) -> None:
        self._seen.pop(task_id, None)
        self._running.discard(task_id)

    def _note_expiry(self, task: Task) -> None:
        if task.id in self._seen and task.expires_at is not None and task.state is not State.RUNNING:
            heappush(self._expiries, (task.expires_at, task.id))


def _is_end(entry: HistoryEntry) -> bool:
    """Say whether an entry ended a task that nothing was told of, as one that came into sight late; others are words
    about tasks that had ended before. An expiry is told when it is true, which is before anybody records it."""
    return entry.event in _EVENTS and entry.reason != Reason.EXPIRED


def _retry_at(session: Session, entry: HistoryEntry, task: Task | None) -> int:
    """Return when the try after this entry is due, or, when it has long been over, when it began."""
    if task is not None and task.run <= entry.run + 1:
        return task.due_at
    later = (e.started_at for e in session.records.of_task(entry.task_id) if e.run == entry.run + 1)
    return next((at for at in later if at is not None), entry.at)

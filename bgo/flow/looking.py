"""The verbs that read: status, tasks, history, explain, logs, what a monitor shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from bgo.clock import from_datetime
from bgo.errors import NotFoundError, UsageError
from bgo.flow.listing import select
from bgo.flow.loops import refuse_on_loop
from bgo.flow.profiled import Profiled
from bgo.ids import looks_like_id
from bgo.model.state import FINAL, State

if TYPE_CHECKING:
    from bgo.devices.sensors import Row
    from bgo.engine.explain import Ground
    from bgo.engine.monitor import Change, Snapshot
    from bgo.engine.query import Overview
    from bgo.engine.standing import Standing
    from bgo.flow.monitoring import Monitor
    from bgo.model.device import DeviceChange, DeviceState, Facts
    from bgo.model.profile import Profile
    from bgo.model.query import Pause, QueueRow, Selector
    from bgo.model.task import HistoryEntry, Task
    from bgo.model.views import Explanation, GateLine, TaskView


def _state(word: str) -> State:
    if word not in set(State):
        raise UsageError(f"no state {word!r:.40}", why=f"a state is one of {', '.join(State)}", hint="status='failed'")
    return State(word)


def _may_ask_device(task: Task) -> bool:
    """Say whether what holds a task may be the device; of a chain or a batch that is a matter of its members."""
    return task.state not in FINAL and (task.kind != "task" or not task.wish.constraints.is_empty)


class Looking(Profiled):
    """The verbs that read. They take the time of a read, and wait for a commit of another thread of this program."""

    def get_status(self, id_or_name: str) -> TaskView | None:
        """Return the task with this id (or unique beginning of one), or the newest task of this name; else None."""
        if looks_like_id(id_or_name) or id_or_name.startswith("@"):
            try:
                return self.get(id_or_name)
            except NotFoundError:
                return None
        found = self.tasks(select(names=(id_or_name,), kinds=()), limit=1)
        return found[0] if found else None

    def usual_ms(self, name: str) -> int | None:
        """Return the median duration of the last successes under a name, None when there was none."""
        with self.store.read() as session:
            return session.records.median_ms(name, 101)

    def get(self, task_id: str) -> TaskView:
        """Return a task with the holds of a plain `bgo run` now. Raises NotFoundError and AmbiguousError."""
        from bgo.engine import explain, query, resolve

        with self.store.read() as session:
            asks = self.profile.remembers or _may_ask_device(resolve.task(session, task_id))
        ground = self._ground(asks=asks)
        with self.store.read() as session:
            task = resolve.task(session, task_id)
            holds = explain.holds(session, task, ground)
            return query.view_of(session, task, holds, now=ground.now)

    def get_history(
        self,
        name: str | None = None,
        *,
        limit: int = 20,
        status: str | None = None,
        since_date: datetime | None = None,
    ) -> list[HistoryEntry]:
        """Return ended runs, newest first: of one name, with one resulting state, since a date."""
        selector = select(
            names=() if name is None else (name,),
            states=() if status is None else (_state(status),),
            since=None if since_date is None else from_datetime(since_date),
        )
        return self.history(selector, limit=limit)

    def history(self, selector: Selector, *, limit: int = 20, runs_only: bool = True) -> list[HistoryEntry]:
        """Return history entries of matching tasks, newest first; `runs_only=False` adds events between runs."""
        from bgo.engine import query

        with self.store.read() as session:
            return query.history(session, selector, limit=limit, runs_only=runs_only)

    def overview(self) -> Overview:
        """Return counts by state, the next due time and the number of living workers."""
        from dataclasses import replace

        from bgo.engine import query

        with self.store.read() as session:
            found = query.overview(session, self.clock.now_ms())
        return replace(found, workers=self.workers())

    def workers(self) -> int:
        """Return how many workers live on this store now."""
        from bgo.run.liveness import living

        return len(living(self.settings.run_dir))

    def explain(self, task_id: str, device: Facts | DeviceState | None = None) -> Explanation:
        """Return every gate of a task as a plain `bgo run` would judge it now, and the time waited by reason."""
        from dataclasses import replace

        from bgo.engine import explain, query, resolve

        ground = self._ground(device)
        with self.store.read() as session:
            found = explain.explain(session, resolve.task(session, task_id), ground)
            if found.task.kind != "task":
                return replace(found, task=query.view_of(session, found.task).task)
        return replace(found, gates=tuple(self._with_conflict(line, found.task.handler) for line in found.gates))

    def _with_conflict(self, line: GateLine, handler: str) -> GateLine:
        """Tell of a handler that two bring, and that therefore does not count, who they are."""
        if line.hold is None or line.hold.gate != "handler" or handler not in (missing := self.missing()):
            return line
        from dataclasses import replace

        hold = replace(line.hold, current=missing[handler], lift="bgo plugins list; then plugins.overrides, or rename")
        return replace(line, current=hold.current, hold=hold)

    def explain_all(self, device: Facts | DeviceState | None = None, *, limit: int = 50) -> Standing:
        """Return what waits for what: unfinished tasks in groups that share every gate, and schedules; so many each."""
        from bgo.engine.standing import standing

        ground = self._ground(device)
        with self.store.read() as session:
            return standing(session, ground, limit)

    def sensing(
        self, said: Facts | DeviceState | None = None, profile: Profile | None = None
    ) -> Callable[[], DeviceState]:
        """Return how the device is read: what is said of it first, then BGO_DEVICE, else its sensors, at last what a
        profile (default: the one in force) says of a device of which nobody says anything.
        """
        from bgo import compose
        from bgo.model.device import facts_of

        return compose.sensing(self.settings, self._survey, facts_of(said), self.clock, profile or self.profile)

    def said_before(self, said: Facts) -> tuple[DeviceChange, ...]:
        """Return what the device said until now, where a script tells it, and rules that remember ask."""
        from bgo import compose

        return compose.past(self.settings, self._survey, said, self.clock, self.profile)

    def device(self, said: Facts | DeviceState | None = None) -> list[Row]:
        """Return each signal of the device as a worker would read it now, with its source; what a sensor was asked for
        also has its latency.
        """
        from bgo.devices.sensors.survey import Taken

        state, now = self.sensing(said)(), self.clock.awake_ms()
        taken = [found for survey in self._sensors.values() if (found := survey.last) is not None]
        latency = {name: ms for found in taken for name, ms in found.latency_ms.items()}
        return Taken(state, latency, max((found.read_ms for found in taken), default=now)).rows(now)

    def _ground(self, device: Facts | DeviceState | None = None, *, asks: bool = True) -> Ground:
        """Return where we stand; without `asks` nothing that is looked at depends on the device."""
        from bgo.flow.ground import ground
        from bgo.model.device import DeviceState, facts_of

        sense = self.sensing(device) if asks else DeviceState
        found = ground(self.settings, self.catalogue, self.clock, sense, self.profile)
        remembers = found.view.profile.remembers or found.view.device.battery.percent is not None
        is_there = self.settings.store_path.exists()
        if not (asks and remembers and (is_there or found.view.profile.remembers)):
            return found
        from dataclasses import replace

        from bgo.engine import platform
        from bgo.store.sqlite import SqliteStore

        with (self.store if is_there else SqliteStore(None)).read() as session:
            view, facts = found.view, facts_of(device)
            seen = platform.view(
                session, view.profile, view.device, found.now,
                facts=facts, before=self.said_before(facts),
            )  # fmt: skip
            return replace(found, view=seen)

    def queues(self) -> list[QueueRow]:
        """Return the queues with what stands in them."""
        with self.store.read() as session:
            return session.queues.rows()

    def pauses(self) -> list[Pause]:
        """Return what is paused."""
        with self.store.read() as session:
            return session.pauses.list()

    def logs(self, task_id: str, run: int | None = None) -> bytes:
        """Return what a run printed (the last run that printed anything, when none is named).

        Raises NotFoundError for a run that the task has not had.
        """
        from bgo.flow.logs import read

        return read(self, task_id, run)

    def follow_logs(self, task_id: str, run: int | None = None, *, poll_ms: int = 100) -> Iterator[bytes]:
        """Yield what a task prints as it comes, over all its coming runs; ends when the task (or that run) has."""
        from bgo.flow.logs import ON_LOOP, follow

        refuse_on_loop("flow.follow_logs", ON_LOOP)
        return follow(self, task_id, run, poll_ms)

    def snapshot(self, selector: Selector | None = None, *, rows: int = 20) -> Snapshot:
        """Return the store as a monitor shows it: counts, queues, running tasks, holds, recent endings."""
        from bgo.engine.monitor import snapshot

        ground = self._ground()
        with self.store.read() as session:
            return snapshot(session, selector or select(), ground, rows)

    def changes(self, selector: Selector | None = None, poll_ms: int = 125) -> Iterator[Change]:
        """Yield what happens from now on, as it happens; ends when all that the selector names, by id or as
        the chain or batch whose members it is about, has ended."""
        from bgo.flow.waiting import ON_LOOP, changes

        refuse_on_loop("flow.changes", ON_LOOP)
        return changes(self, selector or select(), poll_ms)

    def monitor_execution(self, task_id: str) -> Monitor:
        """Return the statuses of one task, for `for` and `async for`: the present one, then each change.

        Ends after a final status, at once when the task has ended before, and quietly when it is pruned meanwhile.
        Every change of state is told; progress is told as it is found. Raises NotFoundError and AmbiguousError.
        """
        from bgo.flow.monitoring import monitor_execution

        return monitor_execution(self, task_id)

    def monitor(self, name: str) -> Monitor:
        """Return the statuses of all tasks of a name, for `for` and `async for`, until it is closed.

        These are the tasks that are unfinished now, and those that are enqueued, or revived, from now on: of each
        first how it stands, then each change as in `monitor_execution`. The call reads all that are unfinished, some
        15 ms a thousand: on an event loop, of very many, `await asyncio.to_thread(flow.monitor, name)`.
        """
        from bgo.flow.monitoring import monitor

        return monitor(self, name)

"""TaskFlow: the library's door. One thin method per verb; everything the command line does goes through here.

A program keeps its flow at the top level of a module, so that the children that run its tasks can import it:

    flow = bgo.TaskFlow()

    @flow.task
    def sync_data(ctx, user_id: str): ...

    sync_data.enqueue(user_id="123")
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, Unpack

from bgo import compose
from bgo.clock import Clock, SystemClock, from_datetime
from bgo.config import Flags, Settings
from bgo.config import load as load_settings
from bgo.errors import NotFoundError, TaskFailedError, UnknownCommitError
from bgo.ids import looks_like_id, new_id, quick_rng
from bgo.model.state import Reason, State
from bgo.options import EnqueueOptions, to_request

if TYPE_CHECKING:
    from bgo.engine.explain import Ground
    from bgo.engine.monitor import Change, Snapshot
    from bgo.engine.query import Overview
    from bgo.engine.spec import Request
    from bgo.engine.standing import Standing
    from bgo.hooks.defaults import HandlerOptions
    from bgo.hooks.handler import Handler
    from bgo.hooks.settings import LoadReport
    from bgo.hooks.task import TaskHandler
    from bgo.model.device import Reading
    from bgo.model.handler import Catalogue, HandlerInfo
    from bgo.model.query import CancelReply, Pause, QueueRow, Retention, Selector
    from bgo.model.task import HistoryEntry, TaskSpec
    from bgo.model.views import Explanation, TaskView
    from bgo.run.bench import RunOptions
    from bgo.run.report import Listener, RunReport
    from bgo.run.simulator import SimOptions, Timeline
    from bgo.store.port import Session
    from bgo.store.sqlite import SqliteStore

P = ParamSpec("P")
R = TypeVar("R")
BULK = 1_000
"""Tasks that `enqueue_many` inserts per transaction."""


class TaskFlow:
    """A store, the handlers a program brings, and every verb on them.

    Making one opens nothing; the store is opened at first use. Safe to use from several threads; after a fork, make
    a new one.
    """

    def __init__(
        self, *, store: str | Path | None = None, settings: Settings | None = None, clock: Clock | None = None
    ) -> None:
        if settings is None:
            settings = load_settings(Flags(store=None if store is None else str(store)))
        self.settings = settings
        self.clock = clock or SystemClock()
        self.handlers: dict[str, Handler] = {}
        """The handlers this program registered, by name."""
        self._home = _caller()
        self._rng = quick_rng()
        self._lock = RLock()
        self._open: SqliteStore | None = None
        self._remembered: frozenset[str] = frozenset()

    # Opening and closing.

    @property
    def store(self) -> SqliteStore:
        """The open store; opened (and made, or migrated) at the first look."""
        with self._lock:
            if self._open is None:
                self._open = compose.open_store(self.settings)
            return self._open

    def initialize(self) -> TaskFlow:
        """Open the store and make this program's handlers known to workers. Harmless when repeated."""
        _ = self.store
        self._remember()
        return self

    def close(self) -> None:
        """Close the store; the next use opens it again."""
        with self._lock:
            if self._open is not None:
                self._open.close()
                self._open = None

    def __enter__(self) -> TaskFlow:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Handlers.

    def register_handler(self, name: str, fn: Callable[..., Any], **defaults: Unpack[HandlerOptions]) -> None:
        """Make `fn` the handler called `name`. Raises UsageError for functions a child process could not import."""
        from bgo.hooks.registry import as_handler
        from bgo.model.handler import Source

        home = self._home
        source = Source("flow", home.target(self), home.path)
        self.handlers[name] = as_handler(name, fn, defaults, source, home.origin)

    def task(self, name: Any = None, /, **defaults: Unpack[HandlerOptions]) -> Any:
        """Decorate a function as a handler of this flow, as `@flow.task` or `@flow.task("name", timeout="quick")`."""
        from bgo.hooks.task import make_task

        def adopt(fn: Callable[P, R]) -> TaskHandler[P, R]:
            made = make_task(fn, name if isinstance(name, str) else None, defaults)
            self.register_handler(made.info.name, made)
            made.enqueue = lambda **input: self.enqueue(made.info.name, input)
            return made

        return adopt(name) if callable(name) else adopt

    def catalogue(self) -> Catalogue:
        """Return every handler that workers know, by name."""
        from bgo.hooks import catalogue

        self._remember()
        return catalogue.load(compose.plugin_settings(self.settings), self.settings.cache_dir)

    def plugins(self) -> tuple[LoadReport, ...]:
        """Return what became of each plugin."""
        from bgo.hooks import catalogue

        return catalogue.look(compose.plugin_settings(self.settings), self.settings.cache_dir).reports

    def handler(self, name: str) -> HandlerInfo:
        """Return what is known of a handler. Raises NotFoundError with the nearest names."""
        from bgo.hooks import catalogue

        where = (compose.plugin_settings(self.settings), self.settings.cache_dir)
        own = {n: h.info for n, h in self.handlers.items()}
        info = catalogue.find(name, *where, extra=own)
        if info is None:
            raise catalogue.not_found(name, *where, extra=own)
        return info

    def _remember(self) -> None:
        """Write down this program's handlers, once their flow has a name to be imported by."""
        names = frozenset(self.handlers)
        if names and names != self._remembered:
            from dataclasses import replace

            from bgo.hooks.catalogue import remember_flow

            target = self._home.target(self)
            infos = [h.info for h in self.handlers.values()]
            infos = [replace(i, source=replace(i.source, target=target)) for i in infos]
            remember_flow(infos, self.settings.cache_dir)
            self._remembered = names

    # Enqueue.

    def enqueue(self, name: str, input: Mapping[str, Any] | None = None, **options: Unpack[EnqueueOptions]) -> str:
        """Queue one task and return its id; when this returns, the task is durably kept.

        Raises UsageError for what does not fit, NotFoundError for unknown handlers and queues, StoreError and
        StoreBusyError when it could not be written (then nothing was).
        """
        return self.submit(self._spec(name, input or {}, options))

    def enqueue_many(
        self, name: str, inputs: Iterable[Mapping[str, Any]], **options: Unpack[EnqueueOptions]
    ) -> list[str]:
        """Queue one task per input, a thousand a transaction, and return their ids in order.

        Each thousand is kept whole or not at all; when an error is raised, earlier thousands stay.
        """
        ids: list[str] = []
        page: list[TaskSpec] = []
        from bgo.engine.spec import Draw, again

        request, info = self._request(name, {}, options), self._info(name, options)
        like: TaskSpec | None = None
        for item in inputs:
            if like is None:
                spec = like = self._build(request, item, info)
            else:
                spec = again(like, item, info, Draw(new_id(self._rng), self._rng.random()))
            page.append(spec)
            if len(page) == BULK:
                ids += self._insert(page)
                page = []
        return ids + self._insert(page) if page else ids

    def submit(self, spec: TaskSpec) -> str:
        """Insert a spec that was built before."""
        return self._insert([spec])[0]

    def spec_of(self, request: Request, info: HandlerInfo | None = None, *, allow_unknown: bool = False) -> TaskSpec:
        """Return the spec of a request, under this flow's settings; `info` saves looking its handler up again."""
        if info is None:
            info = self._info(request.handler, {"allow_unknown": allow_unknown})
        return self._build(request, request.input, info)

    def plan(self, name: str, input: Mapping[str, Any] | None = None, **options: Unpack[EnqueueOptions]) -> Explanation:
        """Return how the gates of such a task stand now; nothing is written."""
        return self.plan_spec(self._spec(name, input or {}, options))

    def plan_spec(self, spec: TaskSpec, charging: Reading | None = None) -> Explanation:
        """Return how the gates of this spec's task would stand now; nothing is written."""
        from bgo.engine import resolve
        from bgo.engine.enqueue import enqueue
        from bgo.engine.explain import explain
        from bgo.store.sqlite import SqliteStore

        class Undo(Exception):
            """Takes the insert back."""

        store = self.store if self.settings.store_path.exists() else SqliteStore(None)
        try:
            with store.write() as session:
                for name, queue in self.settings.queues.items():
                    session.queues.ensure(name, queue.weight, queue.reserve)
                self._check_queue(session, spec.queue)
                enqueue(session, [spec], self.clock.now_ms())
                found = explain(session, resolve.task(session, spec.id), self._ground(session, charging))
                raise Undo
        except Undo:
            return found

    def _request(self, name: str, input: Mapping[str, Any], options: EnqueueOptions) -> Request:
        return to_request(name, input, options, self.clock)

    def _info(self, name: str, options: EnqueueOptions) -> HandlerInfo | None:
        try:
            return self.handler(name)
        except NotFoundError:
            if options.get("allow_unknown"):
                return None
            raise

    def _spec(self, name: str, input: Mapping[str, Any], options: EnqueueOptions) -> TaskSpec:
        return self._build(self._request(name, input, options), input, self._info(name, options))

    def _build(self, request: Request, input: Mapping[str, Any], info: HandlerInfo | None) -> TaskSpec:
        from dataclasses import replace

        from bgo.engine.spec import Draw, build
        from bgo.model import specs

        if input is not request.input:
            request = replace(request, input=input)
        draw = Draw(new_id(self._rng), self._rng.random())
        return build(request, info, specs.timeout(self.settings.default_timeout), draw)

    def _insert(self, page: Sequence[TaskSpec]) -> list[str]:
        from bgo.engine.enqueue import enqueue
        from bgo.run.wake import ring

        self._remember()
        try:
            with self.store.write() as session:
                for queue in {spec.queue for spec in page}:
                    self._check_queue(session, queue)
                enqueue(session, page, self.clock.now_ms())
        except UnknownCommitError:
            self.close()
            with self.store.read() as session:  # the ids are ours: look whether the commit arrived
                if session.tasks.find(page[0].id) is None:
                    raise
        ring(self.settings.run_dir)
        return [spec.id for spec in page]

    def _check_queue(self, session: Session, name: str) -> None:
        from bgo.engine.resolve import known_queue

        known_queue(session, name)

    # Looking.

    def get_status(self, id_or_name: str) -> TaskView | None:
        """Return the task with this id (or unique beginning of one), or the newest task of this name; else None."""
        if looks_like_id(id_or_name) or id_or_name.startswith("@"):
            try:
                return self.get(id_or_name)
            except NotFoundError:
                return None
        found = self.tasks(_select(names=(id_or_name,)), limit=1)
        return found[0] if found else None

    def get(self, task_id: str) -> TaskView:
        """Return a task with the holds of a plain `bgo run` now. Raises NotFoundError and AmbiguousError."""
        from bgo.engine import explain, query, resolve

        with self.store.read() as session:
            task = resolve.task(session, task_id)
            holds = explain.holds(session, task, self._ground(session))
            return query.view_of(session, task, holds)

    def tasks(self, selector: Selector | None = None, limit: int = 50) -> list[TaskView]:
        """Return matching tasks, newest first."""
        from bgo.engine import query

        with self.store.read() as session:
            found = query.tasks(session, selector or _select(match_all=True), limit)
            return [query.view_of(session, task) for task in found]

    def get_all_tasks(self) -> list[TaskView]:
        """Return every task, newest first."""
        return self.tasks(limit=sys.maxsize)

    def get_tasks_by_tag(self, tag: str) -> list[TaskView]:
        """Return every task with this tag, newest first."""
        return self.tasks(_select(tags=(tag,)), limit=sys.maxsize)

    def get_history(
        self,
        name: str | None = None,
        *,
        limit: int = 20,
        status: str | None = None,
        since_date: datetime | None = None,
    ) -> list[HistoryEntry]:
        """Return ended runs, newest first: of one name, with one resulting state, since a date."""
        selector = _select(
            names=() if name is None else (name,),
            states=() if status is None else (State(status),),
            since=None if since_date is None else from_datetime(since_date),
        )
        return self.history(selector, limit=limit)

    def history(self, selector: Selector, *, limit: int = 20, runs_only: bool = True) -> list[HistoryEntry]:
        """Return history entries of matching tasks, newest first; `runs_only=False` adds events between runs."""
        from bgo.engine import query

        with self.store.read() as session:
            return query.history(session, selector, limit=limit, runs_only=runs_only)

    def count(self, selector: Selector, *, limit: int = sys.maxsize) -> int:
        """Return how many tasks match, counting no further than `limit`."""
        from itertools import islice

        from bgo.engine import query

        with self.store.read() as session:
            return sum(1 for _ in islice(query.all_tasks(session, selector), limit))

    def overview(self) -> Overview:
        """Return counts by state, the next due time and the number of living workers."""
        from dataclasses import replace

        from bgo.engine import query

        with self.store.read() as session:
            found = query.overview(session)
        return replace(found, workers=self.workers())

    def workers(self) -> int:
        """Return how many workers live on this store now."""
        from bgo.run.liveness import living

        return len(living(self.settings.run_dir))

    def explain(self, task_id: str, charging: Reading | None = None) -> Explanation:
        """Return every gate of a task as a plain `bgo run` would judge it now, and the time waited by reason."""
        from bgo.engine import explain, resolve

        with self.store.read() as session:
            return explain.explain(session, resolve.task(session, task_id), self._ground(session, charging))

    def explain_all(self, charging: Reading | None = None, *, limit: int = 50) -> Standing:
        """Return what waits for what: unfinished tasks in groups that share every gate, at most `limit` groups."""
        from bgo.engine.standing import standing

        with self.store.read() as session:
            return standing(session, self._ground(session, charging), limit)

    def _ground(self, session: Session, charging: Reading | None = None) -> Ground:
        from bgo.ground import ground

        return ground(self.settings, self.catalogue, session, self.clock, charging)

    def queues(self) -> list[QueueRow]:
        """Return the queues with what stands in them."""
        with self.store.read() as session:
            return session.queues.rows()

    def add_queue(self, name: str, *, weight: float = 1.0, reserve: int = 0) -> None:
        """Make a queue: `weight` is its share of the starts, `reserve` the slots kept free for it."""
        from bgo.changing import add_queue

        add_queue(self, name, weight, reserve)

    def pauses(self) -> list[Pause]:
        """Return what is paused."""
        with self.store.read() as session:
            return session.lanes.pauses()

    def logs(self, task_id: str, run: int | None = None) -> bytes:
        """Return what a run printed (the last run that printed anything, when none is named).

        Raises NotFoundError for a run that the task has not had.
        """
        from bgo.logs import read

        return read(self, task_id, run)

    def follow_logs(self, task_id: str, run: int | None = None, *, poll_ms: int = 100) -> Iterator[bytes]:
        """Yield what a task prints as it comes, over all its coming runs; ends when the task (or that run) has."""
        from bgo.logs import follow

        return follow(self, task_id, run, poll_ms)

    def snapshot(self, selector: Selector | None = None, *, rows: int = 20) -> Snapshot:
        """Return the store as a monitor shows it: counts, queues, running tasks, holds, recent endings."""
        from bgo.engine.monitor import snapshot

        with self.store.read() as session:
            return snapshot(session, selector or _select(), self._ground(session), rows)

    def changes(self, selector: Selector | None = None, poll_ms: int = 125) -> Iterator[Change]:
        """Yield what happens from now on, as it happens; ends when all tasks that the selector names by id have."""
        from bgo.waiting import changes

        return changes(self, selector or _select(), poll_ms)

    # Waiting.

    def wait(self, task_id: str, timeout: float | None = None) -> Any:
        """Wait for a task to end and return its output.

        Raises TaskFailedError with the task's error when it fails or is cancelled, WaitTimeoutError after `timeout`
        seconds. Waiting executes nothing: a worker must run somewhere.
        """
        view = self.wait_for([task_id], timeout=timeout)[0]
        if view.state is State.SUCCEEDED:
            return view.output
        error = view.error
        raise TaskFailedError(
            f"task {view.id} {view.state}" + (f": {error.type}: {error.message}" if error else ""),
            why=f"reason: {view.task.reason}",
            hint=f"bgo history --all-events {view.id}; bgo logs {view.id}",
        )

    def wait_for(
        self,
        task_ids: Sequence[str],
        *,
        timeout: float | None = None,
        on_change: Callable[[list[TaskView]], None] | None = None,
        on_wait: Callable[[int], None] | None = None,
    ) -> list[TaskView]:
        """Wait until all these tasks have ended and return them.

        `on_change` sees them after every commit; `on_wait` hears, many times a second, the milliseconds waited.
        """
        from bgo.waiting import wait_for

        return wait_for(self, task_ids, timeout, (on_change, on_wait))

    # Changing.

    def cancel(self, name: str) -> list[CancelReply]:
        """Cancel every task of this name that has not ended."""
        return self.cancel_where(_select(names=(name,)), Reason.USER)

    def cancel_execution(self, task_id: str) -> CancelReply:
        """Cancel one task."""
        return self.cancel_where(_select(ids=(task_id,)), Reason.USER)[0]

    def cancel_by_tag(self, tag: str) -> list[CancelReply]:
        """Cancel every task with this tag that has not ended."""
        return self.cancel_where(_select(tags=(tag,)), Reason.TAG)

    def cancel_all(self) -> list[CancelReply]:
        """Cancel everything that has not ended."""
        return self.cancel_where(_select(match_all=True), Reason.ALL)

    def cancel_where(self, selector: Selector, reason: Reason) -> list[CancelReply]:
        """Cancel matching tasks, in steps of some hundred; ended ones are named only when asked for by id."""
        from bgo.changing import cancel_where

        return cancel_where(self, selector, reason)

    def retry_where(self, selector: Selector, input: Mapping[str, Any] | None = None) -> list[str]:
        """Revive failed and cancelled tasks, due now, with their attempts counted afresh; return their ids.

        Raises RefusedError when a task named by id is in no state to be retried; then none is.
        """
        from bgo.changing import retry_where

        return retry_where(self, selector, input)

    def pause(self, *, name: str | None = None, queue: str | None = None) -> int:
        """Start no more tasks of a name or a queue, present and future; running ones go on."""
        from bgo.changing import set_paused

        return set_paused(self, name, queue, paused=True)

    def resume(self, *, name: str | None = None, queue: str | None = None) -> int:
        """Undo a pause."""
        from bgo.changing import set_paused

        return set_paused(self, name, queue, paused=False)

    def prune(self, retention: Retention | None = None, *, dry_run: bool = False) -> int:
        """Remove ended tasks beyond retention with their logs; return how many went (or would go)."""
        from bgo.changing import prune

        return prune(self, retention or self.settings.retention, dry_run=dry_run)

    def request_like(self, task_id: str) -> Request:
        """Return the request that would enqueue a copy of a task."""
        from bgo.changing import request_like

        return request_like(self, task_id)

    # Running.

    def run(
        self,
        options: RunOptions | None = None,
        *,
        charging: Reading | None = None,
        listener: Listener | None = None,
    ) -> RunReport:
        """Execute what is due, in child processes, until the options say it is enough (default: nothing is left)."""
        from bgo.run.bench import RunOptions
        from bgo.run.worker import Worker

        options = options or RunOptions()
        bench = compose.bench(self.settings, compose.sensing(self.clock, charging), self.catalogue)
        with self.store.read() as session:
            for queue in sorted(options.queues or ()):
                self._check_queue(session, queue)
        return Worker(bench, options, listener or (lambda _: None)).run()

    def run_here(
        self,
        task_id: str,
        *,
        listener: Listener | None = None,
        on_wait: Callable[[TaskView], None] | None = None,
    ) -> tuple[TaskView, str]:
        """Execute one task in this process's worker, its retries too, until it has ended or something holds it.

        Returns the task as it then is, and the signal that ended it early ("" when none did). `on_wait` sees the task
        whenever it waits for its time or for another worker.
        """
        from bgo.here import run_here

        return run_here(self, task_id, listener, on_wait)

    def simulate(self, options: SimOptions) -> Timeline:
        """Play the store as it is now into the future, in memory and without executing anything."""
        from bgo.run.simulator import simulate

        compose.check_profile(self.settings)
        return simulate(self.store, self.catalogue(), self.settings.slots, options)


class _Home:
    """Where a flow was made: the module whose top level should hold it."""

    def __init__(self, module: str, file: str | None) -> None:
        self.module = module
        self.file = file

    @property
    def path(self) -> str:
        """Return the directory to import from; for a script, the script."""
        if self.file is None:
            return ""
        file = Path(self.file).resolve()
        return str(file) if self.module == "__main__" else str(file.parents[self.module.count(".")])

    @property
    def origin(self) -> str:
        return self.file or self.module

    def target(self, flow: TaskFlow) -> str:
        """Return `module:attr`; the attribute is found once the module has assigned it."""
        for name, value in vars(sys.modules.get(self.module, object)).items():
            if value is flow:
                return f"{self.module}:{name}"
        return f"{self.module}:flow"


def _select(**fields: Any) -> Selector:
    from bgo.model.query import Selector  # enqueue selects nothing

    return Selector(**fields)


def _caller() -> _Home:
    frame = sys._getframe(2)
    return _Home(frame.f_globals.get("__name__", "__main__"), frame.f_globals.get("__file__"))

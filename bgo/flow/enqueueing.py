"""The verbs that bring work in: enqueue, in ones and thousands, and the plan that writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, Unpack

from bgo.errors import NotFoundError, UnknownCommitError
from bgo.flow.looking import Looking
from bgo.flow.options import EnqueueOptions, to_request
from bgo.ids import new_id

if TYPE_CHECKING:
    from os import PathLike

    from bgo.engine.spec import Request
    from bgo.flow.batching import Batch
    from bgo.flow.chaining import ChainBuilder
    from bgo.hooks.defaults import HandlerOptions
    from bgo.hooks.task import TaskHandler
    from bgo.model.device import DeviceState
    from bgo.model.handler import HandlerInfo
    from bgo.model.task import Enqueued, TaskSpec
    from bgo.model.views import Explanation


P = ParamSpec("P")
R = TypeVar("R")
BULK = 1_000
"""Tasks that `enqueue_many` inserts per transaction."""


class Enqueueing(Looking):
    """The verbs that bring work in."""

    def task(self, name: Any = None, /, **defaults: Unpack[HandlerOptions]) -> Any:
        """Decorate a function as a handler of this flow, as `@flow.task` or `@flow.task("name", timeout="quick")`."""
        from bgo.hooks.task import make_task

        def adopt(fn: Callable[P, R]) -> TaskHandler[P, R]:
            made = make_task(fn, name if isinstance(name, str) else None, defaults)
            made.layers = self.layers
            self.register_handler(made.info.name, made)
            made.enqueue = lambda **input: self.enqueue(made.info.name, input)
            return made

        return adopt(name) if callable(name) else adopt

    def enqueue(self, name: str, input: Mapping[str, Any] | None = None, **options: Unpack[EnqueueOptions]) -> str:
        """Queue one task and return its id; when this returns, the task is durably kept. Takes a commit's time.

        A task that another stands in for (dedup, unique) is not inserted: then the id is that other one's.

        Raises UsageError for what does not fit, NotFoundError for unknown handlers and queues, StoreError and
        StoreBusyError when it could not be written (then nothing was).
        """
        return self.submit(self._spec(name, input or {}, options)).id

    def enqueue_many(
        self, name: str, inputs: Iterable[Mapping[str, Any]], **options: Unpack[EnqueueOptions]
    ) -> list[str]:
        """Queue one task per input, a thousand a transaction, and return their ids in order. Takes a commit's time for
        each, and tens of milliseconds of work.

        Each thousand is kept whole or not at all; when an error is raised, earlier thousands stay.
        """
        ids: list[str] = []
        page: list[TaskSpec] = []
        from bgo.engine.spec import Draw, again

        request, info = self._request(name, {}, options), self._info(name, options)
        like: TaskSpec | None = None
        rng = self._rng
        for item in inputs:
            if like is None:
                spec = like = self._build(request, item, info)
            else:
                spec = again(like, item, info, Draw(new_id(rng), rng.random()))
            page.append(spec)
            if len(page) == BULK:
                ids += [made.id for made in self._insert(page)]
                page = []
        return ids + [made.id for made in self._insert(page)]

    def chain(self, name: str) -> ChainBuilder:
        """Begin a chain: `.then("a").then_all(["b", "c"]).enqueue(input=…)`; nothing is written before that."""
        from bgo.flow.chaining import ChainBuilder
        from bgo.model.options import check_name

        return ChainBuilder(self, check_name(name, "chain"))

    def chain_file(self, path: str | PathLike[str], name: str | None = None) -> ChainBuilder:
        """Return the chain that a TOML file describes, ready for `.enqueue(input=…)`; `name` wins over the file's own.

        Raises UsageError for what does not fit and NotFoundError for an unknown handler, each with FILE:LINE.
        """
        from bgo.flow.chain_file import load

        return load(self, path, name)

    def batch(
        self,
        name: str,
        items: Iterable[Any] | None = None,
        *,
        handler: str | Callable[..., Any] | None = None,
        chain: ChainBuilder | None = None,
        then: str | Callable[..., object] | None = None,
        catch: str | Callable[..., object] | None = None,
        finally_: str | Callable[..., object] | None = None,
        input: Mapping[str, Any] | None = None,
        field: str | None = None,
        open: bool = False,
        **options: Unpack[EnqueueOptions],
    ) -> Batch:
        """Queue a task for each item, as one unit, and return the handle on it; when this returns, all is durably kept.

        Items are streamed: any number in constant memory, visible whole or not at all. One that is an object is the
        input, another is `{field: item}` (default: `item`, or the one field the handler needs), with `input` beneath.
        `handler` is a name, or a function that is registered under the batch's name; the default is a handler of that
        name; `chain` makes a chain of each item instead. `open` lets more items come in later. Callbacks that are
        handler names are durable tasks, callables run when this process waits.
        """
        from bgo.flow.batching import make_batch
        from bgo.model.options import check_name

        return make_batch(
            self,
            check_name(name, "batch"),
            items,
            handler=handler,
            chain=chain,
            callbacks={"then": then, "catch": catch, "finally": finally_},
            input=input,
            field=field,
            is_open=open,
            options=options,
        )

    def get_batch(self, batch_id: str) -> Batch:
        """Return the handle on a batch that is there. Raises NotFoundError, and RefusedError for what is no batch."""
        from bgo.errors import RefusedError
        from bgo.flow.batching import Batch

        view = self.get(batch_id)
        if view.task.kind != "batch":
            raise RefusedError(f"{view.id} is no batch", why=f"it is a {view.task.kind}", hint="bgo batches lists them")
        return Batch(self, view.id)

    def submit(self, spec: TaskSpec) -> Enqueued:
        """Insert a spec that was built before; return the task that came of it, or that stands in for it."""
        return self._insert([spec])[0]

    def spec_of(self, request: Request, info: HandlerInfo | None = None, *, allow_unknown: bool = False) -> TaskSpec:
        """Return the spec of a request, under this flow's settings; `info` saves looking its handler up again."""
        if info is None:
            info = self._info(request.handler, {"allow_unknown": allow_unknown})
        return self._build(request, request.input, info)

    def plan(self, name: str, input: Mapping[str, Any] | None = None, **options: Unpack[EnqueueOptions]) -> Explanation:
        """Return how the gates of such a task stand now; nothing is written."""
        return self.plan_spec(self._spec(name, input or {}, options))

    def plan_spec(self, spec: TaskSpec, device: DeviceState | None = None) -> Explanation:
        """Return how the gates of this spec's task would stand now; nothing is written."""
        from dataclasses import replace

        from bgo import compose
        from bgo.engine import resolve
        from bgo.engine.enqueue import enqueue
        from bgo.engine.explain import explain
        from bgo.store.sqlite import SqliteStore

        class Undo(Exception):
            """Takes the insert back."""

        ground = self._ground(device)
        store = self.store if self.settings.store_path.exists() else SqliteStore(None)
        try:
            with store.write() as session:
                compose.configure(session, self.settings)
                self._check_queue(session, spec.queue)
                (made,) = enqueue(session, [spec], ground.now)
                if made.outcome != "new":  # what would have become of it without the one that stands in for it
                    alone = replace(spec, dedup_key=None, after=(), wish=replace(spec.wish, unique=None))
                    enqueue(session, [alone], ground.now)
                found = explain(session, resolve.task(session, spec.id), ground)
                if made.outcome != "new":
                    found = replace(found, verdict=f"{made.outcome}: {made.id} stands in for it")
                raise Undo
        except Undo:
            return found

    def _request(self, name: str, input: Mapping[str, Any], options: EnqueueOptions) -> Request:
        return to_request(name, input, options, self.clock, self.settings.windows)

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
        if request.window is None and info is not None and info.defaults.window is not None:
            from bgo.flow.windows import of_handler

            request = replace(request, window=of_handler(info.defaults, self.settings.windows))
        draw = Draw(new_id(self._rng), self._rng.random(), self.clock.now_ms())
        return build(request, info, specs.timeout(self.settings.default_timeout), draw)

    def _insert(self, page: Sequence[TaskSpec]) -> list[Enqueued]:
        from bgo.engine.enqueue import enqueue
        from bgo.run.wake import ring

        if not page:
            return []
        self._check_plugins()
        self._remember()
        if self.settings.profile != "host":
            from bgo.flow.fitting import refuse  # a computer takes all work

            refuse(self, page)
        found: list[Enqueued] = []
        try:
            with self.store.write() as session:
                for queue in {spec.queue for spec in page}:
                    self._check_queue(session, queue)
                found = enqueue(session, page, self.clock.now_ms())
        except UnknownCommitError:
            self.close()
            if not self._has_arrived(found):
                raise
        ring(self.settings.run_dir)
        return found

    def _has_arrived(self, found: Sequence[Enqueued]) -> bool:
        """Say whether a commit came through whose answer was lost: the ids of what is new in it are ours alone.

        Where nothing is new, others stand in for all of it: that is true without the commit.
        """
        new = next((made.id for made in found if made.outcome == "new"), None)
        if new is None:
            return bool(found)
        with self.store.read() as session:
            return session.tasks.find(new) is not None

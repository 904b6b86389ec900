"""Batches as a program makes them, and the handle on one: callbacks, more items, progress, results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, overload

from bgo.errors import TaskFailedError, UsageError
from bgo.flow import members
from bgo.flow.items import as_items, field_of
from bgo.model import payload
from bgo.model.flow import BatchPlan
from bgo.model.state import State

if TYPE_CHECKING:
    from bgo.flow.chaining import ChainBuilder
    from bgo.flow.running import Running
    from bgo.model.handler import HandlerInfo
    from bgo.model.task import TaskSpec
    from bgo.model.views import TaskView

    class Whole(Running):  # what a flow is, as far as a batch needs it
        ...


Callback = str | Callable[..., object]
PAGE = 500


def make_batch(
    flow: Any,
    name: str,
    items: Iterable[Any] | None,
    *,
    handler: str | Callable[..., Any] | None,
    chain: ChainBuilder | None,
    callbacks: Mapping[str, Callback | None],
    input: Mapping[str, Any] | None,
    field: str | None,
    is_open: bool,
    options: Mapping[str, Any],
) -> Batch:
    """Queue a batch and return the handle on it."""
    from bgo.flow.entering import Entry, enter_batch

    entry, info, field = entry_of(
        flow, name, handler=handler, chain=chain, callbacks=callbacks, input=input, field=field, options=options
    )
    entry = Entry(entry.spec, entry.plan, is_open)
    made = enter_batch(flow, entry, as_items(items or (), field, info, {} if input is None else input))
    batch = Batch(flow, made.id, made.outcome)
    for kind, call in callbacks.items():
        if callable(call):
            batch._calls[kind] = call
    return batch


def entry_of(
    flow: Any,
    name: str,
    *,
    handler: str | Callable[..., Any] | None,
    chain: ChainBuilder | None,
    callbacks: Mapping[str, Callback | None],
    input: Mapping[str, Any] | None,
    field: str | None,
    options: Mapping[str, Any],
) -> tuple[Any, HandlerInfo | None, str]:
    """Return what is to come in, what is known of its handler, and the field of plain items; nothing is written."""
    from bgo.engine.spec import Draw, whole
    from bgo.flow.entering import Entry
    from bgo.ids import new_id

    if chain is not None and handler is not None:
        raise UsageError(
            "a batch has a handler or a chain", why="both say what an item becomes", hint="give one of them"
        )
    if callable(handler):
        if name not in flow.handlers:
            flow._bring(name, handler, {}, late=True)
        handler = name
    each, said = members.split(options)
    request = members.whole_request(flow, name, input or {}, said)
    node = whole(request, Draw(new_id(flow._rng), 0.0, flow.clock.now_ms()))
    common = {**each, "tags": tuple(request.tags)}
    if request.queue is not None:
        common["queue"] = request.queue
    info: HandlerInfo | None = None
    template, built = None, None
    if chain is not None:
        built = chain.spec({}, is_part=True, **each)
        built = replace(built, spec=replace(built.spec, id=""))
    else:
        template, info = members.template(flow, handler or name, {}, {}, common)
        if handler is not None and handler != name and "as_" not in common:
            template = replace(template, name=name)
        template = replace(
            template, due_at=node.due_at, wish=replace(template.wish, start_before=node.wish.start_before)
        )
        _check_hours(template, each, flow.clock.now_ms())
    called = {kind: callback_of(flow, call) for kind, call in callbacks.items() if isinstance(call, str)}
    field = field or field_of(info)
    plan = BatchPlan(template=template, chain=built, callbacks=called, field_=field)
    spec = replace(node, wish=replace(node.wish, start_before=None), dedup_key=None)
    return Entry(spec, plan), info, field


def _check_hours(template: TaskSpec, each: Mapping[str, Any], now: int) -> None:
    """Refuse a window that opens too late for what is said of the whole, and a zone that nothing is read by."""
    from bgo.engine import deadlines

    if template.wish.window is None:
        members.check_idle_hours(each)
    deadlines.check_window(template.wish, template.due_at, now)


def callback_of(flow: Any, handler: str) -> TaskSpec:
    """Return the task that follows a batch, as a template: a handler of this name, which gets the counts."""
    return members.template(flow, handler, {}, {}, {})[0]


class Batch:
    """A batch that was enqueued: `flow.batch("photos", items=photos).then("notify").wait()`.

    Callbacks given as handler names are durable tasks; callables run in this process, when it waits.
    """

    def __init__(self, flow: Any, batch_id: str, outcome: str = "new") -> None:
        self._flow = flow
        self.id = batch_id
        self.outcome = outcome
        """`new`, or `deduplicated` or `kept`: then the id is that of the batch that stands in for it."""
        self._calls: dict[str, Callable[..., object]] = {}

    def __repr__(self) -> str:
        return f"<batch {self.id}>"

    def then(self, call: Callback) -> Self:
        """Call this when all members have succeeded: a handler's name, or a callable that gets the results."""
        return self._on("then", call)

    def catch(self, call: Callback) -> Self:
        """Call this, once, when a member has finally failed or was cancelled: a callable gets the error."""
        return self._on("catch", call)

    def finally_(self, call: Callback) -> Self:
        """Call this in the end, whatever came of it, after the others."""
        return self._on("finally", call)

    def _on(self, kind: str, call: Callback) -> Self:
        if isinstance(call, str):
            from bgo.engine import batch as batches
            from bgo.engine import resolve
            from bgo.run.wake import ring

            template = callback_of(self._flow, call)
            with self._flow.store.write() as session:
                node = resolve.task(session, self.id)
                batches.set_callback(session, node, kind, template, self._flow.clock.now_ms())
            ring(self._flow.settings.run_dir)
        else:
            self._calls[kind] = call
        return self

    def add(self, items: Iterable[Any]) -> int:
        """Bring more items into an open batch, all or none; return how many there were."""
        from bgo.engine import inputs, resolve
        from bgo.flow.entering import enter_more
        from bgo.flow.steering import known

        with self._flow.store.read() as session:
            node = resolve.task(session, self.id)
            flow = session.flows.find(node.seq)
            plan = BatchPlan() if flow is None else inputs.batch_plan(session, flow)
            base = None if node.input_ref is None else payload.load(session.payloads.get(node.input_ref))
        info = None if plan.template is None else known(self._flow, plan.template.handler)
        return enter_more(self._flow, node.id, as_items(items, plan.field_, info, base or {}))

    def close(self) -> bool:
        """Let no more items come in; say whether that was news."""
        from bgo.engine import batch as batches
        from bgo.engine import resolve
        from bgo.run.wake import ring

        with self._flow.store.write() as session:
            news = batches.close(session, resolve.task(session, self.id), self._flow.clock.now_ms())
        ring(self._flow.settings.run_dir)
        return news

    @property
    def status(self) -> TaskView:
        """How it stands now, with its counts and its share as progress."""
        view: TaskView = self._flow.get(self.id)
        return view

    def wait(self, timeout: float | None = None) -> Mapping[str, int]:
        """Wait for its end, call the callables that were given, and return the counts.

        Raises TaskFailedError when a member failed or was cancelled and no callable took the error, and
        WaitTimeoutError after `timeout` seconds.
        """
        view = self._flow.wait_for([self.id], timeout=timeout)[0]
        error = None if view.state is State.SUCCEEDED else _error(view)
        try:
            if error is None and "then" in self._calls:
                self._calls["then"](self.results)
            elif error is not None and "catch" in self._calls:
                self._calls["catch"](error)
            elif error is not None:
                raise error
        finally:
            if "finally" in self._calls:
                self._calls["finally"]()
        return dict(view.counts or {})

    def cancel(self) -> None:
        """Cancel what has not ended."""
        self._flow.cancel_execution(self.id)

    @property
    def results(self) -> Results:
        """The members in the order of their items, read page by page."""
        return Results(self._flow, self.id)


def _error(view: TaskView) -> TaskFailedError:
    said = f": {view.error.message}" if view.error else ""
    return TaskFailedError(
        f"batch {view.id} ({view.task.name}) {view.state}{said}",
        why=f"reason: {view.task.reason}",
        hint=f"bgo batches show {view.id}; bgo retry {view.id}",
    )


class Results(Sequence["TaskView"]):
    """The members of a batch as a sequence that is read page by page: `len(results)`, `for view in results: …`."""

    def __init__(self, flow: Any, batch_id: str) -> None:
        self._flow, self._id = flow, batch_id

    def __len__(self) -> int:
        return int((self._flow.get(self._id).counts or {}).get("total", 0))

    def __iter__(self) -> Iterator[TaskView]:
        after: str | None = None
        while page := self._flow.batch_results(self._id, after=after, limit=PAGE):
            yield from page
            after = page[-1].id

    @overload
    def __getitem__(self, index: int) -> TaskView: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[TaskView]: ...
    def __getitem__(self, index: int | slice) -> TaskView | Sequence[TaskView]:
        from itertools import islice

        if isinstance(index, slice):
            return list(self)[index]
        at = index if index >= 0 else len(self) + index
        found = next(islice(iter(self), at, None), None) if at >= 0 else None
        if found is None:
            raise IndexError("no such item")
        return found

"""Perform: one handler, once, with an input, and without a store."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypedDict, Unpack, overload

from bgo import ids
from bgo.api import TaskFlow
from bgo.clock import Clock
from bgo.errors import UsageError
from bgo.hooks import signature
from bgo.hooks.handler import Handler
from bgo.hooks.task import TaskHandler
from bgo.model import payload as payloads
from bgo.model import specs
from bgo.model.handler import HandlerInfo, Source
from bgo.model.options import Duration, TaskTimeout
from bgo.model.task import INPUT_LIMIT
from bgo.policy.schema import check_input
from bgo.run.wire import StartFrame
from bgo.testing.clock import ManualClock
from bgo.testing.inline import Caller, Performed, handler_of

Input = Mapping[str, Any] | None


class Setting(TypedDict, total=False):
    """What `perform` may say of the run, beside the input; everything has a default."""

    attempt: int
    run: int
    tags: Iterable[str]
    restored: Any
    """What an earlier run's checkpoint had kept."""
    timeout: TaskTimeout | Duration
    """The default is the handler's, else the configuration's."""
    argv: Iterable[str]
    env: Mapping[str, str]
    workdir: str | Path
    """The default is a directory that is gone afterwards."""
    cancelled: bool
    """A cancel was asked for before it began."""
    soft_timed_out: bool
    clock: Clock
    raise_errors: bool
    """Raise what the handler raises, instead of returning it as an outcome."""


@overload
def perform(
    target: TaskFlow, name: str | TaskHandler[Any, Any], input: Input = None, /, **setting: Unpack[Setting]
) -> Performed: ...
@overload
def perform(
    target: TaskHandler[Any, Any] | Callable[..., Any], input: Input = None, /, **setting: Unpack[Setting]
) -> Performed: ...
def perform(target: Any, /, *args: Any, **setting: Unpack[Setting]) -> Performed:
    """Call a handler once as a child process would, and return how that ended: `perform(flow, "sync_data", {…})`.

    In place of a flow and a name it takes a decorated handler or a plain function. No store is read or written.
    Raises UsageError for an input that `enqueue` would refuse, and NotFoundError for an unknown name.
    """
    if isinstance(target, TaskFlow):
        name, data = (*args, None)[:2]
        handler = handler_of(target, name.info.name if isinstance(name, TaskHandler) else name)
        clock, default = target.clock, specs.timeout(target.settings.default_timeout)
    else:
        (data,) = (*args, None)[:1]
        handler, clock, default = _handler(target), ManualClock(), TaskTimeout.MODERATE
    told = setting.get("cancelled", False), setting.get("soft_timed_out", False)
    clock = setting.get("clock", clock)
    with tempfile.TemporaryDirectory(prefix="bgo-test-") as folder, Caller() as caller:
        start = _start(handler.info, data or {}, setting, default, folder)
        done = caller.call(handler, start, clock, told=told)
    if setting.get("raise_errors"):
        done.raise_error()
    return done


def _handler(target: Any) -> Handler:
    """Return a function as a handler; one that is made inside a test will do, for no child has to import it."""
    if isinstance(target, TaskHandler):
        return target.handler.within(target.layers)
    if not callable(target):
        raise UsageError(
            f"perform what? {type(target).__name__} is no flow and no handler",
            why="it takes a flow and a name, a decorated handler, or a function",
            hint="perform(flow, 'sync_data', {'user_id': '123'})",
        )
    name = getattr(target, "__name__", type(target).__name__)
    shape = signature.read(target, name)
    source = Source("plugin", getattr(target, "__module__", None) or "")
    info = HandlerInfo(name, source, params=shape.params, accepts_extra=shape.accepts_extra)
    return Handler(info, target, shape.convert)


def _start(
    info: HandlerInfo, data: Mapping[str, Any], setting: Setting, default: TaskTimeout, folder: str
) -> StartFrame:
    check_input(info, data)
    timeout = setting.get("timeout", info.defaults.timeout or default)
    if not isinstance(timeout, TaskTimeout):
        timeout = TaskTimeout.hard_only(timeout)
    attempt = setting.get("attempt", 1)
    argv, env = setting.get("argv"), setting.get("env")
    return StartFrame(
        task_id=ids.new_id(ids.quick_rng()),
        run=setting.get("run", attempt),
        attempt=attempt,
        name=info.name,
        handler=info.name,
        source=info.source,
        input=payloads.load(payloads.dump_object(dict(data), "the input", INPUT_LIMIT)),
        argv=None if argv is None else list(argv),
        env=None if env is None else dict(env),
        cwd=os.getcwd(),
        tags=list(setting.get("tags", ())),
        soft_ms=timeout.soft_ms,
        hard_ms=timeout.hard_ms,
        restored=setting.get("restored"),
        chain={},
        workdir=os.path.join(setting.get("workdir", folder)),
    )

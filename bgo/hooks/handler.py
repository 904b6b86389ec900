"""The handler as a process holds it: its description together with the function, ready to be called with a task."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bgo.errors import UsageError
from bgo.hooks import signature
from bgo.hooks.defaults import defaults_from
from bgo.hooks.middleware import Layer
from bgo.model.handler import HandlerInfo, Source
from bgo.model.options import check_name
from bgo.policy.schema import check_input

SUMMARY_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Handler:
    """A handler with its code. Calling it with a context runs it; an `async def` handler returns a coroutine."""

    info: HandlerInfo
    fn: Callable[..., Any]
    convert: Mapping[str, signature.Convert] = field(default_factory=dict)
    layers: Sequence[Layer] = ()
    """The middleware of its flow: the flow's own list, which may still grow."""

    @property
    def is_async(self) -> bool:
        """Say whether the result must be awaited."""
        return inspect.iscoroutinefunction(inspect.unwrap(self.fn))

    def bind(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return the keyword arguments for an input, checked once more; raise UsageError when it does not fit.

        Keys that a typed handler does not know are left out: a chain's merge brings extras.
        """
        info = self.info
        if info.params is None:
            return {}
        check_input(info, data, extras="ignore")
        known = {param.name for param in info.params}
        found = {key: value for key, value in data.items() if info.accepts_extra or key in known}
        for key, convert in self.convert.items():
            if found.get(key) is not None:
                found[key] = convert(found[key])
        return found

    def __call__(self, ctx: Any) -> Any:
        """Run the handler with the context's input."""
        return self.fn(ctx, **self.bind(ctx.input))

    def with_source(self, source: Source, origin: str) -> Handler:
        """Return the same handler as something else brings it (a TaskFlow, a plugin)."""
        return replace(self, info=replace(self.info, source=source, origin=origin))

    def within(self, layers: Sequence[Layer]) -> Handler:
        """Return the same handler with a flow's middleware around it."""
        return replace(self, layers=layers)


def build(name: str, fn: Callable[..., Any], options: Mapping[str, Any], source: Source, origin: str = "") -> Handler:
    """Return a handler for a function; raise UsageError when a child could not import or call it."""
    check_name(name, "handler")
    check_importable(fn, name)
    shape = signature.read(fn, name)
    info = HandlerInfo(
        name=name,
        source=source,
        summary=_summary(fn),
        params=shape.params,
        accepts_extra=shape.accepts_extra,
        takes_argv=bool(options.get("takes_argv", False)),
        defaults=defaults_from(options),
        origin=origin,
    )
    return Handler(info, fn, shape.convert)


def check_importable(fn: Any, name: str) -> None:
    """Refuse what a child process cannot find by importing: closures, lambdas, bound methods, partials, generators."""
    qualname = getattr(fn, "__qualname__", None)
    module = getattr(fn, "__module__", None)
    why = ""
    if not callable(fn):
        why = f"{type(fn).__name__} is not a function"
    elif not isinstance(qualname, str) or not isinstance(module, str):
        why = f"a {type(fn).__name__} has no importable name"
    elif "<lambda>" in qualname:
        why = "a lambda has no name that a child process could import"
    elif "<locals>" in qualname:
        why = f"{qualname} is made inside a function; a child process cannot import it"
    elif inspect.ismethod(fn):
        why = f"{qualname} is bound to an object that lives in this process alone"
    elif inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn):
        why = f"{qualname} yields; a handler returns its result"
    if why:
        raise UsageError(
            f"cannot register {name!r}: {why}",
            why="handlers run in child processes, which import them by name",
            hint="move it to the top level of a module as def NAME(ctx, …)",
        )


def _summary(fn: Callable[..., Any]) -> str:
    lines = (inspect.getdoc(fn) or "").splitlines()
    return lines[0].strip()[:SUMMARY_LIMIT] if lines else ""

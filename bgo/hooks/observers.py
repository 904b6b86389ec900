"""Who hears what: found where plugins are loaded, kept in the catalogue, called in the observer process."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from bgo.errors import NotFoundError
from bgo.hooks import loading
from bgo.hooks.middleware import HOOK as MIDDLEWARE
from bgo.hooks.registry import implementations, is_flow, load_flow, load_middleware, load_plugin
from bgo.model.handler import Source
from bgo.model.hooks import HOOKS, SOFT_TIMEOUT


class Hook(NamedTuple):
    """A function that hears, and how it is called: a plugin's names what it wants to know, as pluggy has it."""

    fn: Callable[..., Any]
    by_name: bool = False

    def __call__(self, given: Mapping[str, Any]) -> Any:
        """Call it; an asynchronous one returns an awaitable."""
        if not self.by_name:
            return self.fn(*given.values())
        names = inspect.signature(self.fn).parameters
        return self.fn(**{name: value for name, value in given.items() if name in names})


def found_in(plugin: object) -> dict[str, int]:
    """Return what a plugin listens to, and how many functions it has for each; without calling any."""
    counts = {hook: len(_of_plugin(plugin, hook)) for hook in HOOKS}
    return {hook: count for hook, count in counts.items() if count}


def _of_plugin(plugin: object, hook: str) -> list[Hook]:
    """Return a plugin's own hooks, and those of the flows that were made in its module."""
    found = [Hook(fn, by_name=True) for fn in implementations(plugin, f"bgo_{hook}")]
    own = getattr(plugin, "__name__", None)
    for value in list(vars(plugin).values()) if isinstance(own, str) and hasattr(plugin, "__dict__") else []:
        if is_flow(value) and getattr(getattr(value, "_home", None), "module", None) == own:
            found += _of_flow(value, hook)
    return found


def _of_flow(flow: Any, hook: str) -> list[Hook]:
    hooks = getattr(flow, "hooks", None)
    return [Hook(fn) for fn in hooks.get(hook, ())] if isinstance(hooks, Mapping) else []


def has_middleware(plugin: object) -> bool:
    """Say whether a plugin brings middleware; without asking for it."""
    return bool(implementations(plugin, MIDDLEWARE))


def check_middleware(plugin: object) -> None:
    """Ask a plugin for its middleware; raise UsageError when it brings something else."""
    load_middleware(plugin)


def functions(source: Source, hook: str) -> Sequence[Hook]:
    """Return the functions with which a plugin, a flow, or a task's timeout hears of `hook`; loads their code."""
    if hook == SOFT_TIMEOUT:
        return [Hook(_named(source))]
    if source.kind == "flow":
        return _of_flow(load_flow(source), hook)
    return _of_plugin(load_plugin(source), hook)


def _named(source: Source) -> Callable[..., Any]:
    """Return the function at `module:name` of a program."""
    module, _, path = source.target.partition(":")
    found: Any = loading.load_flow_module(module, source.path)
    for name in path.split("."):
        found = getattr(found, name)
    if not callable(found):
        raise NotFoundError(f"{source.target} is no function", why=f"it is a {type(found).__name__}")
    fn: Callable[..., Any] = getattr(found, "fn", found)
    return fn

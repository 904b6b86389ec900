"""Who hears what: found where plugins are loaded, kept in the catalogue, called in the observer process."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bgo.errors import NotFoundError
from bgo.hooks import loading
from bgo.hooks.middleware import HOOK as MIDDLEWARE
from bgo.hooks.registry import implementations, load_flow, load_middleware, load_plugin
from bgo.model.handler import Source
from bgo.model.hooks import HOOKS, SOFT_TIMEOUT


def found_in(plugin: object) -> dict[str, int]:
    """Return what a plugin listens to, and how many functions it has for each; without calling any."""
    counts = {hook: len(implementations(plugin, f"bgo_{hook}")) for hook in HOOKS}
    return {hook: count for hook, count in counts.items() if count}


def has_middleware(plugin: object) -> bool:
    """Say whether a plugin brings middleware; without asking for it."""
    return bool(implementations(plugin, MIDDLEWARE))


def check_middleware(plugin: object) -> None:
    """Ask a plugin for its middleware; raise UsageError when it brings something else."""
    load_middleware(plugin)


def functions(source: Source, hook: str) -> Sequence[Callable[..., Any]]:
    """Return the functions with which a plugin, a flow, or a task's timeout hears of `hook`; loads their code."""
    if hook == SOFT_TIMEOUT:
        return [_named(source)]
    if source.kind == "flow":
        hooks = load_flow(source).hooks
        return list(hooks.get(hook, ())) if isinstance(hooks, Mapping) else []
    return implementations(load_plugin(source), f"bgo_{hook}")


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


def arguments(fn: Callable[..., Any], source: Source, given: Mapping[str, Any]) -> tuple[Sequence[Any], dict[str, Any]]:
    """Return what to call a function with: a plugin names those it wants, as pluggy has it; others take all."""
    if source.kind == "flow":
        return list(given.values()), {}
    names = inspect.signature(fn).parameters
    return (), {name: value for name, value in given.items() if name in names}

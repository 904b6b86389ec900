"""The registry of a process that runs handlers: from a name and a place to code, loading as little as it can.

`collect` is the door that every plugin goes through, built-in or foreign, here and in the manager.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Unpack

from bgo.errors import ConfigError, NotFoundError, UsageError
from bgo.hooks import loading, middleware
from bgo.hooks.defaults import HandlerOptions
from bgo.hooks.handler import Handler, build
from bgo.hooks.middleware import Layer, Layers
from bgo.hooks.settings import PluginSettings
from bgo.hooks.stamp import stamp
from bgo.hooks.task import TaskHandler
from bgo.model.handler import Source

if TYPE_CHECKING:
    from bgo.hooks.observers import Hook

HOOK = "bgo_register_handlers"


class Collector:
    """What a plugin's `bgo_register_handlers` is given as `register`."""

    def __init__(self, source: Source, origin: str) -> None:
        self.handlers: dict[str, Handler] = {}
        self._source = source
        self._origin = origin

    def __call__(self, name: str, fn: Callable[..., Any], /, **options: Unpack[HandlerOptions]) -> None:
        """Bring a function, or a `@task`, under a name; options given here win over the decorator's."""
        if name in self.handlers:
            raise UsageError(
                f"handler {name!r} is registered twice", why="one plugin brings it twice", hint="give one another name"
            )
        self.handlers[name] = as_handler(name, fn, options, self._source, self._origin)


def as_handler(name: str, fn: Any, options: Mapping[str, Any], source: Source, origin: str) -> Handler:
    """Return a plain function or a `@task` as a handler under `name`."""
    if isinstance(fn, TaskHandler):
        return build(name, fn.fn, {**fn.options, **options}, source, origin).within(fn.layers)
    return build(name, fn, options, source, origin)


def implementations(plugin: object, hook: str = HOOK) -> list[Callable[..., Any]]:
    """Return the functions with which a plugin implements a hook, without asking pluggy."""
    found = []
    for name in dir(plugin):
        candidate = getattr(plugin, name, None)
        options = getattr(candidate, "bgo_impl", None)
        if callable(candidate) and options is not None and (_option(options, "specname") or name) == hook:
            found.append(candidate)
    return found


def _option(options: Any, name: str) -> Any:
    return options.get(name) if isinstance(options, Mapping) else getattr(options, name, None)


def collect(plugin: object, source: Source, origin: str) -> dict[str, Handler]:
    """Return the handlers a plugin brings.

    With a `bgo_register_handlers` hook it decides itself; a module without one brings its `@task` functions and the
    handlers of its TaskFlow.
    """
    hooks = implementations(plugin)
    if hooks:
        register = Collector(source, origin)
        for hook in hooks:
            hook(register)
        return register.handlers
    return _declared(plugin, source, origin)


def _declared(module: object, source: Source, origin: str) -> dict[str, Handler]:
    found: dict[str, Handler] = {}
    own = getattr(module, "__name__", None)
    for value in list(vars(module).values()) if hasattr(module, "__dict__") else []:
        if isinstance(value, TaskHandler) and value.fn.__module__ == own:
            found[value.info.name] = value.handler.with_source(source, origin).within(value.layers)
        elif is_flow(value):
            for name, handler in _flow_handlers(value).items():
                found[name] = handler.with_source(source, origin)
    return found


def is_flow(value: object) -> bool:
    """Say whether something is a TaskFlow; its class is of a floor above."""
    return any(kind.__name__ == "TaskFlow" for kind in type(value).__mro__)


def _flow_handlers(flow: object) -> Mapping[str, Handler]:
    handlers, layers = getattr(flow, "handlers", None), getattr(flow, "layers", ())
    if not isinstance(handlers, Mapping):
        return {}
    return {name: handler.within(layers) for name, handler in handlers.items()}


class Registry:
    """Handlers by name and place, each place loaded once, when it is first asked for."""

    def __init__(self, settings: PluginSettings) -> None:
        self.settings = settings
        self._loaded: dict[Source, Mapping[str, Handler]] = {}
        self._single: dict[tuple[str, Source], Handler] = {}
        self._layers: dict[Source, Sequence[Layer]] = {}
        self._stamps: dict[str, tuple[int, int]] = {}

    @classmethod
    def for_child(cls, plugins: Mapping[str, Any]) -> Registry:
        """Return a child's registry from the worker's plugin settings as JSON; nothing is loaded yet."""
        return cls(PluginSettings.from_json(plugins))

    def resolve(self, name: str, source: Source) -> Handler:
        """Return the handler `name` that lives at `source`.

        Raises ConfigError when its code does not load, NotFoundError when the place no longer brings that name.
        """
        if source.kind == "entry":
            return self._entry(name, source)
        handlers = self._place(name, source)
        if name not in handlers and source.function:
            return self._late(name, source)
        if name not in handlers:
            raise NotFoundError(
                f"no handler {name!r} in {source.target}",
                why=f"it brings {', '.join(sorted(handlers)) or 'no handlers'}",
                hint="bgo handlers list",
            )
        return handlers[name]

    def middleware(self, sources: Sequence[Source]) -> Sequence[Layer]:
        """Return the middleware of these plugins, in this order; each is asked once, when a task first needs it.

        Raises ConfigError when one does not load: a task must not run without what stands around it.
        """
        return [layer for source in sources for layer in self._middleware(source)]

    def _middleware(self, source: Source) -> Sequence[Layer]:
        held = self._layers.get(source)
        if held is None:
            watch = loading.Watch()
            with loading.guarded(f"the middleware of {source.target}"):
                held = load_middleware(load_plugin(source))
            self._layers[source] = held
            self._remember(watch)
        return held

    def observers(self, source: Source, hook: str) -> Sequence[Hook]:
        """Return the functions that hear of a hook in this place; its code is loaded when it is first asked for."""
        from bgo.hooks.observers import functions

        watch = loading.Watch()
        with loading.guarded(f"the hooks of {source.target}"):
            found = functions(source, hook)
        self._remember(watch)
        return found

    def is_stale(self) -> bool:
        """Say whether a local file that came in with a handler or a middleware has changed since: then a fresh process
        is due."""
        return any(stamp(file) != seen for file, seen in self._stamps.items())

    def _entry(self, name: str, source: Source) -> Handler:
        held = self._single.get((name, source))
        if held is None:
            watch = loading.Watch()
            with loading.guarded(f"handler {name!r} ({source.target})"):
                held = as_handler(name, loading.load_target(source.target), {}, source, source.target)
            self._single[name, source] = held
            self._remember(watch)
        return held

    def _late(self, name: str, source: Source) -> Handler:
        """Return a handler that the flow lacks because its program brings it only when it makes a batch."""
        held = self._single.get((name, source))
        if held is None:
            watch = loading.Watch()
            with loading.guarded(f"handler {name!r} ({source.function})"):
                module, _, path = source.function.partition(":")
                found: Any = loading.load_flow_module(module, source.path)
                for part in path.split("."):
                    found = getattr(found, part)
                layers = getattr(load_flow(replace(source, function="")), "layers", ())
                held = as_handler(name, found, {}, source, source.function).within(layers)
            self._single[name, source] = held
            self._remember(watch)
        return held

    def _place(self, name: str, source: Source) -> Mapping[str, Handler]:
        held = self._loaded.get(source)
        if held is None:
            watch = loading.Watch()
            with loading.guarded(f"handler {name!r} ({source.target})"):
                held = load_place(source)
            self._loaded[source] = held
            self._remember(watch)
        return held

    def _remember(self, watch: loading.Watch) -> None:
        for file in watch.files():
            self._stamps.setdefault(file, stamp(file))


def load_place(source: Source, origin: str = "") -> Mapping[str, Handler]:
    """Load a plugin, a local file or a TaskFlow and return what it brings."""
    if source.kind == "flow":
        return _flow_handlers(load_flow(source))
    return collect(load_plugin(source), source, origin or source.target)


def load_plugin(source: Source) -> Any:
    """Return the module (or object) of a plugin or a local file."""
    return loading.load_file(source.target) if source.kind == "file" else loading.load_target(source.target)


def load_middleware(plugin: object) -> Sequence[Layer]:
    """Return the middleware that a plugin's `bgo_middleware` brings."""
    layers = Layers([])
    for hook in implementations(plugin, middleware.HOOK):
        hook(layers.use)
    return layers.held


def load_flow(source: Source) -> Any:
    """Return a TaskFlow that lives in the user's own program."""
    module, _, path = source.target.partition(":")
    flow: Any = loading.load_flow_module(module, source.path)
    for name in path.split("."):
        flow = getattr(flow, name)
    if not isinstance(getattr(flow, "handlers", None), Mapping):
        raise ConfigError(
            f"{source.target} is not a TaskFlow",
            why=f"it is a {type(flow).__name__}",
            hint="keep the flow at the top level of its module, under the same name",
        )
    return flow


def realm(source: Source) -> str:
    """Return which user's program a source belongs to, '' for none.

    A child process that has imported one program must not serve another: their modules may share names.
    """
    return f"{source.path}:{source.target}" if source.kind == "flow" else ""

"""The manager: loads every plugin there is, checks it against the hook specifications, and reports on each.

Used where a catalogue is built and where plugins are listed, never by a hot command. A plugin that raises, exits or
declares nonsense costs its own handlers and nobody else's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from bgo.clock import SystemClock
from bgo.errors import BgoError
from bgo.hooks import builtin, loading, names, scan
from bgo.hooks.handler import Handler
from bgo.hooks.observers import check_middleware, found_in, has_middleware
from bgo.hooks.profiles import brought_by
from bgo.hooks.registry import as_handler, collect, load_plugin
from bgo.hooks.settings import LoadReport, PluginSettings, dist_key, is_path
from bgo.model.handler import Source
from bgo.model.hooks import Observer
from bgo.version import VERSION

if TYPE_CHECKING:
    import pluggy

__all__ = ["LoadReport", "Loaded", "PluginSettings", "build_manager", "load_plugins"]

OUR_NAME = "bgo"


@dataclass(slots=True)
class Loaded:
    """All that loading has brought: handlers by name, a report per plugin, and why some names are missing."""

    handlers: dict[str, Handler] = field(default_factory=dict)
    reports: list[LoadReport] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    middleware: list[Source] = field(default_factory=list)
    """Plugins with middleware, by name."""
    observers: list[Observer] = field(default_factory=list)
    broken: list[Source] = field(default_factory=list)
    """Plugins that did not load, so that nobody knows whether they bring middleware."""
    files: list[str] = field(default_factory=list)
    """Local source files that came in: when one changes, all this is stale."""


@dataclass(frozen=True, slots=True)
class Place:
    """One plugin to load: a module with hooks, a local file, or a distribution's group of single handlers."""

    name: str
    found_by: str
    source: Source
    version: str = ""
    entries: tuple[scan.EntryPoint, ...] = ()

    @property
    def origin(self) -> str:
        """Return who brings the handlers, for people."""
        return f"{self.name} {self.version}".strip()

    @property
    def label(self) -> str:
        """Return a text that tells this place from every other one."""
        return f"{self.found_by} {self.name} {self.source.target}"


Draft = tuple[LoadReport, dict[str, Handler], Place]
"""A plugin's report, and what it brings before names are settled."""


def build_manager(plugins: Iterable[tuple[str, object]] = ()) -> pluggy.PluginManager:
    """Return a plugin manager with bgo's specifications and the given (name, plugin) pairs registered."""
    import pluggy

    from bgo.hooks.specs import PROJECT, HookSpecs

    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(HookSpecs)
    for name, plugin in plugins:
        manager.register(plugin, name=name)
    return manager


def load_plugins(
    settings: PluginSettings,
    *,
    path: Iterable[str] | None = None,
    skip: dict[str, str] | None = None,
    announce: Callable[[str], None] = lambda _label: None,
) -> Loaded:
    """Load the built-ins and every plugin the settings allow.

    `path` is where to look for distributions (default: where a child process would). `skip` maps the labels of places
    that must not be tried again to the reason; `announce` hears each label before its code is touched.
    """
    manager = build_manager()
    loaded = Loaded()
    watch = loading.Watch()
    drafts: list[Draft] = []
    for place in places(settings, list(scan.import_path() if path is None else path)):
        if skip and place.label in skip:
            report = LoadReport(place.name, place.found_by, place.version, error=skip[place.label])
            drafts.append((report, {}, place))
            loaded.missing.update((entry.name, skip[place.label]) for entry in place.entries)
            continue
        announce(place.label)
        drafts.append(_load(place, manager, loaded.missing))
    _settle(drafts, settings, loaded)
    _gather(drafts, loaded)
    # A file that did not load has left no module behind, and is the first to be mended.
    named = [place.source.target for _, _, place in drafts if place.source.kind == "file"]
    loaded.files = sorted({*watch.files(), *named})
    return loaded


def places(settings: PluginSettings, path: list[str]) -> Iterator[Place]:
    """Yield what there is to load, built-ins first, in a fixed order."""
    for module in builtin.MODULES:
        yield Place(OUR_NAME, "builtin", Source("plugin", module), VERSION)
    if not settings.enabled:
        return
    groups: dict[str, list[scan.EntryPoint]] = {}
    for point in sorted(scan.scan(path), key=lambda p: (dist_key(p.dist), p.group, p.name)):
        if not settings.allows(point.dist):
            continue
        if point.group == scan.HOOKS:
            yield Place(point.dist, f"entry-point {scan.HOOKS}", Source("plugin", point.value), point.version)
        else:
            groups.setdefault(point.dist, []).append(point)
    for dist, points in groups.items():
        source = Source("entry", points[0].value)
        yield Place(dist, f"entry-point {scan.HANDLERS}", source, points[0].version, tuple(points))
    for word in settings.files:
        kind = "file" if is_path(word) else "module"
        yield Place(word, kind, Source("file" if kind == "file" else "plugin", word))


def _load(place: Place, manager: pluggy.PluginManager, missing: dict[str, str]) -> Draft:
    clock = SystemClock()
    start = clock.awake_ms()
    report = LoadReport(place.name, place.found_by, place.version)
    handlers: dict[str, Handler] = {}
    if place.entries:
        errors = [text for entry in place.entries if (text := _load_entry(place, entry, handlers, missing))]
        report = replace(report, error="; ".join(errors))
    else:
        try:
            with loading.guarded(place.name):
                plugin, warnings = _load_hooks(place, manager)
            report = replace(report, warnings=warnings, hooks=_beside(plugin))
            with loading.guarded(place.name):
                handlers = collect(plugin, place.source, place.origin)
                check_middleware(plugin)
            report = _with_profiles(report, plugin)
        except BgoError as error:
            report = replace(report, error=error.why or error.message)
    return replace(report, ms=clock.awake_ms() - start), handlers, place


def _load_hooks(place: Place, manager: pluggy.PluginManager) -> tuple[object, tuple[str, ...]]:
    plugin = load_plugin(place.source)
    if not manager.is_registered(plugin):
        manager.register(plugin, name=place.label)
    return plugin, tuple(_unknown_hooks(manager, plugin))


def _with_profiles(report: LoadReport, plugin: object) -> LoadReport:
    """Return the report with the profiles it brings; that it brings none that can be had is only a warning."""
    try:
        with loading.guarded(report.name):
            return replace(report, profiles=brought_by(plugin))
    except BgoError as error:
        return replace(report, warnings=(*report.warnings, f"no profiles: {error.why}"))


def _beside(plugin: object) -> dict[str, int]:
    """Return what a plugin brings beside handlers. Middleware that turns out to be broken counts: it must be missed."""
    return ({"middleware": 1} if has_middleware(plugin) else {}) | found_in(plugin)


def _gather(drafts: list[Draft], loaded: Loaded) -> None:
    """Say who brings middleware and who listens, each place once, by name."""
    places: dict[Source, tuple[str, dict[str, int]]] = {}
    for report, _, place in drafts:
        if report.error and not report.hooks and not place.entries:
            loaded.broken.append(place.source)
        if report.hooks:
            places.setdefault(place.source, (report.name, dict(report.hooks)))
    for source, (name, hooks) in sorted(places.items(), key=lambda item: dist_key(item[1][0])):
        if hooks.pop("middleware", 0):
            loaded.middleware.append(source)
        if hooks:
            loaded.observers.append(Observer(name, source, hooks))


def _load_entry(place: Place, entry: scan.EntryPoint, handlers: dict[str, Handler], missing: dict[str, str]) -> str:
    """Load one `name = "module:function"`; return the reason if it cannot be had, else ''."""
    source = Source("entry", entry.value)
    try:
        with loading.guarded(entry.name):
            handlers[entry.name] = as_handler(entry.name, loading.load_target(entry.value), {}, source, place.origin)
    except BgoError as error:
        missing[entry.name] = f"{place.origin} brings it as {entry.value}, but: {error.why}"
        return f"{entry.name}: {error.why}"
    return ""


def _unknown_hooks(manager: pluggy.PluginManager, plugin: object) -> Iterator[str]:
    """Yield a warning for each hook of a plugin that no specification knows: a misspelt hook is never called."""
    import pluggy

    try:
        manager.check_pending()
    except pluggy.PluginValidationError:
        known = [name for name, caller in vars(manager.hook).items() if name[0] != "_" and caller.has_spec()]
        for caller in manager.get_hookcallers(plugin) or ():
            if not caller.has_spec():
                yield _suggest(caller.name, known)


def _suggest(name: str, known: list[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, known, 1)
    tail = f"did you mean {near[0]!r}?" if near else f"bgo knows {', '.join(sorted(known))}"
    return f"unknown hook {name!r} is never called; {tail}"


def _settle(drafts: list[Draft], settings: PluginSettings, loaded: Loaded) -> None:
    """Give each name to one handler at most, and tell every plugin what became of its names."""
    claims: dict[int, Handler] = {id(h.info): h for _, handlers, _ in drafts for h in handlers.values()}
    chosen, refused = names.settle([handler.info for handler in claims.values()], settings.overrides)
    loaded.handlers = {name: claims[id(info)] for name, info in sorted(chosen.items())}
    loaded.missing = {name: why for name, why in {**loaded.missing, **refused}.items() if name not in chosen}
    for report, handlers, _ in drafts:
        mine = tuple(sorted(name for name, h in handlers.items() if loaded.handlers.get(name) is h))
        lost = [f"{name}: {_lost(name, chosen, refused, claims)}" for name in sorted(handlers) if name not in mine]
        loaded.reports.append(replace(report, handlers=mine, warnings=(*report.warnings, *lost)))


def _lost(name: str, chosen: dict[str, Any], refused: dict[str, str], claims: dict[int, Handler]) -> str:
    return refused.get(name) or f"overridden by {claims[id(chosen[name])].info.origin}"

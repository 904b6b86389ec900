"""What every verb stands on: settings, clock, the store, and the handlers a program registered."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, Self, Unpack

from bgo import compose
from bgo.clock import Clock, SystemClock
from bgo.config import Flags, Settings
from bgo.config import load as load_settings
from bgo.errors import ConfigError
from bgo.flow.home import caller
from bgo.ids import Rng, quick_rng

if TYPE_CHECKING:
    from bgo.devices.sensors import Survey
    from bgo.hooks.defaults import HandlerOptions
    from bgo.hooks.handler import Handler
    from bgo.hooks.middleware import Layer
    from bgo.hooks.settings import LoadReport
    from bgo.model.handler import Catalogue, HandlerInfo
    from bgo.store.port import Session
    from bgo.store.sqlite import SqliteStore


class Opened:
    """A store that opens itself at first use, and the handlers a program brings."""

    def __init__(
        self, *, store: str | Path | None = None, settings: Settings | None = None, clock: Clock | None = None
    ) -> None:
        if settings is None:
            settings = load_settings(Flags(store=None if store is None else str(store)))
        self.settings = settings
        self.clock = clock or SystemClock()
        self.handlers: dict[str, Handler] = {}
        """The handlers this program registered, by name."""
        self.layers: list[Layer] = []
        """The middleware around them."""
        self.hooks: dict[str, list[Callable[..., Any]]] = {}
        """What is to be called, by what happens (`model.hooks.HOOKS`)."""
        self._home = caller()
        self._dice: tuple[int, Rng] | None = None
        self._lock = RLock()
        self._open: SqliteStore | None = None
        self._remembered: object = None
        self._sensors: dict[str, Survey] = {}

    def _survey(self, device: str) -> Survey:
        """The sensors of a device, kept: what they said and which were slow is remembered."""
        if device not in self._sensors:
            self._sensors[device] = compose.survey(self.settings, device)
        return self._sensors[device]

    @property
    def _rng(self) -> Rng:
        """Chance of this very process: those that fork from one program must not draw the same ids."""
        if self._dice is None or self._dice[0] != os.getpid():
            self._dice = (os.getpid(), quick_rng())
        return self._dice[1]

    @property
    def store(self) -> SqliteStore:
        """The open store; opened (and made, or migrated) at the first look."""
        with self._lock:
            if self._open is None:
                self._open = compose.open_store(self.settings)
            return self._open

    def initialize(self) -> Self:
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def register_handler(self, name: str, fn: Callable[..., Any], **defaults: Unpack[HandlerOptions]) -> None:
        """Make `fn` the handler called `name`. Raises UsageError for functions a child process could not import."""
        self._bring(name, fn, defaults)

    def _bring(self, name: str, fn: Callable[..., Any], defaults: Mapping[str, Any], *, late: bool = False) -> None:
        """Make `fn` a handler. `late`: a child that imports the program will not find it in the flow, but by itself."""
        from bgo.hooks.registry import as_handler
        from bgo.model.handler import Source

        home = self._home
        inner = getattr(fn, "fn", fn)  # of a @task, the function as it was written
        function = f"{getattr(inner, '__module__', '')}:{getattr(inner, '__qualname__', '')}" if late else ""
        source = Source("flow", home.target(self), home.path, function)
        self.handlers[name] = as_handler(name, fn, defaults, source, home.origin)

    def catalogue(self) -> Catalogue:
        """Return every handler that workers know, by name."""
        from bgo.hooks import catalogue

        self._remember()
        return catalogue.load(compose.plugin_settings(self.settings), self.settings.cache_dir)

    def missing(self) -> Mapping[str, str]:
        """Return the handlers that somebody brings and that do not count, with the reason: two bring them, mostly."""
        from bgo.hooks import catalogue

        self._remember()
        return catalogue.look(compose.plugin_settings(self.settings), self.settings.cache_dir).missing

    def _peek(self) -> Catalogue | None:
        """Return every handler that workers know, or None where plugins must be loaded to tell."""
        from bgo.hooks import catalogue

        self._remember()
        return catalogue.peek(compose.plugin_settings(self.settings), self.settings.cache_dir)

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
            self._check_plugins()  # first: the name may be one that a required plugin would bring
            raise catalogue.not_found(name, *where, extra=own)
        return info

    def _check_plugins(self) -> None:
        """Refuse to work without a plugin that the configuration requires."""
        if not self.settings.plugins.required:
            return
        for name, why in compose.unmet(self.settings.plugins.required, self.plugins()).items():
            raise ConfigError(
                f"the required plugin {name} did not load",
                why=why,
                hint="bgo doctor; plugins.required is in the config",
            )

    def _remember(self) -> None:
        """Write down this program's handlers, once their flow has a name to be imported by."""
        counts = {hook: len(held) for hook, held in self.hooks.items()}
        brought = (frozenset(self.handlers), len(self.layers), frozenset(counts.items()))
        if any(brought) and brought != self._remembered and not self._home.is_copy:
            from dataclasses import replace

            from bgo.hooks.catalogue import remember_flow
            from bgo.hooks.flows import Beside
            from bgo.model.handler import Source

            home = self._home
            source = Source("flow", home.target(self), home.path)
            infos = [h.info for h in self.handlers.values()]
            infos = [replace(i, source=replace(i.source, target=source.target)) for i in infos]
            store = str(self.settings.store_path)
            remember_flow(
                infos, self.settings.cache_dir, Beside(source, len(self.layers), counts, store, home.file or "")
            )
            self._remembered = brought

    def _check_queue(self, session: Session, name: str) -> None:
        from bgo.engine.resolve import known_queue

        known_queue(session, name)

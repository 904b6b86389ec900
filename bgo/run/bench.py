"""The worker's bench: everything it works with, given to it once by the composition root."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from bgo.clock import Clock
from bgo.ids import Rng
from bgo.model.device import NO_FACTS, DeviceChange, DeviceState, Facts
from bgo.model.handler import Catalogue
from bgo.model.hooks import Argv
from bgo.model.profile import HOST, Profile
from bgo.run.notify import Notifier
from bgo.run.tidy import Prune
from bgo.store.port import Store


class HookSetup(NamedTuple):
    """What is configured of hooks."""

    shell: Mapping[str, Sequence[Argv]] = MappingProxyType({})
    """Commands by hook."""
    timeout_ms: int = 10_000
    store: str = ""
    """The store's file, as flows write it down: they hear of their own store alone."""


NO_HOOKS = HookSetup()


@dataclass(frozen=True, slots=True)
class Bench:
    """Store, time, chance, places and providers."""

    open_store: Callable[[], Store]
    clock: Clock
    rng: Rng
    run_dir: Path
    log_dir: Path
    work_dir: Path
    catalogue: Callable[[], Catalogue]
    sense: Callable[[], DeviceState]
    """Read the device; asked only when waiting work has device constraints."""
    plugins: str = "{}"
    """The plugin settings for the children, as JSON."""
    profile: Profile = HOST
    facts: Facts = NO_FACTS
    """What is said of the device, and for how long it has been so when this worker begins."""
    before: tuple[DeviceChange, ...] = ()
    """What the device said before, as its script tells."""
    slots: int = 2
    lease_ms: int = 30_000
    kill_grace_ms: int = 5_000
    poll_ms: int = 500
    hooks: HookSetup = NO_HOOKS
    prune: Prune | None = None
    """Automatic retention; None: this worker does none."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What one `bgo run` is asked to do."""

    slots: int | None = None
    """Slots of this worker alone; None shares the host's."""
    queues: frozenset[str] | None = None
    only: frozenset[str] | None = None
    """Execute just these tasks (ids), then end."""
    watch: bool = False
    until_empty: bool = False
    for_ms: int | None = None
    max_tasks: int | None = None
    grace_ms: int | None = None
    """Cap on running tasks at the end; None: no cap when draining, 30 s after a signal."""
    notifier: Notifier | None = None
    """The service manager that is told how it goes."""

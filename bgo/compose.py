"""The composition root: from settings to an open store, a catalogue, a worker's bench. Nothing else wires parts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from bgo.config import Settings
from bgo.hooks.settings import PluginSettings

if TYPE_CHECKING:
    from bgo.clock import Clock
    from bgo.devices.profiles.library import Shelf
    from bgo.devices.sensors import Survey
    from bgo.hooks.settings import LoadReport
    from bgo.model.device import DeviceChange, DeviceState, Facts
    from bgo.model.handler import Catalogue
    from bgo.model.profile import Profile
    from bgo.model.query import Retention
    from bgo.run.bench import Bench
    from bgo.store.port import Session, Store
    from bgo.store.sqlite import SqliteStore


def plugin_settings(settings: Settings) -> PluginSettings:
    """Return which plugins count."""
    p = settings.plugins
    return PluginSettings(p.files, p.allow, p.enabled, p.overrides)


def unmet(required: Iterable[str], reports: Iterable[LoadReport]) -> dict[str, str]:
    """Return the required plugins that did not load whole, each with the reason."""
    from bgo.hooks.settings import dist_key, is_path

    def key(name: str) -> str:
        return os.path.abspath(os.path.expanduser(name)) if is_path(name) else dist_key(name)

    found: dict[str, str] = {}
    for report in reports:
        found[key(report.name)] = found.get(key(report.name)) or report.error
    return {name: why for name in sorted(required) if (why := found.get(key(name), "it is not there"))}


def open_store(settings: Settings) -> SqliteStore:
    """Open the store (making it if needed) with the configured queues and limits in it."""
    store = reopen_store(settings)
    try:
        with store.read() as session:
            is_right = _is_as_configured(session, settings)
        if not is_right:
            with store.write() as session:
                configure(session, settings)
    except BaseException:
        store.close()
        raise
    return store


def reopen_store(settings: Settings) -> SqliteStore:
    """Open the store as it is: one more connection of a process whose settings may be older than the config file."""
    from bgo.store.sqlite import SqliteStore

    return SqliteStore(settings.store_path, synchronous=settings.synchronous)


def _is_as_configured(session: Session, settings: Settings) -> bool:
    if session.limits.differ(str(settings.config_path), settings.limits):
        return False
    said = {name: queue for name, queue in settings.queues.items() if f"queues.{name}" in settings.origins}
    known = session.queues.settings() if said else {}
    return all(name in known and _agrees(known[name], queue) for name, queue in said.items())


def _agrees(known: tuple[float, int, int | None], queue: tuple[float | None, int | None, int | None]) -> bool:
    return all(want in (None, have) for have, want in zip(known, queue, strict=True))


def configure(session: Session, settings: Settings) -> None:
    """Write the configured queues and limits; what the configuration leaves open stays as it is."""
    for name, queue in settings.queues.items():
        if f"queues.{name}" in settings.origins:
            session.queues.ensure(name, *queue)
    session.limits.sync(str(settings.config_path), settings.limits)


def profile(settings: Settings) -> Profile:
    """Return the profile in force, with all that it extends.

    Raises NotFoundError with the nearest name, and UsageError for a file that is no profile, with the line.
    """
    from bgo.model.profile import HOST

    if settings.profile == HOST.name:
        return HOST
    from bgo.devices.profiles import profile as load  # most runs are those of a computer

    return load(settings.profile, shelf(settings))


def shelf(settings: Settings) -> Shelf:
    """Return where profiles are looked for: those of plugins stand in the catalogue, which is read for them alone."""
    from bgo.devices.profiles.library import Shelf

    def brought() -> Mapping[str, tuple[str, ...]]:
        from bgo.hooks import catalogue
        from bgo.hooks.profiles import by_name

        return by_name(catalogue.look(plugin_settings(settings), settings.cache_dir).reports)

    return Shelf(settings.profile_dir, brought)


def survey(settings: Settings, device: str = "") -> Survey:
    """Return the sensors of a device: `host`, `adb…` or `termux`, else of the one that the settings name."""
    from bgo.devices.sensors import Place, Survey, sensors

    store_dir = str(settings.store_path.parent)
    idle_after_ms, whose = int(settings.idle_after_s * 1000), device or settings.sensors
    return Survey(sensors(Place(store_dir, idle_after_ms, whose, profile(settings).storage)))


def sensing(
    settings: Settings, survey: Callable[[str], Survey], said: Facts, clock: Clock, profile: Profile
) -> Callable[[], DeviceState]:
    """Return how the device is read (see `bgo.devices.sources`). Raises UsageError for a script, or a BGO_DEVICE, that
    cannot be.

    `survey` is called when sensors are asked for the first time: most runs ask nothing of the device.
    """
    from bgo.model.device import NO_FACTS  # what only enqueues asks no device

    is_bare = profile.os == "host" and not profile.device and not settings.assume
    if is_bare and said == NO_FACTS and not os.environ.get("BGO_DEVICE"):
        return lambda: survey(settings.sensors).take(SENSE_MS).state
    from bgo.devices.sources import Ground, reader

    return reader(said, Ground(survey, clock.now_ms, settings.sensors, profile, settings.assume))


SENSE_MS = 5_000


def past(
    settings: Settings, survey: Callable[[str], Survey], said: Facts, clock: Clock, profile: Profile
) -> tuple[DeviceChange, ...]:
    """Return what the device said until now, where a script tells it, and rules that remember ask."""
    if not said.device or not profile.remembers:
        return ()
    from bgo.devices import sources

    return sources.past(said, sources.Ground(survey, clock.now_ms, settings.sensors, profile, settings.assume))


def prune(
    settings: Settings, store: Store, retention: Retention, now: int, go_on: Callable[[], bool] = lambda: True
) -> int:
    """Remove ended tasks beyond retention, with their logs and work directories; return how many went."""
    from bgo.engine import prune as pruning
    from bgo.run.output import remove

    count = 0
    for ids in pruning.prune(store, retention, now, go_on):
        count += len(ids)
        for task_id in ids:
            remove(settings.log_dir, settings.work_dir, task_id)
    return count


def _prune_by_itself(settings: Settings, clock: Clock, go_on: Callable[[], bool]) -> None:
    """Prune on a connection of its own: for the worker's thread."""
    store = reopen_store(settings)
    try:
        prune(settings, store, settings.retention, clock.now_ms(), go_on)
    finally:
        store.close()


def bench(
    settings: Settings,
    sense: Callable[[], DeviceState],
    catalogue: Callable[[], Catalogue],
    profile: Profile | None = None,
    facts: Facts | None = None,
    before: tuple[DeviceChange, ...] = (),
) -> Bench:
    """Return all that a worker works with."""
    import json

    from bgo.clock import SystemClock
    from bgo.ids import quick_rng
    from bgo.model.device import NO_FACTS
    from bgo.model.profile import HOST
    from bgo.run.bench import Bench, HookSetup

    clock = SystemClock()
    return Bench(
        open_store=lambda: reopen_store(settings),
        clock=clock,
        rng=quick_rng(),
        run_dir=settings.run_dir,
        log_dir=settings.log_dir,
        work_dir=settings.work_dir,
        catalogue=catalogue,
        sense=sense,
        plugins=json.dumps(plugin_settings(settings).to_json()),
        profile=HOST if profile is None else profile,
        facts=facts or NO_FACTS,
        before=before,
        slots=settings.slots,
        lease_ms=int(settings.lease_s * 1000),
        kill_grace_ms=int(settings.kill_grace_s * 1000),
        poll_ms=settings.poll_ms,
        hooks=HookSetup(settings.hooks, settings.hook_timeout_ms, str(settings.store_path)),
        prune=lambda go_on: _prune_by_itself(settings, clock, go_on),
    )

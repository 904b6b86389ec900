"""Profiles: a platform's rules as data. A table that a profile lacks is a rule that its platform does not have.

Every figure is a default that a maker, a server or a user may change, so none of them stands in code: the profiles that
come with bgo (`bgo/devices/profiles/*.toml`) say them, with their sources. A field whose name ends in `_ms` is written
there without that ending, as a duration (`min_interval = "15m"`), one that ends in `_bytes` as a size (`10 KiB`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Os = Literal["host", "android", "ios"]
BUCKETS = ("exempted", "active", "working", "frequent", "rare", "restricted", "never")
"""Android's standby buckets, from the freest."""


@dataclass(frozen=True, slots=True)
class Work:
    """[work]: what the platform makes of each task; None: it has no such rule."""

    data_max_bytes: int | None = None
    """Largest input and output; 10 KiB times a power of two, as lanes are told apart by such classes."""
    data_warn_bytes: int | None = None
    """From here on a linter speaks: JSON only comes near what the platform counts."""
    run_max_ms: int | None = None
    """How long plain background work may run."""
    min_interval_ms: int | None = None
    """Shorter intervals of schedules are raised to this."""
    min_flex_ms: int | None = None
    interval_from: Literal["anchor", "completion"] = "anchor"
    """From where an interval counts: its own grid, or the end of the run before."""
    cron_as_interval: bool = False
    """A cron expression stands for the distance of its occurrences, counted from the end of the run before."""
    backoff_min_ms: int | None = None
    backoff_max_ms: int | None = None
    max_scheduled: int | None = None
    """So many tasks at once are handed to the platform; the others wait in the app's own queue."""
    stop_consumes_attempt: bool = False
    """A run that the device stops has used up one of its attempts."""
    idle_refuses_retry: bool = False
    """Work for an idle device may not bring a retry policy."""
    expedited_refuses: frozenset[str] = frozenset()
    """Constraints that expedited work may not have: charging, battery_not_low, device_idle, storage_not_low, network …;
    `delay`: it may not be put off; `periodic`: no schedule may make it."""
    unenforceable: frozenset[str] = frozenset()
    """Constraints that the platform does not know: the handler itself must look."""

    @property
    def bends_rhythm(self) -> bool:
        """Say whether schedules may fire otherwise than by their own times."""
        return self.interval_from == "completion" or self.cron_as_interval or self.min_interval_ms is not None

    @property
    def bends_retries(self) -> bool:
        """Say whether the delays of retries have bounds."""
        return self.backoff_min_ms is not None or self.backoff_max_ms is not None


@dataclass(frozen=True, slots=True)
class Battery:
    """[battery]: percent at or below which it is low, and at or above which it is not low any more."""

    low: int = 15
    okay: int = 20
    stable_charge_after_ms: int = 0
    """So long it must have been plugged in to count as charging; 0: at once."""
    stable_charge_level: int = 90
    """At this level it counts at once, all the same."""
    saver_defers: bool = False
    """While the battery saver is on, plain work of an app that is not on the screen waits."""


@dataclass(frozen=True, slots=True)
class Storage:
    """[storage]: low where less than this part is free, and at most so many bytes."""

    low_percent: int = 5
    low_cap_bytes: int = 500 << 20


@dataclass(frozen=True, slots=True)
class Idle:
    """[idle]: so long after its screen went off a device counts as idle."""

    after_ms: int


@dataclass(frozen=True, slots=True)
class DeepDoze:
    """[doze.deep]: unplugged, screen off, still."""

    enter_ms: int
    """From screen-off to the first idle period, while nothing moves."""
    idle_ms: int
    idle_max_ms: int
    window_ms: int
    window_max_ms: int
    sense_ms: int = 0
    """Sensing and locating before the first idle period; each edge comes that much later."""
    idle_factor: float = 2.0
    window_factor: float = 2.0
    min_window_ms: int = 30_000
    """A maintenance window in which nothing runs closes after this."""
    motion_ms: int = 600_000
    """After motion: so long, and then what is left of `enter` from the half on, until it is tried again."""


@dataclass(frozen=True, slots=True)
class LightDoze:
    """[doze.light]: unplugged, screen off, moving or not."""

    enter_ms: int
    idle_ms: int
    idle_max_ms: int
    window_ms: int
    idle_factor: float = 2.0
    min_window_ms: int = 5_000
    wait_for_network: bool = False
    """Without a network a window is put off by one more idle period."""


@dataclass(frozen=True, slots=True)
class Doze:
    """[doze]: no work in the idle periods, but in the maintenance windows between them."""

    deep: DeepDoze | None = None
    light: LightDoze | None = None
    exit_delay_ms: int = 3_000
    """After the end of Doze work that is neither expedited nor in the foreground waits so much longer."""


@dataclass(frozen=True, slots=True)
class BucketQuota:
    """[quota.BUCKET]: how much work in how long a rolling window."""

    time_ms: int
    window_ms: int
    jobs: int
    sessions: int


@dataclass(frozen=True, slots=True)
class Quota:
    """[quota]: how much an app may run in the background, by its standby bucket."""

    buckets: Mapping[str, BucketQuota]
    day_cap_ms: int
    burst: int = 20
    """Jobs, and sessions, that may begin within `burst_window`."""
    burst_window_ms: int = 60_000
    buffer_ms: int = 30_000
    """So much must have become free before work starts again."""
    merge_ms: int = 5_000
    """Sessions so near to each other are one."""
    free_when_charging: bool = True
    """For all buckets but restricted."""
    top_started_free: bool = False
    """A run that began while the app was on top is not counted."""
    service_free: bool = False
    """Nothing is counted while the app has a service in the foreground."""


@dataclass(frozen=True, slots=True)
class Expedited:
    """[expedited]: how much expedited work may run in a rolling window, by standby bucket."""

    budgets_ms: Mapping[str, int]
    window_ms: int
    run_max_ms: int
    """How long it may run as such; after that it is plain work."""


@dataclass(frozen=True, slots=True)
class Standby:
    """[standby]: how an app that is not used goes down the buckets: active, working, frequent, rare, restricted."""

    elapsed_ms: tuple[int, ...]
    """Time since the last use from which on it is in each of these buckets …"""
    screen_ms: tuple[int, ...]
    """… given that the screen was on so long in that time, too."""
    step_ms: int
    """How often that is looked at."""
    hold_use_ms: int = 300_000
    """It stays active at least so long after a use."""
    pinned: str | None = None
    """The bucket that it has in any case."""


@dataclass(frozen=True, slots=True)
class Batching:
    """[batching]: work of apps below the active bucket waits until so many are ready, or so long."""

    ready: int
    max_delay_ms: int
    cellular_ready: int | None = None
    """The same for work that needs a network, on a metered one, in every bucket; None: not batched."""


@dataclass(frozen=True, slots=True)
class ForegroundLimit:
    """[foreground.TYPE]: so much of this type in so long a rolling window; None: no limit for one run, or for all."""

    run_max_ms: int | None = None
    total_ms: int | None = None
    window_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Foreground:
    """[foreground]: services that the user sees, by type. What is not listed does not exist."""

    types: Mapping[str, ForegroundLimit]
    start_from_background: bool = False
    """Whether they may be started while the app is not to be seen."""
    grace_ms: int = 5_000


@dataclass(frozen=True, slots=True)
class Maker:
    """[maker]: what makers add. All of it second-hand (dontkillmyapp.com)."""

    name: str = ""
    autostart: bool = True
    """False: swiped away, the app is dead until it is opened again."""
    kill_after_run_ms: int | None = None
    """Work that runs so long is killed with its app."""
    sleep_after_unused_ms: int | None = None
    """An app that was not used for so long does not start from the background any more."""
    kill_after_screen_off_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Refresh:
    """[refresh]: iOS app refresh: short runs at times that iOS chooses."""

    run_max_ms: int
    pending: int
    """Requests that may wait at once."""
    per_day: tuple[int, int]
    """How many come in a day of an app that is used all the time (see `AppRules.usage`): the least and the most; an
    assumption, Apple names no number."""
    gap_ms: int = 0
    """So far is one from the next at least: iOS limits the rate."""
    spread_ms: int = 0
    """One that came while the device did not permit it comes at most so much later, once it does; an assumption."""


@dataclass(frozen=True, slots=True)
class Processing:
    """[processing]: iOS processing: minutes, while nobody uses the device."""

    run_max_ms: int
    pending: int
    per_day: tuple[int, int]
    gap_ms: int = 0
    spread_ms: int = 0
    needs_idle: bool = True
    stop_on_use: bool = True
    """It ends when somebody takes the device."""


@dataclass(frozen=True, slots=True)
class AppRules:
    """[app]: what iOS asks of the app itself and does with it."""

    grace_ms: int = 30_000
    """How long work goes on after the app has left the screen."""
    horizon_ms: int = 604_800_000
    """Requests for later than this are not recommended."""
    battery_floor: int = 20
    """Below, and not charging, there is neither refresh nor processing."""
    low_power_stops: bool = True
    usage: float = 0.5
    """How much the app is used, from 0 to 1: the chance of each refresh and each processing to come at all."""
    unused_ms: int | None = None
    """An app that nobody has opened for so long is given no time; None: however long."""
    permitted_ids: tuple[str, ...] = ()
    """The identifiers under which the app asks for time; empty: nothing is said of them."""
    background_modes: tuple[str, ...] = ()
    """Its UIBackgroundModes: without `fetch` no refresh, without `processing` none of that; empty: nothing is said."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The platform's rules as data. `unknown_passes` names the gates that an unknown reading does not hold."""

    name: str = "host"
    os: Os = "host"
    summary: str = ""
    lineage: tuple[str, ...] = ()
    """The profiles that it extends, from the nearest."""
    unknown_passes: frozenset[str] = frozenset({"device_idle", "storage_not_low", "load", "unused"})
    work: Work = Work()
    battery: Battery = Battery()
    storage: Storage = Storage()
    device: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Signals of a device of which nothing else is said: a phone's never come from this computer, and what a computer's
    own profile says stands above its sensors."""
    idle: Idle | None = None
    doze: Doze | None = None
    quota: Quota | None = None
    expedited: Expedited | None = None
    standby: Standby | None = None
    batching: Batching | None = None
    foreground: Foreground | None = None
    maker: Maker | None = None
    refresh: Refresh | None = None
    processing: Processing | None = None
    app: AppRules | None = None

    @property
    def remembers(self) -> bool:
        """Say whether its rules go by what happened before, beyond the level of a battery."""
        return self.os != "host"


HOST = Profile()

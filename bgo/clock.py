"""Time: the only door to the wall clock, the awake clock and sleep.

Three readings, never mixed. `now_ms` is wall time (UTC milliseconds) for due times and records. `awake_ms` counts only
the time the machine was awake (CLOCK_MONOTONIC), for leases and timeouts: a closed lid is not a timeout. `boot_ms`
counts all time since the boot, sleep included (CLOCK_BOOTTIME), for rate limits: nobody can set that clock.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""macOS has no CLOCK_BOOTTIME: there CLOCK_MONOTONIC goes on in sleep (man 3 clock_gettime)."""


class Moment(NamedTuple):
    """One instant by two clocks: the wall, and the time since this boot. Only moments of one boot can be subtracted."""

    now_ms: int
    boot_ms: int
    boot_id: str


class Clock(Protocol):
    """What the house may know of time."""

    def now_ms(self) -> int:
        """Return wall time as UTC milliseconds since 1970."""

    def awake_ms(self) -> int:
        """Return milliseconds of awake time since an arbitrary point of this boot."""

    def boot_ms(self) -> int:
        """Return milliseconds since this boot, sleep included."""

    def sleep_ms(self, duration_ms: int) -> None:
        """Let `duration_ms` pass."""


class SystemClock:
    """The computer's own clocks."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def awake_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def boot_ms(self) -> int:
        return time.clock_gettime_ns(BOOT_CLOCK) // 1_000_000

    def sleep_ms(self, duration_ms: int) -> None:
        time.sleep(duration_ms / 1000)


class VirtualClock:
    """A clock that stands still until told; sleeping jumps. The simulator and the tests run on it.

    Awake and boot time start at odd offsets, so that code which mixes the readings fails at once.
    """

    _AWAKE_OFFSET_MS = 7_777_777
    _BOOT_OFFSET_MS = 33_333_333

    def __init__(self, start_ms: int, boot_ms: int = _BOOT_OFFSET_MS) -> None:
        self._now_ms = start_ms
        self._awake_ms = self._AWAKE_OFFSET_MS
        self._boot_ms = boot_ms

    def now_ms(self) -> int:
        return self._now_ms

    def awake_ms(self) -> int:
        return self._awake_ms

    def boot_ms(self) -> int:
        return self._boot_ms

    def sleep_ms(self, duration_ms: int) -> None:
        self.advance_ms(duration_ms)

    def advance_ms(self, duration_ms: int) -> None:
        """Let time pass on all clocks."""
        if duration_ms < 0:
            raise ValueError("awake time never goes back; use step_wall_ms for a wall-clock step")
        self._now_ms += duration_ms
        self._awake_ms += duration_ms
        self._boot_ms += duration_ms

    def jump_to_ms(self, wall_ms: int) -> None:
        """Advance all clocks to the wall instant `wall_ms`; an instant in the past changes nothing."""
        self.advance_ms(max(0, wall_ms - self._now_ms))

    def step_wall_ms(self, delta_ms: int) -> None:
        """Step the wall clock alone, as an administrator or NTP would."""
        self._now_ms += delta_ms

    def suspend_ms(self, duration_ms: int) -> None:
        """Let time pass while the machine sleeps."""
        self.advance_ms(duration_ms)
        self._awake_ms -= duration_ms


def to_iso(ms: int | None) -> str | None:
    """Return an instant as ISO-8601 UTC with milliseconds and Z, or None."""
    if ms is None:
        return None
    seconds, millis = divmod(ms, 1000)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{millis:03d}Z"


def to_local(ms: int) -> datetime:
    """Return an instant as an aware datetime in the local zone."""
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone()


def from_datetime(when: datetime) -> int:
    """Return an aware (or local naive) datetime as UTC milliseconds."""
    return int(when.timestamp() * 1000)


def moment(clock: Clock, boot_id: str) -> Moment:
    """Return this instant by the wall and by this boot."""
    return Moment(clock.now_ms(), clock.boot_ms(), boot_id)

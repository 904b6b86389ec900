"""What a device is and what it says now: readings are yes, no or unknown, and each names its source."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Tri(StrEnum):
    """A reading."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reading:
    """One value with where it came from: a flag, the environment, a trace, a sensor, or a fact."""

    value: Tri = Tri.UNKNOWN
    source: str = "not sensed"


@dataclass(frozen=True, slots=True)
class DeviceState:
    """What the sensors, the flags or a trace say at one instant."""

    charging: Reading = Reading()


@dataclass(frozen=True, slots=True)
class DeviceChange:
    """From `at_ms` (UTC) on, the device is in `state`; a trace is a list of these, strictly in time order."""

    at_ms: int
    state: DeviceState


@dataclass(frozen=True, slots=True)
class Profile:
    """The platform's rules as data. `unknown_passes` names the gates that an unknown reading does not hold."""

    name: str = "host"
    unknown_passes: frozenset[str] = frozenset({"device_idle", "storage_not_low"})
    stop_consumes_attempt: bool = False


HOST = Profile()


@dataclass(frozen=True, slots=True)
class PlatformState:
    """What a phone's rules remember (quota, Doze, hysteresis). The host profile remembers nothing."""


@dataclass(frozen=True, slots=True)
class View:
    """Who asks: the same store is judged under many views."""

    profile: Profile = HOST
    device: DeviceState = DeviceState()
    platform: PlatformState = PlatformState()

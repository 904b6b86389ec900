"""What a device is and what it says now: readings are yes, no or unknown, and each names its source."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bgo.model.platform import MET, PlatformState
from bgo.model.profile import HOST, Profile


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


class NetworkKind(StrEnum):
    """What a network is, as far as work asks: `connected` is one of unknown cost, a roaming one is metered, too."""

    NONE = "none"
    CONNECTED = "connected"
    UNMETERED = "unmetered"
    METERED = "metered"
    ROAMING = "roaming"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Network:
    """The network that traffic takes, with where that was learnt; `name` is that of the Wi-Fi."""

    kind: NetworkKind = NetworkKind.UNKNOWN
    source: str = "not sensed"
    name: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    """How full the battery is, in percent from 0 to 100; None: unknown, or there is none."""

    percent: int | None = None
    source: str = "not sensed"


@dataclass(frozen=True, slots=True)
class Word:
    """One word of several that a signal may have, with where it was learnt; `unknown` where nobody says."""

    value: str = "unknown"
    source: str = "not sensed"


@dataclass(frozen=True, slots=True)
class Span:
    """How long something has been so, in milliseconds; None: unknown."""

    ms: int | None = None
    source: str = "not sensed"
    at_ms: int | None = None
    """When it was so long (UTC): it grows from then on. None: it is said to be so long all the time."""


@dataclass(frozen=True, slots=True)
class DeviceState:
    """What the sensors, the flags or a trace say at one instant; each reading tells whether its name is true."""

    charging: Reading = Reading()
    battery: Level = Level()
    battery_low: Reading = Reading()
    """Folded from the level where nothing says it: low at 15 %, and so until 20 % (see `policy.battery`)."""
    network: Network = Network()
    idle: Reading = Reading()
    """Nobody uses it: on a computer no input for a while, on a phone the screen has been off for half an hour."""
    storage_low: Reading = Reading()
    screen: Reading = Reading()
    """Whether it is on."""
    load: Level = Level()
    """How busy its processors are, in percent of all of them."""
    unused: Span = Span()
    """For how long nobody has touched it."""
    app: Word = Word()
    """Of a phone's app: `foreground`, `background`, `swiped` (away, from the list of recent apps) or `force-quit`."""
    lock: Word = Word()
    """`open`, `locked`, or `before-first-unlock` since it has started."""
    low_power: Reading = Reading()
    """Battery saver, or Low Power Mode."""
    motion: Reading = Reading()
    """It is being moved."""
    refresh: Reading = Reading()
    """iOS's Background App Refresh is on."""
    exempt: Reading = Reading()
    """The app is exempt from battery optimisation."""
    bucket: Word = Word()
    """The standby bucket, where a script pins it; see `profile.BUCKETS`."""


@dataclass(frozen=True, slots=True)
class DeviceChange:
    """From `at_ms` (UTC) on, the device is in `state`; a trace is a list of these, strictly in time order."""

    at_ms: int
    state: DeviceState


@dataclass(frozen=True, slots=True)
class Facts:
    """What is said of a device, rather than asked of it."""

    state: DeviceState = DeviceState()
    since_ms: int = 0
    """For so long it has been so already."""
    device: str = ""
    """Which one it is: a day that comes with bgo, a script, `host`, `adb…` or `termux`; empty: as configured."""
    firm: frozenset[str] = frozenset()
    """The fields of which somebody has said since when: what is remembered of these does not count."""


NO_FACTS = Facts()


def facts_of(said: Facts | DeviceState | None) -> Facts:
    """Return what is said, be it a mere state, or nothing."""
    if said is None:
        return NO_FACTS
    return said if isinstance(said, Facts) else Facts(said)


@dataclass(frozen=True, slots=True)
class View:
    """Who asks: the same store is judged under many views."""

    profile: Profile = HOST
    device: DeviceState = DeviceState()
    platform: PlatformState = MET
    overs: int = 0
    """The number of the last run that is over of which the platform's rules have taken note here; 0: of none."""

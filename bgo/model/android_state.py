"""What Android's rules remember: what the phone said, how its app was used, what it has run, how deep it sleeps.

All instants are UTC milliseconds. A state changes at events, and at the instant `due`; between these, what is asked of
it is worked out from the instants it holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Said:
    """What the phone said last, as these rules take it: what nobody knows counts as what holds work least."""

    charging: bool = False
    full: bool = False
    """So full that it counts as charging at once when it is plugged in."""
    low: bool = False
    """The battery is low, and so until it has come back to the upper mark."""
    screen: str = "unknown"
    """Whether it is on: yes, no or unknown, which counts as on."""
    locked: bool = False
    app: str = "unknown"
    """See `DeviceState.app`. An app of which nobody says whether it is used counts as used."""
    saver: bool = False
    moving: bool = False
    exempt: bool = False
    bucket: str = ""
    """The bucket, where something says it; empty: by disuse."""
    network: str = "unknown"
    idle: str = "unknown"
    """Whether the device itself says that it is idle; unknown: by how long its screen has been off."""


@dataclass(frozen=True, slots=True)
class Usage:
    """How long the app has not been used, and the bucket that it has by that."""

    bucket: str = "active"
    is_used: bool = True
    used_at: int = 0
    """When its last use ended."""
    screen_ms: int = 0
    """How long the screen has been on since then, without the time since `screen_at`."""
    screen_at: int | None = None
    """Since when the screen has been on; None: it is off."""
    looked_at: int = 0
    """When the system last looked which bucket it should have."""


@dataclass(frozen=True, slots=True)
class Rest:
    """How deep the device sleeps."""

    phase: str = "awake"
    """`awake`; `resting`: unplugged, screen off, not in Doze yet; `light` and `deep`: no work; `light-wait`: light, but
    only because there is no network; `light-window` and `deep-window`: a maintenance window."""
    at: int = 0
    """Since when it has been in this phase."""
    until: int | None = None
    """When the phase ends at the latest, by itself."""
    rest_at: int | None = None
    """Since when it has been unplugged with its screen off; None: it is not."""
    light_from: int = 0
    """From when the wait for light Doze counts."""
    still_at: int | None = 0
    """Since when it has lain still; None: it moves."""
    idle_ms: int = 0
    """How long the next idle period is."""
    window_ms: int = 0
    """How long the next window is at most."""
    quiet_at: int | None = None
    """In a window: since when nothing has run; None: something runs."""
    left_at: int | None = None
    """When Doze last ended, or a window opened."""


@dataclass(frozen=True, slots=True)
class Running:
    """A run that has not ended."""

    run: str
    at: int
    kind: str
    """`plain`, `expedited`, or `service`: in the foreground."""
    service: str = ""
    """Its type, if it is a foreground service."""
    is_on_top: bool = False
    """The app was on top when it began."""
    wants_network: bool = False
    plain_at: int | None = None
    """When it became plain work, having begun as expedited; None: it did not."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Spans in which something ran that counts, in parallel tuples so that one can search them; the last may be open.

    A span begins when the first such run begins and ends with the last of them.
    """

    starts: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()
    spent: tuple[int, ...] = ()
    """How much had run before each of them."""
    begun: tuple[int, ...] = ()
    """How many runs had begun before each of them."""
    groups: tuple[int, ...] = ()
    """Their sessions: spans that follow each other closely have one number."""
    total: int = 0
    """How much has run, but for the open span."""
    runs: int = 0
    """How many runs there were, but for the open span."""
    open_at: int | None = None
    open_runs: int = 0
    live: int = 0
    """How many runs are counted just now."""


@dataclass(frozen=True, slots=True)
class Service:
    """The account of one type of foreground service."""

    type: str
    first_at: int
    """The window that counts begins with its first start."""
    used: int = 0
    open_at: int | None = None


@dataclass(frozen=True, slots=True)
class Company:
    """What waits for company."""

    ready: int = 0
    since: int | None = None


@dataclass(frozen=True, slots=True)
class AndroidState:
    """The state of all of Android's rules; `at` is when it last changed."""

    at: int = field(compare=False)
    due: int | None = None
    """When it changes next by itself; None: never."""
    said: Said = Said()
    plugged_at: int | None = None
    dark_at: int | None = None
    """Since when the screen has been off."""
    usage: Usage = Usage()
    rest: Rest = Rest()
    running: tuple[Running, ...] = ()
    over_at: int | None = None
    """When the last run ended."""
    jobs: Ledger = Ledger()
    """Plain work in the background."""
    is_out: bool = False
    """Out of quota: it was used up, and not enough of it has become free."""
    began: tuple[int, ...] = ()
    """The last starts of what counts, as many as the burst limit allows."""
    expedited: Ledger = Ledger()
    services: tuple[Service, ...] = ()
    company: Company = Company()

"""What iOS's rules remember: what the device said last, how the app was used, and when it was given time.

All instants are UTC milliseconds. Plain values only, so that the store can keep them as JSON.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Facts:
    """What the device said last, as far as iOS goes by it."""

    app: str = "unknown"
    """`foreground`, `background`, `quit` (swiped away or force-quit), or `unknown`: then it is in the background."""
    unlocked: bool = True
    """It was unlocked since it started: until then no file of the app can be read."""
    refresh: bool = True
    """Background App Refresh is on."""
    low_power: bool = False
    flat: bool = False
    """The battery is below the floor, and does not charge."""
    rest: str = ""
    """Nobody uses it: `said` by the device itself, or `dark`, which counts after a while; empty: somebody does."""
    power: bool = False
    network: bool = False


@dataclass(frozen=True, slots=True)
class Pending:
    """A request for time that waits with iOS."""

    ready_from: int | None = None
    """From when on the device permits it, which may still be to come; None: it does not."""
    owed: bool = False
    """iOS meant to give it time when the device did not permit it."""


@dataclass(frozen=True, slots=True)
class IosState:
    """The state of all of iOS's rules at `at`, and later, up to `folds_at`.

    What ends at `…_until` is over, or never was, where that is 0.
    """

    at: int = field(compare=False)
    """Time that goes by and brings nothing makes no other state: it need not be noted down."""
    seed: int = 1
    """Draws when iOS gives time: no more than a guess."""
    facts: Facts | None = None
    """None: nothing was seen yet."""
    quit: bool = False
    """Nobody has opened the app since it was force-quit."""
    used_at: int | None = None
    """When the app was last seen to be used; None: nobody says."""
    idle_from: int | None = None
    """From when on it counts as idle, which may still be to come; None: it is in use."""
    grace_until: int = 0
    refresh_until: int = 0
    processing_until: int = 0
    refresh: Pending = Pending()
    processing: tuple[Pending, ...] = ()
    """One request for each of `policy.ios.facts.REQUESTS`."""
    folds_at: int = field(default=0, compare=False)
    """Before this instant nothing changes by itself; 0: nobody has looked. This and `edge_at` follow from the rest."""
    edge_at: int | None = field(default=None, compare=False)
    """Before this instant nobody can tell a difference; None: never, if nothing happens."""

"""What a platform's rules are told, what they remember of it, and what they say: plain values.

`policy.platform` folds events into a state, and judges by it. All instants are UTC milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from bgo.model.android_state import AndroidState
    from bgo.model.device import DeviceState
    from bgo.model.ios_state import IosState
    from bgo.model.lane import Traits
    from bgo.model.plan import Hold


class DeviceSaid(NamedTuple):
    """From `at` on the device says this. `at` may lie before what was folded last: a fact that has been so for long."""

    at: int
    device: DeviceState
    firm: frozenset[str] = frozenset()
    """These of its fields count from `at` on even if it said the same before: somebody knows since when they are so."""


class RunBegan(NamedTuple):
    """A run started under these rules; `run` is its name, unique in the store."""

    at: int
    run: str
    traits: Traits
    wants_network: bool = False


class RunOver(NamedTuple):
    """It is over, however it ended."""

    at: int
    run: str


class Gathered(NamedTuple):
    """So many tasks are ready and wait for nothing but company (see `Gate.BATCHING`)."""

    at: int
    ready: int


Event = DeviceSaid | RunBegan | RunOver | Gathered


class Stop(NamedTuple):
    """A run may not go on from `at` on, unless something happens before; `hold` says why."""

    at: int
    hold: Hold


@dataclass(frozen=True, slots=True)
class PlatformState:
    """What a platform's rules remember of what went before, from run to run. A slice is None where nothing was seen."""

    battery_low: bool = False
    """Whether the battery was low when its level was last known (see `policy.battery`)."""
    android: AndroidState | None = None
    ios: IosState | None = None


MET = PlatformState()
"""Of a device that has just been met."""

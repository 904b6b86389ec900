"""Facts about the device, as options: what `run`, `explain` and `simulate` take to be so, each written once.

A fact counts so long as the command runs, and as having been so for long; what is not said is sensed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from bgo.model.device import NetworkKind

if TYPE_CHECKING:
    from bgo.model.device import DeviceState

DEVICE = "Device"


class YesNo(StrEnum):
    """A fact about the device."""

    YES = "yes"
    NO = "no"


class Kind(StrEnum):
    """What a network may be said to be."""

    NONE = NetworkKind.NONE.value
    CONNECTED = NetworkKind.CONNECTED.value
    UNMETERED = NetworkKind.UNMETERED.value
    METERED = NetworkKind.METERED.value
    ROAMING = NetworkKind.ROAMING.value


Charging = Annotated[
    YesNo | None,
    typer.Option("--charging", metavar="yes|no", help="It charges, or not; default: ask it.", rich_help_panel=DEVICE),
]
Battery = Annotated[
    int | None,
    typer.Option(
        "--battery", min=0, max=100, metavar="N", help="Percent of the battery; low at 15.",
        rich_help_panel=DEVICE,
    ),
]  # fmt: skip
Network = Annotated[
    Kind | None,
    typer.Option(
        "--network", metavar="KIND", help="It has none, or: connected, unmetered, metered, roaming.",
        rich_help_panel=DEVICE,
    ),
]  # fmt: skip
Idle = Annotated[
    YesNo | None,
    typer.Option("--idle", metavar="yes|no", help="Nobody is using it, or somebody is.", rich_help_panel=DEVICE),
]
StorageLow = Annotated[
    YesNo | None,
    typer.Option("--storage-low", metavar="yes|no", help="Storage is short, or is not.", rich_help_panel=DEVICE),
]


def said(
    charging: YesNo | None, battery: int | None, network: Kind | None, idle: YesNo | None, storage_low: YesNo | None
) -> DeviceState | None:
    """Return what these options say of the device, each with its flag as the source; None where nothing is said."""
    flags = {
        "charging": charging, "battery": battery, "network": network, "idle": idle, "storage_low": storage_low,
    }  # fmt: skip
    words = {key: str(value) for key, value in flags.items() if value is not None}
    if not words:
        return None
    from bgo.devices import signals
    from bgo.model.device import DeviceState

    found = DeviceState()
    for key, word in words.items():
        found = signals.over(signals.said({key: word}, "--" + key.replace("_", "-")), found)
    return found

"""What the device is, as options: the bundle that `run`, `explain` and `simulate` take, written once.

    @about.device
    def run(ctx: typer.Context, …, facts: Facts = NO_FACTS) -> None: …

A fact counts so long as the command runs, and as having been so for `--since`; what is not said is sensed.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import typer

from bgo.cli import parse
from bgo.cli.params import Invocation, settings_of
from bgo.errors import UsageError
from bgo.model.device import Facts, NetworkKind

DEVICE = "Device"


class YesNo(StrEnum):
    """A fact about the device."""

    YES = "yes"
    NO = "no"


class OnOff(StrEnum):
    """A fact about something that is switched."""

    ON = "on"
    OFF = "off"


class Kind(StrEnum):
    """What a network may be said to be."""

    NONE = NetworkKind.NONE.value
    CONNECTED = NetworkKind.CONNECTED.value
    UNMETERED = NetworkKind.UNMETERED.value
    METERED = NetworkKind.METERED.value
    ROAMING = NetworkKind.ROAMING.value


Profile = Annotated[
    str | None,
    typer.Option(
        "--profile", metavar="PROFILE", rich_help_panel=DEVICE,
        help="The rules that count: android, ios, samsung …; bgo profiles lists them.",
    ),
]  # fmt: skip
"""It is an option of all commands, taken before a command sees its own; here it is told where it matters most."""
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


LONG_MS = 86_400_000
"""What is said has been so for long, unless it is said since when: no rule of a platform counts the screen-off time, or
a charge, for longer than a day."""
Screen = Annotated[
    OnOff | None, typer.Option("--screen", metavar="on|off", help="Its screen is on, or off.", rich_help_panel=DEVICE)
]
Signal = Annotated[
    list[str] | None,
    typer.Option(
        "--signal", metavar="KEY=VALUE", help="Any other: app=foreground, load=40; bgo devices signals lists them.",
        rich_help_panel=DEVICE,
    ),
]  # fmt: skip
Since = Annotated[
    int | None,
    typer.Option(
        "--since", parser=parse.duration_ms, metavar="TIME", rich_help_panel=DEVICE, show_default=False,
        help="For so long these facts have been so; default: as remembered, or 1d.",
    ),
]  # fmt: skip
Device = Annotated[
    str,
    typer.Option(
        "--device", metavar="DEVICE", show_default=False, rich_help_panel=DEVICE,
        help="A day (commuter, desk-worker …) or a script of one; host, termux, adb:SERIAL/APP: their sensors.",
    ),
]  # fmt: skip


def device(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say what the device is; it takes them as `facts`."""
    own = inspect.signature(command, eval_str=True).parameters
    options = inspect.signature(_facts, eval_str=True).parameters
    if "facts" not in own:
        raise TypeError(f"{command.__name__} takes no facts")

    @functools.wraps(command)
    def told(**words: Any) -> None:
        words.pop("profile")
        said = {name: words.pop(name) for name in options}
        command(**words, facts=_facts(**said))

    profile = inspect.Parameter("profile", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Profile)
    told_of = [*options.values(), profile]
    shown = [one for name, parameter in own.items() for one in (told_of if name == "facts" else [parameter])]
    signature = inspect.Signature([one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in shown])
    told.__signature__ = signature  # type: ignore[attr-defined]  # as functions have it, for who looks at them
    told.__annotations__ = {name: one.annotation for name, one in signature.parameters.items()}
    return told


def _facts(
    device: Device = "",
    charging: Charging = None,
    battery: Battery = None,
    network: Network = None,
    idle: Idle = None,
    storage_low: StorageLow = None,
    screen: Screen = None,
    signal: Signal = None,
    since: Since = None,
) -> Facts:
    """Return what these options say of the device, each with its flag as the source."""
    flags = {
        "charging": charging, "battery": battery, "network": network, "idle": idle, "storage_low": storage_low,
        "screen": screen,
    }  # fmt: skip
    words = {key: str(value) for key, value in flags.items() if value is not None}
    if not (words or signal):
        if since is not None:
            raise UsageError("--since says for how long, but not what", why="no fact is given with it",
                             hint="add --charging yes, --screen off …")  # fmt: skip
        return Facts(device=device)
    from bgo.devices import signals

    said = signals.by_flags(words, signal or ())
    if since is None:
        return Facts(said, LONG_MS, device=device)
    return Facts(said, since, device, signals.spoken_of(said))


def remember(ctx: typer.Context, words: list[str]) -> None:
    """Write into the config file what the device is taken to be where its sensors know nothing; `unknown` forgets."""
    from bgo.config_file import remember as write
    from bgo.devices.signals import assumed, pairs

    try:
        said = pairs(words)
        assumed(said)
    except UsageError as error:
        raise error.within("--assume") from None
    settings = settings_of(ctx)
    for key, word in said.items():
        write(str(settings.config_path), "assume", key, None if word == "unknown" else word)
    invocation: Invocation = ctx.obj
    invocation.reload()

"""Options of `bgo enqueue` that belong together: a key means nothing without its limit, a TTL nothing without dedup."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bgo.cli import parse
from bgo.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import tzinfo

    from bgo.clock import Clock

CONSTRAINTS = (
    "network", "battery_not_low", "charging", "device_idle", "storage_not_low", "cpu_below", "unused_for", "on_network",
)  # fmt: skip
"""The parameters of the options that ask something of the device."""
_EXAMPLES = {
    "--unused-for": "--unused-for 10m",
    "--on-network": "--on-network Home; again for any of several",
}


def constraints(said: "Mapping[str, Any]") -> Any:
    """Return what these options ask of the device, by their parameters, or None where none is given; `--network none`
    asks for nothing."""
    found = {name: said[name] for name in CONSTRAINTS if said.get(name) not in (None, False, [])}
    if not found:
        return None
    from bgo.model.options import TaskConstraints

    if "charging" in found:
        found["requires_charging"] = found.pop("charging")
    try:
        return TaskConstraints(**found)
    except UsageError as error:
        name, colon, what = error.message.partition(": ")
        option = "--" + name.replace("_", "-")
        raise UsageError(f"{option}{colon}{what}", why=error.why, hint=_EXAMPLES.get(option, error.hint)) from None


def expedited(text: str | None) -> str | None:
    """Return the word of --expedited."""
    if text in (None, "run", "drop"):
        return text
    raise UsageError(
        f"--expedited={text!s:.60} says nothing",
        why="without quota left it runs as plain work, or not at all",
        hint="--expedited, or --expedited=drop",
    )


def concurrency(text: str | None, key: str | None) -> Any:
    """Return what --concurrency and --concurrency-key ask for, or None."""
    if text is not None:
        return parse.concurrency(text, key)
    _needs(key, "--concurrency-key", "--concurrency", "a key alone bounds nothing", "--concurrency 3")
    return None


def rate(text: str | None, key: str | None) -> Any:
    """Return what --rate and --rate-key ask for, or None."""
    if text is not None:
        return parse.rate(text, key)
    _needs(key, "--rate-key", "--rate", "a key alone limits nothing", "--rate 10/1m")
    return None


def dedup(text: str | None, ttl: timedelta | None) -> Any:
    """Return what --dedup and --dedup-ttl ask for, or None."""
    if text is not None:
        return parse.dedup(text, ttl)
    _needs(ttl, "--dedup-ttl", "--dedup", "it says how long equal work counts as the same", "--dedup input")
    return None


def unique_policy(name: str | None, policy: str | None) -> str | None:
    """Return the word of --unique-policy."""
    if name is None:
        why = "it says what happens when the id is taken"
        _needs(policy, "--unique-policy", "--unique", why, "--unique nightly-backup")
    return policy


def _needs(value: object, option: str, other: str, why: str, example: str) -> None:
    if value is not None:
        raise UsageError(f"{option} needs {other}", why=why, hint=f"give {example} as well")


def zone(name: str | None, times: "Iterable[str | None]", *, has_window: bool) -> "tzinfo | None":
    """Return the zone of --tz, in which `times` and windows are read; None where it is not given."""
    if name is None:
        return None
    if not has_window and not any(times):
        why = "it says by whose clocks hours and times are read"
        _needs(name, "--tz", "--window or --at", why, "--window 9-17@mon-fri")
    from bgo import zones

    try:
        return zones.zone(name)
    except UsageError as error:
        raise UsageError(f"--tz: {error.message}", why=error.why, hint=error.hint) from None


def deadline(text: str | None, option: str, clock: "Clock", zone: "tzinfo | None" = None) -> Any:
    """Return the instant that --start-before or --finish-before means: so long from now, or a time; None for None."""
    if text is None:
        return None
    from bgo.clock import to_local

    now = clock.now_ms()
    try:
        return to_local(now + parse.duration_ms(text, minimum=1))
    except UsageError:
        pass
    try:
        return to_local(parse.instant_ms(text, now, zone))
    except UsageError as error:
        hint = "2h, 18:00, 'tomorrow 9:00', or a date"
        raise UsageError(f"{option}: {error.message}", why=error.why, hint=hint) from None

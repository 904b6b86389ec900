"""Options as a chain file writes them, the words of the command line, turned into keywords of `flow.enqueue`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, NamedTuple

from bgo.errors import UsageError
from bgo.model import specs
from bgo.model.options import NetworkConstraint, TaskConstraints
from bgo.model.words import did_you_mean, duration, instant_ms

if TYPE_CHECKING:
    from bgo.model.window import TimeWindow

Table = Mapping[str, Any]


class Context(NamedTuple):
    """What the values are read against: the table they stand in, the folder of the file, and now."""

    table: Table
    folder: str
    now_ms: int
    windows: Mapping[str, TimeWindow]
    """Those of the config."""


def wrong(value: Any, accepted: str) -> UsageError:
    """Return the refusal of a value of the wrong type."""
    kinds = {bool: "true or false", str: "a string", int: "a number", float: "a number", list: "a list"}
    kinds |= {dict: "a table", datetime: "a time", date: "a date"}
    return UsageError(
        f"{accepted} is wanted", why=f"there is {kinds.get(type(value), 'something else')}: {value!r:.60}",
        hint="bgo man chain and bgo man schedules show whole files",
    )  # fmt: skip


def text(value: Any, accepted: str = "a string") -> str:
    """Return a string, or raise UsageError for anything else."""
    if not isinstance(value, str) or not value:
        raise wrong(value, accepted)
    return value


def texts(value: Any) -> list[str]:
    """Return a list of strings; one string is a list of one."""
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise wrong(value, "a list of strings")
    return found


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise wrong(value, "true or false")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def length(value: Any) -> timedelta:
    return duration(str(value) if _is_number(value) else text(value, "a duration"))


def _timeout(value: Any) -> Any:
    return specs.timeout(str(value) if _is_number(value) else text(value, "a timeout such as '2m'"))


def _priority(value: Any) -> int:
    return specs.priority(str(value) if _is_number(value) else text(value, "a priority"))


def _concurrency(value: Any, context: Context) -> Any:
    said = str(value) if _is_number(value) else text(value, "a number such as 3, or '3:fifo'")
    key = context.table.get("concurrency_key")
    return specs.concurrency(said, None if key is None else text(key))


def _rate(value: Any, context: Context) -> Any:
    key = context.table.get("rate_key")
    return specs.rate(text(value, "a rate such as '10/1m'"), None if key is None else text(key))


def _dedup(value: Any, context: Context) -> Any:
    said = ",".join(texts(value))
    ttl = context.table.get("dedup_ttl")
    return specs.dedup(said, None if ttl is None else length(ttl))


def _env(value: Any) -> dict[str, str]:
    from bgo.hooks.commandline import kept_environment

    if isinstance(value, dict):
        if not all(isinstance(one, str) for one in value.values()):
            raise wrong(value, "a table of strings")
        value = [f"{name}={one}" for name, one in value.items()]
    return kept_environment(os.environ, texts(value))


def _instant(value: Any, context: Context) -> Any:
    return _in_zone(value, context) if isinstance(value, datetime) else _time(value, context)


def _in_zone(value: datetime, context: Context) -> datetime:
    """Return a time of TOML: what has no offset is in the zone of its table, if one is said there."""
    zone = zone_of(context)
    return value if value.tzinfo is not None or zone is None else value.replace(tzinfo=zone)


def _time(value: Any, context: Context) -> int:
    return instant_ms(text(value, "a time"), context.now_ms, zone_of(context))


def zone_of(context: Context) -> tzinfo | None:
    if "tz" not in context.table:
        return None
    from bgo.zones import zone

    return zone(text(context.table["tz"], "a zone such as 'Europe/Berlin'"))


def _tz(value: Any, context: Context) -> str:
    zone_of(context)
    return str(value)


def _window(value: Any, context: Context) -> TimeWindow:
    from bgo.model.window_words import window

    return window(text(value, "a window such as '9-17@mon-fri'"), context.windows)


def _deadline(value: Any, context: Context) -> Any:
    from bgo.clock import to_local

    if isinstance(value, datetime):
        return _in_zone(value, context)
    try:
        return length(value)
    except UsageError:
        return to_local(_time(value, context))


def _network(value: Any) -> Any:
    said = text(value, "a network such as 'unmetered'")
    if said not in set(NetworkConstraint):
        why = did_you_mean(said, NetworkConstraint) or "it is the kind of network that the work needs"
        raise UsageError(f"not a network: {said!r:.60}", why=why, hint=f"try {', '.join(NetworkConstraint)}")
    return NetworkConstraint(said)


def _cpu_below(value: Any) -> int:
    return specs.cpu_below(str(value) if _is_number(value) else text(value, "percent such as '50%'"))


_CONSTRAINTS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "network": ("network", _network),
    "battery_not_low": ("battery_not_low", flag),
    "charging": ("requires_charging", flag),
    "device_idle": ("device_idle", flag),
    "storage_not_low": ("storage_not_low", flag),
    "cpu_below": ("cpu_below", _cpu_below),
    "unused_for": ("unused_for", length),
    "on_network": ("on_network", texts),
}
"""What may be asked of the device, by its word: its field of the constraints, and how it is read."""


def _constraint(key: str) -> Callable[[Any, Context], TaskConstraints | None]:
    """Return the reader of one of these words; the last one in the table answers for all of them."""

    def read(value: Any, context: Context) -> TaskConstraints | None:
        field, one = _CONSTRAINTS[key]
        found = {field: one(value)}
        here = [word for word in context.table if word in _CONSTRAINTS]
        if key != here[-1]:
            return None
        for word in here[:-1]:
            field, one = _CONSTRAINTS[word]
            found[field] = one(context.table[word])
        wish = TaskConstraints(**found)
        return None if wish.is_empty and "network" not in found else wish

    return read


def _needs(other: str) -> Callable[[Any, Context], None]:
    def check(value: Any, context: Context) -> None:
        if other not in context.table:
            raise UsageError(f"it needs {other}", why="alone it says nothing", hint=f"give {other} as well")

    return check


def _folder(value: Any, context: Context) -> str:
    return os.path.join(context.folder, os.path.expanduser(text(value, "a directory")))


Reader = tuple[str, Callable[[Any, Context], Any]]
"""The keyword of an option, and how its value is read."""
EACH: Mapping[str, Reader] = {
    "timeout": ("timeout", lambda v, c: _timeout(v)),
    "retry": ("retry", lambda v, c: specs.retry(text(v, "a retry policy"))),
    "queue": ("queue", lambda v, c: text(v, "a queue")),
    "priority": ("priority", lambda v, c: _priority(v)),
    "tag": ("tags", lambda v, c: texts(v)),
    "tags": ("tags", lambda v, c: texts(v)),
    **{key: ("constraints", _constraint(key)) for key in _CONSTRAINTS},
    "on_constraint_loss": ("on_constraint_loss", lambda v, c: text(v, "stop, finish or cancel")),
    "relax": ("relax", lambda v, c: texts(v)),
    "concurrency": ("concurrency", _concurrency),
    "concurrency_key": ("", _needs("concurrency")),
    "rate": ("rate_limit", _rate),
    "rate_key": ("", _needs("rate")),
    "at_most_once": ("at_most_once", lambda v, c: flag(v)),
    "expedited": ("expedited", lambda v, c: v if isinstance(v, bool) else text(v, "run or drop")),
    "foreground": ("foreground", lambda v, c: text(v, "a type of foreground service, such as dataSync")),
    "cwd": ("cwd", _folder),
    "env": ("env", lambda v, c: _env(v)),
    "window": ("window", _window),
    "tz": ("tz", _tz),
    "window_strict": ("window_strict", lambda v, c: flag(v)),
}
"""What a member may have, by its word in the file."""
WHOLE: Mapping[str, Reader] = {
    "delay": ("delay", lambda v, c: length(v)),
    "at": ("at", _instant),
    "start_before": ("start_before", _deadline),
    "dedup": ("dedup", _dedup),
    "dedup_ttl": ("", _needs("dedup")),
    "unique": ("unique_id", lambda v, c: text(v)),
    "unique_policy": ("unique_policy", lambda v, c: text(v)),
    "after": ("after", lambda v, c: texts(v)),
}
"""What only the whole may have."""
OPTIONS = {**EACH, **WHOLE}


def keyword(key: str, context: Context, known: Mapping[str, Reader]) -> dict[str, Any]:
    """Return the keyword that one option of a table means; nothing where it belongs to another, or says nothing."""
    name, read = known[key]
    value = read(context.table[key], context)
    return {} if not name or value is None else {name: value}

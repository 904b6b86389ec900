"""Options as people write them in one word: `exponential:attempts=5,delay=10s`, `30s/60s`, `3:by-priority`, `high`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bgo.errors import UsageError
from bgo.model.options import (
    PRIORITY_MAX,
    PRIORITY_MIN,
    PRIORITY_NAMES,
    TIMEOUT_PRESETS,
    ConstraintLoss,
    RetryPolicy,
    TaskTimeout,
)
from bgo.model.words import did_you_mean, duration, duration_ms, span

if TYPE_CHECKING:
    from bgo.model.limits import ConcurrencyControl, DedupPolicy, RateLimit, Unique
    from bgo.model.options import NetworkConstraint, TaskConstraints
    from bgo.model.window import RelaxStep

RETRY_FORMS = (
    "exponential:attempts=5,delay=10s,max=1h,multiplier=2,jitter; linear:attempts=3,delay=30s; custom:5s,1m; none"
)
TIMEOUT_FORMS = "quick, moderate, extended, none, 60s, or 30s/60s for soft/hard"
RATE_FORMS = "10/1m, 100/1h, 3/500ms, or conservative, moderate, aggressive, hourly"
RATE_PRESETS = ("conservative", "moderate", "aggressive", "hourly")
RELAX_FORMS = "3d:network=connected, 12h:charging,battery-not-low, or 1w:none"
CONCURRENCY_FORMS = "3, 3:fifo, 3:lifo, 3:random, 3:by-priority, or limited"


def timeout(text: str) -> TaskTimeout:
    """Return `quick|moderate|extended|none`, `60s` (hard, with its warning at 80 %), or `30s/60s` (soft/hard)."""
    word = text.strip()
    if (preset := TIMEOUT_PRESETS.get(word.lower())) is not None:
        return preset
    soft, slash, hard = word.partition("/")
    try:
        if slash:
            return TaskTimeout(_seconds(soft), _seconds(hard))
        return TaskTimeout.hard_only(_seconds(word))
    except UsageError as error:
        hint = did_you_mean(word, TIMEOUT_PRESETS) or error.hint
        raise UsageError(f"not a timeout: {word!r:.100}", why=error.why, hint=hint or f"try {TIMEOUT_FORMS}") from None


def _seconds(text: str) -> float:
    return duration_ms(text, minimum=1) / 1000


def _number(kind: type[int] | type[float], name: str, text: str) -> Any:
    try:
        if len(text) > 20 or not text.isascii():
            raise ValueError
        value = kind(text)
        if value != value:
            raise ValueError
        return value
    except ValueError:
        what = "a whole number" if kind is int else "a number"
        raise UsageError(
            f"retry: {name}={text!r:.40} is not {what}", why=f"{name} is one number", hint=f"try {RETRY_FORMS}"
        ) from None


_RETRY_KEYS: dict[str, tuple[str, ...]] = {
    "exponential": ("attempts", "delay", "max", "multiplier", "jitter"),
    "linear": ("attempts", "delay", "max", "jitter"),
    "custom": ("jitter",),
    "none": (),
}
_ARGUMENT = {"attempts": "max_attempts", "max": "max_delay", "multiplier": "multiplier", "jitter": "jitter"}


def retry(text: str) -> RetryPolicy:
    """Return a retry policy from `KIND[:key=value,…]`; `custom` takes a list of delays."""
    kind, _, rest = text.strip().partition(":")
    kind = kind.strip().lower()
    if kind not in _RETRY_KEYS:
        why = did_you_mean(kind, _RETRY_KEYS) or f"the kinds are {', '.join(_RETRY_KEYS)}"
        raise UsageError(f"not a retry policy: {text!r:.100}", why=why, hint=f"try {RETRY_FORMS}")
    parts = [part.strip() for part in rest.split(",")] if rest.strip() else []
    if len(parts) > 1000:
        raise UsageError("retry: more than 1000 parts", why="no task is tried that often", hint=f"try {RETRY_FORMS}")
    if kind == "none":
        _refuse_leftover(kind, parts)
        return RetryPolicy.NONE
    if kind == "custom":
        jitter = "jitter" in parts
        delays = [duration(part) for part in parts if part != "jitter"]
        if not delays:
            why, hint = "each delay allows one more try", "custom:5s,15s,1m tries four times in all"
            raise UsageError("retry: custom needs its delays", why=why, hint=hint)
        return replace(RetryPolicy.custom(delays=delays), jitter=jitter)
    make: Callable[..., RetryPolicy] = getattr(RetryPolicy, kind)
    return make(**_retry_arguments(kind, parts))


def _refuse_leftover(kind: str, parts: list[str]) -> None:
    if parts:
        raise UsageError(
            f"retry: {kind} takes nothing after it, found {parts[0]!r:.60}",
            why="it tries once",
            hint=f"try {RETRY_FORMS}",
        )


def _retry_arguments(kind: str, parts: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in parts:
        key, equals, value = (word.strip() for word in part.partition("="))
        if key not in _RETRY_KEYS[kind] or (not equals and key != "jitter"):
            hint = did_you_mean(key, _RETRY_KEYS[kind])
            why = f"{kind} takes {', '.join(_RETRY_KEYS[kind])}"
            raise UsageError(
                f"retry: {part!r:.60} is not one of its settings", why=why, hint=hint or f"try {RETRY_FORMS}"
            )
        name = _ARGUMENT.get(key) or ("initial_delay" if kind == "exponential" else "delay")
        if name in found:
            raise UsageError(f"retry: {key} is given twice", why="only one can count", hint=f"try {RETRY_FORMS}")
        found[name] = _retry_value(key, value)
    return found


def _retry_value(key: str, value: str) -> Any:
    if key == "jitter":
        if value.lower() not in {"", "yes", "true", "on", "no", "false", "off"}:
            why = "jitter alone means yes"
            raise UsageError(f"retry: jitter={value!r:.40} is not yes or no", why=why, hint=f"try {RETRY_FORMS}")
        return value.lower() in {"", "yes", "true", "on"}
    if key == "attempts":
        return _number(int, key, value)
    return _number(float, key, value) if key == "multiplier" else duration(value)


def concurrency(text: str, key: str | None = None) -> ConcurrencyControl:
    """Return `N[:fifo|lifo|random|by-priority]`, or `limited` (3, fifo), under `key` (None: the task's name)."""
    from bgo.model.limits import ConcurrencyControl, ConcurrencyStrategy  # only for those who limit something

    count, colon, strategy = (word.strip().lower() for word in text.partition(":"))
    number = 3 if count == "limited" else int(count) if count.isascii() and count.isdigit() and len(count) < 9 else None
    if number is None or (colon and strategy not in set(ConcurrencyStrategy)):
        why = did_you_mean(strategy, ConcurrencyStrategy) if number is not None else "it begins with no number"
        why = why or f"the orders are {', '.join(ConcurrencyStrategy)}"
        raise UsageError(f"not a concurrency limit: {text!r:.100}", why=why, hint=f"try {CONCURRENCY_FORMS}")
    return ConcurrencyControl(number, ConcurrencyStrategy(strategy or "fifo"), key)


def priority(text: str) -> int:
    """Return a priority from -100 to 100, or `low`, `normal`, `high`."""
    word = text.strip().lower()
    if word in PRIORITY_NAMES:
        return PRIORITY_NAMES[word]
    if word.isascii() and len(word) < 9 and word.lstrip("+-").isdigit() and len(word.lstrip("+-")) >= len(word) - 1:
        number = int(word)
        if PRIORITY_MIN <= number <= PRIORITY_MAX:
            return number
    raise UsageError(
        f"not a priority: {text!r:.100}",
        why=did_you_mean(word, PRIORITY_NAMES) or "it is neither such a number nor one of these words",
        hint=f"a whole number from {PRIORITY_MIN} to {PRIORITY_MAX}, or low, normal, high",
    )


def rate(text: str, key: str | None = None) -> RateLimit:
    """Return `N/WINDOW`, or a preset (5, 10 or 50 a minute, 100 an hour), under `key` (None: the task's name)."""
    from bgo.model.limits import RateLimit

    word = text.strip().lower()
    if word in RATE_PRESETS:
        preset: RateLimit = getattr(RateLimit, word.upper())
        return RateLimit(preset.max_executions, timedelta(milliseconds=preset.window_ms), key)
    count, slash, window = (part.strip() for part in word.partition("/"))
    if not slash or not (count.lstrip("+-").isdigit() and count.isascii() and len(count) < 12):
        why = did_you_mean(word, RATE_PRESETS) or "it is so many starts, a slash, and a length of time"
        raise UsageError(f"not a rate: {text!r:.100}", why=why, hint=f"try {RATE_FORMS}")
    try:
        ms = duration_ms(f"1{window}" if window.isalpha() else window, minimum=1)
    except UsageError as error:
        raise UsageError(f"not a rate: {text!r:.100}", why=error.why, hint=f"try {RATE_FORMS}") from None
    return RateLimit(int(count), timedelta(milliseconds=ms), key)


def dedup(text: str, ttl: timedelta | None = None) -> DedupPolicy:
    """Return what `input`, or a list of fields such as `user_id,day`, compares; `ttl` is how long it counts."""
    from bgo.model.limits import DedupPolicy

    if text.strip() == "input":
        return DedupPolicy.by_input(ttl)
    fields = [part.strip() for part in text.split(",")]
    if not all(fields) or len(set(fields)) < len(fields):
        raise UsageError(
            f"dedup: not a list of fields: {text!r:.100}",
            why="a field is empty" if not all(fields) else "a field is named twice",
            hint="--dedup input compares the whole input, --dedup user_id,day these fields",
        )
    return DedupPolicy.by_fields(ttl, fields)


_DEVICE = {
    "charging": "requires_charging",
    "battery-not-low": "battery_not_low",
    "device-idle": "device_idle",
    "storage-not-low": "storage_not_low",
}
"""What may be asked of the device by a word of its own: its field."""
_VALUED = ("network=KIND", "cpu-below=50%", "unused-for=10m", "on-network=NAME")
"""The other things that may be."""


def relax(text: str) -> RelaxStep:
    """Return a step such as `3d:network=connected`, `12h:charging,battery-not-low` or `1w:none`: an age, and all that
    is asked of the device from then on. A comma, or a backslash, of a network's name has a backslash before it."""
    from bgo.model.options import TaskConstraints
    from bgo.model.window import RelaxStep

    age, colon, rest = text.partition(":")
    if not colon or not rest.strip():
        raise UsageError(
            f"not a step of relax: {text!r:.100}", why="it is an age, and what is asked from then on",
            hint=f"try {RELAX_FORMS}",
        )  # fmt: skip
    found: dict[str, Any] = {}
    for word in _parts(rest) if rest.strip() != "none" else ():
        name, equals, value = word.strip().partition("=")
        name = name.strip().lower()
        if name in _DEVICE and not equals:
            found[_DEVICE[name]] = True
        elif name == "on-network" and value:
            found["on_network"] = (*found.get("on_network", ()), value)
        elif not (name in _READERS and value.strip()):
            raise _not_asked(word.strip())
        else:
            found[name.replace("-", "_")] = _READERS[name](value)
    return RelaxStep(duration_ms(age, minimum=1), TaskConstraints(**found))


def _parts(text: str) -> list[str]:
    """Return what stands between commas; a backslash takes its meaning from the character after it."""
    parts, is_escaped = [""], False
    for char in text:
        if is_escaped or char not in "\\,":
            parts[-1], is_escaped = parts[-1] + char, False
        elif char == ",":
            parts.append("")
        else:
            is_escaped = True
    return parts


def _not_asked(word: str) -> UsageError:
    from bgo.model.options import NetworkConstraint

    known = [*_DEVICE, *(f"network={one}" for one in NetworkConstraint), *(word.partition("=")[0] for word in _VALUED)]
    near = did_you_mean(word, known) or f"that is {', '.join(_DEVICE)}, {', '.join(_VALUED[:-1])} or {_VALUED[-1]}"
    return UsageError(f"relax: {word!r:.60} is nothing that is asked of a device", why=near, hint=f"try {RELAX_FORMS}")


def _network(word: str) -> NetworkConstraint:
    from bgo.model.options import NetworkConstraint

    if word.strip().lower() not in set(NetworkConstraint):
        raise _not_asked(f"network={word.strip()}")
    return NetworkConstraint(word.strip().lower())


def cpu_below(text: str) -> int:
    """Return a part of all processors: `50%`, or `50`."""
    word = text.strip().removesuffix("%").rstrip()
    if word.isascii() and word.isdigit() and len(word) < 4 and 1 <= int(word) <= 100:
        return int(word)
    raise UsageError(
        f"cpu-below: not a part of all processors: {text!r:.60}",
        why="it is a whole number of percent, from 1 to 100",
        hint="--cpu-below 50% waits until less than half of them is busy",
    )


_READERS: dict[str, Callable[[str], Any]] = {"network": _network, "cpu-below": cpu_below, "unused-for": duration}


def constraint_words(wish: TaskConstraints) -> list[str]:
    """Return what is asked of the device in the words of `relax`; [] for nothing."""
    found = [word for word, name in _DEVICE.items() if getattr(wish, name)]
    if wish.network != "none":
        found.append(f"network={wish.network}")
    if wish.cpu_below is not None:
        found.append(f"cpu-below={wish.cpu_below}%")
    if wish.unused_ms is not None:
        found.append(f"unused-for={span(wish.unused_ms)}")
    escaped = (name.replace("\\", "\\\\").replace(",", "\\,") for name in wish.networks)
    return [*found, *(f"on-network={name}" for name in escaped)]


def constraint_loss(word: str) -> ConstraintLoss:
    """Return `stop`, `finish` or `cancel`."""
    try:
        return ConstraintLoss(word.strip().lower())
    except (AttributeError, ValueError):
        raise UsageError(
            f"on-constraint-loss cannot be {word!r:.40}",
            why=did_you_mean(str(word), list(ConstraintLoss)) or "it says what becomes of work that runs",
            hint="stop (and hand back), finish, or cancel",
        ) from None


def unique(name: str, policy: str | None = None) -> Unique:
    """Return the unique id with its policy: `keep` (the default), `replace`, `append` or `append-or-replace`."""
    from bgo.model.limits import Unique, UniquePolicy

    word = (policy or UniquePolicy.KEEP).strip().lower()
    if word not in set(UniquePolicy):
        raise UsageError(
            f"not a unique policy: {policy!r:.100}",
            why=did_you_mean(word, UniquePolicy) or "it says what happens when the id is taken",
            hint=f"one of {', '.join(UniquePolicy)}",
        )
    return Unique(name, UniquePolicy(word))

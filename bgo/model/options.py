"""What a task may ask for: frozen values under the names the seed gave them, checked when they are made.

Durations are `timedelta` (or seconds as a number) at the door and milliseconds inside. A value that cannot mean
anything raises UsageError with the accepted form. `to_json`/`from_json` are in `model/wish.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from enum import StrEnum
from typing import ClassVar, Literal

from bgo.errors import UsageError

NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}")
PRIORITY_MIN, PRIORITY_MAX = -100, 100
MAX_ATTEMPTS = 1000
MAX_DURATION_MS = 10 * 366 * 86_400_000
"""Ten years: a longer delay or timeout is a typing error."""

Duration = timedelta | float | int


def check_name(name: object, what: str) -> str:
    """Return `name`, or raise UsageError when it is not a name ([A-Za-z][A-Za-z0-9._-]{0,63})."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise UsageError(
            f"not a {what} name: {str(name)[:80]!r}",
            why="a name starts with a letter and has at most 64 letters, digits, '.', '_' or '-'",
            hint=f"choose another {what} name, such as 'my-{what}'",
        )
    return name


def shown(value: object) -> str:
    """Return a refused value as it may stand in a message: short, and whatever it is."""
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}s"
    try:
        return f"{value!r:.40}"
    except ValueError:
        return "a number of thousands of digits"


def is_whole(value: object, low: int, high: int) -> bool:
    """Say whether a value is a whole number (a bool is not) from `low` to `high`."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def to_ms(value: object, what: str, *, minimum: int = 0) -> int:
    """Return a duration as whole milliseconds, at least `minimum`; raise UsageError otherwise."""
    if isinstance(value, timedelta):
        ms: float = value // timedelta(milliseconds=1)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        ms = value * 1000
    else:
        why = "words such as '5m' are for the command line" if isinstance(value, str) else "it is no number"
        raise UsageError(f"{what}: not a duration: {shown(value)}", why=why, hint="give seconds or a timedelta")
    if not minimum - 0.5 <= ms <= MAX_DURATION_MS or (whole := round(ms)) < minimum:
        raise UsageError(
            f"{what}: {shown(value)} is out of range",
            why=f"it must lie between {minimum / 1000:g} s and ten years",
            hint="give seconds or a timedelta",
        )
    return whole


class TaskQueue:
    """The four queues every store has; own queues are plain names."""

    CRITICAL = "critical"
    HIGH = "high"
    DEFAULT = "default"
    LOW = "low"


QUEUE_WEIGHTS: dict[str, float] = {
    TaskQueue.CRITICAL: 100.0,
    TaskQueue.HIGH: 10.0,
    TaskQueue.DEFAULT: 1.0,
    TaskQueue.LOW: 0.1,
}
PRIORITY_NAMES: dict[str, int] = {"low": -10, "normal": 0, "high": 10}


@dataclass(frozen=True, slots=True, init=False)
class TaskTimeout:
    """A soft limit that warns and a hard limit that kills, both in awake time; None means no such limit."""

    soft_ms: int | None
    hard_ms: int | None
    on_soft_timeout: str | None
    """What is called when the soft limit passes, as `module:function`; for a function that was given itself with `@`
    and the directory (or script) it comes from."""

    QUICK: ClassVar[TaskTimeout]
    MODERATE: ClassVar[TaskTimeout]
    EXTENDED: ClassVar[TaskTimeout]
    NONE: ClassVar[TaskTimeout]

    def __init__(
        self,
        soft: Duration | None = None,
        hard: Duration | None = None,
        on_soft_timeout: str | Callable[[str], object] | None = None,
    ) -> None:
        """`on_soft_timeout` is a function at the top level of a module, or its `module:function`: it is called with the
        task's id, in the process of the hooks, when the soft limit has passed."""
        hard_ms = None if hard is None else to_ms(hard, "timeout", minimum=1)
        soft_ms = None if soft is None else to_ms(soft, "soft timeout", minimum=1)
        if soft_ms is not None and hard_ms is not None and soft_ms > hard_ms:
            raise UsageError(
                f"the soft timeout ({soft_ms / 1000:g} s) is later than the hard one ({hard_ms / 1000:g} s)",
                why="soft warns, hard kills: the warning must come first",
                hint="swap them, or give the hard one alone",
            )
        object.__setattr__(self, "soft_ms", soft_ms)
        object.__setattr__(self, "hard_ms", hard_ms)
        if on_soft_timeout is not None and soft_ms is None:
            raise UsageError(
                "on_soft_timeout without a soft timeout",
                why="nothing would ever call it",
                hint="TaskTimeout(soft=30, …)",
            )
        name = None
        if on_soft_timeout is not None:
            from bgo.model.callback import name_of  # few tasks have one

            name = name_of(on_soft_timeout)
        object.__setattr__(self, "on_soft_timeout", name)

    @classmethod
    def hard_only(cls, hard: Duration) -> TaskTimeout:
        """Return a hard limit with its warning at 80 %."""
        hard_ms = to_ms(hard, "timeout", minimum=1)
        return cls(soft=max(1, hard_ms * 8 // 10) / 1000, hard=hard_ms / 1000)


TaskTimeout.QUICK = TaskTimeout(soft=45, hard=60)
TaskTimeout.MODERATE = TaskTimeout(soft=240, hard=300)
TaskTimeout.EXTENDED = TaskTimeout(soft=1500, hard=1800)
TaskTimeout.NONE = TaskTimeout()
TIMEOUT_PRESETS = {
    "quick": TaskTimeout.QUICK,
    "moderate": TaskTimeout.MODERATE,
    "extended": TaskTimeout.EXTENDED,
    "none": TaskTimeout.NONE,
}

RetryKind = Literal["none", "exponential", "linear", "custom"]
ExceptionName = type[BaseException] | str


def _kind_names(kinds: Iterable[ExceptionName] | ExceptionName) -> tuple[str, ...]:
    if isinstance(kinds, (str, type)):
        kinds = (kinds,)  # one alone, and never the letters of its name
    return tuple(k if isinstance(k, str) else k.__name__ for k in kinds)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a failed attempt is tried again, and after how long. `max_attempts` counts all tries.

    Build one with `exponential`, `linear` or `custom`; `RetryPolicy.NONE` tries once. `retry_on` names the exception
    classes that are worth another try (empty: all), `give_up_on` those that never are; base classes match too.
    """

    kind: RetryKind = "none"
    max_attempts: int = 1
    delay_ms: int = 0
    max_delay_ms: int = 0
    multiplier: float = 1.0
    jitter: bool = False
    delays_ms: tuple[int, ...] = ()
    retry_on: tuple[str, ...] = ()
    give_up_on: tuple[str, ...] = ()

    NONE: ClassVar[RetryPolicy]

    def __post_init__(self) -> None:
        if not is_whole(self.max_attempts, 1, MAX_ATTEMPTS):
            raise UsageError(
                f"retry: attempts={shown(self.max_attempts)} is out of range",
                why=f"attempts counts all tries, from 1 to {MAX_ATTEMPTS}",
                hint="attempts=3 tries three times in all",
            )
        if not 1 <= self.multiplier <= 1000:
            raise UsageError(
                f"retry: multiplier={self.multiplier:g} is out of range",
                why="the delay may not shrink from try to try",
                hint="give a multiplier from 1 to 1000",
            )

    @classmethod
    def exponential(
        cls,
        max_attempts: int = 3,
        initial_delay: Duration = 30,
        max_delay: Duration = 3600,
        multiplier: float = 2.0,
        jitter: bool = False,
        *,
        retry_on: Iterable[ExceptionName] = (),
        give_up_on: Iterable[ExceptionName] = (),
    ) -> RetryPolicy:
        """Return delays `initial_delay × multiplier^(n-1)`, at most `max_delay`."""
        return cls(
            kind="exponential",
            max_attempts=max_attempts,
            delay_ms=to_ms(initial_delay, "retry delay"),
            max_delay_ms=to_ms(max_delay, "retry max"),
            multiplier=float(multiplier),
            jitter=jitter,
            retry_on=_kind_names(retry_on),
            give_up_on=_kind_names(give_up_on),
        )

    @classmethod
    def linear(
        cls,
        max_attempts: int = 3,
        delay: Duration = 30,
        jitter: bool = False,
        *,
        max_delay: Duration = 3600,
        retry_on: Iterable[ExceptionName] = (),
        give_up_on: Iterable[ExceptionName] = (),
    ) -> RetryPolicy:
        """Return delays `delay × n`, at most `max_delay` (WorkManager's LINEAR backoff grows the same way)."""
        return cls(
            kind="linear",
            max_attempts=max_attempts,
            delay_ms=to_ms(delay, "retry delay"),
            max_delay_ms=to_ms(max_delay, "retry max"),
            jitter=jitter,
            retry_on=_kind_names(retry_on),
            give_up_on=_kind_names(give_up_on),
        )

    @classmethod
    def custom(
        cls,
        max_attempts: int | None = None,
        delay_for_attempt: Callable[[int], Duration] | None = None,
        *,
        delays: Sequence[Duration] = (),
        retry_on: Iterable[ExceptionName] = (),
        give_up_on: Iterable[ExceptionName] = (),
    ) -> RetryPolicy:
        """Return a list of delays: n delays mean n+1 tries.

        `delay_for_attempt(n)` is asked once, now, for each attempt n = 1 … max_attempts-1, and stored as a list.
        """
        if delay_for_attempt is not None:
            if max_attempts is None or not is_whole(max_attempts, 1, MAX_ATTEMPTS):
                raise UsageError(
                    "retry: custom needs max_attempts with delay_for_attempt",
                    why=f"each attempt's delay is computed now, for up to {MAX_ATTEMPTS} attempts",
                    hint="RetryPolicy.custom(max_attempts=4, delay_for_attempt=lambda n: 5 * n)",
                )
            delays = [delay_for_attempt(n) for n in range(1, max_attempts)]
        listed = tuple(to_ms(d, "retry delay") for d in delays)
        if max_attempts is not None and max_attempts != len(listed) + 1:
            raise UsageError(
                f"retry: {len(listed)} delays mean {len(listed) + 1} attempts, not {max_attempts}",
                hint="leave max_attempts out, or give one delay fewer than attempts",
            )
        return cls(
            kind="custom",
            max_attempts=len(listed) + 1,
            delays_ms=listed,
            retry_on=_kind_names(retry_on),
            give_up_on=_kind_names(give_up_on),
        )


RetryPolicy.NONE = RetryPolicy()


class NetworkConstraint(StrEnum):
    """Which network the work needs."""

    NONE = "none"
    CONNECTED = "connected"
    UNMETERED = "unmetered"
    NOT_ROAMING = "not-roaming"
    METERED = "metered"


class ConstraintLoss(StrEnum):
    """What happens to running work when a constraint stops holding."""

    STOP = "stop"
    """Asked to end, killed where it does not, and handed back: it waits behind its gate and begins anew."""
    FINISH = "finish"
    CANCEL = "cancel"


NETWORK_NAME_LIMIT = 64
"""A Wi-Fi's name has at most 32 bytes; more than this is no name."""
NETWORK_NAMES = 20
"""Names of one task."""


@dataclass(frozen=True, slots=True)
class TaskConstraints:
    """What the device must offer before the work may start."""

    network: NetworkConstraint = NetworkConstraint.NONE
    battery_not_low: bool = False
    requires_charging: bool = False
    device_idle: bool = False
    storage_not_low: bool = False
    on_loss: ConstraintLoss = ConstraintLoss.STOP
    cpu_below: int | None = None
    """The processors are busy with less than so many percent of all of them. Of starts alone: a run is load itself."""
    unused_for: Duration | None = None
    """Nobody has touched it for so long; kept as a timedelta."""
    on_network: tuple[str, ...] | Iterable[str] | str = ()
    """It is on the network of this name, or of one of these; kept as a sorted tuple."""

    def __post_init__(self) -> None:
        if self.cpu_below is not None and not is_whole(self.cpu_below, 1, 100):
            raise UsageError(
                f"cpu_below: {shown(self.cpu_below)} is no part of all processors",
                why="it is a whole number of percent, from 1 to 100",
                hint="cpu_below=50 waits until less than half of them is busy",
            )
        if self.unused_for is not None:
            ms = to_ms(self.unused_for, "unused_for", minimum=1)
            object.__setattr__(self, "unused_for", timedelta(milliseconds=ms))
        if self.on_network != ():
            object.__setattr__(self, "on_network", _network_names(self.on_network))

    @property
    def unused_ms(self) -> int | None:
        """`unused_for` in milliseconds."""
        given = self.unused_for
        return given // timedelta(milliseconds=1) if isinstance(given, timedelta) else None

    @property
    def networks(self) -> tuple[str, ...]:
        """The names of `on_network`."""
        return self.on_network  # type: ignore[return-value]  # so it is made

    @property
    def is_empty(self) -> bool:
        """Say whether nothing is asked of the device."""
        return self == NO_CONSTRAINTS

    def over(self, base: TaskConstraints) -> TaskConstraints:
        """Return what either asks for; where both name a network, or what a loss means, this one counts.

        One that asks for nothing at all takes everything back.
        """
        if self.is_empty:
            return self
        own = {
            f.name: value for f in fields(self) if (value := getattr(self, f.name)) != getattr(NO_CONSTRAINTS, f.name)
        }
        return replace(base, **own)


def _network_names(given: object) -> tuple[str, ...]:
    names: list[object] = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    found: set[str] = set()
    for one in names:
        name = one.strip() if isinstance(one, str) and one.isprintable() else ""
        if 0 < len(name) <= NETWORK_NAME_LIMIT:
            found.add(name)
            continue
        raise UsageError(
            f"on_network: not the name of a network: {shown(one)}",
            why=f"a name has from 1 to {NETWORK_NAME_LIMIT} printable characters",
            hint='on_network="Home", or ["Home", "Office"] for any of them',
        )
    if len(found) > NETWORK_NAMES:
        raise UsageError(
            f"on_network: {len(found)} networks", why=f"a task names at most {NETWORK_NAMES}", hint="leave some out"
        )
    return tuple(sorted(found))


NO_CONSTRAINTS = TaskConstraints()

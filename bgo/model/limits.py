"""Limits a task may ask for: how many at once, how many in a while, and one of a kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, NamedTuple

from bgo.errors import UsageError
from bgo.model.options import Duration, is_whole, shown, to_ms


def check_key(key: object, what: str) -> None:
    """Raise UsageError when a limit's key is not a text of 1 to 256 characters (None: the task's name)."""
    if key is not None and not (isinstance(key, str) and 1 <= len(key) <= 256 and key.isprintable()):
        raise UsageError(
            f"{what}: not a key: {shown(key)}",
            why="a key is a text of 1 to 256 characters",
            hint=f"--{what}-key uploads",
        )


class ConcurrencyStrategy(StrEnum):
    """Who goes first among the tasks that wait under one concurrency key."""

    FIFO = "fifo"
    LIFO = "lifo"
    RANDOM = "random"
    BY_PRIORITY = "by-priority"


@dataclass(frozen=True, slots=True)
class ConcurrencyControl:
    """At most `max_concurrent` tasks under one key run at once, over all workers on the store.

    The default key is the task's name. A limit of 0 or below is refused.
    """

    max_concurrent: int
    strategy: ConcurrencyStrategy = ConcurrencyStrategy.FIFO
    key: str | None = None

    LIMITED: ClassVar[ConcurrencyControl]

    def __post_init__(self) -> None:
        if not is_whole(self.max_concurrent, 1, 1_000_000):
            raise UsageError(
                f"concurrency: {shown(self.max_concurrent)} is out of range",
                why="a limit of 0 or below would never let a task run",
                hint="give a number from 1, such as --concurrency 3 or 3:fifo; to stop work use 'bgo pause'",
            )
        if self.strategy not in set(ConcurrencyStrategy):
            raise UsageError(
                f"concurrency: no strategy {shown(self.strategy)}", hint="fifo, lifo, random or by-priority"
            )
        object.__setattr__(self, "strategy", ConcurrencyStrategy(self.strategy))
        check_key(self.key, "concurrency")


ConcurrencyControl.LIMITED = ConcurrencyControl(3)


MAX_WINDOW_MS = 31 * 86_400_000


@dataclass(frozen=True, slots=True, init=False)
class RateLimit:
    """At most `max_executions` starts under one key in any window of that length, over all workers on the store.

    The window slides: it is any stretch of that length, not a full minute or hour. The default key is the task's name.
    """

    max_executions: int
    window_ms: int
    key: str | None

    CONSERVATIVE: ClassVar[RateLimit]
    MODERATE: ClassVar[RateLimit]
    AGGRESSIVE: ClassVar[RateLimit]
    HOURLY: ClassVar[RateLimit]

    def __init__(self, max_executions: int, window: Duration, key: str | None = None) -> None:
        if not is_whole(max_executions, 1, 1_000_000_000):
            raise UsageError(
                f"rate: not a number of starts: {shown(max_executions)}",
                why="a limit of 0 or below would never let a task run",
                hint="give a number from 1, such as --rate 10/1m; to stop work use 'bgo pause'",
            )
        window_ms = to_ms(window, "rate window", minimum=1)
        if window_ms > MAX_WINDOW_MS:
            raise UsageError(
                f"rate: a window of {window_ms // 86_400_000} days is too long",
                why="the starts inside it are kept one by one",
                hint="give at most 31 days, such as --rate 100/1h",
            )
        check_key(key, "rate")
        object.__setattr__(self, "max_executions", max_executions)
        object.__setattr__(self, "window_ms", window_ms)
        object.__setattr__(self, "key", key)


RateLimit.CONSERVATIVE = RateLimit(5, 60)
RateLimit.MODERATE = RateLimit(10, 60)
RateLimit.AGGRESSIVE = RateLimit(50, 60)
RateLimit.HOURLY = RateLimit(100, 3600)


@dataclass(frozen=True, slots=True)
class DedupPolicy:
    """A second enqueue of the same thing returns the first one's id. Build with `by_input` or `by_fields`."""

    fields: tuple[str, ...] | None = None
    ttl_ms: int | None = None

    @classmethod
    def by_input(cls, ttl: Duration | None = None) -> DedupPolicy:
        """Compare the whole input."""
        return cls(None, None if ttl is None else to_ms(ttl, "dedup ttl", minimum=1))

    @classmethod
    def by_fields(cls, ttl: Duration | None = None, fields: Sequence[str] = ()) -> DedupPolicy:
        """Compare only these input fields."""
        if not fields:
            raise UsageError("dedup by fields needs at least one field", hint="DedupPolicy.by_fields(fields=['id'])")
        return cls(tuple(fields), None if ttl is None else to_ms(ttl, "dedup ttl", minimum=1))


@dataclass(frozen=True, slots=True)
class NamedLimit:
    """A limit that the configuration names: under its key it stands above whatever the tasks ask for."""

    key: str
    max_concurrent: int | None = None
    rate: RateLimit | None = None


class KeyHolder(NamedTuple):
    """Who holds a dedup key: the task's id, until when, and the task's state (None: it was pruned)."""

    task: str
    until: int | None
    suppressed: int
    state: str | None


class UniquePolicy(StrEnum):
    """What happens when a unique id is taken (WorkManager's words)."""

    KEEP = "keep"
    REPLACE = "replace"
    APPEND = "append"
    APPEND_OR_REPLACE = "append-or-replace"


@dataclass(frozen=True, slots=True)
class Unique:
    """A name that unfinished tasks do not share but by this policy. One global space of names."""

    id: str
    policy: UniquePolicy = UniquePolicy.KEEP

    def __post_init__(self) -> None:
        value: object = self.id
        if not (isinstance(value, str) and 1 <= len(value) <= 256 and value.isprintable()):
            raise UsageError(
                f"not a unique id: {shown(value)}",
                why="it is a text of 1 to 256 characters",
                hint="--unique nightly-backup",
            )
        if self.policy not in set(UniquePolicy):
            raise UsageError(
                f"no unique policy {shown(self.policy)}", hint="keep, replace, append or append-or-replace"
            )
        object.__setattr__(self, "policy", UniquePolicy(self.policy))

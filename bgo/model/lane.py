"""Lanes: the gates there are, and the keys of those that tasks share: all the words of judgement an enqueue needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import tzinfo
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from bgo.model.options import TaskConstraints

if TYPE_CHECKING:
    from bgo.model.limits import ConcurrencyStrategy
    from bgo.model.window import ZonedWindow


class Gate(StrEnum):
    """One condition a lane or a task must pass to start."""

    STATE = "state"
    DUE = "due"
    UPSTREAM = "upstream"
    PAUSED = "paused"
    STAGING = "staging"
    CONCURRENCY = "concurrency"
    RATE = "rate"
    HANDLER = "handler"
    QUEUE = "queue"
    WINDOW = "window"
    PROFILE = "profile"
    """The profile refuses such work."""
    APP = "app"
    """The platform does not start the app: it was force-quit, put to sleep, or its user restricts it."""
    LOCKED = "locked"
    """Its storage is locked until the first unlock."""
    QUOTA = "quota"
    DOZE = "doze"
    LOW_POWER = "low_power"
    OPPORTUNITY = "opportunity"
    """The platform gives time when it likes, and has not done so."""
    FOREGROUND = "foreground"
    """Of work in the foreground: when it may start, and how long it may go on."""
    RUN_TIME = "run_time"
    """Of a run: how long it may go on."""
    NETWORK = "network"
    BATTERY = "battery"
    CHARGING = "charging"
    IDLE = "idle"
    STORAGE = "storage"
    LOAD = "load"
    UNUSED = "unused"
    NAMED_NETWORK = "named_network"
    BATCHING = "batching"
    """Ready, but the platform waits for more of it."""
    QUEUE_SLOTS = "queue_slots"
    SLOTS = "slots"
    OVERLAP = "overlap"
    """Of a schedule: what it made before is unfinished."""


class Traits(NamedTuple):
    """What kind of work it is, as far as a platform's rules go by that."""

    expedited: str = ""
    """What becomes of it without expedited quota: `run` (as plain work) or `drop`; empty: it is not expedited."""
    foreground: str = ""
    """The type of foreground service that it runs as; empty: none."""
    periodic: bool = False
    """A schedule made it."""
    retries: bool = False
    """It asks for an idle device and brings a retry policy: on Android one excludes the other."""
    payload: int = 0
    """Class of its input's size: at most 10 KiB · 2^payload."""

    def __str__(self) -> str:
        """Return the words that are stored: `expedited=run periodic`; empty for most work."""
        words = [f"expedited={self.expedited}"] if self.expedited else []
        words += [f"foreground={self.foreground}"] if self.foreground else []
        words += ["periodic"] if self.periodic else []
        words += ["retries"] if self.retries else []
        return " ".join([*words, f"payload={self.payload}"] if self.payload else words)

    @classmethod
    def of(cls, text: str) -> Traits:
        """Return the traits from their stored words."""
        found = dict(word.partition("=")[::2] for word in text.split())
        return cls(
            found.get("expedited", ""),
            found.get("foreground", ""),
            "periodic" in found,
            "retries" in found,
            int(found.get("payload", 0)),
        )


PLAIN = Traits()
PAYLOAD_CLASS = 10 << 10
"""Bytes of the smallest class; Android's limit for what is given to a worker (androidx.work.Data)."""


def payload_class(size: int) -> int:
    """Return the class of an input of `size` bytes: the least n for which it is at most 10 KiB · 2^n."""
    return 0 if size <= PAYLOAD_CLASS else (-(-size // PAYLOAD_CLASS) - 1).bit_length()


@dataclass(frozen=True, slots=True)
class ViewKey:
    """The part of a lane that the asker judges: who may run it, when, and what the device must offer."""

    queue: str
    handler: str
    constraints: TaskConstraints
    window: ZonedWindow | None = None
    zone: tzinfo | None = field(default=None, compare=False)
    """The window's zone as this computer has it; None where it does not know the name."""
    traits: Traits = PLAIN


class Rate(NamedTuple):
    """At most `max` starts under `key` in any `window_ms`."""

    key: str
    max: int
    window_ms: int


@dataclass(frozen=True, slots=True)
class LaneKey:
    """The gates that all tasks of a lane share."""

    name: str
    view: ViewKey
    concurrency_key: str | None = None
    concurrency_max: int | None = None
    strategy: ConcurrencyStrategy | None = None
    """None: the default order (due time, with one minute of head start per point of priority)."""
    rate: Rate | None = None
    marks: tuple[str, ...] = ()
    """The paused tags of its tasks, in order: a lane with marks is paused."""
    stage: str | None = None
    """With whom its tasks came into a batch: the lane is closed, and unseen, until all of them are there."""

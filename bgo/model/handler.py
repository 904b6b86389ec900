"""What is known of a handler without importing it: where it lives, what it takes, what it wants by default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from bgo.model.options import RetryPolicy, TaskConstraints, TaskTimeout

if TYPE_CHECKING:
    from bgo.model.limits import ConcurrencyControl, RateLimit

ParamType = Literal["str", "int", "float", "bool", "list", "dict", "any"]
SourceKind = Literal["entry", "plugin", "file", "flow"]


SCRIPT = "__bgo_main__"
"""The name under which a child imports a program that was run as `__main__`."""


@dataclass(frozen=True, slots=True)
class Source:
    """How a child finds the code.

    entry: `module:function` named in the entry-point group `bgo.handlers`; plugin: an entry point of the group `bgo`
    (or a module) whose `bgo_register_handlers` brings it; file: a local plugin file; flow: a TaskFlow at
    `module:attr`, with `path` the directory to put on sys.path (and a script's file when it was `__main__`).
    """

    kind: SourceKind
    target: str
    path: str = ""
    function: str = ""
    """Of a handler that its program brings only when it makes a batch: `module:function`, as the flow lacks it."""


@dataclass(frozen=True, slots=True)
class Param:
    """One input field of a typed handler."""

    name: str
    type: ParamType
    required: bool
    nullable: bool = False
    default: Any = None
    choices: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class HandlerDefaults:
    """Options the handler declares for its tasks; an option given at enqueue wins, then these, then the config."""

    timeout: TaskTimeout | None = None
    retry: RetryPolicy | None = None
    queue: str | None = None
    priority: int | None = None
    tags: tuple[str, ...] = ()
    constraints: TaskConstraints | None = None
    concurrency: ConcurrencyControl | None = None
    at_most_once: bool = False
    rate: RateLimit | None = None
    window: str | None = None
    """As people write it: what it names is looked up when a task is queued."""
    tz: str | None = None
    """The window's zone; None: that of who queues the task."""
    window_strict: bool = False
    """Running work is stopped when the window closes."""


@dataclass(frozen=True, slots=True)
class HandlerInfo:
    """A handler as the catalogue knows it."""

    name: str
    source: Source
    summary: str = ""
    params: tuple[Param, ...] | None = None
    """The input schema; None: the handler takes `ctx` alone and any input."""
    accepts_extra: bool = False
    """The function has **kw: unknown keys are its own business."""
    takes_argv: bool = False
    """ARGV after `--` is for this handler."""
    defaults: HandlerDefaults = field(default_factory=HandlerDefaults)
    origin: str = ""
    """Who brings it, for people: a distribution with its version, a file, a module."""
    layers: int = 0
    """How much middleware its program put around it when it was run last, as long as its file is the same."""


Catalogue = Mapping[str, HandlerInfo]

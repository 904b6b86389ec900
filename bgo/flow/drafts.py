"""Drafts: members and steps of a chain as they were asked for, before anything is looked up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Unpack

from bgo.errors import UsageError
from bgo.flow import members
from bgo.flow.options import EnqueueOptions

Input = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Draft:
    """One member as it was asked for, before anything is looked up."""

    handler: str
    name: str | None
    input: Input
    options: Mapping[str, Any]
    over: str | None = None
    items: Sequence[Any] | None = None
    field: str | None = None


def draft_of(name: str, input: Input | None, options: EnqueueOptions) -> Draft:
    """Return one member; raises UsageError for an option that only a whole chain has."""
    own = dict(options)
    alias: Any = own.pop("as_", None)
    members.check_member_options(own, f"step {alias or name}")
    return Draft(name, alias, input or {}, own)


class Member:
    """A member of a parallel step with a name, input and options of its own, or one that fans out.

    `then_all([Member("resize", as_="thumb"), Member("files.hash", over="scan.files")])`; `over`, `items` and `field`
    are as for `then_map` and `then_batch`.
    """

    def __init__(
        self,
        name: str,
        /,
        *,
        input: Input | None = None,
        over: str | None = None,
        items: Iterable[Any] | None = None,
        field: str | None = None,
        **options: Unpack[EnqueueOptions],
    ) -> None:
        if over is not None and items is not None:
            raise UsageError(f"step {name}: over and items", why="both say what it runs for", hint="give one of them")
        listed = None if items is None else tuple(items)
        self.draft = replace(draft_of(name, input, options), over=over, items=listed, field=field)


@dataclass(frozen=True, slots=True)
class Drafted:
    """One step: its own name, its members, and what follows when one of them fails."""

    name: str | None
    members: tuple[Draft, ...]
    on_failure: str
    merge: str

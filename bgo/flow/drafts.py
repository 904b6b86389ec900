"""Drafts: members and steps of a chain as they were asked for, before anything is looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Drafted:
    """One step: its own name, its members, and what follows when one of them fails."""

    name: str | None
    members: tuple[Draft, ...]
    on_failure: str
    merge: str

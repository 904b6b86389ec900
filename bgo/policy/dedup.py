"""Deduplication: what counts as the same work, and until when it stands in the way of more of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from bgo.errors import UsageError
from bgo.model import payload as payloads
from bgo.model.state import State

if TYPE_CHECKING:
    from bgo.model.limits import DedupPolicy, KeyHolder

_LIVES = frozenset({State.BLOCKED, State.QUEUED, State.RUNNING, State.RETRYING})
_UNDONE = frozenset({State.FAILED, State.CANCELLED})


def key_of(
    name: str, input: Mapping[str, Any], policy: DedupPolicy, argv: Sequence[str] | None = None, cwd: str = ""
) -> str:
    """Return the key under which a task is one of its kind: its name, and the whole input or the fields named.

    A command line (`argv`, if there is one) and its directory count as well.
    Raises UsageError when the input lacks a named field: without it, everything would be the same.
    """
    fields = None if policy.fields is None else sorted(set(policy.fields))
    value: Any = dict(input) if fields is None else _named(input, fields)
    if argv:
        value = {"input": value, "argv": list(argv), "cwd": cwd}
    return sha256(payloads.dump([name, fields, value], "the dedup key")).hexdigest()


def _named(input: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    missing = [name for name in fields if name not in input]
    if missing:
        raise UsageError(
            f"dedup: the input has no {', '.join(missing)}",
            why=f"its fields are {', '.join(sorted(input)) or 'none'}; tasks without that field would all be the same",
            hint="name fields that the input has, or dedup by the whole input",
        )
    return {name: input[name] for name in fields}


def is_free(row: KeyHolder, now: int) -> bool:
    """Say whether a key may be taken again: its task failed or was cancelled, its TTL is over, or, without one, its
    task has ended."""
    if row.state in _UNDONE:
        return True
    if row.until is not None:
        return row.until <= now
    return row.state not in _LIVES

"""What a hook is told of a task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from bgo.model.outcome import TaskError
from bgo.model.task import HistoryEntry


@dataclass(frozen=True, slots=True)
class Entry(HistoryEntry):
    """What a hook is told of a task: an entry of its history, and what it is called."""

    handler: str = ""
    queue: str = ""
    tags: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Return the task's id: the execution id."""
        return self.task_id


def entry_json(entry: Entry) -> dict[str, Any]:
    """Return an entry as it travels to the observers."""
    found = {f.name: getattr(entry, f.name) for f in fields(Entry)}
    error = entry.error
    found["error"] = None if error is None else [error.type, error.message, error.trace, list(error.kinds)]
    return found | {"tags": list(entry.tags), "waited": dict(entry.waited), "detail": dict(entry.detail)}


def entry_from(data: Mapping[str, Any]) -> Entry:
    """Return an entry from its JSON."""
    found = dict(data)
    if found["error"] is not None:
        kind, message, trace, kinds = found["error"]
        found["error"] = TaskError(kind, message, trace, tuple(kinds))
    return Entry(**{**found, "tags": tuple(found["tags"])})

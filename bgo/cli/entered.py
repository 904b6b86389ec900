"""What `bgo chain` and `bgo batch` answer: the id, how times were understood, and, if asked to, the end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from bgo.cli import enqueued

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.model.task import Enqueued, TaskSpec


class Told(NamedTuple):
    """What came in: itself, its kind, and what its object says beside that."""

    spec: TaskSpec
    kind: str
    more: Mapping[str, Any]


class Ask(NamedTuple):
    """What is wanted of it now."""

    wait: bool
    wait_timeout: timedelta | None
    here: bool
    as_json: bool
    quiet: bool


def finish(flow: TaskFlow, told: Told, made: Enqueued, ask: Ask) -> None:
    """Print the id, or one object; with --wait or --run stay until the end and exit with its result."""
    is_told = not (ask.quiet or ask.as_json)
    if is_told and made.outcome == "new":
        enqueued.echo_times(told.spec, flow)
        enqueued.tell_changes(flow, made.id)
    if ask.here or ask.wait or ask.wait_timeout is not None:
        from bgo.cli import follow

        if is_told:
            enqueued.tell_survivor(made)
        limit = None if ask.wait_timeout is None else ask.wait_timeout.total_seconds()
        end = follow.here if ask.here else follow.until_end
        raise typer.Exit(end(flow, made.id, follow.Style(as_json=ask.as_json, quiet=ask.quiet, timeout=limit)))
    if ask.as_json:
        return _tell_json(flow, told, made)
    return enqueued.tell(flow, made, quiet=ask.quiet)


def _tell_json(flow: TaskFlow, told: Told, made: Enqueued) -> None:
    from bgo.cli import render
    from bgo.clock import to_iso

    found: dict[str, Any] = {"schema": 1, "id": made.id, "kind": told.kind, "name": told.spec.name}
    found |= {"state": made.state, "due_at": to_iso(told.spec.due_at or flow.clock.now_ms()), **told.more}
    found |= {"deduplicated": made.outcome == "deduplicated", "kept": made.outcome == "kept"}
    render.write_json(found | enqueued.changes_json(flow, made.id))

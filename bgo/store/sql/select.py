"""The one selector → SQL builder behind every read verb. Values are always bound, never written into the text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bgo.ids import LENGTH

if TYPE_CHECKING:
    from bgo.model.query import Selector


SEEN = "lane NOT IN (SELECT lane.id FROM lane WHERE stage IN (SELECT stage.id FROM stage WHERE hidden = 1))"
"""Leaves out what is still coming into a batch: it is there as a whole, or not at all."""
_UNDER = """parent IN (WITH RECURSIVE above (seq) AS (SELECT seq FROM task WHERE id = ? UNION ALL
    SELECT task.seq FROM above CROSS JOIN task INDEXED BY task_member_flow
        ON task.parent = above.seq AND task.kind <> 'task' AND task.parent IS NOT NULL) SELECT seq FROM above)"""


def where(selector: Selector) -> tuple[str, list[Any]]:
    """Return a condition over `task` and its values."""
    parts: list[str] = [SEEN]
    values: list[Any] = []

    def any_of(column: str, wanted: Sequence[str]) -> None:
        if wanted:
            parts.append(f"{column} IN ({','.join('?' * len(wanted))})")
            values.extend(str(w) for w in wanted)

    if selector.ids:
        _ids(selector.ids, parts, values)
    any_of("name", selector.names)
    any_of("queue", selector.queues)
    any_of("state", selector.states)
    any_of("schedule", selector.schedules)
    if selector.kinds and not selector.ids:
        any_of("kind", selector.kinds)
    if selector.roots:
        parts.append("parent IS NULL")
    for flow in selector.under:
        parts.append(_UNDER)
        values.append(flow)
    for tag in selector.tags:
        parts.append("seq IN (SELECT task FROM task_tag WHERE tag = ?)")
        values.append(tag)
    for sign, instant in ((">=", selector.since), ("<", selector.until)):
        if instant is not None:
            parts.append(f"created_at {sign} ?")
            values.append(instant)
    return " AND ".join(parts), values


def _ids(ids: Sequence[str], parts: list[str], values: list[Any]) -> None:
    """Whole ids match exactly, shorter ones as prefixes (a range, so that the index serves)."""
    terms = []
    for word in ids:
        if len(word) == LENGTH:
            terms.append("id = ?")
            values.append(word)
        else:
            terms.append("(id >= ? AND id < ?)")
            values.extend((word, word + "~"))
    parts.append("(" + " OR ".join(terms) + ")")

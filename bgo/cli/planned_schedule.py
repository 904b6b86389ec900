"""`schedule --dry-run`: when it would fire first, what it would make, and what the profile and the linter say of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bgo.cli import render
from bgo.cli.check import rows as rows_of
from bgo.cli.scheduled import told_timing

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.engine.lint_desk import Checked
    from bgo.engine.schedules import Draft
    from bgo.model.change import Change
    from bgo.model.schedule_makes import Makes
    from bgo.model.schedule_view import Coming

FORESEEN = 5
WOULD = {
    "added": "",
    "changed": "; {} is there, and would be changed",
    "unchanged": "; {} is there, and is the same already",
}


def show(flow: TaskFlow, draft: Draft, *, as_json: bool) -> None:
    """Print what a schedule would do; nothing was written."""
    import json

    from bgo.flow.checking import check_draft
    from bgo.flow.fitting import draft_changes
    from bgo.model.schedule_makes import Makes

    outcome = "added" if draft.key is None else flow.place_all([draft], dry_run=True, is_plan=True)[0].outcome
    template: Any = json.loads(draft.plan)
    made, coming, checked = Makes.of(template), _foreseen(flow, draft), check_draft(flow, draft)
    changes = () if checked.profile == "host" else draft_changes(flow, draft)
    if as_json:
        told = {**_plan_json(draft, made, checked, changes), "outcome": outcome}
        return render.write_json({**told, "coming": [c.to_json() for c in coming], "makes": template})
    from bgo.cli.facts import facts
    from bgo.cli.schedule_made import facts_of
    from bgo.cli.schedule_shown import put_coming, wish_facts

    rows = [
        ("key", draft.key),
        ("makes", f"{draft.kind} {draft.name}"),
        ("handler", draft.handler if draft.handler != draft.name else None),
        ("fires", told_timing(draft.wish.timing)),
        *wish_facts(draft.wish),
        *facts_of(made),
        ("profile", None if checked.profile == "host" else checked.profile),
        *(("changed" if not n else "", change.told) for n, change in enumerate(changes)),
        *rows_of(checked.found, changes),
    ]
    title = "nothing was written" + WOULD[outcome].format(draft.key)
    facts(rows, color=flow.settings.color, title=render.safe(title, "bold"))
    put_coming(coming, flow.clock.now_ms(), draft.wish.timing.zone, color=flow.settings.color)
    return None


def _plan_json(draft: Draft, made: Makes, checked: Checked, changes: Sequence[Change]) -> dict[str, Any]:
    """Return the object of `schedule --dry-run --json`, but for its first times."""
    from bgo.model.schedule_view import wish_json

    return {
        "schema": 1,
        "outcome": None,
        "key": draft.key,
        "name": draft.name,
        "kind": draft.kind,
        "handler": draft.handler or None,
        **wish_json(draft.wish),
        **made.to_json(),
        "profile": checked.profile,
        "changes": [change._asdict() for change in changes],
        "findings": [told.to_json() for told in checked.found],
    }


def _foreseen(flow: TaskFlow, draft: Draft) -> list[Coming]:
    """Return its first occurrences; those that its start names and that have passed by now do not fire."""
    start, now = draft.wish.timing.start_ms, flow.clock.now_ms()
    return flow.foresee(draft, FORESEEN, since=now - 1 if start is not None and start <= now - 1000 else None)

"""`batch --dry-run`: every item is read and checked; what the first one would become is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bgo.cli import render
from bgo.cli.planned_chain import member_json, options_of, task_json, told_gate
from bgo.errors import UsageError

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.cli.facts import Fact
    from bgo.cli.items import Counted


def show(flow: TaskFlow, name: str, items: Counted, wanted: Mapping[str, Any], *, as_json: bool) -> None:
    """Print the plan of a batch; nothing is written."""
    from dataclasses import replace

    from bgo.flow.batching import entry_of
    from bgo.flow.items import as_items
    from bgo.ids import new_id
    from bgo.model import payload

    callbacks = {"then": wanted["then"], "catch": wanted["catch"], "finally": wanted["finally_"]}
    entry, info, field = entry_of(
        flow, name, handler=wanted["handler"], chain=wanted["chain"], callbacks=callbacks, input=wanted["input"],
        field=wanted["field"], options=wanted["options"],
    )  # fmt: skip
    first: bytes | None = None
    for item in as_items(items, field, info, wanted["input"]):
        first = first or item
    if first is None:
        raise UsageError("a batch needs items", why="there was none", hint="give at least one item, or --open")
    given = {**wanted["input"], **payload.load(first)}
    if entry.plan.template is not None:
        spec = replace(entry.plan.template, id=new_id(flow._rng), input=payload.dump(given))
        found = flow.plan_spec(spec)
        each = [task_json(spec, {})]
    else:
        chain = entry.plan.chain
        found = wanted["chain"].plan(given)
        each = [member_json(member, given) for member in chain.members]
    plan = {
        "schema": 1, "dry_run": True, "kind": "batch", "name": name, "items": items.count, "field": field,
        "callbacks": {kind: handler for kind, handler in callbacks.items() if handler is not None},
        "first": each, "gates": [line.to_json() for line in found.gates], "verdict": found.verdict,
        "workers": found.workers,
    }  # fmt: skip
    if as_json:
        render.write_json(plan)
        return
    from bgo.cli.facts import facts

    rows: list[Fact] = [("batch", name), ("items", f"{items.count:,}")]
    rows += list(callbacks.items())
    for number, one in enumerate(each):
        rows.append(("first" if not number else "", f"{one['name']}: {one['handler']}  {render.dumps(one['input'])}"))
    if entry.plan.template is not None:
        rows.append(("", options_of(entry.plan.template)))
    rows += [("" if n else "gates", f"{line.gate}: {told_gate(line)}") for n, line in enumerate(found.gates)]
    rows.append(("so", found.verdict))
    facts(rows, color=flow.settings.color)
    render.say("dry run: nothing was queued")

"""`batch --dry-run`: every item is read and checked; what the first one would become is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bgo.cli import render
from bgo.cli.check import judged, judged_json
from bgo.cli.check import rows as rows_of
from bgo.cli.planned_chain import member_json, options_of, task_json, told_gate
from bgo.errors import UsageError

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.cli.facts import Fact
    from bgo.cli.items import Counted
    from bgo.model.flow import BatchPlan
    from bgo.model.views import Explanation

CALLBACKS = {"then": "then", "catch": "catch", "finally": "finally_"}


def plan_json(name: str, counted: Counted, wanted: Mapping[str, Any], first: _First) -> dict[str, Any]:
    """Return the object of `batch --dry-run --json`."""
    return {
        "schema": 1,
        "dry_run": True,
        "kind": "batch",
        "name": name,
        "items": counted.count,
        "field": first.field,
        "callbacks": {kind: wanted[key] for kind, key in CALLBACKS.items() if wanted[key] is not None},
        "first": first.members,
        "gates": [line.to_json() for line in first.explained.gates],
        "verdict": first.explained.verdict,
        "workers": first.explained.workers,
        **judged_json(first.explained, first.findings),
    }


class _First:
    """What the first item would become. All items are read for it, and each is checked."""

    def __init__(self, flow: TaskFlow, name: str, counted: Counted, wanted: Mapping[str, Any]) -> None:
        from bgo.flow.batching import entry_of
        from bgo.flow.checking import check_template
        from bgo.flow.items import as_items
        from bgo.model import payload
        from bgo.model.flow import Batch

        entry, info, self.field = entry_of(
            flow,
            name,
            handler=wanted["handler"],
            chain=wanted["chain"],
            callbacks={kind: wanted[key] for kind, key in CALLBACKS.items()},
            input=wanted["input"],
            field=wanted["field"],
            options=wanted["options"],
        )
        self.plan: BatchPlan = entry.plan
        item: bytes | None = None
        for each in as_items(counted, self.field, info, wanted["input"]):
            item = item or each
        if item is None:
            raise UsageError("a batch needs items", why="there was none", hint="give at least one item, or --open")
        given = {**wanted["input"], **payload.load(item)}
        self.explained, self.members = self._explained(flow, given, wanted["chain"])
        self.findings = check_template(flow, Batch(entry.spec, entry.plan, ()), counted.count).found

    def _explained(
        self, flow: TaskFlow, given: dict[str, Any], builder: Any
    ) -> tuple[Explanation, list[dict[str, Any]]]:
        from dataclasses import replace

        from bgo.ids import new_id
        from bgo.model import payload

        if self.plan.chain is not None:
            return builder.plan(given), [member_json(member, given) for member in self.plan.chain.members]
        if self.plan.template is None:
            raise AssertionError("a batch has a handler or a chain")
        spec = replace(self.plan.template, id=new_id(flow._rng), input=payload.dump(given))
        return flow.plan_spec(spec), [task_json(spec, {})]


def show(flow: TaskFlow, name: str, counted: Counted, wanted: Mapping[str, Any], *, as_json: bool) -> None:
    """Print the plan of a batch; nothing is written."""
    first = _First(flow, name, counted, wanted)
    plan = plan_json(name, counted, wanted, first)
    if as_json:
        render.write_json(plan)
        return
    from bgo.cli.facts import facts

    rows: list[Fact] = [("batch", name), ("items", f"{counted.count:,}"), *plan["callbacks"].items()]
    for number, one in enumerate(first.members):
        rows.append(("first" if not number else "", f"{one['name']}: {one['handler']}  {render.dumps(one['input'])}"))
    if first.plan.template is not None:
        rows.append(("", options_of(first.plan.template)))
    gates = first.explained.gates
    rows += [("" if number else "gates", f"{line.gate}: {told_gate(line)}") for number, line in enumerate(gates)]
    rows += [
        *judged(first.explained),
        ("so", first.explained.verdict),
        *rows_of(first.findings, first.explained.changes),
    ]
    facts(rows, color=flow.settings.color)
    render.say("dry run: nothing was queued")

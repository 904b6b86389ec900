"""`chain --dry-run`: the steps with what each would get, its options, and how the first one's gates stand now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bgo.cli import render
from bgo.cli.check import judged, judged_json
from bgo.cli.check import rows as rows_of

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.cli.facts import Fact
    from bgo.flow.chaining import ChainBuilder
    from bgo.model.finding import Told
    from bgo.model.flow import ChainSpec, MemberSpec
    from bgo.model.task import TaskSpec
    from bgo.model.views import Explanation


def plan_json(spec: ChainSpec, found: Explanation, findings: Sequence[Told]) -> dict[str, Any]:
    """Return the object of `chain --dry-run --json`."""
    from bgo.clock import to_iso
    from bgo.model import payload, wish

    given = payload.load(spec.spec.input)
    steps = [
        {
            "name": step.name,
            "on_failure": step.on_failure,
            "merge": step.merge,
            "members": [member_json(m, given) for m in spec.members if m.step == number],
        }
        for number, step in enumerate(spec.plan.steps)
    ]
    return {
        "schema": 1,
        "dry_run": True,
        "kind": "chain",
        "name": spec.spec.name,
        "input": given,
        "tags": list(spec.spec.tags),
        "due_at": to_iso(found.task.due_at),
        "after": list(spec.spec.after),
        "options": wish.to_json(spec.spec.wish),
        "steps": steps,
        "compensations": [task_json(aside, given) for aside in spec.plan.asides.values()],
        "gates": [line.to_json() for line in found.gates],
        "verdict": found.verdict,
        "workers": found.workers,
        **judged_json(found, findings),
    }


def member_json(member: MemberSpec, given: dict[str, Any]) -> dict[str, Any]:
    """Return a member: a task, or a batch with what its items are and what each becomes."""
    if member.batch is None or member.batch.template is None:
        return {"kind": "task", **task_json(member.spec, given)}
    from bgo.model import payload

    base = {**given, **payload.load(member.spec.input)}
    over = None if member.batch.over is None else str(member.batch.over)
    items = len(member.items) if over is None else None
    told = task_json(member.batch.template, base)
    return {"kind": "batch", **told, "name": member.spec.name, "over": over, "items": items,
            "field": member.batch.field_}  # fmt: skip


def task_json(spec: TaskSpec, given: dict[str, Any]) -> dict[str, Any]:
    """Return a task with its input as far as it is known now: outputs of earlier steps come over the chain's own."""
    from bgo.model import payload, wish

    setup = None if spec.setup is None else payload.load(spec.setup)
    return {
        "name": spec.name or spec.handler,
        "handler": spec.handler,
        "input": {**given, **payload.load(spec.input)},
        "argv": None if setup is None else setup["argv"],
        "cwd": spec.cwd,
        "queue": spec.queue,
        "priority": spec.priority,
        "tags": list(spec.tags),
        "options": wish.to_json(spec.wish),
    }


def show(flow: TaskFlow, builder: ChainBuilder, spec: ChainSpec, *, as_json: bool) -> None:
    """Print the plan; nothing is written."""
    from bgo.flow.checking import check_template

    found, findings = builder.plan_spec(spec), check_template(flow, spec).found
    plan = plan_json(spec, found, findings)
    if as_json:
        render.write_json(plan)
        return
    from bgo.cli.facts import facts

    now, due = flow.clock.now_ms(), found.task.due_at
    rows: list[Fact] = [
        ("chain", spec.spec.name),
        ("input", render.dumps(plan["input"]) if plan["input"] else None),
        ("tags", ", ".join(plan["tags"])),
        ("due", render.local_time(due) + f" ({render.ago(due, now)})" if due > now else "at once"),
        ("after", ", ".join(plan["after"])),
    ]
    for number, step in enumerate(plan["steps"], start=1):
        first = number == 1
        for place, member in enumerate(step["members"]):
            label = f"step {number}" if not place else ""
            rows.append((label, _member(member, first=first)))
            spec_of = next(m for m in spec.members if m.spec.name == member["name"])
            template = spec_of.spec if spec_of.batch is None else spec_of.batch.template or spec_of.spec
            rows.append(("", options_of(template)))
        if step["on_failure"] != "fail":
            rows.append(("", f"if it fails: {step['on_failure']}"))
        if step["merge"] != "overwrite":
            rows.append(("", "outputs before it are collected as arrays"))
    rows += [("beside", f"{aside['name']}: {_what(aside)}") for aside in plan["compensations"]]
    rows += [("" if n else "gates", f"{line.gate}: {told_gate(line)}") for n, line in enumerate(found.gates)]
    rows += [*judged(found), ("so", found.verdict), *rows_of(findings, found.changes)]
    facts(rows, color=flow.settings.color)
    render.say("dry run: nothing was queued")


def _member(member: dict[str, Any], *, first: bool) -> str:
    said = member["name"] if member["name"] == _what(member) else f"{member['name']}: {_what(member)}"
    if member["kind"] == "batch":
        of_what = member["over"] or f"{member['items']:,} items"
        said += f", once for each of {of_what}"
    more = "" if first else " and what the step before gives"
    return f"{said}  {render.dumps(member['input'])}{more}"


def _what(member: dict[str, Any]) -> str:
    if member["argv"] is not None:
        import shlex

        return shlex.join(member["argv"])
    handler: str = member["handler"]
    return handler


def options_of(spec: TaskSpec) -> str | None:
    """Return what a member asks for, in one line; the timeout always."""
    from bgo.cli.facts import told_options

    said = [f"{label} {value}" for label, value in told_options(spec.wish) if value and (label, value) != NO_RETRY]
    if spec.queue != "default":
        said.append(f"queue {spec.queue}")
    if spec.priority:
        said.append(f"priority {spec.priority}")
    return "; ".join(said)


NO_RETRY = ("retry", "none")


def told_gate(line: Any) -> str:
    """Return how a gate stands, and what would lift it."""
    if line.is_open:
        return f"open ({line.current})"
    lift = f"; {line.hold.lift}" if line.hold is not None and line.hold.lift else ""
    return f"holds it ({line.current}, needs {line.needed}){lift}"

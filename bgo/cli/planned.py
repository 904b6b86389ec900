"""`enqueue --dry-run`: what would be queued, and how its gates stand now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bgo.cli import render
from bgo.cli.check import judged, judged_json
from bgo.cli.check import rows as rows_of

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.model.finding import Told
    from bgo.model.lane import LaneKey
    from bgo.model.task import TaskSpec
    from bgo.model.views import Explanation


def plan_json(spec: TaskSpec, found: Explanation, findings: Sequence[Told]) -> dict[str, Any]:
    """Return the object of `enqueue --dry-run --json`."""
    from bgo.clock import to_iso
    from bgo.engine.enqueue import lane_key
    from bgo.model import payload, wish

    lane = lane_key(spec)
    setup = None if spec.setup is None else payload.load(spec.setup)
    return {
        "schema": 1,
        "dry_run": True,
        "name": lane.name,
        "handler": spec.handler,
        "input": payload.load(spec.input),
        "argv": None if setup is None else setup["argv"],
        "env": None if setup is None else sorted(setup["env"]),
        "cwd": spec.cwd,
        "tags": list(spec.tags),
        "priority": spec.priority,
        "due_at": to_iso(found.task.due_at),
        "expires_at": to_iso(found.task.expires_at),
        "after": list(spec.after),
        "options": wish.to_json(spec.wish),
        "lane": _lane_json(spec, lane, found.ahead),
        "gates": [line.to_json() for line in found.gates],
        "verdict": found.verdict,
        "workers": found.workers,
        **judged_json(found, findings),
    }


def _lane_json(spec: TaskSpec, lane: LaneKey, ahead: int | None) -> dict[str, Any]:
    from bgo.model import wish

    return {
        "name": lane.name,
        "queue": spec.queue,
        "handler": spec.handler,
        "constraints": wish.constraints_json(spec.wish.constraints),
        "window": None if spec.wish.window is None else str(spec.wish.window),
        "concurrency_key": lane.concurrency_key,
        "concurrency_max": lane.concurrency_max,
        "strategy": None if lane.strategy is None else str(lane.strategy),
        "rate_key": None if lane.rate is None else lane.rate.key,
        "rate_max": None if lane.rate is None else lane.rate.max,
        "rate_window_ms": None if lane.rate is None else lane.rate.window_ms,
        "ahead": ahead,
    }


def show(flow: TaskFlow, spec: TaskSpec, *, as_json: bool) -> None:
    """Print the plan; nothing is written."""
    from bgo.flow.checking import check_template

    found, findings = flow.plan_spec(spec), check_template(flow, spec).found
    plan = plan_json(spec, found, findings)
    if as_json:
        render.write_json(plan)
        return
    from bgo.cli.facts import facts, told_options

    now = flow.clock.now_ms()
    lane = plan["lane"]
    due = found.task.due_at
    rows = [
        ("handler", spec.handler if plan["name"] == spec.handler else f"{spec.handler}, named {plan['name']}"),
        ("input", render.dumps(plan["input"])),
        ("command", None if plan["argv"] is None else told_command(plan["argv"])),
        ("keeps", None if plan["env"] is None else ", ".join(plan["env"]) or "no variable"),
        ("runs in", spec.cwd),
        ("tags", ", ".join(spec.tags)),
        ("due", render.local_time(due) + f" ({render.ago(due, now)})" if due > now else "at once"),
        ("after", ", ".join(spec.after)),
        *told_options(spec.wish),
        ("lane", _lane(lane, spec.priority, found.ahead)),
        *(("" if number else "gates", f"{line.gate}: {_gate(line)}") for number, line in enumerate(found.gates)),
        *judged(found),
        ("so", found.verdict),
        *rows_of(findings, found.changes),
    ]
    facts(rows, color=flow.settings.color)
    render.say("dry run: nothing was queued")


def told_command(argv: list[str]) -> str:
    """Return a command line as a shell would take it."""
    import shlex

    return shlex.join(argv)


def _lane(lane: dict[str, Any], priority: int, ahead: int | None) -> str:
    words = [f"queue {lane['queue']}", f"priority {priority}"]
    if lane["concurrency_max"] is not None:
        words.append(f"at most {lane['concurrency_max']} under {lane['concurrency_key']} ({lane['strategy']})")
    if ahead:
        words.append(f"{ahead:,} go first")
    return ", ".join(words)


def _gate(line: Any) -> str:
    if line.is_open:
        return f"open ({line.current})"
    lift = f"; {line.hold.lift}" if line.hold is not None and line.hold.lift else ""
    return f"holds it ({line.current}, needs {line.needed}){lift}"

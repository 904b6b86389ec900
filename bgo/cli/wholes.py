"""What chains and batches look like: a list of them, and one of them in full."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bgo.errors import RefusedError
from bgo.model.state import FINAL, State

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.cli.facts import Fact
    from bgo.engine.graph import Node
    from bgo.model.query import Selector
    from bgo.model.views import TaskView

PLURAL = {"chain": "chains", "batch": "batches"}
FAILED = 5
"""Members that failed, of which a batch tells so many."""


def listed(flow: TaskFlow, wanted: Selector, kind: str, limit: int, *, as_json: bool, quiet: bool) -> None:
    """Print the chains, or the batches, that a selection matches, newest first."""
    from bgo.cli import render

    find = flow.chains if kind == "chain" else flow.batches
    found = find(wanted, limit=limit + 1)
    is_cut, found = len(found) > limit, found[:limit]
    if as_json:
        render.write_json([view.to_json() for view in found])
    elif quiet:
        for view in found:
            print(view.id)
    elif found:
        put_table(found, flow.clock.now_ms(), color=flow.settings.color)
        if is_cut and sys.stdout.isatty():
            render.say(f"the newest {limit:,}; more with --limit N")
    elif wanted.is_empty:
        example = "bgo chain NAME STEP…" if kind == "chain" else "bgo batch NAME --items FILE"
        render.say(f"no {kind} yet: {example}")
    else:
        render.say(f"no {kind} fits")


def put_table(views: Sequence[TaskView], now: int, *, color: bool) -> None:
    """Print chains or batches as a table."""
    from bgo.cli import render, tree
    from bgo.cli.tasks import when

    columns = [
        render.Column("ID"),
        render.Column("STATE"),
        render.Column("NAME", least=10),
        render.Column("PROGRESS", drop=4),
        render.Column("DONE", least=20, drop=1),
        render.Column("WHEN", drop=2),
        render.Column("TOOK", right=True, drop=3),
        render.Column("WHY", least=12, drop=5),
    ]
    rows = [
        (
            view.id,
            render.state_text(view.state),
            view.task.name,
            tree.told_bar(view.counts or NONE),
            tree.told_counts(view.counts or NONE, bad_first=True),
            when(view, now),
            render.duration(view.duration_ms()),
            "" if view.error is None else view.error.message,
        )
        for view in views
    ]
    out = render.console(color=color)
    out.print(render.table(columns, rows, out.width))


NONE = {"total": 0}


def need_whole(view: TaskView, kind: str) -> TaskView:
    """Return a chain or batch, whichever was asked for; refuse a plain task, with the way to it."""
    if view.task.kind == "task":
        inside = view.chain_id or view.batch_id
        raise RefusedError(
            f"{view.id} is no {kind}",
            why="it is a task" + ("" if inside is None else f" of {inside}"),
            hint=f"bgo status {view.id}" if inside is None else f"bgo status {inside}",
        )
    return view


def show(flow: TaskFlow, view: TaskView) -> None:
    """Print a chain or batch in full: how far it is, what is in it, and what could be done next."""
    from bgo.cli import render, tree
    from bgo.cli.facts import facts, unpadded

    node, now = flow.graph(view.id), flow.clock.now_ms()
    title = render.safe(f"{view.id}  ", "bold")
    title.append_text(render.safe(f"{render.line(view.task.name)}  ", "bold"))
    title.append_text(render.state_text(node.task.state))
    takes_more = ", open for more items" if node.is_open and not view.is_final else ""
    title.append_text(render.safe(f"  {view.task.kind}{takes_more}", "dim"))
    facts(_facts(view, node, now), color=flow.settings.color, title=title)
    out = render.console(color=flow.settings.color)
    if drawn := tree.lines(node, now, width=out.width):
        unpadded(out, render.safe(""), *drawn)
        if node.task.kind == "batch":
            _tell_rest(node)
    facts([("next", following(view, node))], color=flow.settings.color)


def _tell_rest(node: Node) -> None:
    shown = min(FAILED, sum(len(step.members) for step in node.steps))
    if node.counts is not None and node.counts["total"] > shown:
        print(
            f"… {node.counts['total']:,} in all: bgo batches results {node.task.id}, bgo tasks --batch {node.task.id}"
        )


def _facts(view: TaskView, node: Node, now: int) -> list[Fact]:
    from bgo.cli import render, tree
    from bgo.cli.endings import WHY
    from bgo.cli.status import told_instant

    task, counts = node.task, node.counts or NONE
    callbacks = ", ".join(f"{kind}: {handler}" for kind, handler in (node.callbacks or {}).items())
    inside = view.chain_id or view.batch_id
    return [
        ("done", f"{tree.told_bar(counts)}  {tree.told_counts(counts)}"),
        ("reason", None if task.reason in {"new", "done", "begun"} else WHY.get(task.reason, task.reason)),
        (
            "cancel",
            "asked for; its workers are stopping it" if task.cancel_reason and task.state not in FINAL else None,
        ),
        ("error", None if node.error is None or task.state is State.SUCCEEDED else node.error.message),
        ("output", None if view.output is None or task.kind == "batch" else render.dumps(view.output)),
        ("input", render.dumps(view.input) if view.input else None),
        ("callbacks", callbacks),
        ("part of", inside),
        ("tags", ", ".join(task.tags)),
        ("queued", told_instant(task.created_at, now)),
        ("due", told_instant(task.due_at, now) if task.due_at > now else None),
        ("starts by", None if task.wish.start_before is None else render.local_time(task.wish.start_before)),
        ("started", told_instant(task.started_at, now)),
        ("ended", told_instant(task.finished_at, now)),
        ("took", render.duration(view.duration_ms())),
    ]


def following(view: TaskView, node: Node) -> str:
    """Return the commands that make sense now."""
    failed = [aside.task for aside in node.follow_ups if aside.task.state is State.FAILED]
    again = f"bgo retry {failed[-1].id} runs {failed[-1].name} again; " if failed else ""
    return again + _of_the_whole(view, node)


def _of_the_whole(view: TaskView, node: Node) -> str:
    whole, kind = view.id, view.task.kind
    match node.task.state:
        case State.FAILED:
            return f"bgo retry {whole} goes on from where it failed; bgo logs {whole}"
        case State.CANCELLED:
            return f"bgo retry {whole}"
        case State.SUCCEEDED if kind == "batch":
            return f"bgo batches results {whole}; bgo history {whole}"
        case State.SUCCEEDED:
            return f"bgo logs {whole}; bgo history {whole}"
        case _ if node.is_open:
            return f"bgo batches add {whole} --items FILE; bgo batches close {whole}"
        case State.RUNNING:
            return f"bgo monitor {whole}; bgo wait {whole}; bgo cancel {whole}"
        case _:
            return f"bgo explain {whole}; bgo cancel {whole}"


def draw(flow: TaskFlow, word: str, kind: str, how: Any) -> None:
    """Print one chain or batch as was asked: in full, as JSON, or as text for Mermaid or Graphviz."""
    from bgo.cli import render

    view = need_whole(flow.get(word), kind)
    if how == "json":
        from bgo.engine.graph import document

        render.write_json(document(flow.graph(view.id)))
    elif how in ("mermaid", "dot"):
        text = flow.mermaid(view.id) if how == "mermaid" else flow.dot(view.id)
        print(render.clean(text), end="")
    else:
        show(flow, view)

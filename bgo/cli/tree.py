"""A chain or batch as a tree: its steps, the members of each, how they stand and how far the whole is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bgo.cli import render
from bgo.cli.screen import bar
from bgo.model.flow import CALLBACKS
from bgo.model.task import FOLLOW_UP

if TYPE_CHECKING:
    from rich.text import Text

    from bgo.engine.graph import Node, StepNode

WIDE = 12
"""Members of a step that are shown one by one; of a batch only those that say something."""
TOLD = ("failed", "running", "retrying", "cancelled")
"""States of a batch's members that are told, the most telling first."""
OF_BATCH = 5
SUMS = frozenset({"MembersFailed", "StepFailed"})
"""Errors that only say what stands below."""
SKIPPED = "upstream_failed"
"""Reason of what never began, because something before it failed: its error says only that."""


def lines(node: Node, now: int, *, width: int) -> list[Text]:
    """Return the tree below a chain or batch, a line each."""
    return [_cut(line, width) for line in _below(node, "", now)]


def _cut(line: Text, width: int) -> Text:
    line.truncate(max(20, width), overflow="ellipsis")
    return line


def _below(node: Node, indent: str, now: int) -> Iterator[Text]:
    branches: list[tuple[Any, ...]]
    if node.task.kind == "batch":
        branches = [("node", member) for member in _telling(node)]
    else:
        branches = [("step", step) for step in node.steps]
    branches += [("aside", aside) for aside in node.follow_ups]
    for number, (kind, what) in enumerate(branches):
        is_last = number == len(branches) - 1
        stem, inner = (indent + ("└─ " if is_last else "├─ ")), indent + ("   " if is_last else "│  ")
        if kind == "step":
            yield from _step(what, stem, inner, now)
        else:
            mark = _called_as(node, what) if kind == "aside" else ""
            yield _line(what, stem, now, note=mark)
            yield from _below(what, inner, now)


def _step(step: StepNode, stem: str, inner: str, now: int) -> Iterator[Text]:
    note = _policy(step)
    if len(step.members) == 1:
        (member,) = step.members
        yield _line(member, stem, now, note=note)
        yield from _below(member, inner, now)
        return
    head = render.safe(stem, "dim")
    head.append_text(render.safe(f"{render.line(step.name)}  "))
    head.append_text(render.safe(f"{len(step.members)} in parallel" + (f"; {note}" if note else ""), "dim"))
    yield head
    for number, member in enumerate(step.members):
        is_last = number == len(step.members) - 1
        yield _line(member, inner + ("└─ " if is_last else "├─ "), now)
        yield from _below(member, inner + ("   " if is_last else "│  "), now)


def _policy(step: StepNode) -> str:
    words = [] if step.merge == "overwrite" else ["collects arrays"]
    if step.on_failure == "continue":
        words.append("may fail")
    elif step.on_failure != "fail":
        words.append(f"if it fails: {step.on_failure}")
    return ", ".join(words)


def _called_as(node: Node, aside: Node) -> str:
    """Return what a follow-up is: a compensation, or the callback of a kind."""
    if node.task.kind == "chain":
        return "compensation"
    place = aside.task.step - FOLLOW_UP
    return CALLBACKS[place] if 0 <= place < len(CALLBACKS) else "callback"


def _telling(node: Node) -> list[Node]:
    """Return the members of a batch that say something, in the order of their items."""
    members = [member for step in node.steps for member in step.members]
    if len(members) <= OF_BATCH:
        return members
    chosen: list[Node] = []
    for state in TOLD:
        chosen += [m for m in members if str(m.task.state) == state][: OF_BATCH - len(chosen)]
    return [member for member in members if member in chosen]


def _line(node: Node, stem: str, now: int, note: str = "") -> Text:
    """Return one line: state, name, how far it is or how long it took, id, and what went wrong."""
    task = node.task
    glyph, style = render.GLYPHS.get(task.state, ("·", ""))
    text = render.safe(stem, "dim")
    text.append_text(render.safe(f"{glyph} ", style))
    text.append_text(render.safe(f"{render.line(task.name)}  "))
    text.append_text(render.safe(_said(node, now), style))
    text.append_text(render.safe(f"  {task.id}", "dim"))
    if note:
        text.append_text(render.safe(f"  ({note})", "dim"))
    if node.error is not None and task.state == "failed" and task.reason != SKIPPED and node.error.type not in SUMS:
        text.append_text(render.safe(f"  {render.line(f'{node.error.type}: {node.error.message}', 200)}", "red"))
    return text


def _said(node: Node, now: int) -> str:
    task = node.task
    words = str(task.state)
    if task.started_at is not None and task.finished_at is not None:
        words += f" in {render.duration(max(0, task.finished_at - task.started_at))}"
    elif task.state == "running" and task.started_at is not None:
        words += f" for {render.so_far(now - task.started_at)}"
    if node.counts is not None:
        return f"{words}, {told_counts(node.counts)}"
    if task.state == "running" and task.progress is not None:
        words += f", {task.progress:.0%}"
    if task.state == "failed" and task.reason == SKIPPED:
        words += ": never began"
    return words


def told_counts(counts: Mapping[str, int], *, bad_first: bool = False) -> str:
    """Return `7 of 9 done`, or where some came to no good end `7 of 9 ended, 1 failed`; `bad_first` where the end may
    be cut off."""
    ended = sum(n for name, n in counts.items() if name != "total")
    bad = [f"{counts[name]:,} {name}" for name in ("failed", "cancelled") if counts.get(name)]
    whole = f"{ended:,} of {counts['total']:,} {'ended' if bad else 'done'}"
    return ", ".join([*bad, whole] if bad_first else [whole, *bad])


def told_bar(counts: Mapping[str, int]) -> str:
    """Return one bar for all members."""
    total = counts["total"]
    done = sum(n for name, n in counts.items() if name != "total")
    return bar(done / total if total else 1.0)

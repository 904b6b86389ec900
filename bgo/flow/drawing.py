"""Drawings: a chain or batch as text that Mermaid and Graphviz draw. The same graph gives the same text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bgo.model.flow import CALLBACKS
from bgo.model.task import FOLLOW_UP

if TYPE_CHECKING:
    from bgo.engine.graph import Node, StepNode

COLORS = {
    "blocked": "#eeeeee",
    "queued": "#d6eaf8",
    "running": "#85c1e9",
    "retrying": "#f9e79f",
    "succeeded": "#abebc6",
    "failed": "#f5b7b1",
    "cancelled": "#d7dbdd",
}
"""State → the fill of its box; the word stands in the box as well."""


@dataclass(frozen=True, slots=True)
class _Box:
    key: str
    label: tuple[str, ...]
    """Lines: what it is, and how it stands."""
    state: str
    is_aside: bool = False
    """A compensation or a callback: its border is dashed."""
    is_batch: bool = False


@dataclass(slots=True)
class _Drawing:
    boxes: list[_Box] = field(default_factory=list)
    arrows: list[tuple[str, str, str]] = field(default_factory=list)
    """(from, to, label); one with a label is dashed."""


def mermaid(node: Node) -> str:
    """Return a flowchart for Mermaid, as GitHub and many editors show it."""
    drawn = _drawn(node)
    lines = ["flowchart LR", f"  %% {node.task.kind} {node.task.id}: {_plain(node.task.name)}"]
    for box in drawn.boxes:
        label = "<br/>".join(_for_mermaid(line) for line in box.label)
        shape = f'[["{label}"]]' if box.is_batch else f'["{label}"]'
        lines.append(f"  {box.key}{shape}:::{box.state}{'aside' if box.is_aside else ''}")
    for start, end, label in drawn.arrows:
        lines.append(f"  {start} -. {_for_mermaid(label)} .-> {end}" if label else f"  {start} --> {end}")
    for state, is_aside in sorted({(box.state, box.is_aside) for box in drawn.boxes}):
        dashes = ",stroke-dasharray:4 3" if is_aside else ""
        fill = f"fill:{COLORS.get(state, '#ffffff')},stroke:#555555,color:#111111"
        lines.append(f"  classDef {state}{'aside' if is_aside else ''} {fill}{dashes}")
    return "\n".join(lines) + "\n"


def dot(node: Node) -> str:
    """Return a digraph for Graphviz: `bgo chains show ID --dot | dot -Tsvg`."""
    drawn = _drawn(node)
    lines = [f"digraph {_quoted(node.task.name)} {{", "  rankdir=LR;", '  node [shape=box, fontname="sans-serif"];']
    for box in drawn.boxes:
        label = _quoted("\n".join(box.label))
        style = "filled,dashed" if box.is_aside else "filled"
        shape = ", peripheries=2" if box.is_batch else ""
        lines.append(f'  {box.key} [label={label}, style="{style}", fillcolor="{COLORS.get(box.state)}"{shape}];')
    for start, end, label in drawn.arrows:
        lines.append(f"  {start} -> {end}" + (f" [style=dashed, label={_quoted(label)}];" if label else ";"))
    return "\n".join([*lines, "}"]) + "\n"


def _drawn(node: Node) -> _Drawing:
    drawn = _Drawing()
    if node.task.kind == "chain":
        _chain(drawn, node)
    else:
        drawn.boxes.append(_box("n0", node))
        _asides(drawn, "n0", node)
    return drawn


def _chain(drawn: _Drawing, node: Node) -> None:
    before: list[str] = []
    keys: dict[str, list[str]] = {}
    for number, step in enumerate(node.steps):
        here = []
        for place, member in enumerate(step.members):
            key = f"s{number}m{place}"
            drawn.boxes.append(_box(key, member))
            drawn.arrows += [(earlier, key, "") for earlier in before]
            here.append(key)
        keys[step.name] = here
        before = here or before
    for number, aside in enumerate(node.follow_ups):
        key = f"c{number}"
        drawn.boxes.append(_box(key, aside, is_aside=True))
        drawn.arrows += [(start, key, "on failure") for start in _calls_for(node, aside, keys)]
    came = {aside.task.name for aside in node.follow_ups}
    _planned(drawn, [step for step in node.steps if step.on_failure not in came], keys)


def _planned(drawn: _Drawing, steps: list[StepNode], keys: dict[str, list[str]]) -> None:
    """Draw the compensations that did not come about, dashed and pale."""
    names = dict.fromkeys(step.on_failure for step in steps if step.on_failure not in ("fail", "continue"))
    for number, name in enumerate(names):
        drawn.boxes.append(_Box(f"p{number}", (name, "if it fails"), "blocked", is_aside=True))
        for step in steps:
            if step.on_failure == name:
                drawn.arrows += [(start, f"p{number}", "on failure") for start in keys[step.name]]


def _calls_for(node: Node, aside: Node, keys: dict[str, list[str]]) -> Iterator[str]:
    for step in node.steps:
        if step.on_failure == aside.task.name:
            yield from keys[step.name]


def _asides(drawn: _Drawing, key: str, node: Node) -> None:
    """Draw the callbacks of a batch: those that came about as they stand, the others as they are planned."""
    came = {aside.task.step - FOLLOW_UP: aside for aside in node.follow_ups}
    for number, (kind, handler) in enumerate((node.callbacks or {}).items()):
        told = came.get(CALLBACKS.index(kind))
        if told is not None:
            drawn.boxes.append(_box(f"c{number}", told, is_aside=True))
        else:
            drawn.boxes.append(_Box(f"c{number}", (handler, kind), "blocked", is_aside=True))
        drawn.arrows.append((key, f"c{number}", kind))


def _box(key: str, node: Node, *, is_aside: bool = False) -> _Box:
    task = node.task
    said = str(task.state)
    if node.counts is not None:
        ended = sum(n for name, n in node.counts.items() if name != "total")
        said += f", {ended:,} of {node.counts['total']:,}"
        if failed := node.counts.get("failed"):
            said += f", {failed:,} failed"
    return _Box(key, (_plain(task.name), said), str(task.state), is_aside, node.counts is not None)


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def _for_mermaid(text: str) -> str:
    """Return a label that Mermaid takes as text: what it would read as markup goes in as numbered characters."""
    return "".join(c if c.isalnum() or c in " .,_-:+" else f"#{ord(c)};" for c in _plain(text))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "\\n".join(_plain(line) for line in escaped.split("\n")) + '"'

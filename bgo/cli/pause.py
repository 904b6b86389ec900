"""`bgo pause` and `bgo resume`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from bgo.cli.flow import flow_of
from bgo.cli.params import Json

if TYPE_CHECKING:
    from bgo.api import TaskFlow

Name = Annotated[str | None, typer.Argument(metavar="NAME", help="Tasks of this name.", show_default=False)]
Queue = Annotated[str | None, typer.Option("--queue", metavar="QUEUE", help="Everything in this queue.")]
Tag = Annotated[str | None, typer.Option("--tag", metavar="TAG", help="Everything with this tag.")]


class What(NamedTuple):
    """The one thing that was named."""

    kind: str
    value: str

    @property
    def words(self) -> str:
        """Return it as `pause` and `resume` take it."""
        return self.value if self.kind == "name" else f"--{self.kind} {self.value}"


def pause(
    ctx: typer.Context,
    name: Name = None,
    queue: Queue = None,
    tag: Tag = None,
    running: Annotated[
        bool, typer.Option("--running", help="Stop what runs where it stands, its timeouts too.", metavar="")
    ] = False,
    as_json: Json = False,
) -> None:
    """Start no more tasks of a name, a queue or a tag, present and future ones; what runs goes on.

    With --running it stands still instead, and goes on after a resume; meanwhile it keeps its slot.
    """
    from bgo.cli import render

    flow = flow_of(ctx)
    flow.pause(name=name, queue=queue, tag=tag, running=running)
    what = _what(name, queue, tag)
    stops = running or _is_paused(flow, what) == (True, True)
    if as_json:
        return _tell_json(what, paused=True, running=stops)
    more = ", what runs too" if stops else ""
    print(f"paused {what.kind} {what.value}{more}; undo: bgo resume {what.words}")
    if what.kind == "name" and not _is_known(flow, what.value):
        render.say(f"no task and no handler is called {what.value} yet")
    return None


def resume(
    ctx: typer.Context,
    name: Name = None,
    queue: Queue = None,
    tag: Tag = None,
    running: Annotated[
        bool, typer.Option("--running", help="Only let go on what was stopped; start no more.", metavar="")
    ] = False,
    as_json: Json = False,
) -> None:
    """Let tasks of a name, a queue or a tag start again, and what a pause has stopped go on."""
    from bgo.cli import render

    flow = flow_of(ctx)
    before = flow.pauses()
    flow.resume(name=name, queue=queue, tag=tag, running=running)
    what = _what(name, queue, tag)
    paused, _ = _is_paused(flow, what)
    if as_json:
        return _tell_json(what, paused=paused, running=False)
    if paused:
        print(f"what runs of {what.kind} {what.value} goes on; it is still paused: bgo resume {what.words}")
    else:
        print(f"resumed {what.kind} {what.value}")
    if all((p.kind, p.value) != what for p in before):
        render.say(f"the {what.kind} {what.value} was not paused")
    return None


def _what(name: str | None, queue: str | None, tag: str | None) -> What:
    """Return what the flow has accepted: exactly one of them."""
    return next(What(kind, v) for kind, v in (("name", name), ("queue", queue), ("tag", tag)) if v is not None)


def _is_paused(flow: TaskFlow, what: What) -> tuple[bool, bool]:
    """Say whether it is paused, and whether what runs of it is stopped."""
    found = [p for p in flow.pauses() if (p.kind, p.value) == what]
    return bool(found), any(p.running for p in found)


def _tell_json(what: What, *, paused: bool, running: bool) -> None:
    from bgo.cli import render

    render.write_json({"schema": 1, "kind": what.kind, "value": what.value, "paused": paused, "running": running})


def _is_known(flow: TaskFlow, name: str) -> bool:
    from bgo.model.query import Selector

    return name in flow.catalogue() or bool(flow.tasks(Selector(names=(name,)), limit=1))

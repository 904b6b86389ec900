"""Staying with tasks until they end: `enqueue --wait`, `enqueue --run` and `wait`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import typer

from bgo.cli import render
from bgo.cli.endings import failure
from bgo.errors import BgoError
from bgo.model.state import State

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.cli.live import Area, Row
    from bgo.model.views import TaskView
    from bgo.run.report import WorkerEvent

NAG_MS = 1000
"""How long to wait before saying that nobody is there to do the work."""
MEMBERS = 10
"""Running members of a chain that are shown below it."""


class NotNowError(BgoError):
    """A task that was to run here and now is held by something."""

    exit_code = 75
    code = "not_now"


@dataclass(frozen=True, slots=True)
class Style:
    """How to tell it."""

    as_json: bool = False
    quiet: bool = False
    timeout: float | None = None

    @property
    def is_chatty(self) -> bool:
        """Say whether people are meant to read along."""
        return not (self.as_json or self.quiet)


class Companion:
    """Tells people what becomes of some tasks: live on a terminal, in few lines elsewhere."""

    def __init__(self, flow: TaskFlow, stack: ExitStack, style: Style) -> None:
        self._flow = flow
        self._area: Area | None = None
        self._is_chatty = style.is_chatty
        self._has_nagged = not style.is_chatty
        if style.is_chatty:
            from bgo.cli.live import Area, is_terminal

            if is_terminal():
                self._area = stack.enter_context(Area(color=flow.settings.color, clock=flow.clock))

    def see(self, views: Sequence[TaskView]) -> None:
        """Show how far the tasks are."""
        if self._area is None:
            return
        rows: dict[str, Row] = {}
        for view in views:
            if not view.is_final:
                for each in (view, *self._members(view)):
                    rows[each.id] = self._row(each)
        self._area.rows = rows

    def _row(self, view: TaskView) -> Row:
        from bgo.cli.live import Row as Live

        task = view.task
        message = task.progress_message if task.state is State.RUNNING else self._waits(view)
        since = task.started_at if task.state is State.RUNNING else task.created_at
        return Live(task.id, task.name, since or task.created_at, task.progress, message)

    def _members(self, view: TaskView) -> list[TaskView]:
        """Return what runs of a chain; a batch is one bar."""
        if view.task.kind != "chain":
            return []
        from bgo.model.query import Selector

        return self._flow.tasks(Selector(under=(view.id,), states=(State.RUNNING,)), limit=MEMBERS)[::-1]

    def hear(self, event: WorkerEvent) -> None:
        """Show what the worker of this process tells."""
        if self._area is None:
            return
        from bgo.cli.live import Row

        task, held = event.task, self._area.rows.get(event.task.id)
        if event.type == "started":
            self._area.rows = {task.id: Row(task.id, task.name, event.at)}
        elif event.type == "progress" and held is not None:
            self._area.rows = {task.id: Row(task.id, task.name, held.since, event.fraction, event.message)}

    def hear_whole(self, whole_id: str, event: WorkerEvent) -> None:
        """Show what the worker of this process does for a chain or batch: a line at each end, rows for what runs."""
        if event.type not in {"started", "progress"}:
            self.say_event(event)
        if self._area is None:
            return
        from bgo.cli.run import show

        show(self._area, event)
        if event.type != "progress":
            others = {key: row for key, row in self._area.rows.items() if key != whole_id}
            self._area.rows = {whole_id: self._row(self._flow.get(whole_id)), **others}

    def say_event(self, event: WorkerEvent) -> None:
        """Print what became of a member."""
        from bgo.cli import tell

        if self._area is not None:
            self._area.say(tell.colored(event))
        elif self._is_chatty:
            render.say(tell.plain(event))

    def _waits(self, view: TaskView) -> str:
        now = self._flow.clock.now_ms()
        return str(view.state) + (f", due {render.ago(view.task.due_at, now)}" if view.task.due_at > now else "")

    def nag(self, waited_ms: int) -> None:
        """Say, once, that no worker is there."""
        if self._has_nagged or waited_ms < NAG_MS:
            return
        self._has_nagged = True
        if not self._flow.workers():
            self.say("no worker runs now, so nothing happens: start one with 'bgo run'")

    def say(self, text: str) -> None:
        """Print a line for people."""
        if self._area is not None:
            self._area.say(render.safe(text, "yellow"))
        else:
            render.say(text)


def watch(flow: TaskFlow, ids: Sequence[str], style: Style) -> list[TaskView]:
    """Return these tasks once they have ended. Ctrl-C detaches: the work goes on, the exit code is 130."""
    try:
        with ExitStack() as stack:
            companion = Companion(flow, stack, style)
            return flow.wait_for(ids, timeout=style.timeout, on_change=companion.see, on_wait=companion.nag)
    except KeyboardInterrupt:
        if style.is_chatty:
            render.say(f"detached; the work goes on: bgo wait {' '.join(ids)}")
        raise typer.Exit(130) from None


def until_end(flow: TaskFlow, task_id: str, style: Style) -> int:
    """Print the id, wait for the task, and return the exit code of its result."""
    if not style.as_json:
        print(task_id, flush=True)
    return _ended(watch(flow, [task_id], style)[0], style)


def here(flow: TaskFlow, task_id: str, style: Style) -> int:
    """Print the id, execute the task or chain in this process's worker, show its output, and return its exit code."""
    from bgo.cli.logs import pour_of
    from bgo.cli.run import SIGNAL_CODES

    if not style.as_json:
        print(task_id, flush=True)
    try:
        view, stopped = _run_here(flow, task_id, style)
    except KeyboardInterrupt:
        view, stopped = flow.get(task_id), "SIGINT"
    if style.is_chatty:
        pour_of(flow, view, raw=False)
    if view.is_final:
        return _ended(view, style)
    if style.as_json:
        render.write_json(view.to_json())
    if stopped:
        if style.is_chatty:
            render.say(f"handed back; it waits in the queue: bgo run, or bgo cancel {task_id}")
        return SIGNAL_CODES.get(stopped, 143)
    raise _not_now(flow, view)


def _not_now(flow: TaskFlow, view: TaskView) -> NotNowError:
    hold = next(iter(view.holds if view.task.kind == "task" else flow.explain(view.id).holds), None)
    return NotNowError(
        f"{view.task.kind} {view.id} cannot {'run' if view.task.kind == 'task' else 'go on'} now; it stays queued",
        why=f"held by {hold.gate}: {hold.current}" if hold else "another task of its kind goes first",
        hint=hold.lift if hold and hold.lift else f"bgo explain {view.id}",
    )


def _run_here(flow: TaskFlow, task_id: str, style: Style) -> tuple[TaskView, str]:
    with ExitStack() as stack:
        companion = Companion(flow, stack, style)
        view = flow.get(task_id)
        companion.see([view])
        if view.task.kind != "task":
            return flow.run_here(task_id, listener=partial(companion.hear_whole, task_id))
        return flow.run_here(task_id, listener=companion.hear, on_wait=lambda view: companion.see([view]))


def _ended(view: TaskView, style: Style) -> int:
    """Tell how the task ended and return its exit code."""
    is_good = view.state is State.SUCCEEDED
    if style.as_json:
        render.write_json(view.to_json())
    elif style.quiet:
        pass
    elif is_good:
        render.say(render.ended(view.state, view.duration_ms()))
    else:
        raise failure(view)
    return 0 if is_good else 1

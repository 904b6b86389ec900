"""`bgo explain`: why a task is where it is, gate by gate, and what would lift each hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bgo.cli import device as about
from bgo.cli import explained_all
from bgo.cli.flow import answer, flow_of, schedules_called
from bgo.cli.params import SELECTION, Json, Limit
from bgo.errors import NotFoundError, UsageError
from bgo.model.device import NO_FACTS, Facts
from bgo.model.state import ACTIVE

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.cli.facts import Fact
    from bgo.model.schedule_view import ScheduleExplanation
    from bgo.model.task import HistoryEntry
    from bgo.model.views import Explanation, GateLine

RUNS = 20
"""So many of a task's last runs are told."""
Told = tuple["Explanation", list["HistoryEntry"]]


@about.device
def explain(
    ctx: typer.Context,
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID|NAME]...", help="Tasks, chains, batches, schedules, or a name.", show_default=False
        ),
    ] = None,
    every: Annotated[
        bool,
        typer.Option(
            "--all",
            help="What waits for what: everything unfinished, and schedules.",
            metavar="",
            rich_help_panel=SELECTION,
        ),
    ] = False,
    schedules: Annotated[
        list[str] | None,
        typer.Option(
            "--schedule", metavar="ID|KEY", help="This schedule; repeat for several.", rich_help_panel=SELECTION
        ),
    ] = None,
    facts: Facts = NO_FACTS,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """Say why a task is not running: every gate, what it needs, who holds it, and what would lift it.

    Judged as a plain `bgo run` would judge here and now; --profile ios: as a phone would. Ended tasks: which gates had
    held them, and for how long.
    """
    from bgo.cli import render

    if every and (ids or schedules):
        what = "--schedule" if schedules else "names and ids"
        why = "--all is everything unfinished, and every schedule"
        raise UsageError(
            f"--all and {what} contradict each other",
            why=why,
            hint=f"leave --all or the {'schedule' if schedules else 'name'} out",
        )
    if not (every or ids or schedules):
        raise UsageError(
            "explain what?", why="give ids or names, or --all", hint="bgo explain @last, bgo explain --all"
        )
    flow = flow_of(ctx)
    if every:
        found = flow.explain_all(facts, limit=limit)
        if as_json:
            render.write_json(found.to_json())
        else:
            explained_all.show(found, now=flow.clock.now_ms(), color=flow.settings.color)
        return
    told: list[Told | ScheduleExplanation] = [_told(flow, word, facts) for word in _whole(flow, ids or [], limit)]
    told += [flow.explain_schedule(each.id, facts) for word in schedules or () for each in flow.schedules(word)]
    if as_json:
        answer([_json(one) for one in told], words=[*(ids or ()), *(schedules or ())])
        return
    for number, one in enumerate(told):
        if number:
            print()
        _show(one, now=flow.clock.now_ms(), color=flow.settings.color)


def _whole(flow: TaskFlow, words: Iterable[str], limit: int) -> list[str]:
    """Return ids; a name stands for its unfinished tasks and its schedules, else for the newest that has ended."""
    from bgo.cli import parse
    from bgo.model.query import Selector

    found: list[str] = []
    for word in words:
        if not (name := parse.id_or_name(word))[0].isalpha():
            found.append(name)
            continue
        tasks = flow.tasks(Selector(names=(name,), states=tuple(sorted(ACTIVE)), kinds=()), limit=limit)
        made_by = [view.id for view in schedules_called(flow, name)][:limit]
        if not made_by:
            tasks = tasks or flow.tasks(Selector(names=(name,), kinds=()), limit=1)
        if not (tasks or made_by):
            raise NotFoundError(
                f"nothing is called {name}", why="nothing of that name was queued", hint="bgo tasks lists what there is"
            )
        found += [*(view.id for view in tasks), *made_by]
    return found


def _told(flow: TaskFlow, task_id: str, facts: Facts) -> Told | ScheduleExplanation:
    from bgo.model.query import Selector

    if flow.is_schedule(task_id):
        return flow.explain_schedule(task_id, facts)
    found = flow.explain(task_id, facts)
    runs = flow.history(Selector(ids=(found.task.id,)), limit=RUNS) if found.task.run else []
    return found, runs[::-1]


def _json(told: Told | ScheduleExplanation) -> dict[str, Any]:
    from bgo.model.views import history_json

    if not isinstance(told, tuple):
        return told.to_json()
    found, runs = told
    return {**found.to_json(), "runs": [history_json(entry) for entry in runs]}


def _show(told: Told | ScheduleExplanation, *, now: int, color: bool) -> None:
    from bgo.cli import render
    from bgo.cli.facts import facts

    if not isinstance(told, tuple):
        return _show_schedule(told, now=now, color=color)
    found, runs = told
    task = found.task
    title = render.safe(f"{task.id}  {render.line(task.name)}  ", "bold")
    title.append_text(render.state_text(task.state))
    rows: list[Fact] = [("so", render.safe(found.verdict, "bold"))]
    rows += _profile(found)
    rows += [_gate(line, now) for line in found.gates]
    if found.last_look:
        rows.append(("last look", f"a worker was held by {found.last_look}; judged here and now that is open"))
    waited = sum(found.waited.values())
    if waited:
        rows.append(("waited", f"{render.duration(waited)}: {held_words(found.waited)}"))
    if found.ahead is not None:
        rows.append(("place", _place(found.ahead)))
    rows += [("run" if number == 0 else "", _run(entry)) for number, entry in enumerate(runs)]
    return facts(rows, color=color, title=title)


def _profile(found: Explanation | ScheduleExplanation) -> list[Fact]:
    """Return under which profile that was judged, and what it changes; nothing where that is this computer."""
    if found.profile == "host" and not found.changes:
        return []
    told = [("profile", f"judged under profile {found.profile}")]
    return [*told, *(("changed" if not n else "", change.told) for n, change in enumerate(found.changes))]


def _show_schedule(found: ScheduleExplanation, *, now: int, color: bool) -> None:
    from bgo.cli import render
    from bgo.cli.facts import facts
    from bgo.cli.schedule_shown import state_text

    title = render.safe(f"{found.view.id}  {render.line(found.view.schedule.name)}  ", "bold")
    title.append_text(state_text(found.view.schedule.state))
    rows: list[Fact] = [("so", render.safe(found.verdict, "bold")), *_profile(found)]
    rows += [_gate(line, now) for line in found.gates]
    if found.held:
        rows.append(("it makes", "what would be held now:"))
        rows += [_gate(line, now) for line in found.held]
    facts(rows, color=color, title=title)


def _gate(line: GateLine, now: int) -> tuple[str, Any]:
    """Return one gate: its mark and word, what stands, and for a hold all that is known about lifting it."""
    from bgo.cli import render

    what = "it waited for a worker or a slot" if line.gate == "slots" else "it has held it"
    spent = f"{what} for {render.duration(line.held_ms)}" if line.held_ms else ""
    if line.hold is None:
        told = f"{line.current}; {spent}" if spent else line.current
        return f"{'✓ open' if line.is_open else '✗ held'}  {line.gate}", told
    lines = [f"{line.current}; needs {line.needed}"]
    if line.hold.holder:
        lines.append(f"held by: {line.hold.holder}")
    until = line.hold.until_ms
    when = "nobody can say" if until is None else f"{render.local_time(until)} ({render.ago(until, now)})"
    lines.append(f"may lift: {when}")
    if line.hold.lift:
        lines.append(f"to lift it: {line.hold.lift}")
    lines += [spent] if spent else []
    return f"✗ held  {line.gate}", render.safe("\n".join(lines), "yellow")


def _place(ahead: int) -> str:
    if ahead == 0:
        return "first of its lane"
    return f"{ahead:,} {'tasks go' if ahead > 1 else 'task goes'} first in its lane"


def _run(entry: HistoryEntry) -> str:
    from bgo.cli import render
    from bgo.cli.history import lost_words

    waited = sum(entry.waited.values())
    words = [f"{entry.run} (attempt {entry.attempt}): {render.state_word(entry.state)} ({entry.reason})"]
    if (lost := lost_words(entry)) is not None:
        words[0] = f"{entry.run} (attempt {entry.attempt}): {lost}"
    words.append(f"took {render.duration(entry.duration_ms)}")
    words.append(f"waited {render.duration(waited)}: {held_words(entry.waited)}" if waited else "did not wait")
    return ", ".join(words)


def held_words(held: Mapping[str, int]) -> str:
    """Return what a wait was spent on, the longest first: `charging 1 h 50 min, slots 24 min`."""
    from bgo.cli import render

    ranked = sorted(held.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{reason} {render.duration(ms)}" for reason, ms in ranked if ms > 0)

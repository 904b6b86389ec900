"""What is done to schedules that are there: changed, paused, resumed, fired, removed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bgo.engine import resolve
from bgo.engine import schedules as engine
from bgo.engine.fire_now import fire_now
from bgo.engine.schedule_views import view_of
from bgo.errors import NotFoundError, UsageError
from bgo.flow.schedule_drafts import DEADLINES, split, upstream, wish_of
from bgo.flow.schedule_requests import request_of, window_of, with_window
from bgo.model import payload
from bgo.model.flow import BatchPlan, ChainSpec, Template, template_from, template_json
from bgo.model.task import INPUT_LIMIT, Enqueued, TaskSpec
from bgo.run.wake import ring

if TYPE_CHECKING:
    from bgo.engine.schedules import Draft
    from bgo.flow.scheduling import Scheduling
    from bgo.model.schedule import Schedule
    from bgo.model.schedule_view import ScheduleView
    from bgo.store.port import Session


def ready(flow: Scheduling, drafts: Sequence[Draft], *, is_plan: bool = False) -> None:
    """Check what is checked before anything is written: required plugins, and that the queues exist."""
    flow._check_plugins()
    flow._remember()
    templates = [template_from(draft.plan) for draft in drafts]
    if flow.settings.profile != "host" and not is_plan:
        from bgo.flow.fitting import refuse_templates  # a computer takes all work

        refuse_templates(flow, templates)
    queues = {queue for template in templates for queue in _queues(template)}
    with flow.store.read() as session:
        for queue in sorted(queues):
            resolve.known_queue(session, queue)


def _queues(template: Template) -> set[str]:
    match template:
        case TaskSpec():
            return {template.queue}
        case ChainSpec():
            return {template.spec.queue, *(member.spec.queue for member in template.members)}
        case _:
            plan: BatchPlan = template.plan
            return {template.spec.queue, *(() if plan.template is None else (plan.template.queue,))}


def touch(flow: Scheduling) -> None:
    """Let workers look at what has changed."""
    ring(flow.settings.run_dir)


def reschedule(
    flow: Scheduling, word: str, input: Mapping[str, Any] | None, options: Mapping[str, Any]
) -> ScheduleView:
    """Change a schedule; what is not said stays."""
    if not options and input is None:
        raise UsageError(
            "reschedule: nothing to change",
            why="neither a time nor an option was given",
            hint="bgo reschedule ID --every 2h, or --cron, --window, --max-runs …",
        )
    timing, rest = split(options)
    with flow.store.read() as session:
        there = resolve.schedule(session, word)
        data = session.payloads.get(there.plan_ref)
    draft = _redrafted(flow, there, data, (timing, rest, input))
    ready(flow, [draft])
    with flow.store.write() as session:
        found = session.schedules.find(there.id)
        if found is None:
            raise NotFoundError(f"no schedule {there.id}", why="it was removed meanwhile", hint="bgo schedules")
        engine.change(session, found, draft, flow._moment())
        changed = session.schedules.find(there.id)
        view = view_of(session, found if changed is None else changed)
    touch(flow)
    return view


def _redrafted(flow: Scheduling, there: Schedule, data: bytes, said: tuple[Any, Any, Any]) -> Draft:
    timing, rest, input = said
    wish = wish_of(flow, timing, rest, there.wish)
    old, new = window_of(there.timing), window_of(wish.timing)
    template = _other(flow, there, with_window(template_from(data), old, new), rest, input)
    plan = payload.dump_object(template_json(template), "what it makes", INPUT_LIMIT)
    return engine.Draft(there.id, there.key, there.name, there.handler, there.kind, wish, plan, there.source)


def _other(
    flow: Scheduling, there: Schedule, template: Template, options: Mapping[str, Any], input: Mapping[str, Any] | None
) -> Template:
    """Return what it makes with another input and other options."""
    said = {name: value for name, value in options.items() if name not in DEADLINES and value is not None}
    said |= upstream(flow, said.get("after"))
    if not said and input is None:
        return template
    if not isinstance(template, TaskSpec):
        raise UsageError(
            f"a {there.kind} is scheduled anew, not changed",
            why="reschedule changes when it fires; of what it makes, only that of single tasks",
            hint="bgo schedule … --key KEY with all its options replaces it; so does bgo schedules apply FILE",
        )
    from bgo.flow.options import overlaid, to_request

    base = request_of(template)
    over = to_request(template.handler, template_input(template) if input is None else input, _typed(said), flow.clock)
    return replace(flow.spec_of(overlaid(base, over), allow_unknown=True), id="", random_order=0.0)


def _typed(said: Mapping[str, Any]) -> Any:
    return dict(said)


def template_input(template: TaskSpec) -> dict[str, Any]:
    """Return the input of a template."""
    found: dict[str, Any] = payload.load(template.input)
    return found


def unschedule(flow: Scheduling, word: str) -> list[ScheduleView]:
    """Remove what a word means."""
    return _each(flow, word, engine.remove)


def pause(flow: Scheduling, word: str) -> list[ScheduleView]:
    """Pause what a word means."""
    return _each(flow, word, lambda session, each: engine.pause(session, each, flow.clock.now_ms()))


def resume(flow: Scheduling, word: str) -> list[ScheduleView]:
    """Resume what a word means."""
    return _each(flow, word, lambda session, each: engine.resume(session, each, flow._moment()))


def make_now(flow: Scheduling, word: str) -> Enqueued:
    """Make at once what the schedule makes that a word means."""
    flow._check_plugins()
    with flow.store.write() as session:
        made = fire_now(session, resolve.schedule(session, word), flow.clock.now_ms())
    touch(flow)
    return made


def _each(flow: Scheduling, word: str, do: Callable[[Session, Schedule], object]) -> list[ScheduleView]:
    """Do something to each schedule that a word means, in one transaction; return them as they stand then."""
    with flow.store.write() as session:
        found = resolve.schedules(session, word)
        views = [view_of(session, each) for each in found]
        for each in found:
            do(session, each)
        now = [session.schedules.find(each.id) for each in found]
        views = [
            view if after is None else replace(view, schedule=after) for view, after in zip(views, now, strict=True)
        ]
    touch(flow)
    return views

"""Lint: everything that waits, and every schedule, held against a view. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from bgo.engine.explain import Ground
from bgo.engine.lint_desk import Checked, Desk
from bgo.engine.lint_parts import Part, Usual, key_of, parts, takes_ms, zone_of
from bgo.engine.schedules import Draft
from bgo.engine.waiting import is_over
from bgo.model.finding import Finding, Subject
from bgo.model.flow import Template, template_from
from bgo.model.schedule import Schedule, ScheduleState, ScheduleWish
from bgo.model.task import Task
from bgo.policy import order
from bgo.policy.lint import loads, requests, schedules, tasks
from bgo.policy.lint.loads import Load
from bgo.policy.lint.tasks import Work
from bgo.policy.window import DAY_MS
from bgo.store.port import Session

PUT_OFF_MS = 1_000
"""What is due later than this after its creation was put off."""


def check(session: Session, ground: Ground, limit: int) -> Checked:
    """Return what is wrong with all that waits and with all schedules, of at most so many kinds of tasks."""
    desk = Desk(session, ground)
    rows = session.tasks.alike(limit + 1)
    waiting = sum(number for _, number, _ in rows[:limit])
    for seq, number, size in rows[:limit]:
        task = session.tasks.find_seq(seq)
        if task is not None and not is_over(task, ground.now):
            _task(desk, task, number, size)
    active = [each for each in session.schedules.all() if each.state is not ScheduleState.FINISHED]
    whole = Load()
    for schedule in active:
        template = template_from(session.payloads.get(schedule.plan_ref))
        whole += _schedule(desk, Subject("schedule", schedule.id, schedule.name), schedule.wish, template)
    desk.limits()
    profile = ground.view.profile
    desk.add(Subject("store", "", profile.name), loads.slots(profile, waiting))
    desk.add(Subject("store", "", profile.name), loads.quota(profile, _bucket(ground), whole))
    return desk.checked(waiting, len(active), is_cut=len(rows) > limit)


def check_these(
    session: Session, ground: Ground, these: Collection[Task], those: Collection[Schedule]
) -> Checked:  # fmt: skip
    """Return what is wrong with these tasks and those schedules alone."""
    desk, these = Desk(session, ground), [task for task in these if not is_over(task, ground.now)]
    for task in these:
        size = None if task.input_ref is None else len(session.payloads.get(task.input_ref))
        _task(desk, task, 1, size)
    for each in those:
        template = template_from(session.payloads.get(each.plan_ref))
        _schedule(desk, Subject("schedule", each.id, each.name), each.wish, template)
    desk.limits()
    return desk.checked(len(these), len(those))


def check_parts(session: Session, ground: Ground, found: Sequence[Part]) -> Checked:
    """Return what would be wrong with tasks that are not enqueued."""
    desk = Desk(session, ground)
    for part in found:
        _part(desk, Subject("task", "", part.name), part, in_schedule=False)
        desk.loaded(key_of(part.spec), Load(waiting=part.number))
    desk.limits()
    return desk.checked(sum(part.number for part in found), 0)


def check_draft(session: Session, ground: Ground, draft: Draft) -> Checked:
    """Return what would be wrong with a schedule that is not set."""
    desk = Desk(session, ground)
    subject = Subject("schedule", "", draft.name)
    load = _schedule(desk, subject, draft.wish, template_from(draft.plan))
    desk.limits()
    desk.add(subject, loads.quota(ground.view.profile, _bucket(ground), load))
    return desk.checked(0, 1)


def _task(desk: Desk, task: Task, number: int, size: int | None) -> None:
    key, ground = desk.session.lanes.key(task.lane), desk.ground
    work = Work(
        wish=task.wish,
        due_at=max(ground.now, task.due_at),
        created_at=task.created_at,
        traits=key.view.traits,
        zone=key.view.zone,
        expires_at=task.expires_at,
        input_bytes=size,
        usual_ms=desk.usual(task.name),
    )
    subject = Subject("task", task.id, task.name, number)
    desk.add(subject, [*_handled(ground, task.handler), *tasks.lint(work, ground.view)])
    desk.add(subject, [*requests.lint(key.view, task.due_at, ground.view), *_horizon(ground, task.due_at)])
    desk.loaded(key, Load(waiting=number))


def _part(desk: Desk, subject: Subject, part: Part, *, in_schedule: bool) -> Work:
    """Look at a task that is yet to be made; return it as it was looked at."""
    spec, ground = part.spec, desk.ground
    key = key_of(spec)
    due = max(ground.now, spec.due_at or 0)
    work = Work(
        wish=spec.wish,
        due_at=due,
        created_at=ground.now,
        traits=key.view.traits._replace(periodic=in_schedule),
        zone=key.view.zone,
        expires_at=None if in_schedule else order.expires_at(spec.wish, begun=False),
        input_bytes=len(spec.input),
        usual_ms=desk.usual(part.name),
        delayed=not in_schedule and due - ground.now > PUT_OFF_MS,
    )
    desk.add(subject, [*_handled(ground, spec.handler), *tasks.lint(work, ground.view)])
    desk.add(subject, [*requests.lint(key.view, due, ground.view), *_horizon(ground, due)])
    return work


def _schedule(desk: Desk, subject: Subject, wish: ScheduleWish, template: Template) -> Load:
    """Look at a schedule and at all that it makes; return how much that is."""
    ground, found, first = desk.ground, list(parts(template)), []
    for part in found:
        work = _part(desk, subject, part, in_schedule=True)
        if part.begins:
            first.append(work)
    zone, whole = zone_of(wish.timing.zone), Load()
    if zone is None:
        why, fix = "its times cannot be read, so it cannot fire", "pip install --upgrade tzdata, or another --tz"
        desk.add(subject, [Finding("zone-unknown", f"this computer has no time zone {wish.timing.zone}", why, fix)])
        return whole
    each = takes_ms(template, desk.usual, ground.asker.slots)
    recurring = schedules.Recurring(wish, zone, ground.now, first, each)
    desk.add(subject, schedules.lint(recurring, ground.view))
    pace = schedules.pace_ms(recurring, ground.view.profile)
    for part in found if pace else ():
        load = _coming(part, DAY_MS / (pace or DAY_MS), desk.usual)
        desk.loaded(key_of(part.spec), load)
        whole += load
    return whole


def _coming(part: Part, times: float, usual: Usual) -> Load:
    return Load(per_day=part.number * times, busy_ms_per_day=part.number * times * (usual(part.name) or 0))


def _handled(ground: Ground, handler: str) -> Iterator[Finding]:
    known = ground.asker.offer.handlers
    if known is not None and handler not in known:
        fix = "bgo handlers list; then install the plugin or pass --plugin FILE"
        yield Finding("no-handler", f"no plugin brings {handler}", "nothing here can run it", fix)


def _horizon(ground: Ground, due_at: int) -> Iterator[Finding]:
    app = ground.view.profile.app
    if app is not None and due_at - ground.now > app.horizon_ms:
        from bgo.model.words import span

        why = f"{ground.view.profile.name}: requests for later than {span(app.horizon_ms)} are not recommended"
        yield Finding("beyond-horizon", "it is due late", why, "enqueue it later, or by a schedule")


def _bucket(ground: Ground) -> str:
    """Return the standby bucket that the device says, else the profile's."""
    profile, said = ground.view.profile, ground.view.device.bucket.value
    pinned = None if profile.standby is None else profile.standby.pinned
    return said if said != "unknown" else profile.device.get("bucket") or pinned or "active"

"""Fitting: what the profile in force refuses is not let in, and what it changes is told. A computer takes all work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from bgo.engine import explain_schedule, resolve
from bgo.engine.enqueue import lane_key
from bgo.engine.lint_parts import parts
from bgo.errors import UsageError
from bgo.flow.checking import waiting
from bgo.model.flow import Batch, ChainSpec, Template, template_from
from bgo.model.task import TaskSpec
from bgo.policy import fit

if TYPE_CHECKING:
    from bgo.engine.schedules import Draft
    from bgo.flow.enqueueing import Enqueueing
    from bgo.model.change import Change
    from bgo.model.lane import Traits
    from bgo.model.profile import Profile
    from bgo.model.task import Wish

LOOKED_AT = 500
"""Members of a chain or batch that are looked at for what is told of them."""
AT_ONCE_MS = 1_000
"""What is due later than this was put off."""


def refuse(flow: Enqueueing, specs: Iterable[TaskSpec], *, periodic: bool = False) -> None:
    """Raise UsageError for the first task that the profile in force does not take. `periodic`: a schedule makes it."""
    profile, now = flow.profile, flow.clock.now_ms()
    seen: set[tuple[Wish, Traits, bool]] = set()
    for spec in specs:
        if (too_large := fit.payload(len(spec.input), profile)) is not None:
            raise _refused(too_large, profile)
        if not spec.handler:
            continue  # a chain or a batch itself is never run; its input is given to its members
        traits = lane_key(spec).view.traits._replace(payload=0, periodic=periodic)
        kind = (spec.wish, traits, spec.due_at is not None and spec.due_at - now > AT_ONCE_MS)
        if kind not in seen:
            seen.add(kind)
            for refusal in fit.fitted(spec.wish, traits, profile, delayed=kind[2]).refusals:
                raise _refused(refusal, profile)


def weighed(flow: Enqueueing, items: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the items of a batch. Raises UsageError at the first that is larger than the profile in force takes."""
    for number, item in enumerate(items, start=1):
        if (too_large := fit.payload(len(item), flow.profile)) is not None:
            raise _refused(too_large, flow.profile).within(f"item {number:,}")
        yield item


def refuse_templates(flow: Enqueueing, templates: Iterable[Template]) -> None:
    """Raise UsageError for the first schedule of which the profile in force does not take what it makes."""
    refuse(flow, (spec for template in templates for spec in specs_of(template)), periodic=True)


def specs_of(template: Template) -> list[TaskSpec]:
    """Return all tasks that come of a template, compensations and callbacks among them."""
    match template:
        case TaskSpec():
            return [template]
        case ChainSpec():
            batches = [member.batch.template for member in template.members if member.batch is not None]
            made = [*(member.spec for member in template.members), *(spec for spec in batches if spec is not None)]
            return [*made, *template.plan.asides.values()]
        case Batch():
            plan = template.plan
            inner = plan.template if plan.chain is None else plan.chain
            return [*(() if inner is None else specs_of(inner)), *plan.callbacks.values()]


def _refused(refusal: fit.Refusal, profile: Profile) -> UsageError:
    return UsageError(
        f"the profile {profile.name} refuses {refusal.current}",
        why=f"{refusal.why}; it takes {refusal.needed}",
        hint=f"{refusal.hint}; or judge by this computer: --profile host",
    )


def changes(flow: Enqueueing, task_id: str) -> tuple[Change, ...]:
    """Return what the profile in force has in another way than a task asks for, or than the members of a chain or batch
    do."""
    found: dict[Change, None] = {}
    with flow.store.read() as session:
        for task in waiting(session, resolve.task(session, task_id), LOOKED_AT):
            traits = session.lanes.key(task.lane).view.traits
            found |= dict.fromkeys(fit.fitted(task.wish, traits, flow.profile).changes)
    return tuple(found)


def schedule_changes(flow: Enqueueing, schedule_id: str) -> tuple[Change, ...]:
    """Return what the profile in force has in another way than a schedule asks for."""
    with flow.store.read() as session:
        return explain_schedule.changes(session, resolve.schedule(session, schedule_id), flow.profile)


def draft_changes(flow: Enqueueing, draft: Draft) -> tuple[Change, ...]:
    """Return what the profile in force has in another way than a schedule that is not set asks for."""
    first = [part for part in parts(template_from(draft.plan)) if part.begins]
    return explain_schedule.changed(draft.wish.timing, first, flow.profile)

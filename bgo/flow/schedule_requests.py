"""What a schedule makes, made otherwise: the request behind it, and another window for all of it."""

from __future__ import annotations

from dataclasses import replace

from bgo.engine.spec import Request
from bgo.model import payload
from bgo.model.flow import Batch, BatchPlan, ChainSpec, MemberSpec, Template
from bgo.model.schedule import Timing
from bgo.model.task import TaskSpec
from bgo.model.window import ZonedWindow


def window_of(timing: Timing) -> ZonedWindow | None:
    """Return the window that tasks of such a schedule start in."""
    return None if timing.window is None else ZonedWindow(timing.window, timing.zone)


def with_window(template: Template, old: ZonedWindow | None, new: ZonedWindow | None) -> Template:
    """Return a template all tasks of which have another window, but those that have one of their own."""

    def task(spec: TaskSpec) -> TaskSpec:
        is_own = spec.wish.window != old or not spec.handler
        strict = spec.wish.window_strict and new is not None
        return spec if is_own else replace(spec, wish=replace(spec.wish, window=new, window_strict=strict))

    def plan(made: BatchPlan) -> BatchPlan:
        inner = None if made.template is None else task(made.template)
        return replace(made, template=inner, chain=None if made.chain is None else chain(made.chain))

    def member(one: MemberSpec) -> MemberSpec:
        return replace(one, spec=task(one.spec), batch=None if one.batch is None else plan(one.batch))

    def chain(made: ChainSpec) -> ChainSpec:
        return replace(made, members=tuple(member(one) for one in made.members))

    match template:
        case TaskSpec():
            return task(template)
        case ChainSpec():
            return chain(template)
        case Batch():
            return replace(template, plan=plan(template.plan))


def request_of(template: TaskSpec) -> Request:
    """Return the request that leads to this template."""
    setup = None if template.setup is None else payload.load(template.setup)
    wish = template.wish
    return Request(
        handler=template.handler,
        input=payload.load(template.input),
        name=template.name,
        queue=template.queue,
        priority=template.priority,
        tags=template.tags,
        timeout=wish.timeout,
        retry=wish.retry,
        constraints=wish.constraints,
        on_loss=None if wish.constraints.is_empty else wish.constraints.on_loss,
        concurrency=wish.concurrency,
        at_most_once=wish.at_most_once,
        rate=wish.rate,
        dedup=wish.dedup,
        unique=wish.unique,
        window=wish.window,
        window_strict=wish.window_strict or None,
        relax=wish.relax,
        expedited=wish.expedited,
        foreground=wish.foreground,
        after=template.after,
        argv=None if setup is None else tuple(setup["argv"]),
        env=None if setup is None else setup["env"],
        cwd=template.cwd,
    )

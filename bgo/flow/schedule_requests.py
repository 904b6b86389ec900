"""The request behind what a schedule makes: so that options can be laid over it."""

from __future__ import annotations

from bgo.engine.spec import Request
from bgo.model import payload
from bgo.model.task import TaskSpec


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
        concurrency=wish.concurrency,
        at_most_once=wish.at_most_once,
        rate=wish.rate,
        dedup=wish.dedup,
        unique=wish.unique,
        after=template.after,
        argv=None if setup is None else tuple(setup["argv"]),
        env=None if setup is None else setup["env"],
        cwd=template.cwd,
    )

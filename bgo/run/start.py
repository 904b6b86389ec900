"""The start frame of a claim: payloads opened, the handler's source named."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from bgo.engine.cycle import Claim
from bgo.model import payload as payloads
from bgo.model.handler import HandlerInfo, Source
from bgo.run.channel import Frame
from bgo.run.wire import StartFrame, start_json


def frame_of(claim: Claim, handler: HandlerInfo | None, work_dir: Path, middleware: Sequence[Source] = ()) -> Frame:
    """Return what the child is told. Raises ValueError or KeyError when a payload or the handler cannot be read."""
    task, setup = claim.task, {}
    if handler is None:
        raise KeyError(f"no handler {task.handler}")
    if claim.setup is not None:
        setup = payloads.load(claim.setup)
    frame = StartFrame(
        task_id=task.id,
        run=task.run,
        attempt=task.attempt,
        name=task.name,
        handler=task.handler,
        source=handler.source,
        input={} if claim.input == payloads.EMPTY else payloads.load(claim.input),
        argv=setup.get("argv"),
        env=setup.get("env"),
        cwd=task.cwd,
        tags=list(task.tags),
        soft_ms=task.wish.timeout.soft_ms,
        hard_ms=task.wish.timeout.hard_ms,
        restored=None if claim.checkpoint is None else payloads.load(claim.checkpoint),
        chain=dict(claim.chain),
        workdir=os.path.join(work_dir, task.id),  # a Path costs ten times as much, for each task
        middleware=tuple(middleware),
        layers=handler.layers,
        schedule=claim.made_by[0],
        scheduled_for=claim.made_by[1],
    )
    return start_json(frame)

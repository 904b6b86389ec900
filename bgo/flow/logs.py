"""What tasks printed: read whole, or followed as it comes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING

from bgo.errors import NotFoundError
from bgo.flow.loops import refuse_on_loop
from bgo.model.state import FINAL, State
from bgo.run.output import log_path, runs_with_output

if TYPE_CHECKING:
    from bgo.flow.opened import Opened
    from bgo.model.task import Task

CHUNK = 1 << 16
ON_LOOP = "read it in a thread: await asyncio.to_thread(lambda: list(flow.follow_logs(id)))"


def read(flow: Opened, word: str, run: int | None) -> bytes:
    """Return what a run printed; the last run that printed anything when none is named."""
    task = _task(flow, word, run)
    runs = runs_with_output(flow.settings.log_dir, task.id)
    wanted = run if run is not None else (runs[-1] if runs else None)
    return log_path(flow.settings.log_dir, task.id, wanted).read_bytes() if wanted in runs and wanted else b""


def follow(flow: Opened, word: str, run: int | None, poll_ms: int) -> Iterator[bytes]:
    """Yield output as it comes: of the named run until it ends, else from the last run on until the task ends."""
    refuse_on_loop("flow.follow_logs", ON_LOOP)
    task = _task(flow, word, run)
    log_dir = flow.settings.log_dir
    runs = runs_with_output(log_dir, task.id)
    current = run or (runs[-1] if runs and task.state is not State.RUNNING else task.run)
    file: IO[bytes] | None = None
    with ExitStack() as stack:
        while True:
            now = _task(flow, task.id, None)  # before the file: what came until then is all there is
            if file is None and (path := log_path(log_dir, task.id, current)).exists():
                file = stack.enter_context(path.open("rb"))
            while file is not None and (data := file.read(CHUNK)):
                yield data
            if now.run > current and run is None:
                current, file = current + 1, None
            elif now.state in FINAL or (run is not None and (now.run != run or now.state is not State.RUNNING)):
                return
            else:
                flow.clock.sleep_ms(poll_ms)


def _task(flow: Opened, word: str, run: int | None) -> Task:
    from bgo.engine import resolve

    with flow.store.read() as session:
        task = resolve.task(session, word)
    if run is not None and not 1 <= run <= task.run:
        had = "it has not run yet" if task.run == 0 else f"it has had {task.run} run{'s' if task.run > 1 else ''}"
        raise NotFoundError(f"task {task.id} has no run {run}", why=had, hint=f"bgo history {task.id}")
    return task

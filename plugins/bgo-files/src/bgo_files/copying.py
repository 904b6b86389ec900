"""`files.copy`: a copy that is there whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bgo import TaskResult, task
from bgo_files.part import Part, check_target
from bgo_files.source import Source, human, told

if TYPE_CHECKING:
    from bgo import TaskContext

CHECKPOINT_BYTES = 32 << 20


@task("files.copy", timeout="none")
def copy(ctx: TaskContext, path: str, to: str) -> TaskResult:
    """Copy the file `path` to the file `to`, replacing it in one step; the output has `size` and `sha256`.

    A run that was killed goes on where its last checkpoint stands, once what it had written is proven by its digest.
    Permissions are kept; the digest is of every byte that was written.
    """
    return told(lambda: _copy(ctx, path, to))


def _copy(ctx: TaskContext, path: str, to: str) -> dict[str, Any]:
    with Source(path) as source, Part(check_target(source, to), ctx, source) as part:
        done = saved = part.done
        if done:
            ctx.log(f"goes on at {human(done)} of {human(source.size)}")
        for chunk in source.read(done):
            ctx.check_cancelled()
            done += part.write(chunk)
            if done - saved >= CHECKPOINT_BYTES:
                part.checkpoint(done)
                saved = done
            ctx.report_progress(done / max(source.size, done), f"{human(done)} of {human(source.size)}")
        part.place()
    ctx.report_progress(1.0, f"copied {human(done)}")
    return {"path": path, "to": to, "size": done, "sha256": part.digest}

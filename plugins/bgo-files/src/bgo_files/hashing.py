"""`files.hash`: the SHA-256 of a file."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from bgo import TaskResult, task
from bgo_files.source import Source, human, told

if TYPE_CHECKING:
    from bgo import TaskContext


@task("files.hash", timeout="none")
def hash_file(ctx: TaskContext, path: str) -> TaskResult:
    """Compute a file's SHA-256; the output has `path`, `size` and `sha256`, equal to sha256sum's.

    A file that changes meanwhile fails the attempt. A run that was killed starts again from the beginning: Python
    offers no way to keep the inner state of a SHA-256, and half a hash proves nothing.
    """
    return told(lambda: _hash(ctx, path))


def _hash(ctx: TaskContext, path: str) -> dict[str, Any]:
    digest, done = hashlib.sha256(), 0
    with Source(path) as source:
        for chunk in source.read():
            ctx.check_cancelled()
            digest.update(chunk)
            done += len(chunk)
            ctx.report_progress(done / max(source.size, done), f"{human(done)} of {human(source.size)}")
    ctx.report_progress(1.0, f"hashed {human(done)}")
    return {"path": path, "size": done, "sha256": digest.hexdigest()}

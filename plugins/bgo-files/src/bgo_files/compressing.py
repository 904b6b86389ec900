"""`files.compress`: a gzip file that was proven before it took its name.

The output is one gzip member for each 64 MiB of the source, which every gunzip reads as one file. A deflate stream
cannot be taken up in its middle, a file can be taken up between two members. The same source gives the same bytes,
whether the work was interrupted or not: no name and no time stand in the header.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bgo import TaskResult, task
from bgo_files.part import Part, check_target
from bgo_files.source import CHUNK, FileRefusedError, Source, human, told

if TYPE_CHECKING:
    from bgo import TaskContext

MEMBER_BYTES = 64 << 20
LEVEL = 6
READING = 0.75
"""The share of the work that is reading and compressing; the rest is the proof."""


@task("files.compress", timeout="none")
def compress(ctx: TaskContext, path: str, to: str | None = None, keep: bool = True) -> TaskResult:
    """Compress the file `path` with gzip to `to` (default: `path` + .gz), and prove the result by unpacking it.

    The output has `to`, `size`, `compressed_size` and `sha256` of the content. With `keep=False` the source is removed,
    last of all. A run that was killed goes on after the last whole 64 MiB, once what it had written is proven.
    """
    return told(lambda: _compress(ctx, path, f"{path}.gz" if to is None else to, keep))


def _compress(ctx: TaskContext, path: str, to: str, keep: bool) -> dict[str, Any]:
    placed = _placed_before(ctx, path, to)
    if placed is not None:
        return placed
    with Source(path) as source:
        with Part(check_target(source, to), ctx, source) as part:
            digest = _pack(ctx, source, part)
            _prove(ctx, part, source.size, digest)
            part.place()
        size = source.size
        output = {"path": path, "to": to, "size": size, "compressed_size": part.written, "sha256": digest}
        if not keep:
            # Said before it is done: a run after this one must not take the missing source for a failure.
            ctx.checkpoint({"placed": output, "packed_sha256": part.digest})
            source.check_unchanged()
            Path(path).unlink()
    ctx.report_progress(1.0, f"{human(size)} became {human(part.written)}")
    return output


def _placed_before(ctx: TaskContext, path: str, to: str) -> dict[str, Any] | None:
    """Return the output of an earlier run that had finished all but its report: source gone, target in place."""
    state = ctx.restored
    if not isinstance(state, dict) or "placed" not in state or os.path.lexists(path):
        return None
    with Source(to) as target:
        digest = hashlib.sha256()
        for chunk in target.read():
            digest.update(chunk)
    if digest.hexdigest() != state.get("packed_sha256"):
        raise FileRefusedError(f"{to}: it is not what this task wrote, and {path} is gone")
    output: dict[str, Any] = state["placed"]
    return output


def _pack(ctx: TaskContext, source: Source, part: Part) -> str:
    """Write the source into the part, member by member; return the SHA-256 of the source."""
    digest = hashlib.sha256()
    if part.done:
        ctx.log(f"goes on at {human(part.done)} of {human(source.size)}")
        for chunk in source.read(0, part.done):
            ctx.check_cancelled()
            digest.update(chunk)
    done = part.done
    while True:
        end = min(done + MEMBER_BYTES, source.size)
        with gzip.GzipFile(filename="", mode="wb", compresslevel=LEVEL, fileobj=part, mtime=0) as member:
            done = _fill(ctx, source, member, (done, end), digest)
        if done < end:
            source.check_unchanged()
            raise FileRefusedError(f"{source.path}: it ends early", retry=True)
        if done >= source.size:
            break
        part.checkpoint(done)
    source.check_unchanged()
    return digest.hexdigest()


def _fill(ctx: TaskContext, source: Source, member: gzip.GzipFile, span: tuple[int, int], digest: hashlib._Hash) -> int:
    done, end = span
    for chunk in source.read(done, end):
        ctx.check_cancelled()
        member.write(chunk)
        digest.update(chunk)
        done += len(chunk)
        ctx.report_progress(READING * done / max(source.size, 1), f"{human(done)} of {human(source.size)}")
    return done


def _prove(ctx: TaskContext, part: Part, size: int, expected: str) -> None:
    """Unpack what was written and compare it with what was read."""
    digest, done = hashlib.sha256(), 0
    try:
        with gzip.open(part.path, "rb") as unpacked:
            while chunk := unpacked.read(CHUNK):
                ctx.check_cancelled()
                digest.update(chunk)
                done += len(chunk)
                ctx.report_progress(READING + (1 - READING) * done / max(size, done), "checking")
    except (zlib.error, EOFError, OSError) as error:
        raise FileRefusedError(f"{part.target}: what was written cannot be unpacked ({error})", retry=True) from error
    if digest.hexdigest() != expected:
        raise FileRefusedError(f"{part.target}: what was written differs from {size} bytes read", retry=True)

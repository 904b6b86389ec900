"""`files.report`: what the earlier steps of a chain have found out about files, in one table."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bgo import TaskResult, task
from bgo_files.source import told

if TYPE_CHECKING:
    from bgo import TaskContext

COLUMNS = ("path", "size", "sha256", "to", "compressed_size")


@task("files.report", timeout="none")
def report(ctx: TaskContext, to: str = "report.tsv") -> TaskResult:
    """Write a line for each file that earlier steps of the chain tell of, as tab-separated text, whole or not at all.

    A file that several steps tell of gets one line with what all of them know. The output has `to` and `files`.
    """
    return told(lambda: _report(ctx, to))


def _report(ctx: TaskContext, to: str) -> dict[str, Any]:
    rows: dict[str, dict[str, Any]] = {}
    for output in ctx.chain.values():
        for found in _files_in(output):
            rows.setdefault(str(found["path"]), {}).update(found)
    part = f"{to}.{ctx.task_id}.part"
    with open(part, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write("\t".join(COLUMNS) + "\n")
        for path in sorted(rows):
            file.write("\t".join(str(rows[path].get(column, "")) for column in COLUMNS) + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, to)
    return {"to": to, "files": len(rows)}


def _files_in(output: Any) -> Iterator[Mapping[str, Any]]:
    """Yield what tells of a file: an output with a `path`, or each of a list of them."""
    for each in output if isinstance(output, list) else [output]:
        if isinstance(each, Mapping) and "path" in each and "size" in each:
            yield each

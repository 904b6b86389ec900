"""A program with chains and batches in it: small handlers whose outputs tell what they were given."""

from __future__ import annotations

from typing import Any

import bgo

flow = bgo.TaskFlow()


@flow.task
def scan(ctx: bgo.TaskContext, n: int = 2) -> dict[str, Any]:
    return {"files": [f"f{i}" for i in range(n)], "by": "scan"}


@flow.task
def shout(ctx: bgo.TaskContext, path: str) -> dict[str, Any]:
    return {"loud": path.upper(), "by": ctx.name}


@flow.task
def tell(ctx: bgo.TaskContext) -> dict[str, Any]:
    return {"input": ctx.input, "chain": dict(ctx.chain)}


@flow.task
def look(ctx: bgo.TaskContext, path: str) -> dict[str, Any]:
    return {"path": path, "chain": dict(ctx.chain)}


@flow.task
def fail(ctx: bgo.TaskContext) -> None:
    raise ValueError("no")


@flow.task
def once_more(ctx: bgo.TaskContext) -> bgo.TaskResult:
    return bgo.TaskResult.success({"ok": True}) if ctx.run > 1 else bgo.TaskResult.failure("not yet")


@flow.task
def count(ctx: bgo.TaskContext, batch_id: str, total: int, failed: int) -> dict[str, Any]:
    return {"total": total, "failed": failed}

"""Ties: whether new work comes in at all beside the work that is there, and what it must wait for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from bgo.engine import dedup, resolve, unique, upstream
from bgo.engine.expire import noted
from bgo.engine.unique import KEPT
from bgo.engine.upstream import END, SUCCESS
from bgo.model.state import FINAL, State
from bgo.model.task import Enqueued, Task, TaskSpec
from bgo.store.port import Session

Insert = Callable[[State], int]
"""Inserts the spec's row in that state and returns its seq."""


class _Need(NamedTuple):
    task: Task
    kind: str

    @property
    def is_met(self) -> bool:
        return self.task.state is State.SUCCEEDED or (self.kind == END and self.task.state in FINAL)


def admit(session: Session, spec: TaskSpec, now: int, insert: Insert) -> Enqueued:
    """Let a task in, unless another stands in for it; tie it to those that it must come after."""
    if spec.dedup_key is not None and (found := dedup.survivor(session, spec.dedup_key, now)) is not None:
        return found
    kinds: dict[int, str] = {}
    if spec.wish.unique is not None:
        verdict = unique.judge(session, spec.wish.unique, now)
        if verdict.kept is not None:
            return Enqueued(verdict.kept.id, verdict.kept.state, KEPT, verdict.kept.reason)
        kinds.update((task.seq, kind) for task, kind in verdict.needs)
    for word in spec.after:
        task = noted(session, resolve.task(session, word), now)
        kinds[task.seq] = SUCCESS
    needs = [need for seq, kind in kinds.items() if not (need := _Need(_known(session, seq), kind)).is_met]
    seq = insert(State.BLOCKED if needs else State.QUEUED)
    if spec.dedup_key is not None:
        dedup.take(session, spec.dedup_key, spec.id, spec.wish.dedup, now)
    return _tie(session, seq, needs, now) if needs else Enqueued(spec.id, State.QUEUED)


def _tie(session: Session, seq: int, needs: Sequence[_Need], now: int) -> Enqueued:
    """Make a task wait. After one that failed or was cancelled it ends like that one at once: whether the enqueue or
    that end came first makes no difference."""
    session.links.add(seq, {need.task.seq: need.kind for need in needs})
    over = [need.task for need in needs if need.task.state in FINAL]
    if over:
        first = min(over, key=lambda task: (task.finished_at or 0, task.seq))
        upstream.skip(session, _known(session, seq), (first.id, first.state), now)
    task = _known(session, seq)
    return Enqueued(task.id, task.state, reason=task.reason)


def _known(session: Session, seq: int) -> Task:
    task = session.tasks.find_seq(seq)
    if task is None:
        raise AssertionError("it was read or inserted in this transaction")
    return task

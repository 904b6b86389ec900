"""Fates: how long a simulated run takes, how it ends, and what it puts out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bgo.engine import inputs
from bgo.model import payload as payloads
from bgo.model.flow import Over
from bgo.model.outcome import Failed, Outcome, Succeeded, TaskError, TimedOut
from bgo.model.steps import MEMBERS_LIMIT
from bgo.model.task import Task
from bgo.store.port import Session

USUAL_MS = 1_000
"""How long a task takes of which nothing is known."""
SAMPLE = 101
"""Of so many last successes the median is taken."""


class Fates:
    """What becomes of the runs of one play; `durations` and `failures` are by the names of tasks."""

    def __init__(self, session: Session, durations: Mapping[str, int], failures: Mapping[str, int]) -> None:
        self._session, self._durations, self._failures = session, durations, failures
        self._usual: dict[str, int] = {}
        self._wanted: dict[int, list[Over]] = {}
        """Chain → what its steps fan out over."""

    def of(self, task: Task, data: bytes) -> tuple[int, Outcome]:
        """Return how long a run takes and how it ends."""
        length, limit = self._length_ms(task, data), task.wish.timeout.hard_ms
        if limit is not None and length > limit:
            return limit, TimedOut(limit)
        if task.attempt <= self._failures.get(task.name, 0):
            # The failure is of a kind that the task's own policy would retry.
            kinds = (*task.wish.retry.retry_on, "SimulatedFailure")
            return length, Failed(TaskError("SimulatedFailure", f"attempt {task.attempt} was told to fail", "", kinds))
        return length, Succeeded(self._output(task))

    def _output(self, task: Task) -> dict[str, Any] | None:
        """Return what a task puts out as far as a later step of its chain fans out over it: a list of one item each."""
        chain = None if task.parent is None else self._session.tasks.find_seq(task.parent)
        if chain is None or chain.kind != "chain":
            return None
        if chain.seq not in self._wanted:
            self._wanted[chain.seq] = list(self._fan_outs(chain))
        found: dict[str, Any] = {}
        for over in self._wanted[chain.seq]:
            if over.member == task.name and over.path:
                place = found
                for key in over.path[:-1]:
                    place = place.setdefault(key, {})
                place[over.path[-1]] = [{}]
        return found or None

    def _fan_outs(self, chain: Task) -> Iterator[Over]:
        """Yield what the steps of a chain fan out over."""
        for member in self._session.flows.members(chain.seq, limit=MEMBERS_LIMIT):
            flow = self._session.flows.find(member.seq) if member.kind == "batch" else None
            over = None if flow is None else inputs.batch_plan(self._session, flow).over
            if over is not None:
                yield over

    def _length_ms(self, task: Task, data: bytes) -> int:
        if task.handler == "sleep":
            seconds = payloads.load(data).get("seconds", 1)
            if isinstance(seconds, (int, float)) and seconds >= 0:
                return round(seconds * 1000)
        usual = self._usual.get(task.name)
        if usual is None:
            measured = self._session.records.median_ms(task.name, SAMPLE)
            usual = self._durations.get(task.name, USUAL_MS) if measured is None else measured
            self._usual[task.name] = usual
        return usual

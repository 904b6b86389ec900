"""What a program is told when other work stands in the way of its own, or must come first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bgo import TaskFlow
from bgo.config import Flags, load
from bgo.engine.spec import Request
from bgo.errors import RefusedError, UnknownCommitError, WaitTimeoutError
from bgo.model.limits import DedupPolicy, Unique
from bgo.model.query import Selector
from bgo.model.state import State
from bgo.model.task import TaskSpec
from bgo.policy.dedup import key_of


@pytest.fixture
def flow(tmp_path: Path) -> Iterator[TaskFlow]:
    with TaskFlow(settings=load(Flags(no_plugins=True), env={"BGO_HOME": str(tmp_path)})) as found:
        yield found


def a_spec(flow: TaskFlow, **fields: Any) -> TaskSpec:
    return replace(flow.spec_of(Request("echo", {"message": "m"})), **fields)


def once(flow: TaskFlow) -> TaskSpec:
    spec, policy = a_spec(flow), DedupPolicy()
    key = key_of("echo", {"message": "m"}, policy)
    return replace(spec, dedup_key=key, wish=replace(spec.wish, dedup=policy))


def sole(flow: TaskFlow) -> TaskSpec:
    spec = a_spec(flow)
    return replace(spec, wish=replace(spec.wish, unique=Unique("u")))


def test_submit_tells_what_became_of_it(flow: TaskFlow) -> None:
    first, again = flow.submit(once(flow)), flow.submit(once(flow))
    assert (first.outcome, again.outcome, again.id, again.state) == ("new", "deduplicated", first.id, State.QUEUED)
    assert flow.submit(a_spec(flow, after=(first.id,))).state is State.BLOCKED


@pytest.mark.parametrize(("make", "word"), [(once, "deduplicated"), (sole, "kept")])
def test_a_plan_says_who_stands_in_the_way(flow: TaskFlow, make: Any, word: str) -> None:
    assert flow.plan_spec(make(flow)).verdict.startswith("would start now")
    first = flow.submit(make(flow))
    found = flow.plan_spec(make(flow))
    assert found.verdict == f"{word}: {first.id} stands in for it"
    assert found.gates
    assert len(flow.get_all_tasks()) == 1
    assert flow.history(Selector(ids=(first.id,)), runs_only=False) == []


@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("is_new", [True, False])
def test_a_lost_answer_is_found_out(
    flow: TaskFlow, monkeypatch: pytest.MonkeyPatch, arrives: bool, is_new: bool
) -> None:
    """Whoever stands in for the task does so with the commit and without it; what is new is there or is not."""
    first = flow.submit(once(flow))
    spec = a_spec(flow) if is_new else once(flow)
    real = type(flow.store).write
    lost: list[bool] = []

    @contextmanager
    def write(store: Any) -> Iterator[Any]:
        class Undone(Exception):
            pass

        try:
            with real(store) as session:
                yield session
                if not arrives:
                    raise Undone
        except Undone:
            pass
        lost.append(True)
        raise UnknownCommitError("the answer was lost")

    with monkeypatch.context() as patch:
        patch.setattr(type(flow.store), "write", write)
        if is_new and not arrives:
            with pytest.raises(UnknownCommitError):
                flow.submit(spec)
        else:
            assert flow.submit(spec).id == (spec.id if is_new else first.id)
    assert lost
    assert len(flow.get_all_tasks()) == 1 + (is_new and arrives)


def test_a_retry_of_many_passes_over_what_other_work_bars(flow: TaskFlow) -> None:
    """Three failures of the same work: one of them is tried again, and stands in for the others."""
    ids = []
    for _ in range(3):
        ids.append(flow.submit(once(flow)).id)
        flow.cancel_execution(ids[-1])
    other = flow.submit(a_spec(flow)).id
    flow.cancel_execution(other)
    assert flow.retry_where(Selector(names=("echo",))) == [other, ids[2]]
    with pytest.raises(RefusedError, match="cannot be retried"):
        flow.retry_where(Selector(ids=(ids[0],)))


def test_a_wait_ends_when_the_task_expires_without_a_worker(flow: TaskFlow) -> None:
    spec = a_spec(flow)
    wish = replace(spec.wish, start_before=flow.clock.now_ms() + 2_000)
    made = flow.submit(replace(spec, wish=wish))
    with pytest.raises(WaitTimeoutError):
        flow.wait_for([made.id], timeout=0)
    (view,) = flow.wait_for([made.id], timeout=20)
    assert (view.state, view.task.reason, view.task.finished_at) == (State.CANCELLED, "expired", wish.start_before)
    assert [(v.state, v.task.reason) for v in flow.tasks()] == [("cancelled", "expired")]
    assert flow.explain(made.id).verdict == "cancelled (expired)"
    assert flow.overview().counts[State.CANCELLED] == 1
    assert flow.get(made.id).holds == ()

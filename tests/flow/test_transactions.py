"""What takes time is done before a transaction: the catalogue may have to be built, and sensors are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bgo import TaskFlow
from bgo.config import Flags, load
from bgo.devices.sensors import Survey, Taken
from bgo.errors import UsageError
from bgo.hooks import catalogue
from bgo.model.device import DeviceState
from bgo.model.options import TaskConstraints
from bgo.model.query import Selector


@pytest.fixture
def flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TaskFlow]:
    """Return a flow that may ask for the catalogue or the sensors only outside its transactions."""
    settings = load(Flags(no_plugins=True), env={"BGO_HOME": str(tmp_path)})
    with TaskFlow(settings=settings) as found:

        def outside(function: Callable[..., Any]) -> Callable[..., Any]:
            def asked(*args: Any, **kwargs: Any) -> Any:
                assert not found.store.connection.in_transaction
                return function(*args, **kwargs)

            return asked

        for module, name in ((catalogue, "find"), (catalogue, "load"), (Survey, "take")):
            monkeypatch.setattr(module, name, outside(getattr(module, name)))
        yield found


def test_neither_plans_nor_looks_nor_retries_ask_within_a_transaction(flow: TaskFlow) -> None:
    task_id = flow.enqueue("echo", {"message": "old"}, delay=3600)
    assert flow.plan("echo").verdict.startswith("would start now")
    assert flow.get(task_id).holds
    assert flow.explain(task_id).gates
    assert flow.explain_all().total == 1
    assert flow.snapshot().workers == 0
    flow.cancel_execution(task_id)
    assert flow.retry_where(Selector(ids=(task_id,)), {"message": "new"}) == [task_id]
    assert flow.get(task_id).input == {"message": "new"}


def test_only_what_may_wait_for_the_device_asks_the_sensors_and_not_again_at_once(
    flow: TaskFlow, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(Survey, "_take", lambda _: asked.append(1) or Taken(DeviceState(), {}, 1 << 60))
    plain, wired = flow.enqueue("echo"), flow.enqueue("echo", constraints=TaskConstraints(requires_charging=True))
    done = flow.enqueue("echo", constraints=TaskConstraints(requires_charging=True))
    flow.cancel_execution(done)
    for task_id in (plain, done):
        flow.get(task_id)
    assert asked == []
    assert [hold.gate for hold in flow.get(wired).holds] == ["charging"]
    for _ in range(3):
        flow.get(wired)
        flow.snapshot()
        flow.explain(wired)
    assert asked == [1]


def test_a_new_input_is_for_one_task(flow: TaskFlow) -> None:
    ids = flow.enqueue_many("echo", [{}, {}])
    flow.cancel("echo")
    for wanted in (Selector(names=("echo",)), Selector(names=("other",))):
        with pytest.raises(UsageError, match="a new input is for one task"):
            flow.retry_where(wanted, {"message": "new"})
    assert {flow.get(i).state for i in ids} == {"cancelled"}

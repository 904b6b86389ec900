"""The seed's chains: sequential, parallel, with constraints and retries; in a shell and in Python."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from bgo import NetworkConstraint, RetryPolicy, RunOptions, TaskConstraints, TaskFlow
from bgo.model.device import DeviceState, Network, NetworkKind
from tests.seed.conftest import Sh, runs

ONLINE = DeviceState(network=Network(NetworkKind.CONNECTED, "test"))


def order(flow: TaskFlow) -> list[str]:
    return [entry.name for entry in runs(flow)]


def test_sequential_execution_with_data_passing_in_a_shell(sh: Sh, flow: TaskFlow) -> None:
    (chain,) = sh("bgo chain processPayment validatePayment processPayment sendConfirmation -i amount:=500.00")
    sh("bgo run")
    assert order(flow) == ["validatePayment", "processPayment", "sendConfirmation"]
    (found,) = sh(f"bgo status {chain} --json")
    assert json.loads(found)["output"] == {"confirmed": 500.0, "was_valid": True}


def test_sequential_execution_with_data_passing_in_python(flow: TaskFlow) -> None:
    chain = (
        flow.chain("processPayment")
        .then("validatePayment")
        .then("processPayment")
        .then("sendConfirmation")
        .enqueue(input={"amount": 500.00})
    )
    flow.run()
    assert flow.wait(chain) == {"confirmed": 500.0, "was_valid": True}
    assert order(flow) == ["validatePayment", "processPayment", "sendConfirmation"]


def test_parallel_steps_in_a_shell(sh: Sh, flow: TaskFlow) -> None:
    lines = sh("bgo chain multiSync fetchUsers syncContacts+syncCalendar+syncNotes cleanup --run --json")
    assert json.loads(lines[-1])["output"] == {"contacts": 2, "calendar": 2, "notes": 2}
    assert (order(flow)[0], set(order(flow)[1:4]), order(flow)[4]) == (
        "fetchUsers", {"syncContacts", "syncCalendar", "syncNotes"}, "cleanup",
    )  # fmt: skip


def test_parallel_steps_in_python(flow: TaskFlow) -> None:
    chain = (
        flow.chain("multiSync")
        .then("fetchUsers")
        .then_all(["syncContacts", "syncCalendar", "syncNotes"])
        .then("cleanup")
        .enqueue()
    )
    flow.run()
    assert flow.wait(chain) == {"contacts": 2, "calendar": 2, "notes": 2}


def test_constraints_and_retry_in_a_shell(sh: Sh, flow: TaskFlow) -> None:
    (chain,) = sh(
        "bgo chain securePipeline step1 step2 --network connected --retry exponential:attempts=3,delay=100ms;"
        " bgo run --network none --quiet"
    )
    assert flow.get(chain).state == "queued"
    sh("bgo run --until-empty --network connected")
    assert flow.get(chain).output == {"two": 3}
    assert order(flow) == ["step1", "step2", "step2"]


def test_constraints_and_retry_in_python(flow: TaskFlow) -> None:
    chain = (
        flow.chain("securePipeline")
        .then("step1")
        .then("step2")
        .with_constraints(TaskConstraints(network=NetworkConstraint.CONNECTED))
        .with_retry(RetryPolicy.exponential(max_attempts=3, initial_delay=timedelta(milliseconds=100)))
        .enqueue()
    )
    flow.run(device=DeviceState(network=Network(NetworkKind.NONE, "test")))
    assert flow.get(chain).state == "queued"
    flow.run(RunOptions(until_empty=True), device=ONLINE)
    assert flow.wait(chain) == {"two": 3}


def test_cancel_an_entire_chain(sh: Sh, flow: TaskFlow) -> None:
    first, second = sh("bgo chain a step1 step2; bgo chain b step1 step2")
    assert sh(f"bgo cancel --chain {first}") == [f"{first} prevented"]
    assert flow.cancel_chain(second).effect == "prevented"
    assert {view.state for view in flow.get_all_tasks()} == {"cancelled"}


def test_chains_from_a_file(sh: Sh, flow: TaskFlow, tmp_path: Path) -> None:
    (tmp_path / "multi.toml").write_text(
        'name = "multiSync"\n[[step]]\nrun = "fetchUsers"\n[[step]]\n'
        'run = "syncContacts+syncCalendar+syncNotes"\n[[step]]\nrun = "cleanup"\n',
        encoding="utf-8",
    )
    lines = sh("bgo chain --file multi.toml --run --json")
    assert json.loads(lines[-1])["output"] == {"contacts": 2, "calendar": 2, "notes": 2}
    chain = flow.chain_file(tmp_path / "multi.toml").enqueue()
    flow.run()
    assert flow.wait(chain) == {"contacts": 2, "calendar": 2, "notes": 2}

"""`--on-constraint-loss`: wherever constraints are given, as text, in files and from Python; and what is said of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bgo.api import TaskFlow
from bgo.errors import UsageError
from bgo.model.options import ConstraintLoss, TaskConstraints
from tests.cli.conftest import Bgo

FINISH = {"requires_charging": True, "on_loss": "finish"}
SAID = ("--charging", "--on-constraint-loss", "finish")


def options(bgo: Bgo, task_id: str) -> Any:
    return bgo("status", task_id, "--json").json["options"]["constraints"]


def members(bgo: Bgo, whole: str) -> list[Any]:
    return [view["options"].get("constraints") for view in bgo("tasks", "--chain", whole, "--json").json]


def test_it_is_kept_and_told(bgo: Bgo) -> None:
    task = bgo("enqueue", "echo", *SAID, "-q").out.strip()
    assert options(bgo, task) == FINISH
    assert "if lost a run goes on to its end" in " ".join(bgo("status", task).out.split())
    cancels = bgo("enqueue", "echo", "--charging", "--on-constraint-loss", "cancel", "-q").out.strip()
    assert "if lost a run is stopped, and the task cancelled" in " ".join(bgo("status", cancels).out.split())
    usual = bgo("enqueue", "echo", "--charging", "--on-constraint-loss", "stop", "-q").out.strip()
    assert options(bgo, usual) == {"requires_charging": True}
    again = bgo("enqueue", "--like", task, "-q").out.strip()
    assert options(bgo, again) == FINISH


def test_chains_batches_and_schedules_take_it(bgo: Bgo, tmp_path: Path) -> None:
    chain = bgo("chain", "c", "echo", "sleep", *SAID, "-q").lines[0]
    assert members(bgo, chain) == [FINISH, FINISH]
    items = tmp_path / "items.jsonl"
    items.write_text('{"a": 1}\n')
    batch = bgo("batch", "echo", "--items", str(items), *SAID, "-q").lines[0]
    assert [v["options"]["constraints"] for v in bgo("tasks", "--batch", batch, "--json").json] == [FINISH]
    file = tmp_path / "chain.toml"
    file.write_text('[[step]]\nrun = "echo"\ncharging = true\non_constraint_loss = "finish"\n[[step]]\nrun = "sleep"\n')
    assert members(bgo, bgo("chain", "c", "--file", str(file), "-q").lines[0])[::-1] == [FINISH, None]
    schedule = bgo("schedule", "echo", "--every", "1h", *SAID, "-q").out.strip()
    bgo("reschedule", schedule, "--on-constraint-loss", "cancel")
    bgo("run", "--charging", "no")
    (made,) = bgo("tasks", "--schedule", schedule, "--json").json
    assert made["options"]["constraints"] == {**FINISH, "on_loss": "cancel"}


def test_said_of_all_it_binds_those_that_ask_something(bgo: Bgo, tmp_path: Path) -> None:
    file = tmp_path / "chain.toml"
    file.write_text('[[step]]\nrun = "echo"\ncharging = true\n[[step]]\nrun = "sleep"\n')
    found = members(bgo, bgo("chain", "c", "--file", str(file), "--on-constraint-loss", "finish", "-q").lines[0])
    assert found[::-1] == [FINISH, None]


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--charging", "--on-constraint-loss", "finnish"), "on-constraint-loss cannot be 'finnish'"),
        (("--on-constraint-loss", "finish"), "there is no constraint to lose"),
    ],
)
def test_what_means_nothing_is_refused(bgo: Bgo, words: tuple[str, ...], what: str) -> None:
    done = bgo("enqueue", "echo", *words)
    assert done.code == 2
    assert what in done.error[0]


def test_python_says_it_with_a_word_or_the_constraints(bgo_flow: TaskFlow) -> None:
    flow = bgo_flow
    charged = TaskConstraints(requires_charging=True)
    one = flow.enqueue("echo", constraints=charged, on_constraint_loss="finish")
    other = flow.enqueue("echo", constraints=TaskConstraints(requires_charging=True, on_loss=ConstraintLoss.FINISH))
    assert flow.get(one).task.wish == flow.get(other).task.wish
    with pytest.raises(UsageError, match="cannot be 'never'"):
        flow.enqueue("echo", constraints=charged, on_constraint_loss="never")


def test_a_copy_keeps_what_its_task_said_against_its_handler(bgo: Bgo, tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "import bgo\n"
        "@bgo.task(constraints=bgo.TaskConstraints(requires_charging=True, on_loss=bgo.ConstraintLoss.CANCEL))\n"
        "def mine(ctx: bgo.TaskContext) -> None: pass\n"
    )
    here = ("--plugin", str(plugin))
    task = bgo(*here, "enqueue", "mine", "--on-constraint-loss", "stop", "-q").out.strip()
    again = bgo(*here, "enqueue", "--like", task, "-q").out.strip()
    assert options(bgo, task) == options(bgo, again) == {"requires_charging": True}
    other = bgo(*here, "enqueue", "--like", task, "--on-constraint-loss", "finish", "-q").out.strip()
    assert options(bgo, other) == FINISH
    schedule = bgo(*here, "schedule", "mine", "--every", "1h", "--on-constraint-loss", "stop", "-q").out.strip()
    bgo(*here, "reschedule", schedule, "--priority", "5")
    bgo(*here, "run", "--charging", "no")
    (made,) = bgo("tasks", "--schedule", schedule, "--json").json
    assert made["options"]["constraints"] == {"requires_charging": True}

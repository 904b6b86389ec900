"""`--relax`: understood, told, kept and carried wherever options go; and work that runs because it has grown old."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

import bgo as library
from bgo.api import TaskFlow
from bgo.errors import UsageError
from bgo.model.options import NO_CONSTRAINTS, TaskConstraints
from bgo.model.window import RelaxStep
from tests.cli.conftest import Bgo, When
from tests.cli.test_constraint_loss import members

SAID = ("--charging", "--relax", "3d:none")
KEPT = [{"after_ms": 3 * 86_400_000, "constraints": {}}]


def test_it_is_told_at_enqueue_and_by_status(bgo: Bgo, when: When) -> None:
    when("2026-11-26T14:00:00Z", "UTC")
    done = bgo("enqueue", "echo", *SAID)
    assert "from Sun 29 Nov 2026 14:00:00 UTC (in 3 d) on it asks only for nothing of the device" in done.err
    task = done.out.strip()
    assert bgo("status", task, "--json").json["options"]["relax"] == KEPT
    assert "relaxes 3 d old, it asks only for nothing of the device" in " ".join(bgo("status", task).out.split())
    assert "relaxes" in bgo("enqueue", "echo", *SAID, "--dry-run").out


def test_explain_says_when_the_gate_lifts(bgo: Bgo, when: When) -> None:
    when("2026-11-26T14:00:00Z", "UTC")
    task = bgo("enqueue", "echo", *SAID, "-q").out.strip()
    gates = bgo("explain", task, "--charging", "no", "--json").json["gates"]
    assert [gate["until"] for gate in gates if gate["gate"] == "charging"] == ["2026-11-29T14:00:00.000Z"]


def test_it_runs_once_it_is_old_enough(bgo: Bgo, when: When) -> None:
    when("2026-11-26T14:00:00Z", "UTC")
    task = bgo("enqueue", "echo", *SAID, "-q").out.strip()
    assert bgo("run", "--charging", "no").out == ""
    assert bgo("status", task, "--json").json["state"] == "queued"
    when("2026-11-29T14:00:00Z", "UTC")
    assert "1 done" in bgo("run", "--charging", "no").out
    assert bgo("status", task, "--json").json["state"] == "succeeded"


def test_chains_batches_schedules_files_and_copies_carry_it(bgo: Bgo, tmp_path: Path) -> None:
    chain = bgo("chain", "c", "echo", "sleep", *SAID, "-q").lines[0]
    views = bgo("tasks", "--chain", chain, "--json").json
    assert [view["options"]["relax"] for view in views] == [KEPT, KEPT]
    items = tmp_path / "items.jsonl"
    items.write_text('{"a": 1}\n')
    batch = bgo("batch", "echo", "--items", str(items), *SAID, "-q").lines[0]
    assert [view["options"]["relax"] for view in bgo("tasks", "--batch", batch, "--json").json] == [KEPT]
    file = tmp_path / "chain.toml"
    file.write_text('[[step]]\nrun = "echo"\ncharging = true\nrelax = ["3d:none"]\n[[step]]\nrun = "sleep"\n')
    found = bgo("tasks", "--chain", bgo("chain", "c", "--file", str(file), "-q").lines[0], "--json").json
    assert [view["options"].get("relax") for view in found][::-1] == [KEPT, None]
    schedule = bgo("schedule", "echo", "--every", "1h", *SAID, "-q").out.strip()
    bgo("run", "--charging", "no")
    (made,) = bgo("tasks", "--schedule", schedule, "--json").json
    assert made["options"]["relax"] == KEPT
    again = bgo("enqueue", "--like", made["id"], "-q").out.strip()
    assert bgo("status", again, "--json").json["options"]["relax"] == KEPT
    assert members(bgo, chain) == [{"requires_charging": True}] * 2


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--relax", "3d:none"), "relax: none is no less than none"),
        (("--charging", "--relax", "3d:charging"), "relax: charging is no less than charging"),
        (("--charging", "--relax", "3d:non"), "relax: 'non' is nothing that is asked of a device"),
        (("--charging", *(word for n in range(1, 10) for word in ("--relax", f"{n}d:none"))), "9 steps of relax"),
    ],
)
def test_what_makes_no_sense_is_refused(bgo: Bgo, words: tuple[str, ...], what: str) -> None:
    done = bgo("enqueue", "echo", *words)
    assert done.code == 2
    assert what in done.error[0]


def test_python_takes_steps_or_words(bgo_flow: TaskFlow) -> None:
    charged = TaskConstraints(requires_charging=True)
    step = library.RelaxStep.after(timedelta(days=3), NO_CONSTRAINTS)
    ids = [bgo_flow.enqueue("echo", constraints=charged, relax=said) for said in ([step], ["3d:none"], "3d:none", step)]
    assert {bgo_flow.get(task_id).task.wish.relax for task_id in ids} == {(RelaxStep(3 * 86_400_000, NO_CONSTRAINTS),)}
    with pytest.raises(UsageError, match="not a step of relax"):
        bgo_flow.enqueue("echo", constraints=charged, relax=[3])  # type: ignore[list-item]


def test_a_drain_waits_for_it(bgo_flow: TaskFlow, bgo_device: library.testing.ScriptedDevice) -> None:
    """Where the device never charges, the clock of a test goes on to the step."""
    task = bgo_flow.enqueue("echo", {"a": 1}, constraints=TaskConstraints(requires_charging=True), relax="3d:none")
    before = bgo_flow.clock.now_ms()
    report = library.testing.drain(bgo_flow, until_empty=True)
    assert [run.task.id for run in report.runs] == [task]
    assert bgo_flow.clock.now_ms() == before + 3 * 86_400_000


def test_a_copy_that_takes_all_back_has_nothing_to_relax_or_to_lose(bgo: Bgo) -> None:
    words = ("--network", "unmetered", "--relax", "1d:network=connected", "--on-constraint-loss", "finish")
    task = bgo("enqueue", "echo", *words, "-q").out.strip()
    again = bgo("enqueue", "--like", task, "--network", "none", "-q").out.strip()
    found = bgo("status", again, "--json").json["options"]
    assert "constraints" not in found
    assert "relax" not in found

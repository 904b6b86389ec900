"""`bgo queues`: making, setting and pausing queues; what a person sets stays until the config names it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bgo.api import TaskFlow
from bgo.engine.explain import Ground, explain
from bgo.errors import UsageError
from bgo.model.plan import Gate
from tests.build import a_moment, a_spec, a_view
from tests.cli.conftest import Bgo
from tests.store import drive


def row(bgo: Bgo, name: str) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {row["name"]: row for row in bgo("queues", "--json").json}
    return found[name]


def test_a_queue_with_slots_is_made_listed_and_set(bgo: Bgo) -> None:
    assert bgo("queues", "add", "night", "--weight", "2.5", "--reserve", "1", "--slots", "2").code == 0
    assert row(bgo, "night") == {
        "schema": 1, "name": "night", "weight": 2.5, "reserve": 1, "slots": 2,
        "paused": False, "waiting": 0, "running": 0,
    }  # fmt: skip
    assert "SLOTS" in bgo("queues").lines[0]
    assert bgo("queues", "set", "night", "--slots", "3").out == "queue night: weight 2.5, reserve 1, slots 3\n"
    assert bgo("queues", "set", "night", "--slots", "none", "--weight", "1").out == "queue night: weight 1, reserve 1\n"
    assert bgo("queues", "set", "night", "--reserve", "0", "--json").json == row(bgo, "night")
    assert bgo("queues", "weight", "low", "0.5").out == "queue low: weight 0.5, reserve 0\n"


def test_pause_and_resume_by_the_noun(bgo: Bgo) -> None:
    assert bgo("queues", "pause", "low").out == "paused queue low; undo: bgo resume --queue low\n"
    assert row(bgo, "low")["paused"] is True
    assert bgo("queues", "resume", "low", "--json").json["paused"] is False
    assert row(bgo, "low")["paused"] is False


@pytest.mark.parametrize(
    ("words", "form"),
    [
        (["--weight", "0"], "--weight 5"),
        (["--weight", "-1"], "--weight 5"),
        (["--reserve", "-1"], "--reserve 1"),
        (["--slots", "0"], "--slots 2"),
        (["--slots", "-3"], "--slots 2"),
        (["--slots", "many"], "--slots 2"),
        (["--weight", "3", "--slots", "0"], "--slots 2"),
    ],
)
@pytest.mark.parametrize("verb", [["add", "own"], ["set", "low"]], ids=" ".join)
def test_what_cannot_be_is_refused_with_the_form_and_nothing_is_written(
    bgo: Bgo, verb: list[str], words: list[str], form: str
) -> None:
    before = bgo("queues", "--json").json
    refused = bgo("queues", *verb, *words)
    assert (refused.code, len(refused.error)) == (2, 3)
    assert form in refused.error[2]
    assert bgo("queues", "--json").json == before


def test_a_queue_that_is_not_there_and_nothing_to_set(bgo: Bgo) -> None:
    for words in (["set", "lo", "--slots", "1"], ["pause", "lo"], ["resume", "lo"], ["weight", "lo", "1"]):
        refused = bgo("queues", *words)
        assert (refused.code, refused.error[2]) == (3, " hint: did you mean low?")
    nothing = bgo("queues", "set", "low")
    assert (nothing.code, nothing.error[0]) == (2, "error: queues set: nothing to set")
    again = bgo("queues", "add", "low")
    assert (again.code, again.error[2]) == (4, " hint: bgo queues set low --weight 5")


def test_what_the_config_names_wins_and_the_rest_stays_as_it_was_set(bgo: Bgo, home: Path) -> None:
    (home / "config.toml").write_text("[queues.bulk]\nweight = 0.5\n", encoding="utf-8")
    assert row(bgo, "bulk")["weight"] == 0.5
    bgo("queues", "set", "bulk", "--slots", "2", "--reserve", "1")
    bgo("queues", "set", "high", "--weight", "20")
    told = bgo("queues", "set", "bulk", "--weight", "9")
    assert "the config names its weight, and will win" in told.err
    found = row(bgo, "bulk")
    assert (found["weight"], found["reserve"], found["slots"]) == (0.5, 1, 2)
    assert row(bgo, "high")["weight"] == 20


def test_slots_in_the_config_alone(bgo: Bgo, home: Path) -> None:
    bgo("queues", "set", "low", "--weight", "0.7")
    (home / "config.toml").write_text("[queues.low]\nslots = 1\n", encoding="utf-8")
    found = row(bgo, "low")
    assert (found["weight"], found["slots"]) == (0.7, 1)
    (home / "config.toml").write_text("[queues.low]\nslots = 0\n", encoding="utf-8")
    assert bgo("queues").code == 78


def test_a_queue_of_one_slot_runs_one_at_a_time_over_two_workers() -> None:
    with TaskFlow() as flow:
        flow.add_queue("own", slots=1)
        first, second = drive.enqueue(flow.store, a_spec(queue="own"), a_spec(queue="own"))
        (claim,) = drive.tick(flow.store, 4, worker="one")
        assert claim.task.id == first
        assert drive.tick(flow.store, 4, worker="two") == ()
        with flow.store.read() as session:
            waiting = session.tasks.find(second)
            assert waiting is not None
            told = explain(session, waiting, Ground(drive.an_asker("two"), a_view(), 4, a_moment()))
        (line,) = [line for line in told.gates if line.hold is not None]
        assert line.gate == Gate.QUEUE_SLOTS
        assert line.hold is not None
        assert line.hold.lift == "bgo queues set own --slots 2"
        flow.set_queue("own", slots="none")
        assert len(drive.tick(flow.store, 4, worker="two")) == 1
        drive.finish(flow.store, claim, worker="one")


def test_the_library_refuses_what_the_command_refuses() -> None:
    with TaskFlow() as flow:
        with pytest.raises(UsageError):
            flow.set_queue("low")
        with pytest.raises(UsageError):
            flow.set_queue("low", weight=float("nan"))
        with pytest.raises(UsageError):
            flow.set_queue("low", slots=True)
        with pytest.raises(UsageError):
            flow.set_queue("low", slots="some")  # type: ignore[arg-type]

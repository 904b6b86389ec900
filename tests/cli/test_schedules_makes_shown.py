"""What `schedules show` and `schedule --dry-run` tell of what a schedule makes, and of occurrences that are due."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Bgo, When

NOW = "2026-11-25T10:00:00+00:00"
"""A Wednesday; 11:00 in Berlin."""
CHAIN = """
input = { message = "x" }

[[step]]
run = "echo"
priority = 20

[[step]]
parallel = [{ run = "echo", name = "left" }, { run = "echo", name = "right", timeout = "7m" }]
"""


def plain(text: str) -> list[str]:
    """Return lines with single blanks: how wide the labels are is not the matter here."""
    return [" ".join(line.split()) for line in text.splitlines()]


@pytest.fixture(autouse=True)
def _now(when: When) -> None:
    when(NOW)


def test_the_steps_of_a_chain_and_what_each_asks_for(bgo: Bgo) -> None:
    words = ["--steps", "echo left=echo+right=echo", "--timeout", "7m", "--priority", "10", "--tag", "t", "--charging"]
    bgo("schedule", "nightly", *words, "--every", "1h", "--key", "k", "--cwd", "/")
    found = bgo("schedules", "show", "k", "--json").json
    assert (found["steps"], found["items"], found["callbacks"]) == ([["echo"], ["left", "right"]], None, None)
    assert (found["priority"], found["tags"], found["cwd"]) == (10, ["t"], "/")
    options = {"timeout": {"hard_ms": 420_000, "soft_ms": 336_000}, "constraints": {"requires_charging": True}}
    assert found["options"] == options
    assert [(each["name"], each["options"]) for each in found["members"]] == [
        (name, options) for name in ("echo", "left", "right")
    ]
    shown = plain(bgo("schedules", "show", "k").text)
    for line in (
        "step 1 echo",
        "step 2 left: echo + right: echo",
        "tags t",
        "runs in /",
        "each timeout warns after 5 min 36 s, killed after 7 min; needs a charging device; priority 10",
    ):
        assert line in " ".join(shown)


def test_steps_that_differ_are_told_one_by_one(bgo: Bgo, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(CHAIN)
    bgo("schedule", "mine", "--chain", str(tmp_path / "c.toml"), "--every", "1h", "--key", "k")
    found = bgo("schedules", "show", "k", "--json").json
    assert (found["priority"], found["queue"], found["options"]) == (None, "default", {})
    assert [each["priority"] for each in found["members"]] == [20, 0, 0]
    shown = plain(bgo("schedules", "show", "k").text)
    at = next(i for i, line in enumerate(shown) if line.startswith("each "))
    assert [line.split()[:2] for line in shown[at : at + 3]] == [
        ["each", "echo:"], ["left:", "timeout"], ["right:", "timeout"],
    ]  # fmt: skip
    assert shown[at].endswith("priority 20")
    assert "7 min" in shown[at + 2]


@pytest.mark.parametrize("steps", [[], ["--steps", "echo last=echo"]])
def test_the_items_of_a_batch_and_who_is_told(bgo: Bgo, tmp_path: Path, steps: list[str]) -> None:
    (tmp_path / "items").write_text("a\nb\nc\n")
    words = ["--items", str(tmp_path / "items"), "--field", "message", "--then", "echo", "--finally", "sleep"]
    bgo("schedule", "echo", *words, *steps, "--every", "1h", "--key", "k", "--queue", "low", "--timeout", "7m")
    found = bgo("schedules", "show", "k", "--json").json
    assert (found["items"], found["callbacks"]) == (3, {"then": "echo", "finally": "sleep"})
    assert (found["queue"], found["options"]["timeout"]["hard_ms"]) == ("low", 420_000)
    assert found["steps"] == ([["echo"], ["last"]] if steps else None)
    shown = plain(bgo("schedules", "show", "k").text)
    assert {"items 3", "then echo", "finally sleep"} <= set(shown)
    assert any(line.startswith("each ") and line.endswith("queue low") for line in shown)


def test_a_task_with_its_command(bgo: Bgo) -> None:
    bgo("schedule", "shell", "--every", "1h", "--key", "k", "--retry", "linear:attempts=3", "--", "ls", "-l")
    found = bgo("schedules", "show", "k", "--json").json
    assert (found["argv"], found["steps"], found["members"]) == (["ls", "-l"], None, None)
    assert found["options"]["retry"]["max_attempts"] == 3
    shown = plain(bgo("schedules", "show", "k").text)
    assert "command ls -l" in shown
    assert any("3 attempts" in line for line in shown)


def test_a_dry_run_tells_all_that_was_asked_for(bgo: Bgo) -> None:
    words = ["--every", "1h", "--window", "9-17", "--jitter", "5m", "--max-runs", "1", "--pause-after", "1"]
    plan = plain(bgo("schedule", "n", "--steps", "echo", *words, "--dry-run", "--timeout", "7m").text)
    assert plan[0] == "nothing was written"
    for line in ("jitter up to 5 min later", "at most once", "pauses after a failure", "step 1 echo"):
        assert line in plan
    assert "fires every 1 h within 09:00-17:00 in Europe/Berlin" in plan
    told = bgo("schedule", "n", "--steps", "echo", *words, "--dry-run", "--json").json
    assert (told["window"], told["jitter_ms"], told["max_runs"]) == ("09:00-17:00", 300_000, 1)
    assert (told["steps"], told["outcome"], list(told["makes"])) == ([["echo"]], "added", ["chain"])


def test_a_dry_run_says_what_would_become_of_the_key(bgo: Bgo) -> None:
    words = ["schedule", "echo", "--key", "k", "--every"]
    bgo(*words, "1h")
    before = bgo("schedules", "show", "k", "--json").json
    assert bgo(*words, "2h", "--dry-run").lines[0] == "nothing was written; k is there, and would be changed"
    assert bgo(*words, "1h", "--dry-run").lines[0] == "nothing was written; k is there, and is the same already"
    assert bgo(*words, "2h", "--dry-run", "--json").json["outcome"] == "changed"
    assert bgo("schedules", "show", "k", "--json").json == before


def test_what_is_due_is_one_line_and_not_to_come(bgo: Bgo, when: When) -> None:
    bgo("schedule", "echo", "--every", "1h", "--start", "12:00", "--key", "k")
    when("2026-11-25T15:20:00+00:00")
    shown = plain(bgo("schedules", "show", "k").text)
    assert "next due since Wed 25 Nov 2026 12:00:00 CET (4 h ago), for 5 occurrences" in shown
    assert shown[shown.index("NEXT FIRES") + 1].startswith("Wed 25 Nov 2026 17:00:00")
    found = bgo("schedules", "show", "k", "--json").json
    assert (found["due"], found["coming"][0]["local"]) == (5, "2026-11-25T17:00:00+01:00")
    assert bgo("schedules", "preview", "k", "--json").json[0]["local"] == "2026-11-25T17:00:00+01:00"


def test_a_start_that_has_passed_is_not_foreseen(bgo: Bgo) -> None:
    words = ["schedule", "echo", "--every", "1h", "--start", "2026-01-01 00:30"]
    first = bgo(*words, "--dry-run", "--json").json["coming"][0]
    assert first["local"] == "2026-11-25T11:30:00+01:00"
    assert bgo(*words, "--json").json["next_at"] == first["at"]

"""An iPhone at the command line: what holds, what lifts it, what is remembered, and when its time ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Bgo

SAVING = ("--profile", "ios-low-power")
OPEN = ("--signal", "app=foreground")


def gates(bgo: Bgo, task: str, *words: str) -> dict[str, Any]:
    """Return the gates that hold a task, by name."""
    return {gate["gate"]: gate for gate in bgo("explain", task, *words, "--json").json["gates"] if not gate["open"]}


def test_work_waits_for_time_and_runs_with_the_app_open(bgo: Bgo) -> None:
    task = bgo("enqueue", "echo", "-q").out.strip()
    bgo("run", *SAVING)
    held = gates(bgo, task, *SAVING)
    assert set(held) == {"low_power", "opportunity"}
    assert held["opportunity"]["lift"] == "open the app, or bgo run --signal app=foreground"
    assert held["opportunity"]["until"] is None
    assert bgo("run", *SAVING, *OPEN).lines[-1] == "1 done"


def test_the_next_process_remembers_a_force_quit_until_the_app_is_opened(bgo: Bgo) -> None:
    task = bgo("enqueue", "echo", "-q").out.strip()
    bgo("run", "--profile", "ios", "--signal", "app=force-quit")
    later = ("--profile", "ios", "--signal", "app=background")
    bgo("run", *later)
    assert gates(bgo, task, *later)["app"]["current"] == "force-quit"
    assert bgo("run", "--profile", "ios", *OPEN).lines[-1] == "1 done"


@pytest.mark.parametrize(
    ("signal", "gate"), [("refresh=off", "app"), ("lock=before-first-unlock", "locked"), ("app=swiped", "app")]
)
def test_each_switch_is_told_with_its_remedy(bgo: Bgo, signal: str, gate: str) -> None:
    task = bgo("enqueue", "echo", "-q").out.strip()
    found = gates(bgo, task, "--profile", "ios", "--signal", signal)
    assert next(iter(found)) == gate
    assert "bgo run --signal" in found[gate]["lift"]


def test_a_battery_below_the_floor_is_told_with_its_level(bgo: Bgo) -> None:
    task = bgo("enqueue", "echo", "-q").out.strip()
    found = gates(bgo, task, "--profile", "ios", "--battery", "19", "--charging", "no")
    assert "19 %" in found["low_power"]["current"]


def test_no_condition_beyond_power_and_a_network_is_enforced(bgo: Bgo) -> None:
    bgo("enqueue", "echo", "--battery-not-low", "--network", "unmetered", "--storage-not-low", "-q")
    assert bgo("run", "--profile", "ios", *OPEN, "--battery", "5", "--network", "metered").lines[-1] == "1 done"


def test_a_run_ends_with_the_grace_after_the_app_has_left_the_screen(bgo: Bgo, tmp_path: Path) -> None:
    (tmp_path / "brief.toml").write_text('extends = "ios"\n[app]\ngrace = "1s"\nusage = 0.0\n')
    (tmp_path / "day.txt").write_text("at +0s app=foreground\nat +1s app=background\n")
    task = bgo("enqueue", "sleep", "seconds=600", "-q").out.strip()
    done = bgo("run", "--profile", str(tmp_path / "brief.toml"), "--device", str(tmp_path / "day.txt"))
    assert done.lines[-1] == "1 handed back; 1 held by opportunity"
    shown = bgo("show", task, "--json").json
    assert shown["state"] == "queued"
    (ended,) = [entry for entry in bgo("history", task, "--json").json if entry["reason"] == "device"]
    assert ended["detail"]["gate"] == "run_time"
    assert shown["attempt"] == 0, "on iOS a stop uses up no attempt"

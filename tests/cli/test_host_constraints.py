"""What is asked of computers: `--cpu-below`, `--unused-for` and `--on-network`, wherever work is entered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bgo.api import TaskFlow
from bgo.model.options import TaskConstraints
from tests.cli.conftest import Bgo

SAID = ("--cpu-below", "50%", "--unused-for", "10m", "--on-network", "Home", "--on-network", "Café, 1st floor")
KEPT = {"cpu_below": 50, "unused_ms": 600_000, "on_network": ["Café, 1st floor", "Home"]}
NEEDS = "processors less than 50 % busy, a device untouched for 10 min, the network Café, 1st floor or Home"


@pytest.fixture(autouse=True)
def nothing_sensed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever computer this is: it says nothing of itself."""
    from bgo.devices.sensors import Taken
    from bgo.model.device import DeviceState

    monkeypatch.setattr("bgo.devices.sensors.Survey.take", lambda *_: Taken(DeviceState(), {}, 0))


def kept(bgo: Bgo, *words: str) -> list[Any]:
    return [view["options"].get("constraints") for view in bgo("tasks", *words, "--json").json]


def test_it_is_kept_and_told(bgo: Bgo) -> None:
    task = bgo("enqueue", "echo", *SAID, "-q").out.strip()
    assert bgo("status", task, "--json").json["options"]["constraints"] == KEPT
    assert NEEDS in " ".join(bgo("status", task).out.split())
    again = bgo("enqueue", "--like", task, "--cpu-below", "20", "-q").out.strip()
    assert bgo("status", again, "--json").json["options"]["constraints"] == {**KEPT, "cpu_below": 20}
    plan = bgo("enqueue", "echo", *SAID, "--dry-run", "--json").json
    assert plan["lane"]["constraints"] == plan["options"]["constraints"] == KEPT


def test_chains_batches_and_schedules_take_it(bgo: Bgo, tmp_path: Path) -> None:
    chain = bgo("chain", "c", "echo", "sleep", *SAID, "-q").lines[0]
    assert kept(bgo, "--chain", chain) == [KEPT, KEPT]
    items = tmp_path / "items.jsonl"
    items.write_text('{"a": 1}\n')
    batch = bgo("batch", "echo", "--items", str(items), *SAID, "-q").lines[0]
    assert kept(bgo, "--batch", batch) == [KEPT]
    schedule = bgo("schedule", "echo", "--every", "1h", *SAID, "-q").out.strip()
    bgo("reschedule", schedule, "--on-network", "Work", "--unused-for", "1h")
    bgo("run")
    assert kept(bgo, "--schedule", schedule) == [{"cpu_below": 50, "unused_ms": 3_600_000, "on_network": ["Work"]}]


@pytest.mark.parametrize(
    ("wish", "closed", "opened", "gate"),
    [
        ("--cpu-below 50%", "load=50", "load=49", "load"),
        ("--unused-for 10m", "unused=no", "unused=10m", "unused"),
        ("--unused-for 10m", "unused=9m59s", "unused=1h", "unused"),
        ("--on-network Home", "wifi=Cafe", "wifi=Home", "named_network"),
        ("--on-network Home", "wifi=none", "wifi=Home", "named_network"),
    ],
)
def test_a_fact_holds_and_lifts(bgo: Bgo, wish: str, closed: str, opened: str, gate: str) -> None:
    bgo("enqueue", "echo")
    task = bgo("enqueue", "echo", *wish.split(), "-q").out.strip()
    assert bgo("run", "--signal", closed).lines[-1] == f"1 done; 1 held by {gate}"
    found = bgo("explain", task, "--signal", closed, "--json").json
    (line,) = (g for g in found["gates"] if not g["open"])
    assert (line["gate"], found["verdict"]) == (gate, f"held by {gate}")
    assert bgo("run", "--signal", opened).lines[-1] == "1 done"


def test_what_nobody_knows_passes_but_for_the_network(bgo: Bgo) -> None:
    bgo("enqueue", "echo", "--cpu-below", "1%", "--unused-for", "1w")
    bgo("enqueue", "echo", "--on-network", "Home")
    assert bgo("run").lines[-1] == "1 done; 1 held by named_network"


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--cpu-below", "half"], "not a part of all processors"),
        (["--cpu-below", "0%"], "not a part of all processors"),
        (["--unused-for", "soon"], "duration"),
        (["--unused-for", "0s"], "error: --unused-for: 0s is out of range"),
        (["--unused-for", "0s"], " hint: --unused-for 10m"),
        (["--on-network", " "], "error: --on-network: not the name of a network: ' '"),
        (["--on-network", ""], "hint: --on-network Home"),
        (["--expedited=bar"], "hint: --expedited, or --expedited=drop"),
        (["--cpu-below", "50%", "--on-constraint-loss", "finish"], "there is no constraint to lose"),
        (["--cpu-below", "50%", "--relax", "1d:cpu-below=40%"], "cpu-below=40% is no less than cpu-below=50%"),
    ],
)
def test_what_means_nothing_is_refused(bgo: Bgo, words: list[str], what: str) -> None:
    done = bgo("enqueue", "echo", *words)
    assert done.code == 2
    assert what in done.err
    assert done.error[-1].startswith(" hint: ")


def test_it_relaxes(bgo: Bgo) -> None:
    steps = ["--relax", "1d:cpu-below=80%,unused-for=1m", "--relax", "2d:unused-for=1m", "--relax", "3d:none"]
    done = bgo("enqueue", "echo", *SAID, *steps)
    assert "on it asks only for cpu-below=80%, unused-for=1m" in done.err
    relaxes = bgo("status", done.out.strip(), "--json").json["options"]["relax"]
    assert [step["constraints"] for step in relaxes] == [
        {"cpu_below": 80, "unused_ms": 60_000},
        {"unused_ms": 60_000},
        {},
    ]


def test_python_and_handlers_say_it(bgo: Bgo, bgo_flow: TaskFlow, tmp_path: Path) -> None:
    one = bgo_flow.enqueue("echo", constraints=TaskConstraints(cpu_below=50, unused_for=600, on_network="Home"))
    assert bgo_flow.get(one).task.wish.constraints.networks == ("Home",)
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "import bgo\n"
        "@bgo.task(constraints=bgo.TaskConstraints(unused_for=600, on_network=['Home', 'Work']))\n"
        "def mine(ctx: bgo.TaskContext) -> None: pass\n"
    )
    here = ("--plugin", str(plugin))
    task = bgo(*here, "enqueue", "mine", "--cpu-below", "9", "-q").out.strip()
    asks = {"cpu_below": 9, "unused_ms": 600_000, "on_network": ["Home", "Work"]}
    assert bgo("status", task, "--json").json["options"]["constraints"] == asks
    none = bgo(*here, "enqueue", "mine", "--network", "none", "-q").out.strip()
    assert "constraints" not in bgo("status", none, "--json").json["options"]
    told = " ".join(bgo(*here, "handlers", "show", "mine").out.split())
    assert "a device untouched for 10 min, the network Home or Work" in told


DAY = "at +0h unused=no load=80 wifi=Cafe\nat +1h unused=1s\nat +2h load=20\nat +3h wifi=Home\n"


def test_a_simulation_follows_the_signals(bgo: Bgo, tmp_path: Path) -> None:
    (tmp_path / "day.txt").write_text(DAY)
    for name, wish in (("rest", "--unused-for 10m"), ("calm", "--cpu-below 50"), ("home", "--on-network Home")):
        bgo("enqueue", "echo", "--as", name, *wish.split())
    words = ["simulate", "--device", str(tmp_path / "day.txt"), "--start", "+1m", "--for", "1d"]
    found = bgo(*words, "--json").json
    starts = {row["name"]: row["started_after_ms"] // 60_000 for row in found["rows"]}
    assert starts == {"rest": 69, "calm": 120, "home": 180}
    held = {row["name"]: {**row["held_ms"], "slots": 0} for row in found["rows"]}
    assert held == {
        "rest": {"unused": 4_199_000, "slots": 0},
        "calm": {"load": 7_200_000, "slots": 0},
        "home": {"named_network": 10_800_000, "slots": 0},
    }

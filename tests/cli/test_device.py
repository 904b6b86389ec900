"""Constraints at the command line: wishes at enqueue, facts at run, and what is told of both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bgo.api import TaskFlow
from bgo.cli import later
from tests.cli.conftest import Bgo

WISHES = ["--network", "unmetered", "--battery-not-low", "--charging", "--device-idle", "--storage-not-low"]
FACTS = ["--network", "unmetered", "--battery", "80", "--charging", "yes", "--idle", "yes", "--storage-low", "no"]
KEPT = {
    "network": "unmetered",
    "battery_not_low": True,
    "requires_charging": True,
    "device_idle": True,
    "storage_not_low": True,
}
NEEDS = "an unmetered network, a battery that is not low, a charging device, an idle device, free storage"


@pytest.fixture(autouse=True)
def nothing_sensed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever computer this is: it says nothing of itself."""
    from bgo.devices.sensors import Taken
    from bgo.model.device import DeviceState

    monkeypatch.setattr("bgo.devices.sensors.Survey.take", lambda *_: Taken(DeviceState(), {}, 0))


@pytest.mark.parametrize(
    ("wish", "closed", "opened", "gate"),
    [
        ("--network connected", "--network none", "--network roaming", "network"),
        ("--network unmetered", "--network connected", "--network unmetered", "network"),
        ("--network not-roaming", "--network roaming", "--network metered", "network"),
        ("--network metered", "--network unmetered", "--network metered", "network"),
        ("--battery-not-low", "--battery 15", "--battery 16", "battery"),
        ("--charging", "--charging no", "--charging yes", "charging"),
        ("--device-idle", "--idle no", "--idle yes", "idle"),
        ("--storage-not-low", "--storage-low yes", "--storage-low no", "storage"),
    ],
)
def test_a_flag_is_a_fact_that_holds_and_lifts(bgo: Bgo, wish: str, closed: str, opened: str, gate: str) -> None:
    bgo("enqueue", "echo")
    task = bgo("enqueue", "echo", *wish.split(), "-q").out.strip()
    assert bgo("run", *closed.split()).lines[-1] == f"1 done; 1 held by {gate}"
    found = bgo("explain", task, *closed.split(), "--json").json
    (line,) = (g for g in found["gates"] if not g["open"])
    assert (line["gate"], found["verdict"]) == (gate, f"held by {gate}")
    assert f"({closed.split(maxsplit=1)[0]})" in line["current"]
    assert bgo("run", *opened.split()).lines[-1] == "1 done"


def test_the_environment_counts_below_flags_and_above_sensors(bgo: Bgo, monkeypatch: pytest.MonkeyPatch) -> None:
    task = bgo("enqueue", "echo", *WISHES, "-q").out.strip()
    monkeypatch.setenv("BGO_DEVICE", "charging=no battery=12 network=metered")
    lines = bgo("status", task).out
    for word in ("network: metered (BGO_DEVICE)", "battery: 12 %, low (BGO_DEVICE)", "charging: no (BGO_DEVICE)"):
        assert word in lines
    found = bgo("explain", task, "--battery", "90", "--network", "unmetered", "--json").json
    assert found["verdict"] == "held by charging"
    assert bgo("run").code == 0
    assert bgo("status", task, "--json").json["state"] == "queued"
    monkeypatch.setenv("BGO_DEVICE", "charging=yes battery=90 network=unmetered")
    assert bgo("run").lines[-1] == "1 done"
    monkeypatch.setenv("BGO_DEVICE", "charging=perhaps")
    error = bgo("run").error
    assert error[0] == "error: BGO_DEVICE: charging='perhaps' is not a reading"
    assert len(error) == 3


def test_what_is_unknown_is_held_or_passes_and_says_so(bgo: Bgo) -> None:
    task = bgo("enqueue", "echo", *WISHES, "-q").out.strip()
    found = bgo("explain", task, "--json").json
    assert found["verdict"] == "held by network, battery, charging"
    told = {line["gate"]: line["current"] for line in found["gates"]}
    assert told["idle"] == told["storage"] == "unknown (not sensed); the profile host lets it pass"
    assert told["battery"] == "unknown (not sensed)"


def test_wishes_are_told_wherever_they_are_kept(bgo: Bgo) -> None:
    task = bgo("enqueue", "echo", *WISHES, "-q").out.strip()
    assert bgo("status", task, "--json").json["options"]["constraints"] == KEPT
    assert NEEDS in " ".join(bgo("status", task).out.split())
    plan = bgo("enqueue", "echo", *WISHES, "--dry-run", "--json").json
    assert plan["lane"]["constraints"] == plan["options"]["constraints"] == KEPT
    plain = " ".join(bgo("enqueue", "echo", *WISHES, "--dry-run").out.split())
    assert NEEDS in plain
    assert "network: holds it (unknown (not sensed), needs an unmetered network)" in plain


def _items() -> str:
    path = Path("items.txt").absolute()
    path.write_text("a\nb\n")
    return str(path)


def test_members_of_chains_and_batches_and_what_a_schedule_makes_are_held(
    bgo: Bgo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bgo("chain", "c", "echo", *WISHES)
    bgo("batch", "echo", "--items", _items(), *WISHES)
    bgo("schedule", "echo", "--every", "1h", *WISHES)
    assert bgo("run", *FACTS[:-1], "yes").code == 0
    held = bgo("explain", "--all", *FACTS[:-1], "yes", "--json").json
    assert {one["verdict"] for one in held if "storage" in one["verdict"]} == {"held by storage"}
    assert sum(one["tasks"] for one in held if one["kind"] != "schedule") == 4
    bgo("run", "--until-empty", *FACTS)
    assert {one["state"] for one in bgo("tasks", "--json").json} == {"succeeded"}


def test_an_option_adds_to_what_the_handler_asks_and_none_takes_it_all_back(
    bgo: Bgo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = tmp_path / "own.py"
    plugin.write_text(
        "import bgo\n"
        "@bgo.task(constraints=bgo.TaskConstraints(bgo.NetworkConstraint.UNMETERED, battery_not_low=True))\n"
        "def upload(ctx: bgo.TaskContext) -> None: pass\n"
    )
    own = ("--plugin", str(plugin))
    assert "an unmetered network, a battery that is not low" in " ".join(
        bgo(*own, "handlers", "show", "upload").out.split()
    )

    def asked(*words: str) -> object:
        plan = bgo(*own, "enqueue", "upload", *words, "--dry-run", "--json").json
        return plan["lane"]["constraints"]

    assert asked() == {"network": "unmetered", "battery_not_low": True}
    assert asked("--charging") == {"network": "unmetered", "battery_not_low": True, "requires_charging": True}
    assert asked("--network", "connected") == {"network": "connected", "battery_not_low": True}
    assert asked("--network", "none") == {}


def test_a_rescheduled_one_keeps_what_is_not_said(bgo: Bgo) -> None:
    schedule = bgo("schedule", "echo", "--every", "1h", "--charging", "-q").out.strip()

    def asked() -> object:
        with TaskFlow() as flow:
            return json.loads(flow.get_schedule(schedule).makes["task"]["wish"])["constraints"]

    bgo("reschedule", schedule, "--network", "connected")
    assert asked() == {"requires_charging": True, "network": "connected"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ["enqueue", "echo", "--network", "roaming"],
            "not one of none, connected, unmetered, not-roaming, metered",
        ),
        (
            ["run", "--network", "not-roaming"],
            "not one of none, connected, unmetered, metered, roaming",
        ),
        (["run", "--battery", "101"], "--battery"),
        (["run", "--battery", "low"], "--battery"),
        (["run", "--idle", "maybe"], "'maybe' is not one of yes, no"),
        (["explain", "--all", "--storage-low", "1"], "'1' is not one of yes, no"),
    ],
)
def test_bad_words_are_refused(bgo: Bgo, words: list[str], says: str) -> None:
    done = bgo(*words)
    assert done.code == 2
    assert says in done.err


def test_the_same_word_is_a_wish_here_and_a_fact_there(bgo: Bgo) -> None:
    def page(command: str) -> str:
        return " ".join(bgo(command, "--help").out.replace("│", " ").split())

    assert "Needs one: connected, unmetered, not-roaming, metered; none." in page("enqueue")
    for command in ("run", "explain", "simulate"):
        assert "It has none, or: connected, unmetered, metered, roaming." in page(command)
    assert not {"network", "battery", "idle", "storage-not-low"} & set(
        " ".join(later.LATER[name] for name in later.LATER).split()
    )


DAY = "at +0h network=metered battery=50 charging=no\nat +2h network=unmetered\nat +3h network=none\n"


def test_a_simulation_follows_every_signal(bgo: Bgo, tmp_path: Path) -> None:
    (tmp_path / "day.txt").write_text(DAY)
    bgo("enqueue", "echo", "--network", "unmetered", "--battery-not-low")
    bgo("enqueue", "echo", "--as", "power", "--charging")
    words = ["simulate", "--device", str(tmp_path / "day.txt"), "--start", "+1m", "--for", "1d"]
    found = bgo(*words, "--json").json
    assert [(row["name"], row["started_after_ms"], row["held_ms"]["network"]) for row in found["rows"]] == [
        ("echo", 7_200_000, 7_200_000)
    ]
    assert [s["network"]["value"] for s in found["device"]] == ["metered", "unmetered", "none"]
    assert found["device"][0]["battery"] == {"percent": 50, "source": f"trace {tmp_path}/day.txt:1"}
    assert [h["gate"] for h in found["never"][0]["holds"]] == ["charging"]
    text = bgo(*words).out
    assert "All the time: charging no (trace" in text
    assert "battery 50 %, not low (trace" in " ".join(text.split())
    assert "network: m metered   ± changes   + unmetered" in text
    flagged = bgo(*words, "--network", "unmetered", "--charging", "yes", "--json").json
    assert [row["started_after_ms"] for row in flagged["rows"]] == [0, 0], "a flag goes above the script"


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_whole_day_of_strips_fits(bgo: Bgo, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    bgo("enqueue", "echo", *WISHES)
    text = bgo("simulate", "--device", "commuter", "--start", "2030-03-05 09:00", "--for", "2d").out
    assert max(map(len, text.splitlines())) <= width
    for name in ("charging", "battery", "network", "wifi", "idle", "screen"):
        assert f"\n{name} " in text
    assert text == bgo("simulate", "--device", "commuter", "--start", "2030-03-05 09:00", "--for", "2d").out

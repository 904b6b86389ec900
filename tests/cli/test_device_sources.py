"""--device, --signal, --since and --assume at the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bgo.clock import SystemClock, to_iso
from bgo.devices.sensors import Taken
from bgo.devices.signals import said
from tests.cli.conftest import Bgo


@pytest.fixture(autouse=True)
def sensed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever computer this is: it is on a network of unknown cost, and knows nothing else."""
    state = said({"network": "connected"}, "a sensor")
    monkeypatch.setattr("bgo.devices.sensors.Survey.take", lambda *_: Taken(state, {"network": 3}, 0))


def test_a_script_drives_a_run_and_what_explains_it(bgo: Bgo, tmp_path: Path) -> None:
    script = tmp_path / "day.txt"
    script.write_text("at +0s charging=no\n")
    task = bgo("enqueue", "echo", "--charging", "-q").out.strip()
    assert bgo("run", "--device", str(script)).out == "", "held by charging"
    found = bgo("explain", task, "--device", str(script), "--json").json
    (line,) = (gate for gate in found["gates"] if not gate["open"])
    assert line["current"] == f"no (trace {script}:1)"
    assert bgo("run", "--device", str(script), "--charging", "yes").lines[-1] == "1 done", "a flag goes above a script"


def test_a_worker_that_stays_follows_the_script_by_the_clock_on_the_wall(bgo: Bgo, tmp_path: Path) -> None:
    script = tmp_path / "day.toml"
    script.write_text('[[change]]\nat = "+0s"\ncharging = false\n[[change]]\nat = "+1s"\ncharging = true\n')
    task = bgo("enqueue", "echo", "--charging", "-q").out.strip()
    assert bgo("run", "--watch", "--max-tasks", "1", "--device", str(script)).lines[-1] == "1 done"
    waited = bgo("explain", task, "--json").json["runs"][0]["waited"]
    assert waited["charging"] > 0


def test_a_day_that_comes_with_bgo_and_one_that_does_not(bgo: Bgo) -> None:
    bgo("enqueue", "echo", "--storage-not-low")
    assert bgo("run", "--device", "traveller").out == "", "held by storage"
    assert bgo("run", "--device", "drawer-phone").lines[-1] == "1 done"
    refused = bgo("run", "--device", "drawer-fone")
    assert (refused.code, refused.error[1]) == (2, "  why: did you mean 'drawer-phone'?")


def test_rules_that_remember_hear_what_the_script_said_before(bgo: Bgo, tmp_path: Path) -> None:
    """Its screen has been off for two and a half hours: by now it dozes, between two maintenance windows."""
    script = tmp_path / "night.txt"
    then = to_iso(SystemClock().now_ms() - 150 * 60_000)
    script.write_text(f"at {then} screen=off motion=no charging=no app=background network=unmetered\n")
    task = bgo("enqueue", "echo", "-q").out.strip()
    awake = bgo("--profile", "android", "explain", task, "--json").json
    assert awake["verdict"].startswith("would start now"), "without a script it is awake, as its profile says"
    found = bgo("--profile", "android", "explain", task, "--device", str(script), "--json").json
    assert found["verdict"] == "held by doze"
    facts = ("--screen", "off", "--charging", "no", "--network", "unmetered", "--signal", "motion=no")
    just = bgo("--profile", "android", "explain", task, *facts, "--since", "1m", "--json").json
    long = bgo("--profile", "android", "explain", task, *facts, "--since", "150m", "--json").json
    assert (just["verdict"].partition(",")[0], long["verdict"]) == ("would start now", "held by doze")
    assert bgo("--profile", "android", "run", "--device", str(script)).out == ""
    assert bgo("status", task, "--json").json["state"] == "queued"


def test_signals_without_a_flag_of_their_own(bgo: Bgo) -> None:
    task = bgo("enqueue", "echo", "--battery-not-low", "-q").out.strip()
    found = bgo("explain", task, "--signal", "battery=10", "--signal", "app=swiped", "--json").json
    assert "10 %, low (--signal battery)" in [gate["current"] for gate in found["gates"]]
    for words, says in (
        (["--signal", "aap=foreground"], "unknown signal 'aap'"),
        (["--signal", "app"], "not a signal: 'app'"),
        (["--signal", "app=open"], "app='open' is not a reading"),
        (["--signal", "idle=yes", "--idle", "no"], "idle is said twice"),
        (["--since", "2h"], "--since says for how long, but not what"),
        (["--device", "adb:-x"], "no device 'adb:-x'"),
    ):
        refused = bgo("run", *words)
        assert (refused.code, says in refused.error[0]) == (2, True), words
        assert len(refused.error) == 3, "what, why, and what to do"
    twice = bgo("run", "--battery", "50", "--signal", "battery=5")
    assert twice.error[2] == " hint: keep --battery, and leave --signal battery out"


def config(bgo: Bgo) -> Path:
    return Path(bgo("config", "path").out.strip())


def test_what_is_assumed_is_remembered_told_and_forgotten(bgo: Bgo) -> None:
    bgo("enqueue", "echo", "--network", "unmetered")
    assert bgo("run").out == "", "held by network"
    path = config(bgo)
    path.parent.mkdir(exist_ok=True)
    path.write_text("# mine\nslots = 2 # two\n\n[limits.x]\nconcurrency = 1\n")
    assert bgo("run", "--assume", "network=unmetered").lines[-1] == "1 done"
    assert (
        path.read_text()
        == '# mine\nslots = 2 # two\n\n[limits.x]\nconcurrency = 1\n\n[assume]\nnetwork = "unmetered"\n'
    )
    assert "network: unmetered ([assume]; a sensor; took 3 ms" in " ".join(bgo("doctor").out.split())
    shown = {row["key"]: row for row in bgo("config", "show", "--json").json}
    assert (shown["assume"]["value"], shown["assume"]["origin"]) == ({"network": "unmetered"}, f"{path}:7")
    bgo("run", "--assume", "network=metered", "--assume", "charging=no")
    assert path.read_text().endswith('\n[assume]\ncharging = "no"\nnetwork = "metered"\n')
    bgo("run", "--assume", "network=unknown", "--assume", "charging=unknown")
    assert path.read_text().endswith("concurrency = 1\n\n[assume]\n")
    bgo("enqueue", "echo", "--network", "unmetered")
    assert bgo("run").out == "", "held by network"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("netwrok=unmetered", "did you mean 'network'?"),
        ("network=free", "a network is one of"),
        ("network=unmeteredd", "hint: write network=unmetered"),
        ("wifi=Home", "wifi is not assumed"),
        ("network", "a signal reads: charging=yes"),
    ],
)
def test_a_wrong_assumption_is_not_remembered(bgo: Bgo, words: str, says: str) -> None:
    refused = bgo("run", "--assume", words)
    assert refused.code == 2
    assert says in refused.err
    assert refused.error[0].startswith("error: --assume: ")
    assert "{" not in refused.err, "nothing of Python's"
    assert not config(bgo).exists()


def test_what_is_wrongly_assumed_in_the_config_stops_only_what_asks_the_device(bgo: Bgo) -> None:
    path = config(bgo)
    path.parent.mkdir(exist_ok=True)
    path.write_text('[assume]\nnetwork = "free"\n')
    bgo("enqueue", "echo")
    assert bgo("tasks").code == 0
    refused = bgo("run")
    assert (refused.code, refused.error[0]) == (78, f"error: {path}:1: [assume] is not usable")
    assert refused.error[1].startswith("  why: network = 'free': a network is one of none")


def test_a_profile_of_the_config_that_there_is_not_is_a_fault_of_the_config(bgo: Bgo) -> None:
    path = config(bgo)
    path.parent.mkdir(exist_ok=True)
    path.write_text('slots = 2\nprofile = "andriod"\n')
    refused = bgo("run")
    assert (refused.code, refused.error[0]) == (78, f"error: {path}:2: no profile 'andriod'")
    assert bgo("--profile", "andriod", "run").code == 3


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            '[assume]\n"network" = "metered" # here\nidle = "yes"\n[limits]\n',
            '[assume]\nnetwork = "none"\nidle = "yes"\n[limits]\n',
        ),
        ("[assume] # what is so\n[limits]\n", '[assume] # what is so\nnetwork = "none"\n[limits]\n'),
        ("slots = 2", 'slots = 2\n\n[assume]\nnetwork = "none"\n'),
    ],
)
def test_only_its_line_changes(tmp_path: Path, before: str, after: str) -> None:
    from bgo.config_file import remember

    real = tmp_path / "real.toml"
    real.write_text(before)
    real.chmod(0o640)
    link = tmp_path / "config.toml"
    link.symlink_to(real)
    remember(str(link), "assume", "network", "none")
    assert (real.read_text(), link.is_symlink(), real.stat().st_mode & 0o777) == (after, True, 0o640)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.toml", "real.toml"]


@pytest.mark.parametrize(
    "text", ['assume = {network = "metered"}\n', "assume = 3\n", "[assume\n", "[assume.network]\n"]
)
def test_a_section_that_is_written_otherwise_is_left_alone(tmp_path: Path, text: str) -> None:
    from bgo.config_file import remember
    from bgo.errors import ConfigError

    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        remember(str(path), "assume", "network", "none")
    assert 'write [assume] network = "none"' in caught.value.hint
    assert path.read_text() == text


def test_a_trace_is_a_device(bgo: Bgo) -> None:
    assert bgo("run", "--trace", "day.txt").error[0] == "error: bgo run has no --trace"

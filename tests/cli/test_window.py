"""`--window` and `--tz`: what is kept and answered, the names of the config, and what is refused with its reason."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bgo.api import TaskFlow
from bgo.model.task import Wish
from tests.cli.conftest import Bgo
from tests.hours import hours


def in_hours(start: int, end: int) -> str:
    """Return a window from so many hours after the present one to so many, in UTC."""
    now = datetime.now(UTC)
    return "-".join(f"{(now + timedelta(hours=each)).hour:02}:00" for each in (start, end))


CLOSED, OPEN = in_hours(5, 6), in_hours(-1, 3)


def wish(task_id: str) -> Wish:
    with TaskFlow() as flow:
        return flow.get(task_id).task.wish


def the_config(home: Path, text: str) -> None:
    (home / "config.toml").write_text(text)


@pytest.fixture
def named(home: Path) -> None:
    the_config(home, '[windows]\nquiet = "22:00-06:00@mon-fri"\n')


def test_it_is_kept_in_its_zone_and_told(bgo: Bgo) -> None:
    done = bgo("enqueue", "echo", "--window", "9-17@mon-fri", "--tz", "Europe/Berlin")
    assert wish(done.out.strip()).window == hours("09:00-17:00@1,2,3,4,5 Europe/Berlin")
    assert done.err.startswith("window 09:00-17:00 mon-fri (Europe/Berlin), open")
    assert bgo("enqueue", "echo", "--window", CLOSED, "--tz", "UTC").err.startswith(f"window {CLOSED} (UTC), opens ")
    assert f"window {OPEN} (UTC), open now" in bgo("enqueue", "echo", "--window", OPEN, "--tz", "UTC").err
    assert bgo("enqueue", "echo", "--window", CLOSED, "-q").err == ""


def test_the_zone_is_that_of_this_computer_by_name(bgo: Bgo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tehran")
    found = wish(bgo("enqueue", "echo", "--window", "off-peak").out.strip()).window
    assert found == hours("02:00-05:00 Asia/Tehran")


def test_a_name_of_the_config_stands_for_its_hours(bgo: Bgo, named: None) -> None:
    found = wish(bgo("enqueue", "echo", "--window", "quiet", "--tz", "UTC").out.strip()).window
    assert found == hours("22:00-06:00@1,2,3,4,5")
    refused = bgo("enqueue", "echo", "--window", "quite").error
    assert refused[0] == "error: not a window: 'quite'"
    assert "did you mean 'quiet'?" in refused[1]
    assert "quiet 22:00-06:00@mon-fri" in " ".join(bgo("config", "show").out.split())
    row = next(row for row in bgo("config", "show", "--json").json if row["key"] == "windows")
    assert row["value"] == {"quiet": "22:00-06:00@mon-fri"}


def test_a_window_of_the_config_that_is_none_is_named(bgo: Bgo, home: Path) -> None:
    the_config(home, '[windows]\nquiet = "22-26"\n')
    done = bgo("enqueue", "echo")
    assert (done.code, done.error[0].startswith("error: ")) == (78, True)
    assert "quiet = '22-26': hours run from 00:00 to 24:00" in done.error[1]


@pytest.mark.parametrize(
    ("words", "first", "why"),
    [
        (["--window", "9-25"], "not a window: '9-25'", "hours run from 00:00 to 24:00"),
        (["--window", ""], "not a window: ''", "there is no text"),
        (["--window", "9-17@feb"], "not a window: '9-17@feb'", "'feb' is no day"),
        (["--tz", "Europe/Berlin"], "--tz needs --window or --at", "by whose clocks"),
        (["--window", "9-17", "--tz", "Europe/Berln"], "--tz: not a time zone", "did you mean 'Europe/Berlin'?"),
        (["--window", "9-17", "--tz", "../etc/passwd"], "--tz: not a time zone", "letters, digits"),
        (["--window", CLOSED, "--tz", "UTC", "--start-before", "2h"], "start-before comes before the window", "opens"),
        (
            ["--window", CLOSED, "--tz", "UTC", "--finish-before", "2h"],
            "finish-before comes before the window",
            "opens",
        ),
        (["--window-strict"], "window-strict needs window", "is stopped when its window closes"),
        (
            ["--window", "9-17", "--window-strict", "--on-constraint-loss", "finish"],
            "there is no constraint to lose",
            "stops offering",
        ),
    ],
)
def test_what_cannot_hold_is_refused(bgo: Bgo, words: list[str], first: str, why: str) -> None:
    done = bgo("enqueue", "echo", *words)
    assert done.code == 2
    assert done.error[0].startswith(f"error: {first}")
    assert why in done.error[1]
    assert done.error[2].startswith(" hint: ")


def test_times_are_read_in_the_zone_that_is_given(bgo: Bgo) -> None:
    with TaskFlow() as flow:
        words = ["--at", "2099-01-01T09:00", "--start-before", "2099-01-01 10:00", "--tz", "Asia/Tokyo"]
        task = flow.get(bgo("enqueue", "echo", *words).out.strip()).task
    at = datetime(2099, 1, 1, tzinfo=UTC).timestamp() * 1000
    assert (task.due_at, task.wish.start_before, task.wish.window) == (at, at + 3_600_000, None)


def test_a_run_and_its_readers_name_the_window(bgo: Bgo) -> None:
    task_id = bgo("enqueue", "echo", "--window", CLOSED, "--tz", "UTC").out.strip()
    assert bgo("run", "--json").events[-1]["waiting"]["held"] == {"window": 1}
    told = bgo("explain", task_id)
    assert f"outside {CLOSED} (UTC); needs a time in {CLOSED}" in told.out
    assert "to lift it: wait until it opens: bgo run --watch" in " ".join(told.out.split())
    gates = {gate["gate"]: gate for gate in bgo("explain", task_id, "--json").json["gates"]}
    assert gates["window"]["until"] is not None
    assert f"window {CLOSED} (UTC)" in " ".join(bgo("status", task_id).out.split())
    assert "held 1 by window" in " ".join(bgo("status").out.split())
    assert bgo("enqueue", "echo", "--window", OPEN, "--tz", "UTC", "--run").code == 0


def test_a_dry_run_shows_the_gate(bgo: Bgo) -> None:
    words = ["enqueue", "echo", "--window", CLOSED, "--tz", "UTC", "--dry-run"]
    assert f"window: holds it (outside {CLOSED} (UTC)" in bgo(*words).out
    plan = bgo(*words, "--json").json
    assert (plan["lane"]["window"], plan["options"]["window"]) == (f"{CLOSED} UTC", f"{CLOSED} UTC")
    assert plan["verdict"] == "held by window"
    assert bgo("tasks", "--json").json == []


def test_a_copy_keeps_its_window(bgo: Bgo) -> None:
    first = bgo("enqueue", "echo", "--window", CLOSED, "--tz", "UTC").out.strip()
    assert wish(bgo("enqueue", "--like", first).out.strip()).window == hours(CLOSED)
    assert wish(bgo("enqueue", "--like", first, "--window", "1-2", "--tz", "UTC").out.strip()).window == hours(
        "01:00-02:00"
    )


def members(root: str) -> list[Wish]:
    with TaskFlow() as flow:
        return [task.wish for task in flow.members(root)]


def test_chains_and_batches_give_it_to_each_member(bgo: Bgo, tmp_path: Path) -> None:
    chain = bgo("chain", "c", "a=echo", "b=echo", "--window", CLOSED, "--tz", "UTC")
    assert [one.window for one in members(chain.out.strip())] == [hours(CLOSED)] * 2
    assert chain.err.startswith(f"window {CLOSED} (UTC), opens ")
    items = tmp_path / "items"
    items.write_text("1\n2\n")
    batch = bgo("batch", "echo", "--items", str(items), "--window", CLOSED, "--tz", "UTC")
    assert [one.window for one in members(batch.out.strip())] == [hours(CLOSED)] * 2
    assert batch.err.startswith(f"window {CLOSED} (UTC), opens ")
    for words in (["chain", "c", "echo"], ["batch", "echo", "--items", str(items)]):
        assert bgo(*words, "--tz", "UTC").error[0] == "error: --tz needs --window or --at"
        refused = bgo(*words, "--window", CLOSED, "--tz", "UTC", "--start-before", "1h")
        assert refused.error[0] == "error: start-before comes before the window opens"


def test_a_chain_file_says_windows_for_all_or_for_one_step(bgo: Bgo, tmp_path: Path, named: None) -> None:
    file = tmp_path / "chain.toml"
    file.write_text(
        """name = "c"
[options]
window = "quiet"
tz = "Asia/Tokyo"
at = 2099-01-01T09:00:00
[[step]]
run = "echo"
name = "a"
[[step]]
run = "echo"
name = "b"
window = "9-17@sat"
[[step]]
run = "echo"
name = "c2"
tz = "Europe/Berlin"
"""
    )
    found = bgo("chain", "--file", str(file)).out.strip()
    assert [str(one.window) for one in members(found)] == [
        "22:00-06:00@1,2,3,4,5 Asia/Tokyo",
        "09:00-17:00@6 Asia/Tokyo",
        "22:00-06:00@1,2,3,4,5 Europe/Berlin",
    ]
    with TaskFlow() as flow:
        assert flow.get(found).task.due_at == datetime(2099, 1, 1, tzinfo=UTC).timestamp() * 1000
    file.write_text('name = "c"\n[[step]]\nrun = "echo"\nwindow = "quite"\n')
    refused = bgo("chain", "--file", str(file)).error
    assert refused[0].startswith(f"error: {file}:4: window: not a window: 'quite'")
    assert "did you mean 'quiet'?" in refused[1]


STRICT = ("--window", "9-17", "--tz", "UTC", "--window-strict")


def strict_of(found: list[Wish]) -> list[bool]:
    assert all(wish.window in (hours("09:00-17:00"), None) for wish in found)
    return [wish.window_strict for wish in found]


def test_a_strict_window_is_kept_and_told(bgo: Bgo) -> None:
    done = bgo("enqueue", "echo", *STRICT, "--on-constraint-loss", "cancel")
    task = done.out.strip()
    assert done.err.startswith("window 09:00-17:00 (UTC), open")
    assert "; stopped when it closes" in done.err
    assert "09:00-17:00 (UTC); what runs then is stopped when it closes" in " ".join(bgo("status", task).out.split())
    assert bgo("status", task, "--json").json["options"]["window_strict"] is True
    again = bgo("enqueue", "--like", task, "-q").out.strip()
    assert strict_of([wish(task), wish(again)]) == [True, True]
    plan = bgo("enqueue", "echo", *STRICT, "--dry-run", "--json").json
    assert plan["options"]["window_strict"] is True


def test_chains_batches_and_schedules_take_it(bgo: Bgo, tmp_path: Path) -> None:
    assert strict_of(members(bgo("chain", "c", "a=echo", "b=echo", *STRICT, "-q").lines[0])) == [True, True]
    items = tmp_path / "items"
    items.write_text("1\n")
    assert strict_of(members(bgo("batch", "echo", "--items", str(items), *STRICT, "-q").lines[0])) == [True]
    for words in (
        ["chain", "c", "echo"],
        ["batch", "echo", "--items", str(items)],
        ["schedule", "echo", "--every", "1h"],
    ):
        assert bgo(*words, "--window-strict").error[0] == "error: window-strict needs window"
    file = tmp_path / "chain.toml"
    file.write_text(
        'name = "c"\n[options]\ntz = "UTC"\nwindow_strict = true\n'
        '[[step]]\nrun = "echo"\nname = "a"\nwindow = "9-17"\n'
        '[[step]]\nrun = "echo"\nname = "b"\nwindow = "9-17"\nwindow_strict = false\n[[step]]\nrun = "echo"\n'
    )
    assert strict_of(members(bgo("chain", "--file", str(file), "-q").lines[0])) == [True, False, False]
    file.write_text('name = "c"\n[[step]]\nrun = "echo"\nwindow_strict = true\n')
    assert "window-strict needs window" in bgo("chain", "--file", str(file)).error[0]


def test_a_schedule_says_it_for_all_that_it_makes(bgo: Bgo) -> None:
    def made(schedule: str) -> dict[str, object]:
        with TaskFlow() as flow:
            found: dict[str, object] = json.loads(flow.get_schedule(schedule).makes["task"]["wish"])
            return {key: value for key, value in found.items() if key.startswith("window")}

    kept = {"window": "09:00-17:00 UTC", "window_strict": True}
    schedule = bgo("schedule", "echo", "--every", "1h", *STRICT, "-q").out.strip()
    assert made(schedule) == kept
    bgo("reschedule", schedule, "--every", "2h")
    assert made(schedule) == kept
    bgo("reschedule", schedule, "--window", "none")
    assert made(schedule) == {}
    bgo("reschedule", schedule, "--window", "9-17", "--window-strict")
    assert made(schedule) == kept
    plain = bgo("schedule", "echo", "--every", "1h", *STRICT[:-1], "-q").out.strip()
    bgo("reschedule", plain, "--window-strict")
    assert made(plain) == kept


def test_a_handler_and_python_say_it(bgo: Bgo, bgo_flow: TaskFlow, tmp_path: Path) -> None:
    task = bgo_flow.enqueue("echo", window="9-17", tz="UTC", window_strict=True)
    assert strict_of([bgo_flow.get(task).task.wish]) == [True]
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "import bgo\n"
        "@bgo.task(window='9-17', tz='UTC', window_strict=True)\n"
        "def mine(ctx: bgo.TaskContext) -> None: pass\n"
    )
    here = ("--plugin", str(plugin))
    task = bgo(*here, "enqueue", "mine", "-q").out.strip()
    assert strict_of([wish(task)]) == [True]
    told = " ".join(bgo(*here, "handlers", "show", "mine").out.split())
    assert "09:00-17:00 (UTC); what runs then is stopped when it closes" in told
    assert bgo(*here, "handlers", "show", "mine", "--json").json["defaults"]["window_strict"] is True

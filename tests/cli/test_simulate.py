"""`bgo simulate`: a chart and a table that say what happens, at any width, and change nothing."""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bgo.api import TaskFlow
from bgo.cli import app, chart
from bgo.devices.sensors import Taken
from bgo.model.device import DeviceState, Reading, Tri
from bgo.model.options import TaskConstraints
from bgo.run.simulator import WEEK_MS
from bgo.run.timeline import NeverRan, Segment, SimRun, SimTask, Timeline
from tests.build import START
from tests.cli.conftest import Bgo

CHARGED = TaskConstraints(requires_charging=True)
NOON = "2030-03-05T12:00Z"


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def flow() -> Iterator[TaskFlow]:
    """Return a flow with work of every kind: free, waiting for power one after the other, delayed, paused."""
    with TaskFlow() as found:
        found.enqueue("echo", as_="free")
        for _ in range(3):
            found.enqueue(
                "sleep", {"seconds": 1200}, as_="photos.upload", constraints=CHARGED, concurrency=1, timeout="none"
            )
        found.pause(name="asleep")
        found.enqueue("echo", as_="asleep")
        yield found


@pytest.fixture
def script(tmp_path: Path) -> str:
    path = tmp_path / "night.txt"
    path.write_text("at +0h charging=no\nat +2h charging=yes\n")
    return str(path)


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert app.main(["simulate", *words]) == 0
    return capsys.readouterr().out


def told(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    return json.loads(shown(capsys, *words, "--json"))


def test_the_chart_says_it_in_characters(flow: TaskFlow, script: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "--device", script, "--start", NOON, "--for", "1d")
    assert text.startswith("From Tue 05 Mar 2030 12:00:00 UTC for 1 d;")
    rows = {line.split()[0]: line.split()[1] for line in text.splitlines() if line[:1].isalpha() and len(line) > 70}
    assert set(rows) >= {"charging", "free", "photos.upload", "asleep"}
    assert rows["charging"].strip("±").replace("±", "-").startswith("-" * 40)
    assert rows["charging"].endswith("+++")
    uploads = rows["photos.upload"]
    assert uploads.startswith("░░░░")
    assert uploads.count("!") == 3
    assert "█" in uploads
    assert set(rows["asleep"]) == {"░"}
    assert "tasks: ░ due, but held   █ runs   ! starts a minute or more late" in text
    assert "charging: - no" in text


def test_the_table_and_the_closing_words(flow: TaskFlow, script: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "--device", script, "--start", NOON, "--for", "1d")
    assert "Never starts before Wed 06 Mar 2030 12:00:00 UTC:" in text
    assert "paused: name asleep is paused; needs not paused" in text
    assert "what lifts it: bgo resume asleep" in text
    assert "4 of 5 tasks start; 4 of them a minute or more late, the latest by " in " ".join(text.split())
    assert " ".join(text.split()).endswith("1 never starts.")  # where the line breaks depends on how late that is


def test_the_table_alone(flow: TaskFlow, script: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "--device", script, "--start", "+1m", "--table")
    assert "░" not in text
    (heading,) = (line for line in text.splitlines() if line.startswith("TASK"))
    assert {"NAME", "PLANNED", "STARTS", "DELAY", "HELD"} <= set(heading.split())
    assert sum("photos.u" in line for line in text.splitlines()) == 3


def test_the_table_is_cut_below_the_chart(flow: TaskFlow, capsys: pytest.CaptureFixture[str]) -> None:
    flow.enqueue_many("echo", ({"n": n} for n in range(30)))
    text = shown(capsys, "--charging", "no")
    assert "… and 11 more: --table lists every task" in text
    whole = shown(capsys, "--charging", "no", "--table")
    assert "more: --table" not in whole
    assert whole.count("✓ succeeded") + whole.count(" echo ") >= 30


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("more", [[], ["--table"]], ids=["chart", "table"])
def test_it_fits(
    width: int,
    more: list[str],
    flow: TaskFlow,
    script: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    text = shown(capsys, "--device", script, "--start", NOON, *more)
    assert max(map(len, text.splitlines())) <= width
    assert all(word in text for word in ("photos", "asleep", "tasks start"))
    assert more or "charging  " in text
    assert "\x1b" not in text


def test_json_is_one_documented_object(flow: TaskFlow, script: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, "--device", script, "--start", NOON, "--for", "3h", "--slots", "3", "--seed", "5")
    assert (found["schema"], found["seed"], found["slots"]) == (1, 5, 3)
    assert (found["start_at"], found["until_at"]) == ("2030-03-05T12:00:00.000Z", "2030-03-05T15:00:00.000Z")
    assert [s["charging"]["value"] for s in found["device"]] == ["no", "yes"]
    uploads = [row["started_after_ms"] for row in found["rows"] if row["name"] == "photos.upload"]
    assert uploads == [7_200_000, 8_400_000, 9_600_000]
    assert [row["name"] for row in found["never"]] == ["asleep"]


def test_the_same_start_and_seed_print_the_same_bytes(
    flow: TaskFlow, script: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the script never says is sensed: here the same each time."""
    monkeypatch.setattr("bgo.devices.sensors.Survey.take", lambda *_: Taken(DeviceState(), {}, 0))
    words = ["--device", script, "--start", NOON, "--seed", "3"]
    assert shown(capsys, *words) == shown(capsys, *words)
    assert shown(capsys, *words, "--json") == shown(capsys, *words, "--json")


def test_it_starts_at_a_full_minute_plays_a_week_and_takes_the_sensors_word(
    flow: TaskFlow, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    state = DeviceState(charging=Reading(Tri.NO, "a test battery"))
    monkeypatch.setattr("bgo.devices.sensors.Survey.take", lambda *_: Taken(state, {}, 0))
    found = told(capsys)
    assert found["start_at"].endswith(":00.000Z")
    assert found["device"][0]["charging"] == {"value": "no", "source": "a test battery"}
    assert "All the time: charging no (a test battery)." in shown(capsys)
    assert f"for {WEEK_MS // 86_400_000} d;" in shown(capsys)


def test_nothing_is_changed_or_executed(flow: TaskFlow, capsys: pytest.CaptureFixture[str]) -> None:
    before = list(flow.store.connection.iterdump())
    shown(capsys, "--charging", "yes")
    assert list(flow.store.connection.iterdump()) == before


def test_an_empty_store_is_said_to_be_empty(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["simulate"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("From ")
    assert "nothing to simulate" in captured.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--device", "comuter"], "did you mean 'commuter'?"),
        (["--battery", "120"], "120"),
        (["--network", "wifi"], "'wifi' is not one of none, connected, unmetered, metered, roaming"),
        (["--device", "/no/such/file"], "cannot read /no/such/file"),
        (["--charging", "maybe"], "maybe"),
        (["--for", "0"], "--for"),
        (["--for", "x"], "not a duration"),
        (["--start", "someday"], "not a time"),
        (["--slots", "0"], "0 is not"),
        (["--seed", "x"], "not a whole number"),
    ],
)
def test_what_is_wrong_is_said(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["simulate", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert says in captured.err


def test_a_bad_script_is_refused_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.txt"
    path.write_text("at +0h charging=no\nat +1h charging=perhaps\n")
    assert app.main(["simulate", "--device", str(path)]) == 2
    assert "bad.txt:2" in capsys.readouterr().err


# The chart alone.


def a_row(name: str, *runs: SimRun) -> SimTask:
    return SimTask("0aaaaaaaaaaa", name, "default", runs)


def a_run(start: int, end: int | None, state: str = "succeeded", planned: int | None = None) -> SimRun:
    return SimRun(1, 1, START + (start if planned is None else planned), START + start, {}, end and START + end, state)


def a_timeline(*rows: SimTask, never: tuple[NeverRan, ...] = (), until: int = 100_000) -> Timeline:
    device = (Segment(START, START + until, DeviceState()),)
    return Timeline(START, START + until, 1, 2, rows, never, device)


def cells(timeline: Timeline, name: str, width: int = 109) -> str:
    return next(
        line.plain[9:] for line in chart.chart(timeline, width) if line.plain.startswith(f"{name} ")
    )  # 8 for the label, 1 between, 100 cells


def test_each_mark_stands_where_it_happens() -> None:
    failing = a_row("a", a_run(10_000, 20_000, "retrying"), a_run(90_000, 100_000, planned=20_000))
    row = cells(a_timeline(failing), "a")
    assert row == "·" * 10 + "█" * 10 + "✗" + "░" * 69 + "!" + "█" * 9


def test_what_still_runs_reaches_the_edge() -> None:
    assert cells(a_timeline(a_row("a", a_run(50_000, None, "running"))), "a") == "·" * 50 + "█" * 50


def test_what_never_runs_is_held_to_the_edge() -> None:
    never = NeverRan("0bbbbbbbbbbb", "b", "default", START + 30_000, {}, ())
    row = cells(a_timeline(a_row("a", a_run(0, 100_000)), never=(never,)), "b")
    assert row == "·" * 30 + "░" * 70


def test_the_chart_ends_where_quiet_begins() -> None:
    timeline = a_timeline(a_row("a", a_run(0, 50_000)), until=WEEK_MS)
    lines = [line.plain for line in chart.chart(timeline, 80)]
    assert lines[-1] == "The chart ends at 15:07:31: then all is quiet."
    assert lines[1].count("█") > 65


def test_many_names_are_summed_up() -> None:
    rows = [a_row(f"name{n}", a_run(0, 1000)) for n in range(chart.ROWS + 5)]
    lines = [line.plain for line in chart.chart(a_timeline(*rows), 80)]
    assert "… and 5 more names: --table lists every task" in lines
    assert sum(line.startswith("name") for line in lines) == chart.ROWS


def test_names_are_made_harmless_and_cut() -> None:
    lines = chart.chart(a_timeline(a_row("evil\x1b[31m" + "x" * 90, a_run(0, 1000))), 80)
    assert all(len(line.plain) <= 80 and "\x1b" not in line.plain for line in lines)


def test_a_terminal_without_utf8_gets_plain_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    row = cells(a_timeline(a_row("a", a_run(50_000, None, "running"))), "a")
    assert row == "." * 50 + "#" * 50


def test_a_start_ahead_opens_with_no_backlog_of_schedules(bgo: Bgo) -> None:
    bgo("schedule", "echo", "--every", "1h", "--max-runs", "3")
    (found,) = bgo("simulate", "--start", "+60d", "--for", "1d", "--json").json["schedules"]
    assert found["counts"] == {"fired": 3, "skipped": 0, "missed": 0, "coalesced": 0}

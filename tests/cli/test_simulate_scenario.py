"""`bgo simulate --scenario`, `--compare`, `--plays`, `--svg`: what is printed, written and refused."""

from __future__ import annotations

import io
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from bgo.cli.simulate import REDRAW_MS, _Progress
from bgo.clock import VirtualClock
from tests.cli.conftest import Bgo

TEN = """
device = ["at +0h charging=no network=metered", "at +5h charging=yes network=unmetered"]
start = 2031-01-06T07:00:00Z
for = "1d"

[[task]]
name = "upload"
count = 3
charging = true
takes = "4m"

[[task]]
name = "report"
delay = "2h"

[[task]]
name = "asleep"
device-idle = true
network = "not-roaming"
"""


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "ten.toml"
    path.write_text(TEN)
    return str(path)


def test_a_scenario_is_played_in_place_of_the_store(bgo: Bgo, file: str) -> None:
    bgo("enqueue", "echo", "--as", "mine")
    done = bgo("simulate", "--scenario", file)
    assert done.out.startswith("From Mon 06 Jan 2031 07:00:00 UTC for 1 d; 4 slots, seed 1.")
    assert "5 of 5 tasks start; 3 of them a minute or more late, the latest by 5 h." in done.out
    assert "mine" not in done.out


def test_flags_win_over_the_scenario(bgo: Bgo, file: str) -> None:
    found = bgo("simulate", "--scenario", file, "--for", "4h", "--charging", "yes", "--seed", "8", "--json").json
    assert (found["seed"], found["until_at"]) == (8, "2031-01-06T11:00:00.000Z")
    assert {row["name"]: row["delay_ms"] for row in found["rows"]}["upload"] == 0
    assert (found["profile"], found["ranges"]) == ("host", None)


@pytest.mark.parametrize(
    ("flags", "env", "played"),
    [
        ((), "", "android-14"),
        ((), "android", "android-14"),
        (("--profile", "android"), "", "android"),
        (("--profile", "host"), "android", "host"),
    ],
)
def test_a_profile_on_the_command_line_wins_over_the_file_and_that_over_the_environment(
    flags: tuple[str, ...], env: str, played: str, bgo: Bgo, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(file).write_text(f'profile = "android-14"\n{TEN}')
    if env:
        monkeypatch.setenv("BGO_PROFILE", env)
    assert bgo(*flags, "simulate", "--scenario", file, "--json").json["profile"] == played


def test_two_profiles_beside_each_other(bgo: Bgo, file: str) -> None:
    done = bgo("simulate", "--scenario", file, "--compare", "host")
    assert done.code == 0
    assert done.out.count("Under host. From Mon 06 Jan 2031") == 2
    assert done.out.count("\ncharging ") == 1, "the device is the same, and drawn once"
    (head,) = (line for line in done.lines if line.startswith("NAME"))
    assert head.split() == ["NAME", "PROFILE", "START", "FIRST", "START", "DELAY,", "MEDIAN", "LONGEST", "NEVER"]
    table = done.lines[done.lines.index(head) + 1 :]
    assert [line.split()[0] for line in table] == ["asleep", "host", "report", "host", "upload", "host"]
    assert " ".join(table[4].split()) == "upload host 3 12:00 5 h 5 h 0"
    assert max(map(len, done.text.splitlines())) <= 80


def test_two_profiles_as_json(bgo: Bgo, file: str) -> None:
    found = bgo("simulate", "--scenario", file, "--compare", "host", "--json").json
    assert (found["schema"], found["profiles"], len(found["parts"])) == (1, ["host", "host"], 2)
    assert [row["name"] for row in found["names"]] == ["asleep", "report", "upload"]


def test_several_plays_give_ranges(bgo: Bgo, file: str) -> None:
    done = bgo("simulate", "--scenario", file, "--plays", "3")
    assert "4 slots, 3 plays, seeds 1 to 3." in done.out
    assert "tasks: ▁ runs in few of the plays   ▅ in half   █ in all" in done.out
    assert "Ranges over 3 plays: nobody promises these times, and a task may never run." in done.out
    (upload,) = (line for line in done.lines if line.startswith("upload ") and "12:00 " in line)
    assert " ".join(upload.split()) == "upload 3 12:00 12:00 12:00 5 h -"
    whole = bgo("simulate", "--scenario", file, "--plays", "3", "--table")
    assert "EARLIEST START" in whole.out
    assert "tasks:" not in whole.out
    assert max(map(len, done.text.splitlines() + whole.text.splitlines())) <= 80


def test_a_picture_is_drawn(bgo: Bgo, file: str, tmp_path: Path) -> None:
    path = tmp_path / "week.svg"
    done = bgo("simulate", "--scenario", file, "--compare", "host", "--svg", str(path))
    assert (done.code, done.out, done.err) == (0, "", f"drawn into {path}\n")
    assert ET.parse(path).getroot().tag.endswith("svg")
    first = path.read_bytes()
    bgo("simulate", "--scenario", file, "--compare", "host", "--svg", str(path))
    assert path.read_bytes() == first


def test_a_picture_and_json_together(bgo: Bgo, file: str, tmp_path: Path) -> None:
    done = bgo("simulate", "--scenario", file, "--svg", str(tmp_path / "a.svg"), "--json")
    assert done.json["rows"]
    assert (tmp_path / "a.svg").exists()


def test_a_place_where_nothing_can_be_written(bgo: Bgo, file: str) -> None:
    done = bgo("simulate", "--scenario", file, "--svg", "/no/such/place/a.svg")
    assert done.code == 2
    assert "/no/such/place/a.svg" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--scenario", "/no/such.toml"], "cannot read '/no/such.toml'"),
        (["--compare", "andriod"], "andriod"),
        (["--compare", "host", "--compare", "ios"], "--compare is said twice"),
        (["--seed", "-1"], "-1 is out of range"),
        (["--plays", "0"], "0 is not"),
        (["--plays", "1001"], "1001 is not"),
    ],
)
def test_what_is_wrong_is_said(words: list[str], says: str, bgo: Bgo) -> None:
    done = bgo("simulate", *words)
    assert (done.code > 0, done.out) == (True, "")
    assert says in done.err


def test_a_fault_of_a_scenario_is_told_with_its_line(bgo: Bgo, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text('[[task]]\nname = "t"\nchargin = true\n')
    done = bgo("simulate", "--scenario", str(path))
    assert done.code == 2
    assert f"{path}:3: unknown key 'chargin'" in done.err
    assert "did you mean 'charging'?" in done.err


# Progress.


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_long_play_says_how_far_it_is_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setenv("TERM", "xterm")
    clock = VirtualClock(0)
    with _Progress(clock) as progress:
        progress.tell(0.1)
        assert shown.getvalue() == "", "a short one passes in silence"
        clock.advance_ms(REDRAW_MS)
        progress.tell(0.254)
        progress.tell(0.3)
    assert shown.getvalue() == "\r\x1b[2K25% played\r\x1b[2K"


def test_elsewhere_progress_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    clock = VirtualClock(0)
    with _Progress(clock) as progress:
        clock.advance_ms(10 * REDRAW_MS)
        progress.tell(0.5)
    assert shown.getvalue() == ""

"""Schedule files: what they may say, and that every refusal names FILE:LINE."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.clock import VirtualClock
from bgo.errors import BgoError, UsageError
from bgo.flow import schedule_file
from bgo.flow.schedule_written import WrittenSchedule
from bgo.model.options import RetryPolicy
from bgo.model.window import TimeWindow

CLOCK = VirtualClock(1_790_000_000_000)
WHOLE = """
[nightly]
handler = "files.hash"
cron = "0 3 * * *"
tz = "Europe/Berlin"
window = "off-peak"
jitter = "5m"
missed = "all:500"
overlap = "queue"
start = 2026-12-01
end = 2027-01-01T12:00:00Z
max-runs = 10
pause-after = 3
paused = true
input = { path = "a" }
queue = "low"
priority = "high"
retry = "linear:attempts=3,delay=30s"
timeout = "10m"
tags = ["x"]
dedup = "input"
dedup-ttl = "1h"
start-before = "2h"
finish_before = "3h"
as = "hash-all"
cwd = "data"

["backup"]
command = ["rsync", "-a", "from/", "to/"]
every = "1h"
env = { LEVEL = "3" }

[tool]
handler = "shell"
argv = ["make", "all of it"]
on = ["MON-tue", "wed"]
at = 14:00:00

[report]
chain = "chain.toml"
weekdays-at = "9"

[steps]
steps = ["fetch", "sync+scan", "cleanup"]
monthly-on = 1
at = "00:00"
[steps.input]
deep = true

[photos]
handler = "resize"
items = ["a", { path = "b" }]
field = "path"
then = "tell"
catch = "sorry"
finally = "tidy"
reboot = true

[scan]
every-minutes = 15
"""


def read(text: str, folder: str = "/srv") -> dict[str, WrittenSchedule]:
    found = schedule_file.parse(textwrap.dedent(text), "s.toml", CLOCK, folder=folder)
    return {schedule.key: schedule for schedule in found}


def keywords(text: str) -> Mapping[str, Any]:
    return read(f"[x]\n{text}")["x"].keywords


def test_a_file_says_all_that_a_schedule_can_be() -> None:
    found = read(WHOLE)
    assert [*found] == ["nightly", "backup", "tool", "report", "steps", "photos", "scan"]
    lines = WHOLE.split("\n")
    assert all(lines[s.line - 1].strip('[]"') == key for key, s in found.items())
    nightly = dict(found["nightly"].keywords)
    assert (found["nightly"].name, found["nightly"].is_paused) == ("files.hash", True)
    assert str(nightly.pop("cron")) == "0 3 * * *"
    assert nightly.pop("retry") == RetryPolicy.linear(3, 30)
    assert nightly.pop("timeout").hard_ms == 600_000
    assert nightly.pop("start") == datetime(2026, 12, 1, tzinfo=ZoneInfo("Europe/Berlin"))
    assert nightly.pop("end") == datetime(2027, 1, 1, 12, tzinfo=UTC)
    assert nightly.pop("dedup").ttl_ms == 3_600_000
    assert nightly == {
        "tz": "Europe/Berlin", "window": TimeWindow.OFF_PEAK, "jitter": timedelta(minutes=5), "missed": "all:500",
        "overlap": "queue", "max_runs": 10, "pause_after": 3, "input": {"path": "a"}, "queue": "low", "priority": 10,
        "tags": ["x"], "start_before": timedelta(hours=2), "finish_before": timedelta(hours=3), "as_": "hash-all",
        "cwd": "/srv/data",
    }  # fmt: skip


def test_what_runs_is_a_handler_a_command_a_chain_or_a_batch() -> None:
    found = read(WHOLE)
    backup, tool, report, steps, photos = (found[key] for key in ("backup", "tool", "report", "steps", "photos"))
    assert (backup.name, backup.keywords["argv"]) == ("shell", ("rsync", "-a", "from/", "to/"))
    assert backup.keywords["env"]["LEVEL"] == "3"
    assert backup.keywords["interval"] == timedelta(hours=1)
    assert (tool.name, tool.keywords["argv"], str(tool.keywords["cron"])) == (
        "shell", ("make", "all of it"), "0 14 * * 1,2,3",
    )  # fmt: skip
    assert (report.name, report.chain_file, report.steps, str(report.keywords["cron"])) == (
        "report", "/srv/chain.toml", (), "0 9 * * 1-5",
    )  # fmt: skip
    assert (steps.chain_file, steps.steps) == (None, ("fetch", "sync+scan", "cleanup"))
    assert steps.keywords["input"] == {"deep": True}
    assert photos.name == "photos"
    assert photos.keywords == {
        "reboot": True, "items": ("a", {"path": "b"}), "handler": "resize", "field": "path", "then": "tell",
        "catch": "sorry", "finally_": "tidy",
    }  # fmt: skip
    assert (found["scan"].name, found["scan"].is_paused, found["scan"].folder) == ("scan", None, "/srv")


def test_items_and_paths_begin_at_the_files_folder(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("one\n\ntwo\n")
    (tmp_path / "s.toml").write_text('[x]\nitems = "list.txt"\nevery = "1h"\n[y]\nchain="c.toml"\nevery="1h"\n')
    found = schedule_file.load(tmp_path / "s.toml", CLOCK)
    assert found[0].keywords["items"] == ("one", "two")
    assert found[1].chain_file == str(tmp_path / "c.toml")


def test_a_naive_time_is_local_or_in_the_schedules_zone() -> None:
    assert keywords('every="1h"\nstart=2026-12-01T09:00:00')["start"] == datetime.fromisoformat("2026-12-01T09:00")
    assert keywords('every="1h"\ntz="UTC"\nend="2026-12-01 09:00"')["end"] == datetime(
        2026, 12, 1, 9, tzinfo=ZoneInfo("UTC")
    )


@pytest.mark.parametrize(
    ("text", "line", "message", "help"),
    [
        ('[x]\nevry = "1h"', 2, "unknown key 'evry'", "did you mean 'every'?"),
        ('[x]\nevery = "1h"\ndelay = "1h"', 3, "unknown key 'delay'", ""),
        ('[x]\nevery = "1h"\n\ncron = "@daily"', 4, "every and cron contradict each other", "one of them"),
        ('[a]\nevery="1h"\n[x]\nhandler = "y"', 3, "nothing says when it fires", "daily-at"),
        ('[x]\non = ["MON"]', 2, "on needs at", "on MON,WED at 14:00"),
        ('[x]\nevery-minutes = 7', 2, "every-minutes: cron cannot fire every 7", "--every 7m"),
        ('[x]\nevery-minutes = true', 2, "a number is wanted", "man"),
        ('[x]\nhandler = "a"\ncron = "61 * * * *"', 3, "cron: not a cron expression: minute '61'", "30 9 * *"),
        ('[x]\nevery = "1h"\nhandler = "a"\nchain = "b"', 4, "handler and chain contradict each other", "one of them"),
        ('[x]\nevery = "1h"\nargv = ["a"]', 3, "argv without a handler", "command"),
        ('[x]\nevery = "1h"\ncommand = "a | b"', 3, "a shell would be needed", "sh -c"),
        ('[x]\nevery = "1h"\ncommand = []', 3, "an empty command", "command"),
        ('[x]\nevery = "1h"\ncommand = "a"\nargv = ["b"]', 4, "command and argv contradict each other", "one of them"),
        ('[x]\nevery = "1h"\nsteps = ["a", "b+"]', 3, "not a step: 'b+'", "a+b+c"),
        ('[x]\nevery = "1h"\nsteps = []', 3, "no steps", "steps ="),
        ('[x]\nevery = "1h"\nitems = []', 3, "no items", "at least one"),
        ('[x]\nevery = "1h"\nitems = "/no/such"', 3, "cannot read '/no/such'", ""),
        ('[x]\nevery = "1h"\ncommand = "a"\nitems = ["b"]', 4, "a command for many items", "handler"),
        ('[x]\nevery = "1h"\nthen = "b"', 3, "then without items", "items ="),
        ('[x]\nevery = "1h"\nhandler = "1a"', 3, "not a handler name", ""),
        ('[x]\nevery = "1h"\nas = "1a"', 3, "not a task name", ""),
        ('[x]\nevery = "1h"\ntz = "Europe/Berlni"', 3, "tz: not a time zone", "Europe/Berlin"),
        ('[x]\nevery = "1h"\nmissed = "al"', 3, "missed: missed: not a policy: 'al'", "all"),
        ('[x]\nevery = "1h"\noverlap = "quue"', 3, "overlap: not a policy: 'quue'", "queue"),
        ('[x]\nevery = "1h"\njitter = "-5m"', 3, "jitter: not a duration", ""),
        ('[x]\nevery = "1h"\nmax-runs = 0', 3, "max-runs: not a number of runs: 0", "10"),
        ('[x]\nevery = "1h"\npaused = "yes"', 3, "true or false is wanted", "man"),
        ('[x]\nevery = "1h"\nstart = "tomorrow 9:00"', 3, "start: not a date", "2026-12-24"),
        ('[x]\nevery = "1h"\nstart = 09:00:00', 3, "start: a date or a time is wanted", ""),
        ('[x]\nevery = "1h"\nend = 0001-01-01T00:00:00+23:59', 3, "end: not a date", "2026"),
        ('[x]\nevery = "1h"\nstart-before = 2027-01-01', 3, "start-before: a duration is wanted", "2h"),
        ('[x]\nevery = "1h"\nretry = "lots"', 3, "retry: ", ""),
        ('[x]\nevery = "1h"\ninput = 3', 3, "a table is wanted", ""),
        ('[x]\nevery = "1h"\n[x.input]\nwhen = 2027-01-01', 3, "the input", ""),
        ('[a]\nevery = "1h"\n[1x]\nevery = "1h"', 3, "not a schedule name: '1x'", ""),
        ('x = 3', 1, "'x' is no schedule", "[nightly]"),
        ('[[x]]\nevery = "1h"', 1, "'x' is no schedule", "[nightly]"),
        ('a = { every = "1h" }\nx = { every = "1h", evry = 2 }', 2, "unknown key 'evry'", "'every'"),
        ('[x]\nevery = ', 2, "not TOML", "[nightly]"),
        ('[x]\n[x]', 2, "not TOML", "[nightly]"),
        ("# nothing yet\n", 1, "no schedules", "unschedule"),
        ('[x]\nevery = "1h"\nhandler = """\n[y]\n"""\ncwd = 3', 6, "cwd: a directory is wanted", ""),
    ],
)  # fmt: skip
def test_refusals_name_the_line(text: str, line: int, message: str, help: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(text)
    error = caught.value
    assert error.message.startswith(f"s.toml:{line}: "), error.message
    assert message in error.message
    assert help in f"{error.why} {error.hint}"


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(UsageError, match="cannot read"):
            schedule_file.load(path, CLOCK)
    (tmp_path / "latin.toml").write_bytes(b"# \xe4")
    with pytest.raises(UsageError, match="cannot read"):
        schedule_file.load(tmp_path / "latin.toml", CLOCK)


VALUES = st.sampled_from(
    ['"1h"', '"@daily"', "3", "-1", "true", "[]", '["a"]', "{}", '{a=1}', "2026-12-01", "09:00:00", "1e400", "nan",
     '"\\u0000"', '"a | b"', '"MON"', '""', "9" * 5000, '"' + "9" * 5000 + '"', "0001-01-01T00:00:00+23:59"]
)  # fmt: skip
KEYS = st.sampled_from([*schedule_file.KEYS, "evry", '"a b"'])


@given(st.dictionaries(KEYS, VALUES, max_size=6), st.booleans())
def test_hostile_files_are_read_or_refused_with_their_line(said: dict[str, str], is_timed: bool) -> None:
    rule = {"every": '"1h"'} if is_timed else {}
    text = "[x]\n" + "\n".join(f"{key} = {value}" for key, value in {**rule, **said}.items())
    try:
        assert [*read(text)] == ["x"]
    except BgoError as error:
        assert error.message.startswith("s.toml:")
        assert error.exit_code == 2

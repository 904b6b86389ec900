"""`bgo schedule`: every option, what is echoed, what is kept, what programs read; a look ahead writes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bgo.api import TaskFlow
from tests.cli.conftest import Bgo, When

NOW = "2026-11-25T10:00:00+00:00"
"""A Wednesday; 11:00 in Berlin."""
VIEW_KEYS = """
schema id key name handler kind state reason rule zone window start end jitter_ms missed overlap max_runs pause_after
start_before_ms finish_before_ms failures_in_a_row input argv queue priority tags cwd options steps members items
callbacks source created_at changed_at next_at fires_at last_at counts unfinished
"""
HOUR = ("--every", "1h")


@pytest.fixture(autouse=True)
def _now(when: When) -> None:
    when(NOW)


def kept(words: Any) -> Any:
    """Return what a schedule makes, as the store keeps it."""
    with TaskFlow() as flow:
        return flow.get_schedule(words).makes


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--every", "90s"], "every 1 min 30 s; next Wed 25 Nov 2026 11:00:00 CET (now)"),
        (["--every", "1h30m5s", "--start", "tomorrow 9:00"],
         "every 1 h 30 min 5 s; next Thu 26 Nov 2026 09:00:00 CET (in 22 h)"),
        (["--cron", " 0  9-17 * * mon-fri "], "0 9-17 * * mon-fri in Europe/Berlin; next 11:00:00 CET (now)"),
        (["--cron", "@Daily"], "@Daily in Europe/Berlin; next Thu 26 Nov 2026 00:00:00 CET (in 13 h)"),
        (["@hourly"], "@hourly in Europe/Berlin; next 11:00:00 CET (now)"),
        (["@reboot"], "@reboot; at the next start of this computer"),
        (["--every-minutes", "15"], "*/15 * * * * in Europe/Berlin; next 11:00:00 CET (now)"),
        (["--every-hours", "6"], "0 */6 * * * in Europe/Berlin; next 12:00:00 CET (in 1 h)"),
        (["--daily-at", "09:30"], "30 9 * * * in Europe/Berlin; next Thu 26 Nov 2026 09:30:00 CET (in 22 h)"),
        (["--daily-at", "9am", "--tz", "+05:30"], "0 9 * * * in +05:30; next Thu 26 Nov 2026 04:30:00 CET (in 17 h)"),
        (["--on", "MON,wed", "--on", "friday", "--at", "14:00"],
         "0 14 * * 1,3,5 in Europe/Berlin; next 14:00:00 CET (in 3 h)"),
        (["--weekdays-at", "9"], "0 9 * * 1-5 in Europe/Berlin; next Thu 26 Nov 2026 09:00:00 CET (in 22 h)"),
        (["--weekends-at", "10:00"], "0 10 * * 0,6 in Europe/Berlin; next Sat 28 Nov 2026 10:00:00 CET (in 2 d)"),
        (["--monthly-on", "1", "--at", "0"], "0 0 1 * * in Europe/Berlin; next Tue 01 Dec 2026 00:00:00 CET (in 5 d)"),
        (["--every", "30m", "--window", "off-peak"],
         "every 30 min within 02:00-05:00 in Europe/Berlin; next Thu 26 Nov 2026 02:00:00 CET (in 15 h)"),
        (["--every", "1h", "--start", "14:00", "--end", "fri 18:00", "--max-runs", "3"],
         "every 1 h, 3 times at most, until Fri 27 Nov 2026 18:00:00 CET; next 14:00:00 CET (in 3 h)"),
        (["--daily-at", "9", "--tz", "Asia/Tokyo", "--start", "2026-12-01"],
         "0 9 * * * in Asia/Tokyo; next Tue 01 Dec 2026 01:00:00 CET (in 5 d)"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_what_was_understood_is_echoed_in_local_time(bgo: Bgo, words: list[str], told: str) -> None:
    done = bgo("schedule", "echo", *words)
    assert done.code == 0, done.err
    (schedule_id,) = done.lines
    assert without_today(done.err) == f"{told}\n"
    assert bgo("schedules", "-q").lines == [schedule_id]


def without_today(text: str) -> str:
    return (
        text.replace("Wed 25 Nov 2026 12:", "12:")
        .replace("Wed 25 Nov 2026 14:", "14:")
        .replace("in Europe/Berlin; next Wed 25 Nov 2026 11:", "in Europe/Berlin; next 11:")
    )


def test_jitter_is_echoed_and_the_next_time_has_it(bgo: Bgo) -> None:
    done = bgo("schedule", "echo", "--daily-at", "9", "--jitter", "5m", "--json")
    found = done.json
    assert found["next_at"] == "2026-11-26T08:00:00.000Z"
    assert "2026-11-26T08:00:00.000Z" <= found["fires_at"] < "2026-11-26T08:05:00.000Z"
    assert (
        "0 9 * * * in Europe/Berlin, up to 5 min later; next Thu 26 Nov 2026 09:0"
        in bgo("schedule", "echo", "--daily-at", "9", "--jitter", "5m").err
    )


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["--every", "90s"], {"rule": {"every_ms": 90_000}, "next_at": "2026-11-25T10:00:00.000Z"}),
        (["@weekly"], {"rule": {"cron": "@weekly"}, "next_at": "2026-11-28T23:00:00.000Z"}),
        (["@reboot"], {"rule": {"cron": "@reboot"}, "next_at": None, "fires_at": None}),
        ([*HOUR, "--tz", "UTC"], {"zone": "UTC"}),
        ([*HOUR, "--window", "9-17@mon-fri"], {"window": "09:00-17:00@1,2,3,4,5", "zone": "Europe/Berlin"}),
        ([*HOUR, "--jitter", "10m"], {"jitter_ms": 600_000}),
        ([*HOUR, "--start", "in 2 hours"], dict.fromkeys(("start", "next_at"), "2026-11-25T12:00:00.000Z")),
        ([*HOUR, "--end", "2026-12-24"], {"end": "2026-12-23T23:00:00.000Z"}),
        ([*HOUR, "--max-runs", "7"], {"max_runs": 7}),
        ([*HOUR, "--missed", "skip:15m"], {"missed": "skip:900000ms", "overlap": "skip"}),
        ([*HOUR, "--missed", "all:500"], {"missed": "all:500", "overlap": "queue"}),
        ([*HOUR, "--overlap", "replace"], {"overlap": "replace", "missed": "one"}),
        ([*HOUR, "--pause-after", "3"], {"pause_after": 3}),
        ([*HOUR, "--start-before", "30m", "--finish-before", "2h"],
         {"start_before_ms": 1_800_000, "finish_before_ms": 7_200_000}),
        ([*HOUR, "--key", "k"], {"key": "k", "outcome": "added", "state": "active", "reason": ""}),
        ([*HOUR, "--queue", "low", "--priority", "high", "--tag", "a", "--tag", "b"],
         {"queue": "low", "priority": 10, "tags": ["a", "b"]}),
        (["message=hi", "-i", "n:=1", "--input", '{"n": 0, "x": null}', *HOUR],
         {"input": {"n": 1, "x": None, "message": "hi"}}),
        ([*HOUR, "--as", "hello"], {"name": "hello", "handler": "echo"}),
        ([*HOUR, "--", "ls", "-l"], {"argv": ["ls", "-l"]}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_every_option_is_kept(bgo: Bgo, words: list[str], wanted: dict[str, Any]) -> None:
    found = (
        bgo("schedule", "echo", *words, "--json").json
        if "--" not in words
        else bgo("schedule", "echo", "--json", *words).json
    )
    assert {name: found[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["--timeout", "30s/60s"], {"timeout": {"soft_ms": 30_000, "hard_ms": 60_000}}),
        (["--charging"], {"constraints": {"requires_charging": True}}),
        (["--at-most-once"], {"at_most_once": True}),
        (["--concurrency", "3:lifo", "--concurrency-key", "api"], {"concurrency": {"key": "api"}}),
        (["--rate", "10/1m", "--rate-key", "calls"], {"rate": {"key": "calls"}}),
        (["--dedup", "input", "--dedup-ttl", "5m"], {"dedup": {"ttl_ms": 300_000}}),
        (["--unique", "nightly", "--unique-policy", "replace"], {"unique": {"policy": "replace"}}),
        (["--retry", "exponential:attempts=5,delay=10s"], {"retry": {"max_attempts": 5}}),
        (["--window", "22-6"], {"window": {}}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_goes_to_each_task_is_kept_as_enqueue_keeps_it(
    bgo: Bgo, words: list[str], wanted: dict[str, dict[str, Any]]
) -> None:
    (name,) = wanted
    task = bgo("enqueue", "echo", *words, "-q").lines[0]
    options = bgo("status", task, "--json").json["options"]
    schedule = bgo("schedule", "echo", *HOUR, *words, "-q").lines[0]
    wish = json.loads(kept(schedule)["task"]["wish"])
    assert wish == {key: value for key, value in options.items() if key in wish}
    assert name in wish


def test_where_it_runs_and_what_it_finds_there(bgo: Bgo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLOUR", "red")
    words = ["--cwd", str(tmp_path), "--env", "COLOUR", "--env", "N=1", "-q", "--", "env"]
    made = kept(bgo("schedule", "shell", *HOUR, *words).lines[0])["task"]
    assert made["cwd"] == str(tmp_path)
    assert {"COLOUR": "red", "N": "1"}.items() <= made["setup"]["env"].items()
    assert (made["name"], made["setup"]["argv"]) == ("env", ["env"])


def test_it_comes_after_a_task_that_is_there(bgo: Bgo) -> None:
    task = bgo("enqueue", "echo", "-q").lines[0]
    for word in (task, task[:5], "@last"):
        schedule = bgo("schedule", "echo", *HOUR, "--after", word, "-q").lines[0]
        assert kept(schedule)["task"]["after"] == [task]
    done = bgo("schedule", "echo", *HOUR, "--after", "4zzz", "--key", "never")
    assert (done.code, done.error[0]) == (3, "error: no task 4zzz")
    assert len(bgo("schedules", "-q").lines) == 3


def test_the_object_is_as_documented(bgo: Bgo) -> None:
    found = bgo("schedule", "echo", "message=hi", *HOUR, "--key", "k", "--json").json
    assert list(found) == [*VIEW_KEYS.split(), "outcome"]
    assert found["counts"] == {"fired": 0, "skipped": 0, "missed": 0, "coalesced": 0}
    assert (found["schema"], found["kind"], found["unfinished"], found["source"]) == (1, "task", [], None)
    assert found["created_at"] == found["changed_at"] == "2026-11-25T10:00:00.000Z"
    changed = bgo("reschedule", "k", "--every", "2h", "--json").json
    assert list(changed) == VIEW_KEYS.split()
    assert changed["rule"] == {"every_ms": 7_200_000}


def test_quiet_is_the_id_alone(bgo: Bgo) -> None:
    done = bgo("schedule", "echo", *HOUR, "-q")
    assert (len(done.lines), done.err) == (1, "")
    assert done.lines == bgo("schedules", "-q").lines


def test_a_key_is_set_again_not_doubled(bgo: Bgo, when: When) -> None:
    first = bgo("schedule", "echo", "n:=1", *HOUR, "--key", "k")
    (schedule_id,) = first.lines
    when("2026-11-25T10:20:00+00:00")
    same = bgo("schedule", "echo", "n:=1", *HOUR, "--key", "k")
    assert (same.lines, same.err) == (
        [schedule_id], "unchanged: every 1 h; due since Wed 25 Nov 2026 11:00:00 CET (20 min ago)\n",
    )  # fmt: skip
    assert bgo("schedule", "echo", "n:=1", *HOUR, "--key", "k", "--json").json["outcome"] == "unchanged"
    other = bgo("schedule", "echo", "n:=2", *HOUR, "--key", "k", "--json").json
    assert (other["id"], other["outcome"], other["input"]) == (schedule_id, "changed", {"n": 2})
    assert (other["created_at"], other["changed_at"]) == ("2026-11-25T10:00:00.000Z", "2026-11-25T10:20:00.000Z")
    moved = bgo("schedule", "echo", "n:=2", "--daily-at", "9", "--key", "k")
    assert moved.err == "changed: 0 9 * * * in Europe/Berlin; next Thu 26 Nov 2026 09:00:00 CET (in 21 h)\n"
    bgo("schedule", "sleep", "seconds=0", *HOUR, "--key", "k", "-q")
    (now,) = bgo("schedules", "--json").json
    assert (now["id"], now["name"], now["input"]) == (schedule_id, "sleep", {"seconds": 0.0})


@pytest.mark.parametrize(
    "words",
    [["--every", "1h"], ["@reboot"], ["--cron", "*/5 * * * *"], ["--steps", "echo sleep", "--every", "1h"]],
    ids=" ".join,
)
def test_a_dry_run_writes_nothing(bgo: Bgo, words: list[str]) -> None:
    done = bgo("schedule", "echo", *words, "--dry-run")
    assert (done.code, done.lines[0]) == (0, "nothing was written")
    assert bgo("schedules", "-q").lines == []


def test_a_dry_run_tells_what_would_come(bgo: Bgo) -> None:
    done = bgo("schedule", "echo", "message=hi", "--daily-at", "9:30", "--key", "k", "--cwd", "/", "--dry-run")
    assert (
        done.text
        == """\
nothing was written
key      k
makes    task echo
fires    30 9 * * * in Europe/Berlin
missed   one: fires once for all that was missed
overlap  skip: while an earlier one is unfinished, nothing is made
input    {"message": "hi"}
options  timeout warns after 4 min, killed after 5 min
runs in  /
NEXT                            FIRES
Thu 26 Nov 2026 09:30:00 +0100  in 22 h
Fri 27 Nov 2026 09:30:00 +0100  in 1 d
Sat 28 Nov 2026 09:30:00 +0100  in 2 d
Sun 29 Nov 2026 09:30:00 +0100  in 3 d
Mon 30 Nov 2026 09:30:00 +0100  in 4 d
"""
    )
    found = bgo("schedule", "echo", "message=hi", "--daily-at", "9:30", "--dry-run", "--json").json
    assert list(found)[:6] == ["schema", "outcome", "key", "name", "kind", "handler"]
    assert list(found)[-2:] == ["coming", "makes"]
    assert set(found) - {"outcome", "coming", "makes", "profile", "changes", "findings"} < set(VIEW_KEYS.split())
    assert [each["at"][:16] for each in found["coming"]][:2] == ["2026-11-26T08:30", "2026-11-27T08:30"]
    assert found["makes"]["task"]["input"] == {"message": "hi"}
